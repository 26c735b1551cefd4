import assert from "node:assert/strict";
import { UUID_SIZE } from "../../lib/base/uuid.ts";
import { PackedIdTable } from "../../lib/base/id_table.ts";

Deno.test("PackedIdTable finds every id and no other", () => {
  for (const n of [0, 1, 2, 3, 1000]) {
    const ids = crypto.getRandomValues(new Uint8Array(n * UUID_SIZE));
    const table = new PackedIdTable(ids);
    for (let i = 0; i < n; i++) {
      assert.equal(table.find(ids, i * UUID_SIZE), i);
      const other = ids.slice(i * UUID_SIZE, (i + 1) * UUID_SIZE);
      other[i % UUID_SIZE] ^= 1;
      assert.equal(table.find(other, 0), -1);
    }
    assert.equal(table.find(new Uint8Array(UUID_SIZE), 0), -1);
  }
});

Deno.test("PackedIdTable finds the first of equal ids", () => {
  const ids = new Uint8Array(3 * UUID_SIZE);
  ids[UUID_SIZE - 1] = 1;
  assert.equal(new PackedIdTable(ids).find(new Uint8Array(2 * UUID_SIZE), UUID_SIZE), 1);
});
