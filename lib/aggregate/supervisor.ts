/**
 * The main thread of an aggregation: hands out quanta as the graph allows, passes results on to writer
 * and ingester, and never lets more wait than fits in memory.
 *
 * @module
 */

import type { WorkerFailedError } from "../base/errors.ts";
import type { Stage } from "../base/progress.ts";
import { WorkerHandle } from "../base/worker_handle.ts";
import { AttemptStatus, attemptStatusName, ScanStatus } from "../provenance/quantum_status.ts";
import type { GraphIndex } from "../qg/predicted/graph_index.ts";
import { WorkerLog, type WorkerLogSetup } from "../storage/worker_log.ts";
import type { AggregateCounts } from "./counts.ts";
import { GraphWalker } from "./graph_walker.ts";
import {
  BATCH_SIZE,
  BATCHES_PER_SCANNER,
  type GraphMember,
  type IngesterReply,
  type IngesterRequest,
  type IngesterSetup,
  type ScannerReply,
  type ScannerRequest,
  type ScannerSetup,
  type ScanResult,
  type WorkerFactory,
  type WriterReply,
  type WriterRequest,
  type WriterSetup,
} from "./messages.ts";
import { countProblem } from "./problems.ts";
import type { ScanProblem } from "./scan/scan_problem.ts";
import { aggregateStages } from "./stages.ts";

/** Bytes that may wait at the writer. */
const MAX_WRITER_BYTES = 64 * 2 ** 20;
/** Rows that may wait at the ingester, in messages not yet taken; about half a kilobyte each. */
const MAX_INGESTER_ROWS = 40_000;
/** How long a failed run waits for ingester and writer to end what is in hand. */
const PATIENCE_MS = 3000;

/** What the supervisor needs to know. */
interface SupervisorSetup {
  index: GraphIndex;
  makeWorker: WorkerFactory;
  nScanners: number;
  scanner: Omit<ScannerSetup, "kind" | "name" | "table">;
  /** Null if no chunk log is written. */
  writer: Omit<WriterSetup, "kind" | "name" | "stopFlag"> | null;
  ingester: Omit<IngesterSetup, "kind" | "name" | "failFlag">;
  /** Whether blocked quanta get blocks: only a finished graph has them. */
  isWritingGraph: boolean;
  workerLogs: WorkerLogSetup | null;
  /** Told of everything worth a log line. */
  progress: (level: "INFO" | "VERBOSE", text: string) => void;
  /** Called with each problem as it is found; may throw to stop the run. */
  onProblem: (problem: ScanProblem) => void;
}

type ScannerHandle = WorkerHandle<ScannerRequest, ScannerReply>;

/** One run of the workers. */
export class Supervisor {
  readonly #setup: SupervisorSetup;
  readonly #walker: GraphWalker;
  readonly counts: AggregateCounts;
  readonly #scanners: ScannerHandle[] = [];
  readonly #nInFlight: number[] = [];
  #writer: WorkerHandle<WriterRequest, WriterReply> | null = null;
  #ingester: WorkerHandle<IngesterRequest, IngesterReply> | null = null;
  readonly #failure: PromiseWithResolvers<never> = Promise.withResolvers();
  readonly #scanned: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly #stopFlag = new Int32Array(new SharedArrayBuffer(4));
  readonly #failFlag = new Int32Array(new SharedArrayBuffer(4));
  #hasChanged = false;
  #hasFoundFiles = false;
  #shutDown: Promise<void> | null = null;
  #blocked: number[] = [];
  /** Blocked quanta whose blocks are yet to be made. */
  #nBlockedLeft = 0;
  #isInitSent = false;
  #isIngesterReady = false;
  /** Results that wait for the ingester, a few from each scanner. */
  readonly #held: [scanner: number, result: ScanResult][] = [];
  #isStopping = false;
  #nBatches = 0;
  #nOpenBatches = 0;
  readonly #writerBytes = new Map<number, number>();
  #nWriterBytes = 0;
  readonly #ingesterRows = new Map<number, number>();
  #nIngesterRows = 0;
  #nBytesAppended = 0;
  #nRowsSent = 0;
  #nRowsCommitted = 0;
  /** Of each scanner that copies: the quanta of its share that are done. */
  readonly #nCopied: number[] = [];
  #isScanned = false;
  #isFlushed = false;
  #log: WorkerLog = WorkerLog.open(null, "supervisor");
  #finishing: "waiting" | "running" | "done" = "waiting";

