/**
 * Opening the registry in a PostgreSQL database. What it locks, and what is true after each commit, is
 * told in `schema/postgres.md`.
 *
 * @module
 */

import { EnvironmentError } from "../../../base/errors.ts";
import { DEFAULT_BUSY_TIMEOUT_MS } from "../lock_wait.ts";
import type { OpenRegistryOptions, Registry, RegistryMaker } from "../registry.ts";
import { textArray } from "./arrays.ts";
import { PostgresConnection } from "./connection.ts";
import { postgresSettings } from "./settings.ts";
import type { RepositoryConfig } from "../../config/repository_config.ts";

const DEFAULT_RETRY_MS = 60_000;

/** Tables that are written to, and the privileges that this takes. */
const PRIVILEGES: readonly (readonly [table: string, privileges: readonly string[]])[] = [
  ["dataset", ["INSERT", "UPDATE", "DELETE"]],
  ["dataset_location", ["INSERT", "DELETE"]],
  ["collection_summary_dataset_type", ["INSERT"]],
];

/** Opens the registry of a repository with PostgreSQL; errors as `openRegistry`. */
export async function openPostgresRegistry(
  config: RepositoryConfig,
  options: OpenRegistryOptions,
  makeRegistry: RegistryMaker,
): Promise<Registry> {
  const { writeable, isRehearsal = false, log, signal } = options;
  const { busyTimeoutMs = DEFAULT_BUSY_TIMEOUT_MS, retryMs = DEFAULT_RETRY_MS } = options;
  const { url, namespace } = config.registry;
  const settings = postgresSettings(url, options.env ?? Deno.env, config.configPath);
  const connection = await PostgresConnection.open(settings, {
    writeable,
    lockTimeoutMs: busyTimeoutMs,
    retryMs,
    namespace,
    log,
    signal,
  });
  try {
    if (writeable || isRehearsal) {
      await requireWriteable(connection, settings.user, config.datastores);
    }
    const registry = await makeRegistry(connection, {
      state: `schema "${connection.namespace}" has no table "butler_attributes"`,
      hint: "Check registry.db and registry.namespace; the database is not that of a butler " +
        "repository",
    });
    connection.endOpening();
    return registry;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/**
 * What would fail at the first write fails now, while nothing is changed.
 *
 * @throws {EnvironmentError} if the server takes no writes, or not from this user.
 */
async function requireWriteable(
  connection: PostgresConnection,
  user: string,
  datastores: RepositoryConfig["datastores"],
): Promise<void> {
  // A connection that only reads says of itself that it is read-only.
  const [isReadOnly] = (await connection.first(
    connection.isWriteable
      ? "SELECT current_setting('transaction_read_only')"
      : "SELECT CASE WHEN pg_is_in_recovery() THEN 'on' ELSE 'off' END",
  ))!;
  if (isReadOnly === "on") {
    throw new EnvironmentError(
      `Cannot open registry "${connection.name}" for writing: the server takes no writes`,
      { hint: "It may be a standby; connect to the primary" },
    );
  }
  const tables = datastores.map(({ recordsTable }) =>
    [recordsTable, ["INSERT", "DELETE"]] as const
  );
  const wanted = [...PRIVILEGES, ...tables].flatMap(
    ([table, privileges]) => privileges.map((privilege) => [table, privilege] as const),
  );
  const missing = await connection.first(
    "SELECT u.t, u.p FROM unnest($1::text[], $2::text[], $3::text[]) AS u (t, q, p) " +
      // A table that isn't there gives null: it is made later, or missed.
      "WHERE NOT has_table_privilege(to_regclass(u.q), u.p) LIMIT 1",
    textArray(wanted.map(([table]) => table)),
    textArray(wanted.map(([table]) => connection.dialect.table(table))),
    textArray(wanted.map(([, privilege]) => privilege)),
  );
  if (missing === null) return;
  throw new EnvironmentError(
    `Cannot open registry "${connection.name}" for writing: user "${user}" has no permission to ` +
      `${missing[1]} rows of table "${missing[0]}"`,
    { hint: "Ask the database's owner for the privileges, or connect as another user" },
  );
}
