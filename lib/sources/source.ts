/**
 * What can be read back, wherever it is: a provenance graph, a predicted graph, a chunk log or a
 * repository.
 *
 * @module
 */

import { NotFoundError } from "../base/errors.ts";
import { splitAttempts } from "../qg/attempts.ts";
import type { SourceInfo } from "./info.ts";
import type { LogStore } from "./logs/log_store.ts";
import { parseStored } from "./parse_stored.ts";
import type { RowSource } from "./rows.ts";
import type { Announcement, Selector } from "./selector.ts";
import type { TabledQuanta } from "./table/tabled_quanta.ts";
import type { TraceSource } from "./trace/trace_source.ts";

/** Documents of the attempts of one quantum. */
export interface AttemptDocuments {
  /** `{"attempts":[...]}` as it is stored. */
  text: Uint8Array;
  /** Half-open ranges of the documents in `text`; null where an attempt has none. */
  attempts: ([startByte: number, endByte: number] | null)[];
  /** Why an attempt has no document: a clause for an error. */
  reason(attempt: number): Promise<string>;
}

/** A place that documents are read from. */
export interface DocumentSource extends AsyncDisposable, RowSource {
  /** Kind and name, for messages. */
  readonly name: string;
  /** RUN that everything belongs to, or null if there may be several. */
  readonly run: string | null;

  /**
   * The table of all quanta; null, or no such method, where there is none that counts.
   *
   * @internal
   */
  tabled?(): Promise<TabledQuanta | null>;

  /**
   * Logs or metadata of a quantum, named by itself or by any of its outputs.
   *
   * @throws {NotFoundError} if there is no such quantum, or it was never attempted.
   */
  attempts(kind: "log" | "metadata", selector: Selector): Promise<AttemptDocuments>;

  /** JSON text of a quantum, named likewise. @throws as {@linkcode attempts}. */
  quantum(selector: Selector): Promise<Uint8Array>;

  /** JSON text of a dataset. @throws {NotFoundError} if there is no such dataset. */
  dataset(selector: Selector): Promise<Uint8Array>;

  /**
   * Configuration of a task as Python text, with the task's label.
   *
   * @param selector Label or config dataset; null if there is only one task.
   */
  config(selector: Selector | null): Promise<{ label: string; text: Uint8Array }>;

  /**
   * Versions of the packages that ran: JSON text, and the document as it is stored where that is
   * another.
   */
  packages(): Promise<{ text: Uint8Array; stored: Uint8Array }>;

  /** JSON text of the header. */
  header(): Promise<Uint8Array>;

  /**
   * Says which documents are asked for next, so that those which lie close together are read at once.
   * What is held of earlier ones is dropped. Memory: at most 16 MiB.
   */
  announce(documents: readonly Announcement[]): Promise<void>;

  /**
   * What this is.
   *
   * @param isCounting Whether statuses of quanta are counted, in a pass over all of them.
   */
  info(isCounting: boolean): Promise<SourceInfo>;

  /**
   * All logs.
   *
   * @throws {RefusedError} if there can't be any.
   * @internal
   */
  logs(): Promise<LogStore>;

  /**
   * Who reads and writes what.
   *
   * @throws {RefusedError} if that isn't known.
   */
  traceSource(): Promise<TraceSource>;
}

/** Finds the documents in a stored block. @throws {InvalidQuantumGraphFileError} if it is none. */
export function attemptDocuments(
  text: Uint8Array,
  what: string,
  reason: (attempt: number) => Promise<string>,
): AttemptDocuments {
  return { text, attempts: parseStored(what, () => splitAttempts(text)), reason };
}

/** Error of a quantum that has no documents because nothing ever ran. */
export function blockedError(kind: string, quantumId: string, where: string): NotFoundError {
  return new NotFoundError(
    `Cannot read ${kind} of quantum ${quantumId} in ${where}: it was blocked, that is, a quantum ` +
      "upstream failed and it was never attempted",
  );
}
