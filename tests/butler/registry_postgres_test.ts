/** The registry in PostgreSQL: the shared list on a real server, then what only it has. */

import { loadRepositoryConfig, type RepositoryConfig } from "../../lib/butler/repo_config.ts";
import { dumpStatePostgres } from "../support/dump_state_postgres.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../support/fixtures.ts";
import { loadSqliteFixture, writeConfig } from "../support/postgres_fixtures.ts";
import { PostgresServer } from "../support/postgres_server.ts";
import { type LabState, testRegistry } from "./registry_shared.ts";

const server = await PostgresServer.start();
for (const state of ["before", "aggregated", "ingested"]) {
  await server.sql(`CREATE DATABASE ok_${state}`);
  await loadSqliteFixture(server, `ok_${state}`, "small-ok", state);
}
Deno.test.afterAll(() => server.stop());

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
