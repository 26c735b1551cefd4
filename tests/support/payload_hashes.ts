/**
 * Hashes of what is read back, as the oracle's `read_back.py` and `dump_graph.py` make them: SHA-256
 * of the canonical JSON of what the reference's models give after reading. What these models change
 * (defaults, forms of times, numbers to floats) is changed here likewise.
 *
 * @module
 */

import { type JsonValue, parseJson } from "../../lib/base/json_text.ts";
import {
  digest,
  PythonFloat,
  pythonFloatFromText,
  type PythonValue,
  sha256,
} from "./python_json.ts";

type JsonObject = { [key: string]: JsonValue };

/** Hash of the records of one log. */
export interface LogFingerprint {
  n: number;
  sha256: string;
}

/**
 * Hash of log records.
 *
 * @param records array of records in any of the forms that log files and graphs hold.
 */
export function logFingerprint(records: JsonValue): LogFingerprint {
  const list = records as JsonValue[];
  return {
    n: list.length,
    sha256: digest(list.map((record) => normalLogRecord(record as JsonObject))),
  };
}

/** Hash of one quantum's task metadata. */
export function metadataFingerprint(metadata: JsonValue): { sha256: string } {
  return { sha256: digest(normalMetadata(metadata as JsonObject)) };
}

/** Hash of a `packages` dataset given as names to versions. */
export function packagesFingerprint(packages: JsonValue): { names: number; sha256: string } {
  return { names: Object.keys(packages as JsonObject).length, sha256: digest(packages) };
}

/** Hash of a config: `className` is the task's config class, known from its source text. */
export function configFingerprint(configText: string): { type: string; sha256: string } {
  const type = /assert type\(config\) is [\w.]*?(\w+),/.exec(configText) ??
    /^import .*\nassert isinstance\(config, [\w.]*?(\w+)\)/m.exec(configText);
  return { type: type?.[1] ?? "", sha256: sha256(configText) };
}

/**
 * Hash of a log as the tool's `cat log --raw` or a log file gives it: an array, an object with
 * `records`, or a stream of records a line (`schema/run-files.md`, section 2).
 */
export function logTextFingerprint(text: Uint8Array | string): LogFingerprint {
  const decoded = typeof text === "string" ? text : new TextDecoder().decode(text);
  const first = decoded.slice(0, decoded.indexOf("\n") + 1 || undefined);
  if (first.startsWith("[")) return logFingerprint(parseJson(decoded));
  if (first.startsWith('{"extended":true')) {
    return logFingerprint((parseJson(decoded) as JsonObject).records ?? []);
  }
  const records: JsonValue[] = [];
  for (const line of decoded.split("\n")) {
    if (line.startsWith("###EXTRA###")) break;
    if (line.trim() !== "") records.push(parseJson(line));
  }
  return logFingerprint(records);
}

/** Hash of task metadata as `cat metadata --raw` or a metadata file gives it. */
export function metadataTextFingerprint(text: Uint8Array | string): { sha256: string } {
  return metadataFingerprint(parseJson(text));
}

const LOG_FIELDS = [
  "name",
  "message",
  "levelno",
  "levelname",
  "filename",
  "pathname",
  "lineno",
  "process",
  "processName",
  "MDC",
] as const;

function normalLogRecord(record: JsonObject): PythonValue {
  const result: { [key: string]: PythonValue } = {
    asctime: normalTime(record.asctime),
    funcName: record.funcName ?? null,
    exc_info: record.exc_info ?? null,
  };
  for (const field of LOG_FIELDS) {
    if (record[field] === undefined) throw new Error(`Cannot hash log record: no "${field}"`);
    result[field] = record[field];
  }
  return result;
}

/** Task metadata after the reference has read it: whatever `float()` takes becomes a float. */
function normalMetadata(metadata: JsonObject): PythonValue {
  const scalars: { [key: string]: PythonValue } = {};
  for (const [name, value] of Object.entries(metadata.scalars ?? {})) {
    const float = asFloat(value);
    scalars[name] = float === null ? value : new PythonFloat(float);
  }
  const arrays: { [key: string]: PythonValue } = {};
  for (const [name, values] of Object.entries(metadata.arrays ?? {})) {
    const floats = (values as JsonValue[]).map(asFloat);
    const isAllFloats = floats.every((f) => f !== null);
    arrays[name] = isAllFloats ? floats.map((f) => new PythonFloat(f!)) : values;
  }
  const nested: { [key: string]: PythonValue } = {};
  for (const [name, value] of Object.entries(metadata.metadata ?? {})) {
    nested[name] = normalMetadata(value as JsonObject);
  }
  return { scalars, arrays, metadata: nested };
}

function asFloat(value: JsonValue): number | null {
  switch (typeof value) {
    case "number":
      return value;
    case "bigint":
    case "boolean":
      return Number(value);
    case "string":
      return pythonFloatFromText(value);
    default:
      if (value === null) return NaN;
      throw new Error("Cannot hash task metadata: a value is neither number nor text");
  }
}

const ISO_TIME =
  /^(\d{4}-\d\d-\d\d)(?:[T _](\d\d:\d\d)(?::(\d\d))?(?:[.,](\d{1,9}))? ?(Z|[+-]\d\d(?::?\d\d)?)?)?$/i;
/** Numbers above this are milliseconds, below seconds. */
const SECONDS_LIMIT = 2e10;

/** A time as the reference writes it again: microseconds or none, UTC as `Z`. */
export function normalTime(value: JsonValue): string {
  const epoch = typeof value === "string" && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value;
  if (typeof epoch === "number" || typeof epoch === "bigint") return epochTime(Number(epoch));
  const match = ISO_TIME.exec(String(value));
  if (!match) throw new Error(`Cannot hash log record: "${value}" is no time`);
  const [, date, minutes = "00:00", seconds = "00", fraction = "", zone = ""] = match;
  return `${date}T${minutes}:${seconds}${microseconds(fraction)}${normalZone(zone)}`;
}

function microseconds(fraction: string): string {
  const digits = fraction.padEnd(6, "0").slice(0, 6);
  return digits === "000000" ? "" : `.${digits}`;
}

function normalZone(zone: string): string {
  if (zone === "" || /^z$/i.test(zone)) return zone.toUpperCase();
  const full = `${zone.slice(0, 3)}:${zone.slice(3).replace(":", "") || "00"}`;
  return full.slice(1) === "00:00" ? "Z" : full;
}

function epochTime(value: number): string {
  const micros = Math.round(Math.abs(value) > SECONDS_LIMIT ? value * 1e3 : value * 1e6);
  const seconds = Math.floor(micros / 1e6);
  const rest = String(micros - seconds * 1e6).padStart(6, "0");
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}${microseconds(rest)}Z`;
}
