import assert from "node:assert/strict";
import { buildGraphIndex } from "../../lib/qg/predicted/graph_index_build.ts";
import { scanQuantumIds } from "../../lib/qg/predicted/predicted_ids.ts";
import { concatBytes } from "../../lib/base/bytes.ts";
import { InvalidChunkLogError } from "../../lib/base/errors.ts";
import { decodeUtf8, encodeUtf8 } from "../../lib/base/json_text.ts";
import { uuidFromText } from "../../lib/base/uuid.ts";
import { makeHeaderChunk } from "../../lib/chunks/header.ts";
import type { GraphIndex } from "../../lib/qg/predicted/graph_index.ts";
import {
  INDEX_HEAD_SIZE,
  IndexArray,
  loadIndex,
  makeIndexChunks,
} from "../../lib/chunks/index_chunks.ts";
import { parsePredictedQuantum } from "../../lib/qg/predicted/predicted_quantum.ts";
import { FileSource } from "../../lib/storage/file_source.ts";
import { inTemporaryDirectory } from "../storage/support.ts";
import {
  datasetUuid,
  openFixtureGraph,
  quantumUuid,
  randomGraph,
  taskInitQuanta,
  testIndex,
} from "../qg/predicted/support.ts";
import {
  CHUNK_LOG_MAGIC,
  CHUNK_PREFIX_SIZE,
  ChunkType,
  makeChunk,
} from "../../lib/chunks/chunk_format.ts";

const FINGERPRINT = "f".repeat(64);
const KEY = "00000001-00000002";
const HEADER = makeHeaderChunk({
  fingerprint: FINGERPRINT,
  graphHeaderText: encodeUtf8("{}"),
  dictionary: new Uint8Array(0),
  pipelineGraphFrame: new Uint8Array(3),
});

function blockBytes(index: GraphIndex): number {
  return index.arrays.blockSize.reduce((sum, size) => sum + size, 0);
}

function load(
  index: GraphIndex,
  parts: readonly Uint8Array[],
  { fingerprint = FINGERPRINT, contentKey = KEY, nQuantaBlocksSize = blockBytes(index) } = {},
): GraphIndex | null {
  return inTemporaryDirectory((directory) => {
    const path = `${directory}/a.chunks`;
    Deno.writeFileSync(path, concatBytes([CHUNK_LOG_MAGIC, ...parts]));
    using source = FileSource.open(path);
    return loadIndex(source, fingerprint, { contentKey, nQuantaBlocksSize });
  });
}

/** The same in everything but the seed of the hash table, which is another one each time. */
function assertSameIndex(found: GraphIndex | null, expected: GraphIndex): void {
  assert.ok(found !== null);
  const { slots: _, ...arrays } = found.arrays;
  const { slots: __, ...expectedArrays } = expected.arrays;
  assert.deepEqual(arrays, expectedArrays);
  for (let d = 0; d < expected.nDatasets; d++) {
    assert.equal(found.findDataset(expected.arrays.datasetIds, d * 16), d);
  }
  assert.equal(found.findDataset(uuidFromText(quantumUuid(0))), -1);
  for (const array of Object.values(arrays)) {
    if (ArrayBuffer.isView(array)) assert.ok(array.buffer instanceof SharedArrayBuffer);
  }
}

Deno.test("loadIndex() gives what buildGraphIndex() gave when graphs are random", () => {
  for (let seed = 0; seed < 20; seed++) {
    const quanta = randomGraph(seed, seed * 7);
    const index = testIndex(quanta, [{ inputs: [0, 3], outputs: [100_000] }]);
    assertSameIndex(load(index, [HEADER, ...makeIndexChunks(index.arrays, KEY)]), index);
  }
});

Deno.test("loadIndex() puts arrays of many pieces together", () => {
  const quanta = Array.from(
    { length: 70_000 },
    (_, q) => ({ inputs: [q], outputs: [q + 1], label: `task${q % 3}` }),
  );
  const index = testIndex(quanta);
  const chunks = [...makeIndexChunks(index.arrays, KEY)];
  assert.ok(chunks.length > 11, `${chunks.length} chunks`);
  assert.ok(chunks.every((chunk) => chunk.length < 2 ** 20 + 100));
  assertSameIndex(load(index, [HEADER, ...chunks]), index);
});

