import assert from "node:assert/strict";
import { inflateRaw } from "../../lib/codec/inflate.ts";
import { crc32, deflateRawSync } from "node:zlib";
import { InvalidQuantumGraphFileError } from "../../lib/base/errors.ts";
import { CountingSource, MemorySource } from "../support/sources.ts";
import { FileSource } from "../../lib/storage/file_source.ts";
import { ZipReader } from "../../lib/codec/zip_reader.ts";
import { type PlannedMember, StoredZipWriter } from "../../lib/codec/zip_writer.ts";
import { inTemporaryDirectory, randomBytes } from "../storage/support.ts";

/** An archive made by the writer, each member in one piece. */
function archive(members: Record<string, Uint8Array>): Uint8Array<ArrayBuffer> {
  return inTemporaryDirectory((directory) => {
    const path = `${directory}/a.zip`;
    using file = Deno.openSync(path, { write: true, createNew: true });
    const planned = Object.entries(members).map(([name, data]) => ({ name, size: data.length }));
    const writer = new StoredZipWriter(file, planned);
    for (const [name, data] of Object.entries(members)) writer.write(name, data);
    writer.finish();
    return Deno.readFileSync(path);
  });
}

/** A deflated member by hand, since the writer makes stored ones only. */
function deflatedArchive(
  name: string,
  content: Uint8Array,
  change: { method?: number; flags?: number; size?: number } = {},
): Uint8Array {
  const data = deflateRawSync(content);
  const bytes = archive({ [name]: data });
  const view = new DataView(bytes.buffer);
  const directory = view.getUint32(bytes.length - 6, true);
  for (const [header, flags, method, size] of [[0, 6, 8, 22], [directory, 8, 10, 24]]) {
    view.setUint16(header + flags, change.flags ?? 0, true);
    view.setUint16(header + method, change.method ?? 8, true);
    view.setUint32(header + size, change.size ?? content.length, true);
  }
  view.setUint32(directory + 16, crc32(content), true);
  return bytes;
}

async function open(bytes: Uint8Array): Promise<ZipReader> {
  return await ZipReader.open(new MemorySource(bytes, "test.qg"), inflateRaw);
}

async function rejectsNaming(promise: Promise<unknown>, ...parts: string[]): Promise<void> {
  await assert.rejects(promise, (error: Error) => {
    assert.ok(error instanceof InvalidQuantumGraphFileError, `${error.name}: ${error.message}`);
    for (const part of parts) {
      assert.ok(error.message.includes(part), `"${error.message}" lacks "${part}"`);
    }
    return true;
  });
}

Deno.test("a member of unknown size ends where it is ended, and others follow it", async () => {
  await inTemporaryDirectory(async (directory) => {
    const path = `${directory}/a.zip`;
    using file = Deno.openSync(path, { write: true, createNew: true });
    const contents: Record<string, Uint8Array> = {
      first: randomBytes(10, 1),
      open: randomBytes(400_000, 2),
      empty: new Uint8Array(0),
      last: randomBytes(20, 3),
    };
    const writer = new StoredZipWriter(file, [{ name: "first", size: 10 }]);
    writer.begin("open");
    for (let at = 0; at < 400_000; at += 70_000) {
      writer.write("open", contents.open.subarray(at, at + 70_000));
    }
    writer.end("open");
    writer.begin("empty");
    writer.end("empty");
    writer.plan([{ name: "last", size: 20 }]);
    assert.throws(() => writer.plan([{ name: "open", size: 1 }]), RangeError);
    writer.write("first", contents.first);
    writer.write("last", contents.last);
    writer.finish();
    using source = FileSource.open(path);
    const zip = await ZipReader.open(source);
    assert.deepEqual([...zip.members.keys()], Object.keys(contents));
    for (const name of zip.members.keys()) {
      assert.deepEqual(await zip.readMember(name), contents[name]);
    }
  });
});

Deno.test("ZipReader returns what StoredZipWriter wrote, members interleaved and of any size", async () => {
  const sizes = [0, 1, 317, 65536, 262143, 262144, 262145, 700_001];
  const contents = new Map(sizes.map((size, i) => [`member-${i}.mb`, randomBytes(size, i)]));
  await inTemporaryDirectory(async (directory) => {
    const path = `${directory}/a.zip`;
    using file = Deno.openSync(path, { write: true, createNew: true });
    const planned: PlannedMember[] = [...contents].map(([name, { length: size }]) => ({
      name,
      size,
    }));
    const writer = new StoredZipWriter(file, planned);
    const positions = new Map<string, number>();
    for (let piece = 1, left = true; left; piece = piece * 3 % 300_007) {
      left = false;
      for (const [name, data] of contents) {
        const at = positions.get(name) ?? 0;
        writer.write(name, data.subarray(at, at + piece));
        positions.set(name, Math.min(at + piece, data.length));
        left ||= at + piece < data.length;
      }
    }
    assert.equal(writer.finish(), Deno.statSync(path).size);
    using source = FileSource.open(path);
    const zip = await ZipReader.open(source);
    assert.deepEqual([...zip.members.keys()], [...contents.keys()]);
    for (const [name, data] of contents) {
      assert.deepEqual(await zip.readMember(name), data);
      assert.equal(await zip.dataOffset(name), writer.dataOffset(name));
      await zip.checkMember(name);
      const member = await zip.memberSource(name);
      assert.equal(member.size, data.length);
      const half = data.length >> 1;
      assert.deepEqual(await member.read(half, data.length - half), data.subarray(half));
      await assert.rejects(member.read(half, data.length + 1), { name: "EnvironmentError" });
    }
  });
});

