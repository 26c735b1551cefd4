/**
 * Hash tables from 16-byte ids to their order of arrival, in typed arrays that threads can share.
 *
 * @module
 */

import { UUID_SIZE } from "./uuid.ts";
import { Grower } from "./grower.ts";

const EMPTY_SLOT = 0xffffffff;

/** Slots for an id; less makes chains long. */
const SLOTS_PER_ID = 2;
const MIN_SLOTS = 4096;

/** Ids that are added one by one. */
export class IdTable {
  /** Packed ids, in order of arrival. */
  readonly ids = new Grower<Uint8Array>(Uint8Array, 1024 * UUID_SIZE);
  #slots: Uint32Array<ArrayBuffer> = new Uint32Array(MIN_SLOTS).fill(EMPTY_SLOT);
  /** How many there are. */
  n = 0;
  /** See {@linkcode newSeed}. */
  readonly seed = newSeed();

  /** Index of the id, which is added if it is new. */
  add(id: Uint8Array, offset: number): number {
    const mask = this.#slots.length - 1;
    let slot = hashId(id, offset, this.seed) & mask;
    for (;;) {
      const index = this.#slots[slot];
      if (index === EMPTY_SLOT) break;
      if (equalIds(this.ids.array, index * UUID_SIZE, id, offset)) return index;
      slot = (slot + 1) & mask;
    }
    const index = this.n++;
    const ids = this.ids.reach((index + 1) * UUID_SIZE);
    for (let i = 0; i < UUID_SIZE; i++) ids[index * UUID_SIZE + i] = id[offset + i];
    this.#slots[slot] = index;
    if (this.n * SLOTS_PER_ID > this.#slots.length) this.#rehash();
    return index;
  }

  #rehash(): void {
    const nSlots = this.#slots.length * 2;
    this.discardSlots();
    this.#slots = new Uint32Array(nSlots).fill(EMPTY_SLOT);
    fillSlots(this.#slots, this.ids.array, this.n, this.seed);
  }

  /** The slots on shared memory; the table can't be used any more. */
  shareSlots(): Uint32Array {
    const shared = new Uint32Array(new SharedArrayBuffer(this.#slots.byteLength));
    shared.set(this.#slots);
    this.discardSlots();
    return shared;
  }

  /** Gives the memory of the slots back. */
  discardSlots(): void {
    this.#slots = new Uint32Array(this.#slots.buffer.transfer(0));
  }
}

/** Ids come from a file: a seed unknown to its author keeps chains short. */
export function newSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] | 1;
}

/**
 * Slots for `n` packed ids, on shared memory.
 *
 * @returns null if an id occurs twice.
 */
export function makeSlots(ids: Uint8Array, n: number, seed: number): Uint32Array | null {
  const slots = emptySlots(n);
  return fillSlots(slots, ids, n, seed) ? slots : null;
}

/** Room for `n` ids, on shared memory. */
function emptySlots(n: number): Uint32Array {
  let nSlots = MIN_SLOTS;
  while (nSlots < n * SLOTS_PER_ID) nSlots *= 2;
  return new Uint32Array(new SharedArrayBuffer(nSlots * 4)).fill(EMPTY_SLOT);
}

/** Enters all ids in empty slots; false if one occurs twice. */
function fillSlots(slots: Uint32Array, ids: Uint8Array, n: number, seed: number): boolean {
  for (let index = 0; index < n; index++) if (!enterId(slots, ids, index, seed)) return false;
  return true;
}

/** Enters the id at position `index` of the packed ones; false if an equal one is there. */
function enterId(
  slots: Uint32Array,
  ids: Uint8Array,
  index: number,
  seed: number,
): boolean {
  const mask = slots.length - 1;
  let slot = hashId(ids, index * UUID_SIZE, seed) & mask;
  for (;;) {
    const other = slots[slot];
    if (other === EMPTY_SLOT) break;
    if (equalIds(ids, other * UUID_SIZE, ids, index * UUID_SIZE)) return false;
    slot = (slot + 1) & mask;
  }
  slots[slot] = index;
  return true;
}

/** Index of the id at `offset` of `id`, or -1. */
export function findId(
  slots: Uint32Array,
  ids: Uint8Array,
  seed: number,
  id: Uint8Array,
  offset: number,
): number {
  const mask = slots.length - 1;
  let slot = hashId(id, offset, seed) & mask;
  for (;;) {
    const index = slots[slot];
    if (index === EMPTY_SLOT) return -1;
    if (equalIds(ids, index * UUID_SIZE, id, offset)) return index;
    slot = (slot + 1) & mask;
  }
}

function hashId(id: Uint8Array, at: number, seed: number): number {
  let h = seed;
  for (let i = 0; i < UUID_SIZE; i += 4) {
    const word = id[at + i] | id[at + i + 1] << 8 | id[at + i + 2] << 16 | id[at + i + 3] << 24;
    h = Math.imul(h ^ word, 0x9e3779b1);
    h ^= h >>> 15;
  }
  return h >>> 0;
}

/** Whether two ids are the same. */
export function equalIds(a: Uint8Array, aAt: number, b: Uint8Array, bAt: number): boolean {
  for (let i = UUID_SIZE - 1; i >= 0; i--) if (a[aAt + i] !== b[bAt + i]) return false;
  return true;
}

/** Hash table over packed ids, which stay where they are. Memory: 8 to 16 bytes an id. */
export class PackedIdTable {
  readonly #ids: Uint8Array;
  readonly #slots: Uint32Array;
  readonly #seed = newSeed();

  /** @param ids Packed; of equal ones only the first is found. */
  constructor(ids: Uint8Array) {
    this.#ids = ids;
    const n = ids.length / UUID_SIZE;
    this.#slots = emptySlots(n);
    for (let index = 0; index < n; index++) enterId(this.#slots, ids, index, this.#seed);
  }

  /** Position of the id at `offset` among the ids, or -1. */
  find(ids: Uint8Array, offset: number): number {
    return findId(this.#slots, this.#ids, this.#seed, ids, offset);
  }
}
