/** Scans of shards, and aggregations that take them over: as one process would have done it. */

import assert from "node:assert/strict";
import { concatBytes } from "../../lib/base/bytes.ts";
import { parseChunkLogHeader } from "../../lib/chunks/header.ts";
import { readChunks } from "../../lib/chunks/framing.ts";
import { FileSource } from "../../lib/storage/file_source.ts";
import { assertGraphEqual, assertStateEqual } from "../support/compare.ts";
import { dumpGraph } from "../support/dump_graph.ts";
import { dumpState, type RepositoryState } from "../support/dump_state.ts";
import {
  expectedJson,
  expectProvgraph,
  runProvgraph,
  type TemporaryDirectory,
} from "../support/fixtures.ts";
import { assertMatchesSchema } from "../support/json_schema.ts";
import {
  assertOneError,
  assertRefused,
  copyOfFixture,
  removeUnpacked,
  replaceFile,
} from "./support.ts";
import {
  CHUNK_LOG_MAGIC,
  chunkSize,
  ChunkType,
  readChunkPrefix,
} from "../../lib/chunks/chunk_format.ts";

const CASE = "small-mixed";

function scanArgs(shard: string, chunks: string): string[] {
  return ["scan", "predicted.qg", "repo", "--shard", shard, "--chunks", chunks, "-j", "1"];
}

async function scan(work: TemporaryDirectory, shard: string, chunks: string, isProcess = false) {
  return await expectProvgraph(scanArgs(shard, chunks), { cwd: work.path, isProcess });
}

async function aggregate(work: TemporaryDirectory, ...more: string[]) {
  return await expectProvgraph(
    ["aggregate-graph", "predicted.qg", "repo", "-o", "out.qg", "-j", "2", ...more],
    { cwd: work.path },
  );
}

/** Graph and repository are what the reference makes in one process. */
async function assertAsReference(work: TemporaryDirectory): Promise<void> {
  assertGraphEqual(await dumpGraph(work.join("out.qg")), expectedJson(CASE, "provenance.graph"));
  assertStateEqual(
    dumpState(work.repo),
    expectedJson(CASE, "aggregated.state") as unknown as RepositoryState,
    "state",
  );
}

/** Dictionary in the header of a chunk log. */
function dictionaryOf(path: string): string {
  using source = FileSource.open(path);
  for (const chunk of readChunks(source, () => assert.fail(`${path} is damaged`))) {
    assert.equal(chunk.type, ChunkType.HEADER);
    return parseChunkLogHeader(chunk.head, chunk.body, path).dictionary.join();
  }
  return assert.fail(`${path} has no header`);
}

/** A chunk log with its first scan chunks only, and the beginning of the next one. */
function tear(path: string, nWhole: number): Uint8Array {
  const bytes = Deno.readFileSync(path);
  const parts: Uint8Array[] = [CHUNK_LOG_MAGIC];
  let n = -1; // the header comes first
  for (let at = CHUNK_LOG_MAGIC.length; at < bytes.length;) {
    const place = readChunkPrefix(bytes, at, at)!;
    const size = chunkSize(place.headSize, place.bodySize);
    if (n++ === nWhole) return concatBytes([...parts, bytes.subarray(at, at + size - 5)]);
    parts.push(bytes.subarray(at, at + size));
    at += size;
  }
  return assert.fail(`${path} has only ${n} chunks`);
}

function namesIn(path: string): string[] {
  return [...Deno.readDirSync(path)].map(({ name }) => name).sort();
}

