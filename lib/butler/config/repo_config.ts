/**
 * The configuration of a repository: found from the user's argument, merged with the software's
 * defaults, checked, and reduced to plain data.
 *
 * @module
 */

import type { Environment } from "../../base/environment.ts";
import { NotFoundError, RepositoryError } from "../../base/errors.ts";
import { dirname, join, resolve } from "../../base/paths.ts";
import { rememberSecret, rememberUrlSecrets } from "../../base/text/secrets.ts";
import { seemsDirectory } from "../../storage/path_kind.ts";
import { requiredString, show, unwrap } from "./config_checks.ts";
import { fileExists, parseYaml, readConfigFile, readFromDirectories } from "./config_file.ts";
import {
  type ConfigMapping,
  type ConfigValue,
  getValue,
  isMapping,
  mergeConfig,
} from "./config_value.ts";
import { datastoreConfigs } from "./datastore_chain_config.ts";
import type { RegistryConfig, RepositoryConfig } from "./repository_config.ts";
import { DEFAULT_REGISTRY } from "./default_config.ts";
import { isRemoteUri } from "../../storage/remote/storage_url.ts";
import { localPath, placeOf, uriScheme } from "./local_path.ts";
import { MissingText, NO_TEXTS, type RemoteTexts } from "./remote_texts.ts";

const ROOT_TAG = "<butlerRoot>";
const DIRECT_BUTLER = "lsst.daf.butler.direct_butler.DirectButler";

/**
 * Finds, reads and checks the configuration of a repository.
 *
 * @param argument alias, directory, or path of a configuration file
 * @param env environment variables: `DAF_BUTLER_REPOSITORIES`, `DAF_BUTLER_REPOSITORY_INDEX`,
 *   `DAF_BUTLER_CONFIG_PATH`, `HOME`
 * @throws {NotFoundError} if there is no such file; the message says which aliases are known.
 * @throws {RepositoryError} if the configuration can't be read, or asks for something that this tool
 *   doesn't support: another butler or datastore class, another database, files in a remote store.
 *
 * Source: `schema/butler-repository.md`, sections 0 and 1.
 */
export function loadRepositoryConfig(argument: string, env: Environment): RepositoryConfig {
  let config: RepositoryConfig;
  try {
    config = readRepositoryConfig(argument, env, NO_TEXTS);
  } catch (error) {
    if (!(error instanceof MissingText)) throw error;
    throw notHere(argument, error.uri);
  }
  const remote = config.datastores.find(({ root }) => isRemoteUri(root));
  if (remote !== undefined) throw notHere(argument, remote.root);
  return config;
}

function notHere(argument: string, uri: string): RepositoryError {
  return new RepositoryError(
    `Cannot use repository "${argument}": "${uri}" is in a remote store, which this command doesn't ` +
      "support yet",
    { hint: "schema/storage.md says which commands do" },
  );
}

/**
 * As {@linkcode loadRepositoryConfig}; places in remote stores are left as they are.
 *
 * @param texts Configuration files that were fetched from remote stores.
 * @throws {MissingText} if one more has to be fetched.
 */
export function readRepositoryConfig(
  argument: string,
  env: Environment,
  texts: RemoteTexts,
): RepositoryConfig {
  const cwd = Deno.cwd();
  const configPath = findConfigFile(argument, env, cwd, texts);
  const own = readConfigFile(configPath, env, cwd, texts);
  checkButlerClass(own, configPath);
  const root = typeof own.root === "string"
    ? placeOf(own.root, env, cwd, "repository root")
    : dirname(configPath);
  const directories = (env.get("DAF_BUTLER_CONFIG_PATH") ?? "").split(":")
    .filter((directory) => directory !== "")
    .map((directory) => localPath(directory, env, cwd, "configuration directory"));
  const overrides = (file: string, component: string): ConfigMapping[] =>
    readFromDirectories(directories, file, env, cwd).map((content) => unwrap(content, component));

  const registry = [
    DEFAULT_REGISTRY,
    ...overrides("registry.yaml", "registry"),
    ownComponent(own, "registry"),
  ].reduce(mergeConfig);

  const { datastores, leftOut, ignored } = datastoreConfigs({
    own: ownComponent(own, "datastore"),
    overrides: (file) => overrides(file, "datastore"),
    place: { argument, configPath, root, env, cwd },
  });

  return {
    argument,
    configPath,
    root,
    registry: registryConfig(registry, root, configPath),
    datastore: datastores[0],
    datastores,
    leftOut,
    ignored,
  };
}

