/**
 * The few things that graph ingest and listings need of a ProvenanceQuantum document.
 * Source: format notes, section 8.4.
 *
 * @module
 */

import { JsonCursor, type JsonValue } from "../base/json_text.ts";
import { LOG_CONNECTION, METADATA_CONNECTION } from "../qg/pipeline_graph.ts";
import { AttemptStatus } from "./quantum_status.ts";

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

/**
 * Reads a ProvenanceQuantum document.
 *
 * @throws {SyntaxError} if it isn't one.
 */
export function parseQuantumSummary(text: Uint8Array): QuantumSummary {
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

/**
 * Reads the `produced` flag of a ProvenanceDataset document.
 *
 * @throws {SyntaxError} if it has none.
 */
export function readProduced(text: Uint8Array): boolean {
  const cursor = new JsonCursor(text);
  let produced: boolean | null = null;
  cursor.beginObject();
  while (cursor.nextMember()) {
    if (cursor.key === "produced") produced = cursor.readBoolean();
    else cursor.skip();
  }
  cursor.finish();
  return produced ?? cursor.fail("dataset without produced");
}

/** An init quantum of a provenance graph: dataset ids, as text, by connection. */
export interface InitQuantumSummary {
  quantumId: string;
  taskLabel: string;
  outputs: Map<string, string>;
}

/**
 * Reads the document of init quanta (format notes, section 8.2).
 *
 * @throws {SyntaxError} if it isn't one.
 */
export function parseInitQuantumSummaries(text: Uint8Array): InitQuantumSummary[] {
  const result: InitQuantumSummary[] = [];
  const cursor = new JsonCursor(text);
  cursor.beginArray();
  while (cursor.nextElement()) {
    const init: InitQuantumSummary = { quantumId: "", taskLabel: "", outputs: new Map() };
    cursor.beginObject();
    while (cursor.nextMember()) {
      switch (cursor.key) {
        case "quantum_id":
          init.quantumId = cursor.readString();
          break;
        case "task_label":
          init.taskLabel = cursor.readString();
          break;
        case "outputs":
          cursor.beginObject();
          while (cursor.nextMember()) {
            const connection: string = cursor.key;
            init.outputs.set(connection, cursor.readString());
          }
          break;
        default:
          cursor.skip();
      }
    }
    result.push(init);
  }
  cursor.finish();
  return result;
}
