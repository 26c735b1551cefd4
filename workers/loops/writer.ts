/** What the writer does when it is asked. @module */

import type { WriterReply, WriterRequest } from "../../lib/aggregate/messages.ts";
import { serveRequests, type WorkerScope } from "../../lib/base/worker_loop.ts";
import { Writer } from "../../lib/aggregate/write/writer.ts";

/** Serves its owner. */
export function serveWriter(scope: WorkerScope): void {
  let writer: Writer | null = null;

  serveRequests<WriterRequest, WriterReply>(
    scope,
    async (request, reply) => {
      switch (request.kind) {
        case "setup":
          writer = new Writer(request);
          break;
        case "append":
          writer!.append(request.chunks, request.reused);
          reply({ kind: "appended", batch: request.batch });
          break;
        case "sync":
          writer!.sync();
          reply({ kind: "synced" });
          break;
        case "finish": {
          reply({ kind: "begun", shares: await writer!.beginGraph(request) });
          break;
        }
        case "complete": {
          const nBytes = writer!.complete(
            request.copied,
            (text) => reply({ kind: "progress", text }),
          );
          reply({ kind: "finished", nBytes });
          break;
        }
        case "publish":
          writer!.publish(request.keepChunks);
          reply({ kind: "published" });
          break;
        case "end":
          writer?.close();
          break;
        default:
          request satisfies never;
      }
    },
  );
}