/** One component of the repository's own file, empty if that doesn't mention it. */
function ownComponent(own: ConfigMapping, component: string): ConfigMapping {
  return isMapping(getValue(own, component)) ? unwrap(own, component) : {};
}

function findConfigFile(
  argument: string,
  env: Environment,
  cwd: string,
  texts: RemoteTexts,
): string {
  const aliases = readAliases(env, cwd, texts);
  const resolved = aliases.byLabel.get(argument);
  const location = resolved ?? argument;
  const scheme = uriScheme(location);
  if (scheme === "http" || scheme === "https") {
    throw new RepositoryError(
      `Cannot open repository "${argument}": ${location} is a butler server or remote storage`,
      { hint: "Only repositories on a local file system are supported" },
    );
  }
  const path = placeOf(location, env, cwd, "repository");
  const isFolder = isRemoteUri(path) ? !/\.\w+$/.test(path) : seemsDirectory(path);
  const file = !isFolder
    ? path
    : isRemoteUri(path)
    ? `${path}/butler.yaml`
    : join(path, "butler.yaml");
  if (fileExists(file, texts)) return file;
  const known = [...aliases.byLabel.keys()];
  const why = resolved !== undefined
    ? `alias of "${location}"`
    : known.length > 0
    ? `known aliases are ${known.join(", ")}`
    : `no aliases are known: ${aliases.problem}`;
  throw new NotFoundError(
    `Cannot open repository "${argument}": there is no file "${file}" (${why})`,
  );
}

/** Repository aliases. Any failure only disables them; `problem` then says what it was. */
function readAliases(
  env: Environment,
  cwd: string,
  texts: RemoteTexts,
): { byLabel: Map<string, string>; problem: string } {
  const byLabel = new Map<string, string>();
  const text = env.get("DAF_BUTLER_REPOSITORIES") ?? "";
  const index = env.get("DAF_BUTLER_REPOSITORY_INDEX") ?? "";
  const none = (problem: string) => ({ byLabel, problem });
  if (text !== "" && index !== "") {
    return none("both DAF_BUTLER_REPOSITORIES and DAF_BUTLER_REPOSITORY_INDEX are set");
  }
  let content: ConfigValue | undefined;
  if (text !== "") {
    content = parseYaml(text);
  } else if (index !== "") {
    try {
      content = readConfigFile(placeOf(index, env, cwd, "repository index"), env, cwd, texts);
    } catch (error) {
      if (error instanceof MissingText) throw error;
      return none((error as Error).message);
    }
  } else {
    return none("neither DAF_BUTLER_REPOSITORIES nor DAF_BUTLER_REPOSITORY_INDEX is set");
  }
  const entries = isMapping(content) ? Object.entries(content) : null;
  if (entries === null || entries.some(([, uri]) => typeof uri !== "string")) {
    return none("the repository index does not map labels to locations");
  }
  for (const [label, uri] of entries) byLabel.set(label, uri as string);
  return { byLabel, problem: "" };
}

function checkButlerClass(own: ConfigMapping, configPath: string): void {
  const cls = getValue(own, "cls");
  if (cls !== undefined && cls !== null && cls !== DIRECT_BUTLER) {
    throw new RepositoryError(
      `Cannot use repository configuration "${configPath}": butler class is ${show(cls)}`,
      { hint: `Only ${DIRECT_BUTLER} is supported` },
    );
  }
}

