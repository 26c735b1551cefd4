/**
 * Log records and task metadata in the form in which the reference writes them, checked in WebAssembly:
 * four to six times as fast as by a {@linkcode JsonCursor}, and compiled once for all threads. Without it,
 * aggregation of 10,195 quanta takes 20.6 seconds of CPU instead of 17.8 (means of seven and six runs). What has
 * any other form is left to the cursor; which of them read a document makes no difference.
 * Source: `schema/quantum-graph.md`, section 8.5; `schema/run-files.md`, sections 1 and 2;
 * `usual_documents.as.ts`.
 *
 * @module
 */

import { encodeUtf8, type JsonCursor } from "../../base/json_text.ts";
import * as wasm from "./usual_documents.wasm";

/** Values of the section "quantum" that provenance needs: times, numbers and ids. */
export const QUANTUM_TIMES = ["prepUtc", "initUtc", "startUtc", "endUtc"] as const;
/** See {@linkcode QUANTUM_TIMES}. */
export const QUANTUM_NUMBERS = [
  "startCpuTime",
  "endCpuTime",
  "endMaxResidentSetSize",
  "caveats",
] as const;
/** All of these. */
export const QUANTUM_VALUES = [...QUANTUM_TIMES, ...QUANTUM_NUMBERS, "outputs"] as const;

/** Texts in the order of `Text` in `usual_documents.as.ts`, each of 8 to 24 bytes. */
const TEXTS = [
  '{"name":',
  ',"asctime":',
  ',"message":',
  ',"levelno":',
  ',"levelname":',
  ',"filename":',
  ',"pathname":',
  ',"lineno":',
  ',"funcName":',
  ',"process":',
  ',"processName":',
  ',"exc_info":',
  ',"MDC":{',
  '{"scalars":{',
  ',"arrays":{',
  ',"metadata":{',
  '"quantum":',
  '"failure":',
  ...QUANTUM_VALUES.map((name) => `"${name}":`),
];

/** Larger documents are not copied into the module's memory, which never shrinks, in bytes. */
const MAX_SIZE = 2 ** 22;
/** Zeros behind the document: more than is ever loaded or compared at once, in bytes. */
const PADDING = 64;
const PAGE_SIZE = 65536;

/** Levels of objects and arrays of a record, and of the deepest metadata that is taken. */
const USUAL_RECORD_LEVELS = 2;
const USUAL_METADATA_LEVELS = 128;

/** A half-open range of bytes. */
type Range = readonly [startByte: number, endByte: number];

/** Task metadata that was checked. */
export interface UsualMetadata {
  /**
   * Where those of {@linkcode QUANTUM_VALUES} are that its section "quantum" has, as scalar, as array or
   * as both; null without that section.
   */
  quantum: Map<string, { scalar: Range | null; array: Range | null }> | null;
}

let memory = new Uint8Array(wasm.memory.buffer);
let view = new DataView(wasm.memory.buffer);

TEXTS.forEach((text, i) => {
  const bytes = encodeUtf8(text);
  view.setUint32(wasm.TEXTS + i * wasm.TEXT_SIZE, bytes.length, true);
  memory.set(bytes, wasm.TEXTS + i * wasm.TEXT_SIZE + 8);
});

/** The document in the module's memory, which holds one; null outside of {@linkcode withUsualForms}. */
let loaded: Uint8Array | null = null;
/** The document whose bytes still lie there. */
let copied: Uint8Array | null = null;

/**
 * Reads a document. While that goes on, {@linkcode takeUsualRecord} and {@linkcode takeUsualMetadata} know
 * it; outside, and if it is too large, they take nothing.
 */
export function withUsualForms<T>(document: Uint8Array, read: () => T): T {
  if (document.length <= MAX_SIZE) load(document);
  try {
    return read();
  } finally {
    loaded = null;
  }
}

function load(document: Uint8Array): void {
  const needed = wasm.DOCUMENT + document.length + PADDING;
  if (needed > memory.length) {
    wasm.memory.grow(Math.ceil((needed - memory.length) / PAGE_SIZE));
    memory = new Uint8Array(wasm.memory.buffer);
    view = new DataView(wasm.memory.buffer);
  }
  memory.set(document, wasm.DOCUMENT);
  memory.fill(0, wasm.DOCUMENT + document.length, needed);
  loaded = copied = document;
}

/**
 * Writes the digest of a document, as `ContentDigest` does, from the copy that was read last: it is of the very
 * bytes that were checked, and costs neither another copy nor a second pass.
 *
 * @returns false, nothing written, if that is not the document which was read last.
 */
export function writeDigestOfRead(document: Uint8Array, target: Uint8Array, at: number): boolean {
  if (document !== copied) return false;
  wasm.digest(document.length);
  for (let i = 0; i < wasm.DIGEST_SIZE; i++) target[at + i] = memory[wasm.DIGEST + i];
  return true;
}

/** Passes over a log record of the usual form; false, consuming nothing but blanks, for any other. */
export function takeUsualRecord(cursor: JsonCursor): boolean {
  cursor.kind(); // skips blanks
  if (cursor.bytes !== loaded || !cursor.hasRoom(USUAL_RECORD_LEVELS)) return false;
  const end = wasm.record(wasm.DOCUMENT + cursor.position);
  if (end !== 0) cursor.position = end - wasm.DOCUMENT;
  return end !== 0;
}

/** Passes over task metadata of the usual form; null, consuming nothing but blanks, for any other. */
export function takeUsualMetadata(cursor: JsonCursor): UsualMetadata | null {
  cursor.kind(); // skips blanks
  if (cursor.bytes !== loaded || !cursor.hasRoom(USUAL_METADATA_LEVELS)) return null;
  const end = wasm.metadata(wasm.DOCUMENT + cursor.position);
  if (end === 0) return null;
  cursor.position = end - wasm.DOCUMENT;
  const quantum: UsualMetadata["quantum"] = wasm.hadQuantum() ? new Map() : null;
  QUANTUM_VALUES.forEach((name, i) => {
    const [scalar, array] = [rangeAt(i, 0), rangeAt(i, 8)];
    if (scalar !== null || array !== null) quantum?.set(name, { scalar, array });
  });
  return { quantum };
}

function rangeAt(index: number, offset: number): Range | null {
  const at = wasm.VALUES + index * wasm.VALUE_SIZE + offset;
  const start = view.getUint32(at, true);
  return start === 0 ? null : [start - wasm.DOCUMENT, view.getUint32(at + 4, true) - wasm.DOCUMENT];
}
