/**
 * Blocks of graphs and chunk logs as a check reads them: everything parsed, ids as bytes in arrays
 * that are used again. Source: format notes, section 8.
 *
 * @module
 */

import { JsonCursor } from "../base/json_text.ts";
import { UUID_SIZE, writeUuidText } from "../base/uuid.ts";
import { readRecords } from "../provenance/documents/log_records.ts";
import { AttemptStatus, KNOWN_CAVEATS } from "../provenance/quantum_status.ts";
import { readTaskMetadata } from "../provenance/documents/task_metadata.ts";
import { UsualDocument } from "../provenance/documents/usual_documents.ts";
import { LOG_CONNECTION, METADATA_CONNECTION } from "../qg/pipeline_graph.ts";
import { IdList } from "../base/id_list.ts";

/** A ProvenanceDataset, refilled by {@linkcode readDataset}. */
export class DatasetRecord {
  readonly id = new Uint8Array(UUID_SIZE);
  typeName = "";
  isProduced = false;
  hasProducer = false;
  readonly producer = new Uint8Array(UUID_SIZE);
  readonly consumers = new IdList();

  /**
   * Parses a block of `datasets.mb`.
   *
   * @throws {SyntaxError} if it isn't one; the record is then undefined.
   */
  read(text: Uint8Array): void {
    const found = new Set<string>();
    this.hasProducer = false;
    this.consumers.clear();
    const cursor = new JsonCursor(text);
    cursor.beginObject();
    while (cursor.nextMember()) {
      const key: string = cursor.key;
      found.add(key);
      switch (key) {
        case "dataset_id":
          readId(cursor, this.id);
          break;
        case "dataset_type_name":
          this.typeName = cursor.readString();
          break;
        case "run":
          cursor.readString();
          break;
        case "produced":
          this.isProduced = cursor.readBoolean();
          break;
        case "producer":
          this.hasProducer = !cursor.takeNull();
          if (this.hasProducer) readId(cursor, this.producer);
          break;
        case "consumers":
          this.consumers.clear();
          cursor.beginArray();
          while (cursor.nextElement()) this.consumers.read(cursor);
          break;
        default:
          cursor.skip();
      }
    }
    cursor.finish();
    for (const key of ["dataset_id", "dataset_type_name", "run", "produced"]) {
      if (!found.has(key)) throw new SyntaxError(`the dataset has no ${key}`);
    }
  }
}

/** Statuses that an attempt can have; `BLOCKED` has none. */
const STATUSES: ReadonlySet<number> = new Set(
  Object.values(AttemptStatus).filter((status) => status !== AttemptStatus.BLOCKED),
);

/** A ProvenanceQuantum or init quantum, refilled by {@linkcode QuantumRecord.read}. */
export class QuantumRecord {
  readonly id = new Uint8Array(UUID_SIZE);
  taskLabel = "";
  readonly inputs = new IdList();
  readonly outputs = new IdList();
  /** Position of the metadata's id in `outputs`, or -1. */
  metadataOutput = -1;
  /** Position of the log's id in `outputs`, or -1. */
  logOutput = -1;
  nAttempts = 0;
  /** Status of the last attempt; `BLOCKED` without any. */
  lastStatus: number = AttemptStatus.BLOCKED;

  /**
   * Parses a block of `quanta.mb`.
   *
   * @throws {SyntaxError} if it isn't one; the record is then undefined.
   */
  read(text: Uint8Array): void {
    const cursor = new JsonCursor(text);
    this.readFrom(cursor);
    cursor.finish();
  }

