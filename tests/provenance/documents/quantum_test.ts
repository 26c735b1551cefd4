import assert from "node:assert/strict";
import { encodeUtf8 } from "../../../lib/base/json_text.ts";
import { Zstd } from "../../../lib/codec/zstd.ts";
import { readProduced } from "../../../lib/provenance/documents/dataset.ts";
import { readInitQuanta } from "../../../lib/provenance/documents/init_quanta.ts";
import {
  attemptRanges,
  quantumFileIds,
  quantumStatus,
  readQuantum,
} from "../../../lib/provenance/documents/quantum.ts";
import { AttemptStatus } from "../../../lib/provenance/quantum_status.ts";
import { ProvenanceGraph } from "../../../lib/qg/provenance_graph.ts";
import { FileSource } from "../../../lib/storage/file_source.ts";
import { expectedJson, fixturePath } from "../../support/fixtures.ts";

/** What ingest and listings need of a quantum. */
function summaryOf(text: Uint8Array) {
  const quantum = readQuantum(text);
  const { quantumId, taskLabel, dataCoordinate, attempts } = quantum;
  return {
    quantumId,
    taskLabel,
    dataCoordinate,
    ...quantumFileIds(quantum),
    nAttempts: attempts.length,
    lastStatus: quantumStatus(quantum),
  };
}

const summary = (text: string) => summaryOf(encodeUtf8(text));

Deno.test("readQuantum() finds ids, coordinate and last status in any order of keys", () => {
  const text = '{"attempts":[{"status":-1,"more":[{}]},{"attempt":1,"status":1}],"outputs":' +
    '{"image":["i"],"_log":["l"],"_metadata":["m"]},"more":{"outputs":{}},"task_label":"t\\u00e9",' +
    '"data_coordinate":["Cam1",4,9007199254740993],"quantum_id":"q"}';
  assert.deepEqual(summary(text), {
    quantumId: "q",
    taskLabel: "té",
    dataCoordinate: ["Cam1", 4, 9007199254740993n],
    metadataId: "m",
    logId: "l",
    nAttempts: 2,
    lastStatus: AttemptStatus.SUCCESSFUL,
  });
});

Deno.test("readQuantum() has defaults when keys are absent", () => {
  assert.deepEqual(summary('{"quantum_id":"q","task_label":"t"}'), {
    quantumId: "q",
    taskLabel: "t",
    dataCoordinate: [],
    metadataId: null,
    logId: null,
    nAttempts: 0,
    lastStatus: AttemptStatus.BLOCKED,
  });
  assert.equal(
    summary('{"quantum_id":"q","task_label":"t","attempts":[{}]}').lastStatus,
    AttemptStatus.UNKNOWN,
  );
});

Deno.test("readQuantum() throws when the document is none", () => {
  for (
    const text of [
      "{}",
      "[]",
      '{"quantum_id":"q"}',
      '{"quantum_id":"q","task_label":""}',
      '{"quantum_id":5,"task_label":"t"}',
      '{"quantum_id":"q","task_label":"t","data_coordinate":{}}',
      '{"quantum_id":"q","task_label":"t","outputs":{"_log":[]}}',
      '{"quantum_id":"q","task_label":"t","outputs":{"_log":["a","b"]}}',
      '{"quantum_id":"q","task_label":"t","attempts":[{"status":"x"}]}',
      '{"quantum_id":"q","task_label":"t"}x',
    ]
  ) assert.throws(() => summary(text), SyntaxError, text);
});

Deno.test("readProduced() reads the flag of a dataset", () => {
  const produced = (text: string) => readProduced(encodeUtf8(text));
  assert.equal(produced('{"dataset_id":"d","produced":true}'), true);
  assert.equal(produced('{"produced":true,"produced":false}'), false);
  for (const text of ["{}", '{"produced":1}', '{"produced":null}', '{"produced":true']) {
    assert.throws(() => produced(text), SyntaxError, text);
  }
});

