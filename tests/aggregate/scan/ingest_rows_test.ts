import assert from "node:assert/strict";
import { RowCollector, unpackRows } from "../../../lib/aggregate/scan/ingest_rows.ts";

Deno.test("unpackRows() gives what RowCollector was given, integers of any size included", () => {
  const rows = new RowCollector();
  const ids = [1, 2, 3].map((byte) => new Uint8Array(16).fill(byte));
  rows.add(ids[0], 0, ["Cam\u{1F600}1", 12, 2n ** 63n - 1n], ["run/é/a \ud800.json", "b"]);
  rows.add(ids[1], 65535, [], [null, null]);
  rows.add(ids[2], 7, [-(2n ** 60n), "12"], ["", "c"]);
  const packed = rows.take();
  assert.ok(packed !== null);
  const { n, ids: gotIds, typeIndex, values, paths, otherPaths } = unpackRows(packed);
  assert.equal(n, 3);
  assert.deepEqual([...gotIds], ids.flatMap((id) => [...id]));
  assert.deepEqual([...typeIndex], [0, 65535, 7]);
  assert.deepEqual(values, ["Cam\u{1F600}1", 12, 2n ** 63n - 1n, -(2n ** 60n), "12"]);
  assert.deepEqual(paths, ["run/é/a \ud800.json", null, ""]);
  assert.deepEqual(otherPaths, [["b", null, "c"]]);
});

Deno.test("RowCollector.take() is null when there is no row", () => {
  assert.equal(new RowCollector().take(), null);
});
