/** `cat` without the parser of options: see `plain_command.ts`. @module */

import { cat, type CatOptions } from "../../inspect/cat/cat.ts";
import { FORMATS } from "../../inspect/cat/formats.ts";
import { DOCUMENT_KINDS } from "../../sources/document_kinds.ts";
import type { DocumentSource } from "../../sources/source.ts";
import { catRequest, checkCatWords } from "../cat_words.ts";
import { levelNumber } from "../values.ts";
import type { PlainWords } from "./plain_words.ts";

/**
 * What the words ask for; null if that isn't clear.
 *
 * @throws {UsageError} if options exclude each other.
 */
export function plainCatRequest({ words, value, has }: PlainWords): CatOptions | null {
  const [, kind, ...idWords] = words;
  const what = DOCUMENT_KINDS.find((known) => known === kind);
  const format = FORMATS.find((known) => known === value("--format"));
  const [attempt, tail, level] = ["--attempt", "--tail", "--level"].map(value);
  const isClear = what !== undefined &&
    (format !== undefined || value("--format") === undefined) &&
    /^-?\d{1,9}$/.test(attempt ?? "0") &&
    /^\d{1,9}$/.test(tail ?? "0") &&
    (level === undefined || levelNumber(level) !== null);
  if (!isClear) return null;
  const options = {
    attempt: attempt === undefined ? undefined : Number(attempt),
    allAttempts: has("--all-attempts"),
    format,
    json: has("--json"),
    raw: has("--raw"),
    level: level === undefined ? undefined : levelNumber(level)!,
    tail: tail === undefined ? undefined : Number(tail),
    batch: false,
  };
  checkCatWords(what, options);
  return catRequest(what, idWords, options);
}

/** Prints one document. */
export async function printDocument(
  open: () => Promise<DocumentSource>,
  request: CatOptions,
  write: (bytes: Uint8Array | string) => void,
): Promise<void> {
  await using source = await open();
  await cat(source, request, write);
}
