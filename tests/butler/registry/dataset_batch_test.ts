import assert from "node:assert/strict";
import { UUID_SIZE, uuidToHex } from "../../../lib/base/uuid.ts";
import { SortedBatch } from "../../../lib/butler/registry/dataset_batch.ts";
import { hexIdsOf } from "../../../lib/butler/registry/dataset_id.ts";
import type { DatasetBatch } from "../../../lib/butler/registry/registry.ts";
import { readUniverse } from "../dimensions/golden.ts";

function batchOf(ids: Uint8Array): DatasetBatch {
  const n = ids.length / UUID_SIZE;
  const group = readUniverse(7).group([]);
  return {
    run: "u/test/run",
    n,
    ids,
    typeIndex: new Uint16Array(n),
    types: [{ name: "packages", group, storageClass: "Packages", isCalibration: false }],
    values: [],
    paths: new Array(n).fill(null),
    formatters: ["f"],
    storageClasses: ["Packages"],
    fileSize: -1,
  };
}

Deno.test("hexIdsOf() equals uuidToHex() of each ID", () => {
  const ids = crypto.getRandomValues(new Uint8Array(100 * UUID_SIZE));
  const expected = Array.from({ length: 100 }, (_, i) => uuidToHex(ids, i * UUID_SIZE));
  assert.deepEqual(hexIdsOf(ids), expected);
  assert.deepEqual(hexIdsOf(ids.subarray(7 * UUID_SIZE)), expected.slice(7));
  assert.deepEqual(hexIdsOf(new Uint8Array(0)), []);
});

Deno.test("SortedBatch orders rows by ID, wherever two IDs begin to differ", () => {
  const random = crypto.getRandomValues(new Uint8Array(200 * UUID_SIZE));
  const alike = random.slice();
  for (let i = 0; i < 200; i++) alike.fill(1, i * UUID_SIZE, i * UUID_SIZE + 12);
  const repeated = random.slice(0, 100 * UUID_SIZE);
  repeated.copyWithin(50 * UUID_SIZE, 0, 50 * UUID_SIZE);
  const ascending = new Uint8Array(alike.length);
  new SortedBatch(batchOf(alike)).order.forEach((row, i) =>
    ascending.set(alike.subarray(row * UUID_SIZE, (row + 1) * UUID_SIZE), i * UUID_SIZE)
  );
  for (const ids of [random, alike, repeated, ascending, new Uint8Array(0)]) {
    const hexIds = hexIdsOf(ids);
    const { order } = new SortedBatch(batchOf(ids));
    assert.deepEqual([...order].toSorted((a, b) => a - b), [...hexIds.keys()]);
    assert.deepEqual(Array.from(order, (row) => hexIds[row]), hexIds.toSorted());
  }
});
