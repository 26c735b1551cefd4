/**
 * Whether the text that a provenance graph has of a file is that of the file: byte by byte as it would be
 * spliced from it today, else value by value, with what the reference's writer changes allowed for.
 * Source: `schema/quantum-graph.md`, section 8.5; `schema/quantum-graph.md`, sections 8.6 and 9.
 *
 * @module
 */

import { ByteBuilder, equalBytes } from "../../base/bytes.ts";
import { parseIsoTime } from "../../base/iso_time.ts";
import { type JsonValue, parseJson } from "../../base/json_text.ts";
import {
  type MetadataConverter,
  metadataConverter,
  type MetadataForm,
} from "../documents/document_forms.ts";
import {
  type AttemptExtra,
  type LogFile,
  parseLogFile,
  type Range,
} from "../documents/log_records.ts";
import { AttemptStatus } from "../quantum_status.ts";
import { splitAttempts } from "../../qg/attempts.ts";
import { metadataAsYaml } from "../documents/metadata_as_yaml.ts";
import { assembleAttempts, writeLogBlock } from "../scan_quantum.ts";
import { parseTaskMetadata, PYTHON_FLOAT } from "../documents/task_metadata.ts";

type JsonObject = { [key: string]: JsonValue };

/** Documents of a quantum in the graph that hold what a log file's extra says. */
export interface QuantumTexts {
  quantum: Uint8Array;
  metadata: Uint8Array;
}

/**
 * Whether a log block holds all that a log file says.
 *
 * @param label Label of the task.
 * @param quantumTexts Reads the quantum's other documents, where the file speaks of attempts.
 */
