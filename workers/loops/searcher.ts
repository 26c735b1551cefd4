/** What a searcher does when it is asked. @module */

import { serveRequests, type WorkerScope } from "../../lib/base/worker_loop.ts";
import { Searcher, type SearcherReply, type SearcherRequest } from "../../lib/grep/searcher.ts";

/** Serves its owner. */
export function serveSearcher(scope: WorkerScope): void {
  let searcher: Searcher | null = null;

  serveRequests<SearcherRequest, SearcherReply>(
    scope,
    async (request, reply) => {
      switch (request.kind) {
        case "setup":
          searcher = await Searcher.open(request.setup);
          break;
        case "search":
          reply({
            kind: "searched",
            batch: request.batch,
            logs: await searcher!.search(request.logs),
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
