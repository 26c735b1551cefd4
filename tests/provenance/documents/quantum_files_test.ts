/** Quanta of graphs, read the quick way or parsed: the same is found. */

import assert from "node:assert/strict";
import { encodeUtf8 } from "../../../lib/base/json_text.ts";
import { Zstd } from "../../../lib/codec/zstd.ts";
import {
  type QuantumFiles,
  readParsed,
  readQuantumFiles,
} from "../../../lib/provenance/documents/quantum_files.ts";
import { ProvenanceGraph } from "../../../lib/qg/provenance_graph.ts";
import { FileSource } from "../../../lib/storage/file_source.ts";
import { GRAPH_FIXTURES, removeOurGraphs, withOurGraph } from "../../support/our_graphs.ts";

const A = "01234567-89ab-7def-8123-456789abcdef";
const B = "11234567-89ab-7def-8123-456789abcdef";

/** A document as writers write it, but for one part. */
function document(
  part: Partial<Record<"outputs" | "attempts" | "coordinate" | "id", string>> = {},
) {
  const { id = A, coordinate = '["Cam",5]', outputs, attempts } = part;
  return `{"quantum_id":"${id}","task_label":"isr","data_coordinate":${coordinate},` +
    `"inputs":{"raw":["${A}"]},"outputs":{${
      outputs ?? `"_metadata":["${A}"],"x":["${A}","${B}"],"_log":["${B}"]`
    }},"attempts":[${attempts ?? attempt()}]}`;
}

function attempt(status = "1", usage = '{"memory":1.0,"start":"2026-07-15T00:00:00"}') {
  return `{"attempt":0,"status":${status},"caveats":null,"exception":null,` +
    `"resource_usage":${usage},"previous_process_quanta":[]}`;
}

const USAGE = '{"memory":1.0,"start":"2026-07-15T00:00:00","prep_time":1e-06,"init_time":0.0,' +
  '"run_time":2.5,"run_time_cpu":2.0}';
const FOUND: QuantumFiles = {
  quantumId: A,
  taskLabel: "isr",
  dataCoordinate: ["Cam", 5],
  metadataId: A,
  logId: B,
  status: 1,
};

const DOCUMENTS: [what: string, text: string, expected: QuantumFiles | null][] = [
  ["as it is written", document({ attempts: attempt("1", USAGE) }), FOUND],
  ["without usage", document({ attempts: attempt("-1", "null") }), { ...FOUND, status: -1 }],
  ["blocked", document({ attempts: "" }), { ...FOUND, status: 0 }],
  [
    "of two attempts",
    document({ attempts: `${attempt("-1")},${attempt("1")}` }),
    FOUND,
  ],
  [
    "without log",
    document({ outputs: `"_metadata":["${A}"]` }),
    { ...FOUND, logId: null },
  ],
  [
    "with its log twice, of which the last counts",
    document({ outputs: `"_metadata":["${A}"],"_log":["${A}"],"_log":["${B}"]` }),
    FOUND,
  ],
  ["with two logs", document({ outputs: `"_metadata":["${A}"],"_log":["${A}","${B}"]` }), null],
  ["with an empty list of logs", document({ outputs: `"_metadata":["${A}"],"_log":[]` }), null],
  ["with blanks", document().replaceAll(",", " , "), FOUND],
  ["without id", document({ id: "" }), null],
  ["with a letter escaped", document({ coordinate: '["\\u0043am",5]' }), FOUND],
  [
    "with a long integer",
    document({ coordinate: '["Cam",9007199254740993]' }),
    { ...FOUND, dataCoordinate: ["Cam", 9007199254740993n] },
  ],
  ["with usage that is text", document({ attempts: attempt("1", '{"memory":"1"}') }), null],
  ["with a status that is text", document({ attempts: attempt('"1"') }), null],
  ["that is cut", document().slice(0, -1), null],
  ["with something behind it", `${document()}x`, null],
];

for (const [what, text, expected] of DOCUMENTS) {
  Deno.test(`a quantum's document ${what} ${expected ? "is read" : "is refused"}`, () => {
    const bytes = encodeUtf8(text);
    for (const read of [readQuantumFiles, readParsed]) {
      if (expected === null) assert.throws(() => read(bytes), SyntaxError);
      else assert.deepEqual({ ...read(bytes) }, expected);
    }
  });
}

for (const fixture of GRAPH_FIXTURES) {
  Deno.test(`all quanta of ${fixture} are read as if they were parsed`, async () => {
    const path = (await withOurGraph(fixture)).join("ours.qg");
    using graph = await ProvenanceGraph.open(FileSource.open(path), await Zstd.load());
    let n = 0;
    await graph.forEachBlock("quanta.mb", (text) => {
      n++;
      assert.deepEqual(readQuantumFiles(text), readParsed(text));
    });
    assert.equal(n, graph.header.n_quanta);
  });
}

Deno.test.afterAll(removeOurGraphs);
