/** Worker for `worker_test.ts`: answers numbers, fails and dies as it is told. */

import { RefusedError } from "../../lib/base/errors.ts";
import { serveRequests, type WorkerScope } from "../../lib/base/worker_loop.ts";

/** What the worker is asked to do. */
export type EchoRequest =
  | { kind: "setup" }
  | { kind: "echo"; value: number; turns: number }
  | { kind: "refuse" }
  | { kind: "throw" }
  | { kind: "close" }
  | { kind: "end" };

/** What it answers. */
export interface EchoReply {
  kind: "echo";
  value: number;
  /** Requests being worked on at that moment. */
  nRunning: number;
}

const scope = self as unknown as WorkerScope & { close(): void };
let nRunning = 0;

serveRequests<EchoRequest, EchoReply>(scope, async (request, reply) => {
  nRunning++;
  switch (request.kind) {
    case "echo":
      for (let i = 0; i < request.turns; i++) await Promise.resolve();
      reply({ kind: "echo", value: request.value, nRunning });
      break;
    case "refuse":
      throw new RefusedError("Cannot do it: no", { hint: "do something else" });
    case "throw":
      throw new TypeError("undefined is not a function");
    case "close":
      scope.close();
  }
  nRunning--;
});
