/** Message loop of the deleter. @module */

import { serveRequests, type WorkerScope } from "../lib/base/worker_loop.ts";
import { Deleter, type DeleterReply, type DeleterRequest } from "../lib/ingest/deleter.ts";
import { armFailpoints, FAILPOINTS_VARIABLE } from "../lib/store/failpoints.ts";

let deleter: Deleter | null = null;

serveRequests<DeleterRequest, DeleterReply>(
  self as unknown as WorkerScope,
  async (request, reply) => {
    switch (request.kind) {
      case "setup":
        // Tests strike at one place once: two of these would raise two signals.
        if (request.isFirst) armFailpoints(Deno.env.get(FAILPOINTS_VARIABLE));
        deleter = new Deleter(request.setup);
        break;
      case "delete":
        reply({
          kind: "deleted",
          batch: request.batch,
          ...await deleter!.delete(request.originals),
        });
        break;
      case "end":
        break;
      default:
        request satisfies never;
    }
  },
);
