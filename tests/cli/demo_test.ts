/** The demo, as a newcomer runs it. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { IS_BINARY, PROJECT, temporaryDirectory } from "../support/fixtures.ts";

async function deno(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: PROJECT,
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

const ofSource = { ignore: IS_BINARY };

Deno.test(
  "the demo works, and the commands that it prints can be typed again",
  ofSource,
  async () => {
    await using work = await temporaryDirectory();
    const folder = work.join("demo");
    const demo = ["run", "-A", join(PROJECT, "tests", "demo.ts"), folder];
    const { code, stdout, stderr } = await deno(...demo);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /was ingested before; there was nothing left to do/);
    assert.match(stdout, /étendue\nsecond line of the message/);
    assert.match(stdout, /^status +FAILED$/m);
    const commands = stdout.split("\n").filter((line) => line.startsWith("$ deno "));
    assert.equal(commands.length, 6);
    for (const command of commands.slice(-4)) {
      const again = await deno(...command.slice("$ deno ".length).split(" "));
      assert.equal(again.code, 0, `${command}\n${again.stderr}`);
      assert.ok(stdout.includes(again.stdout));
    }
    // What was aggregated and ingested isn't taken for a run that failed.
    const first = await deno(...commands[0].slice("$ deno ".length).split(" "));
    assert.equal(first.code, 2);
    assert.match(first.stderr, /holds run_provenance/);
    const second = await deno(...demo);
    assert.equal(second.code, 1);
    assert.match(second.stderr, /it is not empty/);
  },
);
