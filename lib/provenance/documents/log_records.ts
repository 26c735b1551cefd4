/**
 * Log files of quanta in their three encodings, and the extra that tells of earlier attempts. Texts
 * are checked as the reference's reader would check them and carried on unchanged.
 * Source: `schema/quantum-graph.md`, section 8.5; `schema/run-files.md`, sections 2 and 3.
 *
 * @module
 */

import { decodeJsonString, isIntegerText, JsonCursor, numberAt } from "../../base/json_text.ts";
import { END_OF_TIME, FIRST_TIME, isPlainIsoTime, parseIsoTime } from "../../base/iso_time.ts";
import { isUuidText } from "../../base/uuid.ts";
import { MAX_SPLICED_DEPTH, readTaskMetadata, type TaskMetadata } from "./task_metadata.ts";
import { takeUsualRecord, withUsualForms } from "./usual_documents.ts";

/** A half-open range of bytes of the file. */
export type Range = readonly [startByte: number, endByte: number];

/** The part of a log file's extra that describes one attempt. */
export interface AttemptExtra {
  /** ExceptionInfo object, or null. */
  exception: Range | null;
  /** Metadata of a failed attempt, or null. */
  metadata: TaskMetadata | null;
  /** Array of quantum ids, or null for none. */
  previousProcessQuanta: Range | null;
  /** Array of log records of an earlier attempt, or null for none. */
  logs: Range | null;
}

/** What a log file holds. */
export interface LogFile {
  /** Pieces that give, joined by commas, the inside of the array of records. */
  records: Range[];
  /** The last attempt's extra, or null without any. */
  extra: AttemptExtra | null;
  /** Extras of earlier attempts, oldest first. */
  previousAttempts: AttemptExtra[];
}

const EXTENDED = new TextEncoder().encode('{"extended":true');
const EXTRA_MARK = new TextEncoder().encode("###EXTRA###");
const NEWLINE = 0x0a;

// Bits of the keys of a record that must be there.
const REQUIRED_KEYS: ReadonlyMap<string, number> = new Map([
  ["name", 1],
  ["asctime", 2],
  ["message", 4],
  ["levelno", 8],
  ["levelname", 16],
  ["filename", 32],
  ["pathname", 64],
  ["lineno", 128],
  ["process", 256],
  ["processName", 512],
  ["MDC", 1024],
]);
const ALL_REQUIRED = 2047;

/**
 * Reads a log file.
 *
 * @param taskLabel Label of the task, for metadata in the extra.
 * @throws {SyntaxError} for anything that the reference's reader refuses.
 */
export function parseLogFile(bytes: Uint8Array, taskLabel: string): LogFile {
  if (bytes.length === 0) return { records: [], extra: null, previousAttempts: [] };
  return withUsualForms(bytes, () => parseForm(bytes, taskLabel));
}

function parseForm(bytes: Uint8Array, taskLabel: string): LogFile {
  if (startsWith(bytes, 0, EXTENDED)) return parseExtended(bytes, taskLabel);
  if (bytes[0] === 0x5b) {
    const cursor = new JsonCursor(bytes, 0, bytes.length, MAX_SPLICED_DEPTH);
    const range = readRecords(cursor);
    cursor.finish();
    return { records: inside(bytes, range), extra: null, previousAttempts: [] };
  }
  if (bytes[0] === 0x7b || startsWith(bytes, 0, EXTRA_MARK)) return parseStream(bytes, taskLabel);
  throw new SyntaxError("Cannot parse log file: its first line is none of the known forms");
}

function startsWith(bytes: Uint8Array, at: number, text: Uint8Array): boolean {
  if (at + text.length > bytes.length) return false;
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text[i]) return false;
  return true;
}

/** The inside of an array, or nothing for an empty one. */
function inside(bytes: Uint8Array, [start, end]: Range): Range[] {
  for (let at = start + 1; at < end - 1; at++) {
    if (bytes[at] > 0x20) return [[start + 1, end - 1]];
  }
  return [];
}