export async function isLogText(
  file: Uint8Array,
  label: string,
  block: Uint8Array,
  quantumTexts: () => Promise<QuantumTexts | null>,
): Promise<boolean> {
  let log: LogFile;
  const spliced = new ByteBuilder();
  try {
    log = parseLogFile(file, label);
    const { attempts } = assembleAttempts({ bytes: file, file: log }, null, false);
    writeLogBlock(spliced, attempts, file);
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
  if (!equalBytes(spliced.view(), block)) {
    const [ours, theirs] = [attemptsOf(spliced.view()), attemptsOf(block)];
    if (!areEqualLists(ours, theirs, areEqualRecordLists)) return false;
  }
  if (log.extra === null && log.previousAttempts.length === 0) return true;
  const texts = await quantumTexts();
  return texts !== null && hasExtras(file, log, texts);
}

/** Forms of a metadata file that isn't JSON. */
const YAML_FORMS: readonly MetadataForm[] = ["yaml property set", "yaml"];

/**
 * Whether the last attempt of a metadata block is what a metadata file says. The file is JSON or, where it
 * can't be that, YAML: which of the two kinds of YAML makes no difference to a file that has all that the
 * block has.
 */
export async function isMetadataText(
  file: Uint8Array,
  label: string,
  block: Uint8Array,
): Promise<boolean> {
  const ofJson = saysTheSame(file, label, block);
  if (ofJson !== null) return ofJson;
  for (const form of YAML_FORMS) {
    const text = textOf(file, (await metadataConverter(form))!);
    if (text !== null && saysTheSame(text, label, block) === true) return true;
  }
  return false;
}

/** Storage classes whose YAML differs. */
const YAML_CLASSES = ["TaskMetadata", "PropertySet", "PropertyList"];

/**
 * Whether a file has the bytes of the YAML that is made of a metadata block's last attempt. Nothing but the
 * block is in it then.
 */
export function isRestoredYaml(file: Uint8Array, block: Uint8Array): boolean {
  const range = splitAttempts(block).at(-1) ?? null;
  if (range === null) return false;
  const last = block.subarray(...range);
  return YAML_CLASSES.some((storageClass) => {
    const yaml = textOf(last, (json) => metadataAsYaml(json, storageClass));
    return yaml !== null && equalBytes(yaml, file);
  });
}

/** Null if the text is no JSON of metadata. */
function saysTheSame(text: Uint8Array, label: string, block: Uint8Array): boolean | null {
  try {
    const [start, end] = parseTaskMetadata(text, label).range;
    const last = attemptsOf(block).at(-1);
    return last !== undefined && areEqualValues(parseJson(text.subarray(start, end)), last);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Null if it isn't of that form. */
function textOf(file: Uint8Array, converter: MetadataConverter): Uint8Array | null {
  try {
    return converter(file);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function attemptsOf(block: Uint8Array): JsonValue[] {
  const { attempts } = parseJson(block) as JsonObject;
  return Array.isArray(attempts) ? attempts : [];
}

function hasExtras(file: Uint8Array, log: LogFile, { quantum, metadata }: QuantumTexts): boolean {
  const attempts = attemptsOf(quantum) as JsonObject[];
  const documents = attemptsOf(metadata);
  const extras: (AttemptExtra | null)[] = [...log.previousAttempts, log.extra];
  if (attempts.length !== extras.length) return false;
  return extras.every((extra, i) => {
    if (extra === null) return true;
    const { status, exception, previous_process_quanta: previous } = attempts[i];
    if (!areEqualValues(valueAt(file, extra.previousProcessQuanta), previous ?? null)) return false;
    // Of a success the metadata file speaks: what the log says of it is stale, and not recorded.
    if (i === extras.length - 1 && status !== AttemptStatus.FAILED) return true;
    return areEqualExceptions(valueAt(file, extra.exception), exception ?? null) &&
      areEqualValues(valueAt(file, extra.metadata?.range ?? null), documents[i] ?? null);
  });
}

function valueAt(file: Uint8Array, range: Range | null): JsonValue {
  return range === null ? null : parseJson(file.subarray(...range));
}

function areEqualExceptions(a: JsonValue, b: JsonValue): boolean {
  if (!isObject(a) || !isObject(b)) return a === b;
  return a.type_name === b.type_name && a.message === b.message &&
    areEqualValues(a.metadata ?? null, b.metadata ?? null);
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function areEqualLists(
  a: JsonValue,
  b: JsonValue,
  areEqual: (a: JsonValue, b: JsonValue) => boolean,
): boolean {
  return Array.isArray(a) && Array.isArray(b) && a.length === b.length &&
    a.every((value, i) => areEqual(value, b[i]));
}

function areEqualRecordLists(a: JsonValue, b: JsonValue): boolean {
  if (a === null || b === null) return isEmpty(a) && isEmpty(b);
  return areEqualLists(a, b, areEqualRecords);
}

/** Keys of a record that may be absent, which means null. */
const NULLABLE_KEYS = ["funcName", "exc_info"];

function areEqualRecords(a: JsonValue, b: JsonValue): boolean {
  if (!isObject(a) || !isObject(b)) return false;
  // Keys that only the file has are dropped by the reference's reader.
  return [...Object.keys(b), ...NULLABLE_KEYS].every((key) => {
    const [x, y] = [a[key] ?? null, b[key] ?? null];
    if (key === "asctime") return timeOf(x) === timeOf(y);
    if (key !== "MDC") return x === y || (isNumber(x) && isNumber(y) && Number(x) === Number(y));
    return isObject(x) && isObject(y) && Object.keys(x).length === Object.keys(y).length &&
      Object.keys(x).every((name) => x[name] === y[name]);
  });
}

function isNumber(value: JsonValue): value is number | bigint {
  return typeof value === "number" || typeof value === "bigint";
}

/** Beyond this many seconds since 1970, numbers are milliseconds. */
const MAX_SECONDS = 2e10;

/** Microseconds since 1970, or the value itself if it is no time. */
function timeOf(value: JsonValue): JsonValue {
  if (typeof value === "string") return parseIsoTime(value) ?? value;
  if (!isNumber(value)) return value;
  const number = Number(value);
  return Math.round(Math.abs(number) > MAX_SECONDS ? number * 1e3 : number * 1e6);
}

/** Null, and containers without content, which a writer may add or leave out. */
function isEmpty(value: JsonValue | undefined): boolean {
  if (value === undefined || value === null) return true;
  return typeof value === "object" && Object.values(value).every((inner) => isEmpty(inner));
}

/** Equal values of metadata: the reference turns whatever Python takes for a number into a float. */
function areEqualValues(a: JsonValue, b: JsonValue): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return areEqualLists(a, b, areEqualValues);
  if (isObject(a) && isObject(b)) {
    return [...new Set([...Object.keys(a), ...Object.keys(b)])].every((key) =>
      key in a && key in b ? areEqualValues(a[key], b[key]) : isEmpty(a[key]) && isEmpty(b[key])
    );
  }
  if (isEmpty(a) && isEmpty(b)) return true;
  const [x, y] = [floatOf(a), floatOf(b)];
  if (x === null && y === null) return a === b;
  // What is no number of JSON may have become null.
  if (x === null || y === null) return !Number.isFinite(x ?? y) && (a === null || b === null);
  return Object.is(x, y) || x === y;
}

/** What Python's float() makes of a scalar; null if it takes it for none. */
function floatOf(value: JsonValue): number | null {
  if (isNumber(value) || typeof value === "boolean") return Number(value);
  if (typeof value !== "string" || !PYTHON_FLOAT.test(value)) return null;
  const text = value.trim().replaceAll("_", "").toLowerCase();
  if (/inf/.test(text)) return text.startsWith("-") ? -Infinity : Infinity;
  return Number(text);
}
