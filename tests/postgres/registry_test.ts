/** The registry in PostgreSQL: the shared list on a real server, then what only it has. */

import { INTEGER_KEYS } from "../../lib/butler/registry/tables/collection_keys.ts";
import assert from "node:assert/strict";
import { planCalibsTable } from "../../lib/butler/registry/tables/ddl.ts";
import { PostgresConnection } from "../../lib/butler/registry/postgres/connection.ts";
import { postgresTableStatements } from "../../lib/butler/registry/postgres/ddl.ts";
import { postgresSettings } from "../../lib/butler/registry/postgres/settings.ts";
import { loadRepositoryConfig } from "../../lib/butler/config/repo_config.ts";
import { dumpStatePostgres } from "../support/dump_state_postgres.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../support/fixtures.ts";
import { loadSqliteFixture, writeConfig } from "../support/postgres_fixtures.ts";
import { sharedServer } from "./lab.ts";
import { readUniverse } from "../butler/dimensions/golden.ts";
import {
  batchOf,
  type LabState,
  open,
  pixels,
  readRun,
  testRegistry,
} from "../butler/registry/shared.ts";
import type { RepositoryConfig } from "../../lib/butler/config/repository_config.ts";

const server = await sharedServer(Deno.test);
for (const state of ["before", "aggregated", "ingested"]) {
  await server.sql(`CREATE DATABASE ok_${state}`);
  await loadSqliteFixture(server, `ok_${state}`, "small-ok", state);
}

const NO_ENVIRONMENT = { get: () => undefined };

interface TestRepository extends AsyncDisposable {
  work: TemporaryDirectory;
  config: RepositoryConfig;
  database: string;
}

/** A repository without datastore files, its registry in a database of its own. */
async function repository(template = "ok_before"): Promise<TestRepository> {
  const database = await server.database(template);
  const work = await temporaryDirectory();
  Deno.mkdirSync(work.repo);
  writeConfig(work.repo, server.url(database));
  return {
    work,
    database,
    config: loadRepositoryConfig(work.repo, NO_ENVIRONMENT),
    async [Symbol.asyncDispose]() {
      await work[Symbol.asyncDispose]();
      await server.drop(database);
    },
  };
}

testRegistry({
  name: "postgresql:",
  async repository(state: LabState) {
    const { work, config, database, [Symbol.asyncDispose]: dispose } = await repository(
      `ok_${state}`,
    );
    return {
      config,
      state: () => dumpStatePostgres(server, database, work.repo, { hashes: false }),
      [Symbol.asyncDispose]: dispose,
    };
  },
});

/** Everything that the catalogue knows of the tables, constraints, indexes and sequences of a schema. */
async function schema(database: string): Promise<string[]> {
  const queries = [
    "SELECT format('column %s.%s %s %s %s', c.relname, a.attname, format_type(a.atttypid, " +
    "a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid)) AS line FROM pg_attribute a " +
    "JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND " +
    "d.adnum = a.attnum WHERE c.relkind = 'r' AND a.attnum > 0 AND c.relnamespace = " +
    "'mixed'::regnamespace ORDER BY c.relname, a.attnum",
    "SELECT format('constraint %s.%s %s', conrelid::regclass, conname, " +
    "pg_get_constraintdef(oid)) AS line FROM pg_constraint WHERE connamespace = " +
    "'mixed'::regnamespace ORDER BY 1",
    "SELECT indexdef AS line FROM pg_indexes WHERE schemaname = 'mixed' ORDER BY 1",
    "SELECT format('sequence %s %s %s %s %s %s', sequencename, data_type, start_value, min_value, " +
    "max_value, increment_by) AS line FROM pg_sequences WHERE schemaname = 'mixed' ORDER BY 1",
    "SELECT format('comment %s %s', objoid::regclass, description) AS line FROM pg_description " +
    "JOIN pg_class c ON c.oid = objoid WHERE c.relnamespace = 'mixed'::regnamespace ORDER BY 1",
  ];
  const lines: string[] = [];
  for (const query of queries) {
    lines.push(...(await server.sql(query, database)).map(({ line }) => line as string));
  }
  return lines;
}

Deno.test("registerDatasetTypes() makes the tables, indexes and names that the reference makes", async () => {
  await using before = await repository("ok_before");
  await using aggregated = await repository("ok_aggregated");
  {
    await using source = await open(aggregated.config, { writeable: false });
    await using target = await open(before.config);
    // In the order of their ids, so that keys are the same.
    const names = await server.sql(
      "SELECT name FROM mixed.dataset_type ORDER BY id",
      aggregated.database,
    );
    for (const { name } of names) {
      await target.registerDatasetTypes([(await source.findDatasetType(name as string))!]);
    }
  }
  const [actual, expected] = [await schema(before.database), await schema(aggregated.database)];
  assert.ok(expected.filter((line) => line.startsWith("constraint")).length > 100);
  assert.deepEqual(actual, expected);
});