for (const name of ["small-mixed", "small-mock"]) {
  Deno.test(`an index tells where log and metadata of the quanta of ${name} are`, async () => {
    using graph = await openFixtureGraph(name);
    const built = buildGraphIndex(graph, taskInitQuanta(graph));
    const { contentKey } = graph;
    assert.match(contentKey, /^[0-9a-f]{8}-[0-9a-f]{8}$/);
    const index = load(built, [HEADER, ...makeIndexChunks(built.arrays, contentKey)], {
      contentKey,
      nQuantaBlocksSize: graph.nQuantaBlocksSize,
    });
    assertSameIndex(index, built);
    const { coordinateStart, coordinates, taskFiles, taskIndex } = index!.arrays;
    let q = 0;
    for (const { text } of graph.blocks()) {
      const quantum = parsePredictedQuantum(text.slice());
      const coordinate = coordinates.slice(coordinateStart[q], coordinateStart[q + 1]);
      const files = taskFiles[taskIndex[q++]]!;
      const [metadata] = quantum.outputs.get("_metadata")!;
      assert.deepEqual(JSON.parse(decodeUtf8(coordinate)), metadata.dataCoordinate);
      assert.equal(files.metadataType, metadata.typeName);
      assert.equal(files.run, metadata.run);
      const logs = quantum.outputs.get("_log") ?? [];
      assert.equal(files.logType, logs[0]?.typeName ?? "");
      for (const log of logs) assert.deepEqual(log.dataCoordinate, metadata.dataCoordinate);
    }
    assert.equal(q, index!.nQuanta);
  });
}

Deno.test("loadIndex() is null when there is none, or that of another graph", () => {
  const index = testIndex(randomGraph(1, 20));
  const chunks = [...makeIndexChunks(index.arrays, KEY)];
  assert.equal(load(index, [HEADER]), null);
  assert.equal(load(index, []), null);
  assert.equal(load(index, chunks), null);
  assert.equal(load(index, [HEADER, ...chunks], { fingerprint: "e".repeat(64) }), null);
  assert.equal(load(index, [HEADER, ...chunks], { contentKey: "00000001-00000003" }), null);
  assert.equal(load(index, [HEADER, ...chunks], { nQuantaBlocksSize: 7 }), null);
});

Deno.test("loadIndex() is null when chunks are missing, repeated, in disorder or others come between", () => {
  const index = testIndex(randomGraph(2, 20));
  const chunks = [...makeIndexChunks(index.arrays, KEY)];
  const scan = makeChunk(ChunkType.SCAN, new Uint8Array(72), new Uint8Array(0));
  for (let i = 0; i < chunks.length; i++) {
    const without = chunks.toSpliced(i, 1);
    assert.equal(load(index, [HEADER, ...without]), null, `without chunk ${i}`);
    assert.equal(load(index, [HEADER, ...chunks.toSpliced(i, 0, scan)]), null, `scan before ${i}`);
    if (i === chunks.length - 1) continue;
    // The description again begins anew: what was read before it is forgotten.
    if (i > 0) assert.equal(load(index, [HEADER, ...chunks.toSpliced(i, 0, chunks[i])]), null);
    assert.equal(
      load(index, [HEADER, ...without.toSpliced(i + 1, 0, chunks[i])]),
      null,
      `chunks ${i} and ${i + 1} the other way round`,
    );
  }
});

Deno.test("loadIndex() is null when a log is cut or any chunk of the index is damaged", () => {
  const index = testIndex(randomGraph(3, 20));
  const chunks = [...makeIndexChunks(index.arrays, KEY)];
  const whole = concatBytes([HEADER, ...chunks]);
  for (let size = 0; size < whole.length; size += 37) {
    assert.equal(load(index, [whole.slice(0, size)]), null, `cut at ${size}`);
  }
  let at = HEADER.length;
  for (const chunk of chunks) {
    for (const offset of [0, 5, CHUNK_PREFIX_SIZE + 1, chunk.length - 1]) {
      const damaged = whole.slice();
      damaged[at + offset] ^= 0x10;
      assert.equal(load(index, [damaged]), null, `byte ${at + offset}`);
    }
    at += chunk.length;
  }
});

Deno.test("loadIndex() is null when sound chunks hold numbers that don't fit each other", () => {
  const quanta = randomGraph(4, 20);
  const index = testIndex(quanta);
  const { arrays } = index;
  const wrong: Partial<typeof arrays>[] = [
    { taskIndex: arrays.taskIndex.map(() => 9) },
    { blockSize: arrays.blockSize.map((size) => size + 1) },
    { outputStart: arrays.outputStart.map((start, q) => q === 3 ? 1000 : start) },
    { outputStart: arrays.outputStart.map((start) => start + 1) },
    { outputs: arrays.outputs.map(() => arrays.nDatasets) },
    { outputs: arrays.outputs.map(() => 0) },
    { consumers: arrays.consumers.map(() => arrays.nQuanta) },
    { consumerStart: arrays.consumerStart.map(() => 0) },
    { datasetIds: arrays.datasetIds.map(() => 0) },
    { coordinateStart: arrays.coordinateStart.map((_, q) => q === 0 ? 1 : 0) },
  ];
  for (const change of wrong) {
    const chunks = makeIndexChunks({ ...arrays, ...change }, KEY);
    assert.equal(load(index, [HEADER, ...chunks]), null, Object.keys(change)[0]);
  }
  const [, ...rest] = makeIndexChunks(arrays, KEY);
  const description = (text: string) =>
    makeChunk(ChunkType.INDEX, new Uint8Array(16), encodeUtf8(text));
  for (
    const text of [
      "",
      "[]",
      "{}",
      `{"content_key":"${KEY}"}`,
      `{"content_key":"${KEY}",
      "n_quanta":1e15,"n_init_quanta":0,"n_datasets":0,"n_outputs":0,"n_consumers":0,
      "n_coordinate_bytes":0,"tasks":[]}`,
    ]
  ) {
    assert.equal(load(index, [HEADER, description(text), ...rest]), null, text);
  }
});

