/**
 * The message loop that every worker runs.
 *
 * @module
 */

import { type ErrorData, errorToData } from "./errors.ts";

/**
 * The first message to every worker. It keeps the port and never uses it: when the worker is gone, for
 * whatever reason, its owner's end of the channel closes.
 */
export interface Lifeline {
  kind: "lifeline";
  port: unknown;
}

/** What every worker says. */
export type WorkerReply =
  | { kind: "ready" }
  | { kind: "failed"; error: ErrorData }
  | { kind: "ended" };

/**
 * Message loop of a worker: one request after the other, every error sent as data. What it sets as
 * `onmessage` returns when the message was dealt with.
 *
 * @param handle Does what a request asks and sends replies.
 * @param announce Is told of a request as soon as it has come, while others may be in hand.
 */
export function serveRequests<Request extends { kind: string }, Reply extends { kind: string }>(
  scope: WorkerScope,
  handle: (
    request: Request,
    reply: (message: Reply | WorkerReply, transfer?: Transferable[]) => void,
  ) => Promise<void> | void,
  announce?: (request: Request) => void,
): void {
  const reply = (message: Reply | WorkerReply, transfer: Transferable[] = []) =>
    scope.postMessage(message, transfer);
  let tail: Promise<void> = Promise.resolve();
  let hasFailed = false;
  // Held here, or it would be collected and closed.
  let lifeline: Lifeline | null = null;
  scope.onmessage = (event: MessageEvent<Request | Lifeline>) => {
    const message = event.data;
    if (isLifeline(message)) {
      lifeline ??= message;
      return;
    }
    announce?.(message);
    return tail = tail.then(async () => {
      if (hasFailed) return;
      try {
        await handle(message, reply);
        if (message.kind === "setup") reply({ kind: "ready" });
        // The owner ends the thread then: one that closed itself looks the same as one that died.
        if (message.kind === "end") reply({ kind: "ended" });
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
}

function isLifeline(message: { kind: string }): message is Lifeline {
  return message.kind === "lifeline";
}