function parseExtended(bytes: Uint8Array, taskLabel: string): LogFile {
  const cursor = new JsonCursor(bytes, 0, bytes.length, MAX_SPLICED_DEPTH);
  let records: Range | null = null;
  let hasVersion = false;
  const extra = emptyExtra();
  const previousAttempts: AttemptExtra[] = [];
  let nExtraKeys = 0;
  cursor.beginObject();
  while (cursor.nextMember()) {
    const key: string = cursor.key;
    if (key === "records") records = readRecords(cursor);
    else if (key === "extended") {
      if (!cursor.readBoolean()) cursor.fail("expected true");
    } else if (key === "version") {
      expectInteger(cursor);
      hasVersion = true;
    } else {
      nExtraKeys++;
      readExtraMember(cursor, key, taskLabel, extra, previousAttempts);
    }
  }
  cursor.finish();
  if (!hasVersion) cursor.fail("log file without version");
  return {
    records: records === null ? [] : inside(bytes, records),
    extra: nExtraKeys === 0 ? null : extra,
    previousAttempts,
  };
}

/** One record a line, then perhaps a line that begins with a mark and the extra behind that line. */
function parseStream(bytes: Uint8Array, taskLabel: string): LogFile {
  const records: Range[] = [];
  let extra: AttemptExtra | null = null;
  const previousAttempts: AttemptExtra[] = [];
  let at = 0;
  while (at < bytes.length) {
    const newline = bytes.indexOf(NEWLINE, at);
    const end = newline < 0 ? bytes.length : newline;
    if (startsWith(bytes, at, EXTRA_MARK)) {
      // What stands on the mark's own line is dropped by the reference, too.
      if (end + 1 < bytes.length) {
        extra = parseStreamExtra(bytes, end + 1, taskLabel, previousAttempts);
      }
      break;
    }
    const last = at === 0 ? end : withoutBlanks(bytes, at, end);
    if (at < last) {
      const cursor = new JsonCursor(bytes, at, last, MAX_SPLICED_DEPTH);
      cursor.kind();
      const first = cursor.position;
      readRecord(cursor);
      records.push([first, cursor.position]);
      cursor.finish();
    }
    at = end + 1;
  }
  return { records, extra, previousAttempts };
}

function parseStreamExtra(
  bytes: Uint8Array,
  start: number,
  taskLabel: string,
  previousAttempts: AttemptExtra[],
): AttemptExtra | null {
  const cursor = new JsonCursor(bytes, start, bytes.length, MAX_SPLICED_DEPTH);
  const extra = emptyExtra();
  let nKeys = 0;
  cursor.beginObject();
  while (cursor.nextMember()) {
    nKeys++;
    readExtraMember(cursor, cursor.key, taskLabel, extra, previousAttempts);
  }
  cursor.finish();
  return nKeys === 0 ? null : extra;
}

/** End of a line without what Python's `rstrip` takes away, as far as it is ASCII. */
function withoutBlanks(bytes: Uint8Array, start: number, end: number): number {
  let last = end;
  while (last > start) {
    const c = bytes[last - 1];
    if (c !== 0x20 && !(c >= 0x09 && c <= 0x0d) && !(c >= 0x1c && c <= 0x1f)) break;
    last--;
  }
  return last;
}

function emptyExtra(): AttemptExtra {
  return { exception: null, metadata: null, previousProcessQuanta: null, logs: null };
}

function readExtraMember(
  cursor: JsonCursor,
  key: string,
  taskLabel: string,
  extra: AttemptExtra,
  previousAttempts: AttemptExtra[],
): void {
  switch (key) {
    case "exception":
      extra.exception = cursor.takeNull() ? null : readException(cursor);
      break;
    case "metadata":
      extra.metadata = cursor.takeNull() ? null : readTaskMetadata(cursor, taskLabel);
      break;
    case "previous_process_quanta":
      extra.previousProcessQuanta = readUuids(cursor);
      break;
    case "logs":
      extra.logs = readRecords(cursor);
      break;
    case "previous_attempts": {
      previousAttempts.length = 0;
      cursor.beginArray();
      while (cursor.nextElement()) readPreviousAttempt(cursor, taskLabel, previousAttempts);
      break;
    }
    default:
      cursor.skip();
  }
}

/** One entry of `previous_attempts`; nested lists come before it, depth first, oldest first. */
function readPreviousAttempt(
  cursor: JsonCursor,
  taskLabel: string,
  into: AttemptExtra[],
): void {
  const extra = emptyExtra();
  const nested: AttemptExtra[] = [];
  cursor.beginObject();
  while (cursor.nextMember()) readExtraMember(cursor, cursor.key, taskLabel, extra, nested);
  into.push(...nested, extra);
}

