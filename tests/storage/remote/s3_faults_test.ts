/**
 * What becomes of each answer that an S3 store may give: the right result, or one clear error whose exit code
 * says whether trying again may help. `schema/storage.md`, sections 3 and 5.
 */

import assert from "node:assert/strict";
import { ProvgraphError } from "../../../lib/base/errors.ts";
import { S3Storage } from "../../../lib/storage/remote/s3/s3_storage.ts";
import type { Storage, StorageContext } from "../../../lib/storage/remote/storage.ts";
import { StorageUrl } from "../../../lib/storage/remote/storage_url.ts";
import { MemorySource } from "../../support/sources.ts";
import { s3Error, type Script, startFakeS3 } from "./fake_s3.ts";

type FakeS3 = ReturnType<typeof startFakeS3>;

/** Bytes of a part: of five in the tests of large objects. */
const PART = 1000;
const LARGE = new Uint8Array(4500).map((_, i) => i % 251);

function open(server: FakeS3, context: Partial<StorageContext> = {}): Promise<S3Storage> {
  return S3Storage.open(StorageUrl.parse(server.root), { env: server.env, ...context }, PART);
}

/** The first requests that are wanted get an answer, later ones what is right. */
function first(n: number, answer: () => Response, isWanted = (_: string) => true): Script {
  let nGiven = 0;
  return ({ method, key }) => isWanted(`${method} ${key}`) && nGiven++ < n ? answer() : null;
}

