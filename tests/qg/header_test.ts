import assert from "node:assert/strict";
import { InvalidQuantumGraphFileError, RefusedError } from "../../lib/base/errors.ts";
import { decodeUtf8, encodeUtf8 } from "../../lib/base/json_text.ts";
import { parseHeader, requireOutputRun } from "../../lib/qg/header.ts";
import { provenanceHeaderText } from "../../lib/qg/provenance_header.ts";

// The sample of `schema/quantum-graph.md`, section 5.
const SAMPLE = encodeUtf8(
  `{"version":1,"graph_type":"predicted","inputs":["input_chain"],"output":"out_chain","output_run":"output_run",` +
    `"user":"tester","timestamp":"2026-11-22T15:28:07.653051","command":"build qg","metadata":{},"int_size":8,` +
    `"n_quanta":10,"n_datasets":46,"n_task_quanta":{"calibrate":8,"consolidate":2},` +
    `"provenance_dataset_id":"01a203df-2de5-7220-9ed1-fffd0a448ee7"}`,
);

Deno.test("parseHeader() reads every field", () => {
  const header = parseHeader(SAMPLE, "p.qg", "predicted");
  assert.equal(header.version, 1);
  assert.deepEqual(header.inputs, ["input_chain"]);
  assert.equal(header.output, "out_chain");
  assert.equal(header.output_run, "output_run");
  assert.equal(header.n_quanta, 10);
  assert.equal(header.n_datasets, 46);
  assert.deepEqual({ ...header.n_task_quanta }, { calibrate: 8, consolidate: 2 });
  assert.equal(header.provenance_dataset_id, "01a203df-2de5-7220-9ed1-fffd0a448ee7");
});

Deno.test("parseHeader() takes the reference's defaults for absent keys", () => {
  const header = parseHeader(
    encodeUtf8(`{ "output_run" : "r", "graph_type":"provenance", "unknown": [1] }`),
    "p.qg",
    "any",
  );
  assert.equal(header.version, 1);
  assert.equal(header.int_size, 8);
  assert.equal(header.output, null);
  assert.deepEqual(header.inputs, []);
  assert.equal(header.provenance_dataset_id, "");
});

Deno.test("parseHeader() gives the provenance id its usual form", () => {
  const header = parseHeader(
    encodeUtf8(
      `{"graph_type":"predicted","output_run":"r","provenance_dataset_id":"01A203DF2DE572209ED1FFFD0A448EE7"}`,
    ),
    "p.qg",
    "any",
  );
  assert.equal(header.provenance_dataset_id, "01a203df-2de5-7220-9ed1-fffd0a448ee7");
});

for (const output of [{}, { output_run: "" }]) {
  Deno.test(`a graph with header ${JSON.stringify(output)} can be read, but nothing done in its RUN`, () => {
    const header = parseHeader(
      encodeUtf8(JSON.stringify({ graph_type: "provenance", ...output })),
      "some.qg",
      "any",
    );
    assert.equal(header.output_run, "");
    assert.throws(() => requireOutputRun(header, "some.qg"), {
      name: "RefusedError",
      exitCode: 2,
      message: 'Cannot use "some.qg": it has no output RUN',
    });
  });
}

