/**
 * What `ingest-graph` is asked to do, and what came of it.
 *
 * @module
 */

import type { Environment } from "../base/environment.ts";
import type { Log } from "../base/log.ts";
import type { Progress } from "../base/progress.ts";
import type { MovedSource } from "./remote/placed_graph.ts";
import type { DeleterFactory } from "./originals/deleter_factory.ts";
import type { TransferMode } from "./transfer_mode.ts";
import type { KeptFile } from "./originals/deleter_messages.ts";

/** Options of an ingest; names as on the command line. */
export interface IngestOptions {
  repository: string;
  /** Null: the graph is in the repository already. */
  graphPath: string | null;
  outputRun: string | null;
  transfer: TransferMode;
  /** Datasets in one transaction. */
  batchSize: number;
  /** Whether records are rewritten instead of forgetting datasets and registering them again. */
  inPlace: boolean;
  /** Whether to refuse a RUN in which nothing was begun. */
  resume: boolean;
  isDryRun: boolean;
  /** Whether a graph is taken in which nothing ran. */
  allowEmpty: boolean;
  /** How long to wait for a lock of the database, milliseconds; undefined leaves it to the registry. */
  busyTimeoutMs?: number;
}

/** What an ingest needs of its surroundings. */
export interface IngestContext {
  makeWorker: DeleterFactory;
  env: Environment;
  log: Log;
  progress: Progress;
  /** Aborted to stop: the batch in hand is finished. */
  signal: AbortSignal;
}

/**
 * Stages of an ingest, one after the other: reading and checking; forgetting; putting the graph into
 * the repository; registering what it backs, with deletes beside; what is left to delete; directories
 * and the source of a move.
 */
export const INGEST_STAGES = [
  "check",
  "forget",
  "transfer",
  "reingest",
  "delete",
  "tidy",
] as const;

/** One of {@linkcode INGEST_STAGES}. */
export type IngestStage = typeof INGEST_STAGES[number];

/** What an ingest came to. */
export interface IngestSummary {
  run: string;
  /** Whether there was nothing left to do. */
  isAlreadyDone: boolean;
  nForgotten: number;
  nIngested: number;
  /** Datasets that were backed by the graph before. */
  nAlreadyDone: number;
  nNotProduced: number;
  nFilesDeleted: number;
  nDirectoriesDeleted: number;
  /** Original files that stay because their content is not in the graph. */
  nKept: number;
  /** The first of them. */
  keptFiles: KeptFile[];
  /** Where the graph is now. */
  graphPath: string;
  /** What has become of the file that was given to be moved; null if nothing was to be moved. */
  movedSource: ({ path: string } & MovedSource) | null;
  seconds: number;
  /** Wall time of each stage; together all of `seconds`. */
  stageSeconds: Record<IngestStage, number>;
  /** Seconds that the deleter was busy, most of it beside other stages. */
  workSeconds: { delete: number };
}

/** What came of it; in a dry run, what would come of it. */
export interface UndoSummary {
  run: string;
  /** Datasets that are backed by their originals now. */
  nRegistered: number;
  /** Originals that were made again. */
  nRestored: number;
  /** How many of them nothing proves to be the same byte for byte. */
  nUnproven: number;
  /** The first of these. */
  unproven: KeptFile[];
  /** Where the graph is now. */
  graphPath: string;
  seconds: number;
}
