/** What becomes of copies of remote files. */

import assert from "node:assert/strict";
import { copyHere } from "../../../lib/storage/remote/local_copy.ts";
import { temporaryDirectory } from "../../support/fixtures.ts";
import { MemorySource } from "../../support/sources.ts";

const BYTES = new TextEncoder().encode("content");

function namesIn(path: string): string[] {
  return Array.from(Deno.readDirSync(path), ({ name }) => name).sort();
}

/** Runs a program that makes a copy and is killed. */
async function leaveCopy(folder: string): Promise<void> {
  const module = import.meta.resolve("../../../lib/storage/remote/local_copy.ts");
  const program = `const { copyHere } = await import(${JSON.stringify(module)});
    const source = { name: "x", size: 1, read: () => Promise.resolve(new Uint8Array(1)), close() {} };
    await copyHere(source, "x.qg", { get: (name) => name === "TMPDIR" ? ${
    JSON.stringify(folder)
  } : undefined });
    Deno.kill(Deno.pid, "SIGKILL");`;
  const { signal } = await new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      "--no-check",
      "--config",
      new URL("../../../deno.json", import.meta.url).pathname,
      program,
    ],
  }).output();
  assert.equal(signal, "SIGKILL");
}

Deno.test("a copy is removed when it is disposed of", async () => {
  await using work = await temporaryDirectory();
  const env = { get: (name: string) => name === "LSST_RESOURCES_TMPDIR" ? work.path : undefined };
  {
    using copy = await copyHere(new MemorySource(BYTES), "a.qg", env);
    assert.ok(copy.path.startsWith(`${work.path}/provgraph-copy-`) && copy.path.endsWith("/a.qg"));
    assert.deepEqual(Deno.readFileSync(copy.path), BYTES);
  }
  assert.deepEqual(namesIn(work.path), []);
});

Deno.test("the copy of a killed process is removed by the next, that of a living one isn't", async () => {
  await using work = await temporaryDirectory();
  const env = { get: (name: string) => name === "TMPDIR" ? work.path : undefined };
  await leaveCopy(work.path);
  const [left] = namesIn(work.path);
  // Neither has a lock: somebody else's, or one that is just being made.
  Deno.mkdirSync(work.join("provgraph-copy-unlocked"));
  Deno.mkdirSync(work.join("another"));
  using first = await copyHere(new MemorySource(BYTES), "a.qg", env);
  using second = await copyHere(new MemorySource(BYTES), "b.qg", env);
  const names = namesIn(work.path);
  assert.equal(names.length, 4, names.join());
  assert.ok(!names.includes(left));
  for (const { path } of [first, second]) assert.deepEqual(Deno.readFileSync(path), BYTES);
});
