/**
 * Opening a repository's registry: picks the engine that the configuration names.
 *
 * @module
 */

import { RefusedError } from "../../base/errors.ts";
import type { OpenRegistryOptions, Registry, RegistryMaker } from "./registry.ts";
import { makeRegistry } from "./sql_registry.ts";
import { openSqliteRegistry } from "./sqlite/registry.ts";
import type { RepositoryConfig } from "../config/repository_config.ts";

/**
 * Opens a repository's registry and checks that this tool can work with it: managers and their
 * versions, universe. When writeable, makes the datastore's records table if there
 * is none.
 *
 * @throws {NotFoundError} if there is no database file, or no such database on the server.
 * @throws {RepositoryError} if it isn't a registry that this tool supports; the message names what.
 * @throws {RefusedError} if writing is asked for and the configuration overrides dataset types.
 * @throws {EnvironmentError} if the database can't be opened.
 *
 * Source: `schema/butler-repository.md`, section 0.
 */
export async function openRegistry(
  config: RepositoryConfig,
  options: OpenRegistryOptions,
): Promise<Registry> {
  const { dialect, hasDatasetTypeOverrides } = config.registry;
  if ((options.writeable || options.isRehearsal) && hasDatasetTypeOverrides) {
    throw new RefusedError(
      `Cannot write to repository "${config.argument}": its configuration overrides dataset types`,
      { hint: "Remove registry.managers.datasets.config.overrides" },
    );
  }
  const make: RegistryMaker = (connection, noRegistry) =>
    makeRegistry(connection, config, options, noRegistry);
  if (dialect === "sqlite") return await openSqliteRegistry(config, options, make);
  // Loaded only where it is used: the driver costs time at every start.
  const { openPostgresRegistry } = await import(
    import.meta.resolve("./postgres/registry.ts")
  ) as typeof import("./postgres/registry.ts");
  return await openPostgresRegistry(config, options, make);
}
