import assert from "node:assert/strict";
import { ByteBuilder } from "../../lib/base/bytes.ts";
import { encodeUtf8, parseJson, stringifyJson } from "../../lib/base/json_text.ts";
import { parseLogFile } from "../../lib/provenance/documents/log_records.ts";
import { AttemptStatus, ScanStatus } from "../../lib/provenance/quantum_status.ts";
import {
  assembleAttempts,
  BLOCKED_QUANTUM,
  type LogSource,
  type MetadataSource,
  type ScannedQuantum,
  writeDatasetBlock,
  writeLogBlock,
  writeMetadataBlock,
  writeQuantumBlock,
} from "../../lib/provenance/scan_quantum.ts";
import { parseTaskMetadata } from "../../lib/provenance/documents/task_metadata.ts";
import { parsePredictedQuantum } from "../../lib/qg/predicted/predicted_quantum.ts";
import { splitAttempts } from "../../lib/qg/attempts.ts";

const RECORD =
  '{"name":"n","asctime":"2026-11-22T15:28:07.772212Z","message":"é\\n","levelno":20,' +
  '"levelname":"INFO","filename":"f","pathname":"p","lineno":1,"process":2,"processName":"P","MDC":{}}';
const ID = "01a203df-2de6-7ae4-b98c-a9434b5b58fb";
const EXCEPTION =
  '{"type_name":"t","message":"m","metadata":{"x":1.0,"n":NaN,"i":12345678901234567890}}';
const METADATA = '{"scalars":{"a":1.0,"b":NaN,"c":9007199254740993},"metadata":{"quantum":' +
  `{"scalars":{"caveats":67},"arrays":{"outputs":["${ID}"]}}}}`;

function log(text: string): LogSource {
  const bytes = encodeUtf8(text);
  return { bytes, file: parseLogFile(bytes, "task") };
}

function metadata(text: string): MetadataSource {
  const bytes = encodeUtf8(text);
  return { bytes, document: parseTaskMetadata(bytes, "task") };
}

const extended = (members: string) =>
  log(`{"extended":true,"version":2,"records":[${RECORD}],${members}}`);

function write(body: (out: ByteBuilder) => void): string {
  const out = new ByteBuilder();
  body(out);
  return new TextDecoder().decode(out.view());
}

Deno.test("assembleAttempts() tells statuses by which files there are", () => {
  const cases: [
    hasLog: boolean,
    hasMetadata: boolean,
    isIncomplete: boolean,
    hasLogOutput: boolean,
    scan: ScanStatus,
    attempt: AttemptStatus,
  ][] = [
    [true, true, false, true, ScanStatus.SUCCESSFUL, AttemptStatus.SUCCESSFUL],
    [true, true, true, true, ScanStatus.SUCCESSFUL, AttemptStatus.SUCCESSFUL],
    [false, true, false, true, ScanStatus.SUCCESSFUL, AttemptStatus.ABORTED_SUCCESS],
    [false, true, false, false, ScanStatus.SUCCESSFUL, AttemptStatus.SUCCESSFUL],
    [true, false, false, true, ScanStatus.FAILED, AttemptStatus.FAILED],
    [true, false, true, true, ScanStatus.ABANDONED, AttemptStatus.FAILED],
    [false, false, false, true, ScanStatus.FAILED, AttemptStatus.FAILED],
    [false, false, false, false, ScanStatus.FAILED, AttemptStatus.FAILED],
    [false, false, true, true, ScanStatus.ABANDONED, AttemptStatus.FAILED],
  ];
  for (const [hasLog, hasMetadata, isIncomplete, hasLogOutput, scan, attempt] of cases) {
    const scanned = assembleAttempts(
      hasLog ? log(`[${RECORD}]`) : null,
      hasMetadata ? metadata(METADATA) : null,
      isIncomplete,
      hasLogOutput,
    );
    assert.equal(scanned.scanStatus, scan);
    assert.deepEqual(scanned.attempts.map(({ status }) => status), [attempt]);
    assert.equal(scanned.attempts[0].log !== null, hasLog);
    assert.equal(scanned.attempts[0].metadata !== null, hasMetadata);
    assert.deepEqual(scanned.outputs, hasMetadata ? new Set([ID]) : null);
  }
});

Deno.test("assembleAttempts() drops unknown caveats and says so", () => {
  const scanned = (caveats: string) =>
    assembleAttempts(null, metadata(METADATA.replace("67", caveats)), false);
  assert.equal(scanned("67").attempts[0].caveats, 67);
  assert.deepEqual(scanned("67").remarks, []);
  assert.equal(scanned("195").attempts[0].caveats, 67);
  assert.deepEqual(scanned("195").remarks, ["caveats 195 has unknown bits, which were dropped"]);
  for (const caveats of ["NaN", "Infinity", '"x"', "null"]) {
    assert.equal(scanned(caveats).attempts[0].caveats, null, caveats);
  }
});

Deno.test("assembleAttempts() throws when the extra holds records of its own", () => {
  assert.throws(() => assembleAttempts(extended(`"logs":[${RECORD}]`), null, false), SyntaxError);
  assembleAttempts(extended('"logs":[ ]'), null, false);
});

