import assert from "node:assert/strict";
import { concatBytes } from "../../lib/base/bytes.ts";
import { decodeUtf8, encodeUtf8 } from "../../lib/base/json_text.ts";
import {
  blockPayload,
  checkAddress,
  isWholeBlock,
  multiblockFrames,
  MultiblockPass,
  PASS_READ_SIZE,
} from "../../lib/qg/multiblock.ts";
import type { ByteSource } from "../../lib/storage/byte_source.ts";
import { CountingSource, MemorySource } from "../support/sources.ts";
import { assertInvalid, block, hex } from "./support.ts";
import type { Address } from "../../lib/qg/address_rows.ts";

// `schema/quantum-graph.md`, section 4.1: payloads "ABC", then "hello".
const WORKED = hex("0000000000000003414243 000000000000000568656c6c6f");

/** The payload of one block, in one read. */
async function readBlockFrom(
  source: ByteSource,
  address: Address,
  intSize: number,
  what: string,
): Promise<Uint8Array> {
  checkAddress(address, source.size, intSize, source.name, what);
  const block = await source.read(address.offset, address.size);
  return blockPayload(block, intSize, source.name, what);
}

async function framesOf(bytes: Uint8Array, intSize: number): Promise<[number, number, string][]> {
  const result: [number, number, string][] = [];
  for await (const b of multiblockFrames(new MemorySource(bytes), intSize, "block")) {
    result.push([b.offset, b.size, decodeUtf8(b.frame)]);
  }
  return result;
}

Deno.test("multiblockFrames() reads the worked example", async () => {
  assert.deepEqual(await framesOf(WORKED, 8), [[0, 11, "ABC"], [11, 13, "hello"]]);
  assert.deepEqual(await framesOf(new Uint8Array(0), 8), []);
});

Deno.test("Blocks of the worked example are read in one read each", async () => {
  const source = new CountingSource(new MemorySource(WORKED));
  assert.equal(decodeUtf8(await readBlockFrom(source, { offset: 0, size: 11 }, 8, "x")), "ABC");
  assert.equal(decodeUtf8(await readBlockFrom(source, { offset: 11, size: 13 }, 8, "x")), "hello");
  assert.equal(source.nReads, 2);
  assert.equal(source.nBytes, 24);
});

Deno.test("Blocks are refused whose addresses don't fit", async (t) => {
  const source = new CountingSource(new MemorySource(WORKED, "some.qg: logs.mb"));
  const cases: [offset: number, size: number, message: RegExp][] = [
    [0, 12, /the block says 3 bytes, its address 4/],
    [1, 11, /the block says 833 bytes/],
    [11, 14, /its address is 14 bytes at 11, the member has 24/],
    [0, 7, /its address is 7 bytes/],
    [24, 8, /its address is 8 bytes at 24/],
    [0, 2 ** 40, /its address/],
    [2 ** 53, 11, /its address/],
    [-1, 11, /its address/],
    [0, NaN, /its address/],
  ];
  for (const [offset, size, message] of cases) {
    await t.step(`${size} bytes at ${offset}`, async () => {
      await assertInvalid(() => readBlockFrom(source, { offset, size }, 8, "log"), message);
    });
  }
  assert.ok(source.nBytes < 100);
});

Deno.test("multiblockFrames() reads every int_size that the reference reads", async (t) => {
  for (const intSize of [1, 2, 4, 5, 8, 16]) {
    await t.step(`${intSize}`, async () => {
      const bytes = concatBytes(["ABC", "", "hello"].map((s) => block(encodeUtf8(s), intSize)));
      const frames = await framesOf(bytes, intSize);
      assert.deepEqual(frames.map(([, , text]) => text), ["ABC", "", "hello"]);
      assert.deepEqual(frames.map(([offset]) => offset), [0, intSize + 3, 2 * intSize + 3]);
    });
  }
});

Deno.test("multiblockFrames() refuses a member cut anywhere but between blocks", async () => {
  for (let end = 1; end < WORKED.length; end++) {
    if (end === 11) continue;
    await assertInvalid(() => framesOf(WORKED.subarray(0, end), 8), /at byte (0|11) of "memory"/);
  }
});

Deno.test("multiblockFrames() refuses absurd lengths without taking memory", async () => {
  for (
    const length of ["7fffffffffffffff", "0020000000000000", "000000ffffffffff", "ff".repeat(8)]
  ) {
    await assertInvalid(() => framesOf(hex(`${length}414243`), 8), /only 3 are left/);
  }
  await assertInvalid(() => framesOf(hex(`${"ff".repeat(16)}41`), 16), /more than 2\^53/);
});

Deno.test("multiblockFrames() finds blocks across the edges of its reads", async () => {
  // Sizes chosen so that lengths and payloads are split by every kind of edge.
  const sizes = [PASS_READ_SIZE - 9, 3, 100, PASS_READ_SIZE - 4, 0, 2.5 * PASS_READ_SIZE, 8, 1];
  const bytes = concatBytes(sizes.map((n, i) => block(new Uint8Array(n).fill(i), 8)));
  const source = new CountingSource(new MemorySource(bytes));
  const found: number[] = [];
  let end = 0;
  for await (const { offset, size, frame } of multiblockFrames(source, 8, "block")) {
    assert.equal(offset, end);
    assert.ok(frame.every((byte) => byte === found.length));
    found.push(frame.length);
    end = offset + size;
  }
  assert.deepEqual(found, sizes);
  assert.equal(end, bytes.length);
  assert.ok(source.nReads <= 9, `${source.nReads} reads`);
});

Deno.test("MultiblockPass asks for no more than the member has", () => {
  const pass = new MultiblockPass(24, 8, "m", "block");
  assert.deepEqual(pass.request(), { offset: 0, length: 24 });
  assert.equal([...pass.feed(WORKED)].length, 2);
  assert.equal(pass.request(), null);
});

Deno.test("isWholeBlock() wants length and zstd magic", () => {
  const frame = hex("28b52ffd2000010000");
  assert.equal(isWholeBlock(block(frame, 8), 8), true);
  assert.equal(isWholeBlock(block(frame, 8).subarray(1), 8), false);
  assert.equal(isWholeBlock(block(frame.subarray(1), 8), 8), false);
  assert.equal(isWholeBlock(WORKED, 8), false);
});
