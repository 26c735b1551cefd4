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
  readonly seed: number;
  #state: number;

  /** @param seed by default that of the environment, else one from the clock. */
  constructor(seed?: number) {
    const given = Deno.env.get(SEED_VARIABLE);
    this.seed = seed ?? (given === undefined ? Date.now() % 2 ** 31 : Number(given));
    this.#state = this.seed;
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

/** A generator whose seed is printed for the record. */
export function printedRandom(what: string): Random {
  const random = new Random();
  console.log(`${what}: seed ${random.seed} (set ${SEED_VARIABLE} to use it again)`);
  return random;
}