/** Blocks of what was scanned, and the documents that each attempt finds in them. */
function blocks(scanned: ScannedQuantum, logSource: LogSource | null) {
  const logs = write((out) => writeLogBlock(out, scanned.attempts, logSource?.bytes ?? null));
  const documents = write((out) => writeMetadataBlock(out, scanned.attempts));
  const split = (text: string) => {
    const bytes = encodeUtf8(text);
    return splitAttempts(bytes).map((range) =>
      range && new TextDecoder().decode(bytes.subarray(range[0], range[1]))
    );
  };
  return { logs: split(logs), metadata: split(documents) };
}

Deno.test("blocks hold the text of every attempt byte for byte", () => {
  const failedMetadata = '{"scalars":{"x":Infinity,"y":1.50}}';
  const source = extended(
    `"exception":${EXCEPTION},"metadata":${failedMetadata},"previous_attempts":[` +
      `{"logs":[ ${RECORD} ,${RECORD}],"metadata":${METADATA}},{"logs":[],"metadata":null},{}]`,
  );
  const failed = assembleAttempts(source, null, false);
  assert.deepEqual(blocks(failed, source), {
    logs: [`[ ${RECORD} ,${RECORD}]`, "[]", "[]", `[${RECORD}]`],
    metadata: [METADATA, null, null, failedMetadata],
  });
  const succeeded = assembleAttempts(source, metadata(` ${METADATA}\n`), false);
  assert.deepEqual(blocks(succeeded, source).metadata, [METADATA, null, null, METADATA]);
  const stream = log(`${RECORD}\n\n ${RECORD}\n`);
  assert.deepEqual(blocks(assembleAttempts(stream, null, false), stream), {
    logs: [`[${RECORD},${RECORD}]`],
    metadata: [null],
  });
  assert.deepEqual(blocks(assembleAttempts(null, null, false), null), {
    logs: [null],
    metadata: [null],
  });
  assert.deepEqual(blocks(BLOCKED_QUANTUM, null), { logs: [], metadata: [] });
});

const PREDICTED =
  '{"quantum_id":"01A203DF-2DE6-7AE4-B98C-A9434B5B58FB","task_label":"t\\u00e9\\"",' +
  '"data_coordinate":["Cam1", 4,9007199254740993],"inputs":{"in\\n":[{"dataset_id":"' + ID +
  '","dataset_type_name":"raw","data_coordinate":["Cam1",4],"run":"r"}],"none":[]},' +
  `"outputs":{"out":[ { "dataset_id":"${ID}","dataset_type_name":"o","data_coordinate":[],"run":"r","more":{} } ]},` +
  '"datastore_records":{"x":{}}}';

Deno.test("writeQuantumBlock() copies coordinate, exception and ids as they are", () => {
  const quantum = parsePredictedQuantum(encodeUtf8(PREDICTED));
  const source = extended(`"exception":${EXCEPTION},"previous_process_quanta":["${ID}" , "${ID}"]`);
  const { attempts } = assembleAttempts(source, null, false);
  assert.equal(
    write((out) => writeQuantumBlock(out, quantum, attempts, source.bytes)),
    '{"quantum_id":"01A203DF-2DE6-7AE4-B98C-A9434B5B58FB","task_label":"té\\"",' +
      `"data_coordinate":["Cam1", 4,9007199254740993],"inputs":{"in\\n":["${ID}"],"none":[]},` +
      `"outputs":{"out":["${ID}"]},"attempts":[{"attempt":0,"status":-1,"caveats":null,` +
      `"exception":${EXCEPTION},"resource_usage":null,` +
      `"previous_process_quanta":["${ID}" , "${ID}"]}]}`,
  );
  const bare = parsePredictedQuantum(encodeUtf8(`{"quantum_id":"${ID}","task_label":"t"}`));
  assert.equal(
    write((out) => writeQuantumBlock(out, bare, [], null)),
    `{"quantum_id":"${ID}","task_label":"t","data_coordinate":[],"inputs":{},"outputs":{},"attempts":[]}`,
  );
});

Deno.test("writeDatasetBlock() adds three keys to the predicted text", () => {
  const quantum = parsePredictedQuantum(encodeUtf8(PREDICTED));
  const [dataset] = quantum.outputs.get("out")!;
  const text = (produced: boolean, producer: string | null, consumers: string[]) =>
    write((out) => writeDatasetBlock(out, quantum.text, dataset, produced, producer, consumers));
  const start =
    `{ "dataset_id":"${ID}","dataset_type_name":"o","data_coordinate":[],"run":"r","more":{} `;
  assert.equal(
    text(true, ID, [ID, ID]),
    `${start},"produced":true,"producer":"${ID}","consumers":["${ID}","${ID}"]}`,
  );
  assert.equal(text(false, null, []), `${start},"produced":false,"producer":null,"consumers":[]}`);
  const value = parseJson(text(true, null, [])) as Record<string, unknown>;
  assert.equal(stringifyJson(value.produced as boolean), "true");
});