/** An ExceptionInfo: all three keys required, `metadata` flat. */
function readException(cursor: JsonCursor): Range {
  cursor.kind();
  const start = cursor.position;
  let found = 0;
  cursor.beginObject();
  while (cursor.nextMember()) {
    const key: string = cursor.key;
    if (key === "type_name" || key === "message") {
      if (cursor.kind() !== "string") cursor.fail(`expected a string as "${key}"`);
      cursor.skip();
      found |= key === "message" ? 1 : 2;
    } else if (key === "metadata") {
      found |= 4;
      cursor.beginObject();
      while (cursor.nextMember()) {
        const kind = cursor.kind();
        if (kind === "object" || kind === "array") cursor.fail("nested exception metadata");
        cursor.skip();
      }
    } else cursor.skip();
  }
  if (found !== 7) cursor.fail("exception without type_name, message or metadata");
  return [start, cursor.position];
}

function readUuids(cursor: JsonCursor): Range | null {
  cursor.kind();
  const start = cursor.position;
  let n = 0;
  cursor.beginArray();
  while (cursor.nextElement()) {
    if (!isUuidText(cursor.readString())) cursor.fail("expected a UUID");
    n++;
  }
  return n === 0 ? null : [start, cursor.position];
}

/** An array of log records. */
export function readRecords(cursor: JsonCursor): Range {
  cursor.kind();
  const start = cursor.position;
  cursor.beginArray();
  while (cursor.nextElement()) readRecord(cursor);
  return [start, cursor.position];
}

/** An integer of any size, or a float that is one and fits 64 bits. */
function expectInteger(cursor: JsonCursor): void {
  if (cursor.kind() !== "number") cursor.fail("expected an integer");
  const start = cursor.position;
  cursor.skip();
  if (isIntegerText(cursor.bytes, start, cursor.position)) return;
  const value = numberAt(cursor.bytes, start, cursor.position);
  if (!Number.isInteger(value) || Math.abs(value) >= 2 ** 63) cursor.fail("expected an integer");
}

/** An ISO time, or seconds since 1970, which beyond 2e10 are milliseconds. */
function expectTime(cursor: JsonCursor): void {
  if (cursor.kind() === "number") {
    const value = cursor.readNumber();
    if (!(value * 1e3 >= FIRST_TIME && value * 1e3 < END_OF_TIME)) cursor.fail("expected a time");
    return;
  }
  const start = cursor.position;
  expectString(cursor);
  if (isPlainIsoTime(cursor.bytes, start + 1, cursor.position - 1)) return;
  const text = decodeJsonString(cursor.bytes, start, cursor.position);
  if (parseIsoTime(text) === null) cursor.fail("expected a time");
}

function expectString(cursor: JsonCursor): void {
  if (cursor.kind() !== "string") cursor.fail("expected a string");
  cursor.skip();
}

function expectStringOrNull(cursor: JsonCursor): void {
  if (!cursor.takeNull()) expectString(cursor);
}

/** A record. */
function readRecord(cursor: JsonCursor): void {
  if (takeUsualRecord(cursor)) return;
  let found = 0;
  cursor.beginObject();
  while (cursor.nextMember()) {
    const key: string = cursor.key;
    found |= REQUIRED_KEYS.get(key) ?? 0;
    switch (key) {
      case "asctime":
        expectTime(cursor);
        break;
      case "levelno":
      case "lineno":
      case "process":
        expectInteger(cursor);
        break;
      case "name":
      case "message":
      case "levelname":
      case "filename":
      case "pathname":
      case "processName":
        expectString(cursor);
        break;
      case "funcName":
      case "exc_info":
        expectStringOrNull(cursor);
        break;
      case "MDC":
        cursor.beginObject();
        while (cursor.nextMember()) expectString(cursor);
        break;
      default:
        cursor.skip();
    }
  }
  if (found !== ALL_REQUIRED) {
    const missing = [...REQUIRED_KEYS].filter(([, bit]) => (found & bit) === 0).map(([k]) => k);
    cursor.fail(`log record without ${missing.join(", ")}`);
  }
}
