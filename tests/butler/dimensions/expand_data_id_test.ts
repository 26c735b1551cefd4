import assert from "node:assert/strict";
import { DimensionUniverse } from "../../../lib/butler/dimensions/dimensions.ts";
import { expandDataId } from "../../../lib/butler/dimensions/expand_data_id.ts";
import type { DataIdValue } from "../../../lib/butler/dimensions/data_id_value.ts";

const universe = DimensionUniverse.parse(
  Deno.readTextFileSync(new URL("../../../testdata/butler/universe_v8.json", import.meta.url)),
);

/** Records by `dimension.column`, whatever the data ID. */
function source(columns: Record<string, DataIdValue>) {
  return { column: (dimension: string, column: string) => columns[`${dimension}.${column}`] };
}

const COLUMNS = {
  "visit.day_obs": 20260701,
  "visit.physical_filter": "OC-r",
  "exposure.day_obs": 20260701,
  "exposure.physical_filter": "OC-r",
  "exposure.group": "g1",
  "physical_filter.band": "r",
};

Deno.test("expandDataId() resolves what depends on implied values", () => {
  const group = universe.group(["visit", "exposure"]);
  assert.deepEqual(group.implied, ["band", "day_obs", "group", "physical_filter"]);
  assert.deepEqual(
    expandDataId(universe, source(COLUMNS), group, ["OracleCam", 7, 8]),
    ["OracleCam", 7, 8, "r", 20260701, "g1", "OC-r"],
  );
});

Deno.test("expandDataId() refuses records that imply different values", () => {
  const columns = { ...COLUMNS, "visit.physical_filter": "OC-i" };
  assert.throws(
    () =>
      expandDataId(universe, source(columns), universe.group(["visit", "exposure"]), ["C", 7, 8]),
    { name: "RefusedError", message: /physical_filter is OC-. and, by its \w+, OC-./ },
  );
});

Deno.test("expandDataId() names the record that is missing", () => {
  assert.throws(
    () => expandDataId(universe, source({}), universe.group(["physical_filter"]), ["C", "OC-r"]),
    { name: "NotFoundError", message: /no physical_filter record that says its band/ },
  );
});
