/**
 * Sorting of many UUIDs without making an object of any.
 *
 * @module
 */

import { UUID_SIZE } from "./uuid.ts";

/**
 * Ascending order of packed 16-byte ids, by radix sort of 16 bits a pass; passes in which all ids
 * agree cost only the counting. Time linear. Memory: 8 bytes an id and half a megabyte.
 *
 * @param idAt Byte offset in `ids` of each of the `n` ids to be sorted; left untouched.
 * @returns positions in `idAt`, ascending by id.
 */
export function sortIds(ids: Uint8Array, idAt: Float64Array | Uint32Array): Uint32Array {
  const n = idAt.length;
  let order = new Uint32Array(n);
  let other = new Uint32Array(n);
  for (let i = 0; i < n; i++) order[i] = i;
  const counts = new Uint32Array(65537);
  for (let digit = UUID_SIZE - 2; digit >= 0; digit -= 2) {
    if (n === 0 || countDigits(ids, idAt, digit, counts) === n) continue;
    sumUp(counts);
    place(ids, idAt, digit, counts, order, other);
    [order, other] = [other, order];
  }
  return order;
}

// Each loop is a function: code that the engine makes for one that is running can't be used for others.

/** Fills in how many ids have each value, at the next position; returns how many agree with the first. */
function countDigits(
  ids: Uint8Array,
  idAt: Float64Array | Uint32Array,
  digit: number,
  counts: Uint32Array,
): number {
  counts.fill(0);
  for (let i = 0; i < idAt.length; i++) {
    const at = idAt[i] + digit;
    counts[(ids[at] << 8 | ids[at + 1]) + 1]++;
  }
  const first = idAt[0] + digit;
  return counts[(ids[first] << 8 | ids[first + 1]) + 1];
}

/** From how many have each value to where the first of them goes. */
function sumUp(counts: Uint32Array): void {
  for (let k = 0; k < 65536; k++) counts[k + 1] += counts[k];
}

function place(
  ids: Uint8Array,
  idAt: Float64Array | Uint32Array,
  digit: number,
  counts: Uint32Array,
  order: Uint32Array,
  sorted: Uint32Array,
): void {
  for (let i = 0; i < order.length; i++) {
    const at = idAt[order[i]] + digit;
    sorted[counts[ids[at] << 8 | ids[at + 1]]++] = order[i];
  }
}

/** Packed 16-byte ids in ascending order, in an array of their own. */
export function sortedIds(ids: Uint8Array): Uint8Array<ArrayBuffer> {
  const sorted = new Uint8Array(ids.length);
  sortIds(ids, idPlaces(ids.length / UUID_SIZE)).forEach((from, to) => {
    for (let i = 0; i < UUID_SIZE; i++) sorted[to * UUID_SIZE + i] = ids[from * UUID_SIZE + i];
  });
  return sorted;
}

/** Where each of `n` packed ids begins, in bytes. */
export function idPlaces(n: number): Float64Array {
  const places = new Float64Array(n);
  for (let i = 0; i < n; i++) places[i] = i * UUID_SIZE;
  return places;
}

/**
 * Ascending order of offsets, whole numbers from 0, by radix sort as {@linkcode sortIds}.
 *
 * @returns positions in `offsets`, ascending by offset.
 */
export function sortOffsets(offsets: Float64Array): Uint32Array {
  const n = offsets.length;
  let order = new Uint32Array(n);
  let other = new Uint32Array(n);
  let largest = 0;
  for (let i = 0; i < n; i++) {
    order[i] = i;
    if (offsets[i] > largest) largest = offsets[i];
  }
  const counts = new Uint32Array(65537);
  for (let unit = 1; unit <= largest; unit *= 65536) {
    counts.fill(0);
    for (let i = 0; i < n; i++) counts[Math.floor(offsets[i] / unit) % 65536 + 1]++;
    for (let k = 0; k < 65536; k++) counts[k + 1] += counts[k];
    for (let i = 0; i < n; i++) {
      other[counts[Math.floor(offsets[order[i]] / unit) % 65536]++] = order[i];
    }
    [order, other] = [other, order];
  }
  return order;
}