function registryConfig(config: ConfigMapping, root: string, configPath: string): RegistryConfig {
  const { managers, hasDatasetTypeOverrides } = managerClasses(config, configPath);
  const db = requiredString(config, "db", "registry", configPath).replaceAll(ROOT_TAG, root);
  rememberUrlSecrets(db);
  const dialect = /^([a-z]+)(?:\+\w+)?:/.exec(db)?.[1];
  if (dialect !== "sqlite" && dialect !== "postgresql") {
    throw new RepositoryError(
      `Cannot use registry of "${configPath}": dialect of its database is ${show(dialect)}`,
      { hint: "Only sqlite and postgresql are supported" },
    );
  }
  const namespace = getValue(config, "namespace") ?? null;
  if (namespace !== null && typeof namespace !== "string") {
    throw new RepositoryError(
      `Cannot use registry of "${configPath}": namespace is ${show(namespace)}`,
    );
  }
  const common = { namespace, managers, hasDatasetTypeOverrides };
  if (dialect === "sqlite") {
    return { dialect, url: db, path: sqlitePath(db, configPath), ...common };
  }
  return { dialect, url: fillPostgresUrl(db, config, configPath), path: null, ...common };
}

function managerClasses(
  config: ConfigMapping,
  configPath: string,
): Pick<RegistryConfig, "managers" | "hasDatasetTypeOverrides"> {
  const managers: { [kind: string]: string } = {};
  let hasDatasetTypeOverrides = false;
  const configured = getValue(config, "managers");
  for (const [kind, manager] of Object.entries(isMapping(configured) ? configured : {})) {
    if (manager === null) continue;
    const cls = isMapping(manager) ? getValue(manager, "cls") : manager;
    if (typeof cls !== "string") {
      throw new RepositoryError(
        `Cannot use registry of "${configPath}": class of manager "${kind}" is ${show(cls)}`,
      );
    }
    managers[kind] = cls;
    const options = isMapping(manager) ? getValue(manager, "config") : undefined;
    const overrides = isMapping(options) ? getValue(options, "overrides") : undefined;
    if (kind === "datasets" && overrides !== undefined && !isEmpty(overrides)) {
      hasDatasetTypeOverrides = true;
    }
  }
  return { managers, hasDatasetTypeOverrides };
}

function isEmpty(value: ConfigValue): boolean {
  return value === null || typeof value === "object" && Object.keys(value).length === 0;
}

/** SQLite URLs are `sqlite:///` and the path, so four slashes before an absolute one. */
function sqlitePath(url: string, configPath: string): string {
  const path = /^[^:]+:\/\/\/([^?]*)/.exec(url)?.[1] ?? "";
  if (path === "" || path === ":memory:") {
    throw new RepositoryError(
      `Cannot use registry of "${configPath}": database "${url}" is in memory`,
    );
  }
  if (isRemoteUri(path)) {
    throw new RepositoryError(
      `Cannot use registry of "${configPath}": a SQLite database can't be in a remote store`,
    );
  }
  return resolve(path);
}

/** The parts of a PostgreSQL URL, as SQLAlchemy finds them. */
const POSTGRES_URL =
  /^(\w+)(?:\+\w+)?:\/\/(?:([^:/]*)(?::([^@]*))?@)?(\[[^/?]+\]|[^/:?]*)(?::(\d*))?(?:\/([^?]*))?(?:\?(.*))?$/;

/** Adds `username`, `password`, `host`, `port` and `database` where the URL lacks them. */
function fillPostgresUrl(url: string, config: ConfigMapping, configPath: string): string {
  const match = POSTGRES_URL.exec(url);
  rememberSecret(passwordOf(config));
  if (match === null) {
    throw new RepositoryError(
      `Cannot use registry of "${configPath}": its database URL is invalid`,
    );
  }
  const part = (found: string | undefined, key: string, quote: (text: string) => string) => {
    if (found !== undefined && found !== "") return found;
    const value = getValue(config, key);
    return typeof value === "string" || typeof value === "number" ? quote(String(value)) : "";
  };
  const plain = (text: string) => text;
  const [, scheme, ...parts] = match;
  const username = part(parts[0], "username", encodeURIComponent);
  const password = part(parts[1], "password", encodeURIComponent);
  const host = part(parts[2], "host", plain);
  const port = part(parts[3], "port", plain);
  const database = part(parts[4], "database", plain);
  const user = username + (password === "" ? "" : `:${password}`);
  return `${scheme}://` + (user === "" ? "" : `${user}@`) + host + (port === "" ? "" : `:${port}`) +
    (database === "" ? "" : `/${database}`) + (parts[5] === undefined ? "" : `?${parts[5]}`);
}

function passwordOf(config: ConfigMapping): string | null {
  const password = getValue(config, "password");
  return typeof password === "string" || typeof password === "number" ? String(password) : null;
}
