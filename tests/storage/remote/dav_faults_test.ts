/**
 * What becomes of each answer that a WebDAV server may give: the right result, or one clear error whose exit
 * code says whether trying again may help. `schema/storage.md`, sections 4 and 5.
 */

import assert from "node:assert/strict";
import { ProvgraphError } from "../../../lib/base/errors.ts";
import { openStorage } from "../../../lib/storage/remote/open_storage.ts";
import type { Storage } from "../../../lib/storage/remote/storage.ts";
import { temporaryDirectory } from "../../support/fixtures.ts";
import { MemorySource } from "../../support/sources.ts";
import { type DavScript, startFakeDav } from "./fake_dav.ts";

type FakeDav = ReturnType<typeof startFakeDav>;

const CONTENT = new TextEncoder().encode("content");
const NO_VARIABLES = { get: () => undefined };

function status(code: number, body: string | null = null): Response {
  return new Response(body, { status: code });
}

/** The first requests that are wanted get an answer, later ones what is right. */
function first(n: number, method: string, answer: () => Response): DavScript {
  let nGiven = 0;
  return (request, next) => request.method === method && nGiven++ < n ? answer() : next();
}

function always(method: string, answer: () => Response): DavScript {
  return first(Infinity, method, answer);
}

/** A file "a" in a collection "data" of a plain server, and its storage. */
function testDav(
  title: string,
  fn: (server: FakeDav, storage: Storage) => Promise<void>,
  env: { get(name: string): string | undefined } = NO_VARIABLES,
): void {
  Deno.test(`WebDAV: ${title}`, async () => {
    await using server = startFakeDav("generic");
    server.files.set("/data/a", { bytes: CONTENT, version: 0 });
    using storage = await openStorage(`${server.root}/data`, { env });
    await fn(server, storage);
  });
}

async function read(storage: Storage, path = "a"): Promise<string | null> {
  const file = await storage.readWhole(path, 1000);
  return file === null ? null : new TextDecoder().decode(file.bytes);
}

function put(storage: Storage, path: string, mustBeNew = false) {
  return storage.put(path, new MemorySource(CONTENT), { mustBeNew });
}

async function failure(work: Promise<unknown>): Promise<ProvgraphError> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof ProvgraphError, String(error));
    assert.doesNotMatch(`${error.message} ${error.hint}`, /never-to-be-shown/);
    return error;
  }
  return assert.fail("it didn't fail");
}

/** What is left on the server of files that were being stored. */
function leftovers({ files }: FakeDav): string[] {
  return [...files.keys()].filter((path) => path.includes("/.tmp."));
}

for (const code of [429, 500, 502, 503, 504]) {
  testDav(`status ${code} passes`, async (server, storage) => {
    server.setScript(first(1, "GET", () => status(code)));
    assert.equal(await read(storage), "content");
    server.setScript(first(1, "PROPFIND", () => status(code)));
    assert.equal((await storage.stat("a"))?.size, CONTENT.length);
    server.setScript(first(1, "PUT", () => status(code)));
    assert.equal((await put(storage, "b")).size, CONTENT.length);
    assert.deepEqual(leftovers(server), []);
  });
}

testDav("status 423 passes for a file that is stored", async (server, storage) => {
  server.setScript(first(2, "PUT", () => status(423)));
  assert.equal((await put(storage, "b")).size, CONTENT.length);
});

/** Answers that stay: to which request, and what is told. */
const LASTING: readonly (readonly [method: string, code: number, message: RegExp])[] = [
  ["GET", 400, /Cannot read "dav:.*\/data\/a": the server answers 400/],
  ["GET", 401, /answers 401; what identifies us is /],
  ["GET", 403, /answers 403; what identifies us is /],
  ["GET", 409, /answers 409/],
  ["GET", 507, /answers 507/],
  ["PROPFIND", 400, /Cannot look at "dav:.*\/data\/a": the server answers 400/],
  ["PROPFIND", 401, /answers 401; what identifies us is /],
  ["PROPFIND", 403, /answers 403; what identifies us is /],
  ["PROPFIND", 405, /answers 405/],
  ["PUT", 403, /Cannot store .*answers 403/],
  ["PUT", 409, /Cannot store .*answers 409/],
  ["PUT", 423, /Cannot store .*answers 423/],
  ["PUT", 507, /Cannot store .*answers 507/],
  ["MKCOL", 403, /Cannot store .*answers 403/],
  ["MKCOL", 507, /Cannot store .*answers 507/],
  ["MOVE", 403, /Cannot store .*answers 403/],
  ["MOVE", 409, /Cannot store .*answers 409/],
  ["MOVE", 507, /Cannot store .*answers 507/],
];
const DOING: Readonly<Record<string, (storage: Storage) => Promise<unknown>>> = {
  GET: (storage) => read(storage),
  PROPFIND: (storage) => storage.stat("a"),
  PUT: (storage) => put(storage, "b"),
  MKCOL: (storage) => put(storage, "deep/b"),
  MOVE: (storage) => put(storage, "b"),
};
for (const [method, code, message] of LASTING) {
  testDav(`status ${code} to ${method} ends it with one clear error`, async (server, storage) => {
    server.setScript(always(method, () => status(code)));
    const error = await failure(DOING[method](storage));
    assert.match(error.message, message);
    // The server has answered before: what was done stays, and the next run may find it mended.
    assert.equal(error.exitCode, 1, error.message);
    assert.notEqual(error.hint, undefined);
    if (code === 507) assert.match(error.hint!, /free some space/);
    assert.equal(server.files.has("/data/b") || server.files.has("/data/deep/b"), false);
    assert.deepEqual(leftovers(server), []);
    server.setScript((_, next) => next());
    await DOING[method](storage);
  });
}

