/** Small integers in bits are those that the package reads. */

import assert from "node:assert/strict";
import { MAX_WIDTH, readDeltas, readHybrid } from "../../../lib/provenance/table/packed_values.ts";

/** Values of a width, bit by bit, the lowest first. */
function packed(values: readonly number[], width: number): number[] {
  let bits = 0n;
  values.forEach((value, i) => bits |= BigInt(value) << BigInt(i * width));
  return Array.from(
    { length: Math.ceil(values.length * width / 8) },
    (_, i) => Number(bits >> BigInt(8 * i) & 255n),
  );
}

for (const width of [1, 2, 7, 8, 9, 15, 17, MAX_WIDTH]) {
  Deno.test(`runs and values of ${width} bits`, () => {
    const values = Array.from({ length: 16 }, (_, i) => (i * 0x9e3779b1 >>> 3) % 2 ** width);
    const most = 2 ** width - 1;
    const run = Array.from({ length: Math.ceil(width / 8) }, (_, i) => most >>> (8 * i) & 255);
    // Two times eight values, then a run of 200, whose length takes two bytes.
    const bytes = [2 << 1 | 1, ...packed(values, width), 0x90, 0x03, ...run];
    const wanted = [...values, ...new Array<number>(200).fill(most)];
    const output = new Uint32Array(wanted.length);
    readHybrid(Uint8Array.from(bytes), width, output);
    assert.deepEqual([...output], wanted);
    const fewer = new Uint32Array(11);
    readHybrid(Uint8Array.from(bytes), width, fewer);
    assert.deepEqual([...fewer], wanted.slice(0, 11));
    for (const length of [0, 1, 1 + width, bytes.length - 1]) {
      assert.throws(() => readHybrid(Uint8Array.from(bytes.slice(0, length)), width, output));
    }
  });
}

Deno.test("runs of nothing end where the bytes end", () => {
  assert.throws(() => readHybrid(new Uint8Array(100), 1, new Uint8Array(1000)));
});

const DELTAS: [name: string, bytes: number[], wanted: number[]][] = [
  // Blocks of 128 in 4 parts; first value; least difference; widths of parts; parts of 32 values.
  ["one value", [0x80, 1, 4, 1, 13], [-7]],
  ["equal values", [0x80, 1, 4, 3, 4, 0, 0, 0, 0, 0], [2, 2, 2]],
  ["values that fall", [0x80, 1, 4, 3, 4, 1, 0, 0, 0, 0], [2, 1, 0]],
  [
    "differences of two bits",
    [0x80, 1, 4, 5, 0, 1, 2, 0, 0, 0, 0b11_10_01_00, 0, 0, 0, 0, 0, 0, 0],
    [0, -1, -1, 0, 2],
  ],
  [
    "a least difference of 33 bits",
    [0x80, 1, 4, 2, 0xfe, 0xff, 0xff, 0xff, 0x0f, 0xfd, 0xff, 0xff, 0xff, 0x1f, 0, 0, 0, 0],
    [2 ** 31 - 1, -(2 ** 31)],
  ],
];
for (const [name, bytes, wanted] of DELTAS) {
  Deno.test(`integers by differences: ${name}`, () => {
    const output = new Int32Array(wanted.length);
    assert.equal(readDeltas(Uint8Array.from(bytes), output), true);
    assert.deepEqual([...output], wanted);
    for (let length = 0; length < 5; length++) {
      assert.throws(() => readDeltas(Uint8Array.from(bytes.slice(0, length)), output));
    }
  });
}

Deno.test("blocks that aren't divided into parts of eight are not ours", () => {
  assert.equal(readDeltas(Uint8Array.from([0x80, 1, 0, 3, 4, 0]), new Int32Array(3)), false);
  assert.equal(readDeltas(Uint8Array.from([12, 4, 3, 4, 0]), new Int32Array(3)), false);
});
