/**
 * Credentials of Rubin users: `db-auth.yaml` and what stands in its place in the environment.
 *
 * @module
 */

import { homedir } from "node:os";
import type { Environment } from "../../../base/environment.ts";
import { RepositoryError } from "../../../base/errors.ts";
import { rememberSecret } from "../../../base/text/secrets.ts";
import { readLimitedText } from "../../../storage/regular_file.ts";
import { parseYaml } from "../../config/config_file.ts";
import { type ConfigValue, getValue, isMapping } from "../../config/config_value.ts";
import { localPath } from "../../config/local_path.ts";

/** The parts of a connection that credentials are chosen by, as its URL has them. */
interface ConnectionKey {
  /** Without `+driver`. */
  dialect: string;
  user: string | null;
  host: string;
  port: string | null;
  database: string;
}

/** What a list of credentials says of a connection. */
interface Credentials {
  /** The connection's own user if it names one, else the entry's; null if neither does. */
  user: string | null;
  password: string;
}

/** The URL pattern of an entry, taken apart. */
interface Pattern {
  dialect: string;
  user: string | null;
  host: string;
  port: string | null;
  database: string;
}

/** A larger file of credentials, in bytes, is a mistake. */
const MAX_FILE_SIZE = 1024 * 1024;

const URL_PATTERN = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/(?:([^@/]*)@)?([^/?#]*)([^?#]*)/;

/**
 * Credentials for a connection, from the variable `LSST_DB_AUTH_CREDENTIALS` (JSON), else from the
 * file that `LSST_DB_AUTH` names, else from `~/.lsst/db-auth.yaml`. The first entry that matches is
 * taken; null if there is none, or no such file.
 *
 * @throws {RepositoryError} if others may read the file, or it can't be used; no message holds a
 *   password.
 *
 * Source: `schema/butler-repository.md`, section 1.7.
 */
export function findCredentials(connection: ConnectionKey, env: Environment): Credentials | null {
  const list = readList(env);
  if (list === null) return null;
  const { source, entries } = list;
  for (const [i, entry] of entries.entries()) {
    const refuse = (state: string): never => {
      throw new RepositoryError(`Cannot use credentials of ${source}: entry ${i + 1} ${state}`);
    };
    const url = isMapping(entry) ? getValue(entry, "url") : undefined;
    if (!isMapping(entry) || typeof url !== "string") return refuse("has no url");
    if (!matches(connection, parsePattern(url, refuse))) continue;
    const password = getValue(entry, "password");
    if (typeof password !== "string" && typeof password !== "number") {
      return refuse("matches but has no password");
    }
    const username = getValue(entry, "username");
    rememberSecret(String(password));
    return {
      user: connection.user ?? (typeof username === "string" ? username : null),
      password: String(password),
    };
  }
  return null;
}

function readList(env: Environment): { source: string; entries: ConfigValue[] } | null {
  const json = env.get("LSST_DB_AUTH_CREDENTIALS") ?? "";
  if (json !== "") {
    const source = "LSST_DB_AUTH_CREDENTIALS";
    let entries: unknown;
    try {
      entries = JSON.parse(json);
    } catch {
      // The parser's message would quote the text.
    }
    return { source, entries: requireList(entries, source) };
  }
  const home = {
    get: (name: string) => env.get(name) ?? (name === "HOME" ? homedir() : undefined),
  };
  const given = env.get("LSST_DB_AUTH");
  const path = localPath(
    given === undefined ? "~/.lsst/db-auth.yaml" : given,
    home,
    Deno.cwd(),
    "credentials file",
  );
  const source = `"${path}"`;
  let text: string;
  try {
    const { isFile, mode } = Deno.statSync(path);
    if (!isFile) return null;
    if (mode !== null && (mode & 0o077) !== 0) {
      throw new RepositoryError(
        `Cannot use credentials file ${source}: others may read it, its mode is ` +
          (mode & 0o777).toString(8),
        { hint: `chmod 600 ${source}` },
      );
    }
    text = readLimitedText(
      path,
      MAX_FILE_SIZE,
      (state) => new RepositoryError(`Cannot use credentials file ${source}: ${state}`),
    );
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return null;
    }
    if (error instanceof RepositoryError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new RepositoryError(`Cannot read credentials file ${source}: ${reason}`);
  }
  return { source, entries: requireList(parseYaml(text), source) };
}

function requireList(value: unknown, source: string): ConfigValue[] {
  if (Array.isArray(value)) return value as ConfigValue[];
  throw new RepositoryError(`Cannot use credentials of ${source}: it is not a list of entries`);
}

function parsePattern(url: string, refuse: (state: string) => never): Pattern {
  const match = URL_PATTERN.exec(url);
  if (match === null) return refuse("has a url without dialect");
  const [, dialect, userInfo, place, path] = match;
  if (dialect.includes("+")) refuse(`names a driver with its dialect, "${dialect}"`);
  const [, host, port] = /^(.*?)(?::(\d*))?$/.exec(place)!;
  if (host === "") refuse("has a url without host");
  return {
    dialect: dialect.toLowerCase(),
    user: userInfo === undefined ? null : userInfo.split(":")[0],
    host: host.toLowerCase(),
    port: port === undefined || port === "" ? null : port,
    database: path.replace(/^\/+/, ""),
  };
}

function matches(connection: ConnectionKey, pattern: Pattern): boolean {
  return connection.dialect === pattern.dialect &&
    (pattern.database === "" || globMatches(pattern.database, connection.database)) &&
    (pattern.user === null || pattern.user === connection.user) &&
    globMatches(pattern.host, connection.host) &&
    (pattern.port === null || Number(pattern.port) === Number(connection.port ?? NaN));
}

/** Whether a shell pattern (`*`, `?`, `[a-z]`, `[!a-z]`) matches a whole text; case counts. */
export function globMatches(pattern: string, text: string): boolean {
  let expression = "";
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i];
    // A bracket that is the first member does not end the set.
    const end = char === "[" ? pattern.indexOf("]", i + (pattern[i + 1] === "!" ? 3 : 2)) : -1;
    // One star for several: more would make the search exponential.
    if (char === "*") expression += pattern[i - 1] === "*" ? "" : ".*";
    else if (char === "?") expression += ".";
    else if (end > 0) {
      const isNegated = pattern[i + 1] === "!";
      const members = pattern.slice(i + (isNegated ? 2 : 1), end).replace(/[\\\]^[]/g, "\\$&");
      expression += `[${isNegated ? "^" : ""}${members}]`;
      i = end;
    } else expression += char.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  }
  try {
    return new RegExp(`^${expression}$`, "s").test(text);
  } catch {
    // A set such as [z-a] holds nothing.
    return false;
  }
}
