import assert from "node:assert/strict";
import { decodeUtf8, encodeUtf8 } from "../../../lib/base/json_text.ts";
import { uuidToText } from "../../../lib/base/uuid.ts";
import {
  QuantumIds,
  ROLE_LOG,
  ROLE_METADATA,
  ROLE_OTHER,
  scanQuantumIds,
} from "../../../lib/qg/predicted/predicted_ids.ts";
import {
  parseInitQuanta,
  parsePredictedQuantum,
  type PredictedQuantum,
} from "../../../lib/qg/predicted/predicted_quantum.ts";

const ID = (n: number): string => `01a203df-2de0-7f56-bab2-${n.toString(16).padStart(12, "0")}`;

function dataset(n: number, type: string, coordinate = "[]"): string {
  return `{"dataset_id":"${
    ID(n)
  }","dataset_type_name":"${type}","data_coordinate":${coordinate},"run":"r"}`;
}

const BLOCK = `{"quantum_id":"${ID(1)}","task_label":"calibrate","data_coordinate":["Cam1",4,1],` +
  `"inputs":{"refcat":[${dataset(2, "references", "[253954]")}],"image":[${dataset(3, "raw")},${
    dataset(2, "references")
  }]},` +
  `"outputs":{"out":[${dataset(4, "image", '["Cam1",4.0,true,null]')}],` +
  `"_metadata":[${dataset(5, "calibrate_metadata")}],"_log":[${dataset(6, "calibrate_log")}]},` +
  `"datastore_records":{"x":{"a":[{}]}}}`;

/** Ids of a scan as text. */
function scanned(text: string): unknown {
  const ids = new QuantumIds();
  scanQuantumIds(encodeUtf8(text), ids);
  const list = (packed: Uint8Array, n: number): string[] =>
    Array.from({ length: n }, (_, i) => uuidToText(packed, i * 16));
  return {
    id: uuidToText(ids.quantumId),
    label: ids.taskLabel,
    inputs: list(ids.inputIds, ids.nInputs),
    outputs: list(ids.outputIds, ids.nOutputs),
    roles: [...ids.outputRoles.subarray(0, ids.nOutputs)],
  };
}

/** The same by the full parse. */
function parsed(text: string): unknown {
  const quantum = parsePredictedQuantum(encodeUtf8(text));
  const normal = (id: string): string => {
    const h = id.replaceAll("-", "").toLowerCase();
    return `${h.slice(0, 8)}-${h.slice(8, 12)}-${h.slice(12, 16)}-${h.slice(16, 20)}-${
      h.slice(20)
    }`;
  };
  const outputs = [...quantum.outputs].flatMap(([c, list]) => list.map((d) => [c, d] as const));
  return {
    id: normal(quantum.quantumId),
    label: quantum.taskLabel,
    inputs: [...quantum.inputs.values()].flat().map((d) => normal(d.idText)),
    outputs: outputs.map(([, d]) => normal(d.idText)),
    roles: outputs.map(([c]) =>
      c === "_metadata" ? ROLE_METADATA : c === "_log" ? ROLE_LOG : ROLE_OTHER
    ),
  };
}

function textsOf(quantum: PredictedQuantum): string[] {
  return [...quantum.inputs.values(), ...quantum.outputs.values()].flat()
    .map(({ start, end }) => decodeUtf8(quantum.text.subarray(start, end)));
}

