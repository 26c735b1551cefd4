/**
 * Ids in documents, read into arrays.
 *
 * @module
 */

import type { JsonCursor } from "../../base/json_text.ts";
import { writeUuidText } from "../../base/uuid.ts";

export function readId(cursor: JsonCursor, target: Uint8Array): void {
  const text = cursor.readString();
  if (!writeUuidText(text, target, 0)) cursor.fail(`"${text.slice(0, 80)}" is no UUID`);
}
