import assert from "node:assert/strict";
import { EnvironmentError, NotFoundError } from "../../lib/base/errors.ts";
import { CountingSource, MemorySource } from "../support/sources.ts";
import {
  fileIdentity,
  FileSource,
  readWholeFile,
  ReusableBuffer,
} from "../../lib/storage/file_source.ts";
import { inTemporaryDirectory, randomBytes } from "./support.ts";

const isRoot = Deno.uid() === 0;

Deno.test("FileSource reads exactly the range asked for", async () => {
  await inTemporaryDirectory(async (directory) => {
    const path = `${directory}/a`;
    const data = randomBytes(1000);
    Deno.writeFileSync(path, data);
    using source = FileSource.open(path);
    assert.equal(source.size, 1000);
    for (const [offset, length] of [[0, 0], [0, 1000], [1000, 0], [999, 1], [17, 300]]) {
      assert.deepEqual(source.readSync(offset, length), data.slice(offset, offset + length));
      assert.deepEqual(await source.read(offset, length), data.slice(offset, offset + length));
    }
  });
});

Deno.test("FileSource refuses a range that isn't in the file, before it allocates", async () => {
  await inTemporaryDirectory(async (directory) => {
    const path = `${directory}/a`;
    Deno.writeFileSync(path, new Uint8Array(10));
    using source = FileSource.open(path);
    for (
      const [offset, length] of [[0, 11], [10, 1], [-1, 2], [0, -1], [0, 2 ** 52], [2 ** 53, 1]]
    ) {
      assert.throws(() => source.readSync(offset, length), EnvironmentError);
      await assert.rejects(source.read(offset, length), EnvironmentError);
    }
    assert.throws(() => source.readSync(0, NaN), EnvironmentError);
  });
});

Deno.test("FileSource names the file when it is cut while open, and when it is closed", () => {
  inTemporaryDirectory((directory) => {
    const path = `${directory}/a`;
    Deno.writeFileSync(path, new Uint8Array(10));
    const source = FileSource.open(path);
    Deno.truncateSync(path, 4);
    assert.throws(() => source.readSync(0, 10), new RegExp(`"${path}": the file ends after 4`));
    assert.equal(source.refreshSize(), 4);
    source.close();
    source.close();
    assert.throws(() => source.readSync(0, 1), /it has been closed/);
  });
});

Deno.test("FileSource sees growth after refreshSize()", () => {
  inTemporaryDirectory((directory) => {
    const path = `${directory}/a`;
    Deno.writeFileSync(path, Uint8Array.of(1));
    using source = FileSource.open(path);
    Deno.writeFileSync(path, Uint8Array.of(2, 3), { append: true });
    assert.equal(source.size, 1);
    assert.equal(source.refreshSize(), 3);
    assert.deepEqual(source.readSync(1, 2), Uint8Array.of(2, 3));
  });
});

Deno.test("FileSource.open() tells absence from what can't be read", () => {
  inTemporaryDirectory((directory) => {
    const path = `${directory}/a`;
    assert.throws(() => FileSource.open(path), NotFoundError);
    Deno.writeFileSync(path, new Uint8Array(1));
    assert.throws(() => FileSource.open(`${path}/b`), NotFoundError);
    assert.throws(() => FileSource.open(directory), /UnusableFileError.*is a directory/);
    assert.throws(() => FileSource.open("/dev/null"), /UnusableFileError.*not a regular file/);
  });
});

Deno.test("readWholeFile() reads files of any size into one buffer", () => {
  inTemporaryDirectory((directory) => {
    const buffer = new ReusableBuffer(16);
    for (const size of [0, 1, 15, 16, 17, 65535, 65536, 65537, 300_000, 3]) {
      const path = `${directory}/${size}`;
      const data = randomBytes(size, size);
      Deno.writeFileSync(path, data);
      Deno.utimeSync(path, 1_700_000_000, 1_700_000_000.123);
      const file = readWholeFile(path, buffer);
      assert.deepEqual(file?.bytes, data);
      assert.equal(file.size, size);
      assert.equal(file.mtimeNs, 1_700_000_000_123_000_000n);
      const { bytes: _, seenMs, ...version } = file;
      assert.deepEqual({ ...fileIdentity(path), seenMs }, { ...version, seenMs });
      const { ctime, ino } = Deno.statSync(path);
      assert.deepEqual([version.ctimeMs, version.inode], [ctime!.getTime(), ino]);
    }
  });
});

Deno.test("readWholeFile() is null only when nothing is there", () => {
  inTemporaryDirectory((directory) => {
    const buffer = new ReusableBuffer();
    const path = `${directory}/a`;
    Deno.writeFileSync(path, new Uint8Array(100));
    for (const absent of [`${directory}/b`, `${directory}/b/c`, `${path}/c`]) {
      assert.equal(readWholeFile(absent, buffer), null);
      assert.equal(fileIdentity(absent), null);
    }
    assert.throws(
      () => readWholeFile(directory, buffer),
      new RegExp(`"${directory}": it is a dir`),
    );
    assert.throws(() => readWholeFile(path, buffer, 99), /100 bytes, more than the 99 allowed/);
    const loop = `${directory}/loop`;
    Deno.symlinkSync("loop", loop);
    assert.throws(() => readWholeFile(loop, buffer), EnvironmentError);
    assert.throws(() => readWholeFile(`${directory}/${"x".repeat(300)}`, buffer), EnvironmentError);
    assert.throws(() => readWholeFile(`${directory}/\0`, buffer), EnvironmentError);
  });
});

Deno.test({
  name: "readWholeFile() doesn't wait on a FIFO",
  fn: () =>
    inTemporaryDirectory((directory) => {
      const { success } = new Deno.Command("mkfifo", { args: [`${directory}/f`] }).outputSync();
      assert.ok(success);
      const buffer = new ReusableBuffer();
      assert.throws(() => readWholeFile(`${directory}/f`, buffer), /not a regular file/);
      assert.throws(() => FileSource.open(`${directory}/f`), /not a regular file/);
    }),
});

Deno.test({
  name: "readWholeFile() takes a file without permission as an error, not as absent",
  ignore: isRoot,
  fn: () =>
    inTemporaryDirectory((directory) => {
      Deno.writeFileSync(`${directory}/a`, new Uint8Array(1), { mode: 0 });
      assert.throws(() => readWholeFile(`${directory}/a`, new ReusableBuffer()), EnvironmentError);
    }),
});

Deno.test("ReusableBuffer gives a giant buffer back", () => {
  const buffer = new ReusableBuffer(16, 2 ** 17);
  const small = buffer.atLeast(10);
  assert.equal(buffer.atLeast(16), small);
  assert.ok(buffer.atLeast(2 ** 18).length >= 2 ** 18);
  assert.ok(buffer.atLeast(100).length <= 2 ** 17);
  const used = buffer.atLeast(100);
  used.set([1, 2, 3]);
  assert.deepEqual(buffer.grown(2 ** 18, 3).slice(0, 4), Uint8Array.of(1, 2, 3, 0));
});

Deno.test("CountingSource counts reads and bytes, MemorySource refuses what isn't there", async () => {
  const source = new CountingSource(new MemorySource(Uint8Array.of(1, 2, 3), "m"));
  assert.deepEqual(await source.read(1, 2), Uint8Array.of(2, 3));
  await assert.rejects(source.read(2, 2), /"m": it has 3 bytes/);
  assert.deepEqual([source.nReads, source.nBytes, source.size, source.name], [2, 4, 3, "m"]);
});
