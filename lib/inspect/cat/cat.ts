/**
 * `cat`: one document out of whatever holds it, as stored or laid out for people.
 *
 * @module
 */

import { NotFoundError, UsageError } from "../../base/errors.ts";
import { decodeUtf8, encodeUtf8, JsonCursor } from "../../base/json_text.ts";
import { visibleBytes, visibleText } from "../../base/text/visible_text.ts";
import { attemptRanges, readQuantum } from "../../provenance/documents/quantum.ts";
import type { DocumentKind } from "../../sources/document_kinds.ts";
import { parseStored } from "../../sources/parse_stored.ts";
import { parseSelector, type Selector } from "../../sources/selector.ts";
import type { AttemptDocuments, DocumentSource } from "../../sources/source.ts";
import { namedQuantumText } from "./cat_quantum.ts";
import { joinLine, writeAsText } from "./cat_text.ts";
import type { Format } from "./formats.ts";
import { indentJson, oneLineJson } from "./json_layout.ts";
import { filterRecords, type LogFilter } from "./log_filter.ts";

/** What is to be printed and how. */
export interface CatOptions {
  what: DocumentKind;
  /** Words of the ID. */
  idWords: readonly string[];
  /** Position from 0, or from the end if negative; null for the last one. */
  attempt: number | null;
  allAttempts: boolean;
  format: Format;
  /** Whether the stored bytes are printed, and nothing else. */
  isRaw: boolean;
  /** Which records of a log; null for all. */
  filter: LogFilter | null;
}

/**
 * Prints one document.
 *
 * @param output Receives the document piece by piece; text for people without control characters.
 * @throws {UsageError} if options, kind and ID don't go together.
 * @throws {NotFoundError} if there is no such document.
 */
export async function cat(
  source: DocumentSource,
  options: CatOptions,
  output: (bytes: Uint8Array | string) => void,
): Promise<void> {
  // What is laid out for people is shown on terminals, also behind a pipe.
  const write = options.format === "text" && !options.isRaw
    ? (text: Uint8Array | string) =>
      output(typeof text === "string" ? visibleText(text) : visibleBytes(text))
    : output;
  const selector = parseSelector(options.idWords);
  check(options, selector);
  const named = `${[options.what, ...options.idWords].join(" ")} of ${source.name}`;
  switch (options.what) {
    case "log":
    case "metadata":
      return await catAttempts(options.what, source, selector!, options, write);
    case "quantum":
      return await catQuantum(source, selector!, options, write);
    case "dataset":
      return catDocument(await source.dataset(selector!), named, options, write);
    case "header":
      return catDocument(await source.header(), named, options, write);
    case "packages": {
      const { text, stored } = await source.packages();
      return catDocument(options.isRaw ? stored : text, named, options, write);
    }
    case "config": {
      const { label, text } = await source.config(selector);
      if (options.isRaw || options.format === "text") return write(text);
      const [task, config] = [label, decodeUtf8(text)].map((value) => JSON.stringify(value));
      return write(`{"task_label":${task},"config":${config}}\n`);
    }
    default:
      options.what satisfies never;
  }
}

function check(
  { what, attempt, allAttempts, filter }: CatOptions,
  selector: Selector | null,
): void {
  if (filter !== null && what !== "log") {
    throw new UsageError(`Cannot select records of ${what}: only logs have records`);
  }
  const needsId = what !== "header" && what !== "packages" && what !== "config";
  if (needsId && selector === null) {
    throw new UsageError(`Cannot print ${what}: no ID is given`, {
      hint: "give a UUID, a prefix of one, or LABEL DIMENSION=VALUE...",
    });
  }
  if ((what === "header" || what === "packages") && selector !== null) {
    throw new UsageError(
      `Cannot print ${what} of "${selector.words.join(" ")}": there is only one`,
    );
  }
  if (attempt !== null && allAttempts) {
    throw new UsageError(
      "Cannot print one attempt and all of them: --attempt excludes --all-attempts",
    );
  }
  const hasAttempts = what === "log" || what === "metadata" || what === "quantum";
  if ((attempt !== null || allAttempts) && !hasAttempts) {
    throw new UsageError(`Cannot print an attempt of ${what}: it has none`);
  }
}

/** Prints a document with another layout, if it is one. */
function catDocument(
  text: Uint8Array,
  what: string,
  { format, isRaw }: CatOptions,
  write: (bytes: Uint8Array | string) => void,
): void {
  if (isRaw) return write(text);
  parseStored(what, () => requireJson(text));
  write(format === "text" ? indentJson(text) : format === "json" ? text : oneLineJson(text));
  write("\n");
}

