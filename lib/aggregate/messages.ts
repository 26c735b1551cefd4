/**
 * What the supervisor and its workers tell each other. Messages are plain data; large byte arrays own
 * their buffers and are transferred, after which the sender's view is dead.
 *
 * @module
 */

import type { JsonValue } from "../base/json_text.ts";
import type { WorkerReply } from "../base/worker_loop.ts";
import type { ChunkTable, LoadedChunkLog } from "../chunks/table.ts";
import type { TableLayout } from "../provenance/table/table_columns.ts";
import type { RowsShare, TableRows } from "../provenance/table/table_rows.ts";
import type { GraphArrays } from "../qg/predicted/graph_arrays.ts";
import type { PackedQuantumIds } from "../qg/predicted/packed_quantum_ids.ts";
import type { ReadAhead } from "../storage/whole_files.ts";
import type { WorkerLogSetup } from "../storage/worker_log.ts";
import type { CopiedShare, CopyShare } from "./copy_share.ts";
import type { PackedRows } from "./scan/ingest_rows.ts";
import type { RemoteKnowledge } from "./scan/remote_knowledge.ts";
import type { RepositoryConfig } from "../butler/config/repository_config.ts";
import type { BlockRange } from "../qg/predicted/predicted_block.ts";
import type { ScanProblem } from "./scan/scan_problem.ts";

/** Quanta in one message: few enough to spread work, many enough that messages cost nothing. */
export const BATCH_SIZE = 64;
/** Messages that wait at each scanner, so that it never idles between two. */
export const BATCHES_PER_SCANNER = 2;

/** All that a scanner is given at the start. */
export interface ScannerSetup {
  kind: "setup";
  name: string;
  /** Where the worker logs what it does, if anywhere. */
  workerLog?: WorkerLogSetup | null;
  graphPath: string;
  repository: RepositoryConfig;
  universeText: string;
  dimensionRows: Map<string, JsonValue[][]>;
  index: GraphArrays;
  indexSeed: number;
  /** One byte a dataset of the graph: 1 if the registry has it already. Shared. */
  known: Uint8Array;
  /** Packed ids, ascending, of registered outputs that the index hasn't: `packages`. */
  knownOutside: Uint8Array;
  /** Chunks of an earlier run, null for none; both on shared memory. */
  reuse: Pick<LoadedChunkLog, "table" | "wasProduced"> | null;
  mockStorageClasses: boolean;
  isIncomplete: boolean;
  isWriting: boolean;
  promiseIngestGraph: boolean;
  readAhead: ReadAhead;
  /** Scanners at work in this process. */
  nScanners: number;
  zstdLevel: number;
  dictionary: Uint8Array;
  /** What is known of files in remote stores; null where there are none. */
  remote: RemoteKnowledge | null;
  /** Which rows of the table of quanta it makes; null if there is to be no table. */
  table: RowsShare | null;
}

/**
 * Asks a scanner to open a graph and to load what that takes, while nobody waits for it. What is wrong
 * with the graph is told when it is set up.
 */
interface ScannerPreparation {
  kind: "prepare";
  graphPath: string;
}

/**
 * What a scanner is asked to do; before it is set up, to read ids of the graph that it has opened, or the
 * chunk log of an earlier run.
 */
export type ScannerRequest =
  | ScannerPreparation
  | ScannerSetup
  | { kind: "ids" } & BlockRange
  | { kind: "chunkLog"; path: string; index: GraphArrays; indexSeed: number }
  /** Those of `behindUnreadable`, mostly none, are blocked if they left no files. */
  | { kind: "scan"; batch: number; quanta: Uint32Array; behindUnreadable: Uint32Array }
  | { kind: "blocked"; batch: number; quanta: Uint32Array }
  | { kind: "init"; batch: number }
  /** The stop flag is that of the writer. */
  | { kind: "copy"; share: CopyShare; stopFlag: Int32Array }
  | { kind: "end" };

/** Answer to a batch. */
export interface ScanResult {
  kind: "scanned";
  batch: number;
  quanta: Uint32Array;
  scanStatuses: Uint8Array;
  lastAttemptStatuses: Int8Array;
  /** Chunks for the chunk log; null if none is written. */
  chunks: Uint8Array<ArrayBuffer> | null;
  /** Quanta whose chunk of an earlier run holds. */
  reused: Uint32Array;
  /** Quanta whose metadata file is there and broken; mostly none. */
  unreadable: Uint32Array;
  rows: PackedRows | null;
  /** Existing outputs that the registry has already. */
  nKnown: number;
  problems: ScanProblem[];
  /** Blocked quanta that have files all the same. */
  nBlockedWithFiles: number;
  /** Whether there is any log or metadata file of these quanta, be it broken. */
  hasFiles: boolean;
  nFilesRead: number;
  nBytesRead: number;
  /** How long the batch took, and compression alone. */
  scanSeconds: number;
  compressSeconds: number;
}

