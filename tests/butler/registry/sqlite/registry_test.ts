import { DatabaseSync } from "node:sqlite";
import { gunzipSync } from "node:zlib";
import assert from "node:assert/strict";
import { sortedIds } from "../../../../lib/base/sort_ids.ts";
import { loadRepositoryConfig } from "../../../../lib/butler/config/repo_config.ts";
import { dumpState } from "../../../support/dump_state.ts";
import {
  fixturePath,
  RUN,
  type TemporaryDirectory,
  temporaryDirectory,
} from "../../../support/fixtures.ts";
import { tarEntries, type TarEntry } from "../../../support/tar.ts";
import { batchOf, open, readRun, testRegistry } from "../shared.ts";
import type { RepositoryConfig } from "../../../../lib/butler/config/repository_config.ts";

const NO_ENVIRONMENT = { get: () => undefined };

testRegistry({
  name: "sqlite:",
  async repository(state) {
    const { work, config, [Symbol.asyncDispose]: dispose } = await repository(state);
    return {
      config,
      state: () => Promise.resolve(dumpState(work.repo, { hashes: false })),
      [Symbol.asyncDispose]: dispose,
    };
  },
});

/** Configuration and database of a state of `small-ok`: registries need no other files. */
const archives = new Map<string, TarEntry[]>();

function registryFiles(state: string): TarEntry[] {
  let entries = archives.get(state);
  if (entries === undefined) {
    const archive = gunzipSync(Deno.readFileSync(fixturePath("small-ok", `${state}.tar.gz`)));
    entries = [...tarEntries(archive)]
      .filter(({ path }) => /^repo\/(butler\.yaml|gen3\.sqlite3)$/.test(path));
    archives.set(state, entries);
  }
  return entries;
}

/** A repository without datastore files in a temporary directory, with a way to its database. */
async function repository(state = "before"): Promise<
  { work: TemporaryDirectory; config: RepositoryConfig; path: string } & AsyncDisposable
> {
  const work = await temporaryDirectory();
  Deno.mkdirSync(work.repo);
  for (const { path, data } of registryFiles(state)) Deno.writeFileSync(work.join(path), data);
  const config = loadRepositoryConfig(work.repo, NO_ENVIRONMENT);
  return {
    work,
    config,
    path: config.registry.path!,
    [Symbol.asyncDispose]: () => work[Symbol.asyncDispose](),
  };
}

function query(path: string, sql: string): Record<string, unknown>[] {
  using database = new DatabaseSync(path);
  return database.prepare(sql).all().map((row) => ({ ...row }));
}

function change(path: string, ...statements: string[]): void {
  using database = new DatabaseSync(path);
  for (const statement of statements) database.exec(statement);
}

Deno.test("registerDatasetTypes() leaves the schema text that the reference leaves", async () => {
  await using before = await repository();
  await using aggregated = await repository("aggregated");
  {
    await using source = await open(aggregated.config, { writeable: false });
    await using target = await open(before.config);
    // In the order of their ids, so that keys are the same.
    const names = query(aggregated.path, "SELECT name FROM dataset_type ORDER BY id");
    for (const { name } of names) {
      await target.registerDatasetTypes([(await source.findDatasetType(name as string))!]);
    }
  }
  const schema = (path: string) =>
    query(path, "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name");
  assert.deepEqual(schema(before.path), schema(aggregated.path));
  const types = (path: string) => query(path, "SELECT * FROM dataset_type ORDER BY id");
  assert.deepEqual(types(before.path), types(aggregated.path));
  const groups = (path: string) =>
    query(path, "SELECT * FROM dimension_graph_definition ORDER BY rowid");
  const sets = (path: string) => groups(path).map((row) => Object.values(row).join()).sort();
  assert.deepEqual(sets(before.path), sets(aggregated.path));
});

Deno.test("openRegistry() makes the records table when it is missing and writing is asked for", async () => {
  await using before = await repository();
  const schema = () =>
    query(before.path, "SELECT name, sql FROM sqlite_master WHERE tbl_name LIKE 'file_datastore%'");
  const expected = schema();
  change(before.path, "DROP TABLE file_datastore_records", "DELETE FROM opaque_meta");
  {
    await using registry = await open(before.config, { writeable: false });
    const { datasets, records } = await readRun(registry, "inputs/run1");
    assert.ok(datasets.length > 0 && datasets.every(({ path }) => path === null));
    assert.deepEqual(records, []);
  }
  assert.deepEqual(schema(), []);
  await (await open(before.config))[Symbol.asyncDispose]();
  assert.deepEqual(schema(), expected);
  assert.deepEqual(query(before.path, "SELECT table_name FROM opaque_meta"), [
    { table_name: "file_datastore_records" },
  ]);
});

