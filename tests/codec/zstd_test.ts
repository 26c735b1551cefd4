import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { constants, zstdCompressSync } from "node:zlib";
import { InvalidQuantumGraphFileError } from "../../lib/base/errors.ts";
import { Zstd } from "../../lib/codec/zstd.ts";
import { randomBytes, recordText } from "../storage/support.ts";
import { frameContentSize } from "../../lib/codec/zstd_frame.ts";

const zstd = await Zstd.load();
const raw = recordText(32768, 7);

/** Dictionaries of every kind that can be made here; trained ones are in the conformance fixtures. */
const DICTIONARIES: [string, Uint8Array | null][] = [
  ["none", null],
  ["zero bytes", new Uint8Array(0)],
  ["7 bytes", raw.slice(0, 7)],
  ["8 bytes", raw.slice(0, 8)],
  ["raw", raw],
  ["128 KiB", recordText(2 ** 17, 3)],
];

function refuses(body: () => unknown, ...parts: string[]): void {
  assert.throws(body, (error: Error) => {
    assert.ok(error instanceof InvalidQuantumGraphFileError, `${error.name}: ${error.message}`);
    for (const part of ["Cannot decompress block 7", ...parts]) {
      assert.ok(error.message.includes(part), `"${error.message}" lacks "${part}"`);
    }
    return true;
  });
}

function equal(a: Uint8Array, b: Uint8Array): void {
  // deepEqual of arrays of megabytes takes seconds.
  assert.equal(a.length, b.length);
  assert.equal(Buffer.compare(a, b), 0);
}

Deno.test("Zstd round trips every kind of dictionary at sizes around each limit", () => {
  const sizes = [0, 1, 270, 3000, 2 ** 18, 2 ** 18 + 1];
  for (const [, dictionary] of DICTIONARIES) {
    const compressor = zstd.compressor(dictionary, 10);
    const decompressor = zstd.decompressor(dictionary);
    for (const size of sizes) {
      const data = recordText(size, size);
      const before = data.slice();
      const frame = compressor.compress(data);
      equal(data, before);
      assert.equal(frameContentSize(frame), size);
      assert.equal(frame.length, frame.buffer.byteLength);
      equal(decompressor.decompress(frame, "block 7"), data);
    }
  }
});

Deno.test("Zstd round trips documents beyond the heap of the small codec", () => {
  const large = recordText(5_000_000, 1);
  const noise = randomBytes(2_500_000, 1);
  for (const dictionary of [null, raw]) {
    const compressor = zstd.compressor(dictionary, 3);
    const decompressor = zstd.decompressor(dictionary);
    for (const data of [large, large.subarray(0, 4_100_000), noise, large.subarray(0, 1_000_000)]) {
      const frame = compressor.compress(data);
      assert.equal(frameContentSize(frame), data.length);
      equal(decompressor.decompress(frame, "block 7"), data);
    }
  }
  // Frames that do use the dictionary, joined to one of 8 MB: large, and needing the dictionary.
  equal(zstd.decompressor(raw).decompress(joined(raw, 8), "block 7"), repeated(raw, 8));
  refuses(() => zstd.decompressor(null).decompress(joined(raw, 8), "block 7"), "damaged");
});

/** 1 MB of content that a dictionary shortens, `n` times. */
function repeated(dictionary: Uint8Array, n: number): Uint8Array<ArrayBuffer> {
  const piece = new Uint8Array(2 ** 20);
  for (let at = 0; at < piece.length; at += dictionary.length) piece.set(dictionary, at);
  const all = new Uint8Array(n * piece.length);
  for (let i = 0; i < n; i++) all.set(piece, i * piece.length);
  return all;
}

/** One frame made of the first blocks of a frame with dictionary and raw blocks after them. */
function joined(dictionary: Uint8Array, n: number): Uint8Array {
  const content = repeated(dictionary, n);
  const first = 2 ** 17;
  const head = zstd.compressor(dictionary, 3).compress(content.subarray(0, first));
  const start = 5 + (head[4] & 32 ? 0 : 1) + (head[4] >> 6 === 2 ? 4 : 0);
  const block = head.slice(start);
  assert.equal(block[0] & 1, 1, "one block");
  block[0] &= 0xfe;
  const parts = [Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0xa0), new Uint8Array(4), block];
  new DataView(parts[1].buffer).setUint32(0, content.length, true);
  for (let at = first; at < content.length; at += first) {
    const isLast = at + first >= content.length ? 1 : 0;
    const size = first << 3 | isLast;
    parts.push(
      Uint8Array.of(size & 255, size >> 8 & 255, size >> 16),
      content.subarray(at, at + first),
    );
  }
  return Buffer.concat(parts);
}