Deno.test("postgresTableStatements() gives names and columns of the reference's calibs tables", () => {
  const universe = readUniverse(8);
  const plan = planCalibsTable(
    universe,
    INTEGER_KEYS,
    universe.group(["detector", "physical_filter"]),
    5,
  );
  const statements = postgresTableStatements(plan, "repo");
  assert.equal(statements[0], 'CREATE SEQUENCE "repo"."dataset_calibs_00000005_seq_id"');
  assert.match(statements[1], /"timespan" INT8RANGE DEFAULT '\(,\)'::int8range NOT NULL/);
  for (
    const name of [
      "dataset_calibs_00000005_idx_dataset_type_id_collection_841f9e9c",
      "fkey_dataset_calibs_00000005_collection_summary_instru_5c03133a",
      "fkey_dataset_calibs_00000005_collection_collection_id__69333ac3",
    ]
  ) assert.ok(statements.join("\n").includes(`"${name}"`), name);
});

Deno.test("openRegistry() makes the records table when it is missing and writing is asked for", async () => {
  await using before = await repository();
  const expected = await schema(before.database);
  await server.sql(
    "DROP TABLE mixed.file_datastore_records; DELETE FROM mixed.opaque_meta",
    before.database,
  );
  {
    await using registry = await open(before.config, { writeable: false });
    const { datasets, records } = await readRun(registry, "inputs/run1");
    assert.ok(datasets.length > 0 && datasets.every(({ path }) => path === null));
    assert.deepEqual(records, []);
  }
  await Promise.all([1, 2, 3].map(async () => {
    await using _registry = await open(before.config, { busyTimeoutMs: 5000 });
  }));
  assert.deepEqual(await schema(before.database), expected);
  assert.deepEqual(await server.sql("SELECT * FROM mixed.opaque_meta", before.database), [
    { table_name: "file_datastore_records" },
  ]);
});

Deno.test("openRegistry() takes any name for schema and records table", async () => {
  await using before = await repository();
  const namespace = 'my "odd".Schema';
  await server.sql(
    `ALTER SCHEMA mixed RENAME TO "${namespace.replaceAll('"', '""')}"`,
    before.database,
  );
  const recordsTable = 'my "odd" Records';
  const config = {
    ...before.config,
    registry: { ...before.config.registry, namespace },
    datastores: [{ ...before.config.datastore, recordsTable }],
  };
  await using registry = await open(config);
  const { datasets } = await readRun(registry, "inputs/run1");
  const { id, type, values } = datasets.find((dataset) => dataset.type.name === "raw")!;
  await registry.ingestDatasets(batchOf("inputs/run1", [{ id, type, values, path: "p" }]));
  assert.deepEqual((await registry.records(id)).map(({ path }) => path), ["p"]);
  const fresh = { ...type, name: "fresh", group: registry.universe.group(["patch", "visit"]) };
  await registry.registerDatasetTypes([{ ...fresh, isCalibration: true }]);
  assert.equal((await registry.registerCollection("u/fresh", "RUN")).created, true);
  await registry.updateOutputChain("u/chain", "u/fresh", ["inputs"]);
});

Deno.test("openRegistry() takes the current schema when none is configured", async () => {
  await using before = await repository();
  const config = {
    ...before.config,
    registry: { ...before.config.registry, namespace: null },
  };
  await assert.rejects(open(config), {
    name: "RepositoryError",
    message: /schema "public" has no table/,
  });
  await server.sql(
    `ALTER DATABASE ${before.database} SET search_path = nowhere, mixed, public`,
  );
  {
    await using registry = await open(config);
    assert.equal((await registry.findCollection("inputs"))?.type, "CHAINED");
  }
  await server.sql(`ALTER DATABASE ${before.database} SET search_path = nowhere`);
  await assert.rejects(open(config), { name: "RepositoryError", message: /no current schema/ });
});

/** Imports one dataset and reads its date. */
async function importOne({ config, database }: TestRepository): Promise<unknown> {
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
  const batch = batchOf("u/test/run", [{ id, type, values: [], path: "p" }]);
  await registry.importDatasets(batch);
  await registry.ingestDatasets(batch);
  const [{ date }] = await server.sql(
    "SELECT ingest_date::text AS date FROM mixed.dataset WHERE id::text LIKE '0101%'",
    database,
  );
  return date;
}

