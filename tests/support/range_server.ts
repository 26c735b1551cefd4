/**
 * A file behind a web server, for tests and benchmarks.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { ByteSource } from "../../lib/storage/byte_source.ts";

/** What else a server of ranges does. */
export interface RangeServerOptions {
  /** Milliseconds that it waits before each answer, as if it were far away. */
  latencyMs?: number;
  /** The page that it gives at `/`. */
  page?: string;
}

/** A server on the loopback address that gives ranges of a source, and counts what it gives. */
export function serveRanges(
  source: ByteSource,
  { latencyMs = 0, page }: RangeServerOptions = {},
) {
  const counts = { nRequests: 0, nBytes: 0 };
  const ranges: { start: number; end: number }[] = [];
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    async (request) => {
      if (latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, latencyMs));
      if (page !== undefined && new URL(request.url).pathname === "/") {
        return new Response(page, { headers: { "content-type": "text/html" } });
      }
      const asked = /^bytes=(\d*)-(\d+)$/.exec(request.headers.get("range") ?? "");
      assert.ok(asked !== null, "a request without range");
      const [first, last] = asked[1] === ""
        ? [source.size - Number(asked[2]), source.size - 1]
        : [Number(asked[1]), Number(asked[2])];
      const bytes = await source.read(first, last + 1 - first);
      counts.nRequests++;
      counts.nBytes += bytes.length;
      ranges.push({ start: first, end: last + 1 });
      return new Response(new Uint8Array(bytes), {
        status: 206,
        headers: { etag: '"one"', "content-range": `bytes ${first}-${last}/${source.size}` },
      });
    },
  );
  const { port } = server.addr as Deno.NetAddr;
  return {
    url: `http://127.0.0.1:${port}/graph.qg`,
    counts,
    /** What was given, in its order. */
    ranges,
    port,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
