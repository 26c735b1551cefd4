/**
 * A worker as its owner sees it: messages in, messages out, one promise that fails when it dies.
 *
 * @module
 */

import { type ErrorData, errorToData, WorkerFailedError } from "../base/errors.ts";
import type { WorkerReply } from "./messages.ts";

/** Makes workers; `main.ts` alone knows where their modules are. */
export type WorkerFactory = (role: WorkerRole) => Worker;

/** Roles of workers; names and numbers as in the reference, so that logs read alike. */
export type WorkerRole = "scanner" | "ingester" | "writer" | "deleter";

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
    const cause = new Error(data.message);
    cause.name = data.name;
    if (data.stack !== undefined) cause.stack = data.stack;
    const error = new WorkerFailedError(data.message, {
      cause,
      exitCode: data.exitCode,
      ...(data.hint === undefined ? {} : { hint: data.hint }),
    });
    error.name = data.name;
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

/**
 * Message loop of a worker: one request after the other, every error sent as data.
 *
 * @param handle Does what a request asks and sends replies.
 */
export function serveRequests<Request extends { kind: string }, Reply extends { kind: string }>(
  scope: WorkerScope,
  handle: (
    request: Request,
    reply: (message: Reply | WorkerReply, transfer?: Transferable[]) => void,
  ) => Promise<void> | void,
): void {
  const reply = (message: Reply | WorkerReply, transfer: Transferable[] = []) =>
    scope.postMessage(message, transfer);
  let tail: Promise<void> = Promise.resolve();
  let hasFailed = false;
  scope.onmessage = (event: MessageEvent<Request>) => {
    tail = tail.then(async () => {
      if (hasFailed) return;
      try {
        await handle(event.data, reply);
        if (event.data.kind === "setup") reply({ kind: "ready" });
        if (event.data.kind === "end") {
          reply({ kind: "ended" });
          scope.close();
        }
      } catch (error) {
        hasFailed = true;
        reply({ kind: "failed", error: errorToData(error) });
      }
    });
  };
}

/** The part of a worker's global scope that {@linkcode serveRequests} uses. */
export interface WorkerScope {
  // deno-lint-ignore no-explicit-any -- the platform's own declaration
  onmessage: ((event: MessageEvent<any>) => any) | null;
  postMessage(message: unknown, transfer: Transferable[]): void;
  close(): void;
}