Deno.test("loadIndex() throws when the file is no chunk log", () => {
  const index = testIndex([]);
  inTemporaryDirectory((directory) => {
    Deno.writeTextFileSync(`${directory}/a.chunks`, "something else altogether");
    using source = FileSource.open(`${directory}/a.chunks`);
    assert.throws(
      () => loadIndex(source, FINGERPRINT, { contentKey: KEY, nQuantaBlocksSize: 0 }),
      InvalidChunkLogError,
    );
  });
  assertSameIndex(load(index, [HEADER, ...makeIndexChunks(index.arrays, KEY)]), index);
});

Deno.test("an index has no data ID of log and metadata when the block alone tells", () => {
  const dataset = (d: number, type: string, coordinate: string, run = "run") =>
    `{"dataset_id":"${datasetUuid(d)}","dataset_type_name":"${type}",` +
    `"data_coordinate":${coordinate},"run":"${run}"}`;
  const blocks: [outputs: string, coordinate: string][] = [
    [`"_metadata":[${dataset(0, "m", "[1]")}],"_log":[${dataset(1, "l", "[1]")}]`, "[1]"],
    [`"_log":[${dataset(2, "l", "[ 2]")}],"_metadata":[${dataset(3, "m", "[ 2]")}]`, "[ 2]"],
    [`"_metadata":[${dataset(4, "m", "[3]")}],"_log":[${dataset(5, "l", "[4]")}]`, ""],
    [`"_metadata":[${dataset(6, "m", "[5]")}]`, ""],
    [`"_metadata":[${dataset(7, "m", "[6]")},${dataset(8, "m", "[6]")}]`, ""],
    [`"_metadata":[${dataset(9, "n", "[7]")}],"_log":[${dataset(10, "l", "[7]")}]`, ""],
    [
      `"_metadata":[${dataset(11, "m", "[8]", "r")}],"_log":[${dataset(12, "l", "[8]", "r")}]`,
      "",
    ],
    [`"_log":[${dataset(13, "l", "[9]")}]`, ""],
    [`"_metadata":[],"_metadata":[${dataset(14, "m", "[10]")}]`, ""],
    [`"out":[${dataset(15, "m", "[11]")}]`, ""],
  ];
  const index = buildGraphIndex({
    path: "made-up.qg",
    scanBlock: ({ text }, ids) => scanQuantumIds(text, ids),
    *blocks() {
      for (const [q, [outputs]] of blocks.entries()) {
        const text = encodeUtf8(
          `{"quantum_id":"${quantumUuid(q)}","task_label":"t","inputs":{},"outputs":{${outputs}}}`,
        );
        yield { offset: 0, size: 1, text };
      }
    },
  }, []);
  const { coordinateStart, coordinates, taskFiles } = index.arrays;
  assert.deepEqual(taskFiles, [{ metadataType: "m", logType: "l", run: "run" }]);
  assert.deepEqual(
    blocks.map((_, q) => decodeUtf8(coordinates.slice(coordinateStart[q], coordinateStart[q + 1]))),
    blocks.map(([, coordinate]) => coordinate),
  );
});

Deno.test("chunk-log.md has the arrays of an index and the keys of its description", () => {
  const text = Deno.readTextFileSync(new URL("../../schema/chunk-log.md", import.meta.url));
  const [first] = makeIndexChunks(testIndex([]).arrays, KEY);
  const keys = text.slice(text.indexOf("| Key of the index")).split("\n\n")[0]
    .matchAll(/^\| `(\w+)`/gm);
  assert.deepEqual(
    Array.from(keys, ([, key]) => key),
    Object.keys(JSON.parse(decodeUtf8(first.subarray(CHUNK_PREFIX_SIZE + INDEX_HEAD_SIZE)))),
  );
  const rows = [...text.matchAll(/^\| (\d+) +\| ([A-Z_]+) +\| (?:uuid|u\d+|–)/gm)];
  assert.deepEqual(Object.fromEntries(rows.map(([, n, name]) => [name, Number(n)])), IndexArray);
});
