/** What the options of `cat` mean together. @module */

import { UsageError } from "../base/errors.ts";
import type { CatOptions } from "../inspect/cat/cat.ts";
import type { Format } from "../inspect/cat/formats.ts";
import { DOCUMENT_KINDS, type DocumentKind } from "../sources/document_kinds.ts";

/** The options, each as it was given. */
export interface CatWords {
  attempt?: number;
  allAttempts: boolean;
  format?: Format;
  json: boolean;
  raw: boolean;
  level?: number;
  grep?: RegExp;
  tail?: number;
  batch: boolean;
}

/** Attempts and records that are wanted. */
export function catSelection(
  { attempt, allAttempts, level, grep, tail }: CatWords,
): Pick<CatOptions, "attempt" | "allAttempts" | "filter"> {
  return {
    attempt: attempt ?? null,
    allAttempts,
    filter: level === undefined && grep === undefined && tail === undefined
      ? null
      : { minLevel: level ?? null, pattern: grep ?? null, tail: tail ?? null },
  };
}

/** What `cat()` is asked for. */
export function catRequest(
  what: DocumentKind,
  idWords: readonly string[],
  options: CatWords,
): CatOptions {
  return {
    ...catSelection(options),
    what,
    idWords,
    format: options.format ?? (options.json ? "json" : "text"),
    isRaw: options.raw,
  };
}

/** Whether the answer is text for people, not bytes for programs. */
export function isForPeople({ format, isRaw }: CatOptions): boolean {
  return format === "text" && !isRaw;
}

/** Refuses options that exclude each other. @throws {UsageError} */
export function checkCatWords(what: DocumentKind | undefined, options: CatWords): void {
  const { batch, raw, json, format } = options;
  if (batch && (what !== undefined || raw || format !== undefined)) {
    throw new UsageError(
      "Cannot answer requests and print a document: --batch excludes WHAT, --raw and --format",
      { hint: "--json gives answers as JSON lines" },
    );
  }
  if (!batch && what === undefined) {
    throw new UsageError("Cannot print a document: it is not said which", {
      hint: `give one of ${DOCUMENT_KINDS.join(", ")}, or --batch`,
    });
  }
  if (raw && (json || format !== undefined)) {
    throw new UsageError("Cannot print raw bytes in a format: --raw excludes --format and --json");
  }
  if (json && format === "text") {
    throw new UsageError("Cannot print text as JSON: --json excludes --format text");
  }
  const isFiltered = options.level !== undefined || options.grep !== undefined ||
    options.tail !== undefined;
  if (raw && isFiltered) {
    throw new UsageError(
      "Cannot print raw bytes of some records: --raw excludes --level, --grep and --tail",
      { hint: "--format json leaves the text of the records as it is" },
    );
  }
}
