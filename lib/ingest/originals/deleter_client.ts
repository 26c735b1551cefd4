/**
 * The ingesting thread's end of the deleters: at most two batches wait, so that deletes keep pace.
 *
 * @module
 */

import { WorkerHandle } from "../../base/worker_handle.ts";
import { UUID_SIZE } from "../../base/uuid.ts";
import type { DeleterFactory } from "./deleter_factory.ts";
import { FILE_PROOF_SIZE } from "../../provenance/originals/proof_sizes.ts";
import type {
  DeleterReply,
  DeleterRequest,
  DeleterSetup,
  Deletion,
  KeptFile,
  Originals,
} from "./deleter_messages.ts";

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
  readonly #kept: KeptFile[] = [];
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

  /** One without workers, where no datastore is on a disk. */
  static none(): DeleterClient {
    return new DeleterClient([]);
  }

  /** Says what may be deleted, see `Deleter`; before anything is. */
  setUp(setup: DeleterSetup): void {
    this.#workers.forEach((worker, i) => worker.send({ kind: "setup", setup, isFirst: i === 0 }));
  }

  #receive(reply: DeleterReply): void {
    if (reply.kind !== "deleted") return;
    this.#nWaiting--;
    this.#nDeleted += reply.nDeleted;
    this.#seconds += reply.seconds;
    for (const file of reply.kept) this.#kept.push(file);
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
  async delete(originals: Originals): Promise<void> {
    await this.#until(() => this.#nWaiting <= (MAX_WAITING - 1) * N_WORKERS);
    const batch = this.#nBatches++;
    const size = Math.ceil(originals.paths.length / N_WORKERS);
    this.#workers.forEach((worker, i) => {
      this.#nWaiting++;
      const share = shareOf(originals, i * size, (i + 1) * size);
      worker.send({ kind: "delete", batch, originals: share });
    });
  }

  /** Waits for all batches. `seconds`: how long workers were busy with them, all together. */
  async finish(): Promise<Pick<Deletion, "nDeleted" | "kept" | "seconds">> {
    await this.#until(() => this.#nWaiting === 0);
    return { nDeleted: this.#nDeleted, kept: this.#kept, seconds: this.#seconds };
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

/** Some of many, copied: what is sent to a worker takes its whole buffer with it. */
function shareOf(originals: Originals, start: number, end: number): Originals {
  return {
    paths: originals.paths.slice(start, end),
    root: originals.root,
    typeIndex: originals.typeIndex.slice(start, end),
    ids: originals.ids.slice(start * UUID_SIZE, end * UUID_SIZE),
    proofs: originals.proofs.slice(start * FILE_PROOF_SIZE, end * FILE_PROOF_SIZE),
  };
}
