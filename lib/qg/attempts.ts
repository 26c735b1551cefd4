/**
 * The per-attempt documents of a log or metadata block (`schema/quantum-graph.md`, section 8.5).
 *
 * @module
 */

import { JsonCursor } from "../base/json_text.ts";

/**
 * Finds the elements of `{"attempts":[...]}`: half-open byte ranges, blanks around them excluded, so
 * that each document comes back byte for byte; null where the block says `null`.
 *
 * @throws {SyntaxError} if the text isn't JSON or has no such array.
 */
export function splitAttempts(text: Uint8Array): ([startByte: number, endByte: number] | null)[] {
  let attempts: ([number, number] | null)[] | null = null;
  const cursor = new JsonCursor(text);
  cursor.beginObject();
  while (cursor.nextMember()) {
    if (cursor.key !== "attempts") {
      cursor.skip();
      continue;
    }
    attempts = [];
    cursor.beginArray();
    while (cursor.nextElement()) {
      attempts.push(cursor.takeNull() ? null : cursor.skipRange());
    }
  }
  cursor.finish();
  if (attempts === null) throw new SyntaxError("Cannot split attempts: there is no attempts array");
  return attempts;
}
