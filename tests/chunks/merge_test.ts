import assert from "node:assert/strict";
import { buildGraphIndex } from "../../lib/qg/predicted/graph_index_build.ts";
import { concatBytes } from "../../lib/base/bytes.ts";
import { RefusedError } from "../../lib/base/errors.ts";
import { mergeChunkLogs } from "../../lib/chunks/merge.ts";
import { graphFingerprint } from "../../lib/chunks/fingerprint.ts";
import { PredictedGraph } from "../../lib/qg/predicted/predicted_graph.ts";
import { readChunks } from "../../lib/chunks/framing.ts";
import { FileSource } from "../../lib/storage/file_source.ts";
import { Zstd } from "../../lib/codec/zstd.ts";
import { assertGraphEqual } from "../support/compare.ts";
import { dumpGraph } from "../support/dump_graph.ts";
import { expectedJson, expectProvgraph, unpackFixture } from "../support/fixtures.ts";
import {
  CHUNK_LOG_MAGIC,
  chunkSize,
  ChunkType,
  readChunkPrefix,
} from "../../lib/chunks/chunk_format.ts";

/** Copy of a chunk log with those scan chunks only that a predicate takes. */
function filterChunks(from: string, to: string, take: (n: number) => boolean): void {
  const bytes = Deno.readFileSync(from);
  const parts: Uint8Array[] = [CHUNK_LOG_MAGIC];
  let n = 0;
  for (let at = CHUNK_LOG_MAGIC.length; at < bytes.length;) {
    const place = readChunkPrefix(bytes, at, at)!;
    const size = chunkSize(place.headSize, place.bodySize);
    if (place.type === ChunkType.HEADER || take(n++)) parts.push(bytes.subarray(at, at + size));
    at += size;
  }
  Deno.writeFileSync(to, concatBytes(parts));
}

async function openGraph(path: string) {
  const zstd = await Zstd.load();
  const graph = await PredictedGraph.open(path, zstd);
  const index = buildGraphIndex(graph, graph.initQuanta().filter((q) => q.taskLabel !== ""));
  const fingerprint = graphFingerprint(
    graph.headerText,
    graph.pipelineGraphText,
    graph.nQuantaBlocksSize,
  );
  return { zstd, graph, index, fingerprint };
}

Deno.test("mergeChunkLogs() gives a log that makes the whole graph when shards have different dictionaries", async () => {
  await using work = await unpackFixture("small-ok", "before");
  const cwd = work.path;
  const common = ["--incomplete", "-j", "1"];
  await expectProvgraph(["aggregate-graph", "predicted.qg", "repo", "-o", "a.qg", ...common], {
    cwd,
  });
  await expectProvgraph(
    [
      "aggregate-graph",
      "predicted.qg",
      "repo",
      "-o",
      "b.qg",
      "--zstd-dict-size",
      "4000",
      ...common,
    ],
    { cwd },
  );
  filterChunks(work.join("a.qg.chunks"), work.join("even.chunks"), (n) => n % 2 === 0);
  filterChunks(work.join("b.qg.chunks"), work.join("odd.chunks"), (n) => n % 2 === 1);
  const { zstd, graph, index, fingerprint } = await openGraph(work.join("predicted.qg"));
  using _graph = graph;
  const summary = mergeChunkLogs(
    [work.join("even.chunks"), work.join("odd.chunks")],
    work.join("out.qg.chunks"),
    index,
    fingerprint,
    zstd,
    10,
  );
  assert.ok(summary !== null);
  assert.equal(summary.nQuanta, 53);
  assert.equal(summary.damages.length, 0);
  assert.ok(summary.nRecompressed > 0 && summary.nRecompressed < 53);
  const { stderr } = await expectProvgraph(
    ["aggregate-graph", "predicted.qg", "repo", "-o", "out.qg"],
    { cwd },
  );
  assert.match(stderr, /53 taken from the chunk log/);
  assert.match(stderr, /Read 0 files/);
  assertGraphEqual(
    await dumpGraph(work.join("out.qg")),
    expectedJson("small-ok", "provenance.graph"),
  );
});

Deno.test("mergeChunkLogs() takes one chunk of each quantum when logs overlap, and copies its bytes", async () => {
  await using work = await unpackFixture("small-ok", "before");
  const cwd = work.path;
  await expectProvgraph(
    ["aggregate-graph", "predicted.qg", "repo", "-o", "a.qg", "--incomplete"],
    { cwd },
  );
  const { zstd, graph, index, fingerprint } = await openGraph(work.join("predicted.qg"));
  using _graph = graph;
  const path = work.join("a.qg.chunks");
  const merged = work.join("merged.chunks");
  const copy = work.join("copy.chunks");
  Deno.copyFileSync(path, copy);
  // A file that is named twice counts once.
  const summary = mergeChunkLogs([path, copy, path], merged, index, fingerprint, zstd, 10);
  assert.deepEqual({ ...summary }, {
    nLogs: 2,
    nQuanta: 53,
    nReplaced: 53,
    nRecompressed: 0,
    emptyPaths: [],
    damages: [],
  });
  const bodies = (file: string) => {
    using source = FileSource.open(file);
    const found: string[] = [];
    for (const chunk of readChunks(source, () => assert.fail("damaged"))) {
      if (chunk.type === ChunkType.SCAN) found.push(chunk.body.join());
    }
    return found.sort();
  };
  assert.deepEqual(bodies(merged), bodies(path));
});

Deno.test("mergeChunkLogs() refuses a log of another graph and leaves no file", async () => {
  await using ok = await unpackFixture("small-ok", "before");
  await using mixed = await unpackFixture("small-mixed", "before");
  await expectProvgraph(
    ["aggregate-graph", "predicted.qg", "repo", "-o", "a.qg", "--incomplete"],
    { cwd: ok.path },
  );
  const { zstd, graph, index, fingerprint } = await openGraph(mixed.join("predicted.qg"));
  using _graph = graph;
  assert.throws(
    () =>
      mergeChunkLogs(
        [ok.join("a.qg.chunks")],
        ok.join("merged.chunks"),
        index,
        fingerprint,
        zstd,
        10,
      ),
    RefusedError,
  );
  assert.throws(() => Deno.statSync(ok.join("merged.chunks")), Deno.errors.NotFound);
});