Deno.test("Zstd writes smaller frames with a dictionary and keeps more than it can hold", () => {
  const data = recordText(400, 9);
  const plain = zstd.compressor(null, 10).compress(data).length;
  const compressors = Array.from(
    { length: 6 },
    (_, i) => [raw.slice(0, 30_000 + i), zstd.compressor(raw.slice(0, 30_000 + i), 1 + i)] as const,
  );
  for (let round = 0; round < 2; round++) {
    for (const [dictionary, compressor] of compressors) {
      const frame = compressor.compress(data);
      assert.ok(frame.length < plain);
      equal(zstd.decompressor(dictionary).decompress(frame, "block 7"), data);
    }
  }
});

Deno.test("Zstd copies the dictionary, so the caller's array may change", () => {
  const dictionary = raw.slice();
  const compressor = zstd.compressor(dictionary, 10);
  const decompressor = zstd.decompressor(dictionary);
  dictionary.fill(0);
  const data = recordText(500, 4);
  equal(decompressor.decompress(compressor.compress(data), "block 7"), data);
});

Deno.test("ZstdDecompressor reads frames made without the dictionary and by node:zlib", () => {
  const data = recordText(5000, 5);
  const pledged = {
    pledgedSrcSize: data.length,
    params: { [constants.ZSTD_c_checksumFlag]: 1 },
  };
  for (const frame of [zstd.compressor(null, 10).compress(data), zstdCompressSync(data, pledged)]) {
    for (const [, dictionary] of DICTIONARIES) {
      equal(zstd.decompressor(dictionary).decompress(frame, "block 7"), data);
    }
  }
});

Deno.test("ZstdDecompressor ignores bytes after the first frame, as the reference does", () => {
  const data = recordText(1000, 6);
  for (const dictionary of [null, raw]) {
    const frame = zstd.compressor(dictionary, 10).compress(data);
    const decompressor = zstd.decompressor(dictionary);
    equal(decompressor.decompress(Buffer.concat([frame, frame]), "block 7"), data);
    equal(decompressor.decompress(Buffer.concat([frame, randomBytes(9)]), "block 7"), data);
  }
});

Deno.test("ZstdDecompressor refuses a frame cut at any byte", () => {
  const frame = zstd.compressor(raw, 10).compress(recordText(600, 8));
  const decompressor = zstd.decompressor(raw);
  for (let length = 0; length < frame.length; length++) {
    refuses(() => decompressor.decompress(frame.subarray(0, length), "block 7"));
  }
});

Deno.test("ZstdDecompressor survives any flipped byte", () => {
  const data = recordText(600, 8);
  for (const dictionary of [null, raw]) {
    const frame = zstd.compressor(dictionary, 10).compress(data);
    const decompressor = zstd.decompressor(dictionary);
    for (let i = 0; i < frame.length; i++) {
      for (const mask of [1, 8, 0x40, 0xff]) {
        const damaged = frame.slice();
        damaged[i] ^= mask;
        try {
          // Without a checksum some damage passes; the caller compares what the document says.
          decompressor.decompress(damaged, "block 7");
        } catch (error) {
          assert.ok(error instanceof InvalidQuantumGraphFileError, String(error));
        }
      }
    }
    equal(decompressor.decompress(frame, "block 7"), data);
  }
});

Deno.test("ZstdDecompressor refuses by what the header says, before it takes memory", () => {
  const frame = zstd.compressor(null, 10).compress(recordText(100_000, 1));
  const decompressor = zstd.decompressor(null);
  refuses(() => decompressor.decompress(frame, "block 7", 99_999), "100000 bytes", "99999 allowed");
  equal(decompressor.decompress(frame, "block 7", 100_000), recordText(100_000, 1));
  refuses(
    () => decompressor.decompress(new TextEncoder().encode("PK\x03\x04..."), "block 7"),
    "zstd",
  );
  refuses(
    () => decompressor.decompress(zstdCompressSync(new Uint8Array(10)), "block 7"),
    "no content size",
  );
  const header = [0x28, 0xb5, 0x2f, 0xfd];
  const emptyBlock = [1, 0, 0];
  const giant = Uint8Array.of(...header, 0xa0, 0, 0, 0, 0x70, ...emptyBlock);
  refuses(() => decompressor.decompress(giant, "block 7"), "claims 1879048192 bytes");
  const absurd = Uint8Array.of(...header, 0xe0, ...Array(8).fill(255), ...emptyBlock);
  refuses(() => decompressor.decompress(absurd, "block 7"), "claims");
  const named = Uint8Array.of(...header, 0x23, 0x39, 0x30, 0, 0, 0, ...emptyBlock);
  refuses(() => decompressor.decompress(named, "block 7"), "dictionary 12345", "none");
  refuses(() => zstd.decompressor(raw).decompress(named, "block 7"), "without an id");
  const skippable = Uint8Array.of(0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0);
  refuses(() => decompressor.decompress(skippable, "block 7"));
});

