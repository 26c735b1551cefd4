/** `check REPO --run RUN` on PostgreSQL: the same problems as on SQLite, mended with the same commands. */

import assert from "node:assert/strict";
import { FAILPOINTS_VARIABLE } from "../../lib/storage/failpoints.ts";
import { check, runPrinted } from "../cli/check_support.ts";
import { CASES, expectedAfterIngest } from "../conformance/harness.ts";
import { RUN, runProvgraph } from "../support/fixtures.ts";
import { loadSqliteFixture, unpackWithPostgres } from "../support/postgres_fixtures.ts";
import { PostgresWork, sharedServer } from "./lab.ts";

const server = await sharedServer(Deno.test);

const MIXED = CASES["small-mixed"];

Deno.test("check finds nothing on PostgreSQL before and after a whole ingest", async () => {
  await using lab = await PostgresWork.unpack(server, "aggregated");
  const graph = lab.work.join("provenance.qg");
  assert.deepEqual((await check(lab.work.repo, "--run", RUN)).kinds, []);
  const { code, stderr } = await runProvgraph(["ingest-graph", "repo", graph], {
    cwd: lab.work.path,
  });
  assert.equal(code, 0, stderr);
  const found = await check(lab.work.repo, "--run", RUN);
  assert.deepEqual(found.kinds, []);
  await lab.assertState(expectedAfterIngest(MIXED), "after a check");
});

/** Where the tool is killed, and the problems that it then leaves: as on SQLite. */
const KILLS: Record<string, string[]> = {
  "forget.committed": ["interrupted-forget", "left-over-lock"],
  "transfer.named": ["left-over-lock", "unregistered-graph"],
  "backed.committed:2": ["interrupted-ingest", "left-over-lock"],
  "directories.before": ["empty-directory", "left-over-lock"],
};

for (const [failpoint, kinds] of Object.entries(KILLS)) {
  Deno.test(`check --repair finishes the ingest on PostgreSQL when it was killed at ${failpoint}`, async () => {
    await using lab = await PostgresWork.unpack(server, "aggregated");
    const killed = await runProvgraph(
      ["-q", "ingest-graph", "repo", "provenance.qg", "--batch-size", "20"],
      { cwd: lab.work.path, env: { [FAILPOINTS_VARIABLE]: `${failpoint}=kill` } },
    );
    assert.equal(killed.signal, "SIGKILL");
    const args = [lab.work.repo, "--run", RUN, "--graph", lab.work.join("provenance.qg")];
    const before = await lab.state();
    assert.deepEqual((await check(...args)).kinds, kinds);
    await lab.assertState(before, "state after a check");
    assert.deepEqual((await check(...args, "--repair")).kinds, []);
    await lab.assertState(expectedAfterIngest(MIXED), failpoint);
  });
}

Deno.test("check's printed command mends on PostgreSQL what the killed reference left", async () => {
  const archive = "batch-part-deleted-1";
  const database = await server.database();
  await loadSqliteFixture(server, database, "interrupted-ingest", archive);
  const work = await unpackWithPostgres(archive, server.url(database), "interrupted-ingest");
  await using lab = new PostgresWork(server, work, database);
  const { problems, kinds } = await check(work.repo, "--run", RUN);
  assert.deepEqual(kinds, ["interrupted-ingest"]);
  const { code, stderr } = await runPrinted(problems[0].command!);
  assert.equal(code, 0, stderr);
  await lab.assertState(expectedAfterIngest(MIXED), archive);
});

Deno.test("check names a dataset on PostgreSQL that is registered but has no file", async () => {
  await using lab = await PostgresWork.unpack(server, "aggregated");
  const [{ path }] = await server.sql(
    "SELECT path FROM mixed.file_datastore_records WHERE path LIKE '%_log/%' ORDER BY path LIMIT 1",
    lab.database,
  );
  Deno.removeSync(`${lab.work.repo}/${path}`);
  const { problems } = await check(lab.work.repo, "--run", RUN);
  assert.equal(problems.length, 1);
  assert.ok(`${problems[0].where} ${problems[0].what}`.includes(String(path)));
});
