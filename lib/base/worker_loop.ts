/**
 * The message loop that every worker runs.
 *
 * @module
 */

import { type ErrorData, errorToData } from "./errors.ts";

/** What every worker says. */
export type WorkerReply =
  | { kind: "ready" }
  | { kind: "failed"; error: ErrorData }
  | { kind: "ended" };

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
