/**
 * Finding ids among many.
 *
 * @module
 */

import { UUID_SIZE } from "../base/uuid.ts";

const EMPTY_SLOT = 0xffffffff;

/** Hash table over packed ids, which stay where they are. Memory: 8 to 16 bytes an id. */
export class IdTable {
  readonly #ids: Uint8Array;
  readonly #slots: Uint32Array;
  // Ids come from a file: a seed unknown to its author keeps chains short.
  readonly #seed = crypto.getRandomValues(new Uint32Array(1))[0];

  /** @param ids Packed; of equal ones only the first is found. */
  constructor(ids: Uint8Array) {
    this.#ids = ids;
    const n = ids.length / UUID_SIZE;
    this.#slots = new Uint32Array(2 ** Math.ceil(Math.log2(2 * n + 2))).fill(EMPTY_SLOT);
    for (let i = 0; i < n; i++) {
      const slot = this.#slot(ids, i * UUID_SIZE);
      if (this.#slots[slot] === EMPTY_SLOT) this.#slots[slot] = i;
    }
  }

  /** Position of the id at `offset` among the ids, or -1. */
  find(ids: Uint8Array, offset: number): number {
    const found = this.#slots[this.#slot(ids, offset)];
    return found === EMPTY_SLOT ? -1 : found;
  }

  /** The slot of an id, or the empty one where it would be. */
  #slot(ids: Uint8Array, offset: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hash(ids, offset, this.#seed) & mask;
    while (slots[slot] !== EMPTY_SLOT && !this.#isAt(slots[slot], ids, offset)) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  #isAt(position: number, ids: Uint8Array, offset: number): boolean {
    const at = position * UUID_SIZE;
    for (let i = UUID_SIZE - 1; i >= 0; i--) {
      if (this.#ids[at + i] !== ids[offset + i]) return false;
    }
    return true;
  }
}

function hash(ids: Uint8Array, at: number, seed: number): number {
  let h = seed;
  for (let i = at; i < at + UUID_SIZE; i += 4) {
    h = Math.imul(h ^ (ids[i] | ids[i + 1] << 8 | ids[i + 2] << 16 | ids[i + 3] << 24), 0x9e3779b1);
    h ^= h >>> 15;
  }
  return h >>> 0;
}
