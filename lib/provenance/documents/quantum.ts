/**
 * The few things that graph ingest and listings need of a ProvenanceQuantum document.
 * Source: `schema/quantum-graph.md`, section 8.4.
 *
 * @module
 */

import { decodeUtf8, JsonCursor, type JsonValue } from "../../base/json_text.ts";
import { LOG_CONNECTION, METADATA_CONNECTION } from "../../qg/pipeline_graph.ts";
import { AttemptStatus } from "../quantum_status.ts";

/** What a quantum's document says about its log and metadata. */
export interface QuantumSummary {
  quantumId: string;
  taskLabel: string;
  /** Values of required, then implied dimensions. */
  dataCoordinate: JsonValue[];
  /** Dataset id as text; null if the quantum has no such output. */
  metadataId: string | null;
  logId: string | null;
  nAttempts: number;
  /** Status of the last attempt; BLOCKED without any. */
  lastStatus: number;
}

/** Larger documents are read token by token: matching takes stack for each element of a list. */
const MAX_PLAIN_SIZE = 65536;

/** A list of what a pattern matches, without blanks. */
const list = (pattern: string) => `(?:${pattern}(?:,${pattern})*)?`;
/** Printable ASCII without quote and backslash. */
const CHARACTER = "[ !#-\\[\\]-~]";
const TEXT = `"${CHARACTER}*"`;
/** An integer that is a number of JavaScript. */
const INTEGER = "-?(?:0|[1-9][0-9]{0,14})";
const NUMBER = `${INTEGER}(?:\\.[0-9]+)?(?:[eE][+-]?[0-9]+)?`;
const EDGES = list(`${TEXT}:\\[${list(TEXT)}\\]`);
const USAGE = `\\{${list(`${TEXT}:(?:null|${TEXT}|${NUMBER})`)}\\}`;

/**
 * The document of a quantum without exceptions and with at most one attempt, as writers write it. Nearly
 * all are like this, and one match takes a fifth of the time that reading token by token does. Whatever
 * it matches is JSON; every repetition ends at a character that can't be part of it, so the time is
 * linear.
 */
const PLAIN_QUANTUM = new RegExp(
  `^\\{"quantum_id":"(${CHARACTER}+)","task_label":"(${CHARACTER}+)",` +
    `"data_coordinate":(\\[${list(`(?:${TEXT}|${INTEGER})`)}\\]),` +
    `"inputs":\\{${EDGES}\\},"outputs":\\{(${EDGES})\\},` +
    `"attempts":\\[(?:\\{"attempt":${INTEGER},"status":(${INTEGER}),` +
    `"caveats":(?:null|${INTEGER}),"exception":null,"resource_usage":(?:null|${USAGE}),` +
    `"previous_process_quanta":\\[${list(TEXT)}\\]\\})?\\]\\}$`,
);

/**
 * Reads a ProvenanceQuantum document.
 *
 * @throws {SyntaxError} if it isn't one.
 */
export function parseQuantumSummary(text: Uint8Array): QuantumSummary {
  return readPlainQuantum(text) ?? readAnyQuantum(text);
}

/** Null if the document isn't as {@linkcode PLAIN_QUANTUM} has it. */
function readPlainQuantum(text: Uint8Array): QuantumSummary | null {
  if (text.length > MAX_PLAIN_SIZE) return null;
  const match = PLAIN_QUANTUM.exec(decodeUtf8(text));
  if (match === null) return null;
  const [, quantumId, taskLabel, coordinate, outputs, status] = match;
  const metadataId = onlyOutput(outputs, METADATA_CONNECTION);
  const logId = onlyOutput(outputs, LOG_CONNECTION);
  if (metadataId === undefined || logId === undefined) return null;
  return {
    quantumId,
    taskLabel,
    dataCoordinate: JSON.parse(coordinate),
    metadataId,
    logId,
    nAttempts: status === undefined ? 0 : 1,
    lastStatus: status === undefined ? AttemptStatus.BLOCKED : Number(status),
  };
}

/** The one dataset of a connection, null if there is no such connection; undefined: look closer. */
function onlyOutput(outputs: string, connection: string): string | null | undefined {
  // No quote is escaped, so nothing but a key can match.
  const key = `"${connection}":[`;
  const at = outputs.indexOf(key);
  if (at < 0) return null;
  const start = at + key.length + 1;
  const end = outputs.indexOf('"', start);
  const isOnly = outputs[start - 1] === '"' && outputs[end + 1] === "]" &&
    outputs.indexOf(key, end) < 0;
  return isOnly ? outputs.slice(start, end) : undefined;
}

function readAnyQuantum(text: Uint8Array): QuantumSummary {
  const summary: QuantumSummary = {
    quantumId: "",
    taskLabel: "",
    dataCoordinate: [],
    metadataId: null,
    logId: null,
    nAttempts: 0,
    lastStatus: AttemptStatus.BLOCKED,
  };
  const cursor = new JsonCursor(text);
  cursor.beginObject();
  while (cursor.nextMember()) {
    switch (cursor.key) {
      case "quantum_id":
        summary.quantumId = cursor.readString();
        break;
      case "task_label":
        summary.taskLabel = cursor.readString();
        break;
      case "data_coordinate": {
        const value = cursor.readValue();
        if (!Array.isArray(value)) cursor.fail("data_coordinate is no array");
        else summary.dataCoordinate = value;
        break;
      }
      case "outputs":
        readOutputs(cursor, summary);
        break;
      case "attempts":
        readAttempts(cursor, summary);
        break;
      default:
        cursor.skip();
    }
  }
  cursor.finish();
  if (summary.quantumId === "" || summary.taskLabel === "") {
    cursor.fail("quantum without quantum_id or task_label");
  }
  return summary;
}

function readOutputs(cursor: JsonCursor, summary: QuantumSummary): void {
  cursor.beginObject();
  while (cursor.nextMember()) {
    const connection: string = cursor.key;
    if (connection !== METADATA_CONNECTION && connection !== LOG_CONNECTION) {
      cursor.skip();
      continue;
    }
    const ids: string[] = [];
    cursor.beginArray();
    while (cursor.nextElement()) ids.push(cursor.readString());
    if (ids.length !== 1) cursor.fail(`${ids.length} datasets for ${connection}, expected 1,`);
    if (connection === LOG_CONNECTION) summary.logId = ids[0];
    else summary.metadataId = ids[0];
  }
}

function readAttempts(cursor: JsonCursor, summary: QuantumSummary): void {
  summary.nAttempts = 0;
  summary.lastStatus = AttemptStatus.BLOCKED;
  cursor.beginArray();
  while (cursor.nextElement()) {
    summary.nAttempts++;
    summary.lastStatus = AttemptStatus.UNKNOWN;
    cursor.beginObject();
    while (cursor.nextMember()) {
      const key: string = cursor.key;
      if (key === "status") {
        summary.lastStatus = cursor.readNumber() as typeof summary.lastStatus;
      } else cursor.skip();
    }
  }
}
