/** Names of files in records and templates: what the reference's `Location` makes of the same texts. */

import assert from "node:assert/strict";
import { RefusedError, RepositoryError } from "../../../lib/base/errors.ts";
import { absolutePath, recordPath } from "../../../lib/butler/datastore/datastore_path.ts";
import { recordedFile, splitRecordPath } from "../../../lib/butler/datastore/recorded_file.ts";

// Found with `LocationFactory("/data").fromPath(TEMPLATE)` of release 30.2026.4300: the file it names, and
// what `pathInStore` says, which is recorded.
const TEMPLATE_PATHS: [template: string, record: string, file: string][] = [
  ["a:b/c.json", "a:b/c.json", "a:b/c.json"],
  ["a%3Ab/c.x", "a:b/c.x", "a:b/c.x"],
  ["a%3ab/c", "a%3ab/c", "a:b/c"],
  ["x%2541y/c", "x%41y/c", "xAy/c"],
  ["50%/c", "50%/c", "50%/c"],
  ["a%2Fb/c", "a/b/c", "a/b/c"],
  ["a%C3%A4/ä", "aä/ä", "aä/ä"],
  ["dir#1/c", "dir#1/c", "dir#1/c"],
  ["a?b/c;d", "a?b/c;d", "a?b/c;d"],
];

for (const [template, record, file] of TEMPLATE_PATHS) {
  Deno.test(`a path by template "${template}" is recorded as "${record}", its file is "${file}"`, () => {
    assert.equal(recordPath(template), record);
    assert.equal(absolutePath("/data", recordPath(template)), `/data/${file}`);
    assert.deepEqual(recordedFile(record, "/data"), {
      path: `/data/${file}`,
      zipMember: null,
    });
  });
}

for (const path of ["%2E%2E/x", "a/%2E%2E/%2E%2E/x", "%2Fetc/x", "a%00b", "%252E%252E/x"]) {
  Deno.test(`escapes never lead out of the datastore: "${path}"`, () => {
    assert.throws(() => recordPath(path), RefusedError);
    assert.throws(() => absolutePath("/data", path), RefusedError);
  });
}

const RECORDS: [record: string, path: string, zipMember: string | null][] = [
  ["zips/0d5c/x.zip#zip-path=019f-isr_log.json", "/data/zips/0d5c/x.zip", "019f-isr_log.json"],
  ["zips/x.zip#zip-path=a:b c.json", "/data/zips/x.zip", "a:b c.json"],
  ["zips/x.zip#zip-path=100%.json", "/data/zips/x.zip", "100%.json"],
  ["a/b.fits#hdu=1", "/data/a/b.fits", null],
  ["a#1/b.fits", "/data/a#1/b.fits", null],
  ["u:me/run:1/b.json", "/data/u:me/run:1/b.json", null],
  ["file:///other/b.qg", "/other/b.qg", null],
  ["file:///other/a%23b.qg", "/other/a#b.qg", null],
  ["file:///other/x.zip#zip-path=a%20b", "/other/x.zip", "a b"],
];

for (const [record, path, zipMember] of RECORDS) {
  Deno.test(`record path "${record}" names ${zipMember ?? "the whole"} of ${path}`, () => {
    assert.deepEqual(recordedFile(record, "/data"), { path, zipMember });
  });
}

for (const record of ["/etc/passwd", "../x", "a/../../x", "/etc/x.zip#zip-path=a"]) {
  Deno.test(`a record never leads out of the datastore without a scheme: "${record}"`, () => {
    assert.throws(() => recordedFile(record, "/data"), RefusedError);
  });
}

Deno.test("a record that names another scheme is refused, and can be taken apart all the same", () => {
  const record = "s3://bucket/x.zip#zip-path=a";
  assert.throws(() => recordedFile(record, "/data"), RepositoryError);
  assert.deepEqual(splitRecordPath(record), { location: "s3://bucket/x.zip", zipMember: "a" });
});