Deno.test("ZipReader.open() reads the tail once and small members in one read each", async () => {
  const bytes = archive({
    "header.json.zst": randomBytes(300),
    "quanta.mb": randomBytes(200_000),
    "nodes.addr": randomBytes(90_000),
  });
  const source = new CountingSource(new MemorySource(bytes));
  const zip = await ZipReader.open(source);
  assert.deepEqual([source.nReads, source.nBytes], [1, 65536]);
  await zip.readMember("header.json.zst");
  assert.equal(source.nReads, 2);
  await zip.memberSource("nodes.addr");
  await zip.memberSource("nodes.addr");
  assert.equal(source.nReads, 3);
});

Deno.test("ZipReader reads ZIP64 members beyond 4 GiB in a sparse file", async () => {
  await inTemporaryDirectory(async (directory) => {
    const path = `${directory}/big.zip`;
    const gap = 2 ** 32 + 12_345;
    const [before, after] = [new TextEncoder().encode("before"), new TextEncoder().encode("after")];
    using file = Deno.openSync(path, { write: true, read: true, createNew: true });
    // The writer itself would have to write all zeros, so the large member is cut out by hand: its
    // headers come from a writer whose file swallows the data.
    const members = [{ name: "a", size: 6 }, { name: "huge.mb", size: gap }, {
      name: "z",
      size: 5,
    }];
    const writer = new StoredZipWriter(sparse(file), members);
    writer.write("z", after);
    writer.write("a", before);
    const zeros = new Uint8Array(2 ** 26);
    for (let left = gap; left > 0;) {
      const n = Math.min(left, zeros.length);
      writer.write("huge.mb", n === zeros.length ? zeros : zeros.subarray(0, n));
      left -= n;
    }
    const size = writer.finish();
    assert.equal(Deno.statSync(path).size, size);
    using source = FileSource.open(path);
    const zip = await ZipReader.open(source);
    assert.deepEqual([...zip.members.values()].map((member) => member.size), [6, gap, 5]);
    assert.deepEqual(await zip.readMember("a"), before);
    assert.deepEqual(await zip.readMember("z"), after);
    assert.ok(zip.members.get("z")!.headerOffset > 2 ** 32);
    const huge = await zip.memberSource("huge.mb");
    assert.deepEqual(await huge.read(gap - 3, 3), new Uint8Array(3));
    await rejectsNaming(zip.readMember("huge.mb"), "huge.mb", `${gap} bytes`);
  });
});

/** A file that skips zeros instead of writing them. */
function sparse(file: Deno.FsFile): Deno.FsFile {
  return {
    seekSync: (offset: number, whence: Deno.SeekMode) => file.seekSync(offset, whence),
    writeSync: (data: Uint8Array) => {
      if (data.length < 2 ** 20) return file.writeSync(data);
      file.seekSync(data.length, Deno.SeekMode.Current);
      return data.length;
    },
  } as Deno.FsFile;
}

Deno.test("ZipReader.open() refuses an archive cut at any byte, without hanging", async () => {
  const bytes = archive({ a: randomBytes(50, 1), "b.mb": randomBytes(100, 2) });
  for (let length = 0; length < bytes.length; length++) {
    await rejectsNaming(open(bytes.slice(0, length)), "test.qg");
  }
});

Deno.test("ZipReader names the damage or returns the content when any byte is flipped", async () => {
  const contents = { a: randomBytes(50, 1), "b.mb": randomBytes(70, 2) };
  const bytes = archive(contents);
  for (let i = 0; i < bytes.length; i++) {
    for (const mask of [1, 0x80, 0xff]) {
      const damaged = bytes.slice();
      damaged[i] ^= mask;
      try {
        const zip = await open(damaged);
        for (const [name, data] of Object.entries(contents)) {
          if (zip.members.has(name)) assert.deepEqual(await zip.readMember(name), data);
        }
      } catch (error) {
        assert.ok(error instanceof InvalidQuantumGraphFileError, `byte ${i}: ${error}`);
      }
    }
  }
});

Deno.test("ZipReader.readMember() checks the CRC unless told not to", async () => {
  const bytes = archive({ "header.json.zst": randomBytes(100) });
  const at = await (await open(bytes)).dataOffset("header.json.zst");
  bytes[at + 7] ^= 1;
  const zip = await open(bytes);
  await rejectsNaming(zip.readMember("header.json.zst"), "header.json.zst", "CRC-32", "expected");
  await rejectsNaming(zip.checkMember("header.json.zst"), "header.json.zst", "CRC-32");
  assert.equal((await zip.readMember("header.json.zst", { checkCrc: false })).length, 100);
});

