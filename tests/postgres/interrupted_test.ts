/**
 * Both tools on PostgreSQL after kills: of themselves, in and beside their transactions; and of the
 * reference, whose left-overs come from SQLite fixtures.
 */

import assert from "node:assert/strict";
import { FAILPOINTS_VARIABLE } from "../../lib/storage/failpoints.ts";
import { aggregate, CASES, expectedAfterIngest, ingest } from "../conformance/harness.ts";
import {
  expectedJson,
  expectProvgraph,
  fixturePath,
  RUN,
  runProvgraph,
} from "../support/fixtures.ts";
import { loadSqliteFixture, unpackWithPostgres } from "../support/postgres_fixtures.ts";
import { PostgresWork, sharedServer } from "./lab.ts";

const server = await sharedServer(Deno.test);

const AGGREGATE = [
  "aggregate-graph",
  "predicted.qg",
  "repo",
  "-j",
  "1",
  "--ingest-batch-size",
  "40",
  "-o",
  "provenance.qg",
];
const INGEST = ["ingest-graph", "repo", "provenance.qg", "--batch-size", "40"];

async function kill(work: PostgresWork, args: string[], failpoint: string): Promise<void> {
  const { code, signal, stderr } = await runProvgraph(args, {
    cwd: work.work.path,
    env: { [FAILPOINTS_VARIABLE]: `${failpoint}=kill` },
  });
  assert.equal(signal, "SIGKILL", `${failpoint}: exit code ${code}\n${stderr}`);
}

for (
  const failpoint of [
    "aggregate.types-registered",
    "import.before-commit:2",
    "aggregate.chain-updated",
  ]
) {
  Deno.test(`aggregate-graph on PostgreSQL reaches its end when it was killed at ${failpoint}`, async () => {
    await using lab = await PostgresWork.unpack(server, "before");
    await kill(lab, AGGREGATE, failpoint);
    await expectProvgraph(AGGREGATE, { cwd: lab.work.path });
    await lab.assertState(expectedJson("small-mixed", "aggregated.state"), failpoint);
  });
}

for (
  const failpoint of [
    "forget.before-commit:2",
    "transfer.done",
    "backed.before-commit:3",
    "backed.committed:2",
  ]
) {
  Deno.test(`ingest-graph on PostgreSQL reaches its end when it was killed at ${failpoint}`, async () => {
    await using lab = await PostgresWork.unpack(server, "aggregated");
    await kill(lab, INGEST, failpoint);
    await expectProvgraph(INGEST, { cwd: lab.work.path });
    await lab.assertState(expectedAfterIngest(CASES["small-mixed"]), failpoint);
  });
}

/** A repository as the killed reference left it, its registry moved to PostgreSQL. */
async function unpackInterrupted(fixture: string, archive: string): Promise<PostgresWork> {
  const database = await server.database();
  await loadSqliteFixture(server, database, fixture, archive);
  const work = await unpackWithPostgres(archive, server.url(database), fixture);
  return new PostgresWork(server, work, database);
}

for (const archive of ["forget-uncommitted-2", "graph-ingested", "batch-part-deleted-1"]) {
  Deno.test(`ingest-graph finishes the job on PostgreSQL when the reference was killed at ${archive}`, async () => {
    await using lab = await unpackInterrupted("interrupted-ingest", archive);
    await ingest(lab.work, { batchSize: 20, flags: ["--output-run", RUN] });
    await lab.assertState(expectedAfterIngest(CASES["small-mixed"]), archive);
  });
}

for (const archive of ["batch-uncommitted-3", "types-registered"]) {
  Deno.test(`aggregate-graph finishes the job on PostgreSQL when the reference was killed at ${archive}`, async () => {
    await using lab = await unpackInterrupted("interrupted-aggregate", archive);
    await Deno.copyFile(fixturePath("small-mixed", "predicted.qg"), lab.work.join("predicted.qg"));
    await aggregate(lab.work, CASES["small-mixed"]);
    await lab.assertState(expectedJson("small-mixed", "aggregated.state"), archive);
  });
}