Deno.test("parsePredictedQuantum() gives values and the exact text of each dataset", () => {
  const quantum = parsePredictedQuantum(encodeUtf8(BLOCK));
  assert.equal(quantum.quantumId, ID(1));
  assert.equal(quantum.taskLabel, "calibrate");
  assert.deepEqual(quantum.dataCoordinate, ["Cam1", 4, 1]);
  assert.equal(
    decodeUtf8(quantum.text.subarray(...quantum.dataCoordinateRange)),
    `["Cam1",4,1]`,
  );
  assert.deepEqual([...quantum.inputs.keys()], ["refcat", "image"]);
  assert.deepEqual([...quantum.outputs.keys()], ["out", "_metadata", "_log"]);
  assert.deepEqual(quantum.outputs.get("out")![0].dataCoordinate, ["Cam1", 4, true, null]);
  assert.equal(quantum.inputs.get("image")![0].typeName, "raw");
  assert.equal(quantum.inputs.get("image")![0].run, "r");
  assert.deepEqual(textsOf(quantum), [
    dataset(2, "references", "[253954]"),
    dataset(3, "raw"),
    dataset(2, "references"),
    dataset(4, "image", '["Cam1",4.0,true,null]'),
    dataset(5, "calibrate_metadata"),
    dataset(6, "calibrate_log"),
  ]);
});

Deno.test("parsePredictedQuantum() keeps large integers and non-ASCII text", () => {
  const text = BLOCK.replace("[253954]", '[9007199254740993,-7,0,12345678901234567890,"é\\n",1e3]');
  const quantum = parsePredictedQuantum(encodeUtf8(text));
  assert.deepEqual(quantum.inputs.get("refcat")![0].dataCoordinate, [
    9007199254740993n,
    -7,
    0,
    12345678901234567890n,
    "é\n",
    1000,
  ]);
  assert.equal(quantum.inputs.get("refcat")![0].idText, ID(2));
  assert.ok(textsOf(quantum)[0].includes('"é\\n"'));
});

Deno.test("parsePredictedQuantum() and scanQuantumIds() agree on every form", async (t) => {
  const pretty = JSON.stringify(JSON.parse(BLOCK), null, 2);
  const reversed = JSON.stringify(
    Object.fromEntries(Object.entries(JSON.parse(BLOCK)).reverse()),
  );
  const outputs = `"outputs":{"x":[${dataset(7, "x")}]},`;
  const cases: Record<string, string> = {
    "as the reference writes": BLOCK,
    "with blanks": pretty.replaceAll("\n", "\r\n\t"),
    "keys the other way round": reversed,
    "upper-case ids": BLOCK.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, (id) => id.toUpperCase()),
    "ids without dashes": BLOCK.replaceAll(
      /[0-9a-f]{8}-[0-9a-f-]{27}/g,
      (id) => id.replaceAll("-", ""),
    ),
    "escaped ids": BLOCK.replace(`"${ID(3)}"`, `"\\u0030${ID(3).slice(1)}"`),
    "unknown keys": BLOCK.replace('{"quantum_id"', '{"new":[{"dataset_id":"x"}],"quantum_id"'),
    "no inputs and outputs": `{"quantum_id":"${ID(1)}","task_label":""}`,
    "empty lists": `{"quantum_id":"${ID(1)}","task_label":"a","inputs":{"i":[]},"outputs":{}}`,
    "repeated outputs, the last counts": BLOCK.replace('"outputs"', `${outputs}"outputs"`),
    "repeated connection, the last counts": BLOCK.replace(
      '"_log":[',
      `"_log":[${dataset(8, "l")},${dataset(9, "l")}],"_log":[`,
    ),
    "repeated id, the last counts": BLOCK.replace(
      '"quantum_id"',
      `"quantum_id":"${ID(77)}","quantum_id"`,
    ),
    "non-ASCII label": BLOCK.replace('"calibrate"', '"kalibriéren"'),
  };
  for (const [what, text] of Object.entries(cases)) {
    await t.step(what, () => assert.deepEqual(scanned(text), parsed(text)));
  }
  await t.step("the answer is the same for blanks, order and case", () => {
    for (const what of ["with blanks", "upper-case ids", "ids without dashes", "escaped ids"]) {
      assert.deepEqual(scanned(cases[what]), scanned(BLOCK), what);
    }
  });
});

