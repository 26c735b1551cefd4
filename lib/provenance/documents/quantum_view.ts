/**
 * A ProvenanceQuantum document as far as people are shown it.
 *
 * @module
 */

import { JsonCursor, type JsonValue } from "../../base/json_text.ts";
import { AttemptStatus } from "../quantum_status.ts";

/** One attempt of a quantum. */
export interface AttemptView {
  status: number;
  caveats: number;
  exception: { typeName: string; message: string } | null;
  usage: ResourceUsage | null;
}

/** What an attempt took: bytes and seconds. */
export interface ResourceUsage {
  memory: number;
  /** ISO, UTC. */
  start: string;
  prepTime: number;
  initTime: number;
  runTime: number;
  cpuSeconds: number;
}

/** A quantum as far as it is shown. */
export interface QuantumView {
  quantumId: string;
  taskLabel: string;
  dataCoordinate: JsonValue[];
  /** Dataset ids by connection. */
  inputs: Map<string, string[]>;
  outputs: Map<string, string[]>;
  attempts: AttemptView[];
  /** Half-open ranges of the attempts' objects. */
  attemptRanges: [startByte: number, endByte: number][];
}

/** Reads a quantum's document. @throws {SyntaxError} if it isn't one. */
export function parseQuantumView(text: Uint8Array): QuantumView {
  const view: QuantumView = {
    quantumId: "",
    taskLabel: "",
    dataCoordinate: [],
    inputs: new Map(),
    outputs: new Map(),
    attempts: [],
    attemptRanges: [],
  };
  const cursor = new JsonCursor(text);
  cursor.beginObject();
  while (cursor.nextMember()) {
    switch (cursor.key) {
      case "quantum_id":
        view.quantumId = cursor.readString();
        break;
      case "task_label":
        view.taskLabel = cursor.readString();
        break;
      case "data_coordinate": {
        const value = cursor.readValue();
        if (Array.isArray(value)) view.dataCoordinate = value;
        break;
      }
      case "inputs":
        view.inputs = readEdges(cursor);
        break;
      case "outputs":
        view.outputs = readEdges(cursor);
        break;
      case "attempts":
        view.attempts = [];
        view.attemptRanges = [];
        cursor.beginArray();
        while (cursor.nextElement()) {
          cursor.kind();
          const start = cursor.position;
          view.attempts.push(attemptView(cursor.readValue()));
          view.attemptRanges.push([start, cursor.position]);
        }
        break;
      default:
        cursor.skip();
    }
  }
  cursor.finish();
  return view;
}

/** Edges of provenance documents name ids, those of predicted ones hold objects. */
function readEdges(cursor: JsonCursor): Map<string, string[]> {
  const edges = new Map<string, string[]>();
  cursor.beginObject();
  while (cursor.nextMember()) {
    const connection: string = cursor.key;
    const ids: string[] = [];
    cursor.beginArray();
    while (cursor.nextElement()) {
      const id = cursor.kind() === "string"
        ? cursor.readString()
        : text(member(cursor.readValue(), "dataset_id"));
      ids.push(id);
    }
    edges.set(connection, ids);
  }
  return edges;
}

function member(value: JsonValue | undefined, key: string): JsonValue | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? value[key]
    : undefined;
}

export function text(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : "";
}

function number(value: JsonValue | undefined): number {
  return typeof value === "number" ? value : NaN;
}

function attemptView(value: JsonValue): AttemptView {
  const status = number(member(value, "status"));
  const exception = member(value, "exception") ?? null;
  const usage = member(value, "resource_usage") ?? null;
  return {
    status: Number.isNaN(status) ? AttemptStatus.UNKNOWN : status,
    caveats: number(member(value, "caveats")) || 0,
    exception: exception === null ? null : {
      typeName: text(member(exception, "type_name")),
      message: text(member(exception, "message")),
    },
    usage: usage === null ? null : {
      memory: number(member(usage, "memory")),
      start: text(member(usage, "start")),
      prepTime: number(member(usage, "prep_time")),
      initTime: number(member(usage, "init_time")),
      runTime: number(member(usage, "run_time")),
      cpuSeconds: number(member(usage, "run_time_cpu")),
    },
  };
}
