/**
 * `cat --batch`: many documents of one source, for programs that ask one after another.
 *
 * @module
 */

import {
  AmbiguousNameError,
  InvalidChunkLogError,
  InvalidQuantumGraphFileError,
  NotFoundError,
  type ProvgraphError,
  RefusedError,
  UsageError,
} from "../../base/errors.ts";
import { concatBytes } from "../../base/bytes.ts";
import { encodeUtf8, stringifyJson } from "../../base/json_text.ts";
import { cat, type CatOptions } from "./cat.ts";
import { DOCUMENT_KINDS, type DocumentKind } from "../../sources/document_kinds.ts";
import type { Announcement } from "../../sources/selector.ts";
import type { DocumentSource } from "../../sources/source.ts";
import { oneLineJson } from "./json_layout.ts";
import { parseSelector } from "../../sources/selector.ts";

/** Requests that are looked at together, before the first of them is answered. */
const MAX_TOGETHER = 64;

/** What became of a request that has no document. */
type Failure = "missing" | "ambiguous" | "refused" | "damaged" | "invalid";

/** How all answers are given. */
interface BatchOptions extends Pick<CatOptions, "attempt" | "allAttempts" | "filter"> {
  /** JSON lines instead of frames. */
  isJson: boolean;
}

/** A line of the input. */
interface Request {
  line: string;
  what: DocumentKind | null;
  idWords: string[];
}

/**
 * Answers requests, each `WHAT [ID...]`, in their order.
 *
 * @param bunches Lines of requests; those of a bunch are there already, so that reading may be planned.
 * @param write Receives each answer as a whole.
 * @returns how many had no document.
 * @throws {EnvironmentError} if the source can't be read: nothing can be answered any more.
 */
export async function catBatch(
  source: DocumentSource,
  bunches: AsyncIterable<readonly string[]>,
  options: BatchOptions,
  write: (bytes: Uint8Array) => void,
): Promise<number> {
  let nFailed = 0;
  for await (const lines of bunches) {
    for (let at = 0; at < lines.length; at += MAX_TOGETHER) {
      const requests = lines.slice(at, at + MAX_TOGETHER).map(parseRequest);
      await source.announce(requests.flatMap(announcement));
      for (const request of requests) {
        if (!await answer(source, request, options, write)) nFailed++;
      }
    }
  }
  return nFailed;
}

function parseRequest(line: string): Request {
  const [word = "", ...idWords] = line.trim().split(/\s+/);
  const what = DOCUMENT_KINDS.find((kind) => kind === word) ?? null;
  return { line: line.trim(), what, idWords };
}

function announcement({ what, idWords }: Request): Announcement[] {
  if (what !== "log" && what !== "metadata" && what !== "quantum" && what !== "dataset") return [];
  try {
    const selector = parseSelector(idWords);
    return selector?.kind === "id" ? [{ what, id: selector.id }] : [];
  } catch {
    return []; // told with its answer
  }
}

async function answer(
  source: DocumentSource,
  request: Request,
  options: BatchOptions,
  write: (bytes: Uint8Array) => void,
): Promise<boolean> {
  try {
    const document = await documentOf(source, request, options);
    write(options.isJson ? jsonAnswer(request, document) : framedAnswer(request, document));
    return true;
  } catch (error) {
    const failure = failureOf(error);
    if (failure === null) throw error;
    write(encodeUtf8(failedAnswer(request, failure, error as ProvgraphError, options.isJson)));
    return false;
  }
}

async function documentOf(
  source: DocumentSource,
  { what, idWords, line }: Request,
  { attempt, allAttempts, filter, isJson }: BatchOptions,
): Promise<Uint8Array> {
  if (what === null) {
    throw new UsageError(`Cannot answer "${line}": it does not begin with a kind of document`, {
      hint: `kinds are ${DOCUMENT_KINDS.join(", ")}`,
    });
  }
  const pieces: Uint8Array[] = [];
  const hasAttempts = what === "log" || what === "metadata" || what === "quantum";
  await cat(source, {
    what,
    idWords,
    attempt: hasAttempts ? attempt : null,
    allAttempts: hasAttempts && allAttempts,
    format: "json",
    isRaw: !isJson,
    filter: what === "log" ? filter : null,
  }, (piece) => pieces.push(typeof piece === "string" ? encodeUtf8(piece) : piece));
  return concatBytes(pieces);
}

function framedAnswer({ what, idWords }: Request, document: Uint8Array): Uint8Array {
  const head = encodeUtf8(`${idWords.join(" ") || "-"} ${what} ${document.length}\n`);
  return concatBytes([head, document, encodeUtf8("\n")]);
}

function jsonAnswer({ what, idWords }: Request, document: Uint8Array): Uint8Array {
  const head = stringifyJson({
    message_type: "document",
    what,
    id: idWords.join(" "),
    status: "found",
  });
  // Spliced, for numbers must stay as they are written.
  const text = oneLineJson(document);
  const end = text.at(-1) === 0x20 ? text.length - 1 : text.length;
  return concatBytes([
    encodeUtf8(`${head.slice(0, -1)},"document":`),
    text.subarray(0, end),
    encodeUtf8("}\n"),
  ]);
}

function failedAnswer(
  { what, idWords, line }: Request,
  failure: Failure,
  error: ProvgraphError,
  isJson: boolean,
): string {
  if (!isJson) return `${(what === null ? line : idWords.join(" ")) || "-"} ${failure}\n`;
  return `${
    stringifyJson({
      message_type: "document",
      what,
      id: what === null ? line : idWords.join(" "),
      status: failure,
      message: error.message,
      hint: error.hint ?? null,
    })
  }\n`;
}

/** Null for an error that concerns more than the request. */
function failureOf(error: unknown): Failure | null {
  if (error instanceof NotFoundError) return "missing";
  if (error instanceof AmbiguousNameError) return "ambiguous";
  if (error instanceof RefusedError) return "refused";
  if (error instanceof InvalidQuantumGraphFileError || error instanceof InvalidChunkLogError) {
    return "damaged";
  }
  return error instanceof UsageError ? "invalid" : null;
}
