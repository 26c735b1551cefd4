import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { RefusedError, RepositoryError } from "../../../lib/base/errors.ts";
import type { JsonValue } from "../../../lib/base/json_text.ts";
import { type ConfigMapping, mergeConfig } from "../../../lib/butler/config/config_value.ts";
import { dataIdFromCoordinate } from "../../../lib/butler/dimensions/data_id.ts";
import { FileDatastore } from "../../../lib/butler/datastore/datastore.ts";
import { DEFAULT_FILE_DATASTORE } from "../../../lib/butler/config/default_config.ts";
import { graphDimensionRecords } from "../../../lib/butler/dimensions/dimension_records.ts";
import { loadRepositoryConfig } from "../../../lib/butler/config/repo_config.ts";
import { unpackFixture } from "../../support/fixtures.ts";
import { readGolden, readUniverse } from "../dimensions/golden.ts";
import type { DataIdValue } from "../../../lib/butler/dimensions/data_id_value.ts";
import { absolutePath } from "../../../lib/butler/datastore/datastore_path.ts";
import type { RepositoryConfig } from "../../../lib/butler/config/repository_config.ts";
import type { DatasetType } from "../../../lib/butler/dimensions/dataset_type.ts";

interface GoldenDataset {
  name: string;
  dimensions: string[];
  storageClass: string;
  run: string;
  values: JsonValue[];
  path?: string;
  formatter?: string;
  accepted?: boolean;
  error?: string;
}

interface GoldenCase {
  datastore: ConfigMapping;
  error?: string;
  datasets?: GoldenDataset[];
}

const golden = readGolden("paths.json") as {
  id: string;
  records: { [element: string]: JsonValue[][] };
  paths: GoldenCase[];
  constraints: GoldenCase[];
  composites: { composites: ConfigMapping; storageClass: string; disassembled: boolean }[];
  mocks: GoldenCase;
};

const universe = readUniverse(8);
const records = graphDimensionRecords(universe, new Map(Object.entries(golden.records)));

/** A datastore with the default configuration and these overrides. */
function datastore(overrides: ConfigMapping, mockStorageClasses = false): FileDatastore {
  const merged = mergeConfig(DEFAULT_FILE_DATASTORE, overrides);
  const section = (key: string) => (merged[key] ?? {}) as ConfigMapping;
  const config: Pick<RepositoryConfig, "datastore"> = {
    datastore: {
      name: "FileDatastore@<butlerRoot>",
      root: "/repo",
      recordsTable: "file_datastore_records",
      checksum: false,
      create: true,
      templates: section("templates"),
      formatters: section("formatters"),
      composites: section("composites"),
      constraints: [section("constraints")],
    },
  };
  return new FileDatastore(config, universe, { mockStorageClasses });
}

function datasetType({ name, dimensions, storageClass }: GoldenDataset): DatasetType {
  return { name, group: universe.group(dimensions), storageClass, isCalibration: false };
}

/** What the datastore says of a dataset, in the golden file's terms; throws if it refuses. */
function predict(store: FileDatastore, dataset: GoldenDataset) {
  const type = datasetType(dataset);
  const plan = store.plan(type, dataset.run);
  const values = dataIdFromCoordinate(type.group, universe, dataset.values, dataset.name);
  assert.equal(plan.storageClass, dataset.storageClass);
  return {
    path: plan.path(values, records, golden.id),
    formatter: plan.formatter,
    accepted: plan.accepts(values),
  };
}

/** Things that the reference does and this tool refuses, with the reason in the error's text. */
const REFUSED: [matches: (template: string, dataset: GoldenDataset) => boolean, message: RegExp][] =
  [
    [(template) => template.includes(":>8d"), /format specification/],
    [(template) => template.includes("!s"), /not supported/],
    [(template) => template.includes("exposure_time"), /type float/],
    [(template) => template.endsWith("/"), /no file name/],
    // The observation ID of exposure 3 is "..", which the reference lets escape its directory.
    [
      (_, { dimensions, values }) => dimensions.includes("exposure") && values.includes("g:3"),
      /"\.\."/,
    ],
  ];

