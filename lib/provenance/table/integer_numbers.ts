/**
 * A hash table of integers in typed arrays: maps take ten times as long for those that are no small ones, as
 * numbers of visits and exposures.
 *
 * @module
 */

import { newSeed } from "../../base/id_table.ts";

/** Places to begin with. */
const MIN_PLACES = 1024;
/** Places for an integer; less makes searches long. */
const PLACES_EACH = 2;

/** Numbers that safe integers have been given. Memory: 24 to 48 bytes each. */
export class IntegerNumbers {
  /** By place: the number, from 1 on; and the integer. */
  #numbers = new Uint32Array(MIN_PLACES);
  #keys = new Float64Array(MIN_PLACES);
  #n = 0;
  /** Integers come from a file: with a seed unknown to its author they don't crowd. */
  readonly #seed = newSeed();

  /**
   * The number of an integer.
   *
   * @param value A safe integer.
   * @param next Its number, if it has none yet.
   */
  of(value: number, next: number): number {
    const numbers = this.#numbers;
    const place = this.#find(value);
    if (numbers[place] !== 0) return numbers[place] - 1;
    numbers[place] = next + 1;
    this.#keys[place] = value;
    if (++this.#n * PLACES_EACH > numbers.length) this.#grow();
    return next;
  }

  /** The place of an integer, or the free one that it would have. */
  #find(value: number): number {
    const numbers = this.#numbers;
    const keys = this.#keys;
    const mask = keys.length - 1;
    const high = Math.floor(value / 2 ** 32);
    let place = Math.imul(this.#seed ^ value, 0x9e3779b1);
    place = Math.imul(place ^ place >>> 15 ^ high, 0x9e3779b1);
    place = (place ^ place >>> 15) & mask;
    while (numbers[place] !== 0 && keys[place] !== value) place = (place + 1) & mask;
    return place;
  }

  #grow(): void {
    const [numbers, keys] = [this.#numbers, this.#keys];
    this.#numbers = new Uint32Array(2 * numbers.length);
    this.#keys = new Float64Array(2 * keys.length);
    for (let i = 0; i < numbers.length; i++) {
      if (numbers[i] === 0) continue;
      const place = this.#find(keys[i]);
      this.#numbers[place] = numbers[i];
      this.#keys[place] = keys[i];
    }
  }
}
