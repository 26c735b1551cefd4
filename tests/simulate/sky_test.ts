import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import {
  encodePolygon,
  overlappingPixels,
  quadrangle,
  type Vector,
} from "../../lib/simulate/sky.ts";
import { unpackFixture } from "../support/fixtures.ts";

/** Corners of an encoded polygon. */
function decodePolygon(bytes: Uint8Array): Vector[] {
  assert.equal(bytes[0], 0x70);
  const view = new DataView(bytes.buffer);
  const corners: Vector[] = [];
  for (let at = 1; at < bytes.length; at += 24) {
    corners.push([0, 8, 16].map((i) => view.getFloat64(at + i, true)) as unknown as Vector);
  }
  return corners;
}

Deno.test("overlappingPixels() finds what the reference found", async () => {
  await using work = await unpackFixture("small-ok", "before");
  using database = new DatabaseSync(work.join("repo", "gen3.sqlite3"), { readOnly: true });
  let nChecked = 0;
  for (const [table, keys] of [["visit", "visit"], ["tract", "tract"], ["patch", "tract, patch"]]) {
    const names = keys.split(", ");
    const columns = ["region", ...names.map((name) => name === table ? "id" : name)];
    for (const row of database.prepare(`SELECT ${columns} FROM ${table}`).all()) {
      const expected = database.prepare(
        `SELECT skypix_index FROM ${table}_skypix_overlap WHERE ${
          names.map((name) => `${name} = ?`).join(" AND ")
        } ORDER BY 1`,
      ).all(...names.map((name) => row[name === table ? "id" : name]))
        .map(({ skypix_index }) => skypix_index);
      const region = row.region as string;
      assert.deepEqual(overlappingPixels(decodePolygon(Uint8Array.fromBase64(region))), expected);
      nChecked++;
    }
  }
  assert.equal(nChecked, 11);
});

Deno.test("encodePolygon() encodes what decodes to the same corners", () => {
  const corners = quadrangle(359.9, -0.1, 0.2, 0.3);
  assert.deepEqual(decodePolygon(encodePolygon(corners)), corners);
});
