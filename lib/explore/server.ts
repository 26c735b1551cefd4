/**
 * The server of `explore`.
 *
 * @module
 */

import { EnvironmentError } from "../base/errors.ts";
import { answer, type Served, sourcePath } from "./handler.ts";
import { pageWith } from "./page_text.ts";
import type { ServedBytes } from "./served_bytes.ts";

/** Loopback, and nothing else. */
const ADDRESS = "127.0.0.1";
/** Bytes of chance in the link. */
const TOKEN_SIZE = 24;

/** A server that is running. */
interface ExploreServer extends AsyncDisposable {
  /** The link to the page, with its token. */
  readonly url: string;
}

/**
 * Serves the page and these sources on a free port until it is disposed of, which closes the sources.
 *
 * @param page Text of `page.html`.
 * @throws {EnvironmentError} if no port can be had.
 */
export function serveExplorer(page: string, sources: readonly ServedBytes[]): ExploreServer {
  const token = crypto.getRandomValues(new Uint8Array(TOKEN_SIZE))
    .toBase64({ alphabet: "base64url" });
  const list = sources.map(({ name, isRemote }, i) => ({ name, url: sourcePath(i), isRemote }));
  const served: Served = { token, host: "", page: pageWith(page, list), sources };
  let server: Deno.HttpServer<Deno.NetAddr>;
  try {
    server = Deno.serve(
      { hostname: ADDRESS, port: 0, onListen: () => {} },
      (request) => answer(request, served),
    );
  } catch (cause) {
    throw new EnvironmentError(
      `Cannot serve the page on ${ADDRESS}: ${cause instanceof Error ? cause.message : cause}`,
      { cause, hint: "write a static page with --page, and put it beside the graph" },
    );
  }
  served.host = `${ADDRESS}:${server.addr.port}`;
  return {
    url: `http://${served.host}/${token}/`,
    [Symbol.asyncDispose]: async () => {
      await server.shutdown();
      for (const source of sources) source.close();
    },
  };
}
