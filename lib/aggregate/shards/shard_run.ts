/**
 * The scanners of one shard at work.
 *
 * @module
 */

import type { WorkerFailedError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { Stage } from "../../base/progress.ts";
import { WorkerHandle } from "../../base/worker_handle.ts";
import type { ChunkLogWriter } from "../../chunks/writer.ts";
import { ScanStatus } from "../../provenance/quantum_status.ts";
import type { GraphIndex } from "../../qg/predicted/graph_index.ts";
import { failpoint } from "../../storage/failpoints.ts";
import type { ReadAhead } from "../../storage/whole_files.ts";
import {
  BATCH_SIZE,
  BATCHES_PER_SCANNER,
  type CommonScannerSetup,
  type ScannerReply,
  type ScannerRequest,
  type ScanResult,
} from "../messages.ts";
import type { AggregateContext } from "../options.ts";
import { countProblem, tellProblem } from "../problems.ts";
import type { CompressionOptions } from "../scan/compression.ts";
import type { ScanProblem } from "../scan/scan_problem.ts";

/** A share of the quanta: number `index`, from 0, of `count`. */
export interface Shard {
  index: number;
  count: number;
}

/** What `scan` is asked to do. */
export interface ScanShardOptions extends CompressionOptions {
  graphPath: string;
  repository: string;
  shard: Shard;
  /** Where the chunk log goes once it is complete. */
  chunkLogPath: string;
  nScanners: number;
  mockStorageClasses: boolean;
  /** When files are read ahead of the scan. */
  readAhead: ReadAhead;
  /** Whether a broken log or metadata file ends the scan. */
  isStrict: boolean;
  /** Whether there may be nothing at all of the run. */
  allowEmpty: boolean;
  /** Whether what earlier scans left under the name is used. */
  resume: boolean;
}

/** What a scan of a shard came to. */
export interface ScanShardSummary {
  outputRun: string;
  /** Quanta of the shard. */
  nQuanta: number;
  /** Those that succeeded: they have a chunk. */
  nSuccessful: number;
  /** Those of them whose chunk of an earlier scan holds. */
  nReused: number;
  nFilesRead: number;
  nBytesRead: number;
  nProblems: number;
  nBrokenFiles: number;
  problems: ScanProblem[];
  /** Bytes of the chunk log. */
  nChunkLogBytes: number;
  /** Whether another process had completed the same chunk log meanwhile; then that one stays. */
  wasOvertaken: boolean;
  seconds: number;
}

/** Numbers of a scan, also while it is going on. */
export type ShardCounts = Omit<ScanShardSummary, "outputRun" | "seconds">;

/** The scanners at work on one shard; the main thread appends what they send. */
export class ShardRun {
  readonly summary: ShardCounts;
  readonly #options: ScanShardOptions;
  readonly #nQuantaOfGraph: number;
  readonly #log: Log;
  readonly #scanners: WorkerHandle<ScannerRequest, ScannerReply>[] = [];
  readonly #scanned: PromiseWithResolvers<void> = Promise.withResolvers();
  #writer: ChunkLogWriter | null = null;
  #next: number;
  #nBatches = 0;
  #nOpen = 0;
  #nDone = 0;
  #isStopping = false;
  #hasFoundFiles = false;

  constructor(options: ScanShardOptions, index: GraphIndex, log: Log) {
    const { shard } = options;
    this.#options = options;
    this.#nQuantaOfGraph = index.nQuanta;
    this.#log = log;
    this.#next = shard.index;
    this.summary = {
      nQuanta: Math.max(0, Math.ceil((index.nQuanta - shard.index) / shard.count)),
      nSuccessful: 0,
      nReused: 0,
      nFilesRead: 0,
      nBytesRead: 0,
      nProblems: 0,
      nBrokenFiles: 0,
      problems: [],
      nChunkLogBytes: 0,
      wasOvertaken: false,
    };
  }

  /** Sends out nothing more; {@linkcode scan} ends as soon as what was sent out is back. */
  stop(): void {
    this.#isStopping = true;
    if (this.#nOpen === 0) this.#scanned.resolve();
  }

  /** Whether there was any log or metadata file, be it broken or known from an earlier scan. */
  get hasFoundFiles(): boolean {
    return this.#hasFoundFiles;
  }

  /** Scans everything and appends it to `writer`. */
  async scan(
    setup: CommonScannerSetup,
    writer: ChunkLogWriter,
    { makeWorker }: AggregateContext,
  ): Promise<void> {
    this.#writer = writer;
    const fail = (error: WorkerFailedError) => this.#scanned.reject(error);
    this.#scanned.promise.catch(() => {});
    try {
      for (let i = 0; i < this.#options.nScanners; i++) {
        const name = `scanner-${String(i).padStart(3, "0")}`;
        const scanner: WorkerHandle<ScannerRequest, ScannerReply> = new WorkerHandle(
          name,
          makeWorker("scanner"),
          (reply: ScannerReply) => this.#onReply(scanner, reply),
          fail,
        );
        scanner.send({ kind: "setup", name, table: null, ...setup });
        this.#scanners.push(scanner);
      }
      const ready = Promise.all(this.#scanners.map((scanner) => scanner.ready));
      await Promise.race([ready, this.#scanned.promise]);
      for (const scanner of this.#scanners) {
        for (let i = 0; i < BATCHES_PER_SCANNER; i++) this.#send(scanner);
      }
      if (this.#nOpen === 0) this.#scanned.resolve();
      await this.#scanned.promise;
    } finally {
      for (const scanner of this.#scanners) scanner.terminate();
    }
  }

  /** Quanta of a shard are `count` apart: so each gets its part of every task. */
  #send(scanner: WorkerHandle<ScannerRequest, ScannerReply>): void {
    const { count } = this.#options.shard;
    const n = Math.min(BATCH_SIZE, Math.ceil((this.#nQuantaOfGraph - this.#next) / count));
    if (this.#isStopping || n <= 0) return;
    const quanta = Uint32Array.from({ length: n }, (_, k) => this.#next + k * count);
    this.#next += n * count;
    this.#nOpen++;
    // Each is looked at for itself here.
    const behindUnreadable = new Uint32Array(0);
    scanner.send({ kind: "scan", batch: this.#nBatches++, quanta, behindUnreadable });
  }

  #onReply(scanner: WorkerHandle<ScannerRequest, ScannerReply>, reply: ScannerReply): void {
    if (reply.kind !== "scanned") return;
    try {
      this.#enter(reply);
    } catch (error) {
      this.#scanned.reject(error);
      return;
    }
    this.#nOpen--;
    this.#send(scanner);
    if (this.#nOpen === 0) this.#scanned.resolve();
  }

  #enter(result: ScanResult): void {
    const { summary } = this;
    if (result.chunks !== null) {
      failpoint("chunks.before-append");
      this.#writer!.append(result.chunks);
      failpoint("chunks.appended");
    }
    this.#nDone += result.quanta.length;
    this.#hasFoundFiles ||= result.hasFiles || result.reused.length > 0;
    summary.nReused += result.reused.length;
    summary.nFilesRead += result.nFilesRead;
    summary.nBytesRead += result.nBytesRead;
    for (const status of result.scanStatuses) {
      if (status === ScanStatus.SUCCESSFUL) summary.nSuccessful++;
    }
    for (const problem of result.problems) {
      countProblem(summary, problem);
      tellProblem(problem, this.#options.isStrict, this.#log);
    }
  }

  /** How far it is. */
  stage(): Stage {
    const { nQuanta: nTotal } = this.summary;
    const state = this.#scanners.length === 0
      ? "waiting"
      : this.#nDone === nTotal
      ? "done"
      : "running";
    const counts = { SUCCESSFUL: this.summary.nSuccessful };
    return { name: "scan", unit: "quanta", nDone: this.#nDone, nTotal, state, counts };
  }
}
