import assert from "node:assert/strict";
import { encodeUtf8 } from "../../lib/base/json_text.ts";
import { AttemptStatus } from "../../lib/provenance/quantum_status.ts";
import {
  parseInitQuantumSummaries,
  parseQuantumSummary,
  readProduced,
} from "../../lib/provenance/quantum_summary.ts";
import { ProvenanceGraph } from "../../lib/qg/provenance_graph.ts";
import { FileSource } from "../../lib/store/file_source.ts";
import { Zstd } from "../../lib/store/zstd.ts";
import { expectedJson, fixturePath } from "../support/fixtures.ts";

const summary = (text: string) => parseQuantumSummary(encodeUtf8(text));

Deno.test("parseQuantumSummary() finds ids, coordinate and last status in any order of keys", () => {
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

Deno.test("parseQuantumSummary() has defaults when keys are absent", () => {
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

Deno.test("parseQuantumSummary() throws when the document is none", () => {
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

Deno.test("parseInitQuantumSummaries() lists outputs by connection", () => {
  const parse = (text: string) => parseInitQuantumSummaries(encodeUtf8(text));
  assert.deepEqual(
    parse(
      '[{"quantum_id":"q","task_label":"t","inputs":{"a":"b"},"outputs":{"s":"d","_config":"c"}}]',
    ),
    [{ quantumId: "q", taskLabel: "t", outputs: new Map([["s", "d"], ["_config", "c"]]) }],
  );
  assert.deepEqual(parse("[]"), []);
  for (const text of ["{}", "[5]", '[{"outputs":{"a":["b"]}}]']) {
    assert.throws(() => parse(text), SyntaxError, text);
  }
});

Deno.test("parseQuantumSummary() equals the oracle's dump when it reads small-mixed", async () => {
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
    const found = parseQuantumSummary(block.text);
    const truth = byId.get(found.quantumId)!;
    assert.equal(found.nAttempts, truth.attempts.length);
    assert.equal(found.lastStatus, truth.attempts.at(-1)?.status ?? AttemptStatus.BLOCKED);
    n++;
  }
  assert.equal(n, byId.size);
});
