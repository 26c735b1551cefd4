/**
 * Blocks of logs and metadata: what all attempts of a quantum left.
 *
 * @module
 */

import { JsonCursor } from "../../base/json_text.ts";
import { readRecords } from "./log_records.ts";
import { readTaskMetadata } from "./task_metadata.ts";
import { withUsualForms } from "./usual_documents.ts";

/** What a log or metadata block holds. */
export interface AttemptList {
  nAttempts: number;
  /** Whether the last attempt has content; false without attempts. */
  hasLast: boolean;
  /** Ids of the outputs that the last attempt's metadata name; empty for none, and of logs. */
  lastOutputs: readonly string[];
}

/**
 * Parses a block of `logs.mb` or `metadata.mb` with all that is in it.
 *
 * @throws {SyntaxError} if readers would refuse it.
 */
export function readAttemptBlock(text: Uint8Array, kind: "log" | "metadata"): AttemptList {
  return withUsualForms(text, () => readAttempts(text, kind));
}

function readAttempts(text: Uint8Array, kind: "log" | "metadata"): AttemptList {
  const list: AttemptList = { nAttempts: 0, hasLast: false, lastOutputs: [] };
  let hasAttempts = false;
  const cursor = new JsonCursor(text);
  cursor.beginObject();
  while (cursor.nextMember()) {
    if (cursor.key !== "attempts") {
      cursor.skip();
      continue;
    }
    hasAttempts = true;
    list.nAttempts = 0;
    list.hasLast = false;
    list.lastOutputs = [];
    cursor.beginArray();
    while (cursor.nextElement()) {
      list.nAttempts++;
      list.hasLast = !cursor.takeNull();
      list.lastOutputs = [];
      if (!list.hasLast) continue;
      if (kind === "log") readRecords(cursor);
      else list.lastOutputs = readTaskMetadata(cursor, "").quantum?.outputs ?? [];
    }
  }
  cursor.finish();
  if (!hasAttempts) throw new SyntaxError("there is no attempts array");
  return list;
}