Deno.test("openRegistry() takes any name for the records table", async () => {
  await using before = await repository();
  const recordsTable = 'my "odd" Records';
  const config = { ...before.config, datastores: [{ ...before.config.datastore, recordsTable }] };
  await using registry = await open(config);
  const type = (await registry.findDatasetType("raw"))!;
  const [{ id, values }] = (await readRun(registry, "inputs/run1")).datasets
    .filter((dataset) => dataset.type.name === "raw");
  await registry.ingestDatasets(batchOf("inputs/run1", [{ id, type, values, path: "p" }]));
  assert.deepEqual((await registry.records(id)).map(({ path }) => path), ["p"]);
  assert.equal((await readRun(registry, "inputs/run1")).records.length, 1);
});

Deno.test("openRegistry() refuses a records table with other columns", async () => {
  await using before = await repository();
  change(before.path, "ALTER TABLE file_datastore_records ADD COLUMN extra TEXT");
  await assert.rejects(open(before.config), {
    name: "RepositoryError",
    message: /table "file_datastore_records".*columns.*extra/,
  });
});

Deno.test("openRegistry() writes UTC text dates with datasets manager 1.0.0", async () => {
  await using before = await repository();
  change(
    before.path,
    "UPDATE butler_attributes SET value = '1.0.0' WHERE name LIKE 'version:%DatasetRecordStorage%'",
    "PRAGMA foreign_keys=OFF",
    // So that references in other tables keep their text.
    "PRAGMA legacy_alter_table=ON",
    "CREATE TABLE old (id CHAR(32) NOT NULL, dataset_type_id BIGINT NOT NULL, " +
      "ingest_date TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL, run_id BIGINT NOT NULL, PRIMARY KEY (id))",
    "INSERT INTO old SELECT * FROM dataset",
    "DROP TABLE dataset",
    "ALTER TABLE old RENAME TO dataset",
  );
  const dates = await importOne(before.config, before.path);
  assert.deepEqual(dates, [{ kind: "text", ingest_date: "2026-07-01 10:00:00.000000" }]);
});

Deno.test("openRegistry() writes nanoseconds TAI with datasets manager 2.0.0", async () => {
  await using before = await repository();
  const dates = await importOne(before.config, before.path);
  assert.deepEqual(dates, [{ kind: "integer", ingest_date: "1782900037000000000" }]);
});

/** Imports one dataset and reads its date. */
async function importOne(config: RepositoryConfig, path: string) {
  {
    await using registry = await open(config);
    await registry.registerCollection("u/test/run", "RUN");
    const type = {
      name: "made_up",
      group: registry.universe.group([]),
      storageClass: "X",
      isCalibration: false,
    };
    await registry.registerDatasetTypes([type]);
    const id = new Uint8Array(16).fill(1);
    await registry.importDatasets(batchOf("u/test/run", [{ id, type, values: [], path: "p" }]));
  }
  return query(
    path,
    "SELECT typeof(ingest_date) AS kind, CAST(ingest_date AS TEXT) AS ingest_date " +
      "FROM dataset WHERE id LIKE '0101%'",
  );
}

Deno.test("openRegistry() refuses versions, obscore and other universes before it writes", async () => {
  for (
    const [statement, message] of [
      ["DELETE FROM butler_attributes", /"butler_attributes" is empty/],
      ["DROP TABLE butler_attributes", /no table "butler_attributes"/],
      [
        "UPDATE butler_attributes SET value = '9.0.0' WHERE name LIKE 'version:%Opaque%'",
        /"opaque" is "9\.0\.0"/,
      ],
      ["INSERT INTO butler_attributes VALUES ('config:obscore.json', '{}')", /obscore/],
      [
        "UPDATE butler_attributes SET value = replace(value, 'daf_butler', 'other') " +
        "WHERE name = 'config:dimensions.json'",
        /namespace is "other"/,
      ],
      [
        "UPDATE butler_attributes SET value = '[' WHERE name = 'config:dimensions.json'",
        /dimension universe/,
      ],
    ] as [string, RegExp][]
  ) {
    await using before = await repository();
    change(before.path, statement, "DROP TABLE file_datastore_records");
    await assert.rejects(open(before.config), { name: "RepositoryError", message });
    assert.deepEqual(
      query(before.path, "SELECT * FROM sqlite_master WHERE name LIKE 'file_d%'"),
      [],
    );
  }
});

Deno.test("openRegistry() refuses a tags table with other columns", async () => {
  await using before = await repository();
  change(before.path, "ALTER TABLE dataset_tags_00000001 ADD COLUMN extra TEXT");
  await using registry = await open(before.config);
  const [{ name }] = query(before.path, "SELECT name FROM dataset_type WHERE dimensions_key = 1");
  await assert.rejects(registry.findDatasetType(name as string), {
    name: "RepositoryError",
    message: /table "dataset_tags_00000001".*extra/,
  });
});

