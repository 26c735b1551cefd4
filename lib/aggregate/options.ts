/**
 * What `aggregate-graph` is asked to do, and what came of it.
 *
 * @module
 */

import type { Environment } from "../base/environment.ts";
import type { Log } from "../base/log.ts";
import type { Progress } from "../base/progress.ts";
import type { MergeSummary } from "../chunks/merge_summary.ts";
import type { ReadAhead } from "../storage/whole_files.ts";
import type { WorkerLogSetup } from "../storage/worker_log.ts";
import type { AggregateCounts } from "./counts.ts";
import type { WorkerFactory } from "./messages.ts";
import type { CompressionOptions } from "./scan/compression.ts";

/** Options of an aggregation; names as those of the reference's configuration. */
export interface AggregateOptions extends CompressionOptions {
  graphPath: string;
  repository: string;
  /** Where the graph goes; null writes none. */
  outputPath: string | null;
  nScanners: number;
  isIncomplete: boolean;
  isDryRun: boolean;
  registerDatasetTypes: boolean;
  updateOutputChain: boolean;
  mockStorageClasses: boolean;
  /** When files are read ahead of the scan. */
  readAhead: ReadAhead;
  promiseIngestGraph: boolean;
  /** Datasets; a batch is written when more are waiting. */
  ingestBatchSize: number;
  /** Whether a broken log or metadata file ends the run. */
  isStrict: boolean;
  /** Whether a run of which nothing is there is recorded as one in which all has failed. */
  allowEmpty: boolean;
  /** Whether the chunk log stays beside the finished graph. */
  keepChunks: boolean;
  /** Whether a matching chunk log is continued. */
  resume: boolean;
  /** Chunk logs of shards to begin with; `*` and `?` in a name stand for any. */
  chunkLogs: string[];
  /** How long to wait for a lock of the database, milliseconds; undefined leaves it to the registry. */
  busyTimeoutMs?: number;
  /** Log files of the workers, or null for none. */
  workerLogs: WorkerLogSetup | null;
}

/** What an aggregation needs of its surroundings. */
export interface AggregateContext {
  makeWorker: WorkerFactory;
  env: Environment;
  log: Log;
  progress: Progress;
  /** Aborted to stop: what is in hand is finished and kept. */
  signal: AbortSignal;
}

/**
 * Stages of an aggregation, one after the other: reading the predicted graph and asking the registry;
 * cutting the compression dictionary; starting the workers; scanning, with registration beside it;
 * finishing the graph, beside what was left to register.
 */
export const AGGREGATE_STAGES = [
  "predicted_read",
  "dictionary",
  "start",
  "scan",
  "finish",
] as const;

/** One of {@linkcode AGGREGATE_STAGES}. */
type AggregateStage = typeof AGGREGATE_STAGES[number];

/** What an aggregation came to. */
export interface AggregateSummary extends AggregateCounts {
  outputRun: string;
  /** Whether execution was said to go on. */
  isIncomplete: boolean;
  /** Whether there was no log or metadata file at all, which only execution that goes on excuses. */
  foundNothing: boolean;
  seconds: number;
  /** Wall time of each stage; together all of `seconds`. */
  stageSeconds: Record<AggregateStage, number>;
  /** The finished graph, or null. */
  outputPath: string | null;
  /** Chunk log that was left, or null. */
  chunkLogPath: string | null;
  /** What merging the chunk logs of shards came to; null if there were none. */
  merged: MergeSummary | null;
}
