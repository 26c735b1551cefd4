/**
 * The ingesting thread's end of the deleters: at most two batches wait, so that deletes keep pace.
 *
 * @module
 */

import { WorkerHandle } from "../base/worker_handle.ts";
import type { DeleterReply, DeleterRequest } from "./deleter.ts";

/** Makes the worker; `main.ts` alone knows where its module is. */
export type DeleterFactory = (role: "deleter") => Worker;

/**
 * Workers that delete. Handing a file to the system and hearing of it takes one of them nearly as long as
 * its deletion, so that two are a sixth faster for the whole command; more find no processor.
 */
export const N_WORKERS = 2;
/** Batches that may wait; each is shared by all workers. */
const MAX_WAITING = 2;

/** Sends batches of paths to the deleters. */
export class DeleterClient implements Disposable {
  readonly #workers: readonly WorkerHandle<DeleterRequest, DeleterReply>[];
  /** Shares of batches. */
  #nWaiting = 0;
  #nBatches = 0;
  #nDeleted = 0;
  #seconds = 0;
  readonly #newer: string[] = [];
  #failure: unknown = null;
  #wake: () => void = () => {};

  private constructor(workers: readonly Worker[]) {
    this.#workers = workers.map((worker) =>
      new WorkerHandle(
        "deleter",
        worker,
        (reply: DeleterReply) => this.#receive(reply),
        (error) => {
          this.#failure ??= error;
          this.#wake();
        },
      )
    );
  }

  /** Starts the workers: early, as they load their modules while this thread has other things to do. */
  static start(makeWorker: DeleterFactory): DeleterClient {
    return new DeleterClient(Array.from({ length: N_WORKERS }, () => makeWorker("deleter")));
  }

  /** Says what may be deleted, see `Deleter`; before anything is. */
  setUp(root: string, newestMs: number): void {
    this.#workers.forEach((worker, i) =>
      worker.send({ kind: "setup", root, newestMs, isFirst: i === 0 })
    );
  }

  #receive(reply: DeleterReply): void {
    if (reply.kind !== "deleted") return;
    this.#nWaiting--;
    this.#nDeleted += reply.nDeleted;
    this.#seconds += reply.seconds;
    for (const path of reply.newer) this.#newer.push(path);
    this.#wake();
  }

  async #until(condition: () => boolean): Promise<void> {
    while (this.#failure === null && !condition()) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    if (this.#failure !== null) throw this.#failure;
  }

  /**
   * Has files deleted; returns as soon as few enough batches wait.
   *
   * @throws {EnvironmentError} if an earlier batch failed.
   */
  async delete(paths: string[]): Promise<void> {
    await this.#until(() => this.#nWaiting <= (MAX_WAITING - 1) * N_WORKERS);
    const batch = this.#nBatches++;
    const size = Math.ceil(paths.length / N_WORKERS);
    this.#workers.forEach((worker, i) => {
      this.#nWaiting++;
      worker.send({ kind: "delete", batch, paths: paths.slice(i * size, (i + 1) * size) });
    });
  }

  /** Waits for all batches. `seconds`: how long workers were busy with them, all together. */
  async finish(): Promise<{ nDeleted: number; newer: string[]; seconds: number }> {
    await this.#until(() => this.#nWaiting === 0);
    return { nDeleted: this.#nDeleted, newer: this.#newer, seconds: this.#seconds };
  }

  /** Files deleted so far. */
  get nDeleted(): number {
    return this.#nDeleted;
  }

  /** Batches that wait, and how many may. */
  get queue(): { size: number; limit: number } {
    return { size: Math.ceil(this.#nWaiting / N_WORKERS), limit: MAX_WAITING };
  }

  [Symbol.dispose](): void {
    for (const worker of this.#workers) worker.terminate();
  }
}
