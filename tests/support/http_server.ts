/** A server of files on the loopback address, with byte ranges. */

/** A running server. */
export interface FileServer extends AsyncDisposable {
  /** Without the slash before a file's name. */
  url: string;
  /** Requests so far. */
  nRequests: () => number;
}

/** Serves the files of a directory until it is disposed of. */
export function serveFiles(directory: string): FileServer {
  let n = 0;
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    n++;
    const bytes = Deno.readFileSync(`${directory}${new URL(request.url).pathname}`);
    const asked = /^bytes=(\d*)-(\d*)$/.exec(request.headers.get("range") ?? "");
    if (asked === null) return new Response(bytes);
    const [, from, to] = asked;
    const start = from === "" ? Math.max(0, bytes.length - Number(to)) : Number(from);
    const end = from === "" ? bytes.length : Math.min(Number(to) + 1, bytes.length);
    return new Response(bytes.slice(start, end), {
      status: 206,
      headers: { "content-range": `bytes ${start}-${end - 1}/${bytes.length}` },
    });
  });
  const { port } = server.addr as Deno.NetAddr;
  return {
    url: `http://127.0.0.1:${port}`,
    nRequests: () => n,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
