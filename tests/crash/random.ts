/**
 * Seeded randomness, so that a failure can be run again: the seed is printed, and taken from the
 * environment when it is there.
 *
 * @module
 */

/** Environment variable with the seed of all random tests. */
export const SEED_VARIABLE = "PROVGRAPH_TEST_SEED";

/** A generator of random numbers (mulberry32). */
export class Random {
  #state: number;

  /** @param name makes the numbers of tests independent of each other. */
  constructor(name: string, seed: number = SEED) {
    this.#state = seed;
    for (const letter of name) this.#state = Math.imul(this.#state, 31) + letter.charCodeAt(0) | 0;
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Integer in [0, n). */
  below(n: number): number {
    return Math.floor(this.next() * n);
  }

  /** One of the elements. */
  pick<T>(elements: ArrayLike<T>): T {
    return elements[this.below(elements.length)];
  }
}

/**
 * The seed of this process's random tests. It belongs into the names of tests: that is what is printed.
 */
export const SEED: number = Number(Deno.env.get(SEED_VARIABLE) ?? Date.now() % 2 ** 31);
