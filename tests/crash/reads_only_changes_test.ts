/** What a later run reads of the files that an earlier one has read. */

import assert from "node:assert/strict";
import { dumpGraph } from "../support/dump_graph.ts";
import {
  expectProvgraph,
  RUN,
  type TemporaryDirectory,
  temporaryDirectory,
} from "../support/fixtures.ts";
import { assertGraph, assertState } from "../conformance/harness.ts";
import { readChunks } from "../../lib/chunks/framing.ts";
import { concatBytes } from "../../lib/base/bytes.ts";
import { FileSource } from "../../lib/storage/file_source.ts";
import { executedSince } from "./jobs.ts";
import {
  CHUNK_LOG_MAGIC,
  CHUNK_PREFIX_SIZE,
  chunkSize,
  ChunkType,
  makeChunk,
} from "../../lib/chunks/chunk_format.ts";

const FIXTURE = "small-ok";
const COMPLETE = ["aggregate-graph", "predicted.qg", "repo", "-o", "provenance.qg", "-j", "2"];

/** The number of log and metadata files that a run says it has read. */
async function nFilesRead(work: TemporaryDirectory, ...flags: string[]): Promise<number> {
  const { stderr } = await expectProvgraph([...COMPLETE, ...flags], { cwd: work.path });
  const match = /Read (\d+) files \(/.exec(stderr);
  assert.ok(match !== null, stderr);
  return Number(match[1]);
}

/** Log and metadata files below the RUN, sorted. */
function documentsOf(work: TemporaryDirectory): string[] {
  const found: string[] = [];
  const visit = (folder: string) => {
    for (const entry of Deno.readDirSync(folder)) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory) visit(path);
      else if (/\/\w+_(log|metadata)\//.test(path)) found.push(path);
    }
  };
  visit(`${work.repo}/${RUN}`);
  return found.sort();
}

Deno.test("aggregate-graph reads only what changed when it is run after --incomplete", async () => {
  await using work = await temporaryDirectory();
  let early: string[] = [];
  await executedSince(FIXTURE, [...COMPLETE, "--incomplete"], () => early = documentsOf(work))(
    work,
  );
  const all = documentsOf(work);
  assert.ok(early.length > 10 && all.length > early.length + 10);
  // One quantum was done again: both its documents count as new.
  const touched = early.find((path) => path.includes("/calibrate_log/"))!;
  Deno.utimeSync(touched, new Date(), new Date());
  const again = [touched, touched.replaceAll("calibrate_log", "calibrate_metadata")];
  const unchanged = early.filter((path) => !again.includes(path));
  assert.equal(unchanged.length, early.length - 2);
  assert.equal(await nFilesRead(work, "--keep-chunks"), all.length - unchanged.length);
  assertState(work, FIXTURE, "aggregated");
  await assertGraph(work, FIXTURE);
});

Deno.test("aggregate-graph reads nothing when it is run again beside its chunk log", async () => {
  await using work = await temporaryDirectory();
  await executedSince(FIXTURE, [...COMPLETE, "--incomplete"])(work);
  const nAll = documentsOf(work).length;
  assert.equal(await nFilesRead(work, "--no-resume", "--keep-chunks"), nAll);
  const first = await dumpGraph(work.join("provenance.qg"));
  assert.equal(await nFilesRead(work), 0);
  assert.deepEqual(await dumpGraph(work.join("provenance.qg")), first);
});

/** Writes a chunk log anew with only those of its chunks that `keep` wants. */
function rewriteChunkLog(path: string, keep: (type: number) => boolean): void {
  const parts: Uint8Array[] = [CHUNK_LOG_MAGIC];
  {
    using source = FileSource.open(path);
    for (const { type, head, body } of readChunks(source, () => assert.fail("damaged"))) {
      if (keep(type)) parts.push(makeChunk(type, head, body));
    }
  }
  Deno.writeFileSync(path, concatBytes(parts));
}

/** Changes a byte in the body of the last chunk of a type. */
function damageLast(path: string, wanted: number): void {
  const bytes = Deno.readFileSync(path);
  let end = 0;
  {
    using source = FileSource.open(path);
    for (const { type, offset, head, body } of readChunks(source, () => assert.fail("damaged"))) {
      if (type === wanted) end = offset + chunkSize(head.length, body.length);
    }
  }
  assert.ok(end > CHUNK_PREFIX_SIZE);
  bytes[end - 1] ^= 1;
  Deno.writeFileSync(path, bytes);
}

for (
  const [what, change] of [
    ["has no index, like those of before", (path: string) => {
      rewriteChunkLog(path, (type) => type !== ChunkType.INDEX);
    }],
    ["has a damaged index", (path: string) => damageLast(path, ChunkType.INDEX)],
  ] as const
) {
  Deno.test(`aggregate-graph reads only what changed when its chunk log ${what}`, async () => {
    await using work = await temporaryDirectory();
    let nEarly = 0;
    await executedSince(
      FIXTURE,
      [...COMPLETE, "--incomplete"],
      () => nEarly = documentsOf(work).length,
    )(work);
    change(work.join("provenance.qg.chunks"));
    const nAll = documentsOf(work).length;
    assert.equal(await nFilesRead(work), nAll - nEarly);
    assertState(work, FIXTURE, "aggregated");
    await assertGraph(work, FIXTURE);
  });
}
