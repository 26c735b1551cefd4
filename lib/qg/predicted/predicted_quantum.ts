/**
 * One predicted quantum: which datasets it reads and writes, and where the text of each dataset is in
 * the block, so that it can be copied into a provenance block unchanged
 * (`schema/quantum-graph.md`, sections 7.1, 7.2 and 8.3). Errors are `SyntaxError`s without a file
 * name; who knows the file adds it.
 *
 * @module
 */

import { decodeUtf8, JsonCursor, type JsonValue } from "../../base/json_text.ts";
import { UUID_SIZE, writeUuidText } from "../../base/uuid.ts";
import { TextTable } from "../text_table.ts";
import { takePlainId } from "../uuid_text.ts";

// A pure cache: whether a string was met before changes no answer.
const names = new TextTable();

/** JavaScript strings end at 2^29 characters. */
const MAX_STRING_SIZE = 2 ** 28;

/** A dataset of a quantum, with the place of its object in the text. */
export interface PredictedDatasetText {
  /** Dataset ID as in the file: 36 characters, or 32 without dashes; any case. */
  idText: string;
  /** Parent dataset type name. */
  typeName: string;
  /** RUN collection. */
  run: string;
  /** Values in the order required, implied (section 6.1). */
  dataCoordinate: JsonValue[];
  /** Half-open byte range of the whole object, braces included. */
  start: number;
  end: number;
}

/** A quantum of `quantum_datasets.mb` or `init_quanta.json.zst`. */
export interface PredictedQuantum {
  /** As in the file, see {@linkcode PredictedDatasetText.idText}. */
  quantumId: string;
  /** Empty for the init quantum that writes `packages`. */
  taskLabel: string;
  /** Half-open byte range of the array; `[0, 0]` if the key is absent, which means `[]`. */
  dataCoordinateRange: [startByte: number, endByte: number];
  dataCoordinate: JsonValue[];
  /** By connection, prerequisite inputs included, in the order of the file. */
  inputs: Map<string, PredictedDatasetText[]>;
  /** By connection, with `_metadata`, `_log` and `_config` where the quantum has them. */
  outputs: Map<string, PredictedDatasetText[]>;
  /** The text all ranges refer to. */
  text: Uint8Array;
}

/**
 * Parses one block of `quantum_datasets.mb`. Any key order and unknown keys are accepted; of a
 * repeated key the last counts.
 *
 * @throws {SyntaxError} if a required key is absent, an id is no UUID, or the text isn't JSON.
 */
export function parsePredictedQuantum(text: Uint8Array): PredictedQuantum {
  const cursor = new JsonCursor(text);
  const quantum = readQuantum(cursor, asciiOf(text));
  cursor.finish();
  return quantum;
}

/**
 * Parses `init_quanta.json.zst` of a predicted graph. All quanta share the text.
 *
 * @throws {SyntaxError} as {@linkcode parsePredictedQuantum}.
 */
export function parseInitQuanta(text: Uint8Array): PredictedQuantum[] {
  const quanta: PredictedQuantum[] = [];
  const cursor = new JsonCursor(text);
  const ascii = asciiOf(text);
  cursor.beginArray();
  while (cursor.nextElement()) quanta.push(readQuantum(cursor, ascii));
  cursor.finish();
  return quanta;
}

/**
 * The text as a string whose indices are byte positions, empty if it isn't ASCII: slices of it cost
 * far less than decoding each id.
 */
function asciiOf(text: Uint8Array): string {
  if (text.length > MAX_STRING_SIZE) return "";
  const decoded = decodeUtf8(text);
  return decoded.length === text.length ? decoded : "";
}

