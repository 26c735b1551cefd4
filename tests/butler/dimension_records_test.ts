import assert from "node:assert/strict";
import type { JsonValue } from "../../lib/base/json_text.ts";
import { RefusedError } from "../../lib/base/errors.ts";
import { graphDimensionRecords } from "../../lib/butler/dimension_records.ts";
import { DimensionUniverse } from "../../lib/butler/dimensions.ts";

const universe = DimensionUniverse.parse(
  Deno.readTextFileSync(new URL("../../schema/universe_v8.json", import.meta.url)),
);
const { required, implied, columns } = universe.element("detector");
const width = required.length + implied.length + columns.length;

function detectors(...key: JsonValue[]): Map<string, JsonValue[][]> {
  return new Map([["detector", [[...key, ...Array(width - key.length).fill(null)]]]]);
}

Deno.test("graphDimensionRecords() finds a column by the required values", () => {
  const records = graphDimensionRecords(universe, detectors("Cam", 7, "S07"));
  const dataId = { instrument: "Cam", detector: 7 } as Record<string, string | number>;
  assert.equal(records.column("detector", "full_name", (name) => dataId[name]), "S07");
  dataId.detector = 8;
  assert.equal(records.column("detector", "full_name", (name) => dataId[name]), undefined);
});

for (const key of [null, true, ["Cam"], JSON.parse('{"toString": 1}')]) {
  Deno.test(`graphDimensionRecords() refuses ${JSON.stringify(key)} as a required value`, () => {
    assert.throws(
      () => graphDimensionRecords(universe, detectors(key, 7)),
      (error: Error) =>
        error instanceof RefusedError && /neither text nor number/.test(error.message),
    );
  });
}

Deno.test("graphDimensionRecords() refuses rows that are too short or no lists", () => {
  for (const rows of [[["Cam", 7]], ["Cam"]] as JsonValue[][][]) {
    assert.throws(
      () => graphDimensionRecords(universe, new Map([["detector", rows]])),
      /expected \d+/,
    );
  }
});
