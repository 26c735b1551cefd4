import assert from "node:assert/strict";
import { crc32 as nodeCrc32 } from "node:zlib";
import { combineCrc32, crc32, slowCrc32 } from "../../lib/base/crc32.ts";

const BYTES = Uint8Array.from({ length: 70_000 }, (_, i) => (i * 2654435761 >>> 13) & 0xff);

Deno.test("CRC-32 is that of node:zlib, whatever the length and start", () => {
  for (let length = 0; length < 40; length++) {
    for (let start = 0; start < 9; start++) {
      const data = BYTES.subarray(start, start + length);
      assert.equal(slowCrc32(data), nodeCrc32(data));
      assert.equal(slowCrc32(data, 0xfedcba98), nodeCrc32(data, 0xfedcba98));
    }
  }
  assert.equal(slowCrc32(BYTES), nodeCrc32(BYTES));
  assert.equal(slowCrc32(new TextEncoder().encode("123456789")), 0xcbf43926);
});

Deno.test("CRC-32 of pieces is that of the whole, also across the change to node:zlib", () => {
  let crc = 0;
  let expected = 0;
  for (let nBytes = 0; nBytes < 2 ** 24; nBytes += BYTES.length) {
    crc = crc32(BYTES, crc);
    expected = nodeCrc32(BYTES, expected);
    assert.equal(crc, expected);
  }
});

Deno.test("CRC-32 of two parts combined is that of both together, whatever their lengths", () => {
  for (const [first, second] of [[0, 0], [1, 0], [0, 1], [7, 5], [1000, 65_536], [3, 69_997]]) {
    const [a, b] = [BYTES.subarray(0, first), BYTES.subarray(first, first + second)];
    assert.equal(
      combineCrc32(nodeCrc32(a), nodeCrc32(b), second),
      nodeCrc32(BYTES.subarray(0, first + second)),
    );
  }
  // More than 32 bits of length: zeros, of which the checksum follows from squaring.
  let zeros = nodeCrc32(new Uint8Array(1));
  let size = 1;
  while (size < 2 ** 33) {
    zeros = combineCrc32(zeros, zeros, size);
    size *= 2;
    if (size === 2 ** 24) assert.equal(zeros, nodeCrc32(new Uint8Array(2 ** 24)));
  }
  assert.equal(combineCrc32(0, zeros, size), zeros);
  assert.equal(
    combineCrc32(combineCrc32(nodeCrc32(BYTES), zeros, size), zeros, size),
    combineCrc32(nodeCrc32(BYTES), combineCrc32(zeros, zeros, size), 2 * size),
  );
});
