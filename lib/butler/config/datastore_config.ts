/**
 * What a configuration says of one datastore that keeps files.
 *
 * @module
 */

import type { Environment } from "../../base/environment.ts";
import { RepositoryError } from "../../base/errors.ts";
import { resolve } from "../../base/paths.ts";
import { requiredString, show } from "./config_checks.ts";
import { type ConfigMapping, type ConfigValue, getValue, isMapping } from "./config_value.ts";
import { isRemoteUri, StorageUrl } from "../../storage/remote/storage_url.ts";
import { placeOf } from "./local_path.ts";
import type { DatastoreConfig } from "./repository_config.ts";

/** Which configuration is read, and with what it is read. */
export interface ConfigPlace {
  /** The repository as the user named it. */
  argument: string;
  configPath: string;
  /** What stands for `<butlerRoot>`. */
  root: string;
  env: Environment;
  cwd: string;
}

const ROOT_TAG = "<butlerRoot>";

/**
 * Reads the configuration of a file datastore, defaults put in already.
 *
 * @param chainConstraints Those of the chains that it is in.
 * @throws {RepositoryError} if a value is of the wrong kind, or the root's scheme isn't supported.
 */
export function fileDatastoreConfig(
  config: ConfigMapping,
  chainConstraints: readonly ConfigMapping[],
  { configPath, root, env, cwd }: ConfigPlace,
): DatastoreConfig {
  const unexpanded = requiredString(config, "root", "datastore", configPath);
  const name = getValue(config, "name") ?? `FileDatastore@${unexpanded}`;
  const records = getValue(config, "records");
  const recordsTable = isMapping(records) ? getValue(records, "table") : undefined;
  if (typeof name !== "string" || typeof recordsTable !== "string" || recordsTable === "") {
    throw new RepositoryError(
      `Cannot use datastore of "${configPath}": name is ${show(name)}, records table is ` +
        show(recordsTable),
    );
  }
  // The root replaces its tag as it is: no second expansion of what is already a path.
  const location = unexpanded.startsWith(ROOT_TAG) ? null : unexpanded.replaceAll(ROOT_TAG, root);
  return {
    name,
    root: location === null
      ? belowRoot(root, unexpanded.slice(ROOT_TAG.length).replaceAll(ROOT_TAG, root))
      : placeOf(location, env, cwd, "datastore root"),
    recordsTable,
    checksum: isTrueInPython(getValue(config, "checksum")),
    templates: mappingOf(config, "templates", configPath),
    formatters: mappingOf(config, "formatters", configPath),
    composites: mappingOf(config, "composites", configPath),
    constraints: [mappingOf(config, "constraints", configPath), ...chainConstraints],
    create: getValue(config, "create") !== false,
  };
}

function belowRoot(root: string, rest: string): string {
  return isRemoteUri(root) ? StorageUrl.parse(root + rest).text : resolve(root + rest);
}

/**
 * A part of a datastore's configuration that is a mapping; an empty one if it is left out.
 *
 * @throws {RepositoryError} if it is anything else.
 */
export function mappingOf(config: ConfigMapping, key: string, configPath: string): ConfigMapping {
  const value = getValue(config, key) ?? {};
  if (isMapping(value)) return value;
  throw new RepositoryError(
    `Cannot use datastore of "${configPath}": ${key} is ${show(value)}, expected a mapping`,
  );
}

/** Whether Python takes a value for true: that is how the reference looks at this one. */
function isTrueInPython(value: ConfigValue | undefined): boolean {
  if (isMapping(value)) return Object.keys(value).length > 0;
  return Array.isArray(value) ? value.length > 0 : Boolean(value);
}
