import assert from "node:assert/strict";
import { NotFoundError } from "../../../lib/base/errors.ts";
import { encodeUtf8 } from "../../../lib/base/json_text.ts";
import {
  findChunkLogs,
  foundParts,
  partPath,
  sharedDictionary,
} from "../../../lib/aggregate/shards/shard_files.ts";
import { temporaryDirectory } from "../../support/fixtures.ts";

const HEADER = {
  fingerprint: "ab".repeat(32),
  graphHeaderText: encodeUtf8("{}"),
  pipelineGraphFrame: new Uint8Array(0),
};
const FILE = `${"ab".repeat(8)}.dictionary`;

function names(path: string): string[] {
  return [...Deno.readDirSync(path)].map(({ name }) => name).sort();
}

Deno.test("sharedDictionary() gives everybody the dictionary of whoever was first", async () => {
  await using work = await temporaryDirectory();
  // All have found none and made their own before the first one is there.
  const gate = Promise.withResolvers<void>();
  const made = [1, 2, 3].map((n) =>
    sharedDictionary(work.path, HEADER, async () => {
      await gate.promise;
      return new Uint8Array(20).fill(n);
    })
  );
  gate.resolve();
  const [first, ...others] = await Promise.all(made);
  for (const other of others) assert.deepEqual(other, first);
  const late = await sharedDictionary(work.path, HEADER, () => assert.fail("there is one"));
  assert.deepEqual(late, first);
  assert.deepEqual(names(work.path), [FILE]);
  // Another graph has its own.
  const foreign = { ...HEADER, fingerprint: "cd".repeat(32) };
  const own = new Uint8Array(20).fill(9);
  assert.deepEqual(await sharedDictionary(work.path, foreign, () => Promise.resolve(own)), own);
});

Deno.test("sharedDictionary() replaces a file that says nothing", async () => {
  await using work = await temporaryDirectory();
  const own = new Uint8Array(20).fill(7);
  await sharedDictionary(work.path, HEADER, () => Promise.resolve(new Uint8Array(20)));
  Deno.truncateSync(work.join(FILE), 40);
  assert.deepEqual(await sharedDictionary(work.path, HEADER, () => Promise.resolve(own)), own);
  const late = await sharedDictionary(work.path, HEADER, () => assert.fail("there is one"));
  assert.deepEqual(late, own);
  assert.deepEqual(names(work.path), [FILE]);
});

Deno.test("foundParts() finds what other processes write, and nothing else", async () => {
  await using work = await temporaryDirectory();
  const log = work.join("1.chunks");
  const own = partPath(log);
  const lost = work.join("1.chunks.part-elsewhere-7-00c0ffee");
  for (const path of [own, lost, log, work.join("11.chunks"), work.join("1.chunks.lock")]) {
    Deno.writeTextFileSync(path, "");
  }
  assert.deepEqual(foundParts(log), [own, lost].sort());
  assert.notEqual(partPath(log), own);
});

Deno.test("findChunkLogs() expands patterns, each file once and in order", async () => {
  await using work = await temporaryDirectory();
  for (const name of ["10.chunks", "2.chunks", "2.chunks.part-x", "a+b.chunks", "[x].chunks"]) {
    Deno.writeTextFileSync(work.join(name), "");
  }
  const find = (...patterns: string[]) =>
    findChunkLogs(patterns.map((pattern) => work.join(pattern)))
      .map((path) => path.slice(work.path.length + 1));
  assert.deepEqual(find("?.chunks", "2.chunks", "1*"), ["2.chunks", "10.chunks"]);
  assert.deepEqual(find("2.*"), ["2.chunks", "2.chunks.part-x"]);
  assert.deepEqual(find("a+*.chunks"), ["a+b.chunks"]);
  assert.deepEqual(find("[x]*"), ["[x].chunks"]);
  assert.deepEqual(find("none*"), []);
  assert.throws(() => find("3.chunks"), NotFoundError);
  assert.throws(() => find("nowhere/*.chunks"), NotFoundError);
});
