/**
 * All logs of a source, one quantum after another.
 *
 * @module
 */

import type { JsonValue } from "../../base/json_text.ts";

/** Logs of the attempts of one quantum. */
export interface StoredLog {
  /** UUID of the quantum; null of a registered log that no graph backs yet. */
  quantumId: string | null;
  /** Of a log whose quantum is not known: the task and the required values of the data ID. */
  owner: { label: string; dataCoordinate: readonly JsonValue[] } | null;
  /** Where its block is in the file of {@linkcode LogStore}; null if it must be read here. */
  place: { offset: number; size: number } | null;
  /** `{"attempts":[...]}`; null if there is no log. */
  read(): Promise<Uint8Array | null>;
}

/** A provenance graph on a disk: workers may open it themselves. */
export interface LogFile {
  path: string;
  sizeBytes: number;
  /** Text of its header, which tells one graph from another of the same name. */
  headerText: Uint8Array;
}

/** Where logs are. */
export interface LogStore {
  /** Null where other threads can't read. */
  file: LogFile | null;
  /**
   * Logs in the order in which they are stored.
   *
   * @param isWanted Whether those of a quantum are wanted, by its 16 bytes at an offset; null for all.
   */
  logs(
    isWanted: ((ids: Uint8Array, offset: number) => boolean) | null,
  ): AsyncIterable<StoredLog>;
}

/** The end of one attempt's log. */
export interface LogEnd {
  nRecords: number;
  /** Whether `text` is of errors; else it is of the last records, whatever their level. */
  hasErrors: boolean;
  /** Null for a log without a letter. */
  text: string | null;
  /** Time of the last record, as it is written; null if there is none. */
  lastTime: string | null;
  /** Process that wrote the last record; null if there is none. */
  processId: number | null;
}
