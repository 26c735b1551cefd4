/** What the deleter does when it is asked. @module */

import { serveRequests, type WorkerScope } from "../../lib/base/worker_loop.ts";
import { Deleter } from "../../lib/ingest/originals/deleter.ts";
import type { DeleterReply, DeleterRequest } from "../../lib/ingest/originals/deleter_messages.ts";

/**
 * Serves its owner.
 *
 * @param arm Called by the first deleter: arms the failpoints of its thread.
 */
export function serveDeleter(scope: WorkerScope, arm: () => void): void {
  let deleter: Deleter | null = null;

  serveRequests<DeleterRequest, DeleterReply>(
    scope,
    async (request, reply) => {
      switch (request.kind) {
        case "setup":
          // Tests strike at one place once: two of these would raise two signals.
          if (request.isFirst) arm();
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
}
