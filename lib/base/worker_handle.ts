/**
 * A worker as its owner sees it: messages in, messages out, one promise that fails when it dies.
 *
 * @module
 */

import { type ErrorData, errorFromData, type WorkerFailedError } from "./errors.ts";
import type { WorkerReply } from "./worker_loop.ts";

/** Owner's end of a worker. */
export class WorkerHandle<Request extends { kind: string }, Reply extends { kind: string }> {
  readonly name: string;
  readonly #worker: Worker;
  readonly #onReply: (reply: Reply) => void;
  readonly #ready: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly #ended: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly #onFailure: (error: WorkerFailedError) => void;
  #isClosed = false;

  /**
   * @param onReply Gets every message but "ready", "failed" and "ended".
   * @param onFailure Called once, if the worker reports an error or dies.
   */
  constructor(
    name: string,
    worker: Worker,
    onReply: (reply: Reply) => void,
    onFailure: (error: WorkerFailedError) => void,
  ) {
    this.name = name;
    this.#worker = worker;
    this.#onReply = onReply;
    this.#onFailure = onFailure;
    // Nobody may be waiting for these two when the worker dies.
    this.#ready.promise.catch(() => {});
    this.#ended.promise.catch(() => {});
    worker.onmessage = (event: MessageEvent<Reply | WorkerReply>) => this.#receive(event.data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#fail({ name: "Error", message: event.message || "it was terminated", exitCode: 1 });
    };
    worker.onmessageerror = () => {
      this.#fail({ name: "Error", message: "it sent an unreadable message", exitCode: 1 });
    };
  }

  #receive(reply: Reply | WorkerReply): void {
    switch (reply.kind) {
      case "ready":
        this.#ready.resolve();
        break;
      case "ended":
        this.#isClosed = true;
        this.#ended.resolve();
        break;
      case "failed":
        this.#fail((reply as { error: ErrorData }).error);
        break;
      default:
        this.#onReply(reply as Reply);
    }
  }

  #fail(data: ErrorData): void {
    if (this.#isClosed) return;
    const error = errorFromData(data);
    this.terminate();
    this.#ready.reject(error);
    this.#ended.reject(error);
    this.#onFailure(error);
  }

  /** Sends a message; `transfer` lists buffers that go along. */
  send(request: Request, transfer: Transferable[] = []): void {
    if (!this.#isClosed) this.#worker.postMessage(request, transfer);
  }

  /** Settles when the worker has set itself up. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Settles when the worker has done all it was asked and closed itself. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Ends the worker at once. */
  terminate(): void {
    this.#isClosed = true;
    this.#worker.terminate();
  }
}
