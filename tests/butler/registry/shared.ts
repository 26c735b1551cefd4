/**
 * The tests that every implementation of the registry must pass. An implementation gives fresh
 * repositories in the states of fixture `small-ok`, and a canonical description of their tables.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  ConflictingDatasetError,
  ConflictingDefinitionError,
  NotFoundError,
  RefusedError,
} from "../../../lib/base/errors.ts";
import { sortedIds } from "../../../lib/base/sort_ids.ts";
import { UUID_SIZE, uuidFromText, uuidToText } from "../../../lib/base/uuid.ts";
import { withRecords } from "../../../lib/butler/dimensions/record_fetch.ts";
import { selectRows } from "../../../lib/butler/registry/dataset_batch.ts";
import { openRegistry } from "../../../lib/butler/registry/open.ts";
import type {
  DatasetBatch,
  DatastoreRecord,
  OpenRegistryOptions,
  Registry,
} from "../../../lib/butler/registry/registry.ts";
import type { RepositoryState } from "../../support/dump_state.ts";
import { RUN } from "../../support/fixtures.ts";
import { pixelBatch, registerPixels } from "../../support/pixels.ts";
import type { RepositoryConfig } from "../../../lib/butler/config/repository_config.ts";
import type { DataIdValue } from "../../../lib/butler/dimensions/data_id_value.ts";
import type { DatasetType } from "../../../lib/butler/dimensions/dataset_type.ts";

/** A state of the fixture: executed; aggregated by the reference; and ingested. */
export type LabState = "before" | "aggregated" | "ingested";

/** A repository to work on, removed at the end of the block. */
export interface LabRepository extends AsyncDisposable {
  config: RepositoryConfig;
  /** Chains and tables as `dump_state.py` has them; dates are masked. */
  state(): Promise<Pick<RepositoryState, "chains" | "tables">>;
}

/** What an implementation provides. */
export interface RegistryLab {
  /** Put in front of the tests' names. */
  name: string;
  repository(state: LabState): Promise<LabRepository>;
}

const OUTPUT_CHAIN = "u/oracle/out";
const CLOCK = { now: () => 1_782_900_000_000_000 };

/** Opens a registry for writing with short waits. */
export function open(
  config: RepositoryConfig,
  options: Partial<OpenRegistryOptions> = {},
): Promise<Registry> {
  return openRegistry(config, { writeable: true, clock: CLOCK, busyTimeoutMs: 20, ...options });
}

/** One dataset, as tests write them. */
export interface TestDataset {
  id: Uint8Array;
  type: DatasetType;
  values: DataIdValue[];
  path: string | null;
}

/** Everything that a registry knows of a RUN, read through its own methods. */
export async function readRun(
  registry: Registry,
  run: string,
): Promise<{ datasets: TestDataset[]; records: DatastoreRecord[] }> {
  const types = new Map((await registry.datasetTypesInRun(run)).map((type) => [type.name, type]));
  const datasets: TestDataset[] = [];
  const records: DatastoreRecord[] = [];
  for await (const { n, ids, typeNames, paths } of registry.runRecords(run)) {
    for (let i = 0; i < n; i++) {
      const id = ids.slice(i * UUID_SIZE, (i + 1) * UUID_SIZE);
      const info = await registry.datasetInfo(id);
      assert.equal(info?.typeName, typeNames[i]);
      assert.equal(info.run, run);
      datasets.push({
        id,
        type: types.get(typeNames[i])!,
        values: info.required,
        path: paths[i],
      });
      records.push(...await registry.records(id));
    }
  }
  return { datasets, records };
}

/** A batch of datasets; formatter and storage class are looked up by type, else made up. */
export function batchOf(
  run: string,
  datasets: readonly TestDataset[],
  records: readonly DatastoreRecord[] = [],
): DatasetBatch {
  const byPath = new Map(records.map((record) => [record.path, record]));
  const types = [...new Set(datasets.map(({ type }) => type))];
  const recordOf = (type: DatasetType) =>
    byPath.get(datasets.find((dataset) => dataset.type === type)!.path ?? "");
  return {
    run,
    n: datasets.length,
    ids: Uint8Array.from(datasets.flatMap(({ id }) => [...id])),
    typeIndex: Uint16Array.from(datasets.map(({ type }) => types.indexOf(type))),
    types,
    values: datasets.flatMap(({ values }) => values),
    paths: datasets.map(({ path }) => path),
    formatters: types.map((type) => recordOf(type)?.formatter ?? "a.Formatter"),
    storageClasses: types.map((type) => recordOf(type)?.storageClass ?? type.storageClass),
    fileSize: -1,
  };
}

/** Many datasets without foreign keys to dimension records, and all that they need. */
export async function pixels(
  registry: Registry,
  n: number,
  run = "u/test/run",
  firstPixel = 0,
): Promise<DatasetBatch> {
  return pixelBatch(run, await registerPixels(registry, run), n, firstPixel);
}

function testId(n: number): Uint8Array {
  return uuidFromText(`019f0000-0000-7000-8000-${n.toString(16).padStart(12, "0")}`);
}

async function conflictOf(work: Promise<unknown>): Promise<string> {
  let message = "";
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof ConflictingDatasetError, String(error));
    message = error.message;
    return true;
  });
  return message;
}

/** A registry with one registered RUN and one type of {detector, visit}, used by many tests. */
async function withMetadataType(registry: Registry, run: string): Promise<DatasetType> {
  await registry.registerCollection(run, "RUN");
  const type = {
    name: "made_up_metadata",
    group: registry.universe.group(["visit", "detector"]),
    storageClass: "TaskMetadata",
    isCalibration: false,
  };
  await registry.registerDatasetTypes([type]);
  return type;
}

