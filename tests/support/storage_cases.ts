/** What every storage has to do: one list of cases, for local files, memory, S3 and WebDAV. */

import assert from "node:assert/strict";
import {
  EnvironmentError,
  NotFoundError,
  RefusedError,
  UnusableFileError,
} from "../../lib/base/errors.ts";
import { MemorySource } from "./sources.ts";
import type { Storage } from "../../lib/storage/remote/storage.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const ANY = { mustBeNew: false };
const NEW = { mustBeNew: true };

const REMOTE_SCHEMES = ["s3", "dav", "davs"];

/** Bytes that no other test has. */
export function randomBytes(n: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(n);
  for (let at = 0; at < n; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  return bytes;
}

/** Stores a text. */
export function putText(storage: Storage, path: string, text: string) {
  return storage.put(path, new MemorySource(encode(text)), ANY);
}

async function listed(storage: Storage, prefix: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const { path } of storage.list(prefix)) paths.push(path);
  return paths.sort();
}

/** Paths that URLs, XML and signatures could spoil. */
const ODD_PATHS = [
  "a b.txt",
  "plus+and&.txt",
  "percent%25.txt",
  "percent%zz.txt",
  "umlaut-ü-ü.txt",
  "tilde~!*()'.txt",
  "semi;colon:comma,=@$.txt",
  'quote"<less>.txt',
  "question?mark.txt",
  "deep/er/er/file.txt",
];

/** @param storage An empty one. */
type Case = readonly [name: string, run: (storage: Storage) => Promise<void>];

