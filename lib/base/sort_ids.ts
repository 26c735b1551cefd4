/**
 * Sorting of many UUIDs or offsets without making an object of any, and searches among what ascends.
 *
 * @module
 */

import { compareUuids, UUID_SIZE } from "./uuid.ts";

/**
 * Ascending order of packed 16-byte ids, by radix sort of 16 bits a pass; passes in which all ids
 * agree cost only the counting. Time linear. Memory: 10 bytes an id and half a megabyte.
 *
 * @param idAt Byte offset in `ids` of each of the `n` ids to be sorted; left untouched.
 * @returns positions in `idAt`, ascending by id.
 */
export function sortIds(ids: Uint8Array, idAt: Float64Array | Uint32Array): Uint32Array {
  return sortKeys(ids, UUID_SIZE, idAt);
}

/** As {@linkcode sortIds}, for keys of an even number of bytes. */
function sortKeys(keys: Uint8Array, size: number, keyAt: Float64Array | Uint32Array): Uint32Array {
  const n = keyAt.length;
  let order = new Uint32Array(n);
  let other = new Uint32Array(n);
  for (let i = 0; i < n; i++) order[i] = i;
  const counts = new Uint32Array(65537);
  const digits = new Uint16Array(n);
  for (let at = size - 2; at >= 0; at -= 2) {
    if (n === 0 || countDigits(keys, keyAt, at, digits, counts) === n) continue;
    sumUp(counts);
    place(digits, counts, order, other);
    [order, other] = [other, order];
  }
  return order;
}

// Each loop is a function: code that the engine makes for one that is running can't be used for others.

/**
 * Fills in the digit of each key, and how many keys have each value of it, at the next position; returns
 * how many agree with the first.
 */
function countDigits(
  keys: Uint8Array,
  keyAt: Float64Array | Uint32Array,
  byteInKey: number,
  digits: Uint16Array,
  counts: Uint32Array,
): number {
  counts.fill(0);
  for (let i = 0; i < keyAt.length; i++) {
    const at = keyAt[i] + byteInKey;
    const digit = keys[at] << 8 | keys[at + 1];
    digits[i] = digit;
    counts[digit + 1]++;
  }
  return counts[digits[0] + 1];
}

/** From how many have each value to where the first of them goes. */
function sumUp(counts: Uint32Array): void {
  for (let k = 0; k < 65536; k++) counts[k + 1] += counts[k];
}

// The digits lie side by side, as the keys themselves don't fit into the processor's cache.
function place(
  digits: Uint16Array,
  counts: Uint32Array,
  order: Uint32Array,
  sorted: Uint32Array,
): void {
  for (let i = 0; i < order.length; i++) {
    const k = order[i];
    sorted[counts[digits[k]]++] = k;
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

/** Bytes of an offset as a key. */
const OFFSET_SIZE = 8;

/**
 * Ascending order of offsets, whole numbers from 0, as {@linkcode sortIds}.
 *
 * @returns positions in `offsets`, ascending by offset.
 */
export function sortOffsets(offsets: Float64Array): Uint32Array {
  const keys = new DataView(new ArrayBuffer(offsets.length * OFFSET_SIZE));
  const keyAt = new Float64Array(offsets.length);
  for (let i = 0, at = 0; i < offsets.length; i++, at += OFFSET_SIZE) {
    keyAt[i] = at;
    keys.setUint32(at, offsets[i] / 2 ** 32);
    keys.setUint32(at + 4, offsets[i]);
  }
  return sortKeys(new Uint8Array(keys.buffer), OFFSET_SIZE, keyAt);
}

/**
 * How many of `n` places come before a border.
 *
 * @param isBefore Whether a place does; true for none behind one for which it is false.
 * @returns a number from 0 to `n`, that of the first place behind the border.
 */
export function lowerBound(n: number, isBefore: (place: number) => boolean): number {
  let low = 0;
  let high = n;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBefore(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Row of an id among ascending packed ids, or -1.
 *
 * @param at Where the id begins in `id`.
 */
export function findRow(ids: Uint8Array, id: Uint8Array, at = 0): number {
  const n = ids.length / UUID_SIZE;
  const row = lowerBound(n, (i) => compareUuids(ids, i * UUID_SIZE, id, at) < 0);
  return row < n && compareUuids(ids, row * UUID_SIZE, id, at) === 0 ? row : -1;
}

/** Whether packed ids, ascending, contain one. */
export function containsUuid(ids: Uint8Array, id: Uint8Array, at = 0): boolean {
  return findRow(ids, id, at) >= 0;
}

/**
 * Number of an id among packed ids, or -1.
 *
 * @param order Numbers of the ids as they ascend, as {@linkcode sortIds} gives them.
 * @param at Where the id begins in `id`.
 */
export function findId(ids: Uint8Array, order: Uint32Array, id: Uint8Array, at = 0): number {
  const n = order.length;
  const place = lowerBound(n, (i) => compareUuids(ids, order[i] * UUID_SIZE, id, at) < 0);
  if (place === n || compareUuids(ids, order[place] * UUID_SIZE, id, at) !== 0) return -1;
  return order[place];
}
