/**
 * provgraph as a library: opens a provenance graph, a predicted graph, a chunk log or a repository, and
 * reads out of it what was recorded.
 *
 * ```ts
 * import { open, parseSelector } from "@provgraph/provgraph";
 *
 * await using graph = await open("testdata/fixtures/small-mixed/provenance.qg");
 * const counts = new Map<string, number>();
 * for await (const text of graph.quanta()) {
 *   const { task_label } = JSON.parse(new TextDecoder().decode(text));
 *   counts.set(task_label, (counts.get(task_label) ?? 0) + 1);
 * }
 * const failed = parseSelector(["calibrate", "visit=3", "detector=1"])!;
 * const { text, attempts } = await graph.attempts("log", failed);
 * const first = attempts[0];
 * if (counts.get("calibrate") !== 16 || first === null) throw new Error("not as recorded");
 * const records = JSON.parse(new TextDecoder().decode(text.subarray(...first)));
 * if (!Array.isArray(records)) throw new Error("a log is a list of records");
 * ```
 *
 * @module
 */

import { openSource } from "./sources/open_source.ts";
import type { DocumentSource } from "./sources/source.ts";

export type { JsonValue } from "./base/json_text.ts";
export type {
  DimensionColumn,
  DimensionElement,
  DimensionUniverse,
  KeyType,
} from "./butler/dimensions/dimensions.ts";
export type { DimensionGroup } from "./butler/dimensions/dimension_group.ts";
export type {
  ChunkLogInfo,
  GraphInfo,
  HeaderInfo,
  IngestStage,
  RepositoryInfo,
  RunInfo,
  SourceInfo,
  TaskInfo,
} from "./sources/info.ts";
export type {
  DatasetRow,
  DatasetWish,
  QuantumWish,
  RowDimensions,
  RowKind,
  RowSource,
  StatusCounts,
  WishValue,
} from "./sources/rows.ts";
export type { Announcement, DataIdTerm, Selector } from "./sources/selector.ts";
export type { AttemptDocuments, DocumentSource } from "./sources/source.ts";
export type {
  TracedDataset,
  TracedQuantum,
  TraceKey,
  TraceSource,
} from "./sources/trace/trace_source.ts";
export { ProvgraphError, type ProvgraphErrorOptions } from "./base/errors.ts";
export { parseSelector } from "./sources/selector.ts";

/** How {@linkcode open} opens. */
export interface OpenOptions {
  /** RUN to look in, for repositories; of a file another RUN is refused. */
  run?: string;
  /** Where relative paths begin; else the current directory. */
  cwd?: string;
  /** Milliseconds that a locked registry is waited for; 300,000 if not given. */
  busyTimeoutMs?: number;
}

/**
 * Opens a provenance graph (path or `http(s)://`), a predicted graph, a chunk log, or a repository
 * (directory, configuration, or alias).
 *
 * @throws {ProvgraphError} that names what is wrong with it.
 */
export function open(place: string, options: OpenOptions = {}): Promise<DocumentSource> {
  const { run = null, cwd = Deno.cwd(), busyTimeoutMs } = options;
  return openSource(place, run, Deno.env, cwd, { busyTimeoutMs });
}
