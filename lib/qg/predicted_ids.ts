/**
 * The ids of a predicted quantum: all that the pass over a whole graph needs of most blocks. Errors are
 * `SyntaxError`s without a file name; who knows the file adds it.
 *
 * @module
 */

import { JsonCursor } from "../base/json_text.ts";
import { UUID_SIZE, writeUuidText } from "../base/uuid.ts";
import { LOG_CONNECTION, METADATA_CONNECTION } from "./pipeline_graph.ts";
import { missing, parsePredictedQuantum, type PredictedQuantum } from "./predicted_quantum.ts";
import { TextTable } from "./text_table.ts";
import { readId } from "./uuid_text.ts";

// A pure cache: whether a string was met before changes no answer.
const names = new TextTable();

/** Role of an output in {@linkcode QuantumIds.outputRoles}: neither metadata nor log. */
export const ROLE_OTHER = 0;
/** Role of the `_metadata` output. */
export const ROLE_METADATA = 1;
/** Role of the `_log` output. */
export const ROLE_LOG = 2;

/**
 * The ids of one quantum as bytes, refilled by {@linkcode scanQuantumIds}: make one and reuse it.
 * Only the first `nInputs` and `nOutputs` ids are valid; a dataset under several connections occurs
 * several times.
 */
export class QuantumIds {
  readonly quantumId: Uint8Array = new Uint8Array(UUID_SIZE);
  taskLabel = "";
  nInputs = 0;
  nOutputs = 0;
  /** Packed, 16 bytes each; replaced by a larger array when it has to grow. */
  inputIds: Uint8Array = new Uint8Array(64 * UUID_SIZE);
  /** Packed, 16 bytes each; replaced by a larger array when it has to grow. */
  outputIds: Uint8Array = new Uint8Array(64 * UUID_SIZE);
  /** One per output: {@linkcode ROLE_OTHER}, {@linkcode ROLE_METADATA} or {@linkcode ROLE_LOG}. */
  outputRoles: Uint8Array = new Uint8Array(64);
  /**
   * What tells where metadata and log are, if one data ID is that of both; null if they have two, or
   * their number isn't one metadata dataset and at most one log.
   */
  files: QuantumFileRefs | null = null;

  /** Place for one more input. For the scanner only. */
  growInputs(): void {
    if ((this.nInputs + 1) * UUID_SIZE > this.inputIds.length) {
      this.inputIds = doubled(this.inputIds);
    }
  }

  /** Place for one more output. For the scanner only. */
  growOutputs(): void {
    if (this.nOutputs + 1 > this.outputRoles.length) {
      this.outputIds = doubled(this.outputIds);
      this.outputRoles = doubled(this.outputRoles);
    }
  }
}

/** Dataset types, RUN and data ID of the metadata and the log of a quantum. */
export interface QuantumFileRefs {
  metadataType: string;
  /** Empty if the quantum writes no log. */
  logType: string;
  run: string;
  /** Half-open byte range of the array of the data ID's values. */
  coordinateRange: [startByte: number, endByte: number];
}

/** What outputs must be like beyond their form: who knows the pipeline says it. */
export interface OutputRules {
  /**
   * Looks at an output of a block.
   *
   * @param coordinate Its data ID: a half-open byte range of `text`, empty for `[]`.
   * @throws {ProvgraphError} if it can't be what a task of the pipeline writes.
   */
  checkOutput(
    text: Uint8Array,
    output: { typeName: string; run: string; coordinateRange: readonly [number, number] },
  ): void;
  /**
   * Looks at how many datasets a quantum has for metadata and for its log.
   *
   * @throws {ProvgraphError} if there can't be so many.
   */
  checkFiles(quantumId: Uint8Array, nMetadata: number, nLogs: number): void;
}

function doubled(bytes: Uint8Array): Uint8Array {
  const larger = new Uint8Array(bytes.length * 2);
  larger.set(bytes);
  return larger;
}

/**
 * Reads the ids of one block into `out`, without a string for any of them: the cheap parse of the
 * pass over all quanta. A few microseconds a quantum.
 *
 * @param rules What outputs are checked by; null takes all that have the right form.
 * @throws {SyntaxError} as {@linkcode parsePredictedQuantum}; `out` is then undefined.
 * @throws {ProvgraphError} as the rules do.
 */
export function scanQuantumIds(
  text: Uint8Array,
  out: QuantumIds,
  rules: OutputRules | null = null,
): void {
  let hasId = false;
  let hasLabel = false;
  let hasRepeats = false;
  let nFiles: [nMetadata: number, nLogs: number] = [0, 0];
  out.nInputs = 0;
  out.nOutputs = 0;
  out.files = null;
  const cursor = new JsonCursor(text);
  cursor.beginObject();
  while (cursor.nextMember()) {
    switch (cursor.key) {
      case "quantum_id":
        readId(cursor, out.quantumId, 0);
        hasId = true;
        break;
      case "task_label":
        out.taskLabel = names.readString(cursor);
        hasLabel = true;
        break;
      case "inputs":
        out.nInputs = 0;
        hasRepeats = scanConnections(cursor, out, false, null) || hasRepeats;
        break;
      case "data_coordinate":
        requireArray(cursor);
        cursor.skip();
        break;
      case "outputs":
        out.nOutputs = 0;
        nFiles = [0, 0];
        hasRepeats = scanConnections(cursor, out, true, rules, nFiles) || hasRepeats;
        break;
      default:
        cursor.skip();
    }
  }
  cursor.finish();
  if (!hasId) throw missing("quantum_id", "quantum");
  if (!hasLabel) throw missing("task_label", "quantum");
  if (hasRepeats) nFiles = fillFrom(parsePredictedQuantum(text), out);
  rules?.checkFiles(out.quantumId, ...nFiles);
}

