/** Integers keep the numbers that they were given, however many come. */

import assert from "node:assert/strict";
import { IntegerNumbers } from "../../../lib/provenance/table/integer_numbers.ts";

const N = 5000;
for (
  const [name, value] of [
    ["small integers", (i) => i],
    ["numbers of visits", (i) => 2_026_070_100_000 + 1000 * i],
    ["negative integers", (i) => -3 * i],
    ["the largest", (i) => Number.MAX_SAFE_INTEGER - i],
    ["integers that differ in their upper half", (i) => i * 2 ** 32],
  ] as [name: string, value: (i: number) => number][]
) {
  Deno.test(`${name} keep their numbers`, () => {
    const numbers = new IntegerNumbers();
    for (let i = 0; i < N; i++) assert.equal(numbers.of(value(i), i), i);
    for (let i = 0; i < N; i++) assert.equal(numbers.of(value(i), N), i);
  });
}

Deno.test("zero below zero is zero", () => {
  const numbers = new IntegerNumbers();
  assert.equal(numbers.of(0, 7), 7);
  assert.equal(numbers.of(-0, 8), 7);
});
