/** What the ingester does when it is asked. @module */

import { Ingester } from "../../lib/aggregate/ingester.ts";
import type { IngesterReply, IngesterRequest } from "../../lib/aggregate/messages.ts";
import { serveRequests, type WorkerScope } from "../../lib/base/worker_loop.ts";

/** Serves its owner. */
export function serveIngester(scope: WorkerScope): void {
  let ingester: Ingester | null = null;

  serveRequests<IngesterRequest, IngesterReply>(
    scope,
    async (request, reply) => {
      switch (request.kind) {
        case "setup":
          ingester = await Ingester.open(request, reply);
          break;
        case "rows":
          await ingester!.add(request.rows);
          reply({ kind: "taken", batch: request.batch });
          break;
        case "flush":
          reply({ kind: "flushed", ...await ingester!.flush() });
          break;
        case "end":
          await ingester?.close();
          break;
        default:
          request satisfies never;
      }
    },
  );
}
