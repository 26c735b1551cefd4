/** Locks of processes that have the same number, each in a PID namespace of its own, as in containers. */

import assert from "node:assert/strict";
import { PROJECT, temporaryDirectory } from "../support/fixtures.ts";

const UNSHARE = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--uts"];

/** A process of a container whose host has its own name. */
function inContainer(host: string, ...args: string[]): Deno.Command {
  const script = `hostname ${host} && "$@"; exit $?`;
  const deno = [Deno.execPath(), "run", "-A", `${PROJECT}/tests/crash/lock_holder_main.ts`];
  return new Deno.Command(UNSHARE[0], {
    args: [...UNSHARE.slice(1), "sh", "-c", script, "sh", ...deno, ...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  });
}

function isPermitted(): boolean {
  try {
    const [command, ...args] = [...UNSHARE, "hostname", "test"];
    return new Deno.Command(command, { args, stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

async function run(
  command: Deno.Command,
): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = command.spawn();
  await child.stdin.close();
  const { code, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

Deno.test({
  name: "the lock of a process killed in a container is taken over in the next, not while it runs",
  ignore: !isPermitted(),
  fn: async () => {
    await using work = await temporaryDirectory();
    const path = work.join("out.qg");
    const killed = await run(inContainer("pod-1", path, "die"));
    assert.notEqual(killed.code, 0);
    const lock = JSON.parse(Deno.readTextFileSync(`${path}.lock`));
    const holder = inContainer("pod-2", path, "stay").spawn();
    const { value } = await holder.stdout.pipeThrough(new TextDecoderStream()).getReader().read();
    // Both have the same number, and so has the third: that says nothing.
    assert.equal(Number(value), lock.pid);
    const refused = await run(inContainer("pod-3", path));
    assert.match(refused.stderr, /holds/);
    assert.equal(refused.stdout, "");
    await holder.stdin.close();
    await holder.status;
    await holder.stderr.cancel();
    const last = await run(inContainer("pod-3", path));
    assert.equal(last.code, 0, last.stderr);
    assert.deepEqual([...Deno.readDirSync(work.path)], []);
  },
});