  /** Reads the object at the cursor, also an entry of the init quanta. */
  readFrom(cursor: JsonCursor): void {
    this.taskLabel = "";
    this.inputs.clear();
    this.outputs.clear();
    this.metadataOutput = this.logOutput = -1;
    this.nAttempts = 0;
    this.lastStatus = AttemptStatus.BLOCKED;
    let hasId = false;
    cursor.beginObject();
    while (cursor.nextMember()) {
      switch (cursor.key) {
        case "quantum_id":
          readId(cursor, this.id);
          hasId = true;
          break;
        case "task_label":
          this.taskLabel = cursor.readString();
          break;
        case "inputs":
          this.#readEdges(cursor, this.inputs, false);
          break;
        case "outputs":
          this.#readEdges(cursor, this.outputs, true);
          break;
        case "attempts":
          this.#readAttempts(cursor);
          break;
        default:
          cursor.skip();
      }
    }
    if (!hasId || this.taskLabel === "") cursor.fail("quantum without quantum_id or task_label");
  }

  #readEdges(cursor: JsonCursor, ids: IdList, isOutput: boolean): void {
    ids.clear();
    if (isOutput) this.metadataOutput = this.logOutput = -1;
    cursor.beginObject();
    while (cursor.nextMember()) {
      const connection: string = cursor.key;
      const first = ids.n;
      // Init quanta have one id where others have a list.
      if (cursor.kind() === "string") ids.read(cursor);
      else {
        cursor.beginArray();
        while (cursor.nextElement()) ids.read(cursor);
      }
      if (!isOutput) continue;
      const isLog = connection === LOG_CONNECTION;
      if (!isLog && connection !== METADATA_CONNECTION) continue;
      if (ids.n !== first + 1) {
        cursor.fail(`${ids.n - first} datasets for ${connection}, expected 1,`);
      }
      if (isLog) this.logOutput = first;
      else this.metadataOutput = first;
    }
  }

  #readAttempts(cursor: JsonCursor): void {
    this.nAttempts = 0;
    this.lastStatus = AttemptStatus.BLOCKED;
    cursor.beginArray();
    while (cursor.nextElement()) {
      this.lastStatus = AttemptStatus.UNKNOWN;
      cursor.beginObject();
      while (cursor.nextMember()) {
        const key: string = cursor.key;
        if (key === "status") {
          this.lastStatus = cursor.readNumber();
          if (!STATUSES.has(this.lastStatus)) cursor.fail(`status is ${this.lastStatus}`);
        } else if (key === "attempt") {
          const attempt = cursor.readNumber();
          if (attempt !== this.nAttempts) {
            cursor.fail(`attempt ${attempt} at position ${this.nAttempts}`);
          }
        } else if (key === "caveats" && !cursor.takeNull()) {
          const caveats = cursor.readNumber();
          if ((caveats & ~KNOWN_CAVEATS) !== 0) cursor.fail(`caveats are ${caveats}`);
        } else if (key !== "caveats") cursor.skip();
      }
      this.nAttempts++;
    }
  }
}

/** What a log or metadata block holds. */
export interface AttemptList {
  nAttempts: number;
  /** Whether the last attempt has content; false without attempts. */
  hasLast: boolean;
}

/**
 * Parses a block of `logs.mb` or `metadata.mb` with all that is in it.
 *
 * @throws {SyntaxError} if readers would refuse it.
 */
export function readAttemptBlock(text: Uint8Array, kind: "log" | "metadata"): AttemptList {
  const list: AttemptList = { nAttempts: 0, hasLast: false };
  let hasAttempts = false;
  const cursor = new JsonCursor(text);
  const usual = UsualDocument.load(text);
  cursor.beginObject();
  while (cursor.nextMember()) {
    if (cursor.key !== "attempts") {
      cursor.skip();
      continue;
    }
    hasAttempts = true;
    list.nAttempts = 0;
    list.hasLast = false;
    cursor.beginArray();
    while (cursor.nextElement()) {
      list.nAttempts++;
      list.hasLast = !cursor.takeNull();
      if (!list.hasLast) continue;
      if (kind === "log") readRecords(cursor, usual);
      else readTaskMetadata(cursor, "", usual);
    }
  }
  cursor.finish();
  if (!hasAttempts) throw new SyntaxError("there is no attempts array");
  return list;
}

function readId(cursor: JsonCursor, target: Uint8Array): void {
  const text = cursor.readString();
  if (!writeUuidText(text, target, 0)) cursor.fail(`"${text.slice(0, 80)}" is no UUID`);
}
