import assert from "node:assert/strict";
import { RefusedError, RepositoryError } from "../../../lib/base/errors.ts";
import { CompiledTemplate, parseTemplate } from "../../../lib/butler/datastore/file_template.ts";
import { graphDimensionRecords } from "../../../lib/butler/dimensions/dimension_records.ts";
import type { DimensionRecordSource } from "../../../lib/butler/dimensions/record_source.ts";
import { readUniverse } from "../dimensions/golden.ts";
import type { DataIdValue } from "../../../lib/butler/dimensions/data_id_value.ts";
import type { DatasetType } from "../../../lib/butler/dimensions/dataset_type.ts";

const universe = readUniverse(8);
const NO_RECORDS: DimensionRecordSource = { column: () => undefined };

function type(...dimensions: string[]): DatasetType {
  return {
    name: "abc",
    group: universe.group(dimensions),
    storageClass: "int",
    isCalibration: false,
  };
}

function expand(
  template: string,
  dimensions: string[],
  values: DataIdValue[],
  run = "u/run",
  records = NO_RECORDS,
): string {
  return new CompiledTemplate(template, type(...dimensions), run, universe)
    .expand(values, records);
}

Deno.test("parseTemplate() splits text as Python does", () => {
  const texts = (template: string) =>
    parseTemplate(template).map(({ literal, field }) => [literal, field?.names.join("|") ?? null]);
  assert.deepEqual(texts("a{{b{c}"), [["a{", null], ["b", "c"]]);
  assert.deepEqual(texts("x{a|b.c:?/08d}y}}z"), [["x", "a|b.c"], ["y}", null], ["z", null]]);
  assert.deepEqual(texts(""), []);
  const field = parseTemplate("{a:?/08d}")[0].field!;
  assert.deepEqual(field, {
    names: ["a"],
    isOptional: true,
    keepsSlashes: true,
    spec: { isZeroPadded: true, width: 8, type: "d" },
  });
});

Deno.test("parseTemplate() refuses what is malformed or not supported", () => {
  const cases = ["{a", "a}", "{a}}", "{}", "{a!r}", "{a[0]}", "{a.b.c}", "{a:>8d}", "{a:{b}}"];
  for (const template of [...cases, "{a:+d}", "{a:x}", "{a:9999999999}", "{a b}", "{a||b}"]) {
    assert.throws(() => parseTemplate(template), RepositoryError, template);
  }
});

Deno.test("CompiledTemplate.expand() writes integers of any size", () => {
  const template = "{run:/}/{skypix:05}_{skypix:25d}";
  assert.equal(expand(template, ["htm24"], [7]), "u/run/00007_" + "7".padStart(25));
  assert.equal(
    expand(template, ["htm24"], [2n ** 60n]),
    `u/run/${2n ** 60n}_${" ".repeat(6)}${2n ** 60n}`,
  );
  assert.equal(expand("{run:/}/{skypix:05}", ["htm24"], [-42]), "u/run/-0042");
});

Deno.test("CompiledTemplate.expand() refuses values of the wrong kind for the format", () => {
  assert.throws(() => expand("{run}/{skypix:s}", ["htm7"], [7]), RepositoryError);
  assert.throws(() => expand("{run}/{skymap:d}", ["skymap"], ["x"]), RepositoryError);
});

Deno.test("CompiledTemplate.expand() pads strings by characters, on the right", () => {
  assert.equal(expand("{run}/{skymap:4}x", ["skymap"], ["é😀"]), "u_run/é😀  x");
});

Deno.test("CompiledTemplate.expand() never leaves the root", () => {
  const escapes: [template: string, value: string, run: string][] = [
    ["{run:/}/{skymap}", "x", ".."],
    ["{run:/}/{skymap}", "x", "../u"],
    ["{run:/}/{skymap}", "x", "u/../../etc"],
    ["{run:/}/{skymap}", "x", "u/.."],
    ["{run:/}/{skymap}", "x", "/../u"],
    ["{run}/{skymap:/}/f_{skymap}", "a/../../b", "u"],
    ["{run}/{skymap}/f", "..", "u"],
    ["{run:/}/{skymap}", "x", "u\0v"],
    ["{run}/{skymap}/", "x", "u"],
    ["{run}/{skymap:/}", "x/", "u"],
  ];
  for (const [template, value, run] of escapes) {
    const message = `${template} ${value} ${run}`;
    assert.throws(() => expand(template, ["skymap"], [value], run), RefusedError, message);
  }
});

