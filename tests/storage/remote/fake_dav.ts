/**
 * WebDAV servers in the test's own process: a plain one; as dCache answers, whose door leads to pools and whose pools say
 * how much they have taken, and as XRootD, whose redirector leads everything to a data server. Made after
 * `schema/storage.md`, section 4; no real one of these can be had for tests.
 *
 * @module
 */

/** Which server is imitated. */
export type FakeKind = "generic" | "dcache" | "xrootd";

/** Answers instead of the server, or after it has done its work by `next`. */
export type DavScript = (
  request: Request,
  next: () => Promise<Response>,
) => Response | Promise<Response>;

const SERVERS: Readonly<Record<FakeKind, string>> = {
  generic: "Apache/2.4",
  dcache: "dCache/9.2.1",
  xrootd: "XrootD/v5.7.2",
};

interface StoredFile {
  bytes: Uint8Array<ArrayBuffer>;
  version: number;
}

const xml = (text: string) => text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
const pathOf = (url: string) => decodeURIComponent(new URL(url).pathname).replace(/(.)\/$/, "$1");

/** Starts one; both of its ports are of the loopback address. */
export function startFakeDav(kind: FakeKind) {
  const files = new Map<string, StoredFile>();
  const collections = new Set<string>();
  const seen: string[] = [];
  const state: { script: DavScript } = { script: (_, next) => next() };
  let nVersions = 0;
  const isDirectory = (path: string) =>
    path === "/" || collections.has(path) ||
    [...files.keys()].some((file) => file.startsWith(`${path}/`));

  function entry(path: string): string {
    const file = files.get(path);
    const prop = file === undefined
      ? "<D:resourcetype><D:collection/></D:resourcetype>"
      : `<D:resourcetype/><D:getcontentlength>${file.bytes.length}</D:getcontentlength>` +
        (kind !== "xrootd" ? `<D:getetag>"${file.version}"</D:getetag>` : "");
    const href = path.split("/").map(encodeURIComponent).join("/");
    return `<D:response><D:href>${xml(href)}</D:href><D:propstat><D:prop>${prop}</D:prop>` +
      "<D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>";
  }

  function propfind(path: string, depth: string): Response {
    if (!files.has(path) && !isDirectory(path)) return new Response(null, { status: 404 });
    const inside = path === "/" ? "/" : `${path}/`;
    const names = new Set<string>();
    for (const file of files.keys()) {
      if (file.startsWith(inside)) names.add(file.slice(inside.length).split("/")[0]);
    }
    const below = depth === "1" && !files.has(path) ? [...names].map((name) => inside + name) : [];
    return new Response(
      `<?xml version="1.0"?><D:multistatus xmlns:D="DAV:">${
        [path, ...below].map(entry).join("")
      }</D:multistatus>`,
      { status: 207, headers: { "content-type": "application/xml" } },
    );
  }

  function get(request: Request, path: string): Response {
    const file = files.get(path);
    if (file === undefined) return new Response(null, { status: isDirectory(path) ? 409 : 404 });
    const size = file.bytes.length;
    const headers: Record<string, string> = kind !== "xrootd" ? { etag: `"${file.version}"` } : {};
    if (request.method === "HEAD") {
      return new Response(null, { headers: { ...headers, "content-length": String(size) } });
    }
    const match = /^bytes=(\d*)-(\d*)$/.exec(request.headers.get("range") ?? "");
    // XRootD doesn't know how to give the last bytes.
    if (match === null || kind === "xrootd" && match[1] === "" || size === 0) {
      return new Response(file.bytes, { headers });
    }
    const first = match[1] === "" ? Math.max(0, size - Number(match[2])) : Number(match[1]);
    const last = match[1] === "" ? size - 1 : Math.min(size - 1, Number(match[2]));
    return new Response(file.bytes.slice(first, last + 1), {
      status: 206,
      headers: { ...headers, "content-range": `bytes ${first}-${last}/${size}` },
    });
  }

  /** A plain server makes no collections by itself. */
  const hasParent = (path: string) =>
    kind !== "generic" || isDirectory(path.slice(0, path.lastIndexOf("/")) || "/");

  async function put(request: Request, path: string): Promise<Response> {
    const bytes = new Uint8Array(await request.arrayBuffer());
    if (!hasParent(path)) return new Response(null, { status: 409 });
    files.set(path, { bytes, version: ++nVersions });
    return new Response(`${bytes.length} bytes uploaded`, { status: 201 });
  }

  function mkcol(path: string): Response {
    if (files.has(path) || isDirectory(path)) return new Response(null, { status: 405 });
    if (!hasParent(path)) return new Response(null, { status: 409 });
    collections.add(path);
    return new Response(null, { status: 201 });
  }

  /** Also COPY, which leaves the source. */
  function move(request: Request, path: string): Response {
    const file = files.get(path);
    const target = pathOf(request.headers.get("destination")!);
    if (file === undefined) return new Response(null, { status: 404 });
    if (request.headers.get("overwrite") === "F" && files.has(target)) {
      return new Response(null, { status: 412 });
    }
    if (request.method === "MOVE") files.delete(path);
    files.set(target, { ...file, version: ++nVersions });
    return new Response(null, { status: 201 });
  }

  /** What a pool, or a data server, does. */
  async function serveData(request: Request): Promise<Response> {
    const path = pathOf(request.url);
    switch (request.method) {
      case "GET":
      case "HEAD":
        return get(request, path);
      case "PUT":
        return await put(request, path);
      case "PROPFIND":
        return propfind(path, request.headers.get("depth") ?? "0");
      case "MOVE":
      case "COPY":
        return kind === "generic" || request.method === "MOVE"
          ? move(request, path)
          : new Response(null, { status: 405 });
      case "MKCOL":
        return kind === "generic" ? mkcol(path) : new Response(null, { status: 405 });
      case "DELETE":
        return new Response(null, {
          status: files.delete(path) || collections.delete(path) ? 204 : 404,
        });
      default:
        return new Response(null, { status: 405 });
    }
  }

  const options = { port: 0, hostname: "127.0.0.1", onListen: () => {} };
  const data = Deno.serve(options, serveData);
  const dataOrigin = `http://127.0.0.1:${(data.addr as Deno.NetAddr).port}`;
  async function serveDoor(request: Request): Promise<Response> {
    if (request.method === "OPTIONS") {
      return new Response(null, { headers: { dav: "1", server: SERVERS[kind] } });
    }
    const isData = kind === "xrootd" || kind === "dcache" && (request.method === "GET" ||
          request.method === "PUT" && request.headers.has("expect"));
    if (!isData) return await serveData(request);
    await request.body?.cancel();
    const { pathname } = new URL(request.url);
    return new Response(null, { status: 307, headers: { location: dataOrigin + pathname } });
  }
  const door = Deno.serve(options, (request) => {
    seen.push(`${request.method} ${pathOf(request.url)}`);
    return state.script(request, () => serveDoor(request));
  });
  return {
    root: `dav://127.0.0.1:${(door.addr as Deno.NetAddr).port}`,
    files,
    /** Method and path of each request that came to the door. */
    seen,
    setScript: (script: DavScript) => void (state.script = script),
    [Symbol.asyncDispose]: async () => {
      await Promise.all([door.shutdown(), data.shutdown()]);
    },
  };
}