for (const [i, { datastore: overrides, error, datasets }] of golden.paths.entries()) {
  const template = Object.values((overrides.templates ?? {}) as ConfigMapping)[0];
  const name = template === undefined
    ? Object.keys(overrides).join() || "defaults"
    : String(template);
  Deno.test(`FileDatastore.plan() predicts what the reference writes: ${i} ${name}`, () => {
    if (error !== undefined) {
      const type: GoldenDataset = {
        name: "calexp",
        dimensions: ["visit", "detector"],
        storageClass: "NumpyArray",
        run: "u/me/run1",
        values: [],
      };
      assert.throws(() => datastore(overrides).plan(datasetType(type), type.run), RepositoryError);
      return;
    }
    const store = datastore(overrides);
    for (const dataset of datasets!) {
      const refusal = REFUSED.find(([matches]) => matches(String(template), dataset));
      if (dataset.error !== undefined || refusal !== undefined) {
        assert.throws(() => predict(store, dataset), (thrown) => {
          assert(
            thrown instanceof RepositoryError || thrown instanceof RefusedError,
            String(thrown),
          );
          if (refusal !== undefined) assert.match(thrown.message, refusal[1]);
          return true;
        });
      } else {
        const { path, formatter, accepted } = dataset;
        assert.deepEqual(predict(store, dataset), { path, formatter, accepted });
      }
    }
  });
}

for (const { datastore: overrides, error, datasets } of golden.constraints) {
  Deno.test(`DatasetPlan.accepts() obeys ${JSON.stringify(overrides.constraints)}`, () => {
    if (error !== undefined) {
      assert.throws(() => datastore(overrides), RepositoryError);
      return;
    }
    for (const dataset of datasets!) {
      assert.equal(predict(datastore(overrides), dataset).accepted, dataset.accepted, dataset.name);
    }
  });
}

Deno.test("FileDatastore refuses malformed constraints", () => {
  const cases: ConfigMapping[] = [{ accept: "a" }, { accept: [1] }, { reject: [{ a: ["b"] }] }, {
    reject: [{}],
  }];
  for (const constraints of cases) {
    assert.throws(() => datastore({ constraints }), RepositoryError);
  }
});

for (const { composites, storageClass, disassembled } of golden.composites) {
  const verb = disassembled ? "refuses" : "accepts";
  Deno.test(`FileDatastore.plan() ${verb} ${storageClass} with ${JSON.stringify(composites)}`, () => {
    const type = { name: "x", group: universe.group([]), storageClass, isCalibration: false };
    const formatters = { [storageClass]: "lsst.daf.butler.formatters.json.JsonFormatter" };
    const plan = () => datastore({ composites, formatters }).plan(type, "r");
    if (disassembled) assert.throws(plan, /disassembled/);
    else plan();
  });
}

Deno.test("FileDatastore.plan() knows mock storage classes when asked", () => {
  for (const dataset of golden.mocks.datasets!) {
    const { path, formatter, accepted } = dataset;
    assert.deepEqual(predict(datastore({}, true), dataset), { path, formatter, accepted });
  }
  assert.throws(
    () => predict(datastore({}), golden.mocks.datasets![0]),
    (error) => error instanceof RepositoryError && /--mock-storage-classes/.test(error.hint ?? ""),
  );
});

Deno.test("FileDatastore.plan() refuses a formatter that only one instrument has", () => {
  const json = "lsst.daf.butler.formatters.json.JsonFormatter";
  const overrides = { formatters: { "instrument<Cam1>": { a: json } } };
  const type = (name: string, dimensions: string[]) => ({
    name,
    group: universe.group(dimensions),
    storageClass: "NumpyArray",
    isCalibration: false,
  });
  assert.throws(() => datastore(overrides).plan(type("a", ["visit"]), "r"), /"Cam1"/);
  datastore(overrides).plan(type("a", ["skymap"]), "r");
  datastore(overrides).plan(type("b", ["visit"]), "r");
});

for (const name of ["small-ok", "small-mock"]) {
  Deno.test(`FileDatastore.plan() agrees with every record of fixture ${name}`, async () => {
    await using work = await unpackFixture(name, "aggregated");
    const config = loadRepositoryConfig(`${work.path}/repo`, { get: () => undefined });
    using database = new DatabaseSync(config.registry.path!, { readOnly: true });
    const store = new FileDatastore(config, universe, { mockStorageClasses: true });
    const source = graphDimensionRecords(
      universe,
      new Map([[
        "detector",
        rows(
          database,
          'SELECT instrument, id, full_name, name_in_raft, raft, purpose FROM "detector"',
        ),
      ]]),
    );
    let nRecords = 0;
    for (
      const type of rows(
        database,
        "SELECT id, name, storage_class, tag_association_table FROM dataset_type",
      )
    ) {
      const table = type[3] as string;
      const columns = rows(database, "SELECT name FROM pragma_table_info(?)", table)
        .flat() as string[];
      const required = columns.slice(3);
      const group = universe.group(required);
      assert.deepEqual(group.required, required);
      const datasets = rows(
        database,
        `SELECT r.path, r.formatter, c.name, ${[
          "t.dataset_id",
          ...required.map((d) => `t."${d}"`),
        ]} ` +
          `FROM "${table}" AS t JOIN dataset AS d ON d.id = t.dataset_id AND d.run_id = t.collection_id ` +
          "JOIN collection AS c ON c.collection_id = d.run_id " +
          "JOIN file_datastore_records AS r ON r.dataset_id = d.id WHERE t.dataset_type_id = ?",
        type[0],
      );
      for (const [path, formatter, run, , ...values] of datasets) {
        const datasetType: DatasetType = {
          name: type[1] as string,
          group,
          storageClass: type[2] as string,
          isCalibration: false,
        };
        const plan = store.plan(datasetType, run as string);
        const full = expandDataId(database, datasetType, values);
        assert.equal(plan.path(full, source), path);
        assert.equal(plan.formatter, formatter);
        nRecords++;
      }
    }
    assert.equal(nRecords, rows(database, "SELECT 1 FROM file_datastore_records").length);
  });
}

