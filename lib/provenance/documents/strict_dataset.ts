/**
 * A ProvenanceDataset as a check reads it: everything parsed, ids as bytes in arrays used again.
 *
 * @module
 */

import { IdList } from "../../base/id_list.ts";
import { JsonCursor } from "../../base/json_text.ts";
import { UUID_SIZE } from "../../base/uuid.ts";
import { readId } from "./strict_id.ts";

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
