import assert from "node:assert/strict";
import { answer, type Served } from "../../lib/explore/handler.ts";
import { pageWith, readPage } from "../../lib/explore/page_text.ts";
import { serveExplorer } from "../../lib/explore/server.ts";
import { servedGrowingFile, servedSource } from "../../lib/explore/served_bytes.ts";
import { MemorySource } from "../support/sources.ts";
import { temporaryDirectory } from "../support/fixtures.ts";

const HOST = "127.0.0.1:4000";
const CONTENT = Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * 31) % 251);

function served(): Served {
  return {
    token: "secret",
    host: HOST,
    page: "<!doctype html>",
    sources: [servedSource(new MemorySource(CONTENT), "graph.qg", false)],
  };
}

function ask(
  path: string,
  headers: Record<string, string> = {},
  method = "GET",
): Promise<Response> {
  const request = new Request(`http://${HOST}${path}`, { method, headers });
  // Host is set by whoever sends a request, which nobody does here.
  const asked = new Headers(request.headers);
  asked.set("host", headers.host ?? HOST);
  return answer(
    { method, url: request.url, headers: asked } as unknown as Request,
    served(),
  );
}

const REFUSED: [
  what: string,
  status: number,
  path: string,
  headers: Record<string, string>,
  method?: string,
][] = [
  ["without token", 404, "/", {}],
  ["with another token", 404, "/secreT/", {}],
  ["a file beside the page", 404, "/secret/deno.json", {}],
  ["a path upwards", 404, "/secret/../deno.json", {}],
  ["an encoded path upwards", 404, "/secret/%2e%2e/deno.json", {}],
  ["a source that there isn't", 404, "/secret/source/1", { range: "bytes=0-1" }],
  ["a name of another host, as rebinding gives it", 403, "/secret/", { host: "evil.example" }],
  ["the right host on another port", 403, "/secret/", { host: "127.0.0.1:4001" }],
  ["another origin", 403, "/secret/source/0", {
    origin: "https://evil.example",
    range: "bytes=0-1",
  }],
  ["an opaque origin", 403, "/secret/source/0", { origin: "null", range: "bytes=0-1" }],
  ["a script or image of another page", 403, "/secret/source/0", {
    "sec-fetch-site": "cross-site",
    "sec-fetch-mode": "no-cors",
    range: "bytes=0-1",
  }],
  ["a frame of another page", 403, "/secret/", {
    "sec-fetch-site": "cross-site",
    "sec-fetch-mode": "navigate",
    "sec-fetch-dest": "iframe",
  }],
  ["another port of this machine", 403, "/secret/source/0", {
    "sec-fetch-site": "same-site",
    "sec-fetch-mode": "cors",
  }],
  ["a request that would change something", 405, "/secret/", {}, "POST"],
  ["a whole source", 400, "/secret/source/0", {}],
  ["several ranges", 400, "/secret/source/0", { range: "bytes=0-1,5-6" }],
  ["a range backwards", 400, "/secret/source/0", { range: "bytes=5-1" }],
  ["a range behind the end", 416, "/secret/source/0", { range: "bytes=3000000-3000001" }],
];
for (const [what, status, path, headers, method] of REFUSED) {
  Deno.test(`the explorer refuses ${what}`, async () => {
    const response = await ask(path, headers, method);
    assert.equal(response.status, status);
    assert.equal(response.headers.get("access-control-allow-origin"), null);
    assert.equal(response.headers.get("cross-origin-resource-policy"), "same-origin");
    const text = await response.text();
    assert.ok(!text.includes("secret") && text.length < 200, text);
  });
}

const RANGES: [range: string, start: number, end: number][] = [
  ["bytes=0-99", 0, 100],
  ["bytes=2999990-3999999", 2_999_990, 3_000_000],
  ["bytes=-10", 2_999_990, 3_000_000],
  ["bytes=-9000000", 0, 3_000_000],
  ["bytes=1000-", 1000, 3_000_000],
];
for (const [range, start, end] of RANGES) {
  Deno.test(`the explorer gives ${range}`, async () => {
    const response = await ask("/secret/source/0", { range, origin: `http://${HOST}` });
    assert.equal(response.status, 206);
    assert.equal(
      response.headers.get("content-range"),
      `bytes ${start}-${end - 1}/${CONTENT.length}`,
    );
    assert.equal(response.headers.get("content-length"), String(end - start));
    assert.deepEqual(await response.bytes(), CONTENT.slice(start, end));
  });
}

Deno.test("the page may be opened by a link anywhere", async () => {
  const response = await ask("/secret/", {
    "sec-fetch-site": "cross-site",
    "sec-fetch-mode": "navigate",
    "sec-fetch-dest": "document",
  });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("referrer-policy"), "no-referrer");
  assert.equal(response.headers.get("cache-control"), "no-store");
  assert.equal(await response.text(), "<!doctype html>");
});

Deno.test("the server listens on the loopback address, with another link each time", async () => {
  await using first = serveExplorer(await readPage(), []);
  await using second = serveExplorer(await readPage(), []);
  for (const { url } of [first, second]) {
    assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/[\w-]{32}=*\/$/);
    const response = await fetch(url);
    assert.equal(response.status, 200);
    await response.body?.cancel();
  }
  assert.notEqual(new URL(first.url).pathname, new URL(second.url).pathname);
});

Deno.test("a file that grows is given as it is now, and not when it is gone", async () => {
  await using work = await temporaryDirectory();
  const path = work.join("run.qg.chunks");
  Deno.writeTextFileSync(path, "first");
  await using server = serveExplorer(await readPage(), [servedGrowingFile(path, "log")]);
  const read = async (range: string) => {
    const response = await fetch(`${server.url}source/0`, { headers: { range } });
    return [response.status, response.headers.get("content-range"), await response.text()];
  };
  assert.deepEqual(await read("bytes=0-99"), [206, "bytes 0-4/5", "first"]);
  assert.deepEqual(await read("bytes=5-99"), [416, "bytes */5", ""]);
  Deno.writeTextFileSync(path, ", second", { append: true });
  assert.deepEqual(await read("bytes=5-99"), [206, "bytes 5-12/13", ", second"]);
  Deno.removeSync(path);
  assert.equal((await read("bytes=0-1"))[0], 404);
});

Deno.test("names of sources end no element of the page", async () => {
  const name = '</script><script>alert("x")</script><!--';
  const page = await readPage();
  const made = pageWith(page, [{ name, url: "source/0", isRemote: false }]);
  assert.equal(made.split("<script").length, page.split("<script").length);
  const list = /id="served-sources">([^<]*)</.exec(made)![1];
  assert.equal(JSON.parse(list)[0].name, name);
});
