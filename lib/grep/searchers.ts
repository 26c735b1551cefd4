/**
 * The owner's end of the searching workers: hands batches out, gives their results back in order, and
 * ends a search whose pattern takes for ever on a record.
 *
 * @module
 */

import { UsageError } from "../base/errors.ts";
import { WorkerHandle } from "../base/worker_handle.ts";
import type { StoredLog } from "../sources/logs/log_store.ts";
import type {
  LogToSearch,
  SearchedLog,
  SearcherReply,
  SearcherRequest,
  SearcherSetup,
} from "./searcher.ts";

/** Makes a worker; `main.ts` alone knows where its module is. */
type SearcherFactory = (role: "searcher") => Worker;

/** Batches that a worker may have: one that it works on, one that waits for it. */
const MAX_AT_WORKER = 2;

/** Times that the watch looks at a record: counted, for a clock goes on while the process is stopped. */
const N_LOOKS = 5;

/** A batch that is on its way. */
interface Batch {
  logs: readonly StoredLog[];
  worker: number;
  found: SearchedLog[] | null;
}

/** One worker with what watches it. */
interface Searcher {
  handle: WorkerHandle<SearcherRequest, SearcherReply>;
  pulse: Int32Array;
  /** Batches that it has, the one that it works on first. */
  batches: number[];
  /** Records that it had looked at when the watch looked last, and how often it has seen no more. */
  nSeen: number;
  nStill: number;
}

/** How the workers are run. */
export interface SearchersOptions {
  setup: Omit<SearcherSetup, "pulse">;
  nWorkers: number;
  makeWorker: SearcherFactory;
  /** Longest time that a pattern may take on one record. */
  recordMs: number;
}

/** Searches batches of logs in workers. */
export class Searchers implements Disposable {
  readonly #searchers: Searcher[];
  readonly #options: SearchersOptions;
  readonly #batches = new Map<number, Batch>();
  readonly #watch: ReturnType<typeof setInterval>;
  #nGiven = 0;
  #nTaken = 0;
  #failure: unknown = null;
  #wake: () => void = () => {};

  constructor(options: SearchersOptions) {
    this.#options = options;
    this.#searchers = Array.from({ length: options.nWorkers }, (_, i) => this.#start(i));
    this.#watch = setInterval(() => this.#look(), options.recordMs / N_LOOKS);
  }

  #start(i: number): Searcher {
    const { makeWorker, setup } = this.#options;
    const handle = new WorkerHandle<SearcherRequest, SearcherReply>(
      "searcher",
      makeWorker("searcher"),
      (reply) => this.#receive(i, reply),
      (error) => this.#fail(error),
    );
    const pulse = new Int32Array(new SharedArrayBuffer(8));
    pulse[1] = -1;
    handle.send({ kind: "setup", setup: { ...setup, pulse } });
    return { handle, pulse, batches: [], nSeen: 0, nStill: 0 };
  }

  /** How many batches may be given before one is taken. */
  get hasRoom(): boolean {
    return this.#batches.size < MAX_AT_WORKER * this.#searchers.length;
  }

  /** Whether some are to be taken still. */
  get isBusy(): boolean {
    return this.#batches.size > 0;
  }

  /** Gives a batch to the worker that has least to do. @param texts Of logs that are read already. */
  give(logs: readonly StoredLog[], texts: readonly (Uint8Array | null)[]): void {
    const n = this.#nGiven++;
    const worker = this.#searchers.reduce(
      (best, { batches }, i) => batches.length < this.#searchers[best].batches.length ? i : best,
      0,
    );
    const { handle, batches } = this.#searchers[worker];
    batches.push(n);
    this.#batches.set(n, { logs, worker, found: null });
    const toSearch = logs.map(({ place }, i): LogToSearch => ({ place, text: texts[i] }));
    handle.send({ kind: "search", batch: n, logs: toSearch });
  }

  /** The results of the earliest batch. @throws {UsageError} if the pattern takes for ever. */
  async take(): Promise<{ logs: readonly StoredLog[]; found: SearchedLog[] }> {
    const n = this.#nTaken++;
    const batch = this.#batches.get(n)!;
    while (this.#failure === null && batch.found === null) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    if (this.#failure !== null) throw this.#failure;
    this.#batches.delete(n);
    return { logs: batch.logs, found: batch.found! };
  }

  #receive(worker: number, { batch, logs }: SearcherReply): void {
    this.#searchers[worker].batches.shift();
    this.#batches.get(batch)!.found = logs;
    this.#wake();
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#wake();
  }

  /** Nothing can be told to a thread that is lost in a pattern: it is ended from here. */
  #look(): void {
    const { recordMs, setup } = this.#options;
    for (const searcher of this.#searchers) {
      const nSeen = Atomics.load(searcher.pulse, 0);
      const position = Atomics.load(searcher.pulse, 1);
      if (nSeen !== searcher.nSeen || position < 0) {
        searcher.nSeen = nSeen;
        searcher.nStill = 0;
        continue;
      }
      if (++searcher.nStill < N_LOOKS) continue;
      const log = this.#batches.get(searcher.batches[0])?.logs[position];
      this[Symbol.dispose]();
      return this.#fail(
        new UsageError(
          `Cannot search for "${setup.options.source}": it takes more than ${
            recordMs / 1000
          } s for one ` +
            `record of the log of ${log?.quantumId ?? log?.owner?.label ?? "a quantum"}`,
          {
            hint:
              "a pattern that repeats what repeats, such as (a+)+, takes for ever where it does not " +
              "fit; --fixed-strings looks for the text as it is",
          },
        ),
      );
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#watch);
    for (const { handle } of this.#searchers) handle.terminate();
  }
}
