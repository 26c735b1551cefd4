import assert from "node:assert/strict";
import {
  ByteBuilder,
  concatBytes,
  readBigEndian,
  readLittleEndian,
  writeBigEndian,
  writeLittleEndian,
} from "../../lib/base/bytes.ts";

const VALUES = [0, 1, 255, 256, 65535, 65536, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 7, 2 ** 53 - 1];

Deno.test("writeBigEndian() and writeLittleEndian() write what their readers read at every width", () => {
  for (let width = 1; width <= 16; width++) {
    for (const value of VALUES) {
      if (value >= 256 ** width) {
        assert.throws(() => writeBigEndian(new Uint8Array(width), 0, width, value), RangeError);
        assert.throws(() => writeLittleEndian(new Uint8Array(width), 0, width, value), RangeError);
        continue;
      }
      const big = new Uint8Array(width + 4).fill(0xee);
      writeBigEndian(big, 2, width, value);
      assert.equal(readBigEndian(big, 2, width), value);
      const little = new Uint8Array(width + 4).fill(0xee);
      writeLittleEndian(little, 2, width, value);
      assert.equal(readLittleEndian(little, 2, width), value);
      assert.deepEqual(big.subarray(2, 2 + width).toReversed(), little.subarray(2, 2 + width));
      for (const bytes of [big, little]) {
        assert.deepEqual([...bytes.subarray(0, 2), ...bytes.subarray(-2)], Array(4).fill(0xee));
      }
    }
  }
});

Deno.test("readBigEndian() and readLittleEndian() throw when the value isn't safe or isn't there", () => {
  const large = Uint8Array.of(0, 0x20, 0, 0, 0, 0, 0, 0);
  assert.throws(() => readBigEndian(large, 0, 8), /larger than 2\^53 - 1/);
  assert.throws(() => readLittleEndian(large.toReversed(), 0, 8), /larger than 2\^53 - 1/);
  for (const read of [readBigEndian, readLittleEndian]) {
    assert.throws(() => read(new Uint8Array(7), 0, 8), /only 7 bytes/);
    assert.throws(() => read(new Uint8Array(8), 1, 8), RangeError);
    assert.throws(() => read(new Uint8Array(8), -1, 4), RangeError);
  }
});

Deno.test("concatBytes() joins parts in a buffer of its own", () => {
  const part = new Uint8Array([9, 1, 2, 9]).subarray(1, 3);
  const joined = concatBytes([part, new Uint8Array(0), Uint8Array.of(3)]);
  assert.deepEqual(joined, Uint8Array.of(1, 2, 3));
  assert.equal(joined.buffer.byteLength, 3);
  assert.equal(concatBytes([]).length, 0);
});

Deno.test("ByteBuilder puts texts, bytes and gaps together", () => {
  const out = new ByteBuilder();
  out.text("é漢😀");
  const gap = out.skip(2);
  out.bytes(Uint8Array.of(1, 2, 3, 4), 1, 3);
  out.bytes(Uint8Array.of(7));
  out.text("");
  const expected = [...new TextEncoder().encode("é漢😀"), 0, 0, 2, 3, 7];
  assert.deepEqual([...out.view()], expected);
  assert.equal(out.length, expected.length);
  out.view(gap).set([5, 6]);
  assert.deepEqual([...out.view(gap)], [5, 6, 2, 3, 7]);
  const taken = out.take();
  assert.equal(taken.buffer.byteLength, taken.length);
  out.reset();
  assert.equal(out.length, 0);
  // What was there before doesn't shine through.
  assert.equal(out.skip(9), 0);
  assert.deepEqual([...out.view()], Array(9).fill(0));
  assert.deepEqual([...taken.subarray(gap)], [5, 6, 2, 3, 7]);
});

Deno.test("ByteBuilder grows when a piece is larger than its buffer", () => {
  const out = new ByteBuilder();
  let expected = "";
  for (let i = 0; i < 40; i++) {
    const text = String.fromCharCode(97 + i % 26).repeat(i * i * 10) + "é";
    out.text(text);
    expected += text;
  }
  out.bytes(new Uint8Array(100_000).fill(65));
  out.skip(50_000);
  const text = new TextDecoder().decode(out.view());
  assert.equal(text, expected + "A".repeat(100_000) + "\0".repeat(50_000));
});