function requireArray(cursor: JsonCursor): void {
  if (cursor.kind() !== "array") cursor.fail("expected an array");
}

/** The dataset that is being read. Only what belongs to a file is kept, in a copy. */
const present: FileRef = { typeName: null, run: null, coordinateRange: [0, 0] };
const NO_RANGE: [number, number] = [0, 0];

/**
 * Reads the ids under `inputs` or `outputs`; true if a connection occurred twice.
 *
 * @param nFiles Gets the number of metadata and log datasets.
 */
function scanConnections(
  cursor: JsonCursor,
  out: QuantumIds,
  isOutput: boolean,
  rules: OutputRules | null,
  nFiles: [nMetadata: number, nLogs: number] = [0, 0],
): boolean {
  const connections: string[] = [];
  const metadata: FileRef[] = [];
  const logs: FileRef[] = [];
  let hasRepeats = false;
  cursor.beginObject();
  while (cursor.nextMember()) {
    const connection = cursor.key;
    if (connections.includes(connection)) hasRepeats = true;
    connections.push(connection);
    const role = isOutput ? roleOf(connection) : ROLE_OTHER;
    cursor.beginArray();
    while (cursor.nextElement()) {
      if (isOutput) out.growOutputs();
      else out.growInputs();
      const target = isOutput ? out.outputIds : out.inputIds;
      const at = (isOutput ? out.nOutputs : out.nInputs) * UUID_SIZE;
      readDatasetRef(cursor, target, at);
      if (isOutput) out.outputRoles[out.nOutputs++] = role;
      else out.nInputs++;
      rules?.checkOutput(cursor.bytes, present as KnownRef);
      if (role !== ROLE_OTHER) (role === ROLE_LOG ? logs : metadata).push({ ...present });
    }
  }
  if (isOutput) {
    out.files = commonFileRefs(cursor.bytes, metadata, logs);
    nFiles[0] = metadata.length;
    nFiles[1] = logs.length;
  }
  return hasRepeats;
}

/** Reads a dataset into `present`, and its id into `target`. */
function readDatasetRef(cursor: JsonCursor, target: Uint8Array, at: number): void {
  present.typeName = null;
  present.run = null;
  present.coordinateRange = NO_RANGE;
  let hasId = false;
  cursor.beginObject();
  while (cursor.nextMember()) {
    switch (cursor.key) {
      case "dataset_id":
        readId(cursor, target, at);
        hasId = true;
        break;
      case "dataset_type_name":
        present.typeName = names.readString(cursor);
        break;
      case "run":
        present.run = names.readString(cursor);
        break;
      case "data_coordinate":
        requireArray(cursor);
        present.coordinateRange = cursor.skipRange();
        break;
      default:
        cursor.skip();
    }
  }
  if (!hasId) throw missing("dataset_id", "dataset");
  if (present.typeName === null) throw missing("dataset_type_name", "dataset");
  if (present.run === null) throw missing("run", "dataset");
}

/** One dataset; null for what hasn't been read yet. */
interface FileRef {
  typeName: string | null;
  run: string | null;
  coordinateRange: [startByte: number, endByte: number];
}

/** A dataset of which all is read. */
interface KnownRef extends FileRef {
  typeName: string;
  run: string;
}

function commonFileRefs(
  bytes: Uint8Array,
  metadata: readonly FileRef[],
  logs: readonly FileRef[],
): QuantumFileRefs | null {
  if (metadata.length !== 1 || logs.length > 1) return null;
  const [{ typeName, run, coordinateRange }] = metadata;
  const [start, end] = coordinateRange;
  if (typeName === null || run === null || start === end) return null;
  for (const log of logs) {
    const [logStart, logEnd] = log.coordinateRange;
    if (log.typeName === null || log.run !== run || logEnd - logStart !== end - start) return null;
    for (let i = 0; i < end - start; i++) if (bytes[start + i] !== bytes[logStart + i]) return null;
  }
  return { metadataType: typeName, logType: logs[0]?.typeName ?? "", run, coordinateRange };
}

function roleOf(connection: string): number {
  if (connection === METADATA_CONNECTION) return ROLE_METADATA;
  return connection === LOG_CONNECTION ? ROLE_LOG : ROLE_OTHER;
}

/**
 * The slow way, for a block in which a connection occurs twice and only its last value counts.
 *
 * @returns the number of metadata and log datasets.
 */
function fillFrom(
  quantum: PredictedQuantum,
  out: QuantumIds,
): [nMetadata: number, nLogs: number] {
  out.nInputs = 0;
  out.nOutputs = 0;
  out.files = null;
  for (const datasets of quantum.inputs.values()) {
    for (const dataset of datasets) {
      out.growInputs();
      writeUuidText(dataset.idText, out.inputIds, out.nInputs++ * UUID_SIZE);
    }
  }
  for (const [connection, datasets] of quantum.outputs) {
    for (const dataset of datasets) {
      out.growOutputs();
      writeUuidText(dataset.idText, out.outputIds, out.nOutputs * UUID_SIZE);
      out.outputRoles[out.nOutputs++] = roleOf(connection);
    }
  }
  const n = (connection: string) => quantum.outputs.get(connection)?.length ?? 0;
  return [n(METADATA_CONNECTION), n(LOG_CONNECTION)];
}