/** Two data IDs that the fixture has dimension records for. */
async function visitDataIds(registry: Registry): Promise<DataIdValue[][]> {
  const { datasets } = await readRun(registry, "inputs/run1");
  const found = datasets.find(({ type }) =>
    type.group.required.join() === "instrument,detector,visit"
  );
  assert.ok(found !== undefined, "the fixture has a dataset of {detector, visit}");
  const other = datasets.find(({ type, values }) =>
    type === found.type && String(values) !== String(found.values)
  );
  return [found.values, other!.values];
}

/** Registers the shared tests for an implementation. */
export function testRegistry(lab: RegistryLab): void {
  const test = (name: string, body: () => Promise<void>) => Deno.test(`${lab.name} ${name}`, body);

  test("registry gives the reference's state when an aggregation is repeated through it", async () => {
    await using aggregated = await lab.repository("aggregated");
    await using before = await lab.repository("before");
    {
      await using source = await open(aggregated.config, { writeable: false });
      await using target = await open(before.config);
      const { datasets, records } = await readRun(source, RUN);
      assert.equal(datasets.length, 187);
      await target.registerDatasetTypes(datasets.map(({ type }) => type));
      // The reference registers the types of tasks without quanta as well.
      for (const name of ["deepstack", "deepstack_metadata", "deepstack_log", "deepstack_config"]) {
        const type = await source.findDatasetType(name);
        if (type !== null) await target.registerDatasetTypes([type]);
      }
      await target.registerCollection(RUN, "RUN");
      for (let i = 0; i < datasets.length; i += 50) {
        await target.importDatasets(batchOf(RUN, datasets.slice(i, i + 50), records));
      }
      await target.updateOutputChain(
        OUTPUT_CHAIN,
        RUN,
        (await source.chainChildren(OUTPUT_CHAIN)).slice(1),
      );
    }
    const [actual, expected] = [await before.state(), await aggregated.state()];
    assert.deepEqual(actual.chains, expected.chains);
    const names = new Set([...Object.keys(actual.tables), ...Object.keys(expected.tables)]);
    for (const name of names) {
      assert.deepEqual(actual.tables[name], expected.tables[name], `table ${name}`);
    }
  });

  test("importDatasets() writes nothing when a dataset is there already", async () => {
    await using repository = await lab.repository("before");
    await using registry = await open(repository.config);
    const type = await withMetadataType(registry, "u/test/run");
    const [first, second] = await visitDataIds(registry);
    const one = { id: testId(1), type, values: first, path: "u/test/run/1.json" };
    const two = { id: testId(2), type, values: second, path: "u/test/run/2.json" };
    await registry.importDatasets(batchOf("u/test/run", [two]));
    const message = await conflictOf(registry.importDatasets(batchOf("u/test/run", [one, two])));
    assert.match(message, new RegExp(uuidToText(two.id)));
    assert.match(message, /made_up_metadata \{instrument: 'OracleCam', detector: /);
    assert.equal(await registry.datasetInfo(one.id), null);
    assert.equal(await registry.explainConflict(batchOf("u/test/run", [one, two])), null);
    await registry.importDatasets(batchOf("u/test/run", [one]));
    assert.equal((await registry.datasetIds("u/test/run")).length, 2 * UUID_SIZE);
  });

  test("importDatasets() names both ids when the data ID is there under another", async () => {
    await using repository = await lab.repository("before");
    await using registry = await open(repository.config);
    const type = await withMetadataType(registry, "u/test/run");
    const [values, otherValues] = await visitDataIds(registry);
    const there = { id: testId(1), type, values, path: "1" };
    await registry.importDatasets(batchOf("u/test/run", [there]));
    const batch = batchOf("u/test/run", [
      { id: testId(2), type, values, path: "2" },
      { id: testId(3), type, values: otherValues, path: "3" },
    ]);
    const before = await repository.state();
    for (const write of ["importDatasets", "ingestDatasets"] as const) {
      const message = await conflictOf(registry[write](batch));
      for (const id of [testId(1), testId(2)]) assert.ok(message.includes(uuidToText(id)), message);
    }
    const explained = await registry.explainConflict(batch);
    assert.equal(explained?.split("\n").length, 1);
    assert.ok(explained?.includes(uuidToText(testId(1))), explained!);
    assert.deepEqual(await repository.state(), before);
  });

  test("importDatasets() says where an id is registered otherwise", async () => {
    await using repository = await lab.repository("before");
    await using registry = await open(repository.config);
    const type = await withMetadataType(registry, "u/test/run");
    await registry.registerCollection("u/test/other", "RUN");
    const [values, otherValues] = await visitDataIds(registry);
    const there = { id: testId(1), type, values, path: "1" };
    await registry.importDatasets(batchOf("u/test/other", [there]));
    const batch = batchOf("u/test/run", [there]);
    for (const write of ["importDatasets", "ingestDatasets"] as const) {
      assert.match(
        await conflictOf(registry[write](batch)),
        /registered as made_up_metadata in run "u\/test\/other"/,
      );
    }
    assert.match((await registry.explainConflict(batch))!, /in run "u\/test\/other"/);
    const moved = batchOf("u/test/other", [{ ...there, values: otherValues }]);
    assert.match(await conflictOf(registry.ingestDatasets(moved)), /registered with data ID \{/);
    assert.match((await registry.explainConflict(moved))!, /registered with data ID \{/);
  });

  test("importDatasets() names the dimension record that is missing", async () => {
    await using repository = await lab.repository("before");
    await using registry = await open(repository.config);
    const type = await withMetadataType(registry, "u/test/run");
    const [[instrument, detector, visit]] = await visitDataIds(registry);
    const dataset = (values: DataIdValue[]) => ({ id: testId(1), type, values, path: "1" });
    const before = await repository.state();
    for (
      const [values, message] of [
        [[instrument, detector, 987654], /no visit record/],
        [[instrument, 9999, visit], /no detector record/],
        [["NoCam", detector, visit], /no instrument "NoCam"/],
      ] as [DataIdValue[], RegExp][]
    ) {
      const batch = batchOf("u/test/run", [dataset(values)]);
      assert.match(await conflictOf(registry.importDatasets(batch)), message);
      assert.match(await conflictOf(registry.ingestDatasets(batch)), message);
      assert.equal(await registry.explainConflict(batch), null);
    }
    assert.deepEqual(await repository.state(), before);
  });

  test("importDatasets() refuses runs and types that aren't registered", async () => {
    await using repository = await lab.repository("before");
    await using registry = await open(repository.config);
    const type = await withMetadataType(registry, "u/test/run");
    const [values] = await visitDataIds(registry);
    const dataset = { id: testId(1), type, values, path: "1" };
    await assert.rejects(registry.importDatasets(batchOf("u/no/run", [dataset])), {
      name: "RefusedError",
      message: /"u\/no\/run".*not registered/,
    });
    await assert.rejects(registry.importDatasets(batchOf("inputs", [dataset])), {
      name: "RefusedError",
      message: /"inputs".*CHAINED/,
    });
    const unknown = { ...dataset, type: { ...type, name: "unknown" } };
    await assert.rejects(registry.importDatasets(batchOf("u/test/run", [unknown])), {
      name: "RefusedError",
      message: /"unknown".*not registered/,
    });
    const other = { ...dataset, type: { ...type, group: registry.universe.group(["visit"]) } };
    await assert.rejects(
      registry.importDatasets(batchOf("u/test/run", [{ ...other, values: values.slice(0, 2) }])),
      { name: "RefusedError", message: /dimensions are/ },
    );
    await assert.rejects(
      registry.importDatasets({ ...batchOf("u/test/run", [dataset]), values: [] }),
      RangeError,
    );
  });

  test("importDatasets() registers a dataset without path and leaves it unstored", async () => {
    await using repository = await lab.repository("before");
    await using registry = await open(repository.config);
    const type = await withMetadataType(registry, "u/test/run");
    const [values] = await visitDataIds(registry);
    await registry.importDatasets(
      batchOf("u/test/run", [{ id: testId(1), type, values, path: null }]),
    );
    assert.deepEqual(await registry.records(testId(1)), []);
    assert.deepEqual((await readRun(registry, "u/test/run")).datasets[0].path, null);
    const { tables } = await repository.state();
    assert.ok(
      !tables.dataset_location.some((row) => row.dataset_id === uuidToText(testId(1))),
    );
  });

  test("ingestDatasets() leaves each dataset with exactly the given record", async () => {
    await using repository = await lab.repository("before");
    await using registry = await open(repository.config);
    const type = await withMetadataType(registry, "u/test/run");
    const [first, second] = await visitDataIds(registry);
    const one = { id: testId(1), type, values: first, path: "old" };
    const two = { id: testId(2), type, values: second, path: "new" };
    await registry.importDatasets(batchOf("u/test/run", [one]));
    const batch = {
      ...batchOf("u/test/run", [two, { ...one, path: "new" }]),
      formatters: ["b.Formatter"],
      storageClasses: ["Other"],
      fileSize: 123,
    };
    const record = {
      path: "new",
      formatter: "b.Formatter",
      storageClass: "Other",
      component: null,
      checksum: null,
      fileSize: 123,
    };
    await registry.ingestDatasets(batch);
    const once = await repository.state();
    await registry.ingestDatasets(batch);
    assert.deepEqual(await repository.state(), once);
    assert.deepEqual(await registry.records(testId(1)), [record]);
    assert.deepEqual(await registry.records(testId(2)), [record]);
    assert.deepEqual(
      once.tables.dataset_location.filter((row) => String(row.dataset_id).startsWith("019f0000")),
      [testId(1), testId(2)].map((id) => ({
        dataset_id: uuidToText(id),
        datastore_name: registry.config.datastore.name,
      })),
    );
    await registry.ingestDatasets({ ...batch, paths: ["new", null] });
    assert.deepEqual(await registry.records(testId(1)), []);
    assert.equal((await registry.records(testId(2))).length, 1);
  });

  test("rewriteRecords() changes records of registered datasets and nothing else", async () => {
    await using repository = await lab.repository("before");
    await using registry = await open(repository.config);
    const type = await withMetadataType(registry, "u/test/run");
    await registry.registerCollection("u/test/other", "RUN");
    const [first, second] = await visitDataIds(registry);
    const dataset = (n: number, values: DataIdValue[], path: string | null) => ({
      id: testId(n),
      type,
      values,
      path,
    });
    await registry.importDatasets(
      batchOf("u/test/run", [dataset(1, first, "1"), dataset(2, second, null)]),
    );
    await registry.importDatasets(batchOf("u/test/other", [dataset(3, first, "3")]));
    const before = await repository.state();
    const batch = {
      // Absent, without record, of another RUN, to be left alone, and one to be rewritten.
      ...batchOf("u/test/run", [
        dataset(4, first, "new"),
        dataset(2, second, "new"),
        dataset(3, first, "new"),
        dataset(1, first, "new"),
      ]),
      formatters: ["b.Formatter"],
      storageClasses: ["Other"],
      fileSize: 123,
    };
    const nothing = { ...batch, paths: batch.paths.map(() => null) };
    assert.deepEqual(await registry.rewriteRecords(nothing), Uint32Array.of(0, 1, 2, 3));
    assert.deepEqual(await repository.state(), before);
    assert.deepEqual(await registry.rewriteRecords(batch), Uint32Array.of(0, 1, 2));
    const [record] = await registry.records(testId(1));
    assert.deepEqual(record, {
      path: "new",
      formatter: "b.Formatter",
      storageClass: "Other",
      component: null,
      checksum: null,
      fileSize: 123,
    });
    const after = await repository.state();
    const records = "file_datastore_records";
    assert.deepEqual({ ...after.tables, [records]: [] }, { ...before.tables, [records]: [] });
    assert.equal((await registry.records(testId(3)))[0].path, "3");
    assert.equal(await registry.datasetInfo(testId(4)), null);
  });

  test("importDatasets() keeps paths of any characters", async () => {
    await using repository = await lab.repository("before");
    await using registry = await open(repository.config);
    const batch = await pixels(registry, 4);
    const odd = ['a "quoted" \\ path', "{é,NULL}\n\t\u{1f52d}", " NULL ", "half \ud83d a pair"];
    await registry.importDatasets({ ...batch, paths: odd });
    const { datasets } = await readRun(registry, batch.run);
    assert.deepEqual(datasets.map(({ path }) => path), odd.map((path) => path.toWellFormed()));
  });

  test("importDatasets() of thousands names the one to blame and writes nothing", async () => {
    await using repository = await lab.repository("before");
    await using registry = await open(repository.config);
    const batch = await pixels(registry, 2500);
    const one = selectRows(batch, Uint32Array.of(1700));
    await registry.importDatasets({ ...one, paths: ["elsewhere"] });
    const before = await repository.state();
    const message = await conflictOf(registry.importDatasets(batch));
    assert.match(message, new RegExp(uuidToText(one.ids)));
    assert.deepEqual(await repository.state(), before);
  });

  test("ingestDatasets() and rewriteRecords() write only while the RUN has the graph that is named", async () => {
    await using repository = await lab.repository("before");
    await using registry = await open(repository.config);
    const run = "u/test/run";
    const type = await withMetadataType(registry, run);
    const graphType: DatasetType = {
      name: "run_provenance",
      group: registry.universe.group([]),
      storageClass: "X",
      isCalibration: false,
    };
    await registry.registerDatasetTypes([graphType]);
    const [first] = await visitDataIds(registry);
    const batch = {
      ...batchOf(run, [{ id: testId(1), type, values: first, path: "graph.qg" }]),
      checksum: "ab12",
      fileSize: 10,
    };
    const graph = (n: number, path: string) => ({
      ...batchOf(run, [{ id: testId(n), type: graphType, values: [], path }]),
      fileSize: 10,
    });
    const guard = (n: number, path: string, fileSize = 10) => ({
      provenance: { id: testId(n), path, fileSize },
    });
    const none = { provenance: null };
    const before = await repository.state();
    for (const write of ["ingestDatasets", "rewriteRecords"] as const) {
      assert.match(await conflictOf(registry[write](batch, guard(8, "graph.qg"))), /is absent now/);
    }
    assert.deepEqual(await repository.state(), before);
    await registry.ingestDatasets(graph(8, "graph.qg"), none);
    // The same graph, or another one, from a process that was slower.
    for (const late of [graph(8, "graph.qg"), graph(8, "other.qg"), graph(9, "graph.qg")]) {
      assert.match(await conflictOf(registry.ingestDatasets(late, none)), /not absent/);
    }
    assert.equal((await registry.findRunProvenance(run))!.record.path, "graph.qg");
    const others = [guard(9, "graph.qg"), guard(8, "other.qg"), guard(8, "graph.qg", 11), none];
    for (const write of ["ingestDatasets", "rewriteRecords"] as const) {
      for (const other of others) {
        assert.match(
          await conflictOf(registry[write](batch, other)),
          /"graph.qg" \(dataset .* now, not/,
        );
      }
    }
    assert.deepEqual(await registry.records(testId(1)), []);
    await registry.ingestDatasets(batch, guard(8, "graph.qg"));
    assert.equal((await registry.records(testId(1)))[0].checksum, "ab12");
    const rewritten = { ...batch, checksum: "cd34" };
    assert.equal((await registry.rewriteRecords(rewritten, guard(8, "graph.qg"))).length, 0);
    assert.equal((await registry.records(testId(1)))[0].checksum, "cd34");
    await registry.ingestDatasets({ ...batch, checksum: undefined }, guard(8, "graph.qg"));
    assert.equal((await registry.records(testId(1)))[0].checksum, null);
  });

  test("ingestDatasets() of thousands registers what is absent and rewrites the rest", async () => {
    await using repository = await lab.repository("before");
    await using registry = await open(repository.config);
    const batch = await pixels(registry, 2500);
    const there = Uint32Array.from({ length: 1250 }, (_, i) => 2 * i);
    await registry.importDatasets(selectRows(batch, there));
    const paths = batch.paths.map((_, i) => i % 5 === 0 ? null : `q/${i}`);
    await registry.ingestDatasets({ ...batch, paths });
    const found: { id: Uint8Array; path: string | null }[] = [];
    for await (const { n, ids, paths } of registry.runRecords(batch.run)) {
      for (let i = 0; i < n; i++) {
        found.push({ id: ids.slice(i * UUID_SIZE, (i + 1) * UUID_SIZE), path: paths[i] });
      }
    }
    assert.deepEqual(found.map(({ path }) => path), paths);
    // Among every three are some that were there and some that weren't, with and without a path.
    for (let i = 0; i < batch.n; i += 3) {
      const info = await registry.datasetInfo(found[i].id);
      assert.deepEqual(info?.required[0], batch.values[i]);
    }
  });

  test("ingestDatasets() refuses an id that is given twice", async () => {
    await using repository = await lab.repository("before");
    await using registry = await open(repository.config);
    const type = await withMetadataType(registry, "u/test/run");
    const [first, second] = await visitDataIds(registry);
    const batch = batchOf("u/test/run", [
      { id: testId(1), type, values: first, path: "1" },
      { id: testId(1), type, values: second, path: "2" },
    ]);
    assert.match(await conflictOf(registry.ingestDatasets(batch)), /given twice/);
    assert.equal((await registry.datasetIds("u/test/run")).length, 0);
  });

  test("forgetDatasets() undoes an import but for summaries", async () => {
    await using repository = await lab.repository("aggregated");
    await using registry = await open(repository.config);
    const before = await repository.state();
    const { datasets, records } = await readRun(registry, RUN);
    const ids = await registry.datasetIds(RUN);
    const withUnknown = new Uint8Array(ids.length + UUID_SIZE);
    withUnknown.set(ids);
    withUnknown.set(testId(77), ids.length);
    assert.equal(await registry.forgetDatasets(withUnknown), datasets.length);
    assert.equal(await registry.forgetDatasets(withUnknown), 0);
    assert.equal(await registry.forgetDatasets(new Uint8Array(0)), 0);
    assert.equal((await registry.datasetIds(RUN)).length, 0);
    assert.equal((await registry.datasetTypesInRun(RUN)).length > 0, true);
    const { tables } = await repository.state();
    for (const table of ["dataset", "dataset_location", "file_datastore_records"]) {
      assert.equal(tables[table].length, before.tables[table].length - datasets.length, table);
    }
    // Inputs keep their tags; foreign keys are still enforced afterwards.
    await registry.importDatasets(batchOf(RUN, datasets, records));
    assert.deepEqual(await repository.state(), before);
    const bad = { ...datasets[0], id: testId(1), values: ["NoCam", 1, 2] };
    bad.type = datasets.find(({ type }) => type.group.required.length === 3)!.type;
    await conflictOf(registry.importDatasets(batchOf(RUN, [bad])));
  });

  test("registerDatasetTypes() is idempotent and refuses other definitions", async () => {
    await using repository = await lab.repository("before");
    await using registry = await open(repository.config);
    const type = await withMetadataType(registry, "u/test/run");
    const before = await repository.state();
    await registry.registerDatasetTypes([type, type]);
    assert.equal(await registry.checkDatasetType(type), "present");
    const fresh = { ...type, name: "fresh" };
    const group = registry.universe.group(["visit"]);
    const others: [DatasetType, RegExp][] = [
      [{ ...type, storageClass: "Other" }, /storage class is "TaskMetadata", expected "Other"/],
      [{ ...type, group }, /dimensions are \{/],
      [{ ...type, isCalibration: true }, /calibration/],
    ];
    for (const [other, message] of others) {
      const expected = (error: unknown) => {
        assert.ok(error instanceof ConflictingDefinitionError);
        assert.match(error.message, /"made_up_metadata"/);
        assert.match(error.message, message);
        return true;
      };
      await assert.rejects(registry.checkDatasetType(other), expected);
      await assert.rejects(registry.registerDatasetTypes([fresh, other]), expected);
      await assert.rejects(
        registry.registerDatasetTypes([fresh, { ...other, name: "fresh" }]),
        ConflictingDefinitionError,
      );
    }
    assert.equal(await registry.checkDatasetType(fresh), "absent");
    assert.deepEqual(await repository.state(), before);
  });

  test("registerDatasetTypes() makes tables for new groups and calibrations", async () => {
    await using repository = await lab.repository("before");
    await using registry = await open(repository.config);
    const { universe } = registry;
    const types = [["group", "detector"], ["healpix17"], ["instrument"]].map((names, i) => ({
      name: `made_up_${i}`,
      group: universe.group(names),
      storageClass: "StructuredDataDict",
      isCalibration: i === 2,
    }));
    await registry.registerDatasetTypes(types);
    for (const type of types) assert.deepEqual(await registry.findDatasetType(type.name), type);
    const { tables } = await repository.state();
    assert.ok("dataset_tags{detector,group,instrument}" in tables);
    assert.ok("dataset_tags{healpix17}" in tables);
    assert.ok("dataset_calibs{instrument}" in tables);
  });

  test("registerDatasetTypes() refuses names and dimensions that can't be", async () => {
    await using repository = await lab.repository("before");
    await using registry = await open(repository.config);
    const type = {
      name: "a.b",
      group: registry.universe.group([]),
      storageClass: "X",
      isCalibration: false,
    };
    await assert.rejects(registry.registerDatasetTypes([type]), RefusedError);
    const names = ["moon_phase"];
    const group = { names, required: names, implied: [], governors: [], key: "moon_phase" };
    await assert.rejects(registry.checkDatasetType({ ...type, name: "ab", group }), {
      name: "RefusedError",
      message: /"ab".*"moon_phase"/,
    });
    const visit = registry.universe.group(["visit"]);
    await assert.rejects(
      registry.checkDatasetType({
        ...type,
        name: "ab",
        group: { ...visit, required: visit.names },
      }),
      RefusedError,
    );
  });

  test("importDatasets() keeps 64-bit integers", async () => {
    await using repository = await lab.repository("before");
    await using registry = await open(repository.config);
    const type = await registerPixels(registry, "u/test/run");
    const pixels: DataIdValue[] = [2 ** 53 - 1, 2n ** 53n + 1n, 2n ** 63n - 1n, -7, -1, 0];
    const datasets = pixels.map((pixel, i) => ({
      id: testId(i),
      type,
      values: [pixel],
      path: `p${i}`,
    }));
    await registry.importDatasets(batchOf("u/test/run", datasets));
    await registry.ingestDatasets(batchOf("u/test/run", datasets));
    assert.deepEqual((await readRun(registry, "u/test/run")).datasets, datasets);
    for (const { id, values } of datasets) {
      assert.deepEqual(await registry.findDataset("pixels", "u/test/run", values), id);
    }
  });

  test("registerCollection() finds or makes collections and refuses other types", async () => {
    await using repository = await lab.repository("before");
    await using registry = await open(repository.config);
    const made = await registry.registerCollection("u/test/run", "RUN");
    assert.equal(made.created, true);
    assert.deepEqual(await registry.registerCollection("u/test/run", "RUN"), {
      ...made,
      created: false,
    });
    assert.deepEqual(await registry.findCollection("u/test/run"), {
      key: made.collection.key,
      name: "u/test/run",
      type: "RUN",
      doc: null,
    });
    assert.equal(await registry.findCollection("nope"), null);
    assert.equal((await registry.findCollection("inputs/certified"))?.type, "CALIBRATION");
    await assert.rejects(registry.registerCollection("inputs", "RUN"), {
      name: "ConflictingDefinitionError",
      message: /RUN collection "inputs".*it is a CHAINED collection/,
    });
    await assert.rejects(
      registry.registerCollection("inputs/run1", "CHAINED"),
      ConflictingDefinitionError,
    );
  });

  test("updateOutputChain() makes the chain of run and flattened inputs, once", async () => {
    await using repository = await lab.repository("before");
    await using registry = await open(repository.config);
    await registry.registerCollection("u/test/1", "RUN");
    await registry.registerCollection("u/test/2", "RUN");
    await registry.updateOutputChain("u/test", "u/test/1", ["inputs", "inputs/run1"]);
    const inputs = ["inputs/certified", "inputs/run1", "inputs/calibs"];
    assert.deepEqual(await registry.chainChildren("u/test"), ["u/test/1", ...inputs]);
    await registry.updateOutputChain("u/test", "u/test/2", ["nobody/looks/at/these"]);
    const all = ["u/test/2", "u/test/1", ...inputs];
    assert.deepEqual(await registry.chainChildren("u/test"), all);
    // A member stays where it is.
    const before = await repository.state();
    await registry.updateOutputChain("u/test", "u/test/1", ["inputs"]);
    assert.deepEqual(await repository.state(), before);
    assert.deepEqual(await registry.flattenCollections(["inputs/run1", "u/test"]), [
      "inputs/run1",
      "u/test/2",
      "u/test/1",
      "inputs/certified",
      "inputs/calibs",
    ]);
  });

  test("updateOutputChain() refuses what would break the chain, and writes nothing", async () => {
    await using repository = await lab.repository("before");
    await using registry = await open(repository.config);
    await registry.registerCollection("u/test/1", "RUN");
    const before = await repository.state();
    await assert.rejects(registry.updateOutputChain("u/test", "u/test/1", ["nope"]), NotFoundError);
    await assert.rejects(registry.updateOutputChain("u/test", "nope", ["inputs"]), NotFoundError);
    await assert.rejects(
      registry.updateOutputChain("u/test", "u/test/1", ["u/test"]),
      RefusedError,
    );
    await assert.rejects(
      registry.updateOutputChain("inputs/run1", "u/test/1", ["inputs"]),
      ConflictingDefinitionError,
    );
    assert.deepEqual(await repository.state(), before);
    await assert.rejects(registry.chainChildren("nope"), NotFoundError);
    await assert.rejects(registry.chainChildren("u/test/1"), ConflictingDefinitionError);
    await assert.rejects(registry.flattenCollections(["nope"]), NotFoundError);
  });

  test("registry answers questions about datasets", async () => {
    await using repository = await lab.repository("aggregated");
    await using registry = await open(repository.config, { writeable: false });
    const ids = await registry.datasetIds(RUN);
    const { datasets } = await readRun(registry, RUN);
    assert.deepEqual(sortedIds(ids), Uint8Array.from(datasets.flatMap(({ id }) => [...id])));
    for (const { id, type, values } of datasets) {
      assert.deepEqual(await registry.findDataset(type.name, RUN, values), id);
    }
    const names = new Set(datasets.map(({ type }) => type.name));
    assert.deepEqual(
      (await registry.datasetTypesInRun(RUN)).map(({ name }) => name).filter((n) => names.has(n)),
      [...names].sort(),
    );
    const some: string[] = [];
    for await (
      const { typeNames } of registry.runRecords(RUN, ["packages", "calibrate_log", "x"])
    ) {
      some.push(...typeNames);
    }
    assert.equal(some.length, 17);
    assert.deepEqual([...new Set(some)].sort(), ["calibrate_log", "packages"]);
  });

  test("runDatasetIds() and datasetIdsStoredAt() equal what runRecords() lists", async () => {
    await using repository = await lab.repository("ingested");
    await using registry = await open(repository.config, { writeable: false });
    const collect = async (batches: AsyncIterable<Uint8Array>) => {
      const texts: string[] = [];
      for await (const ids of batches) {
        for (let at = 0; at < ids.length; at += UUID_SIZE) texts.push(uuidToText(ids, at));
      }
      return texts.sort();
    };
    const byType = new Map<string, string[]>();
    const byPath = new Map<string, string[]>();
    for await (const { n, ids, typeNames, paths } of registry.runRecords(RUN)) {
      for (let i = 0; i < n; i++) {
        const id = uuidToText(ids, i * UUID_SIZE);
        byType.set(typeNames[i], [...byType.get(typeNames[i]) ?? [], id]);
        if (paths[i] !== null) byPath.set(paths[i]!, [...byPath.get(paths[i]!) ?? [], id]);
      }
    }
    const names = ["packages", "calibrate_log", "no_such_type"];
    assert.deepEqual(
      await collect(registry.runDatasetIds(RUN, names)),
      names.flatMap((name) => byType.get(name) ?? []).sort(),
    );
    assert.deepEqual(await collect(registry.runDatasetIds(RUN, [])), []);
    assert.deepEqual(await collect(registry.runDatasetIds("nope", names)), []);
    assert.deepEqual(await collect(registry.runDatasetIds("inputs/run1", names)), []);
    // The graph backs many datasets; every other record has a path of its own.
    assert.ok([...byPath.values()].some((ids) => ids.length > 10));
    for (const [path, ids] of byPath) {
      assert.deepEqual(await collect(registry.datasetIdsStoredAt(path)), ids.sort());
    }
    assert.deepEqual(await collect(registry.datasetIdsStoredAt("nope")), []);
  });

  test("runsWithDatasetType() names the RUNs that hold datasets of a type", async () => {
    await using repository = await lab.repository("aggregated");
    await using registry = await open(repository.config, { writeable: true });
    assert.deepEqual(await registry.runsWithDatasetType("calibrate_log"), [RUN]);
    assert.deepEqual(await registry.runsWithDatasetType("raw"), ["inputs/run1"]);
    assert.deepEqual(await registry.runsWithDatasetType("run_provenance"), []);
    assert.deepEqual(await registry.runsWithDatasetType("nope"), []);
    // The summary still names a RUN whose datasets are gone.
    const id = await registry.findDataset("packages", RUN, []);
    await registry.forgetDatasets(id!);
    assert.deepEqual(await registry.runsWithDatasetType("packages"), []);
  });

  test("recordPathsBelow() gives the paths of a directory, of whatever RUN", async () => {
    await using repository = await lab.repository("aggregated");
    await using registry = await open(repository.config, { writeable: false });
    const below = async (directory: string) =>
      (await Array.fromAsync(registry.recordPathsBelow(directory))).flat().sort();
    const expected: string[] = [];
    for await (const { paths } of registry.runRecords(RUN, ["calibrate_log"])) {
      expected.push(...paths.filter((path) => path !== null));
    }
    assert.ok(expected.length > 0);
    assert.deepEqual(await below(`${RUN}/calibrate_log`), expected.sort());
    assert.deepEqual(await below(`${RUN}/calibrate_lo`), []);
    assert.deepEqual(await below("nope"), []);
  });

  test("runsBelow() names the RUNs whose names begin with another and a slash", async () => {
    await using repository = await lab.repository("aggregated");
    await using registry = await open(repository.config, { writeable: true });
    for (const name of [`${RUN}/b`, `${RUN}/a/x`, `${RUN}0`, `${RUN}-c/x`, `${RUN}/%_`]) {
      await registry.registerCollection(name, "RUN");
    }
    await registry.registerCollection(`${RUN}/chain`, "CHAINED");
    assert.deepEqual(await registry.runsBelow(RUN), [`${RUN}/%_`, `${RUN}/a/x`, `${RUN}/b`]);
    assert.deepEqual(await registry.runsBelow(`${RUN}/a`), [`${RUN}/a/x`]);
    assert.deepEqual(await registry.runsBelow("nope"), []);
  });

  test("registry gives empty answers about what isn't there", async () => {
    await using repository = await lab.repository("aggregated");
    await using registry = await open(repository.config, { writeable: false });
    assert.equal((await registry.datasetIds("nope")).length, 0);
    assert.deepEqual((await readRun(registry, "nope")).datasets, []);
    assert.equal(await registry.findDataset("nope", RUN, []), null);
    assert.equal(await registry.findDataset("packages", "nope", []), null);
    assert.equal(await registry.findDataset("packages", "inputs/run1", []), null);
    assert.equal(await registry.findDatasetType("nope"), null);
    assert.equal(await registry.datasetInfo(testId(1)), null);
    assert.deepEqual(await registry.records(testId(1)), []);
    assert.equal(await registry.findRunProvenance(RUN), null);
    assert.equal(await registry.findRunProvenance("nope"), null);
    await assert.rejects(registry.findDataset("packages", RUN, [1]), RangeError);
  });

  test("findDatasetIdPrefix() finds ids by their first digits", async () => {
    await using repository = await lab.repository("aggregated");
    await using registry = await open(repository.config, { writeable: false });
    const ids = await registry.datasetIds(RUN);
    const first = ids.slice(0, UUID_SIZE);
    const hex = uuidToText(first).replaceAll("-", "");
    assert.deepEqual(await registry.findDatasetIdPrefix(hex, null, 10), [first]);
    assert.deepEqual(await registry.findDatasetIdPrefix(hex.toUpperCase(), RUN, 10), [first]);
    assert.deepEqual(await registry.findDatasetIdPrefix(hex, "inputs/run1", 10), []);
    assert.deepEqual(await registry.findDatasetIdPrefix(hex, "nope", 10), []);
    assert.equal((await registry.findDatasetIdPrefix("0", RUN, 5)).length, 5);
    assert.equal(
      (await registry.findDatasetIdPrefix("0", RUN, 1000)).length,
      ids.length / UUID_SIZE,
    );
    await assert.rejects(registry.findDatasetIdPrefix("", RUN, 5), RangeError);
    await assert.rejects(registry.findDatasetIdPrefix("01-9", RUN, 5), RangeError);
  });

  test("findRunProvenance() finds the ingested graph and its record", async () => {
    await using repository = await lab.repository("ingested");
    await using registry = await open(repository.config);
    const found = await registry.findRunProvenance(RUN);
    assert.equal(
      found?.record.path,
      `${RUN}/run_provenance/run_provenance_${RUN.replaceAll("/", "_")}.qg`,
    );
    assert.equal(
      found.record.formatter,
      "lsst.pipe.base.quantum_graph.formatter.ProvenanceFormatter",
    );
    assert.ok(found.record.fileSize! > 0);
    assert.equal((await registry.datasetInfo(found.id))?.typeName, "run_provenance");
  });

  test("expandDataId() adds implied values from dimension records", async () => {
    await using repository = await lab.repository("before");
    await using registry = await open(repository.config, { writeable: false });
    const [values] = await visitDataIds(registry);
    const group = registry.universe.group(["visit", "detector"]);
    const expanded = await registry.expandDataId(group, values);
    assert.deepEqual(group.implied, ["band", "day_obs", "physical_filter"]);
    assert.deepEqual(expanded.slice(0, 3), values);
    assert.equal(typeof expanded[3], "string");
    assert.equal(typeof expanded[4], "number");
    assert.equal(typeof expanded[5], "string");
    assert.deepEqual(await registry.expandDataId(registry.universe.group([]), []), []);
    await assert.rejects(registry.expandDataId(group, [values[0], values[1], 424242]), {
      name: "NotFoundError",
      message: /visit: 424242\}: there is no visit record/,
    });
    await assert.rejects(registry.expandDataId(group, values.slice(1)), RangeError);
  });

  test("dimensionRecordSource() gives columns, and undefined for what isn't there", async () => {
    await using repository = await lab.repository("before");
    await using registry = await open(repository.config, { writeable: false });
    const [[instrument, detector, visit]] = await visitDataIds(registry);
    const source = await registry.dimensionRecordSource();
    const dataId = (name: string) =>
      ({ instrument, detector, visit } as Record<string, DataIdValue>)[name];
    const column = (dimension: string, column: string) =>
      withRecords(() => source.column(dimension, column, dataId));
    for (let i = 0; i < 2; i++) {
      assert.equal(typeof await column("detector", "full_name"), "string");
      assert.equal(await column("detector", "id"), detector);
      assert.equal(typeof await column("visit", "day_obs"), "number");
      assert.equal(await column("detector", "no_such_column"), undefined);
      assert.equal(await column("exposure", "obs_id"), undefined);
      assert.equal(await column("band", "name"), undefined);
      assert.equal(await column("no_such_dimension", "id"), undefined);
      assert.equal(await column('detector"; --', "id"), undefined);
      assert.equal(
        await withRecords(() =>
          source.column("detector", "full_name", (n) => n === "detector" ? 999 : instrument)
        ),
        undefined,
      );
    }
  });

  test("openRegistry() without writeable refuses every write", async () => {
    await using repository = await lab.repository("aggregated");
    const before = await repository.state();
    await using registry = await open(repository.config, { writeable: false });
    const { datasets, records } = await readRun(registry, RUN);
    const batch = batchOf(RUN, datasets, records);
    const type = { ...datasets[0].type, name: "fresh" };
    for (
      const work of [
        () => registry.importDatasets(batch),
        () => registry.ingestDatasets(batch),
        () => registry.rewriteRecords(batch),
        () => registry.forgetDatasets(batch.ids),
        () => registry.registerCollection("u/fresh", "RUN"),
        () => registry.registerDatasetTypes([type]),
        () => registry.updateOutputChain("u/fresh", RUN, []),
      ]
    ) {
      await assert.rejects(work(), { name: "RefusedError", message: /read-only/ });
    }
    // What is there already needs no write.
    await registry.registerCollection(RUN, "RUN");
    await registry.registerDatasetTypes([datasets[0].type]);
    await registry.updateOutputChain(OUTPUT_CHAIN, RUN, []);
    assert.deepEqual(await repository.state(), before);
  });

  test("openRegistry() refuses to write when dataset types are overridden", async () => {
    await using repository = await lab.repository("before");
    const config = {
      ...repository.config,
      registry: { ...repository.config.registry, hasDatasetTypeOverrides: true },
    };
    await assert.rejects(open(config), {
      name: "RefusedError",
      message: /overrides dataset types/,
    });
    await using _registry = await open(config, { writeable: false });
  });
}
