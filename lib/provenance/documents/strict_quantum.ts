/**
 * A ProvenanceQuantum as a check reads it: everything parsed, ids as bytes in arrays used again.
 *
 * @module
 */

import { IdList } from "../../base/id_list.ts";
import { JsonCursor } from "../../base/json_text.ts";
import { UUID_SIZE } from "../../base/uuid.ts";
import { LOG_CONNECTION, METADATA_CONNECTION } from "../../qg/pipeline_graph.ts";
import { AttemptStatus, KNOWN_CAVEATS } from "../quantum_status.ts";
import { readId } from "./strict_id.ts";

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