Deno.test("CompiledTemplate.expand() stays relative and normal", () => {
  const cases: [run: string, path: string][] = [
    ["/etc", "etc/x"],
    ["//etc//y/", "etc/y/x"],
    ["./a/./b/.", "a/b/x"],
    ["...", ".../x"],
    ["a/..b/c..", "a/..b/c../x"],
    [".hidden", ".hidden/x"],
    ["a\\..\\b", "a_.._b/x"],
  ];
  for (const [run, path] of cases) {
    assert.equal(expand("{run:/}/{skymap}", ["skymap"], ["x"], run), path);
  }
  assert.equal(expand("{run}/{skymap}", ["skymap"], [".."], "a/b"), "a_b/__");
});

Deno.test("CompiledTemplate.expand() tells which record is missing", () => {
  const template = "{run}/{instrument}_{detector.full_name:?}";
  assert.throws(
    () => expand(template, ["detector"], ["Cam1", 3]),
    (error) =>
      error instanceof RefusedError &&
      /"abc" for \{instrument: 'Cam1', detector: 3\}.*detector record.*full_name/.test(
        error.message,
      ),
  );
});

Deno.test("CompiledTemplate.expand() takes columns that the data ID has from there", () => {
  assert.equal(
    expand(
      "{run}/{instrument}/{visit.instrument}_{visit.id}_{visit.day_obs}_{physical_filter.band}",
      ["visit"],
      [
        "Cam1",
        7,
        "g",
        20210909,
        "F",
      ],
    ).replace(/^.*\//, ""),
    "Cam1_7_20210909_g",
  );
});

Deno.test("CompiledTemplate refuses columns that are no integers or strings", () => {
  for (const column of ["exposure_time", "timespan", "has_simulated"]) {
    const template = `{run}/{instrument}_{exposure.${column}}`;
    assert.throws(() => expand(template, ["exposure"], []), RepositoryError);
  }
});

Deno.test("CompiledTemplate.expand() needs the dataset ID only if the template does", () => {
  const compiled = new CompiledTemplate("{run}/{id}_{skymap}", type("skymap"), "r", universe);
  const id = "01a203df-2de1-7719-826b-989e8dc6ad92";
  // The field must be in the file name, spelled exactly like this.
  assert.equal(compiled.expand(["x"], NO_RECORDS, id), `r/${id}_x`);
  assert.throws(() => compiled.expand(["x"], NO_RECORDS), RefusedError);
});

Deno.test("graphDimensionRecords() finds rows by their required values", () => {
  const records = graphDimensionRecords(
    universe,
    new Map([["detector", [["Cam1", 1, "Aa", "a", null, "SCIENCE"], [
      "Cam1",
      2,
      "Ab",
      "b",
      "B",
      "S",
    ]]]]),
  );
  const dataId = (detector: number) => (name: string) =>
    name === "instrument" ? "Cam1" : name === "detector" ? detector : undefined;
  assert.equal(records.column("detector", "full_name", dataId(2)), "Ab");
  assert.equal(records.column("detector", "raft", dataId(1)), "None");
  assert.equal(records.column("detector", "full_name", dataId(3)), undefined);
  assert.equal(records.column("detector", "nothing", dataId(1)), undefined);
  assert.equal(records.column("exposure", "obs_id", dataId(1)), undefined);
  assert.equal(records.column("detector", "full_name", () => undefined), undefined);
});

Deno.test("graphDimensionRecords() refuses rows of the wrong length", () => {
  assert.throws(
    () => graphDimensionRecords(universe, new Map([["detector", [["Cam1", 1, "Aa"]]]])),
    (error) =>
      error instanceof RefusedError && /"detector".*3 values, expected 6/.test(error.message),
  );
});
