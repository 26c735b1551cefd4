import assert from "node:assert/strict";
import { compareUuids } from "../../lib/base/uuid.ts";
import { sortedIds, sortIds, sortOffsets } from "../../lib/base/sort_ids.ts";
import { randomBytes } from "../storage/support.ts";

function check(ids: Uint8Array, places: number[]): void {
  const expected = places.map((_, i) => i).sort((a, b) =>
    compareUuids(ids, places[a], ids, places[b]) || a - b
  );
  for (const array of [Uint32Array.from(places), Float64Array.from(places)]) {
    const before = array.slice();
    assert.deepEqual([...sortIds(ids, array)], expected);
    assert.deepEqual(array, before);
  }
}

Deno.test("sortIds() equals a comparing sort when ids are random, alike or repeated", () => {
  const everySixteen = (n: number) => Array.from({ length: n }, (_, i) => i * 16);
  for (const n of [0, 1, 2, 3, 100, 700]) check(randomBytes(n * 16, n), everySixteen(n));
  // Ids of one second begin alike; some differ in one byte only.
  for (let byte = 0; byte < 16; byte++) {
    const ids = new Uint8Array(200 * 16).fill(0xab);
    const noise = randomBytes(200, byte);
    for (let i = 0; i < 200; i++) ids[i * 16 + byte] = noise[i];
    check(ids, everySixteen(200));
  }
  check(new Uint8Array(160), everySixteen(10));
});

Deno.test("sortIds() sorts by the bytes at the places given when they are in any order", () => {
  const ids = randomBytes(500, 9);
  check(ids, [400, 3, 17, 17, 0, 484, 100]);
});

Deno.test("sortedIds() copies ids in ascending order when they are in any", () => {
  const ids = randomBytes(300 * 16, 5);
  const copy = ids.slice();
  const each = (bytes: Uint8Array) =>
    Array.from({ length: 300 }, (_, i) => bytes.slice(i * 16, i * 16 + 16));
  const expected = each(ids).sort((a, b) => compareUuids(a, 0, b, 0));
  assert.deepEqual(each(sortedIds(ids)), expected);
  assert.deepEqual(ids, copy);
  assert.equal(sortedIds(new Uint8Array(0)).length, 0);
});

Deno.test("sortOffsets() equals a comparing sort when offsets are small, large or repeated", () => {
  for (const scale of [0, 1, 255, 65535, 2 ** 20, 2 ** 33, 2 ** 47, 2 ** 52]) {
    const noise = randomBytes(600, scale % 97);
    const offsets = Float64Array.from(noise, (byte, i) => Math.floor(byte / 255 * scale) + i % 3);
    const expected = [...offsets.keys()].sort((a, b) => offsets[a] - offsets[b] || a - b);
    assert.deepEqual([...sortOffsets(offsets)], expected);
  }
  assert.equal(sortOffsets(new Float64Array(0)).length, 0);
});