Deno.test("ZstdDecompressor bounds what blocks of one repeated byte can claim", () => {
  const repeat = (n: number) =>
    Array.from({ length: n }, (_, i) => {
      const size = 2 ** 17 << 3 | 1 << 1 | (i + 1 === n ? 1 : 0);
      return [size & 255, size >> 8 & 255, size >> 16, 65];
    }).flat();
  const size = [0, 0, 64, 0]; // 4 MiB
  const frame = (n: number) => Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0xa0, ...size, ...repeat(n));
  for (const dictionary of [null, raw]) {
    const content = zstd.decompressor(dictionary).decompress(frame(32), "block 7");
    equal(content, new Uint8Array(2 ** 22).fill(65));
    refuses(() => zstd.decompressor(dictionary).decompress(frame(31), "block 7"), "claims");
    refuses(() => zstd.decompressor(dictionary).decompress(frame(33), "block 7"), "damaged");
  }
});

Deno.test("Zstd takes a dictionary that claims to be trained and isn't as damage", () => {
  const dictionary = randomBytes(1000);
  dictionary.set([0x37, 0xa4, 0x30, 0xec, 1, 0, 0, 0]);
  assert.throws(() => zstd.compressor(dictionary, 10).compress(raw), RangeError);
  const frame = zstd.compressor(raw, 10).compress(recordText(300, 1));
  refuses(() => zstd.decompressor(dictionary).decompress(frame, "block 7"), "damaged");
});

Deno.test("Zstd reads with a dictionary larger than any it writes with", () => {
  const dictionary = recordText(300_000, 2);
  const data = recordText(5000, 2);
  const frame = zstd.compressor(null, 10).compress(data);
  equal(zstd.decompressor(dictionary).decompress(frame, "block 7"), data);
  assert.throws(() => zstd.compressor(dictionary, 10), RangeError);
  assert.throws(() => zstd.compressor(null, 0), RangeError);
  assert.throws(() => zstd.compressor(null, 23), RangeError);
});

Deno.test("Zstd takes views of shared memory", () => {
  const data = recordText(1_200_000, 3);
  const shared = new Uint8Array(new SharedArrayBuffer(data.length));
  shared.set(data);
  for (const length of [1000, data.length]) {
    const frame = zstd.compressor(raw, 3).compress(shared.subarray(0, length));
    equal(zstd.decompressor(raw).decompress(frame, "block 7"), data.subarray(0, length));
  }
});

Deno.test("frameContentSize() is null without a size and for what is no frame", () => {
  assert.equal(frameContentSize(zstdCompressSync(new Uint8Array(300))), null);
  assert.equal(frameContentSize(new Uint8Array(20)), null);
  assert.equal(frameContentSize(new Uint8Array(0)), null);
  assert.equal(frameContentSize(zstd.compressor(null, 1).compress(new Uint8Array(300))), 300);
});

Deno.test("Zstd.forFewReads() reads what the full set reads, before and after prepare()", async () => {
  const few = Zstd.forFewReads();
  assert.throws(() => few.compressor(null, 3), /not prepared/);
  const cases: [string, Uint8Array | null, Uint8Array, Uint8Array][] = [];
  for (const [name, dictionary] of DICTIONARIES) {
    for (const size of [0, 1, 700, 40_000]) {
      const text = recordText(size, size);
      cases.push([name, dictionary, text, zstd.compressor(dictionary, 10).compress(text)]);
    }
  }
  const decompressors = new Map(DICTIONARIES.map(([name, d]) => [name, few.decompressor(d)]));
  for (const isPrepared of [false, true]) {
    if (isPrepared) await few.prepare();
    for (const [name, , text, frame] of cases) {
      assert.deepEqual(decompressors.get(name)!.decompress(frame, name), text, name);
      const damaged = frame.slice(0, -1);
      if (text.length === 0) continue;
      assert.throws(
        () => decompressors.get(name)!.decompress(damaged, name),
        InvalidQuantumGraphFileError,
      );
    }
  }
  assert.ok(few.compressor(null, 3).compress(raw).length > 0);
});