Deno.test("parseHeader() refuses what can't be used", async (t) => {
  const minimal = { graph_type: "predicted", output_run: "r" };
  const refused: [string, unknown, typeof RefusedError | typeof InvalidQuantumGraphFileError][] = [
    ["a newer version", { ...minimal, version: 2 }, RefusedError],
    ["the other graph type", { ...minimal, graph_type: "provenance" }, RefusedError],
    ["an unknown graph type", { ...minimal, graph_type: "x" }, InvalidQuantumGraphFileError],
    ["no graph type", { output_run: "r" }, InvalidQuantumGraphFileError],
    ["a fractional version", { ...minimal, version: 0.5 }, InvalidQuantumGraphFileError],
    ["a negative version", { ...minimal, version: -1 }, InvalidQuantumGraphFileError],
    ["int_size 0", { ...minimal, int_size: 0 }, InvalidQuantumGraphFileError],
    ["int_size 17", { ...minimal, int_size: 17 }, InvalidQuantumGraphFileError],
    ["int_size as text", { ...minimal, int_size: "8" }, InvalidQuantumGraphFileError],
    ["a run that leaves", { ...minimal, output_run: "a/../../b" }, InvalidQuantumGraphFileError],
    ["an absolute run", { ...minimal, output_run: "/etc" }, InvalidQuantumGraphFileError],
    ["a run with NUL", { ...minimal, output_run: "a\0b" }, InvalidQuantumGraphFileError],
    ["an output that leaves", { ...minimal, output: ".." }, InvalidQuantumGraphFileError],
    ["inputs that are no array", { ...minimal, inputs: "a" }, InvalidQuantumGraphFileError],
    ["an input that is no name", { ...minimal, inputs: [1] }, InvalidQuantumGraphFileError],
    ["a huge count", { ...minimal, n_quanta: 1e300 }, InvalidQuantumGraphFileError],
    ["counts that are an array", { ...minimal, n_task_quanta: [] }, InvalidQuantumGraphFileError],
    ["a bad id", { ...minimal, provenance_dataset_id: "x" }, InvalidQuantumGraphFileError],
    ["an array", [], InvalidQuantumGraphFileError],
  ];
  for (const [what, value, errorClass] of refused) {
    await t.step(what, () => {
      assert.throws(
        () => parseHeader(encodeUtf8(JSON.stringify(value)), "some.qg", "predicted"),
        (error: unknown) =>
          error instanceof errorClass && error.message.includes('"some.qg"') &&
          error.exitCode === 2,
      );
    });
  }
  await t.step("text that is no JSON", () => {
    assert.throws(
      () => parseHeader(encodeUtf8("{"), "some.qg", "any"),
      InvalidQuantumGraphFileError,
    );
  });
});

Deno.test("parseHeader() accepts names with dots that lead nowhere", () => {
  const text = encodeUtf8(`{"graph_type":"predicted","output_run":"u/a..b/...","version":0}`);
  assert.equal(parseHeader(text, "p.qg", "predicted").output_run, "u/a..b/...");
});

Deno.test("provenanceHeaderText() replaces the graph type and nothing else", () => {
  const before = decodeUtf8(SAMPLE);
  const after = decodeUtf8(provenanceHeaderText(SAMPLE));
  assert.equal(after, before.replace('"predicted"', '"provenance"'));
});

Deno.test("provenanceHeaderText() keeps blanks, order, numbers and unknown keys", async (t) => {
  const id = `"provenance_dataset_id":"01a203df-2de5-7220-9ed1-fffd0a448ee7"`;
  const cases = [
    [
      ` { "metadata" : {"graph_type":"predicted","x":1.0} , "graph_type" : "predicted", ${id} }\n`,
      ` { "metadata" : {"graph_type":"predicted","x":1.0} , "graph_type" : "provenance", ${id} }\n`,
    ],
    [
      `{"version":0,"graph_type":"predicted",${id}}`,
      `{"version":1,"graph_type":"provenance",${id}}`,
    ],
    [`{"graph_type":"predicted",${id}}`, `{"graph_type":"provenance",${id}}`],
    [
      `{"graph_type":"x","graph_type":"predicted","n":9007199254740993,${id}}`,
      `{"graph_type":"provenance","graph_type":"provenance","n":9007199254740993,${id}}`,
    ],
    [`{"user":"é",${id}}`, `{"graph_type":"provenance","user":"é",${id}}`],
    [`{${id}}`, `{"graph_type":"provenance",${id}}`],
  ];
  for (const [before, after] of cases) {
    await t.step(before, () => {
      assert.equal(decodeUtf8(provenanceHeaderText(encodeUtf8(before))), after);
    });
  }
});

for (const rest of ["", ',"provenance_dataset_id":""']) {
  Deno.test(`provenanceHeaderText() gives a graph without an ID one of its own, always the same${rest}`, () => {
    const make = (run: string) => {
      const text = encodeUtf8(
        `{"version":0,"graph_type":"predicted","output_run":"${run}"${rest}}`,
      );
      return parseHeader(provenanceHeaderText(text), "p.qg", "provenance");
    };
    const header = make("a");
    assert.match(header.provenance_dataset_id, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab]/);
    assert.deepEqual(make("a"), header);
    assert.notEqual(make("b").provenance_dataset_id, header.provenance_dataset_id);
    assert.deepEqual([header.version, header.output_run], [1, "a"]);
  });
}
