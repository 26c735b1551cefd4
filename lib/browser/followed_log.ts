/**
 * What a page may ask of a chunk log that it follows.
 *
 * @module
 */

import type { RowDimensions, RowKind } from "../sources/rows.ts";
import type { Selector } from "../sources/selector.ts";
import type { AttemptDocuments } from "../sources/source.ts";
import type { TraceSource } from "../sources/trace/trace_source.ts";
import type { GrownState } from "./growing_log.ts";

/** The chunk log of a run that goes on: quanta as they come, and documents of those that have come. */
export interface FollowedLog {
  /** Kind and name, for messages. */
  readonly name: string;
  /** Where reading stands. */
  readonly state: GrownState;
  /** Reads the header alone. @throws {ProvgraphError} if there is none yet, or it is no chunk log. */
  readHeader(): Promise<void>;
  /**
   * Reads what is new.
   *
   * @param onQuantum Called with the JSON text of each quantum; one that was scanned again comes again.
   * @param onRestart Called when the log was begun anew: what was known of it is void.
   * @throws {ProvgraphError} if the log is gone, or no chunk log.
   */
  readNew(
    onQuantum: (text: Uint8Array) => void | Promise<void>,
    onRestart: () => void,
  ): Promise<void>;
  /** JSON text of the predicted graph's header. */
  header(): Promise<Uint8Array>;
  /** Labels of all tasks, in the order of the pipeline. */
  taskLabels(): Promise<string[]>;
  /** Dimensions of quanta, by task, or of datasets, by type. */
  rowDimensions(kind: RowKind): Promise<RowDimensions>;
  /** Logs or metadata of a quantum. @throws {ProvgraphError} if it hasn't come, or was blocked. */
  attempts(kind: "log" | "metadata", selector: Selector): Promise<AttemptDocuments>;
  /** JSON text of a quantum. @throws {ProvgraphError} if it hasn't come. */
  quantumText(selector: Selector): Promise<Uint8Array>;
  /** Configuration of a task; null means the only one there is. */
  config(selector: Selector | null): Promise<{ label: string; text: Uint8Array }>;
  /** Who reads and writes what. */
  traceSource(): Promise<TraceSource>;
}