/** The cases; each gets a storage with nothing in it. */
export const STORAGE_CASES: readonly Case[] = [
  ["what was put is read back, byte for byte", async (storage) => {
    const bytes = randomBytes(50_000);
    const version = await storage.put("d/a.bin", new MemorySource(bytes), ANY);
    assert.equal(version.size, 50_000);
    const whole = await storage.readWhole("d/a.bin", 2 ** 20);
    assert.deepEqual(whole!.bytes, bytes);
    assert.equal(whole!.version.size, 50_000);
    assert.deepEqual((await storage.stat("d/a.bin"))!.size, 50_000);
  }],
  ["an absent file is null", async (storage) => {
    assert.equal(await storage.readWhole("no/thing", 100), null);
    assert.equal(await storage.stat("no/thing"), null);
    assert.equal(await storage.open("no/thing"), null);
    assert.deepEqual(await listed(storage, "no/"), []);
  }],
  ["an empty file is there", async (storage) => {
    await putText(storage, "d/empty", "");
    assert.equal((await storage.readWhole("d/empty", 100))!.bytes.length, 0);
    assert.equal((await storage.stat("d/empty"))!.size, 0);
    const source = await storage.open("d/empty");
    assert.equal(source!.size, 0);
    assert.deepEqual(await source!.read(0, 0), new Uint8Array(0));
    source!.close();
  }],
  ["a file of more bytes than allowed is refused by name", async (storage) => {
    await putText(storage, "d/large", "x".repeat(1000));
    await assert.rejects(storage.readWhole("d/large", 999), (error) => {
      assert.ok(error instanceof UnusableFileError, String(error));
      assert.match(error.message, /large.*1000 bytes.*999/);
      return true;
    });
    assert.equal((await storage.readWhole("d/large", 1000))!.bytes.length, 1000);
  }],
  ["ranges are those of the file", async (storage) => {
    const bytes = randomBytes(2 ** 16 * 3);
    await storage.put("ranges.bin", new MemorySource(bytes), ANY);
    const source = (await storage.open("ranges.bin"))!;
    assert.equal(source.size, bytes.length);
    for (const [offset, length] of [[0, 1], [10, 1000], [2 ** 16 * 3 - 5, 5], [0, bytes.length]]) {
      assert.deepEqual(
        new Uint8Array(await source.read(offset, length)),
        bytes.slice(offset, offset + length),
      );
    }
    await assert.rejects(source.read(bytes.length - 1, 2), EnvironmentError);
    source.close();
  }],
  ["a file is replaced whole", async (storage) => {
    const before = await putText(storage, "d/a.txt", "one");
    const after = await putText(storage, "d/a.txt", "three");
    assert.notDeepEqual(before, after);
    assert.equal(decode((await storage.readWhole("d/a.txt", 100))!.bytes), "three");
  }],
  ["a file that must be new is not replaced", async (storage) => {
    await storage.put("d/a.txt", new MemorySource(encode("one")), NEW);
    await assert.rejects(
      storage.put("d/a.txt", new MemorySource(encode("two")), NEW),
      RefusedError,
    );
    assert.equal(decode((await storage.readWhole("d/a.txt", 100))!.bytes), "one");
  }],
  ["versions are the same by reading, looking and listing", async (storage) => {
    await putText(storage, "d/a.txt", "one");
    const read = (await storage.readWhole("d/a.txt", 100))!.version;
    const seen = await storage.stat("d/a.txt");
    assert.deepEqual([seen!.size, seen!.tag], [read.size, read.tag]);
    for await (const { version } of storage.list("d/")) {
      assert.deepEqual([version.size, version.tag], [read.size, read.tag]);
    }
  }],
  ["lists have every file below, and nothing else", async (storage) => {
    for (const path of ["a/1", "a/2", "a/b/3", "ab/4", "c"]) await putText(storage, path, path);
    assert.deepEqual(await listed(storage, ""), ["a/1", "a/2", "a/b/3", "ab/4", "c"]);
    assert.deepEqual(await listed(storage, "a/"), ["a/1", "a/2", "a/b/3"]);
    if (storage.capabilities.listsByPrefix) {
      assert.deepEqual(await listed(storage, "a"), ["a/1", "a/2", "a/b/3", "ab/4"]);
    }
  }],
  ...ODD_PATHS.map((path): Case => [`a file can be called ${path}`, async (storage) => {
    if (REMOTE_SCHEMES.includes(storage.root.scheme) && /%[0-9A-F]{2}/.test(path)) {
      await assert.rejects(putText(storage, path, path), RefusedError);
      return;
    }
    await putText(storage, path, path);
    assert.equal(decode((await storage.readWhole(path, 1000))!.bytes), path);
    assert.deepEqual(await listed(storage, ""), [path]);
    assert.equal((await storage.deleteMany([path])).nDeleted, 1);
    assert.equal(await storage.stat(path), null);
  }]),
  ...["../out", "a/../../out", "/etc/passwd", "nul\0"].map((path): Case => [
    `nothing is at ${JSON.stringify(path)}, which is outside`,
    async (storage) => {
      await assert.rejects(async () => await storage.readWhole(path, 10), RefusedError);
      await assert.rejects(async () => await putText(storage, path, "x"), RefusedError);
    },
  ]),
  ["many are deleted, and absent ones are no error", async (storage) => {
    const paths = Array.from({ length: 25 }, (_, i) => `d${i % 3}/${i}`);
    for (const path of paths) await putText(storage, path, path);
    await putText(storage, "keep", "x");
    let nGone = 0;
    const result = await storage.deleteMany([...paths, "d0/absent", "no/where"], (n) => nGone += n);
    assert.equal(nGone, 27);
    if (result.nAbsent !== null) assert.deepEqual(result, { nDeleted: 25, nAbsent: 2 });
    assert.deepEqual(await listed(storage, ""), ["keep"]);
  }],
  ["a copy inside is a file of its own", async (storage) => {
    await putText(storage, "from/a", "content");
    await storage.copyInside("from/a", "to/b/c", NEW);
    await storage.deleteMany(["from/a"]);
    assert.equal(decode((await storage.readWhole("to/b/c", 100))!.bytes), "content");
    await assert.rejects(storage.copyInside("from/a", "to/d", ANY), NotFoundError);
    await putText(storage, "from/a", "other");
    await assert.rejects(storage.copyInside("from/a", "to/b/c", NEW), RefusedError);
  }],
  ["an opened file that is replaced is not read on", async (storage) => {
    // An opened local file stays what it was.
    if (storage.capabilities.isLocal) return;
    const bytes = randomBytes(2 ** 17);
    await storage.put("d/a", new MemorySource(bytes), ANY);
    const source = (await storage.open("d/a"))!;
    await storage.put("d/a", new MemorySource(bytes.slice().reverse()), ANY);
    await assert.rejects(source.read(0, 10), EnvironmentError);
  }],
  ["the root answers", async (storage) => {
    await putText(storage, "a", "x");
    assert.equal(await storage.look(), true);
  }],
];