/** Checks that a text is JSON and no deeper than readers take; nothing of it is kept. */
function requireJson(text: Uint8Array): void {
  const cursor = new JsonCursor(text);
  cursor.skip();
  cursor.finish();
}

/** Position of the attempt that is asked for. */
function chooseAttempt(attempt: number | null, n: number, what: string): number {
  const asked = attempt ?? -1;
  const index = asked < 0 ? n + asked : asked;
  if (index >= 0 && index < n) return index;
  throw new NotFoundError(
    `Cannot print attempt ${asked} of ${what}: there ${n === 1 ? "is 1" : `are ${n}`}`,
    n === 0 ? {} : { hint: `attempts count from 0 to ${n - 1}, or from the end from -1 to -${n}` },
  );
}

async function catAttempts(
  kind: "log" | "metadata",
  source: DocumentSource,
  selector: Selector,
  options: CatOptions,
  write: (bytes: Uint8Array | string) => void,
): Promise<void> {
  const documents = await source.attempts(kind, selector);
  const what = `${kind} of "${selector.words.join(" ")}" in ${source.name}`;
  if (options.allAttempts) return await catAllAttempts(kind, documents, what, options, write);
  const index = chooseAttempt(options.attempt, documents.attempts.length, what);
  const range = documents.attempts[index];
  if (range === null) {
    throw new NotFoundError(
      `Cannot print attempt ${index} of ${what}: ${await documents.reason(index)}`,
      documents.attempts.length === 1 ? {} : { hint: "--all-attempts prints those that are there" },
    );
  }
  const document = filtered(documents.text.subarray(...range), options, what);
  if (options.isRaw) return write(document);
  if (options.format === "json") {
    write(document);
    return write("\n");
  }
  if (options.format === "ndjson") {
    if (kind === "metadata") return write(joinLine(oneLineJson(document)));
    return forEachElement(document, what, (record) => write(joinLine(oneLineJson(record))));
  }
  writeAsText(kind, document, what, write);
}

async function catAllAttempts(
  kind: "log" | "metadata",
  { text, attempts, reason }: AttemptDocuments,
  what: string,
  options: CatOptions,
  write: (bytes: Uint8Array | string) => void,
): Promise<void> {
  const { isRaw, format, filter } = options;
  if (isRaw || format === "json") {
    if (filter === null) write(text);
    else writeFilteredAttempts(text, attempts, options, what, write);
    return isRaw ? undefined : write("\n");
  }
  const key = kind === "log" ? "record" : "metadata";
  for (const [i, range] of attempts.entries()) {
    const document = range === null ? null : filtered(text.subarray(...range), options, what);
    if (format === "text") {
      write(`attempt ${i}${document === null ? `: ${await reason(i)}` : ""}\n`);
      if (document !== null) writeAsText(kind, document, what, write);
      continue;
    }
    const line = (value: Uint8Array) => {
      write(`{"attempt":${i},"${key}":`);
      write(oneLineJson(value));
      write("}\n");
    };
    if (document === null || kind === "metadata") line(document ?? encodeUtf8("null"));
    else forEachElement(document, what, line);
  }
}

/** The records that are wanted. */
function filtered(document: Uint8Array, { filter }: CatOptions, what: string): Uint8Array {
  return filter === null ? document : parseStored(what, () => filterRecords(document, filter));
}

function writeFilteredAttempts(
  text: Uint8Array,
  attempts: AttemptDocuments["attempts"],
  options: CatOptions,
  what: string,
  write: (bytes: Uint8Array | string) => void,
): void {
  write('{"attempts":[');
  for (const [i, range] of attempts.entries()) {
    if (i > 0) write(",");
    write(range === null ? "null" : filtered(text.subarray(...range), options, what));
  }
  write("]}");
}

function forEachElement(
  array: Uint8Array,
  what: string,
  each: (element: Uint8Array) => void,
): void {
  parseStored(what, () => {
    const cursor = new JsonCursor(array);
    cursor.beginArray();
    while (cursor.nextElement()) each(array.subarray(...cursor.skipRange()));
    cursor.finish();
  });
}

async function catQuantum(
  source: DocumentSource,
  selector: Selector,
  options: CatOptions,
  write: (bytes: Uint8Array | string) => void,
): Promise<void> {
  const text = await source.quantum(selector);
  const what = `quantum "${selector.words.join(" ")}" in ${source.name}`;
  if (options.attempt !== null) {
    const ranges = parseStored(what, () => attemptRanges(text));
    const index = chooseAttempt(options.attempt, ranges.length, what);
    return catDocument(text.subarray(...ranges[index]), what, options, write);
  }
  if (options.isRaw || options.format !== "text") {
    return catDocument(text, what, options, write);
  }
  write(await namedQuantumText(source, parseStored(what, () => readQuantum(text))));
}
