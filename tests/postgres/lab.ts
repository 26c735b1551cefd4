/**
 * Repositories of fixture `small-mixed` with their registry on a test's PostgreSQL server.
 *
 * @module
 */

import type { JsonValue } from "../../lib/base/json_text.ts";
import { assertStateEqual } from "../support/compare.ts";
import { dumpStatePostgres } from "../support/dump_state_postgres.ts";
import type { RepositoryState } from "../support/dump_state.ts";
import type { TemporaryDirectory } from "../support/fixtures.ts";
import { loadDump, unpackWithPostgres } from "../support/postgres_fixtures.ts";
import { PostgresServer } from "../support/postgres_server.ts";

/** Lines of the server's log begin with the database and the client. */
const LOG_SETTING = "log_line_prefix = '%d %a '";

/** Starts a server that has both dumps as templates. */
export async function startServer(settings: readonly string[] = []): Promise<PostgresServer> {
  const server = await PostgresServer.start([LOG_SETTING, ...settings]);
  for (const state of ["before", "aggregated"] as const) {
    await server.sql(`CREATE DATABASE mixed_${state}`);
    await loadDump(server, `mixed_${state}`, state);
  }
  return server;
}

/** The server that test files of this thread share, and how many of them still need it. */
let shared: { server: Promise<PostgresServer>; nUsers: number } | null = null;

/**
 * The server of all files that need no settings of their own and never halt it; it starts with the first
 * of them and stops behind the last test of the last one.
 *
 * @param test the file's own `Deno.test`, whose end is told.
 */
export async function sharedServer(test: typeof Deno.test): Promise<PostgresServer> {
  const use = shared ??= { server: startServer(), nUsers: 0 };
  use.nUsers++;
  test.afterAll(async () => {
    if (--use.nUsers > 0) return;
    if (shared === use) shared = null;
    await (await use.server).stop();
  });
  return await use.server;
}

/** An unpacked repository with a database of its own. */
export class PostgresWork implements AsyncDisposable {
  constructor(
    readonly server: PostgresServer,
    readonly work: TemporaryDirectory,
    readonly database: string,
  ) {}

  /** @param url database URL to put into the configuration, given the database's name */
  static async unpack(
    server: PostgresServer,
    state: "before" | "aggregated",
    url: (database: string) => string = (database) => server.url(database),
  ): Promise<PostgresWork> {
    const database = await server.database(`mixed_${state}`);
    const work = await unpackWithPostgres(state, url(database));
    return new PostgresWork(server, work, database);
  }

  /** What is in the repository now. */
  state(): Promise<RepositoryState> {
    return dumpStatePostgres(this.server, this.database, this.work.repo);
  }

  /** Checks what is in the repository now. */
  async assertState(expected: JsonValue | RepositoryState, what: string): Promise<void> {
    assertStateEqual(await this.state(), expected, what);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.work[Symbol.asyncDispose]();
    await this.server.drop(this.database);
  }
}
