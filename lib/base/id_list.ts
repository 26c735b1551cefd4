/**
 * A list of ids. A module of its own: reading a chunk log takes it, and none of what checks documents.
 *
 * @module
 */

import type { JsonCursor } from "./json_text.ts";
import { UUID_SIZE, writeUuidText } from "./uuid.ts";

/** Ids packed into an array that grows and is used again. */
export class IdList {
  #bytes = new Uint8Array(64 * UUID_SIZE);
  n = 0;

  /** Packed ids; valid until the next {@linkcode clear}. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.n * UUID_SIZE);
  }

  clear(): void {
    this.n = 0;
  }

  /** Appends an id. */
  push(id: Uint8Array): void {
    this.#reserve();
    this.#bytes.set(id, this.n++ * UUID_SIZE);
  }

  /** Reads an id from a document. */
  read(cursor: JsonCursor): void {
    const text = cursor.readString();
    this.#reserve();
    if (!writeUuidText(text, this.#bytes, this.n * UUID_SIZE)) {
      cursor.fail(`"${text.slice(0, 80)}" is no UUID`);
    }
    this.n++;
  }

  #reserve(): void {
    if ((this.n + 1) * UUID_SIZE <= this.#bytes.length) return;
    const larger = new Uint8Array(this.#bytes.length * 2);
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}