  constructor(setup: SupervisorSetup) {
    this.#setup = setup;
    this.#walker = new GraphWalker(setup.index);
    this.counts = {
      nQuanta: setup.index.nQuanta,
      nScanned: 0,
      nByStatus: {},
      nBlocked: 0,
      nAbandoned: 0,
      nReused: 0,
      nBlockedWithFiles: 0,
      nUnreadable: 0,
      nBehindUnreadable: 0,
      nIngested: 0,
      nKnown: 0,
      nFilesRead: 0,
      nBytesRead: 0,
      nProblems: 0,
      nBrokenFiles: 0,
      problems: [],
      nGraphBytes: 0,
      workSeconds: { scan: 0, compress: 0, ingest: 0 },
    };
    this.#failure.promise.catch(() => {});
  }

  /**
   * Starts the workers. The scanners begin at once, as looking at files changes nothing; what they find
   * waits until the ingester is ready, and so does this call.
   */
  async start(): Promise<void> {
    const { makeWorker, nScanners, scanner, writer, ingester } = this.#setup;
    const workerLog = this.#setup.workerLogs;
    this.#log = WorkerLog.open(workerLog, "supervisor");
    const fail = (error: WorkerFailedError) => {
      this.#log.log("CRITICAL", error.message);
      this.#failure.reject(error);
    };
    this.#ingester = new WorkerHandle(
      "ingester",
      makeWorker("ingester"),
      (reply: IngesterReply) => this.#onIngester(reply),
      fail,
    );
    this.#ingester.send({
      kind: "setup",
      name: "ingester",
      workerLog,
      failFlag: this.#failFlag,
      ...ingester,
    });
    for (let i = 0; i < nScanners; i++) {
      const name = `scanner-${String(i).padStart(3, "0")}`;
      const handle: ScannerHandle = new WorkerHandle(
        name,
        makeWorker("scanner"),
        (reply: ScannerReply) => this.#onScanner(i, reply),
        fail,
      );
      const rows = writer?.quantaTable?.rows;
      const table = rows === undefined ? null : { rows, number: i + 1 };
      handle.send({ kind: "setup", name, workerLog, table, ...scanner });
      this.#scanners.push(handle);
      this.#nInFlight.push(0);
    }
    this.#dispatch();
    // Nothing is appended before the ingester has found the registry fit for it.
    await this.#unlessFailed(this.#ingester.ready);
    if (writer !== null) {
      this.#writer = new WorkerHandle(
        "writer",
        makeWorker("writer"),
        (reply: WriterReply) => this.#onWriter(reply),
        fail,
      );
      this.#writer.send({
        kind: "setup",
        name: "writer",
        workerLog,
        stopFlag: this.#stopFlag,
        ...writer,
      });
    }
    this.#log.log("INFO", `Started ${nScanners} scanners.`);
    this.#isIngesterReady = true;
    for (const [i, result] of this.#held.splice(0)) this.#onScanned(i, result);
  }

  #unlessFailed<T>(promise: Promise<T>): Promise<T> {
    return Promise.race([promise, this.#failure.promise]);
  }

  /**
   * Sends out nothing more; {@linkcode scan} ends as soon as what was sent out is back, and a graph that
   * is being finished is given up.
   */
  stop(): void {
    this.#isStopping = true;
    Atomics.store(this.#stopFlag, 0, 1);
    if (this.#nOpenBatches === 0) this.#scanned.resolve();
  }

  /** Scans everything that the graph allows, and waits for the answers. */
  async scan(): Promise<void> {
    this.#dispatch();
    await this.#unlessFailed(this.#scanned.promise);
    // Else they are needed once more, to copy what they made.
    if (!this.#setup.isWritingGraph) await this.#endScanners();
    this.#isScanned = true;
    this.#log.log("INFO", `Scanned ${this.counts.nScanned} of ${this.counts.nQuanta} quanta.`);
  }

  async #endScanners(): Promise<void> {
    for (const scanner of this.#scanners) scanner.send({ kind: "end" });
    await this.#unlessFailed(Promise.all(this.#scanners.map((scanner) => scanner.ended)));
  }

  /** Waits until everything found is registered. */
  async flushIngester(): Promise<void> {
    const flushed = await this.#unlessFailed(this.#ingester!.ask({ kind: "flush" }, "flushed"));
    this.counts.nIngested = flushed.nIngested;
    this.counts.nKnown += flushed.nSkipped;
    this.#isFlushed = true;
    this.#ingester!.send({ kind: "end" });
    await this.#unlessFailed(this.#ingester!.ended);
  }

  /**
   * Makes the graph of the chunk log, without its final name. After {@linkcode stop} there may be none.
   */
  async finishGraph(
    outputPath: string,
    documents: readonly GraphMember[],
    intSize: number,
  ): Promise<void> {
    this.#finishing = "running";
    const nShares = this.#scanners.length;
    const { shares } = await this.#unlessFailed(
      this.#writer!.ask(
        { kind: "finish", outputPath, documents, intSize, nShares },
        "begun",
      ),
    );
    this.#setup.progress("VERBOSE", "Copying blocks into the provenance graph.");
    this.#nCopied.push(...shares.map(() => 0));
    const replies = await this.#unlessFailed(
      Promise.all(
        shares.map((share, i) =>
          this.#scanners[i].ask({ kind: "copy", share, stopFlag: this.#stopFlag }, "copied")
        ),
      ),
    );
    await this.#endScanners();
    const copied = replies.map((reply) => reply.copied);
    const written = await this.#unlessFailed(
      this.#writer!.ask({ kind: "complete", copied }, "finished"),
    );
    this.counts.nGraphBytes = written.nBytes ?? 0;
  }

  /** Gives the graph that was made its final name. */
  async publishGraph(keepChunks: boolean): Promise<void> {
    await this.#unlessFailed(this.#writer!.ask({ kind: "publish", keepChunks }, "published"));
    await this.#endWriter();
    this.#finishing = "done";
  }

  /** Puts the chunk log on the disk and leaves it for a later run. */
  async keepChunkLog(): Promise<void> {
    if (this.#writer === null) return;
    await this.#unlessFailed(this.#writer.ask({ kind: "sync" }, "synced"));
    await this.#endWriter();
  }

  async #endWriter(): Promise<void> {
    this.#writer!.send({ kind: "end" });
    await this.#unlessFailed(this.#writer!.ended);
  }

  /**
   * Ends all workers, whatever they do. Ingester and writer get a moment to end what is in hand: one may be
   * within a transaction, which the next reader of the database would have to roll back; the other may be
   * about to create the graph, which would then come after the tidying up.
   */
  shutDown(): Promise<void> {
    return this.#shutDown ??= this.#endAll();
  }

  async #endAll(): Promise<void> {
    for (const scanner of this.#scanners) scanner.terminate();
    Atomics.store(this.#stopFlag, 0, 1);
    Atomics.store(this.#failFlag, 0, 1);
    const ending = [this.#ingester, this.#writer].filter((worker) => worker !== null);
    for (const worker of ending) worker.send({ kind: "end" });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const patience = new Promise<void>((resolve) => timer = setTimeout(resolve, PATIENCE_MS));
    await Promise.race([Promise.allSettled(ending.map((worker) => worker.ended)), patience]);
    clearTimeout(timer);
    for (const worker of ending) worker.terminate();
    this.#log[Symbol.dispose]();
  }

  /** Sends out work while there is some and nobody downstream is behind. */
  #dispatch(): void {
    if (this.#isStopping) {
      if (this.#nOpenBatches === 0) this.#scanned.resolve();
      return;
    }
    while (this.#nWriterBytes < MAX_WRITER_BYTES && this.#nIngesterRows < MAX_INGESTER_ROWS) {
      let least = 0;
      for (let i = 1; i < this.#scanners.length; i++) {
        if (this.#nInFlight[i] < this.#nInFlight[least]) least = i;
      }
      if (this.#nInFlight[least] >= BATCHES_PER_SCANNER) return;
      const request = this.#nextRequest();
      if (request === null) break;
      this.#nInFlight[least]++;
      this.#nOpenBatches++;
      this.#scanners[least].send(request);
    }
    const isIdle = this.#nOpenBatches === 0 && this.#walker.nReady === 0 &&
      this.#blocked.length === 0;
    if (isIdle && this.#walker.isDone && this.#isInitSent) this.#scanned.resolve();
  }

  #nextRequest(): ScannerRequest | null {
    const batch = this.#nBatches++;
    if (!this.#isInitSent) {
      this.#isInitSent = true;
      return { kind: "init", batch };
    }
    const share = (n: number) =>
      Math.max(1, Math.min(BATCH_SIZE, Math.ceil(n / (this.#scanners.length * 2))));
    if (this.#walker.nReady > 0) {
      const quanta = this.#walker.take(share(this.#walker.nReady));
      const behindUnreadable = quanta.filter((q) => this.#walker.isBehindUnreadable(q));
      return { kind: "scan", batch, quanta, behindUnreadable };
    }
    if (this.#blocked.length > 0) {
      const quanta = Uint32Array.from(this.#blocked.splice(-share(this.#blocked.length)));
      return { kind: "blocked", batch, quanta };
    }
    return null;
  }

  #onScanner(i: number, reply: ScannerReply): void {
    switch (reply.kind) {
      case "scanned":
        this.#onScanned(i, reply);
        break;
      case "copying":
        this.#nCopied[i] = reply.nQuanta;
    }
  }

  #onScanned(i: number, reply: ScanResult): void {
    if (!this.#isIngesterReady) {
      this.#held.push([i, reply]);
      return;
    }
    try {
      this.#onResult(i, reply);
    } catch (error) {
      this.#failure.reject(error);
    }
  }

  #onResult(i: number, result: ScanResult): void {
    const { counts } = this;
    this.#nInFlight[i]--;
    this.#nOpenBatches--;
    counts.nReused += result.reused.length;
    counts.nKnown += result.nKnown;
    counts.nBlockedWithFiles += result.nBlockedWithFiles;
    counts.nFilesRead += result.nFilesRead;
    counts.nBytesRead += result.nBytesRead;
    counts.workSeconds.scan += result.scanSeconds;
    counts.workSeconds.compress += result.compressSeconds;
    this.#hasFoundFiles ||= result.hasFiles || result.reused.length > 0;
    for (const problem of result.problems) this.addProblem(problem);
    result.quanta.forEach((q, k) => {
      const status = result.scanStatuses[k] as ScanStatus;
      // Its block was made because of what happened upstream, which is counted already.
      if (status === ScanStatus.BLOCKED && !this.#walker.isOut(q)) this.#nBlockedLeft--;
      else this.#settle(q, status, result.lastAttemptStatuses[k], result.unreadable.includes(q));
    });
    if (this.#writer !== null && (result.chunks !== null || result.reused.length > 0)) {
      const size = result.chunks?.length ?? 0;
      this.#writerBytes.set(result.batch, size);
      this.#nWriterBytes += size;
      this.#writer.send(
        { kind: "append", batch: result.batch, chunks: result.chunks, reused: result.reused },
        result.chunks === null ? [] : [result.chunks.buffer],
      );
    }
    if (result.rows !== null) {
      const { rows, batch } = result;
      this.#ingesterRows.set(batch, rows.n);
      this.#nIngesterRows += rows.n;
      this.#nRowsSent += rows.n;
      this.#ingester!.send({ kind: "rows", batch, rows }, [rows.bytes.buffer]);
    }
    this.#dispatch();
  }

  /** Counts a quantum that was scanned, and lets go or blocks what follows it. */
  #settle(q: number, status: ScanStatus, last: number, isUnreadable: boolean): void {
    const { counts } = this;
    counts.nScanned++;
    if (this.#log.isEnabled("DEBUG")) {
      const what = status === ScanStatus.SUCCESSFUL ? "succeeded" : "did not succeed";
      this.#log.log("DEBUG", `Quantum ${this.#setup.index.quantumIdText(q)} ${what}.`);
    }
    if (status === ScanStatus.ABANDONED) counts.nAbandoned++;
    else if (status === ScanStatus.BLOCKED) counts.nBlocked++;
    else {
      counts.nByStatus[last] = (counts.nByStatus[last] ?? 0) + 1;
      if (this.#walker.isBehindUnreadable(q)) counts.nBehindUnreadable++;
    }
    if (isUnreadable) {
      counts.nUnreadable++;
      this.#walker.reportUnreadable(q, status);
      return;
    }
    this.#walker.report(q, status, (blocked) => {
      if (status === ScanStatus.ABANDONED) return;
      counts.nBlocked++;
      if (!this.#setup.isWritingGraph) return;
      this.#blocked.push(blocked);
      this.#nBlockedLeft++;
    });
  }

  /** Whether there was any log or metadata file, be it broken or known from an earlier run. */
  get hasFoundFiles(): boolean {
    return this.#hasFoundFiles;
  }

  /** Counts and tells what is wrong with a file that no scanner has read. */
  addProblem(problem: ScanProblem): void {
    countProblem(this.counts, problem);
    this.#setup.onProblem(problem);
  }

  /** What has been changed in the repository, as sentences; after {@linkcode shutDown} it is all. */
  get changes(): string[] {
    return this.#hasChanged ? [`${this.#nRowsCommitted} datasets are registered`] : [];
  }

  #onWriter(reply: WriterReply): void {
    switch (reply.kind) {
      case "appended":
        this.#nWriterBytes -= this.#writerBytes.get(reply.batch) ?? 0;
        this.#nBytesAppended += this.#writerBytes.get(reply.batch) ?? 0;
        this.#writerBytes.delete(reply.batch);
        this.#dispatch();
        break;
      case "progress":
        this.#setup.progress("VERBOSE", reply.text);
    }
  }

  #onIngester(reply: IngesterReply): void {
    switch (reply.kind) {
      case "taken":
        this.#nIngesterRows -= this.#ingesterRows.get(reply.batch) ?? 0;
        this.#ingesterRows.delete(reply.batch);
        this.#dispatch();
        break;
      case "changing":
        this.#hasChanged = true;
        break;
      case "committed":
        this.counts.workSeconds.ingest += reply.seconds;
        this.#nRowsCommitted += reply.nDatasets;
        this.#setup.progress(
          "VERBOSE",
          `Ingested a batch of ${reply.nDatasets} dataset(s) in ${reply.seconds.toFixed(2)}s.`,
        );
        break;
      case "progress":
        this.#setup.progress("INFO", reply.text);
    }
  }

  /** What the workers are at. */
  stages(): Stage[] {
    const { nQuanta } = this.counts;
    const state = this.#finishing;
    return aggregateStages({
      isBegun: this.#scanners.length > 0,
      nQuanta,
      nDone: this.#walker.nDone - this.#nBlockedLeft,
      isScanned: this.#isScanned,
      nByStatus: quantaByStatus(this.counts),
      writer: this.#writer && {
        nBytesDone: this.#nBytesAppended,
        nBytesWaiting: this.#nWriterBytes,
        limitBytes: MAX_WRITER_BYTES,
      },
      ingester: {
        nRowsDone: this.#nRowsCommitted,
        nRowsSent: this.#nRowsSent,
        nRowsWaiting: this.#nIngesterRows,
        limitRows: MAX_INGESTER_ROWS,
        isFlushed: this.#isFlushed,
      },
      finish: this.#setup.isWritingGraph
        ? {
          state,
          nQuantaDone: state === "done" ? nQuanta : this.#nCopied.reduce((sum, n) => sum + n, 0),
        }
        : null,
    });
  }
}

/** Quanta by the names of their statuses, as far as they are known. */
function quantaByStatus(
  { nByStatus, nBlocked, nAbandoned }: AggregateCounts,
): Record<string, number> {
  const named: Record<string, number> = {};
  for (const [status, n] of Object.entries(nByStatus)) named[attemptStatusName(Number(status))] = n;
  if (nBlocked > 0) named[attemptStatusName(AttemptStatus.BLOCKED)] = nBlocked;
  if (nAbandoned > 0) named.ABANDONED = nAbandoned;
  return named;
}
