/** Reads that a look-up costs, and documents of damaged sources. */

import assert from "node:assert/strict";
import { InvalidQuantumGraphFileError } from "../../lib/base/errors.ts";
import { uuidFromText } from "../../lib/base/uuid.ts";
import { cat, type CatOptions } from "../../lib/inspect/cat/cat.ts";
import { catBatch } from "../../lib/inspect/cat/cat_batch.ts";
import { attemptDocuments } from "../../lib/sources/source.ts";
import { GraphDocuments } from "../../lib/sources/graph_source.ts";
import { missingReason } from "../../lib/sources/quantum_text.ts";
import { trace } from "../../lib/inspect/trace/trace.ts";
import { caveatNames } from "../../lib/provenance/success_caveats.ts";
import { ProvenanceGraph } from "../../lib/qg/provenance_graph.ts";
import { CountingSource } from "../support/sources.ts";
import { FileSource } from "../../lib/storage/file_source.ts";
import { Zstd } from "../../lib/codec/zstd.ts";
import { fixturePath } from "../support/fixtures.ts";

/** The graph of fixture medium, 3.6 MB: large enough that nothing is read by accident. */
const GRAPH = fixturePath("medium", "provenance.qg");

async function open(): Promise<{ documents: GraphDocuments; source: CountingSource }> {
  const source = new CountingSource(FileSource.open(GRAPH));
  return {
    documents: new GraphDocuments(await ProvenanceGraph.open(source, await Zstd.load())),
    source,
  };
}

/** Output and reads of one command on a graph opened for it. */
async function run(
  what: CatOptions["what"],
  ...idWords: string[]
): Promise<{ output: string; nReads: number; nBytes: number }> {
  const { documents, source } = await open();
  await using _ = documents;
  let output = "";
  await cat(
    documents,
    { what, idWords, attempt: null, allAttempts: false, format: "json", isRaw: true, filter: null },
    (bytes) => output += typeof bytes === "string" ? bytes : new TextDecoder().decode(bytes),
  );
  return { output, nReads: source.nReads, nBytes: source.nBytes };
}

Deno.test("cat reads a few ranges of a graph for one ID, never the pipeline graph", async () => {
  const first = await run("quantum", "isr", "visit=1", "detector=1");
  const { quantum_id: id, outputs } = JSON.parse(first.output);
  const log: string = outputs._log[0];
  const image: string = Object.entries<string[]>(outputs)
    .find(([connection]) => !connection.startsWith("_"))![1][0];
  const size = Deno.statSync(GRAPH).size;
  const cases: [what: CatOptions["what"], id: string, nReads: number][] = [
    ["log", id, 6],
    ["metadata", id, 6],
    ["quantum", id, 6],
    ["log", log, 6],
    ["dataset", image, 6],
    // By way of the dataset's block to its quantum.
    ["log", image, 9],
    ["log", id.slice(0, 30), 6],
    ["header", "", 2],
  ];
  for (const [what, word, nReads] of cases) {
    const read = await run(what, ...(word === "" ? [] : [word]));
    assert.ok(read.nReads <= nReads, `${what} ${word}: ${read.nReads} reads`);
    assert.ok(read.nBytes < Math.min(size, 400_000), `${what} ${word}: ${read.nBytes} of ${size}`);
  }
  assert.ok(first.nBytes > 0);
});

Deno.test("attempts() of a dataset and of its quantum are the same", async () => {
  const { output } = await run("quantum", "isr", "visit=1", "detector=1");
  const { quantum_id: id, outputs } = JSON.parse(output);
  const { documents } = await open();
  await using _ = documents;
  const selector = (text: string) =>
    ({ kind: "id", id: uuidFromText(text), words: [text] }) as const;
  const expected = await documents.attempts("log", selector(id));
  for (const other of Object.values<string[]>(outputs).flat()) {
    const { text } = await documents.attempts("log", selector(other));
    assert.deepEqual(text, expected.text);
  }
});

Deno.test("attemptDocuments() names a block that isn't one", () => {
  const make = (text: string) =>
    attemptDocuments(new TextEncoder().encode(text), "log of x", () => Promise.resolve(""));
  assert.deepEqual(make('{"attempts":[null,{"a":1}]}').attempts, [null, [18, 25]]);
  for (const text of ["", "[]", '{"attempts":1}', '{"attempts":[', "{}"]) {
    assert.throws(
      () => make(text),
      (error) => error instanceof InvalidQuantumGraphFileError && /log of x/.test(error.message),
      text,
    );
  }
});

Deno.test("missingReason() and caveatNames() use the names of the format", () => {
  const view = (...statuses: number[]) => ({
    attempts: statuses.map((status) => ({ status, caveats: 0, exception: null, usage: null })),
  });
  assert.match(missingReason("log", view(-1), 0), /^it is FAILED and ended without writing a log$/);
  assert.match(missingReason("metadata", view(1, -1), 1), /FAILED.*metadata/);
  assert.match(missingReason("log", view(-2), 0), /ABORTED_SUCCESS/);
  assert.match(missingReason("log", view(), 0), /nothing is known/);
  assert.deepEqual(caveatNames(0), []);
  assert.deepEqual(caveatNames(67), [
    "ANY_OUTPUTS_MISSING",
    "ALL_OUTPUTS_MISSING",
    "PARTIAL_OUTPUTS_ERROR",
  ]);
});

Deno.test("catBatch() reads documents that lie side by side at once", async () => {
  const ids: string[] = [];
  {
    using graph = await ProvenanceGraph.open(FileSource.open(GRAPH), await Zstd.load());
    for await (const { text } of graph.blocks("quanta.mb")) {
      const quantum = JSON.parse(new TextDecoder().decode(text));
      if (quantum.attempts.length > 0) ids.push(quantum.quantum_id);
      if (ids.length === 60) break;
    }
  }
  // Asked for in another order than they lie in.
  const requests = ids.toSorted((a, b) => a < b ? 1 : -1).map((id) => `log ${id}`);
  const answers = async (bunches: string[][]) => {
    const { documents, source } = await open();
    await using _ = documents;
    let text = "";
    const nFailed = await catBatch(
      documents,
      ReadableStream.from(bunches),
      { attempt: null, allAttempts: false, filter: null, isJson: false },
      (bytes) => text += new TextDecoder().decode(bytes),
    );
    assert.equal(nFailed, 0);
    return { text, nReads: source.nReads };
  };
  const together = await answers([requests]);
  const apart = await answers(requests.map((request) => [request]));
  assert.equal(together.text, apart.text);
  assert.ok(apart.nReads >= 60, `${apart.nReads} reads one by one`);
  assert.ok(together.nReads <= 25, `${together.nReads} reads together`);
});

Deno.test("trace() reads a block a node, and no other part of the graph's blocks", async () => {
  const { documents, source } = await open();
  await using _ = documents;
  const graph = await documents.traceSource();
  const root = await graph.locate({
    kind: "dataId",
    label: "consolidate",
    terms: [{ dimension: "visit", value: "7" }],
    words: ["consolidate"],
  });
  const [nReads, nBytes] = [source.nReads, source.nBytes];
  const found = await trace(graph, root, "up", { maxDepth: 4, maxNodes: 1000 });
  const nNodes = found.nodes.size;
  assert.ok(nNodes > 100, `${nNodes} nodes`);
  // Blocks of a kilobyte; the addresses around them come in larger pieces, once.
  assert.ok(source.nReads - nReads <= 2 * nNodes + 20, `${source.nReads - nReads} reads`);
  assert.ok(source.nBytes - nBytes < 2_000_000, `${source.nBytes - nBytes} bytes`);
});
