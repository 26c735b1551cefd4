/**
 * What graph ingest needs of each quantum of a graph: its log, its metadata, and what became of it.
 *
 * @module
 */

import { decodeUtf8, type JsonValue } from "../../base/json_text.ts";
import { LOG_CONNECTION, METADATA_CONNECTION } from "../../qg/pipeline_graph.ts";
import { AttemptStatus } from "../quantum_status.ts";
import { type QuantumFileIds, quantumFileIds, quantumStatus, readQuantum } from "./quantum.ts";

/** See the module. */
export interface QuantumFiles extends QuantumFileIds {
  quantumId: string;
  taskLabel: string;
  /** Values of required, then implied dimensions. */
  dataCoordinate: JsonValue[];
  /** Of the attempt that the quantum is counted by. */
  status: number;
}

/** Larger documents are parsed: matching takes stack for each element of a list. */
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
const USAGE = `\\{"memory":${NUMBER},"start":${TEXT},"prep_time":${NUMBER},` +
  `"init_time":${NUMBER},"run_time":${NUMBER},"run_time_cpu":${NUMBER}\\}`;

/**
 * The document of a quantum without exceptions and with at most one attempt, as writers write it. Nearly
 * all are like this, and one match takes a fourth of the time that parsing does. Whatever it matches is
 * such a document; every repetition ends at a character that can't be part of it, so the time is linear.
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
 * Reads a quantum's document.
 *
 * @throws {SyntaxError} as {@linkcode readQuantum} and {@linkcode quantumFileIds}.
 */
export function readQuantumFiles(text: Uint8Array): QuantumFiles {
  return readPlain(text) ?? readParsed(text);
}

/** As {@linkcode readQuantumFiles}, of any document. */
export function readParsed(text: Uint8Array): QuantumFiles {
  const quantum = readQuantum(text);
  const { quantumId, taskLabel, dataCoordinate } = quantum;
  const { metadataId, logId } = quantumFileIds(quantum);
  return {
    quantumId,
    taskLabel,
    dataCoordinate,
    metadataId,
    logId,
    status: quantumStatus(quantum),
  };
}

/** Null if the document isn't as {@linkcode PLAIN_QUANTUM} has it. */
function readPlain(text: Uint8Array): QuantumFiles | null {
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
    status: status === undefined ? AttemptStatus.BLOCKED : Number(status),
  };
}

/** The one dataset of a connection, null if there is no such connection; undefined: parse it. */
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
