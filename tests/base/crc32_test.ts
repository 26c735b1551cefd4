import assert from "node:assert/strict";
import { crc32 as nodeCrc32 } from "node:zlib";
import { crc32, slowCrc32 } from "../../lib/base/crc32.ts";

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
