/**
 * Workers that load their modules while the main thread still reads the graph: they have little to do
 * until they get their set-up, and start-up is much of a short run.
 *
 * @module
 */

import type { WorkerFactory, WorkerRole } from "./messages.ts";

interface EarlyWorker {
  role: WorkerRole;
  worker: Worker;
  /** What happened before anybody listened. */
  failure: ErrorEvent | null;
  keep: (event: ErrorEvent) => void;
}

/** Workers made before their owner is; those that nobody took are ended. */
export class EarlyWorkers implements Disposable {
  readonly #makeWorker: WorkerFactory;
  #waiting: EarlyWorker[];

  /** @param roles One for each worker that is going to be taken. */
  constructor(makeWorker: WorkerFactory, roles: readonly WorkerRole[]) {
    this.#makeWorker = makeWorker;
    this.#waiting = roles.map((role) => {
      const early: EarlyWorker = {
        role,
        worker: makeWorker(role),
        failure: null,
        keep: (event) => {
          event.preventDefault();
          early.failure ??= event;
        },
      };
      early.worker.addEventListener("error", early.keep);
      return early;
    });
  }

  /** A worker of a role, a new one if none is waiting. Who takes it sets its handlers at once. */
  take(role: WorkerRole): Worker {
    const at = this.#waiting.findIndex((early) => early.role === role);
    if (at < 0) return this.#makeWorker(role);
    const [{ worker, failure, keep }] = this.#waiting.splice(at, 1);
    worker.removeEventListener("error", keep);
    if (failure !== null) queueMicrotask(() => worker.onerror?.(failure));
    return worker;
  }

  /** Workers of a role that nobody has taken yet. */
  waiting(role: WorkerRole): Worker[] {
    return this.#waiting.filter((early) => early.role === role).map(({ worker }) => worker);
  }

  /** Ends the workers that weren't taken. */
  [Symbol.dispose](): void {
    for (const { worker } of this.#waiting) worker.terminate();
    this.#waiting = [];
  }
}
