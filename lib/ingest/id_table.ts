/**
 * Finding ids among many.
 *
 * @module
 */

import { UUID_SIZE } from "../base/uuid.ts";
import { emptySlots, enterId, findId, newSeed } from "../base/id_table.ts";

/** Hash table over packed ids, which stay where they are. Memory: 8 to 16 bytes an id. */
export class IdTable {
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