function readQuantum(cursor: JsonCursor, ascii: string): PredictedQuantum {
  let quantumId: string | null = null;
  let taskLabel: string | null = null;
  let dataCoordinateRange: [number, number] = [0, 0];
  let dataCoordinate: JsonValue[] = [];
  let inputs = new Map<string, PredictedDatasetText[]>();
  let outputs = new Map<string, PredictedDatasetText[]>();
  cursor.beginObject();
  while (cursor.nextMember()) {
    switch (cursor.key) {
      case "quantum_id":
        quantumId = readIdText(cursor, ascii);
        break;
      case "task_label":
        taskLabel = names.readString(cursor);
        break;
      case "data_coordinate":
        cursor.kind(); // skips blanks
        dataCoordinateRange = [cursor.position, 0];
        dataCoordinate = readValues(cursor);
        dataCoordinateRange[1] = cursor.position;
        break;
      case "inputs":
        inputs = readConnections(cursor, ascii);
        break;
      case "outputs":
        outputs = readConnections(cursor, ascii);
        break;
      default:
        cursor.skip();
    }
  }
  if (quantumId === null) throw missing("quantum_id", "quantum");
  if (taskLabel === null) throw missing("task_label", "quantum");
  return {
    quantumId,
    taskLabel,
    dataCoordinateRange,
    dataCoordinate,
    inputs,
    outputs,
    text: cursor.bytes,
  };
}

function readConnections(cursor: JsonCursor, ascii: string): Map<string, PredictedDatasetText[]> {
  const connections = new Map<string, PredictedDatasetText[]>();
  cursor.beginObject();
  while (cursor.nextMember()) {
    const connection = cursor.key;
    const datasets: PredictedDatasetText[] = [];
    cursor.beginArray();
    while (cursor.nextElement()) datasets.push(readDataset(cursor, ascii));
    connections.set(connection, datasets);
  }
  return connections;
}

function readDataset(cursor: JsonCursor, ascii: string): PredictedDatasetText {
  let idText: string | null = null;
  let typeName: string | null = null;
  let run: string | null = null;
  let dataCoordinate: JsonValue[] = [];
  cursor.kind(); // skips blanks
  const start = cursor.position;
  cursor.beginObject();
  while (cursor.nextMember()) {
    switch (cursor.key) {
      case "dataset_id":
        idText = readIdText(cursor, ascii);
        break;
      case "dataset_type_name":
        typeName = names.readString(cursor);
        break;
      case "run":
        run = names.readString(cursor);
        break;
      case "data_coordinate":
        dataCoordinate = readValues(cursor);
        break;
      default:
        cursor.skip();
    }
  }
  if (idText === null) throw missing("dataset_id", "dataset");
  if (typeName === null) throw missing("dataset_type_name", "dataset");
  if (run === null) throw missing("run", "dataset");
  return { idText, typeName, run, dataCoordinate, start, end: cursor.position };
}

function readValues(cursor: JsonCursor): JsonValue[] {
  const values: JsonValue[] = [];
  cursor.beginArray();
  while (cursor.nextElement()) {
    const kind = cursor.kind();
    if (kind === "string") values.push(names.readString(cursor));
    else if (kind === "number") values.push(takePlainInteger(cursor) ?? cursor.readValue());
    else values.push(cursor.readValue());
  }
  return values;
}

/** Consumes an integer of up to 15 plain digits; null, consuming nothing, for other forms. */
function takePlainInteger(cursor: JsonCursor): number | null {
  const bytes = cursor.bytes;
  const start = cursor.position;
  let at = start;
  let value = 0;
  for (; at - start < 16; at++) {
    const digit = bytes[at] - 48;
    if (!(digit >= 0 && digit <= 9)) break;
    value = value * 10 + digit;
  }
  const isPlain = at > start && at - start < 16 && (bytes[start] !== 48 || at - start === 1) &&
    (bytes[at] === 0x2c || bytes[at] === 0x5d);
  if (!isPlain) return null;
  cursor.position = at;
  return value;
}

const checkedId = new Uint8Array(UUID_SIZE);

function readIdText(cursor: JsonCursor, ascii: string): string {
  cursor.kind(); // skips blanks
  const start = cursor.position + 1;
  if (ascii !== "" && takePlainId(cursor, checkedId, 0)) return ascii.slice(start, start + 36);
  const text = cursor.readString();
  if (!writeUuidText(text, checkedId, 0)) cursor.fail(`"${text.slice(0, 80)}" is no UUID`);
  return text;
}

/** Error about a key that is absent. */
export function missing(key: string, what: string): SyntaxError {
  return new SyntaxError(`Cannot read predicted quantum: a ${what} has no ${key}`);
}