Deno.test("readInitQuanta() lists outputs by connection", () => {
  const parse = (text: string) => readInitQuanta(encodeUtf8(text));
  assert.deepEqual(
    parse(
      '[{"quantum_id":"q","task_label":"t","inputs":{"a":"b"},"outputs":{"s":"d","_config":"c"}}]',
    ),
    [{
      quantumId: "q",
      taskLabel: "t",
      inputs: new Map([["a", "b"]]),
      outputs: new Map([["s", "d"], ["_config", "c"]]),
    }],
  );
  assert.deepEqual(parse("[]"), []);
  for (const text of ["{}", "[5]", '[{"outputs":{"a":["b"]}}]']) {
    assert.throws(() => parse(text), SyntaxError, text);
  }
});

Deno.test("readQuantum() equals the oracle's dump when it reads small-mixed", async () => {
  using graph = await ProvenanceGraph.open(
    FileSource.open(fixturePath("small-mixed", "provenance.qg")),
    await Zstd.load(),
  );
  const expected = expectedJson("small-mixed", "provenance.graph") as unknown as {
    quanta: { quantum_id: string; attempts: { status: number }[] }[];
  };
  const byId = new Map(
    Object.values(expected.quanta).map((quantum) => [quantum.quantum_id, quantum]),
  );
  let n = 0;
  for await (const block of graph.blocks("quanta.mb")) {
    const found = summaryOf(block.text);
    const truth = byId.get(found.quantumId)!;
    assert.equal(found.nAttempts, truth.attempts.length);
    assert.equal(found.lastStatus, truth.attempts.at(-1)?.status ?? AttemptStatus.BLOCKED);
    n++;
  }
  assert.equal(n, byId.size);
});

/** A document as writers write it. */
const PLAIN =
  '{"quantum_id":"q","task_label":"t","data_coordinate":["Cam1",4,-1],"inputs":{"raw":' +
  '["a","b"],"none":[]},"outputs":{"image":["c"],"_metadata":["m"],"_log":["l"]},"attempts":[' +
  '{"attempt":0,"status":1,"caveats":0,"exception":null,"resource_usage":{"memory":4.5e+3,"start":' +
  '"2026-11-23T00:21:43Z","none":null,"x":-0.5},"previous_process_quanta":["p"]}]}';

for (
  const [what, from, to] of [
    ["two logs", '["l"]', '["l","k"]'],
    ["log without dataset", '["l"]', "[]"],
    ["number for a log", '["l"]', "[1]"],
    ["trailing comma in a list", '["a","b"]', '["a","b",]'],
    ["trailing comma in an object", '"none":[]', '"none":[],'],
    ["leading zero", "4,-1", "04,-1"],
    ["sign", "4,-1", "+4,-1"],
    ["bare fraction", "-0.5", "-.5"],
    ["fraction without digits", "-0.5", "-0."],
    ["control character", "Cam1", "Cam\t1"],
    ["lone surrogate", "Cam1", "\\ud800"],
    ["text behind", "]}]}", "]}]}}"],
    ["cut", "]}]}", "]}"],
    ["missing colon", '"status":1', '"status"1'],
    ["empty id", '"q"', '""'],
  ]
) {
  Deno.test(`readQuantum() refuses a document that is nearly plain: ${what}`, () => {
    assert.ok(PLAIN.includes(from));
    assert.throws(() => summary(PLAIN.replace(from, to)), SyntaxError);
  });
}

Deno.test("attemptRanges() finds attempts as they are written", () => {
  const text = '{"more":{"attempts":[]},"attempts":[ {"status":1.0} ,{"x":[1e5]}]}';
  const ranges = attemptRanges(encodeUtf8(text));
  assert.deepEqual(ranges.map((range) => text.slice(...range)), ['{"status":1.0}', '{"x":[1e5]}']);
  assert.throws(() => attemptRanges(encodeUtf8(text.slice(0, -1))), SyntaxError);
});
