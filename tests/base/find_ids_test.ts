import assert from "node:assert/strict";
import { containsUuid, findId, findRow, lowerBound } from "../../lib/base/sort_ids.ts";
import { UUID_SIZE } from "../../lib/base/uuid.ts";

/** Packed ids that differ in their last byte. */
function packed(lasts: readonly number[]): Uint8Array {
  const ids = new Uint8Array(lasts.length * UUID_SIZE);
  for (const [i, last] of lasts.entries()) ids[(i + 1) * UUID_SIZE - 1] = last;
  return ids;
}

for (const n of [0, 1, 2, 7, 8]) {
  Deno.test(`lowerBound() finds every border among ${n} places`, () => {
    for (let border = 0; border <= n; border++) {
      assert.equal(lowerBound(n, (place) => place < border), border);
    }
  });
}

for (const lasts of [[], [5], [1, 3], [1, 3, 5, 9, 11]]) {
  Deno.test(`findRow() finds each of ${lasts.length} ids, and no other`, () => {
    for (let last = 0; last <= 12; last++) {
      // Behind another: searched where it begins.
      const id = packed([7, last]);
      assert.equal(findRow(packed(lasts), id, UUID_SIZE), lasts.indexOf(last));
      assert.equal(containsUuid(packed(lasts), id, UUID_SIZE), lasts.includes(last));
    }
  });
}

Deno.test("findId() finds ids that lie in another order", () => {
  const lasts = [9, 1, 5];
  const order = Uint32Array.of(1, 2, 0);
  for (let last = 0; last <= 10; last++) {
    assert.equal(findId(packed(lasts), order, packed([last])), lasts.indexOf(last));
  }
});
