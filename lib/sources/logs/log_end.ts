/**
 * What the log of an attempt says of its end: errors with their tracebacks, or the last records.
 *
 * @module
 */

import { NotFoundError } from "../../base/errors.ts";
import { JsonCursor } from "../../base/json_text.ts";
import { uuidFromText } from "../../base/uuid.ts";
import { parseStored } from "../parse_stored.ts";
import type { DocumentSource } from "../source.ts";
import type { LogEnd } from "./log_store.ts";

/** Level of errors in Python's logging. */
const ERROR = 40;
/** Records that are shown of a log without errors. */
const N_LAST = 5;
/** Most that is shown: the end counts. */
const MAX_LINES = 80;
const MAX_LETTERS = 8000;

/**
 * How an attempt's log ends: its errors with their tracebacks, or its last lines if it has none.
 *
 * @param attempt From 0.
 * @returns null if the attempt left no log.
 * @throws {InvalidQuantumGraphFileError} if the log is damaged.
 */
export async function logEnd(
  source: DocumentSource,
  quantumId: string,
  attempt: number,
): Promise<LogEnd | null> {
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
function endOfLog(records: Uint8Array): LogEnd {
  const errors: string[] = [];
  let last: string[] = [];
  let lastRecord: RecordEnd | null = null;
  let nRecords = 0;
  const cursor = new JsonCursor(records);
  cursor.beginArray();
  while (cursor.nextElement()) {
    const record = readRecord(cursor);
    const { level, text, traceback } = record;
    lastRecord = record;
    nRecords++;
    if (level >= ERROR || traceback !== null) {
      errors.push(traceback === null ? text : `${text}\n${traceback.trimEnd()}`);
      // Each is a line at least: earlier ones can't be shown.
      if (errors.length > MAX_LINES + 1) errors.shift();
    }
    last.push(text);
    if (last.length > N_LAST) last = last.slice(1);
  }
  const hasErrors = errors.length > 0;
  return {
    nRecords,
    hasErrors,
    text: endOfText(hasErrors ? errors : last),
    lastTime: lastRecord?.time ?? null,
    processId: lastRecord?.processId ?? null,
  };
}

function endOfText(records: readonly string[]): string | null {
  const lines = records.join("\n").split("\n");
  if (lines.length === 1 && lines[0] === "") return null;
  const shown = lines.slice(-MAX_LINES).join("\n");
  const end = shown.slice(-MAX_LETTERS);
  return end.length < shown.length || lines.length > MAX_LINES ? `[...]\n${end}` : end;
}

/** A log record as far as it is shown. */
interface RecordEnd {
  level: number;
  text: string;
  traceback: string | null;
  time: string | null;
  processId: number | null;
}

function readRecord(cursor: JsonCursor): RecordEnd {
  const record: RecordEnd = { level: 0, text: "", traceback: null, time: null, processId: null };
  let levelName = "";
  let logger = "";
  let message = "";
  cursor.beginObject();
  while (cursor.nextMember()) {
    switch (cursor.key) {
      case "levelno":
        record.level = cursor.readNumber();
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
        record.traceback = cursor.takeNull() ? null : cursor.readString();
        break;
      case "asctime":
        record.time = String(cursor.readValue());
        break;
      case "process":
        record.processId = cursor.readNumber();
        break;
      default:
        cursor.skip();
    }
  }
  record.text = `${levelName} ${logger}: ${message}`;
  return record;
}
