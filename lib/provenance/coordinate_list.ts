/**
 * Data coordinates of many quanta, packed.
 *
 * @module
 */

import { Grower } from "../base/grower.ts";
import type { JsonValue } from "../base/json_text.ts";

/**
 * Coordinates as lists of numbers, each of which stands for a value: the quanta of a run share most of
 * their values. Memory: 4 bytes a value and 4 a coordinate, and what the distinct values take.
 */
export class CoordinateList {
  readonly #values: JsonValue[] = [];
  readonly #numberOf = new Map<JsonValue, number>();
  /** Of each coordinate its length, then the numbers of its values. */
  readonly #numbers = new Grower<Uint32Array>(Uint32Array);
  #end = 0;

  /** Takes a coordinate, and returns where it is. */
  add(coordinate: readonly JsonValue[]): number {
    const start = this.#end;
    const numbers = this.#numbers.reach(start + coordinate.length);
    numbers[this.#end++] = coordinate.length;
    for (const value of coordinate) {
      let number = this.#numberOf.get(value);
      if (number === undefined) {
        number = this.#values.push(value) - 1;
        this.#numberOf.set(value, number);
      }
      numbers[this.#end++] = number;
    }
    return start;
  }

  /** The coordinate that {@linkcode add} put at `start`. */
  get(start: number): JsonValue[] {
    const coordinate: JsonValue[] = [];
    const numbers = this.#numbers.array;
    const end = start + 1 + numbers[start];
    for (let at = start + 1; at < end; at++) coordinate.push(this.#values[numbers[at]]);
    return coordinate;
  }
}
