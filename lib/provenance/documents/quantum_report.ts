/**
 * What reports need of a ProvenanceQuantum document. Source: `schema/quantum-graph.md`, section
 * 8.4.
 *
 * @module
 */

import { InvalidQuantumGraphFileError } from "../../base/errors.ts";
import { parseIsoTime, plainTimeAt } from "../../base/iso_time.ts";
import { decodeJsonString, JsonCursor, type JsonValue } from "../../base/json_text.ts";
import { AttemptStatus } from "../quantum_status.ts";

/** A half-open range of bytes. */
export type ByteRange = readonly [startByte: number, endByte: number];

/** What an attempt used. */
export interface ReportUsage {
  /** Most memory the process ever had resident, bytes. */
  memoryBytes: number;
  /** When preparation began, microseconds since 1970 UTC; null if that is no time. */
  startMicros: number | null;
  /** Seconds. */
  prepSeconds: number;
  initSeconds: number;
  runSeconds: number;
  cpuSeconds: number;
  /** The object in the document, for those who need its numbers as they are written. */
  range: ByteRange;
}

/** One attempt. */
export interface ReportAttempt {
  status: number;
  /** Bit set; null if not recorded. */
  caveats: number | null;
  exceptionType: string | null;
  /** The message as JSON string in the document, quotes included. */
  messageRange: ByteRange | null;
  usage: ReportUsage | null;
}

/** A quantum. */
export interface ReportQuantum {
  /** The document. */
  text: Uint8Array;
  quantumId: string;
  taskLabel: string;
  /** The array of values in the document: required, then implied dimensions. */
  coordinateRange: ByteRange | null;
  /** The array of attempts in the document. */
  attemptsRange: ByteRange | null;
  /** In order of time; none means blocked. */
  attempts: ReportAttempt[];
}

/**
 * Reads a ProvenanceQuantum document.
 *
 * @throws {SyntaxError} if it isn't one.
 */
export function parseReportQuantum(text: Uint8Array): ReportQuantum {
  const quantum: ReportQuantum = {
    text,
    quantumId: "",
    taskLabel: "",
    coordinateRange: null,
    attemptsRange: null,
    attempts: [],
  };
  const cursor = new JsonCursor(text);
  cursor.beginObject();
  while (cursor.nextMember()) {
    switch (cursor.key) {
      case "quantum_id":
        quantum.quantumId = cursor.readString();
        break;
      case "task_label":
        quantum.taskLabel = cursor.readString();
        break;
      case "data_coordinate":
        if (cursor.kind() !== "array") cursor.fail("data_coordinate is no array");
        quantum.coordinateRange = cursor.skipRange();
        break;
      case "attempts": {
        cursor.kind();
        const start = cursor.position;
        quantum.attempts = [];
        cursor.beginArray();
        while (cursor.nextElement()) quantum.attempts.push(readAttempt(cursor));
        quantum.attemptsRange = [start, cursor.position];
        break;
      }
      default:
        cursor.skip();
    }
  }
  cursor.finish();
  if (quantum.quantumId === "" || quantum.taskLabel === "") {
    cursor.fail("quantum without quantum_id or task_label");
  }
  return quantum;
}

function readAttempt(cursor: JsonCursor): ReportAttempt {
  const attempt: ReportAttempt = {
    status: AttemptStatus.UNKNOWN,
    caveats: null,
    exceptionType: null,
    messageRange: null,
    usage: null,
  };
  cursor.beginObject();
  while (cursor.nextMember()) {
    switch (cursor.key) {
      case "status":
        attempt.status = cursor.readNumber();
        break;
      case "caveats":
        attempt.caveats = cursor.takeNull() ? null : cursor.readNumber();
        break;
      case "exception":
        if (!cursor.takeNull()) readException(cursor, attempt);
        break;
      case "resource_usage":
        attempt.usage = cursor.takeNull() ? null : readUsage(cursor);
        break;
      default:
        cursor.skip();
    }
  }
  return attempt;
}

function readException(cursor: JsonCursor, attempt: ReportAttempt): void {
  attempt.exceptionType = "";
  cursor.beginObject();
  while (cursor.nextMember()) {
    if (cursor.key === "type_name") attempt.exceptionType = cursor.readString();
    else if (cursor.key === "message" && cursor.kind() === "string") {
      attempt.messageRange = cursor.skipRange();
    } else cursor.skip();
  }
}

function readUsage(cursor: JsonCursor): ReportUsage {
  cursor.kind();
  const start = cursor.position;
  let memoryBytes = NaN;
  let startMicros: number | null = null;
  let prepSeconds = NaN;
  let initSeconds = NaN;
  let runSeconds = NaN;
  let cpuSeconds = NaN;
  cursor.beginObject();
  while (cursor.nextMember()) {
    switch (cursor.key) {
      case "memory":
        memoryBytes = cursor.readNumber();
        break;
      case "start":
        startMicros = readTime(cursor);
        break;
      case "prep_time":
        prepSeconds = cursor.readNumber();
        break;
      case "init_time":
        initSeconds = cursor.readNumber();
        break;
      case "run_time":
        runSeconds = cursor.readNumber();
        break;
      case "run_time_cpu":
        cpuSeconds = cursor.readNumber();
        break;
      default:
        cursor.skip();
    }
  }
  return {
    memoryBytes,
    startMicros,
    prepSeconds,
    initSeconds,
    runSeconds,
    cpuSeconds,
    range: [start, cursor.position],
  };
}

/** A time; of the usual form, its text is never made. */
function readTime(cursor: JsonCursor): number | null {
  if (cursor.kind() !== "string") cursor.fail("expected a string");
  const [start, end] = cursor.skipRange();
  return plainTimeAt(cursor.bytes, start + 1, end - 1) ??
    parseIsoTime(decodeJsonString(cursor.bytes, start, end));
}

/** The attempt that a quantum is counted by, or null for a blocked one. */
export function lastAttempt<Attempt>(
  { attempts }: { readonly attempts: readonly Attempt[] },
): Attempt | null {
  return attempts.at(-1) ?? null;
}

/** Status that a quantum is counted under. */
export function quantumStatus(
  quantum: { readonly attempts: readonly { status: number }[] },
): number {
  return lastAttempt(quantum)?.status ?? AttemptStatus.BLOCKED;
}

/** Values of a quantum's data ID: required, then implied dimensions. */
export function coordinateValues({ text, coordinateRange }: ReportQuantum): JsonValue[] {
  if (coordinateRange === null) return [];
  const value = new JsonCursor(text, ...coordinateRange).readValue();
  return Array.isArray(value) ? value : [];
}

/** Message of an attempt's exception, empty without one. */
export function exceptionMessage(quantum: ReportQuantum, attempt: ReportAttempt): string {
  return attempt.messageRange === null
    ? ""
    : decodeJsonString(quantum.text, ...attempt.messageRange);
}

/**
 * Reads a quantum's document.
 *
 * @throws {InvalidQuantumGraphFileError} if it isn't one; `where` says where it is from.
 */
export function readReportQuantum(text: Uint8Array, where: string): ReportQuantum {
  try {
    return parseReportQuantum(text);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new InvalidQuantumGraphFileError(`Cannot read ${where}: ${cause.message}`, { cause });
  }
}