Deno.test("openRegistry() names a missing, foreign or damaged file and makes none", async () => {
  await using before = await repository();
  const at = (path: string) => ({
    ...before.config,
    registry: { ...before.config.registry, path },
  });
  for (const writeable of [true, false]) {
    const missing = before.work.join("missing.sqlite3");
    await assert.rejects(open(at(missing), { writeable }), {
      name: "NotFoundError",
      message: /missing\.sqlite3": there is no such file/,
      hint: /butler\.yaml/,
    });
    assert.throws(() => Deno.statSync(missing), Deno.errors.NotFound);
    await assert.rejects(open(at(before.work.path), { writeable }), {
      name: "RepositoryError",
      message: /not a file/,
    });
    const text = before.work.join("text#1 %41?.sqlite3");
    Deno.writeTextFileSync(text, "not a database ".repeat(1000));
    await assert.rejects(open(at(text), { writeable }), {
      name: "RepositoryError",
      message: /text#1 %41\?\.sqlite3": the file is not an SQLite database/,
    });
    const damaged = before.work.join("damaged.sqlite3");
    Deno.writeFileSync(damaged, Deno.readFileSync(before.path).subarray(0, 200_000));
    await assert.rejects(open(at(damaged), { writeable }), {
      name: "EnvironmentError",
      message: /damaged\.sqlite3": the database is damaged/,
    });
    const empty = before.work.join("empty.sqlite3");
    Deno.writeTextFileSync(empty, "");
    await assert.rejects(open(at(empty), { writeable }), {
      name: "RepositoryError",
      message: /no table "butler_attributes"/,
    });
  }
  await assert.rejects(
    open({ ...before.config, registry: { ...before.config.registry, path: null } }),
    { name: "RepositoryError" },
  );
});

Deno.test("importDatasets() names the database file when another process holds the lock", async () => {
  await using before = await repository();
  await using registry = await open(before.config);
  using other = new DatabaseSync(before.path);
  other.exec("BEGIN IMMEDIATE");
  await assert.rejects(registry.registerCollection("u/test/run", "RUN"), {
    name: "EnvironmentError",
    message: /gen3\.sqlite3": another process holds a lock on it/,
    hint: /Try again/,
  });
  other.exec("ROLLBACK");
  assert.equal((await registry.registerCollection("u/test/run", "RUN")).created, true);
});

Deno.test("openRegistry() rolls back what a killed process left, also when it only reads", async () => {
  await using before = await repository();
  const hot = before.work.join("hot.sqlite3");
  {
    using database = new DatabaseSync(before.path);
    // A tiny cache makes SQLite write into the file within the transaction.
    database.exec("PRAGMA cache_size=5");
    database.exec("BEGIN IMMEDIATE");
    database.exec(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) " +
        "INSERT INTO collection (name, type) SELECT 'half done ' || i || hex(zeroblob(90)), 2 FROM n",
    );
    Deno.copyFileSync(before.path, hot);
    Deno.copyFileSync(`${before.path}-journal`, `${hot}-journal`);
    database.exec("ROLLBACK");
  }
  const config = { ...before.config, registry: { ...before.config.registry, path: hot } };
  await using registry = await open(config, { writeable: false });
  assert.equal((await registry.findCollection("inputs"))?.type, "CHAINED");
  assert.deepEqual(query(hot, "SELECT * FROM collection WHERE name LIKE 'half%'"), []);
});

Deno.test("openRegistry() completes a RUN whose second row was never written", async () => {
  await using before = await repository();
  change(before.path, "INSERT INTO collection (name, type) VALUES ('u/half', 1)");
  await using registry = await open(before.config);
  const { collection } = await registry.registerCollection("u/half", "RUN");
  assert.deepEqual(
    query(before.path, `SELECT collection_id FROM run WHERE collection_id = ${collection.key}`),
    [{ collection_id: collection.key }],
  );
});

Deno.test("forgetDatasets() refuses datasets that another datastore has", async () => {
  await using aggregated = await repository("aggregated");
  await using registry = await open(aggregated.config);
  const ids = sortedIds(await registry.datasetIds(RUN)).slice(0, 32);
  change(
    aggregated.path,
    "INSERT INTO dataset_location SELECT 'Other@store', dataset_id FROM dataset_location " +
      "WHERE dataset_id = (SELECT min(id) FROM dataset JOIN collection ON collection_id = run_id " +
      `WHERE name = '${RUN}')`,
  );
  const before = dumpState(aggregated.work.repo, { hashes: false });
  await assert.rejects(registry.forgetDatasets(ids), {
    name: "RefusedError",
    message: /datastore "Other@store" has it as well/,
  });
  assert.deepEqual(dumpState(aggregated.work.repo, { hashes: false }), before);
});

Deno.test("forgetDatasets() lets foreign keys act when unknown tables refer to datasets", async () => {
  await using aggregated = await repository("aggregated");
  change(
    aggregated.path,
    "CREATE TABLE theirs (id CHAR(32) REFERENCES dataset (id) ON DELETE CASCADE)",
    "INSERT INTO theirs SELECT id FROM dataset",
  );
  await using registry = await open(aggregated.config);
  const ids = await registry.datasetIds(RUN);
  assert.equal(await registry.forgetDatasets(ids), ids.length / 16);
  for (const table of ["theirs", "dataset_tags_00000000"]) {
    const column = table === "theirs" ? "id" : "dataset_id";
    assert.deepEqual(
      query(
        aggregated.path,
        `SELECT * FROM ${table} WHERE ${column} NOT IN (SELECT id FROM dataset)`,
      ),
      [],
    );
  }
});
