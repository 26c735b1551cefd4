/**
 * Task metadata documents: checked as the reference's reader would check them, and the few values
 * found that provenance needs. The text itself is carried on unchanged.
 * Source: `schema/quantum-graph.md`, section 8.5; `schema/run-files.md`, section 1.
 *
 * @module
 */

import { isIntegerText, JsonCursor, numberAt } from "../../base/json_text.ts";
import {
  END_OF_TIME,
  FIRST_TIME,
  floatText,
  normalIsoTime,
  parseIsoTime,
} from "../../base/iso_time.ts";
import { uuidToText, writeUuidText } from "../../base/uuid.ts";
import type { ResourceUsage } from "./quantum.ts";
import {
  QUANTUM_NUMBERS,
  QUANTUM_TIMES,
  QUANTUM_VALUES,
  takeUsualMetadata,
  type UsualMetadata,
  withUsualForms,
} from "./usual_documents.ts";

/**
 * Levels of a file whose text goes into a block. Readers take 200; a log record that was a line of
 * its own lies three levels deep in its block.
 */
export const MAX_SPLICED_DEPTH = 197;

/** What provenance needs of the metadata of one attempt. */
export interface TaskMetadata {
  /** Half-open range of the document in the bytes it was read from. */
  readonly range: readonly [startByte: number, endByte: number];
  /** The `quantum` section, or null without one. */
  quantum: QuantumSection | null;
  /** Exception of partial outputs that counted as success, as JSON text, or null. */
  failureText: string | null;
}

/** Values of `metadata.quantum`; undefined where a key is missing. */
interface QuantumSection {
  caveats?: number;
  prepUtc?: string;
  initUtc?: string;
  startUtc?: string;
  endUtc?: string;
  startCpuTime?: number;
  endCpuTime?: number;
  endMaxResidentSetSize?: number;
  /**
   * Ids of the datasets that the quantum really wrote, lower case with dashes; an empty list says that
   * it wrote none.
   */
  outputs?: string[];
}

/** A scalar as its value; only what {@linkcode QuantumSection} needs is decoded. */
type Scalar = string | number | boolean | null;

const WANTED: ReadonlySet<string> = new Set(QUANTUM_VALUES);
// Blanks that Python's float() takes off. Digits outside ASCII, which it knows too, are left out.
const BLANKS = "[\\t-\\r \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]*";
const DIGITS = "\\d(?:_?\\d)*";
/** Text that Python's float() understands, as the reference applies it to every metadata value. */
export const PYTHON_FLOAT: RegExp = new RegExp(
  `^${BLANKS}[+-]?(?:(?:${DIGITS}(?:\\.(?:${DIGITS})?)?|\\.${DIGITS})(?:e[+-]?${DIGITS})?|` +
    `inf(?:inity)?|nan)${BLANKS}$`,
  "i",
);
/** An id in the form in which they are compared, and nearly always written. */
const CANONICAL_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Fewer digits than this make an integer that a float can hold. */
const MIN_OVERFLOW_DIGITS = 309;

/**
 * Reads one TaskMetadata object at the cursor.
 *
 * @param taskLabel Label of the task, whose own section may hold a `failure`.
 * @throws {SyntaxError} for anything that the reference's reader refuses.
 */
export function readTaskMetadata(cursor: JsonCursor, taskLabel: string): TaskMetadata {
  cursor.kind();
  const start = cursor.position;
  const usual = takeUsualMetadata(cursor);
  if (usual !== null) {
    // With a failure it would not have the usual form.
    return {
      range: [start, cursor.position],
      quantum: usualSection(cursor.bytes, usual),
      failureText: null,
    };
  }
  let quantum: QuantumSection | null = null;
  let failureText: string | null = null;
  cursor.beginObject();
  while (cursor.nextMember()) {
    if (cursor.key === "metadata") {
      quantum = null;
      failureText = null;
      cursor.beginObject();
      while (cursor.nextMember()) {
        const name: string = cursor.key;
        // A task may be called "quantum"; the section of that name then is the executor's.
        if (name === "quantum") quantum = readQuantumSection(cursor);
        else if (name === taskLabel) failureText = readTaskSection(cursor);
        else skipTree(cursor);
      }
    } else skipOwnValues(cursor);
  }
  return { range: [start, cursor.position], quantum, failureText };
}