/** What there is in a chunk log: null if it holds no sound header. */
export interface FoundChunkLog {
  log: LoadedChunkLog | null;
}

/** What a scanner answers. */
export type ScannerReply =
  | ScanResult
  /** Null if it couldn't read them: who asked does, and tells why. */
  | { kind: "ids"; ids: PackedQuantumIds | null }
  /** Null if it couldn't read it, as with ids. */
  | { kind: "chunkLog"; found: FoundChunkLog | null }
  /** Quanta of its share that have been copied so far. */
  | { kind: "copying"; nQuanta: number }
  /** Null: given up because of the stop flag. */
  | { kind: "copied"; copied: CopiedShare | null }
  | WorkerReply;

/** All that the writer is given at the start. */
export interface WriterSetup {
  kind: "setup";
  name: string;
  /** Where the worker logs what it does, if anywhere. */
  workerLog?: WorkerLogSetup | null;
  chunkLogPath: string;
  /** Where a chunk log is continued, or -1 to begin a new one. */
  resumeSize: number;
  /** Null where one is continued. */
  headerChunk: Uint8Array | null;
  index: GraphArrays;
  indexSeed: number;
  /** Which predicted graph the index is of. */
  contentKey: string;
  reuse: ChunkTable | null;
  /** Whether it will be asked to make a graph. */
  isWritingGraph: boolean;
  /** The table of quanta, whose rows the scanners make; null if there is to be none. */
  quantaTable: { layout: TableLayout; rows: TableRows } | null;
  /** Shared; its first element becomes 1 when a graph that is being finished is to be given up. */
  stopFlag: Int32Array;
}

/** A member of a graph that is written as it is. */
export interface GraphMember {
  name: string;
  bytes: Uint8Array;
}

/** What the writer is asked to do. */
export type WriterRequest =
  | WriterSetup
  | { kind: "append"; batch: number; chunks: Uint8Array<ArrayBuffer> | null; reused: Uint32Array }
  | { kind: "sync" }
  | {
    kind: "finish";
    outputPath: string;
    documents: readonly GraphMember[];
    intSize: number;
    /** Scanners, each of which copies a share. */
    nShares: number;
  }
  /** What has become of each share; null for one that was given up. */
  | { kind: "complete"; copied: readonly (CopiedShare | null)[] }
  | { kind: "publish"; keepChunks: boolean }
  | { kind: "end" };

/** What the writer answers. */
export type WriterReply =
  | { kind: "appended"; batch: number }
  | { kind: "synced" }
  | { kind: "progress"; text: string }
  /** What has to be copied into the graph that is being finished. */
  | { kind: "begun"; shares: readonly CopyShare[] }
  /** Null: given up because of the stop flag. */
  | { kind: "finished"; nBytes: number | null }
  | { kind: "published" }
  | WorkerReply;

/** All that the ingester is given at the start. */
export interface IngesterSetup {
  kind: "setup";
  name: string;
  /** Where the worker logs what it does, if anywhere. */
  workerLog?: WorkerLogSetup | null;
  graphPath: string;
  /** Decoded: the ingester needs nothing else of the graph, and no codec. */
  pipelineGraphText: Uint8Array;
  repository: RepositoryConfig;
  mockStorageClasses: boolean;
  run: string;
  outputChain: string | null;
  inputs: string[];
  registerDatasetTypes: boolean;
  batchSize: number;
  isDryRun: boolean;
  busyTimeoutMs: number | undefined;
  /** Shared; its first element becomes 1 when the run has failed, and nothing more may be committed. */
  failFlag: Int32Array;
}

/** What the ingester is asked to do. */
export type IngesterRequest =
  | IngesterSetup
  | { kind: "rows"; batch: number; rows: PackedRows }
  | { kind: "flush" }
  | { kind: "end" };

/** What the ingester answers. */
export type IngesterReply =
  | { kind: "taken"; batch: number }
  /** The repository is going to be changed. */
  | { kind: "changing" }
  | { kind: "committed"; nDatasets: number; seconds: number }
  | { kind: "progress"; text: string }
  | { kind: "flushed"; nIngested: number; nSkipped: number }
  | WorkerReply;

/** Roles of workers; names and numbers as in the reference, so that logs read alike. */
export type WorkerRole = "scanner" | "ingester" | "writer";

/** Makes workers; `main.ts` alone knows where their modules are. */
export type WorkerFactory = (role: WorkerRole) => Worker;

/** A scanner's setup without what is its own. */
export type CommonScannerSetup = Omit<ScannerSetup, "kind" | "name" | "table">;