Deno.test("scanQuantumIds() grows its arrays and can be used again", () => {
  const many = Array.from({ length: 300 }, (_, i) => dataset(1000 + i, "raw")).join(",");
  const text = `{"quantum_id":"${ID(1)}","task_label":"a","inputs":{"i":[${many}]},` +
    `"outputs":{"o":[${many}],"_log":[${dataset(3, "l")}]}}`;
  assert.deepEqual(scanned(text), parsed(text));
  const ids = new QuantumIds();
  scanQuantumIds(encodeUtf8(text), ids);
  scanQuantumIds(encodeUtf8(BLOCK), ids);
  assert.equal(ids.nInputs, 3);
  assert.equal(ids.nOutputs, 3);
  assert.equal(uuidToText(ids.inputIds, 16), ID(3));
});

Deno.test("parsePredictedQuantum() and scanQuantumIds() refuse what isn't a quantum", async (t) => {
  const cases: Record<string, string> = {
    "no quantum_id": BLOCK.replace('"quantum_id"', '"other"'),
    "no task_label": BLOCK.replace('"task_label"', '"other"'),
    "no dataset_id": BLOCK.replace('"dataset_id"', '"other"'),
    "an id that isn't a UUID": BLOCK.replace(ID(3), ID(3).replace("7f56", "7g56")),
    "an id with a dash in the wrong place": BLOCK.replace(ID(3), `${ID(3).slice(0, 35)}-`),
    "an id that is a number": BLOCK.replace(`"${ID(3)}"`, "7"),
    "a label that is a number": BLOCK.replace('"calibrate"', "7"),
    "outputs that are an array": BLOCK.replace('"outputs":{', '"outputs":[{'),
    "a list that is an object": `{"quantum_id":"${ID(1)}","task_label":"a","inputs":{"i":{}}}`,
    "trailing text": `${BLOCK}x`,
    "a cut text": BLOCK.slice(0, -30),
    "nothing": "",
    "an array": "[]",
    "deep nesting": "[".repeat(100_000),
  };
  for (const [what, text] of Object.entries(cases)) {
    await t.step(what, () => {
      assert.throws(() => parsed(text), SyntaxError);
      assert.throws(() => scanned(text), SyntaxError);
    });
  }
  for (const key of ["dataset_type_name", "run"]) {
    await t.step(`no ${key}`, () => {
      assert.throws(() => parsed(BLOCK.replace(`"${key}"`, '"other"')), SyntaxError);
    });
    await t.step(`${key} that is null`, () => {
      const text = BLOCK.replace(new RegExp(`"${key}":"[a-z]+"`), `"${key}":null`);
      assert.throws(() => parsed(text), SyntaxError);
    });
  }
});

Deno.test("parsePredictedQuantum() refuses a text that isn't UTF-8", () => {
  const text = encodeUtf8(BLOCK.replace("calibrate", "calibraté"));
  text[text.indexOf(0xc3)] = 0xff;
  assert.throws(() => parsePredictedQuantum(text), SyntaxError);
  assert.throws(() => scanQuantumIds(text, new QuantumIds()), SyntaxError);
});

Deno.test("parseInitQuanta() reads the init quanta of a small pipeline", () => {
  const text = encodeUtf8(
    `[{"quantum_id":"${
      ID(1)
    }","task_label":"","data_coordinate":[],"inputs":{},"outputs":{"packages":[${
      dataset(2, "packages")
    }]},"datastore_records":{}}, {"quantum_id":"${ID(3)}","task_label":"calibrate","inputs":{},` +
      `"outputs":{"_config":[${dataset(4, "calibrate_config")}]}}]`,
  );
  const quanta = parseInitQuanta(text);
  assert.deepEqual(quanta.map((q) => q.taskLabel), ["", "calibrate"]);
  assert.deepEqual(quanta[1].dataCoordinateRange, [0, 0]);
  assert.deepEqual(textsOf(quanta[1]), [dataset(4, "calibrate_config")]);
  assert.deepEqual(parseInitQuanta(encodeUtf8(" [ ] ")), []);
  assert.throws(() => parseInitQuanta(encodeUtf8("{}")), SyntaxError);
});
