/**
 * Seeded randomness. The tests that everybody runs have fixed seeds, so that what they say depends on the
 * program alone; other seeds, and more turns, are for those who look for what is rare
 * (`deno task test:random`). A seed stands in the name of its test, so that a failure can be run again.
 *
 * @module
 */

/** Environment variable with seeds to take instead, comma-separated: numbers, or the word `random`. */
const SEED_VARIABLE = "PROVGRAPH_TEST_SEED";

/** Environment variable with how much is to be done with each seed where timing is random as well. */
const TURNS_VARIABLE = "PROVGRAPH_TEST_TURNS";

/** A generator of random numbers (mulberry32). */
export class Random {
  #state: number;

  /** @param name makes the numbers of tests independent of each other. */
  constructor(name: string, seed: number) {
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
 * The seeds of a random test.
 *
 * @param fixed those where nobody asks for others.
 * @throws {Error} if the environment has something that is no seed.
 */
export function seedsOr(fixed: readonly number[]): readonly number[] {
  const text = Deno.env.get(SEED_VARIABLE) ?? "";
  if (text === "") return fixed;
  return text.split(",").map((word) => {
    const seed = word === "random" ? crypto.getRandomValues(new Uint32Array(1))[0] : Number(word);
    if (!Number.isInteger(seed)) throw new Error(`${SEED_VARIABLE} has "${word}"`);
    return seed;
  });
}

/** How much is to be done with each seed, in turns of whatever a test does. */
export const N_TURNS: number = Number(Deno.env.get(TURNS_VARIABLE) ?? 3);
