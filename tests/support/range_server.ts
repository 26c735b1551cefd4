/**
 * A file behind a web server, for tests and benchmarks.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { ByteSource } from "../../lib/storage/byte_source.ts";

/** A server on the loopback address that gives ranges of a source, and counts what it gives. */
export function serveRanges(source: ByteSource) {
  const counts = { nRequests: 0, nBytes: 0 };
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    async (request) => {
      const asked = /^bytes=(\d*)-(\d+)$/.exec(request.headers.get("range") ?? "");
      assert.ok(asked !== null, "a request without range");
      const [first, last] = asked[1] === ""
        ? [source.size - Number(asked[2]), source.size - 1]
        : [Number(asked[1]), Number(asked[2])];
      const bytes = await source.read(first, last + 1 - first);
      counts.nRequests++;
      counts.nBytes += bytes.length;
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
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
