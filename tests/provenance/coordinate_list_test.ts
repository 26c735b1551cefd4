import assert from "node:assert/strict";
import type { JsonValue } from "../../lib/base/json_text.ts";
import { CoordinateList } from "../../lib/provenance/coordinate_list.ts";

Deno.test("CoordinateList gives back what it took, values and their types", () => {
  const list = new CoordinateList();
  const coordinates: JsonValue[][] = [[], ["SimCam", 1, "1"], ["1", null], [0, -0.5, "SimCam"]];
  for (let i = 0; i < 3000; i++) coordinates.push(["SimCam", i % 9, 20260715 + i]);
  coordinates.push(Array.from({ length: 5000 }, (_, i) => i));
  const places = coordinates.map((coordinate) => list.add(coordinate));
  assert.equal(new Set(places).size, coordinates.length);
  coordinates.forEach((coordinate, i) => assert.deepEqual(list.get(places[i]), coordinate));
});
