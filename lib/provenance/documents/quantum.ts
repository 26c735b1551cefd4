/**
 * ProvenanceQuantum documents, and predicted ones as far as these have the same fields.
 * Source: `schema/quantum-graph.md`, sections 7.1 and 8.4.
 *
 * @module
 */

import { JsonCursor, type JsonValue } from "../../base/json_text.ts";
import { parseNatively } from "./native_json.ts";
import { LOG_CONNECTION, METADATA_CONNECTION } from "../../qg/pipeline_graph.ts";
import { AttemptStatus } from "../quantum_status.ts";
import { arrayOf, numberOf, objectOf, textOf } from "./fields.ts";

/** What an attempt took. NaN for what isn't recorded. */
export interface ResourceUsage {
  /** Most memory the process ever had resident, bytes. */
  memory: number;
  /** When preparation began: ISO 8601, UTC; empty if it isn't recorded. */
  start: string;
  /** Seconds. */
  prepTime: number;
  initTime: number;
  runTime: number;
  cpuSeconds: number;
}

/** One attempt. */
export interface Attempt {
  status: number;
  /** Bit set; null if not recorded. */
  caveats: number | null;
  exception: { typeName: string; message: string } | null;
  usage: ResourceUsage | null;
}

/** A quantum. */
export interface QuantumDocument {
  /** Ids are text as it stands there. */
  quantumId: string;
  taskLabel: string;
  /** Values of required, then implied dimensions. */
  dataCoordinate: JsonValue[];
  /** Dataset ids by connection. */
  inputs: ReadonlyMap<string, readonly string[]>;
  outputs: ReadonlyMap<string, readonly string[]>;
  /** In order of time; none means blocked, or predicted. */
  attempts: readonly Attempt[];
}

/**
 * Reads a quantum's document. Of a repeated key the last counts.
 *
 * @throws {SyntaxError} if it isn't one.
 */
export function readQuantum(text: Uint8Array): QuantumDocument {
  const object = objectOf(parseNatively(text), "the quantum");
  const quantumId = textOf(object.quantum_id, "quantum_id");
  const taskLabel = textOf(object.task_label, "task_label");
  if (quantumId === "" || taskLabel === "") {
    throw new SyntaxError("quantum without quantum_id or task_label");
  }
  return {
    quantumId,
    taskLabel,
    dataCoordinate: arrayOf(object.data_coordinate, "data_coordinate"),
    inputs: readEdges(object.inputs, "inputs"),
    outputs: readEdges(object.outputs, "outputs"),
    attempts: arrayOf(object.attempts, "attempts").map(readAttempt),
  };
}

function readEdges(value: JsonValue | undefined, what: string): Map<string, string[]> {
  const edges = new Map<string, string[]>();
  if (value === undefined) return edges;
  const connections = objectOf(value, what);
  for (const connection in connections) {
    edges.set(connection, idsOf(arrayOf(connections[connection], connection)));
  }
  return edges;
}

/** Edges of provenance documents name ids, those of predicted ones hold objects. */
function idsOf(values: JsonValue[]): string[] {
  for (let i = 0; i < values.length; i++) {
    if (typeof values[i] !== "string") {
      values[i] = textOf(objectOf(values[i], "a dataset").dataset_id, "dataset_id");
    }
  }
  return values as string[];
}

function readAttempt(value: JsonValue): Attempt {
  const { status, caveats = null, exception = null, resource_usage: usage = null } = objectOf(
    value,
    "an attempt",
  );
  return {
    status: numberOf(status, "status", AttemptStatus.UNKNOWN),
    caveats: caveats === null ? null : numberOf(caveats, "caveats", 0),
    exception: exception === null ? null : readException(exception),
    usage: usage === null ? null : readUsage(usage),
  };
}

/** An attempt whose document is yet to be put together of these. */
export interface AttemptParts {
  status: number;
  caveats: number | null;
  /** JSON; null for none. */
  exception: Uint8Array | null;
  usage: ResourceUsage | null;
}

/**
 * An attempt as {@linkcode readQuantum} would find it in the document.
 *
 * @throws {SyntaxError} if a part isn't what it must be.
 */
export function attemptOfParts({ status, caveats, exception, usage }: AttemptParts): Attempt {
  const thrown = exception && parseNatively(exception);
  return { status, caveats, exception: thrown === null ? null : readException(thrown), usage };
}

function readException(value: JsonValue): Attempt["exception"] {
  const { type_name: typeName, message } = objectOf(value, "exception");
  return { typeName: textOf(typeName, "type_name"), message: textOf(message, "message") };
}

function readUsage(value: JsonValue): ResourceUsage {
  const usage = objectOf(value, "resource_usage");
  return {
    memory: numberOf(usage.memory, "memory", NaN),
    start: textOf(usage.start, "start"),
    prepTime: numberOf(usage.prep_time, "prep_time", NaN),
    initTime: numberOf(usage.init_time, "init_time", NaN),
    runTime: numberOf(usage.run_time, "run_time", NaN),
    cpuSeconds: numberOf(usage.run_time_cpu, "run_time_cpu", NaN),
  };
}

/** The attempt that a quantum is counted by, or null for a blocked one. */
export function lastAttempt<A>({ attempts }: { readonly attempts: readonly A[] }): A | null {
  return attempts.at(-1) ?? null;
}

/** Status that a quantum is counted under. */
export function quantumStatus(
  quantum: { readonly attempts: readonly { status: number }[] },
): number {
  return lastAttempt(quantum)?.status ?? AttemptStatus.BLOCKED;
}

/** Ids of the log and the metadata that a quantum has among its outputs; null without such an output. */
export interface QuantumFileIds {
  metadataId: string | null;
  logId: string | null;
}

/** The files of a quantum. @throws {SyntaxError} if it has several of a kind, or names a kind without one. */
export function quantumFileIds({ outputs }: QuantumDocument): QuantumFileIds {
  const only = (connection: string): string | null => {
    const ids = outputs.get(connection);
    if (ids === undefined) return null;
    if (ids.length === 1) return ids[0];
    throw new SyntaxError(`${ids.length} datasets for ${connection}, expected 1`);
  };
  return { metadataId: only(METADATA_CONNECTION), logId: only(LOG_CONNECTION) };
}

/**
 * Where the attempts of a quantum's document are, as half-open ranges of bytes: for those who need numbers as
 * they are written.
 *
 * @throws {SyntaxError} if it isn't JSON.
 */
export function attemptRanges(text: Uint8Array): [startByte: number, endByte: number][] {
  let ranges: [number, number][] = [];
  const cursor = new JsonCursor(text);
  cursor.beginObject();
  while (cursor.nextMember()) {
    if (cursor.key !== "attempts") {
      cursor.skip();
      continue;
    }
    ranges = [];
    cursor.beginArray();
    while (cursor.nextElement()) ranges.push(cursor.skipRange());
  }
  cursor.finish();
  return ranges;
}

/**
 * Where the values of the data ID are in a document as we write them: once. Null without any.
 *
 * @throws {SyntaxError} if it isn't JSON up to there.
 */
export function coordinateRange(text: Uint8Array): [startByte: number, endByte: number] | null {
  const cursor = new JsonCursor(text);
  cursor.beginObject();
  while (cursor.nextMember()) {
    if (cursor.key === "data_coordinate") return cursor.skipRange();
    cursor.skip();
  }
  return null;
}
