/** Ranges of one file that several write, each through a file of its own. */

import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import { RangeWriter } from "../../lib/storage/range_writer.ts";
import { StoredZipWriter } from "../../lib/codec/zip_writer.ts";
import { ZipReader } from "../../lib/codec/zip_reader.ts";
import { FileSource } from "../../lib/storage/file_source.ts";
import { temporaryDirectory } from "../support/fixtures.ts";

const BYTES = Uint8Array.from({ length: 900_000 }, (_, i) => (i * 2654435761 >>> 11) & 0xff);

function opened(path: string): Deno.FsFile {
  return Deno.openSync(path, { write: true, create: true });
}

Deno.test("RangeWriter writes ranges side by side, in pieces of any size", async () => {
  await using work = await temporaryDirectory();
  const path = work.join("file");
  const ends = [0, 1, 300_000, 300_000, 900_000];
  const files = ends.slice(1).map(() => opened(path));
  const writers = files.map((file, i) =>
    new RangeWriter(file, path, `range ${i}`, ends[i], ends[i + 1] - ends[i])
  );
  // Small pieces in turn, and one that is larger than the buffer.
  for (let at = 0, size = 1; at < 900_000; at += size, size = size * 7 % 1009 + 1) {
    writers.forEach((writer, i) => {
      if (i === 3 && at > 100_000) return;
      const start = Math.min(ends[i] + at, ends[i + 1]);
      writer.write(BYTES.subarray(start, Math.min(start + size, ends[i + 1])));
    });
  }
  writers[3].write(BYTES.subarray(ends[3] + writers[3].nDone));
  writers.forEach((writer, i) => {
    assert.equal(writer.finish(), crc32(BYTES.subarray(ends[i], ends[i + 1])));
  });
  for (const file of files) file.close();
  assert.deepEqual(Deno.readFileSync(path), BYTES);
});

Deno.test("RangeWriter refuses bytes too many and too few, and names the file that can't be written", async () => {
  await using work = await temporaryDirectory();
  using file = opened(work.join("file"));
  const writer = new RangeWriter(file, "a", "range", 0, 10);
  writer.write(BYTES.subarray(0, 9));
  assert.throws(() => writer.finish(), /RangeError.* 9 bytes, expected 10/);
  assert.throws(() => writer.write(BYTES.subarray(0, 2)), /RangeError.* 11 bytes, expected 10/);
  assert.throws(() => writer.skip(2, 0), /RangeError.* 11 bytes, expected 10/);
  using readOnly = Deno.openSync(work.join("file"), { read: true });
  const refused = new RangeWriter(readOnly, "out.qg", "range", 0, 10);
  refused.write(BYTES.subarray(0, 10));
  assert.throws(() => refused.finish(), /EnvironmentError.*"out.qg"/);
});

Deno.test("a member that others have written in part is read back whole", async () => {
  await using work = await temporaryDirectory();
  const path = work.join("archive");
  using file = opened(path);
  const zip = new StoredZipWriter(file, [{ name: "a", size: 5 }, { name: "b", size: 700_000 }]);
  zip.write("a", BYTES.subarray(0, 5));
  zip.write("b", BYTES.subarray(0, 10));
  using other = opened(path);
  const share = new RangeWriter(other, path, "b", zip.dataOffset("b") + 10, 500_000);
  share.write(BYTES.subarray(10, 400_000));
  share.write(BYTES.subarray(400_000, 500_010));
  zip.skip("b", 500_000, share.finish());
  zip.write("b", BYTES.subarray(500_010, 700_000));
  assert.throws(() => zip.skip("b", 1, 0), /RangeError.*"b"/);
  zip.finish();
  using source = FileSource.open(path);
  const reader = await ZipReader.open(source);
  // Checks the CRC-32 as well.
  assert.deepEqual(await reader.readMember("b"), BYTES.subarray(0, 700_000));
  assert.deepEqual(await reader.readMember("a"), BYTES.subarray(0, 5));
});
