/**
 * Workers in the test's own thread: the same loops, and messages that are copied as between threads. It
 * spares what a thread needs to start, to load its modules and to become fast again, which is nearly all
 * of what a small run costs. Tests of what a thread is (its end, its death, two at once) start threads.
 *
 * @module
 */

import type { WorkerScope } from "../../lib/base/worker_loop.ts";
import type { CliContext } from "../../lib/cli/context.ts";
import { serveDeleter } from "../../workers/loops/deleter.ts";
import { serveIngester } from "../../workers/loops/ingester.ts";
import { serveScanner } from "../../workers/loops/scanner.ts";
import { serveSearcher } from "../../workers/loops/searcher.ts";
import { serveWriter } from "../../workers/loops/writer.ts";

/** What a worker is for. */
type WorkerRole = Parameters<CliContext["makeWorker"]>[0];

const LOOPS: Record<WorkerRole, (scope: WorkerScope) => void> = {
  deleter: (scope) => serveDeleter(scope, () => {}),
  ingester: serveIngester,
  scanner: serveScanner,
  searcher: serveSearcher,
  writer: serveWriter,
};

/** Messages that are being dealt with, of all workers here. */
const atWork = new Set<Promise<void>>();

/** Settles when no worker that was terminated does anything any more; a thread would end at once. */
export async function workersAtRest(): Promise<void> {
  while (atWork.size > 0) await Promise.all(atWork);
}

/** Looks like a worker to its owner. */
class WorkerHere extends EventTarget {
  onmessage: ((event: MessageEvent) => void) | null = null;
  onmessageerror: (() => void) | null = null;
  onerror: (() => void) | null = null;
  readonly #scope: WorkerScope;
  readonly #waiting: unknown[] = [];
  #lifeline: MessagePort | null = null;
  #isBusy = false;
  #isTerminated = false;

  constructor(role: WorkerRole) {
    super();
    this.#scope = {
      onmessage: null,
      postMessage: (message, transfer) => {
        const data = structuredClone(message, { transfer });
        queueMicrotask(() => {
          if (!this.#isTerminated) this.#hear(new MessageEvent("message", { data }));
        });
      },
    };
    LOOPS[role](this.#scope);
  }

  postMessage(message: { kind: string; port?: MessagePort }, transfer: Transferable[] = []): void {
    if (message.kind === "lifeline") {
      // Whoever has a thread of its own doesn't die alone; the owner closes the other end.
      this.#lifeline = message.port!;
      return;
    }
    this.#waiting.push(structuredClone(message, { transfer }));
    if (this.#isBusy) return;
    this.#isBusy = true;
    const work = Promise.resolve().then(() => this.#serve()).finally(() => atWork.delete(work));
    atWork.add(work);
  }

  async #serve(): Promise<void> {
    while (this.#waiting.length > 0 && !this.#isTerminated) {
      await this.#scope.onmessage!(new MessageEvent("message", { data: this.#waiting.shift() }));
    }
    this.#isBusy = false;
  }

  #hear(event: MessageEvent): void {
    this.onmessage?.(event);
    this.dispatchEvent(event);
  }

  terminate(): void {
    this.#isTerminated = true;
    this.#lifeline?.close();
  }
}

/** A worker in this thread. */
export function makeWorkerHere(role: WorkerRole): Worker {
  return new WorkerHere(role) as unknown as Worker;
}