async function read(storage: Storage, path: string): Promise<string | null> {
  const file = await storage.readWhole(path, 1000);
  return file === null ? null : new TextDecoder().decode(file.bytes);
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

/** Answers that pass: the same request succeeds a moment later. */
const PASSING: readonly (readonly [number, string])[] = [
  [500, "InternalError"],
  [502, "BadGateway"],
  [503, "SlowDown"],
  [503, "ServiceUnavailable"],
  [504, "GatewayTimeout"],
  [429, "TooManyRequests"],
  [400, "RequestTimeout"],
  [409, "OperationAborted"],
  [409, "ConditionalRequestConflict"],
  [400, "ThrottlingException"],
  [403, "RequestLimitExceeded"],
];
for (const [status, code] of PASSING) {
  Deno.test(`S3: ${status} ${code} passes`, async () => {
    await using server = startFakeS3();
    server.put("data/a", "content");
    using storage = await open(server);
    server.setScript(first(1, () => s3Error(status, code)));
    assert.equal(await read(storage, "a"), "content");
    assert.equal(server.seen.length, 2);
  });
}

/** Answers that stay: exit code at the first request, and after others succeeded. */
const LASTING: readonly (readonly [number, string, number, number, RegExp])[] = [
  [404, "NoSuchBucket", 2, 1, /bucket "bucket" isn't there/],
  [403, "AccessDenied", 2, 1, /403 AccessDenied.*keys are those of AWS_ACCESS_KEY_ID/],
  [403, "InvalidAccessKeyId", 2, 1, /InvalidAccessKeyId/],
  [403, "SignatureDoesNotMatch", 2, 1, /SignatureDoesNotMatch/],
  [400, "ExpiredToken", 2, 1, /ExpiredToken/],
  [403, "RequestTimeTooSkewed", 2, 1, /the clock of this machine is wrong/],
  [400, "InvalidRequest", 1, 1, /400 InvalidRequest/],
  [405, "MethodNotAllowed", 1, 1, /405/],
  [507, "InsufficientStorage", 1, 1, /507/],
];
for (const [status, code, atFirst, later, message] of LASTING) {
  for (const isLater of [false, true]) {
    Deno.test(`S3: ${status} ${code} ends it${isLater ? " in mid-run" : ""}`, async () => {
      await using server = startFakeS3();
      server.put("data/a", "content");
      using storage = await open(server);
      if (isLater) await read(storage, "a");
      server.setScript(() => s3Error(status, code));
      const error = await failure(read(storage, "a"));
      assert.match(error.message, message);
      assert.equal(error.exitCode, isLater ? later : atFirst, error.message);
      assert.notEqual(error.hint, undefined);
    });
  }
}

Deno.test("S3: one 404 for an object that is there isn't believed", async () => {
  await using server = startFakeS3();
  server.put("data/a", "content");
  using storage = await open(server);
  for (const look of [() => read(storage, "a"), () => storage.stat("a"), () => storage.open("a")]) {
    server.setScript(first(1, () => s3Error(404, "NoSuchKey"), (text) => text.endsWith("data/a")));
    assert.notEqual(await look(), null);
  }
});

for (const how of ["readWhole", "stat", "open"] as const) {
  Deno.test(`S3: of a bucket that vanishes nothing is absent: ${how}`, async () => {
    await using server = startFakeS3();
    server.put("data/a", "content");
    using storage = await open(server);
    assert.equal(await storage[how]("b", 1000), null);
    server.setScript(({ method }) =>
      method === "HEAD" ? new Response(null, { status: 404 }) : s3Error(404, "NoSuchBucket")
    );
    const error = await failure(storage[how]("b", 1000));
    assert.match(error.message, /bucket "bucket" isn't there/);
    assert.equal(error.exitCode, 1);
  });
}

Deno.test("S3: a clock that is wrong is put right by the store's own", async () => {
  await using server = startFakeS3();
  server.put("data/a", "content");
  using storage = await open(server);
  const later = new Date(Date.now() + 1_200_000);
  const dates: (string | null)[] = [];
  server.setScript(({ headers }, n) => {
    dates.push(headers.get("x-amz-date"));
    return n === 1 ? s3Error(403, "RequestTimeTooSkewed", { date: later.toUTCString() }) : null;
  });
  assert.equal(await read(storage, "a"), "content");
  const written = later.toISOString().replace(/[:-]|\.\d+/g, "").slice(0, 11);
  assert.ok(dates[1]!.startsWith(written), dates.join());
});

Deno.test("S3: keys that expire in mid-run are read again, once for all that are under way", async () => {
  await using server = startFakeS3();
  for (let i = 0; i < 20; i++) server.put(`data/${i}`, `content ${i}`);
  const path = Deno.makeTempFileSync();
  const write = (key: string) =>
    Deno.writeTextFileSync(path, `[p]\naws_access_key_id=${key}\naws_secret_access_key=s\n`);
  try {
    write("OLDKEY");
    const variables: Record<string, string> = {
      S3_ENDPOINT_URL: server.variables.S3_ENDPOINT_URL,
      AWS_SHARED_CREDENTIALS_FILE: path,
      AWS_CONFIG_FILE: "/nowhere",
    };
    const url = StorageUrl.parse("s3://p@bucket/data");
    using storage = await S3Storage.open(url, { env: { get: (name) => variables[name] } });
    assert.equal(await read(storage, "0"), "content 0");
    write("NEWKEY");
    server.setScript(({ accessKey }) =>
      accessKey === "OLDKEY" ? s3Error(400, "ExpiredToken") : null
    );
    const texts = await Promise.all(
      Array.from({ length: 20 }, (_, i) => read(storage, String(i))),
    );
    assert.deepEqual(texts, texts.map((_, i) => `content ${i}`));
    server.setScript(() => s3Error(400, "ExpiredToken"));
    const error = await failure(read(storage, "0"));
    assert.equal(error.exitCode, 1);
    assert.ok(error.message.includes(`profile "p" of "${path}"`), error.message);
  } finally {
    Deno.removeSync(path);
  }
});

Deno.test("S3: a bucket of another region is asked with that region", async () => {
  await using server = startFakeS3();
  server.put("data/a", "content");
  using storage = await open(server);
  server.setScript(({ region }) =>
    region === "eu-west-9"
      ? null
      : s3Error(301, "PermanentRedirect", { "x-amz-bucket-region": "eu-west-9" })
  );
  assert.equal(await read(storage, "a"), "content");
  assert.equal(server.seen.at(-1)!.region, "eu-west-9");
});

Deno.test("S3: a temporary redirect is followed, and signed anew", async () => {
  await using server = startFakeS3();
  await using other = startFakeS3();
  other.put("data/a", "content");
  using storage = await open(server);
  server.setScript(() =>
    s3Error(307, "TemporaryRedirect", { location: `http://127.0.0.1:${other.port}/bucket/data/a` })
  );
  assert.equal(await read(storage, "a"), "content");
  assert.equal(other.seen[0].accessKey, "OLDKEY");
});

const LISTS: readonly (readonly [string, string, RegExp])[] = [
  [
    "gives the same page again",
    "<ListBucketResult><IsTruncated>true</IsTruncated><Contents><Key>data/a</Key><Size>1</Size>" +
    "</Contents><NextContinuationToken>again</NextContinuationToken></ListBucketResult>",
    /the same page again/,
  ],
  [
    "doesn't say whether there is more",
    "<ListBucketResult><Contents><Key>data/a</Key><Size>1</Size></Contents></ListBucketResult>",
    /doesn't tell whether there is more/,
  ],
  [
    "says that there is more, and not where",
    "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
    /doesn't tell whether there is more/,
  ],
  [
    "is of something else",
    "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>other/a</Key><Size>1</Size>" +
    "</Contents></ListBucketResult>",
    /the answer has "other\/a" in it/,
  ],
  ["is an error in spite of status 200", "<Error><Code>InternalError</Code></Error>", /is wrong/],
  ["is no XML", "it works!", /is wrong/],
  ["declares a document type", '<!DOCTYPE a [<!ENTITY b "c">]><ListBucketResult/>', /is wrong/],
];
for (const [name, body, message] of LISTS) {
  Deno.test(`S3: a list that ${name} is an error`, async () => {
    await using server = startFakeS3();
    using storage = await open(server);
    server.setScript(() => new Response(body));
    const error = await failure(Array.fromAsync(storage.list("")));
    assert.match(error.message, message);
    assert.equal(error.exitCode, 1);
  });
}

Deno.test("S3: a list that breaks on its second page is an error, and none of it is the end", async () => {
  await using server = startFakeS3();
  for (let i = 0; i < 5; i++) server.put(`data/${i}`, "x");
  using storage = await open(server);
  server.setScript(({ query }) =>
    query.has("continuation-token") ? s3Error(403, "AccessDenied") : null
  );
  const error = await failure(Array.fromAsync(storage.list("")));
  assert.match(error.message, /AccessDenied/);
  assert.equal(error.exitCode, 1);
});

function deleteResult(errors: readonly (readonly [key: string, code: string])[]): Response {
  const text = errors.map(([key, code]) =>
    `<Error><Key>${key}</Key><Code>${code}</Code><Message>m</Message></Error>`
  ).join("");
  return new Response(`<DeleteResult>${text}</DeleteResult>`);
}

Deno.test("S3: of a bulk delete with mixed results only what passes is asked for again", async () => {
  await using server = startFakeS3();
  using storage = await open(server);
  const asked: number[] = [];
  server.setScript(({ body }, n) => {
    asked.push([...new TextDecoder().decode(body).matchAll(/<Key>/g)].length);
    return n === 1
      ? deleteResult([["data/a", "SlowDown"], ["data/b", "InternalError"], ["data/c", "NoSuchKey"]])
      : deleteResult([["data/b", "AccessDenied"]]);
  });
  let nGone = 0;
  const work = storage.deleteMany(["a", "b", "c", "d"], (n) => void (nGone += n));
  const error = await failure(work);
  assert.match(error.message, /object "data\/b".*AccessDenied/);
  assert.deepEqual(asked, [4, 2]);
  assert.equal(nGone, 2);
});

for (const [status, code] of [[501, "NotImplemented"], [400, "InvalidArgument"]] as const) {
  Deno.test(`S3: a store without bulk deletes (${code}) deletes one by one`, async () => {
    await using server = startFakeS3();
    for (const key of ["data/a", "data/b", "data/c"]) server.put(key, "x");
    using storage = await open(server);
    server.setScript(({ method }) => method === "POST" ? s3Error(status, code) : null);
    await storage.deleteMany(["a", "b"]);
    await storage.deleteMany(["c"]);
    assert.equal(server.objects.size, 0);
    assert.equal(server.seen.filter(({ method }) => method === "POST").length, 1);
    assert.equal(storage.capabilities.bulkDelete, 1);
  });
}

/** Faults of an upload in parts, and whether the object is there afterwards. */
const UPLOADS: readonly (readonly [string, Script, boolean])[] = [
  [
    "whose parts fail now and then",
    ({ query }, n) => query.has("partNumber") && n % 3 === 0 ? s3Error(503, "SlowDown") : null,
    true,
  ],
  [
    "whose completion is an error in spite of status 200",
    ({ method, query }) =>
      method === "POST" && query.has("uploadId")
        ? new Response("<Error><Code>InternalError</Code></Error>")
        : null,
    false,
  ],
  [
    "one of whose parts is refused",
    ({ query }) => query.get("partNumber") === "3" ? s3Error(403, "AccessDenied") : null,
    false,
  ],
  [
    "that gets no ID",
    ({ query }) =>
      query.has("uploads")
        ? new Response("<InitiateMultipartUploadResult></InitiateMultipartUploadResult>")
        : null,
    false,
  ],
];
for (const [name, script, isThere] of UPLOADS) {
  Deno.test(`S3: an upload ${name} ${isThere ? "is done" : "leaves nothing"}`, async () => {
    await using server = startFakeS3();
    using storage = await open(server);
    server.setScript(script);
    const work = storage.put("large", new MemorySource(LARGE), { mustBeNew: false });
    if (isThere) assert.equal((await work).size, LARGE.length);
    else assert.equal((await failure(work)).exitCode, 1);
    assert.deepEqual(server.objects.get("data/large")?.bytes, isThere ? LARGE : undefined);
    assert.equal(server.uploads.size, 0);
    server.setScript(null);
    await storage.put("large", new MemorySource(LARGE), { mustBeNew: false });
    assert.deepEqual(server.objects.get("data/large")!.bytes, LARGE);
  });
}

const DAY_MS = 86_400_000;

/** Uploads that others have begun: of which key, how long ago, what the list of them answers; whether they stay. */
const LEFT_UPLOADS: readonly (readonly [string, string, number, Script | null, boolean])[] = [
  ["of the same key, a day old, is aborted", "data/large", DAY_MS + 60_000, null, false],
  ["of the same key, younger, stays", "data/large", DAY_MS - 60_000, null, true],
  ["of a key that begins alike stays", "data/large-2", 2 * DAY_MS, null, true],
  [
    "stays where uploads can't be listed",
    "data/large",
    2 * DAY_MS,
    ({ key, query }) => key === "" && query.has("uploads") ? s3Error(403, "AccessDenied") : null,
    true,
  ],
  [
    "stays where the list is no list",
    "data/large",
    2 * DAY_MS,
    ({ key, query }) => key === "" && query.has("uploads") ? new Response("<html>") : null,
    true,
  ],
];
for (const [name, key, ageMs, script, stays] of LEFT_UPLOADS) {
  Deno.test(`S3: an upload in parts that somebody has left ${name}`, async () => {
    await using server = startFakeS3();
    using storage = await open(server);
    server.uploads.set("left", { key, startMs: Date.now() - ageMs, parts: new Map() });
    server.setScript(script);
    await storage.put("large", new MemorySource(LARGE), { mustBeNew: false });
    assert.deepEqual(server.objects.get("data/large")!.bytes, LARGE);
    assert.deepEqual([...server.uploads.keys()], stays ? ["left"] : []);
  });
}

Deno.test("S3: a new object whose answer was lost is known by its content, not taken for another's", async () => {
  await using server = startFakeS3();
  using storage = await open(server);
  let nPuts = 0;
  server.setScript(({ method, key, body, headers }) => {
    if (method !== "PUT" || nPuts++ > 0) return null;
    server.objects.set(key, {
      bytes: body,
      etag: '"0-x"',
      headers: { "x-amz-meta-provgraph-sha256": headers.get("x-amz-meta-provgraph-sha256")! },
    });
    return s3Error(503, "SlowDown");
  });
  const version = await storage.put("a", new MemorySource(new TextEncoder().encode("mine")), {
    mustBeNew: true,
  });
  assert.equal(version.size, 4);
  // Of somebody else's it is told.
  const other = storage.put("a", new MemorySource(new TextEncoder().encode("other")), {
    mustBeNew: true,
    skipsLook: true,
  });
  assert.equal((await failure(other)).name, "TakenNameError");
});