for (const code of [401, 403]) {
  Deno.test(`WebDAV: status ${code} at the first request has exit code 2`, async () => {
    await using server = startFakeDav("generic");
    server.setScript(() => status(code));
    const error = await failure(openStorage(`${server.root}/data`, { env: NO_VARIABLES }));
    assert.equal(error.exitCode, 2, error.message);
    assert.match(error.message, /127\.0\.0\.1/);
  });
}

testDav("one 404 for a file that is there isn't believed", async (server, storage) => {
  for (const look of [() => read(storage), () => storage.open("a")]) {
    server.setScript(first(1, "GET", () => status(404)));
    assert.notEqual(await look(), null);
  }
  server.setScript(first(1, "PROPFIND", () => status(404)));
  assert.notEqual(await storage.stat("a"), null);
});

testDav("what is absent is absent, also as a list", async (_, storage) => {
  assert.equal(await read(storage, "b"), null);
  assert.equal(await storage.stat("b"), null);
  assert.equal(await storage.open("b"), null);
  assert.deepEqual(await Array.fromAsync(storage.list("nowhere/")), []);
});

/** Answers with status 207 that tell nothing of use. */
const MULTISTATUS: readonly (readonly [string, string])[] = [
  ["no propstat", "<D:response><D:href>/data/a</D:href></D:response>"],
  [
    "no good propstat",
    "<D:response><D:href>/data/a</D:href><D:propstat><D:prop/><D:status>HTTP/1.1 404 Not Found" +
    "</D:status></D:propstat></D:response>",
  ],
  [
    "no size",
    "<D:response><D:href>/data/a</D:href><D:propstat><D:prop><D:resourcetype/></D:prop>" +
    "<D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>",
  ],
  ["no response", ""],
];
for (const [name, body] of MULTISTATUS) {
  testDav(`status 207 with ${name} is an error, not an absence`, async (server, storage) => {
    const text = `<D:multistatus xmlns:D="DAV:">${body}</D:multistatus>`;
    server.setScript(always("PROPFIND", () => status(207, text)));
    for (const work of [storage.stat("a"), Array.fromAsync(storage.list(""))]) {
      assert.equal((await failure(work)).exitCode, 1);
    }
  });
}

for (const text of ["it works!", "<a/>", '<!DOCTYPE a [<!ENTITY b "c">]><D:multistatus/>']) {
  testDav(`status 207 with "${text}" is an error`, async (server, storage) => {
    server.setScript(always("PROPFIND", () => status(207, text)));
    assert.equal((await failure(storage.stat("a"))).exitCode, 1);
  });
}

testDav("a list of something else is an error", async (server, storage) => {
  const text =
    '<D:multistatus xmlns:D="DAV:"><D:response><D:href>/other/</D:href><D:propstat><D:prop>' +
    "<D:resourcetype><D:collection/></D:resourcetype></D:prop><D:status>HTTP/1.1 200 OK</D:status>" +
    "</D:propstat></D:response></D:multistatus>";
  server.setScript(always("PROPFIND", () => status(207, text)));
  assert.match((await failure(Array.fromAsync(storage.list("")))).message, /of something else/);
});

