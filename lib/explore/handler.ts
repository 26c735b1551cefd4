/**
 * Answers of the explorer's server: the page, and ranges of exactly the sources that were named, to nobody but
 * that page.
 *
 * What keeps others out: it listens on the loopback address alone; every path begins with a random token, so
 * that other users of the machine don't get in; the header Host has to name that address, so that no name
 * of another host can be made to mean it (DNS rebinding); Origin and Sec-Fetch-Site, where a browser sends
 * them, have to be those of the page itself; and no answer allows another origin to read it.
 *
 * @module
 */

import { NotFoundError } from "../base/errors.ts";
import type { ServedBytes, WantedRange } from "./served_bytes.ts";

/** What is served, and to whom. */
export interface Served {
  /** Random part of every path. */
  token: string;
  /** As the header Host has it: `127.0.0.1:PORT`. */
  host: string;
  /** The page with its list of sources. */
  page: string;
  sources: readonly ServedBytes[];
}

/** Headers of every answer. */
const HEADERS: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "content-security-policy": "frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

/** Path of a source, relative to the page. */
export function sourcePath(index: number): string {
  return `source/${index}`;
}

/** Answers a request. */
export async function answer(request: Request, served: Served): Promise<Response> {
  const refusal = refusalOf(request, served);
  if (refusal !== null) return plain(403, refusal);
  if (request.method !== "GET" && request.method !== "HEAD") {
    return plain(405, "only GET and HEAD are answered", { allow: "GET, HEAD" });
  }
  const base = `/${served.token}/`;
  const { pathname } = new URL(request.url);
  if (!pathname.startsWith(base)) return plain(404, "there is nothing here: use the whole link");
  const path = pathname.slice(base.length);
  if (path === "") {
    return new Response(request.method === "HEAD" ? null : served.page, {
      headers: { ...HEADERS, "content-type": "text/html; charset=utf-8" },
    });
  }
  const source = served.sources.find((_, i) => path === sourcePath(i));
  if (source === undefined) return plain(404, "there is no such source");
  try {
    return await rangeOf(request, source);
  } catch (error) {
    if (error instanceof NotFoundError) return plain(404, error.message);
    return plain(500, error instanceof Error ? error.message : String(error));
  }
}

/** Why a request isn't one of the page; null if it may be. */
function refusalOf(request: Request, { host }: Served): string | null {
  if (request.headers.get("host") !== host) return "the request names another host";
  const origin = request.headers.get("origin");
  if (origin !== null && origin !== `http://${host}`) return "the request is of another page";
  const site = request.headers.get("sec-fetch-site");
  const isNavigation = request.headers.get("sec-fetch-mode") === "navigate" &&
    request.headers.get("sec-fetch-dest") === "document";
  // A link to the page may stand anywhere; nobody but the page reads what it says.
  if (site !== null && site !== "same-origin" && site !== "none" && !isNavigation) {
    return "the request is of another page";
  }
  return null;
}

async function rangeOf(request: Request, source: ServedBytes): Promise<Response> {
  const wanted = parseRange(request.headers.get("range"));
  if (wanted === null) return plain(400, "a range has to be asked for: bytes=FIRST-LAST");
  const { size, startByte, endByte, pieces } = await source.range(wanted);
  const headers: Record<string, string> = {
    ...HEADERS,
    "accept-ranges": "bytes",
    "content-type": "application/octet-stream",
    ...(source.version === null ? {} : { etag: source.version }),
  };
  if (startByte === endByte) {
    return new Response(null, {
      status: 416,
      headers: { ...headers, "content-range": `bytes */${size}` },
    });
  }
  headers["content-range"] = `bytes ${startByte}-${endByte - 1}/${size}`;
  headers["content-length"] = String(endByte - startByte);
  const body = request.method === "HEAD" ? null : ReadableStream.from(pieces());
  return new Response(body, { status: 206, headers });
}

/** One range of bytes, as browsers and our readers ask for it; null for anything else. */
function parseRange(text: string | null): WantedRange | null {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(text ?? "");
  if (match === null) return null;
  const [, first, last] = match;
  if (first === "") return last === "" ? null : { kind: "last", nBytes: Number(last) };
  if (last !== "" && Number(last) < Number(first)) return null;
  return {
    kind: "from",
    startByte: Number(first),
    endByte: last === "" ? Number.MAX_SAFE_INTEGER : Number(last) + 1,
  };
}

function plain(status: number, text: string, headers: Record<string, string> = {}): Response {
  return new Response(`${text}\n`, {
    status,
    headers: { ...HEADERS, "content-type": "text/plain; charset=utf-8", ...headers },
  });
}
