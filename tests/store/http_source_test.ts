import assert from "node:assert/strict";
import { EnvironmentError, NotFoundError, RefusedError } from "../../lib/base/errors.ts";
import { HttpSource } from "../../lib/store/http_source.ts";

const CONTENT = Uint8Array.from({ length: 200_000 }, (_, i) => (i * 7) % 251);

interface Behaviour {
  ranges?: boolean;
  etag?: () => string;
  answer?: (start: number, end: number) => Response | null;
  length?: boolean;
}

/** A server on the loopback address that does what a test says, and counts. */
function serve(behaviour: Behaviour = {}) {
  let nRequests = 0;
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    nRequests++;
    const path = new URL(request.url).pathname;
    if (path === "/absent") return new Response(null, { status: 404 });
    const headers = new Headers({ etag: behaviour.etag?.() ?? '"one"' });
    const asked = /^bytes=(\d*)-(\d*)$/.exec(request.headers.get("range") ?? "");
    if (behaviour.ranges === false || asked === null) {
      return new Response(behaviour.length === false ? ReadableStream.from([CONTENT]) : CONTENT, {
        headers,
      });
    }
    const start = asked[1] === "" ? CONTENT.length - Number(asked[2]) : Number(asked[1]);
    const end = asked[1] === "" ? CONTENT.length : Number(asked[2]) + 1;
    const special = behaviour.answer?.(start, end);
    if (special != null) return special;
    headers.set("content-range", `bytes ${start}-${end - 1}/${CONTENT.length}`);
    return new Response(CONTENT.slice(start, end), { status: 206, headers });
  });
  const { port } = server.addr as Deno.NetAddr;
  return {
    url: `http://127.0.0.1:${port}/graph.qg`,
    absent: `http://127.0.0.1:${port}/absent`,
    count: () => nRequests,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

Deno.test("HttpSource.read() gives ranges, one request each, and none for the tail", async () => {
  await using server = serve();
  const source = await HttpSource.open(server.url);
  assert.equal(source.size, CONTENT.length);
  assert.deepEqual(await source.read(0, 100), CONTENT.slice(0, 100));
  assert.deepEqual(await source.read(70_000, 50_000), CONTENT.slice(70_000, 120_000));
  assert.equal(server.count(), 3);
  assert.deepEqual(await source.read(CONTENT.length - 65536, 65536), CONTENT.slice(-65536));
  assert.equal(server.count(), 3);
  await assert.rejects(source.read(CONTENT.length - 1, 2), EnvironmentError);
});

Deno.test("HttpSource.open() takes a small file whole when the server ignores ranges", async () => {
  await using server = serve({ ranges: false });
  const source = await HttpSource.open(server.url);
  assert.deepEqual(await source.read(5, 10), CONTENT.slice(5, 15));
  assert.equal(server.count(), 1);
});

Deno.test("HttpSource.open() refuses a file of unknown size from a server that ignores ranges", async () => {
  await using server = serve({ ranges: false, length: false });
  await assert.rejects(HttpSource.open(server.url), RefusedError);
});

Deno.test("HttpSource.open() refuses a file above 16 MiB when the server ignores ranges, and reads none of it", async () => {
  let isCancelled = false;
  const answer = (size: number) => {
    const body = new ReadableStream({ cancel: () => void (isCancelled = true) });
    return Promise.resolve(
      new Response(body, { headers: { "content-length": String(size) } }),
    );
  };
  await assert.rejects(
    HttpSource.open("http://server.example/graph.qg", () => answer(16 * 2 ** 20 + 1)),
    RefusedError,
  );
  assert.ok(isCancelled);
});

Deno.test("HttpSource.open() names an absent file and an unreachable server", async () => {
  let url: string;
  {
    await using server = serve();
    await assert.rejects(HttpSource.open(server.absent), NotFoundError);
    url = server.url;
  }
  await assert.rejects(HttpSource.open(url), EnvironmentError);
});

Deno.test("HttpSource.read() notices that the file changed", async () => {
  let version = 1;
  await using server = serve({ etag: () => `"${version}"` });
  const source = await HttpSource.open(server.url);
  version = 2;
  await assert.rejects(source.read(0, 10), /has changed meanwhile/);
});

Deno.test("HttpSource.read() refuses answers that are short or of other bytes", async () => {
  const wrong = [
    (start: number, end: number) =>
      new Response(CONTENT.slice(start, end - 1), {
        status: 206,
        headers: {
          etag: '"one"',
          "content-range": `bytes ${start}-${end - 1}/${CONTENT.length}`,
        },
      }),
    (start: number, end: number) =>
      new Response(CONTENT.slice(start, end), {
        status: 206,
        headers: { etag: '"one"', "content-range": `bytes 1-${end - start}/${CONTENT.length}` },
      }),
    (start: number, end: number) => new Response(CONTENT.slice(start, end), { status: 206 }),
    () => new Response(null, { status: 500 }),
  ];
  for (const answer of wrong) {
    let isOpen = false;
    await using server = serve({ answer: (start, end) => isOpen ? answer(start, end) : null });
    const source = await HttpSource.open(server.url);
    isOpen = true;
    await assert.rejects(source.read(0, 10), EnvironmentError);
  }
});

Deno.test("HttpSource.open() keeps credentials of the URL out of messages", async () => {
  await using server = serve();
  const url = server.absent.replace("http://", "http://user:secret@");
  await assert.rejects(HttpSource.open(url), (error: Error) => !error.message.includes("secret"));
});

/** An answer whose body never ends, and how many bytes of it were taken. */
function endless(headers: Record<string, string>, status = 206) {
  const taken = { nBytes: 0, isCancelled: false };
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      taken.nBytes += 65536;
      controller.enqueue(new Uint8Array(65536));
    },
    cancel: () => void (taken.isCancelled = true),
  }, { highWaterMark: 0 });
  return { taken, answer: () => Promise.resolve(new Response(body, { status, headers })) };
}