testDav("a directory that is found and not listed is an error", async (server, storage) => {
  server.setScript((request, next) =>
    request.method === "PROPFIND" && request.headers.get("depth") === "1" ? status(404) : next()
  );
  assert.match((await failure(Array.fromAsync(storage.list("")))).message, /doesn't list it/);
});

testDav("a server that sends all for a range is refused by name", async (server, storage) => {
  const large = new Uint8Array(200_000);
  server.files.set("/data/large", { bytes: large, version: 1 });
  server.setScript((request, next) =>
    request.method === "GET" ? new Response(large, { status: 200 }) : next()
  );
  const error = await failure(storage.open("large"));
  assert.match(error.message, /by ranges: asked for bytes -\d+, the server sends 200000 bytes/);
  server.setScript((request, next) =>
    request.method === "GET" ? new Response(CONTENT, { status: 200 }) : next()
  );
  const whole = await storage.open("a");
  assert.equal(whole?.size, CONTENT.length, "a range of all that is there");
});

testDav("collections are made where they lack, and may be there", async (server, storage) => {
  await put(storage, "one/two/three/b");
  await put(storage, "one/two/c");
  assert.ok(server.files.has("/data/one/two/three/b") && server.files.has("/data/one/two/c"));
  using again = await openStorage(`${server.root}/data`, { env: NO_VARIABLES });
  await put(again, "one/two/three/d");
  assert.ok(server.seen.some((each) => each === "MKCOL /data/one/two/three"));
});

/** A whole answer of which the client gets nothing but its beginning. */
function lost(): Response {
  const body = new ReadableStream({
    start: (controller) => controller.error(new Error("the connection breaks")),
  });
  return new Response(body, { status: 201 });
}

testDav("a MOVE whose answer is lost is known by what is there", async (server, storage) => {
  server.setScript(async (request, next) => {
    const answer = await next();
    return request.method === "MOVE" ? lost() : answer;
  });
  assert.equal((await put(storage, "b")).size, CONTENT.length);
  assert.equal(server.seen.filter((each) => each.startsWith("MOVE")).length, 1);
  assert.deepEqual(leftovers(server), []);
});

testDav("a MOVE that was lost on its way leaves nothing", async (server, storage) => {
  server.setScript((request, next) => request.method === "MOVE" ? lost() : next());
  const error = await failure(put(storage, "b"));
  assert.match(error.message, /Cannot tell whether/);
  assert.equal(error.exitCode, 1);
  assert.ok(!server.files.has("/data/b"));
  assert.deepEqual(leftovers(server), []);
});

testDav("a PUT whose answer is lost is sent again", async (server, storage) => {
  let n = 0;
  server.setScript(async (request, next) => {
    const answer = await next();
    return request.method === "PUT" && n++ === 0 ? lost() : answer;
  });
  assert.equal((await put(storage, "b")).size, CONTENT.length);
});

testDav("a name that is taken meanwhile is told", async (server, storage) => {
  server.setScript(async (request, next) => {
    if (request.method === "MOVE") server.files.set("/data/b", { bytes: CONTENT, version: 9 });
    return await next();
  });
  assert.equal((await failure(put(storage, "b", true))).name, "TakenNameError");
  assert.deepEqual(leftovers(server), []);
});

testDav(
  "of deletions with mixed results all are tried, and the first failure is told",
  async (server, storage) => {
    for (const name of ["b", "c", "d"]) {
      server.files.set(`/data/${name}`, {
        bytes: CONTENT,
        version: 1,
      });
    }
    server.setScript((request, next) => {
      const isRefused = request.method === "DELETE" && request.url.endsWith("/b");
      const isGone = request.method === "DELETE" && request.url.endsWith("/c");
      return isRefused ? status(403) : isGone ? status(404) : next();
    });
    let nGone = 0;
    const error = await failure(storage.deleteMany(["a", "b", "c", "d"], (n) => void (nGone += n)));
    assert.match(error.message, /Cannot delete "dav:.*\/data\/b".*403/);
    assert.equal(nGone, 3);
    assert.deepEqual([...server.files.keys()].sort(), ["/data/b", "/data/c"]);
  },
);

Deno.test("WebDAV: a token that expires in mid-run is read again, by all that are under way", async () => {
  await using work = await temporaryDirectory();
  await using server = startFakeDav("generic");
  for (let i = 0; i < 20; i++) server.files.set(`/data/${i}`, { bytes: CONTENT, version: i });
  const write = (name: string, text: string) => {
    Deno.writeTextFileSync(work.join(name), text);
    Deno.chmodSync(work.join(name), 0o600);
  };
  write("token", "old-never-to-be-shown");
  write("dav.yaml", `- base_url: ${server.root}/\n  token: ${work.join("token")}\n`);
  const variables: Record<string, string> = { LSST_RESOURCES_WEBDAV_CONFIG: work.join("dav.yaml") };
  let good = "old-never-to-be-shown";
  server.setScript((request, next) =>
    request.headers.get("authorization") === `Bearer ${good}` ? next() : status(401)
  );
  using storage = await openStorage(`${server.root}/data`, {
    env: { get: (name) => variables[name] },
  });
  assert.equal(await read(storage, "0"), "content");
  good = "new-never-to-be-shown";
  const early = failure(read(storage, "0"));
  assert.match((await early).message, /answers 401.*token/);
  assert.equal((await early).exitCode, 1);
  write("token", good);
  const texts = await Promise.all(Array.from({ length: 20 }, (_, i) => read(storage, String(i))));
  assert.deepEqual(texts, texts.map(() => "content"));
});