Deno.test("shards in any order, some missing, one twice, one torn: as one process", async () => {
  await using work = await copyOfFixture(CASE, "before");
  for (const i of [3, 0, 2]) await scan(work, `${i}/5`, `shards/${i}.chunks`);
  await scan(work, "2/5", "shards/2-again.chunks");
  replaceFile(work.join("shards/0.chunks"), tear(work.join("shards/0.chunks"), 2));
  const { stderr } = await aggregate(work, "--chunks", "shards/*.chunks");
  assert.match(stderr, /shards\/0\.chunks": bytes \d+ to \d+ are an unfinished chunk/);
  assert.match(stderr, /Merged 4 chunk logs with \d+ quanta; [1-9]\d* chunks were there twice/);
  assert.match(stderr, /, 0 were compressed anew/);
  assert.match(stderr, /[1-9]\d* taken from the chunk log/);
  await assertAsReference(work);
});

Deno.test("all shards at once share one dictionary, and nothing is compressed anew", async () => {
  await using work = await copyOfFixture(CASE, "before");
  const shards = [0, 1, 2, 3];
  await Promise.all(shards.map((i) => scan(work, `${i}/4`, `shards/${i}.chunks`, true)));
  const dictionaries = shards.map((i) => dictionaryOf(work.join(`shards/${i}.chunks`)));
  assert.equal(new Set(dictionaries).size, 1);
  assert.ok(dictionaries[0].length > 1000);
  // Unquoted, the shell has named the files.
  const files = shards.map((i) => `shards/${i}.chunks`);
  const { stderr, stdout } = await aggregate(work, "--json", "--chunks", ...files);
  const summary = JSON.parse(stdout);
  assertMatchesSchema("aggregate-graph", summary);
  assert.deepEqual(summary.merged, {
    n_chunk_logs: 4,
    n_quanta: 24,
    n_repeated: 0,
    n_recompressed: 0,
    n_empty: 0,
    n_damages: 0,
  });
  // Every quantum that succeeded comes from a shard: only the other three left files to look at.
  assert.match(stderr, /Merged 4 chunk logs with 24 quanta; 0 chunks .* 0 were compressed anew/);
  assert.match(stderr, /24 taken from the chunk log/);
  assert.match(stderr, /Read 3 files/);
  await assertAsReference(work);
});

Deno.test("one shard scanned by two processes at once leaves one sound chunk log", async () => {
  await using work = await copyOfFixture(CASE, "before");
  await Promise.all([1, 2].map(() => scan(work, "0/1", "shards/all.chunks", true)));
  assert.deepEqual(namesIn(work.join("shards")).filter((n) => !n.endsWith(".dictionary")), [
    "all.chunks",
  ]);
  const { stdout } = await expectProvgraph(["check", "shards/all.chunks"], { cwd: work.path });
  assert.match(stdout, /no problems/);
  await aggregate(work, "--chunks", "shards/all.chunks");
  await assertAsReference(work);
});

Deno.test("a scan opens no database", async () => {
  await using work = await copyOfFixture(CASE, "before");
  Deno.renameSync(work.join("repo/gen3.sqlite3"), work.join("away"));
  const { stdout } = await scan(work, "0/2", "0.chunks");
  assert.equal(stdout, "");
  Deno.renameSync(work.join("away"), work.join("repo/gen3.sqlite3"));
  await aggregate(work, "--chunks", "0.chunks");
  await assertAsReference(work);
});

Deno.test("a scan goes on from what a killed one of the same shard has left, and clears it up", async () => {
  await using work = await copyOfFixture(CASE, "before");
  await scan(work, "0/2", "shards/0.chunks");
  const part = work.join("shards/0.chunks.part-lost-node-17-0a1b2c3d");
  Deno.writeFileSync(part, tear(work.join("shards/0.chunks"), 4));
  Deno.removeSync(work.join("shards/0.chunks"));
  const { stdout } = await expectProvgraph([...scanArgs("0/2", "shards/0.chunks"), "--json"], {
    cwd: work.path,
  });
  const summary = JSON.parse(stdout);
  assertMatchesSchema("scan", summary);
  assert.equal(summary.n_quanta, 27);
  assert.equal(summary.n_reused, 4);
  assert.ok(summary.n_successful > 4);
  assert.equal(summary.chunks, work.join("shards/0.chunks"));
  assert.deepEqual(namesIn(work.join("shards")).filter((n) => !n.endsWith(".dictionary")), [
    "0.chunks",
  ]);
  const again = await expectProvgraph(
    [...scanArgs("0/2", "shards/0.chunks"), "--json", "--no-resume"],
    { cwd: work.path },
  );
  assert.equal(JSON.parse(again.stdout).n_reused, 0);
  await aggregate(work, "--chunks", "shards/*.chunks");
  await assertAsReference(work);
});

Deno.test("what a shard has found is not used when the files have changed since", async () => {
  await using work = await copyOfFixture(CASE, "before");
  await scan(work, "0/1", "all.chunks");
  // One metadata file is gone: its quantum looks failed now, and what follows is blocked.
  const removed = [...walk(work.repo)].find((path) =>
    /calibrate_metadata\/.*\/calibrate_metadata_.*_2_/.test(path)
  );
  Deno.removeSync(removed ?? assert.fail("no metadata file is found"));
  const { stderr } = await aggregate(work, "--chunks", "all.chunks");
  assert.match(stderr, /: 53 quanta: \d+ SUCCESSFUL, 7 FAILED/);
});

function* walk(directory: string): Generator<string> {
  for (const entry of Deno.readDirSync(directory)) {
    const path = `${directory}/${entry.name}`;
    if (entry.isDirectory) yield* walk(path);
    else yield path;
  }
}

Deno.test("a broken file is told by the scan with exit code 3, and by the aggregation again", async () => {
  await using work = await copyOfFixture(CASE, "before");
  const log = [...walk(work.repo)].find((path) => path.includes("/calibrate_log/"));
  replaceFile(log ?? assert.fail("no log is found"), "[{]");
  const result = await runProvgraph([...scanArgs("0/1", "all.chunks"), "--json"], {
    cwd: work.path,
  });
  assert.equal(result.code, 3, result.stderr);
  const summary = JSON.parse(result.stdout);
  assertMatchesSchema("scan", summary);
  assert.equal(summary.n_broken_files, 1);
  assert.equal(summary.problems[0].task_label, "calibrate");
  const merged = await runProvgraph(
    ["aggregate-graph", "predicted.qg", "repo", "-o", "out.qg", "--chunks", "all.chunks"],
    { cwd: work.path },
  );
  assert.equal(merged.code, 3, merged.stderr);
  const strict = await runProvgraph([...scanArgs("0/1", "all.chunks"), "--strict"], {
    cwd: work.path,
  });
  assert.equal(strict.code, 1);
  assertOneError(strict, /Cannot use file/);
});

Deno.test("chunk logs that can't be merged are refused, empty ones are scanned over", async () => {
  await using work = await copyOfFixture(CASE, "before");
  await using other = await copyOfFixture("small-ok", "before");
  await scan(other, "0/2", "foreign.chunks");
  await scan(work, "0/2", "shards/0.chunks");
  Deno.copyFileSync(other.join("foreign.chunks"), work.join("shards/x.chunks"));
  const args = ["aggregate-graph", "predicted.qg", "repo", "-o", "out.qg", "--chunks"];
  await assertRefused(work, [...args, "shards/*.chunks"], /x\.chunks": it belongs to another/);
  Deno.writeTextFileSync(work.join("shards/x.chunks"), "something else");
  await assertRefused(work, [...args, "shards/*.chunks"], /x\.chunks": .*magic bytes/);
  await assertRefused(work, [...args, "shards/1.chunks"], /1\.chunks": it is not there/);
  await assertRefused(work, [...args, "shard/*.chunks"], /Cannot read directory ".*\/shard"/);
  await assertRefused(
    work,
    [...args.slice(0, 3), "--chunks", "shards/0.chunks"],
    /Cannot merge chunk logs/,
  );
  // The chunk log of another graph under the same name is not overwritten either.
  Deno.copyFileSync(other.join("foreign.chunks"), work.join("shards/1.chunks"));
  await assertRefused(work, scanArgs("1/2", "shards/1.chunks"), /belongs to another/);
  Deno.copyFileSync(other.join("foreign.chunks"), work.join("foreign.chunks"));
  await assertRefused(work, scanArgs("1/2", "foreign.chunks"), /belongs to another/);
  Deno.writeFileSync(work.join("shards/x.chunks"), CHUNK_LOG_MAGIC.subarray(0, 5));
  Deno.removeSync(work.join("shards/1.chunks"));
  const { stderr } = await aggregate(work, "--chunks", "shards/*.chunks");
  assert.match(stderr, /x\.chunks" has no sound header; its quanta are scanned again/);
  await assertAsReference(work);
});

Deno.test("a pattern that nothing matches is told, and everything is scanned", async () => {
  await using work = await copyOfFixture(CASE, "before");
  Deno.mkdirSync(work.join("shards"));
  const { stderr } = await aggregate(work, "--chunks", "shards/*.chunks");
  assert.match(stderr, /WARNING: No chunk log that says anything was found/);
  await assertAsReference(work);
});

Deno.test("shards that can't be are refused with the reason", async () => {
  const cases: [shard: string, message: RegExp][] = [
    ["1", /look like "0\/16"/],
    ["a/b", /look like/],
    ["2/2", /the last of 2 is 1/],
    ["0/0", /1 to 100000/],
    ["-1/2", /look like/],
  ];
  for (const [shard, message] of cases) {
    const result = await runProvgraph(scanArgs(shard, "x.chunks"));
    assert.equal(result.code, 2, shard);
    assertOneError(result, message);
  }
  const missing = await runProvgraph(["scan", "a.qg", "repo", "--shard", "0/1"]);
  assert.equal(missing.code, 2);
  assertOneError(missing, /required option '--chunks/);
});

Deno.test.afterAll(removeUnpacked);
