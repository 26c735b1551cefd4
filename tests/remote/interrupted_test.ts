/**
 * What the reference left on S3 when its `ingest-graph` was killed (`s3-interrupted` of
 * `../shared/oracle/remote`): this tool finishes it. The registry of each point is that of the local
 * fixture `interrupted-ingest`, whose rows are the same but for the name of the datastore.
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { isFile } from "../../lib/storage/path_kind.ts";
import { ingestHere } from "../ingest/in_process.ts";
import { assertJsonEqual } from "../support/compare.ts";
import { readJsonGz, RUN, type TemporaryDirectory, unpackFixture } from "../support/fixtures.ts";
import type { RepositoryState } from "../support/dump_state.ts";
import { dumpRemote, expectedIngestedRemote, expectedRemote, unpackRemote } from "./remote_case.ts";
import { SCRIPTS, type Server, startS3, stopServers, useVariables } from "./servers.ts";

const FIXTURE = join(SCRIPTS, "fixtures", "s3-interrupted");

/** Points at which the batch with the logs never written had been committed: they stay. */
const KEEPS_LOGS_NEVER_WRITTEN =
  /^batch-(?:ingested|uncommitted|(?:part-)?deleted)-2$|^before-rmdir$/;

/** Whose transaction was rolled back: its rows are those of the point before. */
const SAME_ROWS: Readonly<Record<string, string>> = { "batch-uncommitted-2": "batch-deleted-2" };

/** Paths of files: logs differ from one execution to the next, and the two fixtures are of two. */
function pathsOf({ files }: RepositoryState): string[] {
  return files.map(({ path }) => path);
}

/** Makes of an executed repository what was left at a point. */
async function leave(work: TemporaryDirectory, server: Server, point: string) {
  const state = readJsonGz(
    join(FIXTURE, `${point}.left.state.json.gz`),
  ) as unknown as RepositoryState;
  await using local = await unpackFixture("interrupted-ingest", SAME_ROWS[point] ?? point);
  await using before = await unpackFixture("small-mixed", "before");
  Deno.copyFileSync(join(local.repo, "gen3.sqlite3"), join(work.repo, "gen3.sqlite3"));
  const database = new DatabaseSync(join(work.repo, "gen3.sqlite3"));
  database.prepare("UPDATE dataset_location SET datastore_name = ?")
    .run(`FileDatastore@${server.root}/s3`);
  database.close();
  const tree = work.join("objects");
  for (const path of pathsOf(state)) {
    Deno.mkdirSync(join(tree, path, ".."), { recursive: true });
    const from = [local, before].map(({ repo }) => join(repo, path)).find(isFile)!;
    Deno.copyFileSync(from, join(tree, path));
  }
  server.wipe();
  server.load(tree, "s3");
  return state;
}

const server = startS3();
if (typeof server === "string") console.log(`skipped: S3: ${server}`);
else {
  for (const { name } of Deno.readDirSync(FIXTURE)) {
    const [, point] = /^(.*)\.left\.state\.json\.gz$/.exec(name) ?? [];
    if (point === undefined) continue;
    Deno.test({
      name: `S3: ingest-graph finishes the job when the reference was killed at ${point}`,
      sanitizeResources: false,
      sanitizeOps: false,
      fn: async () => {
        useVariables(server.variables);
        await using work = await unpackRemote(server);
        const left = await leave(work, server, point);
        const found = dumpRemote(work, server);
        assertJsonEqual(found.tables, left.tables, "what was left");
        assert.deepEqual(pathsOf(found), pathsOf(left));
        const expected = KEEPS_LOGS_NEVER_WRITTEN.test(point)
          ? expectedRemote(server, "ingested")
          : expectedIngestedRemote(server);
        for (const turn of ["first", "second"]) {
          const options = { graphPath: null, outputRun: RUN, batchSize: 20 };
          assert.equal((await ingestHere(work, options)).nKept, 0);
          const state = dumpRemote(work, server);
          assertJsonEqual(state.tables, expected.tables, turn);
          assert.deepEqual(pathsOf(state), pathsOf(expected));
        }
      },
    });
  }
}

Deno.test.afterAll(stopServers);
