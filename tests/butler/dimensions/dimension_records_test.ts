import assert from "node:assert/strict";
import type { JsonValue } from "../../../lib/base/json_text.ts";
import { RefusedError } from "../../../lib/base/errors.ts";
import { graphDimensionRecords } from "../../../lib/butler/dimensions/dimension_records.ts";
import { DimensionUniverse } from "../../../lib/butler/dimensions/dimensions.ts";

const universe = DimensionUniverse.parse(
  Deno.readTextFileSync(new URL("../../../schema/universe_v8.json", import.meta.url)),
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

Deno.test("graphDimensionRecords() finds the right record whatever was looked up before", () => {
  const cells = Array(width - 3).fill(null);
  const rows = new Map<string, JsonValue[][]>([["detector", [
    ["Cam", 7, "S07", ...cells],
    ["Cam", 8, "S08", ...cells],
    ["Other", 7, "T07", ...cells],
  ]]]);
  const records = graphDimensionRecords(universe, rows);
  const looksUp = (instrument: string | undefined, detector: number | undefined) => {
    const dataId: Record<string, string | number | undefined> = { instrument, detector };
    return records.column("detector", "full_name", (name) => dataId[name]);
  };
  const cases = [
    ["Cam", 7, "S07"],
    ["Cam", 7, "S07"],
    ["Cam", 8, "S08"],
    ["Other", 8, undefined],
    ["Other", 8, undefined],
    ["Other", 7, "T07"],
    ["Cam", 7, "S07"],
    ["Cam", undefined, undefined],
    ["Cam", 7, "S07"],
    [undefined, 7, undefined],
    ["Cam", 7, "S07"],
  ] as const;
  for (const [instrument, detector, expected] of cases) {
    assert.equal(looksUp(instrument, detector), expected, `${instrument}, ${detector}`);
  }
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
