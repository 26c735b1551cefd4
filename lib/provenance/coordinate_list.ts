/**
 * Data coordinates of many quanta, packed.
 *
 * @module
 */

import type { JsonValue } from "../base/json_text.ts";

/**
 * Coordinates as lists of numbers, each of which stands for a value: the quanta of a run share most of
 * their values. Memory: 4 bytes a value and 4 a coordinate, and what the distinct values take.
 */
export class CoordinateList {
  readonly #values: JsonValue[] = [];
  readonly #numberOf = new Map<JsonValue, number>();
  /** Of each coordinate its length, then the numbers of its values. */
  #numbers = new Uint32Array(1024);
  #end = 0;

  /** Takes a coordinate, and returns where it is. */
  add(coordinate: readonly JsonValue[]): number {
    const start = this.#end;
    if (start + coordinate.length >= this.#numbers.length) this.#grow(coordinate.length + 1);
    this.#numbers[this.#end++] = coordinate.length;
    for (const value of coordinate) {
      let number = this.#numberOf.get(value);
      if (number === undefined) {
        number = this.#values.push(value) - 1;
        this.#numberOf.set(value, number);
      }
      this.#numbers[this.#end++] = number;
    }
    return start;
  }

  /** The coordinate that {@linkcode add} put at `start`. */
  get(start: number): JsonValue[] {
    const coordinate: JsonValue[] = [];
    const end = start + 1 + this.#numbers[start];
    for (let at = start + 1; at < end; at++) coordinate.push(this.#values[this.#numbers[at]]);
    return coordinate;
  }

  #grow(nMore: number): void {
    const numbers = new Uint32Array(Math.max(this.#numbers.length * 2, this.#end + nMore));
    numbers.set(this.#numbers);
    this.#numbers = numbers;
  }
}
