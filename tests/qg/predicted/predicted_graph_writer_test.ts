import assert from "node:assert/strict";
import { NotFoundError } from "../../../lib/base/errors.ts";
import { encodeUtf8, parseJson } from "../../../lib/base/json_text.ts";
import { UUID_SIZE, uuidToText } from "../../../lib/base/uuid.ts";
import type { QuantumGraphHeader } from "../../../lib/qg/header.ts";
import { PredictedGraph } from "../../../lib/qg/predicted/predicted_graph.ts";
import {
  type PredictedGraphDocuments,
  PredictedGraphWriter,
} from "../../../lib/qg/predicted/predicted_graph_writer.ts";
import { temporaryDirectory } from "../../support/fixtures.ts";
import { loadZstd } from "../support.ts";

const HEADER: QuantumGraphHeader = {
  version: 1,
  graph_type: "",
  inputs: ["in"],
  output: null,
  output_run: "r",
  user: "",
  timestamp: "",
  command: "",
  metadata: {},
  int_size: 0,
  n_quanta: 0,
  n_datasets: 3,
  n_task_quanta: { a: 3 },
  provenance_dataset_id: "01a203df-2de0-7f56-bab2-0000000000aa",
};

const DOCUMENTS: PredictedGraphDocuments = {
  pipelineGraph: encodeUtf8('{"tasks":{},"dataset_types":{},"dimensions":null}'),
  thinGraph: encodeUtf8('{"quanta":{"a":[]},"edges":[]}'),
  dimensionData: encodeUtf8('{"detector":[["Cam",1,"Aa"]]}'),
  initQuanta: encodeUtf8("[]"),
};

/** IDs in no order. */
function makeIds(n: number): Uint8Array {
  const ids = new Uint8Array(n * UUID_SIZE);
  for (let i = 0; i < n; i++) {
    new DataView(ids.buffer).setUint32(i * UUID_SIZE, Math.imul(i + 1, 0x9e3779b1) >>> 0);
    ids[i * UUID_SIZE + 15] = i;
  }
  return ids;
}

for (const hasDictionary of [false, true]) {
  Deno.test(`PredictedGraphWriter writes what PredictedGraph reads, dictionary: ${hasDictionary}`, async () => {
    await using work = await temporaryDirectory();
    const path = work.join("a.qg");
    const zstd = await loadZstd();
    const n = 5000;
    const ids = makeIds(n);
    const text = (i: number) =>
      `{"quantum_id":"${uuidToText(ids, i * UUID_SIZE)}","task_label":"a"}`;
    const dictionary = hasDictionary ? encodeUtf8(text(0) + text(1)) : null;
    using writer = new PredictedGraphWriter(path, zstd.compressor(dictionary, 3), dictionary);
    for (let i = 0; i < n; i++) writer.addQuantum(ids, i * UUID_SIZE, encodeUtf8(text(i)));
    const size = writer.finish(HEADER, DOCUMENTS);

    assert.equal(Deno.statSync(path).size, size);
    assert.deepEqual([...Deno.readDirSync(work.path)].map((entry) => entry.name), ["a.qg"]);
    using graph = await PredictedGraph.open(path, zstd);
    // Parsed objects have no prototype, which counts in comparisons.
    assert.deepEqual(structuredClone(graph.header), {
      ...HEADER,
      graph_type: "predicted",
      int_size: 8,
      n_quanta: n,
    });
    assert.equal(graph.dictionary !== null, hasDictionary);
    graph.verifyStructure();
    let i = 0;
    for (const block of graph.blocks()) {
      assert.equal(new TextDecoder().decode(block.text), text(i++));
      if (i % 1000 === 0) assert.deepEqual(graph.readBlock(block.offset, block.size), block.text);
    }
    assert.equal(i, n);
    assert.deepEqual(graph.dimensionRecords(["detector"]).get("detector"), [["Cam", 1, "Aa"]]);
    assert.deepEqual(graph.initQuanta(), []);
    assert.deepEqual(graph.pipelineGraphText, DOCUMENTS.pipelineGraph);
  });
}

Deno.test("PredictedGraphWriter takes blocks larger than its buffer, and none at all", async () => {
  await using work = await temporaryDirectory();
  const zstd = await loadZstd();
  const ids = makeIds(3);
  // Random bytes don't become smaller.
  const random = new Uint8Array(65_536);
  let large = "";
  while (large.length < 2_500_000) large += crypto.getRandomValues(random).toHex();
  for (const texts of [["{}", JSON.stringify({ large }), "{}"], []]) {
    const path = work.join(`${texts.length}.qg`);
    using writer = new PredictedGraphWriter(path, zstd.compressor(null, 1), null);
    texts.forEach((text, i) => writer.addQuantum(ids, i * UUID_SIZE, encodeUtf8(text)));
    writer.finish(HEADER, DOCUMENTS);
    using graph = await PredictedGraph.open(path, zstd);
    graph.verifyStructure();
    const found = Array.from(graph.blocks(), ({ text }) => parseJson(text));
    assert.deepEqual(found, texts.map((text) => parseJson(text)));
  }
});

Deno.test("PredictedGraphWriter leaves nothing when it is given up", async () => {
  await using work = await temporaryDirectory();
  const zstd = await loadZstd();
  {
    using writer = new PredictedGraphWriter(work.join("a.qg"), zstd.compressor(null, 3), null);
    writer.addQuantum(makeIds(1), 0, encodeUtf8("{}"));
    assert.equal(writer.nQuanta, 1);
  }
  assert.deepEqual([...Deno.readDirSync(work.path)], []);
});

Deno.test("PredictedGraphWriter says where it can't write", async () => {
  await using work = await temporaryDirectory();
  const zstd = await loadZstd();
  const path = work.join("absent", "a.qg");
  assert.throws(
    () => new PredictedGraphWriter(path, zstd.compressor(null, 3), null),
    (error) => error instanceof NotFoundError && error.message.includes(path),
  );
});
