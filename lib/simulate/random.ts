/**
 * Random numbers and UUIDs that depend on a seed only.
 *
 * @module
 */

import { UUID_SIZE } from "../base/uuid.ts";

/** IDs that get the same millisecond. */
const IDS_PER_MILLISECOND = 16;

/**
 * A generator of 32-bit numbers, fast and good enough for made-up data.
 *
 * Source: "sfc32" of PractRand, with the seeding of "splitmix32".
 */
export class SeededRandom {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /**
   * @param seed any integer.
   * @param stream Generators of one seed with different streams are independent.
   */
  constructor(seed: number, stream: number) {
    let state = (seed | 0) ^ Math.imul(Math.floor(seed / 2 ** 32) | 0, 0x85ebca6b);
    const next = (): number => {
      state = (state + 0x9e3779b9) | 0;
      let z = state;
      z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
      return z ^ (z >>> 15);
    };
    this.#a = next();
    state ^= stream | 0;
    this.#b = next();
    state ^= Math.floor(stream / 2 ** 32) | 0;
    this.#c = next();
    for (let i = 0; i < 12; i++) this.next();
  }

  /** Next number, 0 to 2^32 - 1. */
  next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** Number from 0 inclusive to 1 exclusive. */
  uniform(): number {
    return this.next() / 2 ** 32;
  }

  /** Integer from 0 to `n - 1`. */
  integer(n: number): number {
    return Math.floor(this.uniform() * n);
  }

  /** Normally distributed number, mean 0, standard deviation 1. */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }
}

/** Makes UUIDs of version 7 whose times begin at a given one and go on with the number of IDs. */
export class UuidMaker {
  readonly #random: SeededRandom;
  readonly #startMs: number;
  #nMade = 0;

  /** @param startMs milliseconds since 1970 of the first ID. */
  constructor(random: SeededRandom, startMs: number) {
    this.#random = random;
    this.#startMs = startMs;
  }

  /** The next `n` IDs, packed. Cost: 16 bytes each. */
  make(n: number): Uint8Array<ArrayBuffer> {
    const ids = new Uint8Array(n * UUID_SIZE);
    const view = new DataView(ids.buffer);
    for (let at = 0; at < ids.length; at += UUID_SIZE) {
      const time = this.#startMs + Math.floor(this.#nMade++ / IDS_PER_MILLISECOND);
      // Big-endian: 48 bits of time, version, 12 random bits, variant, 62 random bits.
      view.setUint32(at, Math.floor(time / 2 ** 16));
      view.setUint16(at + 4, time % 2 ** 16);
      view.setUint16(at + 6, 0x7000 | this.#random.next() & 0xfff);
      view.setUint32(at + 8, (this.#random.next() & 0x3fffffff | 0x80000000) >>> 0);
      view.setUint32(at + 12, this.#random.next());
    }
    return ids;
  }
}
