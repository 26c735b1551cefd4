/**
 * Opening the registry in an SQLite file.
 *
 * @module
 */

import { EnvironmentError, RepositoryError } from "../../../base/errors.ts";
import { nodeFs } from "../../../base/node_modules.ts";
import { dirname } from "../../../base/paths.ts";
import { untilUnlocked } from "../lock_wait.ts";
import type { OpenRegistryOptions, Registry, RegistryMaker } from "../registry.ts";
import { SqliteConnection } from "./connection.ts";
import { isLocked } from "./errors.ts";
import type { RepositoryConfig } from "../../config/repository_config.ts";

/**
 * Opens the registry of a repository with SQLite; errors as `openRegistry`. Leaves no open file when
 * it throws.
 */
export function openSqliteRegistry(
  config: RepositoryConfig,
  options: OpenRegistryOptions,
  makeRegistry: RegistryMaker,
): Promise<Registry> {
  const what = `registry "${config.registry.path}"`;
  return untilUnlocked(what, () => openOnce(config, options, makeRegistry), isLocked, options);
}

/** Throws without having changed anything where the database is locked. */
async function openOnce(
  config: RepositoryConfig,
  options: OpenRegistryOptions,
  makeRegistry: RegistryMaker,
): Promise<Registry> {
  const { writeable, isRehearsal = false, busyTimeoutMs, log, now } = options;
  const { path } = config.registry;
  if (path === null) {
    throw new RepositoryError(
      `Cannot open registry of "${config.argument}": registry.db has no database file`,
      { hint: `Check registry.db in "${config.configPath}"` },
    );
  }
  // Until everything is read, whoever opens waits for locks, and may be interrupted.
  const connection = SqliteConnection.open(path, {
    writeable,
    configPath: config.configPath,
    wait: { busyTimeoutMs: 0 },
  });
  try {
    if (isRehearsal) requireWriteableFile(path);
    const registry = await makeRegistry(connection, {
      state: 'it has no table "butler_attributes"',
      hint: "The file is an SQLite database, but not that of a butler repository",
    });
    connection.waitFor({ busyTimeoutMs, log, now });
    return registry;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** What a writer would be told by its first statement. */
function requireWriteableFile(path: string): void {
  try {
    const { accessSync, constants } = nodeFs();
    accessSync(path, constants.W_OK);
    accessSync(dirname(path), constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new EnvironmentError(
      `Cannot write to registry "${path}": file or directory is not writeable`,
      { cause, hint: "SQLite needs write permission on the file and on its directory" },
    );
  }
}