Deno.test("ZipReader.readMember() inflates within the stated size; memberSource() refuses", async () => {
  const content = new TextEncoder().encode("deflated ".repeat(1000));
  const zip = await open(deflatedArchive("x.mb", content));
  assert.deepEqual(new Uint8Array(await zip.readMember("x.mb")), content);
  await zip.checkMember("x.mb");
  await rejectsNaming(zip.memberSource("x.mb"), "x.mb", "expected stored");
  for (const size of [0, 10, content.length - 1, content.length + 1]) {
    const liar = await open(deflatedArchive("x.mb", content, { size }));
    await rejectsNaming(liar.readMember("x.mb"), "x.mb");
  }
  const bzip = await open(deflatedArchive("x.mb", content, { method: 12 }));
  await rejectsNaming(bzip.readMember("x.mb"), "x.mb", "ZIP method 12");
});

Deno.test("ZipReader.open() refuses encryption, a name twice, overlaps and places outside", async () => {
  await rejectsNaming(
    open(deflatedArchive("x", new Uint8Array(9), { flags: 1 })),
    "x",
    "encrypted",
  );
  const bytes = archive({ a: new Uint8Array(20), b: new Uint8Array(20) });
  const directory = new DataView(bytes.buffer).getUint32(bytes.length - 6, true);
  const second = directory + 47;
  const cases: [string, number, number[]][] = [
    ["twice", second + 46, [97]],
    ["overlaps", second + 42, [10, 0, 0, 0]],
    ["pass the directory", second + 42, [0, 0, 1, 0]],
    ["sizes are", second + 24, [1, 0, 0, 0]],
    ["pass the directory", second + 20, [0, 1, 0, 0, 0, 1, 0, 0]],
    ["ZIP64 extra field", second + 42, [255, 255, 255, 255]],
    ["members in", bytes.length - 14, [255, 0, 255, 0]],
    ["directory of", bytes.length - 10, [0, 0, 0, 16]],
    ["several volumes", bytes.length - 18, [1]],
  ];
  for (const [expected, at, values] of cases) {
    const damaged = bytes.slice();
    damaged.set(values, at);
    await rejectsNaming(open(damaged), expected);
  }
});

Deno.test("ZipReader reads an archive with the longest comment", async () => {
  const plain = archive({ a: randomBytes(10) });
  const bytes = new Uint8Array(plain.length + 65535).fill(0x50);
  bytes.set(plain);
  bytes.set([255, 255], plain.length - 2);
  assert.deepEqual(await (await open(bytes)).readMember("a"), randomBytes(10));
});

Deno.test("ZipReader says when a member is missing or too large", async () => {
  const zip = await open(archive({ a: new Uint8Array(100) }));
  await rejectsNaming(zip.readMember("b"), '"b"', "no such member");
  await rejectsNaming(zip.memberSource("b"), '"b"', "no such member");
  await rejectsNaming(zip.readMember("a", { maxSize: 99 }), '"a"', "99 allowed");
});

Deno.test("StoredZipWriter refuses what wasn't planned", () => {
  inTemporaryDirectory((directory) => {
    using file = Deno.openSync(`${directory}/a`, { write: true, createNew: true });
    const twice = [{ name: "a", size: 1 }, { name: "a", size: 1 }];
    assert.throws(() => new StoredZipWriter(file, twice), RangeError);
    assert.throws(() => new StoredZipWriter(file, [{ name: "a", size: -1 }]), RangeError);
    const writer = new StoredZipWriter(file, [{ name: "a", size: 3 }]);
    assert.throws(() => writer.write("b", new Uint8Array(1)), RangeError);
    assert.throws(() => writer.write("a", new Uint8Array(4)), RangeError);
    writer.write("a", new Uint8Array(2));
    assert.throws(() => writer.finish(), /2 bytes, expected 3/);
  });
});

Deno.test("StoredZipWriter writes ZIP64 end records for 65 535 members", async () => {
  const members = Object.fromEntries(
    Array.from({ length: 65_535 }, (_, i) => [`m${i}`, new Uint8Array(0)]),
  );
  const zip = await open(archive(members));
  assert.equal(zip.members.size, 65_535);
  assert.equal((await zip.readMember("m65534")).length, 0);
});

Deno.test("StoredZipWriter names the file when it can't be written", () => {
  inTemporaryDirectory((directory) => {
    Deno.writeFileSync(`${directory}/a`, new Uint8Array(0));
    using file = Deno.openSync(`${directory}/a`, { read: true });
    const writer = new StoredZipWriter(file, [{ name: "a", size: 300_000 }], "out.qg.tmp");
    assert.throws(
      () => writer.write("a", new Uint8Array(300_000)),
      /EnvironmentError.*"out.qg.tmp"/,
    );
  });
});
