import assert from "node:assert/strict";
import { RefusedError } from "../../../lib/base/errors.ts";
import type { JsonValue } from "../../../lib/base/json_text.ts";
import { dataIdFromCoordinate, formatDataId } from "../../../lib/butler/dimensions/data_id.ts";
import { readUniverse } from "./golden.ts";

const universe = readUniverse(8);
const group = universe.group(["visit", "detector"]);

Deno.test("dataIdFromCoordinate() returns required and implied values in order", () => {
  const values = ["Cam1", 4, 1, "g", 20210909, "Cam1-G"];
  assert.deepEqual(dataIdFromCoordinate(group, universe, values, "x"), values);
  assert.deepEqual(dataIdFromCoordinate(universe.group([]), universe, [], "x"), []);
});

Deno.test("dataIdFromCoordinate() keeps integers beyond 2^53", () => {
  const htm = universe.group(["htm24"]);
  assert.deepEqual(dataIdFromCoordinate(htm, universe, [2n ** 63n - 1n], "x"), [2n ** 63n - 1n]);
});

Deno.test("dataIdFromCoordinate() refuses wrong values and names the dataset", () => {
  const good: JsonValue[] = ["Cam1", 4, 1, "g", 20210909, "Cam1-G"];
  const cases: [JsonValue[], RegExp][] = [
    [good.slice(1), /5 values, expected 6/],
    [[...good, 1], /7 values/],
    [good.with(0, 1), /instrument is 1, expected a string/],
    [good.with(0, ""), /instrument is string ""/],
    [good.with(0, "a\0b"), /instrument/],
    [good.with(1, "4"), /detector is string "4", expected an integer/],
    [good.with(1, 1.5), /detector is 1.5/],
    [good.with(1, NaN), /detector is NaN/],
    [good.with(1, true), /detector is true/],
    [good.with(1, 2n ** 63n), /detector is 9223372036854775808/],
    [good.with(4, null), /day_obs is null/],
    [good.with(5, ["x"]), /physical_filter is an array/],
    [good.with(5, {}), /physical_filter is an object/],
  ];
  for (const [values, message] of cases) {
    assert.throws(() => dataIdFromCoordinate(group, universe, values, 'dataset "calexp"'), (e) => {
      assert(e instanceof RefusedError);
      assert.match(e.message, message);
      assert.match(e.message, /dataset "calexp"/);
      return true;
    });
  }
});

Deno.test("formatDataId() writes what the butler prints", () => {
  assert.equal(
    formatDataId(group, ["Cam1", 4, 1]),
    "{instrument: 'Cam1', detector: 4, visit: 1}",
  );
  assert.equal(
    formatDataId(group, ["Cam1", 4, 2n ** 60n, "g", 1, "it's \\ \n\u0001"]),
    "{instrument: 'Cam1', detector: 4, visit: 1152921504606846976, band: 'g', day_obs: 1, " +
      `physical_filter: "it's \\\\ \\n\\x01"}`,
  );
  assert.equal(formatDataId(universe.group([]), []), "{}");
});