/**
 * Reads a whole metadata file.
 *
 * @throws {SyntaxError} as {@linkcode readTaskMetadata}, and for text behind the document.
 */
export function parseTaskMetadata(bytes: Uint8Array, taskLabel: string): TaskMetadata {
  const cursor = new JsonCursor(bytes, 0, bytes.length, MAX_SPLICED_DEPTH);
  const result = withUsualForms(bytes, () => readTaskMetadata(cursor, taskLabel));
  cursor.finish();
  return result;
}

/** Checks `scalars` and `arrays` (and nothing else) of the object the cursor is in. */
function skipOwnValues(cursor: JsonCursor): void {
  if (cursor.key === "scalars") {
    cursor.beginObject();
    while (cursor.nextMember()) skipScalar(cursor);
  } else if (cursor.key === "arrays") {
    cursor.beginObject();
    while (cursor.nextMember()) checkArray(cursor, null);
  } else cursor.skip();
}

/** Checks a nested TaskMetadata of which nothing is needed. */
function skipTree(cursor: JsonCursor): void {
  cursor.beginObject();
  while (cursor.nextMember()) {
    if (cursor.key === "metadata") {
      cursor.beginObject();
      while (cursor.nextMember()) skipTree(cursor);
    } else skipOwnValues(cursor);
  }
}

function skipScalar(cursor: JsonCursor): void {
  const kind = cursor.kind();
  if (kind === "object" || kind === "array") cursor.fail("expected a scalar metadata value");
  const start = cursor.position;
  cursor.skip();
  if (kind === "number") checkNumber(cursor, start);
}

/** An integer too large for a float is no number to the reference, which converts all of them. */
function checkNumber(cursor: JsonCursor, start: number): void {
  const { bytes, position: end } = cursor;
  if (end - start < MIN_OVERFLOW_DIGITS || !isIntegerText(bytes, start, end)) return;
  if (!Number.isFinite(numberAt(bytes, start, end))) {
    cursor.fail("integer too large for a metadata value");
  }
}

function readScalar(cursor: JsonCursor): Scalar {
  switch (cursor.kind()) {
    case "string":
      return cursor.readString();
    case "number": {
      const start = cursor.position;
      cursor.skip();
      checkNumber(cursor, start);
      return numberAt(cursor.bytes, start, cursor.position);
    }
    case "true":
    case "false":
      return cursor.readBoolean();
    case "null":
      cursor.skip();
      return null;
    default:
      return cursor.fail("expected a scalar metadata value");
  }
}

/**
 * Checks a metadata array: all strings, or all convertible to numbers, never nested.
 *
 * @param into Receives the elements, if anybody wants them.
 */
function checkArray(cursor: JsonCursor, into: Scalar[] | null): void {
  let hasNumber = false;
  let hasWord = false;
  cursor.beginArray();
  while (cursor.nextElement()) {
    const kind = cursor.kind();
    if (kind === "string") {
      if (into === null && hasWord && !hasNumber) {
        cursor.skip();
        continue;
      }
      const text = cursor.readString();
      if (!PYTHON_FLOAT.test(text)) hasWord = true;
      into?.push(text);
    } else {
      if (kind === "object" || kind === "array") cursor.fail("nested metadata array");
      hasNumber = true;
      if (into === null) skipScalar(cursor);
      else into.push(readScalar(cursor));
    }
    if (hasNumber && hasWord) cursor.fail("metadata array mixes strings and numbers");
  }
}

