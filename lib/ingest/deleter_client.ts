/**
 * The ingesting thread's end of the deleter: at most two batches wait, so that deletes keep pace.
 *
 * @module
 */

import { WorkerHandle } from "../base/worker_handle.ts";
import type { DeleterReply, DeleterRequest } from "./deleter.ts";

/** Makes the worker; `main.ts` alone knows where its module is. */
export type DeleterFactory = (role: "deleter") => Worker;

/** Batches that may wait at the worker. */
const MAX_WAITING = 2;

/** Sends batches of paths to the deleter. */
export class DeleterClient implements Disposable {
  readonly #worker: WorkerHandle<DeleterRequest, DeleterReply>;
  #nWaiting = 0;
  #nBatches = 0;
  #nDeleted = 0;
  #seconds = 0;
  readonly #newer: string[] = [];
  #failure: unknown = null;
  #wake: () => void = () => {};

  private constructor(worker: Worker) {
    this.#worker = new WorkerHandle(
      "deleter",
      worker,
      (reply: DeleterReply) => this.#receive(reply),
      (error) => {
        this.#failure ??= error;
        this.#wake();
      },
    );
  }

  /** Starts the worker. */
  static start(makeWorker: DeleterFactory, root: string, newestMs: number): DeleterClient {
    const client = new DeleterClient(makeWorker("deleter"));
    client.#worker.send({ kind: "setup", root, newestMs });
    return client;
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
    await this.#until(() => this.#nWaiting < MAX_WAITING);
    this.#nWaiting++;
    this.#worker.send({ kind: "delete", batch: this.#nBatches++, paths });
  }

  /** Waits for all batches. `seconds`: how long the worker was busy with them. */
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
    return { size: this.#nWaiting, limit: MAX_WAITING };
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}