const ENDLESS: readonly (readonly [
  name: string,
  headers: Record<string, string>,
  status: number,
  maxBytes: number,
])[] = [
  [
    "bytes without end for the tail",
    { "content-range": "bytes 934464-999999/1000000" },
    206,
    131072,
  ],
  [
    "a range from the beginning instead of the tail",
    { "content-range": "bytes 0-999999/1000000" },
    206,
    0,
  ],
  ["a range that ends before the file", { "content-range": "bytes 934463-999998/1000000" }, 206, 0],
  ["a range of petabytes", { "content-range": "bytes 0-999999999999998/999999999999999" }, 206, 0],
  [
    "a range behind the end of the file",
    { "content-range": "bytes 934464-1999999/1000000" },
    206,
    0,
  ],
  ["a range that says nothing", { "content-range": "bytes */1000000" }, 206, 0],
  ["no range", {}, 206, 0],
  ["all, more than it says", { "content-length": "1000" }, 200, 65536],
  ["all, without end", {}, 200, 0],
  ["a redirection to nowhere", {}, 302, 0],
  ["nothing but a body", {}, 404, 0],
];

for (const [name, headers, status, maxBytes] of ENDLESS) {
  Deno.test(`HttpSource.open() reads no further than asked of ${name}`, async () => {
    const { taken, answer } = endless(headers, status);
    await assert.rejects(HttpSource.open("http://server.example/graph.qg", answer), (error) => {
      assert.ok(
        error instanceof EnvironmentError || error instanceof RefusedError ||
          error instanceof NotFoundError,
        String(error),
      );
      return true;
    });
    assert.ok(taken.isCancelled);
    assert.ok(taken.nBytes <= maxBytes, `${taken.nBytes}`);
  });
}

Deno.test("HttpSource.read() reads no further than asked", async () => {
  let isOpen = false;
  const tail = new Response(new Uint8Array(65536), {
    status: 206,
    headers: { "content-range": "bytes 934464-999999/1000000" },
  });
  const { taken, answer } = endless({ "content-range": "bytes 0-9/1000000" });
  const source = await HttpSource.open(
    "http://server.example/graph.qg",
    () => isOpen ? answer() : Promise.resolve(tail),
  );
  isOpen = true;
  await assert.rejects(source.read(0, 10), /the server sent more than 10 bytes/);
  assert.deepEqual(taken, { nBytes: 65536, isCancelled: true });
});

Deno.test("HttpSource.open() gives up a server that redirects in circles", async () => {
  let nRequests = 0;
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    nRequests++;
    return new Response(null, { status: 302, headers: { location: request.url } });
  });
  const { port } = server.addr as Deno.NetAddr;
  await assert.rejects(HttpSource.open(`http://127.0.0.1:${port}/a.qg`), EnvironmentError);
  assert.ok(nRequests < 100, `${nRequests}`);
  await server.shutdown();
});

for (
  const url of [
    "me:Sup@erSecret@host.example",
    "me:Sup/erSecret@host.example",
    "Secret@host.example",
  ]
) {
  Deno.test(`HttpSource.open() tells nothing of the password in ${url.replace(/Sec.*@/, "...@")}`, async () => {
    const failing = () => Promise.reject(new TypeError(`can't reach https://${url}/a.qg`));
    await assert.rejects(HttpSource.open(`https://${url}/a.qg`, failing), (error: Error) => {
      assert.match(error.message, /Cannot read "https:\/\/host\.example\/a\.qg"/);
      assert.doesNotMatch(error.message, /Sup|Secret/);
      return true;
    });
  });
}
