/**
 * A worker as its owner sees it: messages in, messages out, one promise that fails when it dies.
 *
 * @module
 */

import { MessageChannel, type MessagePort } from "node:worker_threads";
import { type ErrorData, errorFromData, type WorkerFailedError } from "./errors.ts";
import type { Lifeline, WorkerReply } from "./worker_loop.ts";

/** Lets messages arrive that a worker sent before its end was noticed: they say more. */
const LAST_WORDS_MS = 500;

/** Who waits for an answer. */
interface Asker<Reply> {
  /** Kind of the answer. */
  answer: string;
  resolve: (reply: Reply) => void;
  reject: (error: WorkerFailedError) => void;
}

/** Owner's end of a worker. */
export class WorkerHandle<Request extends { kind: string }, Reply extends { kind: string }> {
  readonly name: string;
  readonly #worker: Worker;
  readonly #onReply: (reply: Reply) => void;
  readonly #ready: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly #ended: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly #onFailure: (error: WorkerFailedError) => void;
  /** In the order in which they asked. */
  #askers: Asker<Reply>[] = [];
  readonly #lifeline: MessagePort;
  #lastWords: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  /**
   * @param onReply Gets every message but "ready", "failed", "ended" and what was asked for.
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
    // The runtime tells nobody that a worker has closed itself; but then its end of a channel closes.
    const { port1, port2 } = new MessageChannel();
    this.#lifeline = port1;
    port1.on("close", () => {
      if (this.#isClosed) return;
      this.#lastWords = setTimeout(() => {
        this.#fail({ name: "Error", message: "it ended before its work was done", exitCode: 1 });
      }, LAST_WORDS_MS);
    });
    // Only a port that listens hears of it.
    port1.start();
    port1.unref();
    const lifeline: Lifeline = { kind: "lifeline", port: port2 };
    worker.postMessage(lifeline, [port2 as unknown as Transferable]);
  }

  #receive(reply: Reply | WorkerReply): void {
    switch (reply.kind) {
      case "ready":
        this.#ready.resolve();
        break;
      case "ended":
        this.terminate();
        this.#ended.resolve();
        break;
      case "failed":
        this.#fail((reply as { error: ErrorData }).error);
        break;
      default:
        this.#answer(reply as Reply);
    }
  }

  /** Gives a message to the first who waits for one of its kind. */
  #answer(reply: Reply): void {
    const at = this.#askers.findIndex(({ answer }) => answer === reply.kind);
    if (at < 0) this.#onReply(reply);
    else this.#askers.splice(at, 1)[0].resolve(reply);
  }

  #fail(data: ErrorData): void {
    if (this.#isClosed) return;
    const error = errorFromData(data, this.name);
    this.terminate();
    this.#ready.reject(error);
    this.#ended.reject(error);
    for (const { reject } of this.#askers.splice(0)) reject(error);
    this.#onFailure(error);
  }

  /** Sends a message; `transfer` lists buffers that go along. */
  send(request: Request, transfer: Transferable[] = []): void {
    if (!this.#isClosed) this.#worker.postMessage(request, transfer);
  }

  /**
   * Sends a message that is answered once, and waits for the answer.
   *
   * @param answer Its kind. Answers of one kind come in the order in which they were asked for.
   * @throws {WorkerFailedError} if the worker reports an error or dies before.
   */
  ask<Kind extends Reply["kind"]>(
    request: Request,
    answer: Kind,
  ): Promise<Extract<Reply, { kind: Kind }>> {
    const { promise, resolve, reject } = Promise.withResolvers<Extract<Reply, { kind: Kind }>>();
    // The owner may wait no more when the worker dies: it has been told.
    promise.catch(() => {});
    this.#askers.push({ answer, resolve: resolve as (reply: Reply) => void, reject });
    this.send(request);
    return promise;
  }

  /** Settles when the worker has set itself up. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Settles when the worker has done all it was asked. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Ends the worker at once. */
  terminate(): void {
    this.#isClosed = true;
    clearTimeout(this.#lastWords);
    this.#lifeline.close();
    this.#worker.terminate();
  }
}
