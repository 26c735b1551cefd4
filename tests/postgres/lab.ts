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

/** Starts a server that has both dumps as templates. */
export async function startServer(settings: readonly string[] = []): Promise<PostgresServer> {
  const server = await PostgresServer.start(settings);
  for (const state of ["before", "aggregated"] as const) {
    await server.sql(`CREATE DATABASE mixed_${state}`);
    await loadDump(server, `mixed_${state}`, state);
  }
  return server;
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
