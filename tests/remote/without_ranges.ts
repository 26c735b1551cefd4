/**
 * A server before another one that passes on all but the header `Range`, as some proxies do.
 *
 * @module
 */

/** Starts it on a free port. */
export function withoutRanges(upstream: number) {
  const client = Deno.createHttpClient({ allowHost: true });
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    async (request) => {
      const url = new URL(request.url);
      const headers = new Headers(request.headers);
      headers.delete("range");
      const body = request.body === null ? null : await request.bytes();
      const answer = await fetch(`http://127.0.0.1:${upstream}${url.pathname}${url.search}`, {
        method: request.method,
        headers,
        client,
        redirect: "manual",
        ...(body === null || body.length === 0 ? {} : { body }),
      });
      return new Response(answer.body, { status: answer.status, headers: answer.headers });
    },
  );
  return {
    port: (server.addr as Deno.NetAddr).port,
    [Symbol.asyncDispose]: async () => {
      await server.shutdown();
      client.close();
    },
  };
}
