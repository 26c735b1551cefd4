/**
 * Short strings that recur in every block (task labels, dataset type names, runs), decoded once.
 *
 * @module
 */

import type { JsonCursor } from "../base/json_text.ts";

const N_SLOTS = 1024;
const MAX_LENGTH = 256;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Remembers up to 1024 strings by the hash of their bytes: at most 1.5 MB. */
export class TextTable {
  readonly #bytes: (Uint8Array | undefined)[] = new Array(N_SLOTS);
  readonly #texts: string[] = new Array(N_SLOTS).fill("");

  /**
   * Reads the string at the cursor, as `cursor.readString()` does.
   *
   * @throws {SyntaxError} if there is no string.
   */
  readString(cursor: JsonCursor): string {
    if (cursor.kind() !== "string") cursor.fail("expected a string");
    const source = cursor.bytes;
    const start = cursor.position + 1;
    const limit = Math.min(source.length, start + MAX_LENGTH);
    let hash = 0;
    let at = start;
    for (; at < limit; at++) {
      const c = source[at];
      if (c === QUOTE || c === BACKSLASH || c < 0x20 || c >= 0x80) break;
      hash = (Math.imul(hash, 31) + c) | 0;
    }
    if (at === limit || source[at] !== QUOTE) return cursor.readString();
    const slot = (hash ^ (hash >>> 10)) & (N_SLOTS - 1);
    const known = this.#bytes[slot];
    const length = at - start;
    if (known !== undefined && known.length === length) {
      let i = 0;
      while (i < length && known[i] === source[start + i]) i++;
      if (i === length) {
        cursor.position = at + 1;
        return this.#texts[slot];
      }
    }
    const text = cursor.readString();
    this.#bytes[slot] = source.slice(start, at);
    this.#texts[slot] = text;
    return text;
  }
}
