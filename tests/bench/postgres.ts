/**
 * `deno task bench:pg [N]`: rows a second that a PostgreSQL registry takes for import, forget and
 * re-ingest, beside the same rows loaded by plain COPY from files on the server, all in one run on one
 * server. Fails below a third.
 *
 * A dataset is four rows: `dataset`, its tags table, `dataset_location`, the records table. COPY gets
 * all rows of a table in one statement and all tables in one transaction, with the same indexes and
 * foreign keys; we write batches of 10 000 datasets.
 *
 * @module
 */

import { randomFillSync } from "node:crypto";
import { join } from "node:path";
import { UUID_SIZE } from "../../lib/base/uuid.ts";
import { loadRepositoryConfig } from "../../lib/butler/config/repo_config.ts";
import { openRegistry } from "../../lib/butler/registry/open.ts";
import type { DatasetBatch, Registry } from "../../lib/butler/registry/registry.ts";
import { temporaryDirectory } from "../support/fixtures.ts";
import { loadDump, writeConfig } from "../support/postgres_fixtures.ts";
import { PostgresServer } from "../support/postgres_server.ts";
import type { DatasetType } from "../../lib/butler/dimensions/dataset_type.ts";

const N_TRIALS = 3;
const N_BATCH = 10_000;
const ROWS_PER_DATASET = 4;
const RUN = "u/bench/20260701T000000Z";
const GRAPH = `${RUN}/run_provenance/run_provenance_u_bench_20260701T000000Z.qg`;
const LIMIT = 1 / 3;
const N_DETECTORS = 100;
const TABLES = ["dataset", "dataset_tags_00000002", "dataset_location", "file_datastore_records"];

const nDatasets = Number(Deno.args[0] ?? 20_000);

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

/** Dimension records for all data IDs: copies of the fixture's first visit and detector. */
async function addDimensionRecords(server: PostgresServer, database: string): Promise<void> {
  const nVisits = Math.ceil(nDatasets / 2 / N_DETECTORS);
  for (
    const [table, name, n] of [
      ["detector", "full_name", N_DETECTORS],
      ["visit", "name", nVisits],
    ] as const
  ) {
    await server.sql(
      `INSERT INTO mixed.${table} SELECT (jsonb_populate_record(NULL::mixed.${table}, ` +
        `to_jsonb(first) || jsonb_build_object('id', 1000000 + i, '${name}', 'x' || i))).* FROM ` +
        `(SELECT * FROM mixed.${table} LIMIT 1) AS first, ` +
        `generate_series(0, ${n - 1}) AS i`,
      database,
    );
  }
}

/** Metadata and logs of visits and detectors, as a run leaves them, in batches. */
function makeBatches(types: DatasetType[]): DatasetBatch[] {
  const batches: DatasetBatch[] = [];
  for (let start = 0; start < nDatasets; start += N_BATCH) {
    const n = Math.min(N_BATCH, nDatasets - start);
    const ids = new Uint8Array(n * UUID_SIZE);
    const view = new DataView(ids.buffer);
    const batch: DatasetBatch = {
      run: RUN,
      n,
      ids,
      typeIndex: new Uint16Array(n),
      types,
      values: [],
      paths: [],
      formatters: types.map(() => "lsst.daf.butler.formatters.json.JsonFormatter"),
      storageClasses: types.map(({ storageClass }) => storageClass),
      fileSize: -1,
    };
    randomFillSync(ids);
    for (let i = 0; i < n; i++) {
      // Version 7: in the order of time, the rest by chance.
      view.setUint32(i * UUID_SIZE, 0x019f0000);
      view.setUint16(i * UUID_SIZE + 4, Math.floor((start + i) / 50));
      const place = (start + i) >> 1;
      const [visit, detector] = [Math.floor(place / N_DETECTORS), place % N_DETECTORS];
      batch.typeIndex[i] = (start + i) & 1;
      batch.values.push("OracleCam", 1000000 + detector, 1000000 + visit);
      const { name } = types[batch.typeIndex[i]];
      batch.paths.push(
        `${RUN}/${name}/20260701/r/r_1/${visit}/${name}_OracleCam_r_r_1_${visit}_R${detector}_S11_` +
          "u_bench_20260701T000000Z.json",
      );
    }
    batches.push(batch);
  }
  return batches;
}

/** The same datasets, backed by the graph. */
function backed(batch: DatasetBatch): DatasetBatch {
  return { ...batch, paths: batch.paths.map(() => GRAPH), fileSize: 123456789 };
}

interface Lab {
  server: PostgresServer;
  database: string;
  registry: Registry;
  batches: DatasetBatch[];
}

/** Equal footing: no dead rows of what was measured before. */
async function cleanUp({ server, database }: Lab): Promise<void> {
  for (const table of TABLES) await server.sql(`VACUUM ANALYZE mixed.${table}`, database);
  await server.sql("CHECKPOINT", database);
}