/** Adds the implied values that a visit and its filter have. */
function expandDataId(
  database: DatabaseSync,
  { group }: DatasetType,
  required: JsonValue[],
): DataIdValue[] {
  const byName = new Map(group.required.map((name, i) => [name, required[i] as DataIdValue]));
  if (byName.has("visit")) {
    const [[dayObs, filter, band]] = rows(
      database,
      "SELECT v.day_obs, f.name, f.band FROM visit AS v JOIN physical_filter AS f " +
        "ON f.instrument = v.instrument AND f.name = v.physical_filter " +
        "WHERE v.instrument = ? AND v.id = ?",
      byName.get("instrument")!,
      byName.get("visit")!,
    ) as DataIdValue[][];
    byName.set("day_obs", dayObs).set("physical_filter", filter).set("band", band);
  }
  return [...group.required, ...group.implied].map((name) => byName.get(name)!);
}

function rows(database: DatabaseSync, sql: string, ...parameters: JsonValue[]): JsonValue[][] {
  const statement = database.prepare(sql);
  return (statement.all(...parameters as string[]) as { [name: string]: JsonValue }[])
    .map((row) => Object.values(row));
}

Deno.test("absolutePath() joins what stays inside and refuses the rest", () => {
  assert.equal(absolutePath("/repo", "u/run/a.json"), "/repo/u/run/a.json");
  assert.equal(absolutePath("/repo", "u/a..b/..c/d#e"), "/repo/u/a..b/..c/d#e");
  for (const path of ["", "/etc/passwd", "..", "../x", "a/../../x", "a/..", "a\0b"]) {
    assert.throws(() => absolutePath("/repo", path), RefusedError, JSON.stringify(path));
  }
});

const GROUP = "2025-04-17T04:59:59.123";
const OLDER_PATHS: [group: string, run: string, today: string, older: string | null][] = [
  [
    GROUP,
    "u/r",
    "u/r/t_log/2025-04-17T04_59_59.123/t_log_Cam_2025-04-17T04_59_59_123_u_r.json",
    "u/r/t_log/2025-04-17T04:59:59.123/t_log_Cam_2025-04-17T04:59:59_123_u_r.json",
  ],
  ["plain", "u/r", "u/r/t_log/plain/t_log_Cam_plain_u_r.json", null],
  ["two words", "u/r", "u/r/t_log/two_words/t_log_Cam_two_words_u_r.json", null],
  [
    'a b<c>"d\\e|f?g*h',
    "u/r",
    "u/r/t_log/a_b_c__d_e_f_g_h/t_log_Cam_a_b_c__d_e_f_g_h_u_r.json",
    'u/r/t_log/a_b<c>"d\\e|f?g*h/t_log_Cam_a_b<c>"d\\e|f?g*h_u_r.json',
  ],
  ["g", "u/r:1", "u/r_1/t_log/g/t_log_Cam_g_u_r_1.json", "u/r:1/t_log/g/t_log_Cam_g_u_r:1.json"],
  ["a%3Ab", "u/r", "u/r/t_log/a:b/t_log_Cam_a:b_u_r.json", null],
];

for (const [group, run, today, older] of OLDER_PATHS) {
  Deno.test(`paths by today's and the older rule: group ${JSON.stringify(group)} in ${run}`, () => {
    const type = datasetType({
      name: "t_log",
      dimensions: ["group"],
      storageClass: "ButlerLogRecords",
      run,
      values: [],
    });
    const plan = datastore({}).plan(type, run);
    const records = { column: () => undefined };
    assert.equal(plan.path(["Cam", group], records), today);
    assert.equal(plan.isRenamed, older !== null);
    assert.equal(plan.olderPath(["Cam", group], records), older);
    // Neighbours don't change the answer.
    assert.equal(plan.olderPath(["Cam", "g1"], records) !== null, run.includes(":"));
    assert.equal(plan.olderPath(["Cam", group], records), older);
  });
}