Deno.test("openRegistry() writes dates as the datasets manager has them", async () => {
  await using before = await repository();
  assert.equal(await importOne(before), "1782900037000000000");
  await using old = await repository();
  await server.sql(
    "ALTER TABLE mixed.dataset ALTER ingest_date TYPE timestamp without time zone USING now(), " +
      "ALTER ingest_date SET DEFAULT now(); UPDATE mixed.butler_attributes SET value = '1.0.0' " +
      "WHERE name LIKE 'version:%DatasetRecordStorage%'",
    old.database,
  );
  assert.equal(await importOne(old), "2026-07-01 10:00:00");
});

Deno.test("openRegistry() refuses versions, obscore and other tables before it writes", async () => {
  await using before = await repository();
  // Each is put on top of those before, which it hides.
  for (
    const [statement, message] of [
      ["ALTER TABLE mixed.file_datastore_records ADD COLUMN extra TEXT", /columns.*extra/],
      ["INSERT INTO mixed.butler_attributes VALUES ('config:obscore.json', '{}')", /obscore/],
      [
        "DELETE FROM mixed.butler_attributes WHERE name = 'config:obscore.json'; " +
        "UPDATE mixed.butler_attributes SET value = '9.0.0' WHERE name LIKE 'version:%Opaque%'",
        /"opaque" is "9\.0\.0"/,
      ],
      ["DELETE FROM mixed.butler_attributes", /"butler_attributes" is empty/],
      ["DROP TABLE mixed.butler_attributes", /no table "butler_attributes"/],
    ] as [string, RegExp][]
  ) {
    await server.sql(statement, before.database);
    await assert.rejects(open(before.config), { name: "RepositoryError", message });
  }
});

Deno.test("transaction() leaves nothing behind in the session", async () => {
  await using before = await repository();
  const settings = postgresSettings(before.config.registry.url, NO_ENVIRONMENT, "butler.yaml");
  await using connection = await PostgresConnection.open(settings, {
    writeable: true,
    lockTimeoutMs: 20,
    retryMs: 0,
    namespace: "mixed",
  });
  const query = "SELECT current_setting('TimeZone'), current_setting('lock_timeout'), " +
    "current_setting('transaction_isolation'), (SELECT count(*) FROM pg_prepared_statements), " +
    "(SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory')";
  const outside = await connection.first(query);
  assert.equal(outside![0], "Pacific/Auckland");
  const inside = await connection.transaction("test", (session) => session.first(query));
  assert.deepEqual(
    inside?.slice(0, 3),
    ["UTC", "20ms", "read committed"].map((text, i) =>
      // Zone 0 has no name.
      i === 0 ? inside![0] : text
    ),
  );
  assert.notEqual(inside![0], "Pacific/Auckland");
  assert.deepEqual(await connection.first(query), outside);
});

/** Statements that a database has run since. */
async function countStatements(database: string, work: () => Promise<unknown>): Promise<number> {
  const log = `${server.directory}/server.log`;
  const start = Deno.statSync(log).size;
  await work();
  await server.sql("SELECT 1", database);
  const text = new TextDecoder().decode(Deno.readFileSync(log).subarray(start));
  return text.split("\n").filter((line) => line.includes(`${database} provgraph LOG:  `)).length;
}

Deno.test("batches of any size take a dozen statements, and no parameter each", async () => {
  await using before = await repository();
  await server.sql(`ALTER DATABASE ${before.database} SET log_statement = 'all'`);
  await using registry = await open(before.config, { busyTimeoutMs: 5000 });
  const batch = await pixels(registry, 33_000);
  const small = await pixels(registry, 3000, "u/test/small", batch.n);
  const count = (work: () => Promise<unknown>) => countStatements(before.database, work);
  const nImport = await count(() => registry.importDatasets(small));
  const nIngest = await count(() => registry.ingestDatasets(small));
  const nForget = await count(() => registry.forgetDatasets(small.ids, "u/test/small"));
  assert.ok(nImport > 5 && nImport <= 16, `import: ${nImport}`);
  assert.ok(nIngest > 5 && nIngest <= 20, `ingest: ${nIngest}`);
  assert.ok(nForget > 5 && nForget <= 16, `forget: ${nForget}`);
  const { value } = await registry.runRecords("u/test/small")[Symbol.asyncIterator]().next();
  assert.deepEqual(value, undefined);
  // Two values a row would be more than a statement may have parameters, 65 535.
  await registry.importDatasets({ ...batch, paths: batch.paths.map(() => null) });
  assert.equal((await registry.datasetIds("u/test/run")).length, batch.n * 16);
});

Deno.test("importDatasets() refuses paths with a NUL character, which PostgreSQL can't keep", async () => {
  await using before = await repository();
  await using registry = await open(before.config);
  const refused = { ...await pixels(registry, 1, "u/test/nul"), paths: ["a\0b"] };
  await assert.rejects(registry.importDatasets(refused), { name: "ConflictingDatasetError" });
  assert.equal((await registry.datasetIds("u/test/nul")).length, 0);
});
