/** URIs, keys and their quoting: the table of `schema/storage.md`, section 1. */

import assert from "node:assert/strict";
import { RefusedError, UsageError } from "../../../lib/base/errors.ts";
import { isRemoteUri, StorageUrl } from "../../../lib/storage/remote/storage_url.ts";

const PARSED:
  readonly (readonly [text: string, scheme: string, authority: string, path: string])[] = [
    ["s3://bucket/a/b", "s3", "bucket", "/a/b"],
    ["s3://bucket", "s3", "bucket", "/"],
    ["S3://bucket/A", "s3", "bucket", "/A"],
    ["s3://prof-A@bucket/k/", "s3", "prof-A@bucket", "/k"],
    ["s3://p:secret@bucket/k", "s3", "p@bucket", "/k"],
    ["s3://tenant:bucket/k", "s3", "tenant:bucket", "/k"],
    ["s3://b/sub//dbl.txt", "s3", "b", "/sub/dbl.txt"],
    ["s3://b/a/../b.txt", "s3", "b", "/b.txt"],
    ["s3://b/./c.txt", "s3", "b", "/c.txt"],
    ["s3://b/a#frag.txt", "s3", "b", "/a"],
    ["s3://b/a%20b%25", "s3", "b", "/a b%"],
    ["s3://b/a?b;c:d<+&", "s3", "b", "/a?b;c:d<+&"],
    ["s3://b/%zz", "s3", "b", "/%zz"],
    ["dav://h:1234/x//y?authz=t", "dav", "h:1234", "/x/y"],
    ["davs://h/x", "davs", "h", "/x"],
    ["/data/x/", "file", "", "/data/x"],
    ["file:///data/a%20b", "file", "", "/data/a b"],
  ];
for (const [text, scheme, authority, path] of PARSED) {
  Deno.test(`StorageUrl.parse() reads ${text}`, () => {
    const url = StorageUrl.parse(text);
    assert.deepEqual([url.scheme, url.authority, url.path], [scheme, authority, path]);
    assert.deepEqual(StorageUrl.parse(url.text), url);
  });
}

for (
  const [text, reason] of [
    ["gs://bucket/x", /"gs" is not supported/],
    ["http://host/x", /"http" is not supported/],
    ["https://host/x", /"https" is not supported/],
    ["resource://lsst/x", /"resource" is not supported/],
    ["s3:///key", /names no bucket/],
    ["dav:///x", /names no host/],
    ["davs://user:secret@host/x", /has a user in it/],
    ["relative/path", /as a URI/],
    ["s3://b/%ff", /isn't quoted UTF-8/],
  ] as const
) {
  Deno.test(`StorageUrl.parse() refuses ${text}`, () => {
    assert.throws(() => StorageUrl.parse(text), (error) => {
      assert.ok(error instanceof UsageError, String(error));
      assert.match(error.message, reason);
      assert.doesNotMatch(error.message + error.hint, /secret/);
      return true;
    });
  });
}

for (const path of ["/etc/x", "../x", "a/../x", "a\0b", "a%41b"]) {
  Deno.test(`StorageUrl.child() refuses ${JSON.stringify(path)} in a bucket`, () => {
    assert.throws(() => StorageUrl.parse("s3://b/root").child(path), RefusedError);
  });
}

Deno.test("StorageUrl.child() takes a path as it is", () => {
  const url = StorageUrl.parse("s3://p@b/top").child("a b/%zz/ü?.txt");
  assert.equal(url.path, "/top/a b/%zz/ü?.txt");
  assert.equal(url.text, "s3://p@b/top/a%20b/%25zz/%C3%BC%3F.txt");
  assert.equal(url.name, "ü?.txt");
  assert.equal(url.parent.text, "s3://p@b/top/a%20b/%25zz");
});

Deno.test("isRemoteUri() knows the schemes of stores", () => {
  const texts = ["s3://b/k", "dav://h/x", "DAVS://h/x", "http://h/x", "/s3://x", "s3:x", "a"];
  assert.deepEqual(texts.map(isRemoteUri), [true, true, true, false, false, false, false]);
});