/** Values gathered from one section by name, with the precedence of the reference's lookup. */
function readQuantumSection(cursor: JsonCursor): QuantumSection {
  let scalars: Map<string, Scalar> = new Map();
  let arrays: Map<string, Scalar[]> = new Map();
  cursor.beginObject();
  while (cursor.nextMember()) {
    if (cursor.key === "scalars") {
      scalars = new Map();
      cursor.beginObject();
      while (cursor.nextMember()) {
        const name: string = cursor.key;
        if (isWanted(name)) scalars.set(name, readScalar(cursor));
        else skipScalar(cursor);
      }
    } else if (cursor.key === "arrays") {
      arrays = new Map();
      cursor.beginObject();
      while (cursor.nextMember()) {
        const name: string = cursor.key;
        if (isWanted(name)) {
          const values: Scalar[] = [];
          checkArray(cursor, values);
          arrays.set(name, values);
        } else checkArray(cursor, null);
      }
    } else if (cursor.key === "metadata") {
      cursor.beginObject();
      while (cursor.nextMember()) skipTree(cursor);
    } else cursor.skip();
  }
  return sectionOf(scalars, arrays);
}

/** Values whose places were found otherwise. */
function usualSection(bytes: Uint8Array, { quantum }: UsualMetadata): QuantumSection | null {
  if (quantum === null) return null;
  const scalars: Map<string, Scalar> = new Map();
  const arrays: Map<string, Scalar[]> = new Map();
  for (const [name, { scalar, array }] of quantum) {
    if (scalar !== null) scalars.set(name, readScalar(new JsonCursor(bytes, ...scalar)));
    if (array !== null) {
      // Unlike `checkArray()`, which would try once more whether each text is a number.
      const values: Scalar[] = [];
      const cursor = new JsonCursor(bytes, ...array);
      cursor.beginArray();
      while (cursor.nextElement()) values.push(readScalar(cursor));
      arrays.set(name, values);
    }
  }
  return sectionOf(scalars, arrays);
}

function sectionOf(
  scalars: ReadonlyMap<string, Scalar>,
  arrays: ReadonlyMap<string, readonly Scalar[]>,
): QuantumSection {
  const section: QuantumSection = {};
  const last = (name: string) => scalars.has(name) ? scalars.get(name) : arrays.get(name)?.at(-1);
  for (const name of QUANTUM_TIMES) {
    const value = last(name);
    if (typeof value === "string") section[name] = value;
  }
  for (const name of QUANTUM_NUMBERS) {
    const value = last(name);
    const number = typeof value === "boolean" ? Number(value) : value;
    if (typeof number === "number") section[name] = number;
    else if (typeof number === "string" && PYTHON_FLOAT.test(number)) {
      section[name] = Number(number.trim());
    }
  }
  const single = scalars.get("outputs");
  const outputs = arrays.get("outputs") ?? (single === undefined ? undefined : [single]);
  if (outputs !== undefined) section.outputs = canonicalIds(outputs);
  return section;
}

/** Ids in lower case with dashes; what is no id can't be that of an output. */
function canonicalIds(values: readonly Scalar[]): string[] {
  const ids: string[] = [];
  const bytes = new Uint8Array(16);
  for (const value of values) {
    if (typeof value !== "string") continue;
    if (CANONICAL_ID.test(value)) ids.push(value);
    else if (writeUuidText(value, bytes, 0)) ids.push(uuidToText(bytes));
  }
  return ids;
}

function isWanted(name: string): boolean {
  return WANTED.has(name);
}

/** Reads a task's own section for `failure`, as JSON text of an ExceptionInfo. */
function readTaskSection(cursor: JsonCursor): string | null {
  let failure: string | null = null;
  cursor.beginObject();
  while (cursor.nextMember()) {
    if (cursor.key === "metadata") {
      failure = null;
      cursor.beginObject();
      while (cursor.nextMember()) {
        const name: string = cursor.key;
        if (name === "failure") failure = readFailure(cursor);
        else skipTree(cursor);
      }
    } else skipOwnValues(cursor);
  }
  return failure;
}

