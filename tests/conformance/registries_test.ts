/** Repositories whose registries have other managers: rows after each stage are the reference's. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import {
  expectProvgraph,
  PROJECT,
  readJsonGz,
  RUN,
  runProvgraph,
  type TemporaryDirectory,
  temporaryDirectory,
} from "../support/fixtures.ts";
import { extractTarGz } from "../support/tar.ts";

const FOLDER = join(PROJECT, "testdata", "butler", "registries");

async function unpack(kind: string): Promise<TemporaryDirectory> {
  const work = await temporaryDirectory();
  extractTarGz(join(FOLDER, `${kind}.tar.gz`), work.path);
  return work;
}

function readExpected(kind: string): Record<string, Record<string, string[]>> {
  return readJsonGz(join(FOLDER, `${kind}.json.gz`)) as Record<string, Record<string, string[]>>;
}

/** Rows of a table as `make_registries.py` has them. */
function rowsOf(database: DatabaseSync, table: string): string[] {
  const all = (sql: string) => {
    const statement = database.prepare(sql);
    statement.setReadBigInts(true);
    return statement.all() as Record<string, unknown>[];
  };
  const types = new Map(
    all("SELECT id, name FROM dataset_type").map((r) => [Number(r.id), r.name]),
  );
  const isById = all("PRAGMA table_info(collection)").some((r) => r.name === "collection_id");
  const keys = isById
    ? new Map(all("SELECT collection_id k, name FROM collection").map((r) => [Number(r.k), r.name]))
    : new Map();
  const provenance = new Set(
    all("SELECT id, dataset_type_id t FROM dataset")
      .filter((r) => types.get(Number(r.t)) === "run_provenance").map((r) => r.id),
  );
  return all(`SELECT * FROM "${table}"`).map((row) => {
    delete row.ingest_date;
    for (const [column, value] of Object.entries(row)) {
      if (typeof value === "bigint") row[column] = Number(value);
    }
    if (table === "file_datastore_records" && String(row.path).endsWith(".qg")) {
      row.file_size = row.storage_class = null;
    }
    if ("dataset_type_id" in row) row.dataset_type_id = types.get(row.dataset_type_id as number);
    for (const column of ["collection_id", "run_id", "parent", "child"]) {
      if (column in row) row[column] = keys.get(row[column]) ?? row[column];
    }
    if (table === "dataset_type" || table === "collection") {
      delete row.id;
      delete row.collection_id;
    }
    for (const column of ["id", "dataset_id"]) {
      if (provenance.has(row[column])) row[column] = "run_provenance";
    }
    return sortedJson(row);
  }).sort();
}

function sortedJson(row: Record<string, unknown>): string {
  return JSON.stringify(Object.fromEntries(Object.entries(row).sort(([a], [b]) => a < b ? -1 : 1)));
}

function assertRows(work: TemporaryDirectory, expected: Record<string, string[]>): void {
  const database = new DatabaseSync(`${work.repo}/gen3.sqlite3`);
  try {
    for (const [table, rows] of Object.entries(expected)) {
      assert.deepEqual(
        rowsOf(database, table),
        rows.map((row) => sortedJson(JSON.parse(row))).sort(),
        table,
      );
    }
  } finally {
    database.close();
  }
}

for (const kind of ["name_keys", "obscore"]) {
  for (const flags of [[], ["--in-place"]]) {
    Deno.test(`rows are the reference's in a registry with ${kind} ${flags.join(" ")}`, async () => {
      await using work = await unpack(kind);
      const expected = readExpected(kind);
      const options = { cwd: work.path };
      await expectProvgraph(["aggregate-graph", "predicted.qg", "repo", "-o", "p.qg"], options);
      assertRows(work, expected.aggregated);
      await expectProvgraph(["ingest-graph", "repo", "p.qg", ...flags], options);
      assertRows(work, expected.ingested);
      const { stdout } = await expectProvgraph(
        ["ls", "repo", "--run", RUN, "quanta", "--status", "SUCCESSFUL", "--json"],
        options,
      );
      assert.equal(stdout.trimEnd().split("\n").length, 15);
    });
  }
}

Deno.test("a registry whose obscore table lists an output is refused, and nothing is changed", async () => {
  await using work = await unpack("obscore");
  const database = new DatabaseSync(`${work.repo}/gen3.sqlite3`);
  const { value } = database.prepare(
    "SELECT value FROM butler_attributes WHERE name = 'config:obscore.json'",
  ).get() as { value: string };
  const config = JSON.parse(value);
  config.dataset_types.image = config.dataset_types.raw;
  database.prepare("UPDATE butler_attributes SET value = ? WHERE name = 'config:obscore.json'")
    .run(JSON.stringify(config));
  database.close();
  const before = Deno.readFileSync(`${work.repo}/gen3.sqlite3`);
  const { code, stderr } = await runProvgraph(
    ["aggregate-graph", "predicted.qg", "repo", "-o", "p.qg"],
    { cwd: work.path },
  );
  assert.equal(code, 2, stderr);
  assert.match(stderr, /datasets of type "image".*its obscore table lists them/s);
  assert.deepEqual(Deno.readFileSync(`${work.repo}/gen3.sqlite3`), before);
  assert.deepEqual([...Deno.readDirSync(work.path)].map(({ name }) => name).sort(), [
    "predicted.qg",
    "repo",
  ]);
});
