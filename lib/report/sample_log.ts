/**
 * What the log of a failed attempt says of its end: errors with their tracebacks.
 *
 * @module
 */

import { NotFoundError } from "../base/errors.ts";
import { JsonCursor } from "../base/json_text.ts";
import { uuidFromText } from "../base/uuid.ts";
import { parseStored } from "../sources/parse_stored.ts";
import type { DocumentSource } from "../sources/source.ts";

/** Level of errors in Python's logging. */
const ERROR = 40;
/** Records that are shown of a log without errors. */
const N_LAST = 5;
/** Most that is shown: the end counts. */
const MAX_LINES = 80;
const MAX_LETTERS = 8000;

/**
 * Errors of an attempt's log with their tracebacks, or its last lines if it has none.
 *
 * @param attempt From 0.
 * @returns null if the attempt left no log.
 * @throws {InvalidQuantumGraphFileError} if the log is damaged.
 */
export async function sampleLog(
  source: DocumentSource,
  quantumId: string,
  attempt: number,
): Promise<string | null> {
  let documents;
  try {
    const id = uuidFromText(quantumId);
    documents = await source.attempts("log", { kind: "id", id, words: [quantumId] });
  } catch (error) {
    if (error instanceof NotFoundError) return null;
    throw error;
  }
  const range = documents.attempts[attempt] ?? null;
  if (range === null) return null;
  const what = `log of quantum ${quantumId} in ${source.name}`;
  return parseStored(what, () => endOfLog(documents.text.subarray(...range)));
}

/** @param records JSON array of log records. */
function endOfLog(records: Uint8Array): string | null {
  const errors: string[] = [];
  let last: string[] = [];
  const cursor = new JsonCursor(records);
  cursor.beginArray();
  while (cursor.nextElement()) {
    const { level, text, traceback } = readRecord(cursor);
    if (level >= ERROR || traceback !== null) {
      errors.push(traceback === null ? text : `${text}\n${traceback.trimEnd()}`);
    }
    last.push(text);
    if (last.length > N_LAST) last = last.slice(1);
  }
  const lines = (errors.length > 0 ? errors : last).join("\n").split("\n");
  if (lines.length === 1 && lines[0] === "") return null;
  const shown = lines.slice(-MAX_LINES).join("\n");
  const end = shown.slice(-MAX_LETTERS);
  return end.length < shown.length || lines.length > MAX_LINES ? `[...]\n${end}` : end;
}

function readRecord(
  cursor: JsonCursor,
): { level: number; text: string; traceback: string | null } {
  let level = 0;
  let levelName = "";
  let logger = "";
  let message = "";
  let traceback: string | null = null;
  cursor.beginObject();
  while (cursor.nextMember()) {
    switch (cursor.key) {
      case "levelno":
        level = cursor.readNumber();
        break;
      case "levelname":
        levelName = cursor.readString();
        break;
      case "name":
        logger = cursor.readString();
        break;
      case "message":
        message = cursor.readString();
        break;
      case "exc_info":
        traceback = cursor.takeNull() ? null : cursor.readString();
        break;
      default:
        cursor.skip();
    }
  }
  return { level, text: `${levelName} ${logger}: ${message}`, traceback };
}