/** `failure`: scalars `type` and `message`, and the scalars of its nested `metadata`. */
function readFailure(cursor: JsonCursor): string | null {
  let typeName: Scalar = null;
  let message: Scalar = null;
  let scalarsText = "{}";
  cursor.beginObject();
  while (cursor.nextMember()) {
    if (cursor.key === "scalars") {
      typeName = message = null;
      cursor.beginObject();
      while (cursor.nextMember()) {
        const name: string = cursor.key;
        const value = readScalar(cursor);
        if (name === "type") typeName = value;
        else if (name === "message") message = value;
      }
    } else if (cursor.key === "metadata") {
      scalarsText = "{}";
      cursor.beginObject();
      while (cursor.nextMember()) {
        if (cursor.key !== "metadata") {
          skipTree(cursor);
          continue;
        }
        scalarsText = "{}";
        cursor.beginObject();
        while (cursor.nextMember()) {
          const name: string = cursor.key;
          if (name === "scalars") scalarsText = readScalarsText(cursor);
          else if (name === "metadata") {
            cursor.beginObject();
            while (cursor.nextMember()) skipTree(cursor);
          } else skipOwnValues(cursor);
        }
      }
    } else skipOwnValues(cursor);
  }
  if (typeof typeName !== "string" || typeof message !== "string") return null;
  return `{"type_name":${JSON.stringify(typeName)},"message":${
    JSON.stringify(message)
  },"metadata":${scalarsText}}`;
}

const decoder = new TextDecoder();

function readScalarsText(cursor: JsonCursor): string {
  cursor.kind();
  const start = cursor.position;
  cursor.beginObject();
  while (cursor.nextMember()) skipScalar(cursor);
  return decoder.decode(cursor.bytes.subarray(start, cursor.position));
}

/** What an attempt took, and the JSON text of it. */
interface RecordedUsage {
  text: string;
  /** As it would be read from the text. */
  usage: ResourceUsage;
}

/**
 * The ResourceUsage of an attempt.
 *
 * Null as well where a time or the memory that it needs is missing or unreadable: the reference
 * stops there with an error, which a campaign can't afford for a figure of merit.
 */
export function recordedUsage(metadata: TaskMetadata | null): RecordedUsage | null {
  const section = metadata?.quantum;
  if (section == null) return null;
  const prep = section.prepUtc === undefined ? null : parseIsoTime(section.prepUtc);
  const end = section.endUtc === undefined ? null : parseIsoTime(section.endUtc);
  const memory = section.endMaxResidentSetSize;
  if (prep === null || end === null || memory === undefined) return null;
  const init = section.initUtc === undefined ? end : parseIsoTime(section.initUtc);
  const start = section.startUtc === undefined ? end : parseIsoTime(section.startUtc);
  if (init === null || start === null || prep < FIRST_TIME || prep >= END_OF_TIME) return null;
  const cpu = section.endCpuTime === undefined || section.startCpuTime === undefined
    ? 0
    : section.endCpuTime - section.startCpuTime;
  if (!Number.isFinite(memory) || !Number.isFinite(cpu)) return null;
  const usage: ResourceUsage = {
    memory: unsignedZero(memory),
    start: normalIsoTime(section.prepUtc!),
    prepTime: (init - prep) / 1e6,
    initTime: (start - init) / 1e6,
    runTime: (end - start) / 1e6,
    cpuSeconds: unsignedZero(cpu),
  };
  const text = `{"memory":${floatText(usage.memory)},"start":"${usage.start}","prep_time":${
    floatText(usage.prepTime)
  },"init_time":${floatText(usage.initTime)},"run_time":${
    floatText(usage.runTime)
  },"run_time_cpu":${floatText(usage.cpuSeconds)}}`;
  return { text, usage };
}

/** The number; its text has no sign of zero. */
function unsignedZero(value: number): number {
  return value === 0 ? 0 : value;
}
