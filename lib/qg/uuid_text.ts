/**
 * UUIDs in JSON text, read without a string for any of them.
 *
 * @module
 */

import type { JsonCursor } from "../base/json_text.ts";
import { UUID_SIZE, writeUuidText } from "../base/uuid.ts";

/**
 * Reads a UUID into `target`.
 *
 * @throws {SyntaxError} if there is none.
 */
export function readId(cursor: JsonCursor, target: Uint8Array, at: number): void {
  cursor.kind(); // skips blanks
  if (takePlainId(cursor, target, at)) return;
  const text = cursor.readString();
  if (!writeUuidText(text, target, at)) cursor.fail(`"${text.slice(0, 80)}" is no UUID`);
}

/** Consumes a UUID written as 36 plain characters; false, consuming nothing, for other forms. */
export function takePlainId(cursor: JsonCursor, target: Uint8Array, at: number): boolean {
  const bytes = cursor.bytes;
  let from = cursor.position;
  if (bytes[from++] !== 0x22 || bytes[from + 36] !== 0x22) return false;
  for (let i = 0; i < UUID_SIZE; i++) {
    if ((i === 4 || i === 6 || i === 8 || i === 10) && bytes[from++] !== 0x2d) return false;
    const high = HEX_DIGITS[bytes[from++]];
    const low = HEX_DIGITS[bytes[from++]];
    if ((high | low) > 15) return false;
    target[at + i] = high << 4 | low;
  }
  cursor.position = from + 1;
  return true;
}

/** Value of each ASCII hexadecimal digit, 255 for other bytes. */
const HEX_DIGITS = hexDigits();

function hexDigits(): Uint8Array {
  const table = new Uint8Array(256).fill(255);
  for (let value = 0; value < 16; value++) {
    const digit = value.toString(16);
    table[digit.charCodeAt(0)] = value;
    table[digit.toUpperCase().charCodeAt(0)] = value;
  }
  return table;
}