async function forget({ registry, batches }: Lab): Promise<void> {
  for (const { ids } of batches) await registry.forgetDatasets(ids, RUN);
}

async function forEachBatch(
  { batches }: Lab,
  work: (batch: DatasetBatch) => Promise<unknown>,
): Promise<void> {
  for (const batch of batches) await work(batch);
}

async function copyFrom({ server, database }: Lab): Promise<void> {
  const statements = TABLES.map((table) => `COPY mixed.${table} FROM '${file(server, table)}'`);
  await server.sql(`BEGIN; ${statements.join("; ")}; COMMIT`, database);
}

async function copyTo({ server, database }: Lab): Promise<void> {
  for (const table of TABLES) {
    const column = table === "dataset" ? "id" : "dataset_id";
    await server.sql(
      `COPY (SELECT t.* FROM mixed.${table} t JOIN mixed.dataset d ON d.id = t.${column} JOIN ` +
        `mixed.collection c ON c.collection_id = d.run_id WHERE c.name = '${RUN}' ORDER BY 1, 2) ` +
        `TO '${file(server, table)}'`,
      database,
    );
  }
}

function file(server: PostgresServer, table: string): string {
  return join(server.directory, `${table}.copy`);
}

/** Seconds of each operation, each trial; ratios are made within a trial. */
async function measure(lab: Lab): Promise<Map<string, number[]>> {
  const seconds = new Map<string, number[]>();
  const { registry } = lab;
  const time = async (what: string, work: () => Promise<unknown>) => {
    await cleanUp(lab);
    const took = await timed(work);
    seconds.set(what, [...seconds.get(what) ?? [], took]);
  };
  for (let trial = 0; trial < N_TRIALS; trial++) {
    await time("import", () => forEachBatch(lab, (batch) => registry.importDatasets(batch)));
    if (trial === 0) await copyTo(lab);
    await time("forget", () => forget(lab));
    await time("plain COPY", () => copyFrom(lab));
    await forget(lab);
    await time(
      "re-ingest",
      () => forEachBatch(lab, (batch) => registry.ingestDatasets(backed(batch))),
    );
    await time(
      "rewrite in place",
      () => forEachBatch(lab, (batch) => registry.rewriteRecords(batch)),
    );
    await forget(lab);
  }
  return seconds;
}

function report(title: string, seconds: Map<string, number[]>, isRequired: boolean): boolean {
  const copy = seconds.get("plain COPY")!;
  console.log(`${title}, ${nDatasets} datasets, median of ${N_TRIALS}`);
  console.log("                     rows/s   datasets/s   of COPY");
  let isFastEnough = true;
  for (const [what, taken] of seconds) {
    const took = median(taken);
    const ratio = median(taken.map((value, trial) => copy[trial] / value));
    const rows = Math.round(nDatasets * ROWS_PER_DATASET / took);
    console.log(
      `${what.padEnd(18)}${String(rows).padStart(9)}${
        String(Math.round(nDatasets / took)).padStart(13)
      }${ratio.toFixed(2).padStart(10)}`,
    );
    if (isRequired && ratio < LIMIT) isFastEnough = false;
  }
  return isFastEnough;
}

await using server = await PostgresServer.start([
  "shared_buffers = 256MB",
  "max_wal_size = 4GB",
  "work_mem = 16MB",
]);
const database = await server.database();
await loadDump(server, database, "aggregated");
await addDimensionRecords(server, database);
await using work = await temporaryDirectory();
Deno.mkdirSync(work.repo);
writeConfig(work.repo, server.url(database));
const config = loadRepositoryConfig(work.repo, { get: () => undefined });
await using registry = await openRegistry(config, { writeable: true });
const { universe } = registry;
const types = ["calibrate_metadata", "calibrate_log"].map((name): DatasetType => ({
  name: `bench_${name}`,
  group: universe.group(["visit", "detector"]),
  storageClass: name.endsWith("log") ? "ButlerLogRecords" : "TaskMetadata",
  isCalibration: false,
}));
await registry.registerDatasetTypes(types);
await registry.registerCollection(RUN, "RUN");
const lab: Lab = { server, database, registry, batches: makeBatches(types) };

const isFastEnough = report("9 tags tables", await measure(lab), true);

// The server looks for each dataset that is removed in every tags table of the repository.
const more: DatasetType[] = [];
for (let level = 1; more.length < 24; level++) {
  more.push({ ...types[0], name: `bench_htm${level}`, group: universe.group([`htm${level}`]) });
}
for (let level = 1; level <= 17; level++) {
  more.push({ ...types[0], name: `bench_hpx${level}`, group: universe.group([`healpix${level}`]) });
}
await registry.registerDatasetTypes(more);
console.log();
report(`${9 + more.length - 1} tags tables`, await measure(lab), false);

if (!isFastEnough) {
  console.error("below a third of plain COPY");
  Deno.exitCode = 1;
}
