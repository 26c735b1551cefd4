/**
 * Where and how to connect to a PostgreSQL server: the registry's URL, `db-auth.yaml`, and all that
 * libpq would look at, which users rely on.
 *
 * @module
 */

import { homedir, userInfo } from "node:os";
import type { Environment } from "../../../base/environment.ts";
import { RepositoryError } from "../../../base/errors.ts";
import { rememberSecret, rememberUrlSecrets } from "../../../base/text/secrets.ts";
import { localPath } from "../../config/local_path.ts";
import { findCredentials } from "./db_auth.ts";
import { readPasswordFile, readService } from "./files.ts";
import {
  type PostgresHost,
  type PostgresSettings,
  SSL_MODES,
  type SslMode,
} from "./postgres_settings.ts";

const DEFAULT_PORT = 5432;
const DEFAULT_CONNECT_TIMEOUT_SECONDS = 30;
/** Where servers put their sockets: Debian's and the original choice. */
const SOCKET_DIRECTORIES = ["/var/run/postgresql", "/tmp"];

/** Keys of libpq, and the variable that each falls back to. */
const VARIABLE_BY_KEY: Readonly<Record<string, string>> = {
  host: "PGHOST",
  hostaddr: "PGHOSTADDR",
  port: "PGPORT",
  user: "PGUSER",
  password: "PGPASSWORD",
  dbname: "PGDATABASE",
  passfile: "PGPASSFILE",
  sslmode: "PGSSLMODE",
  sslrootcert: "PGSSLROOTCERT",
  sslcert: "PGSSLCERT",
  sslkey: "PGSSLKEY",
  connect_timeout: "PGCONNECT_TIMEOUT",
  application_name: "PGAPPNAME",
  options: "PGOPTIONS",
  service: "PGSERVICE",
  gssencmode: "PGGSSENCMODE",
  channel_binding: "PGCHANNELBINDING",
  target_session_attrs: "PGTARGETSESSIONATTRS",
};

/** Keys that make no difference to what this tool does. */
const INERT_KEYS = new Set(
  ("client_encoding fallback_application_name keepalives keepalives_idle keepalives_interval " +
    "keepalives_count tcp_user_timeout sslcompression sslsni krbsrvname servicefile").split(" "),
);

/** The parts of a database URL, as SQLAlchemy finds them. */
const POSTGRES_URL =
  /^(\w+)(?:\+\w+)?:\/\/(?:([^:/]*)(?::([^@]*))?@)?(\[[^/?]+\]|[^/:?]*)(?::(\d*))?(?:\/([^?]*))?(?:\?(.*))?$/;

/** What a database URL says, by the names of libpq; credentials of `db-auth.yaml` count before its own. */
function valuesOfUrl(
  url: string,
  env: Environment,
  configPath: string,
  refuse: (state: string) => never,
): Map<string, string> {
  rememberUrlSecrets(url);
  const match = POSTGRES_URL.exec(url);
  if (match === null) return refuse("its database URL is invalid");
  const [, dialect, user, urlPassword, host, port, database, query] = match;
  requireQuoted(host, configPath);
  const given = new Map<string, string>();
  const set = (key: string, text: string | undefined) => {
    if (text !== undefined && text !== "") given.set(key, text);
  };
  set("host", host.replace(/^\[(.*)\]$/, "$1"));
  set("port", port);
  set("user", unquote(user));
  set("password", unquote(urlPassword));
  rememberSecret(given.get("password"));
  set("dbname", database);
  const fromDbAuth = given.has("host") && given.has("dbname")
    ? findCredentials({
      dialect,
      user: given.get("user") ?? null,
      host: given.get("host")!,
      port: given.get("port") ?? null,
      database: given.get("dbname")!,
    }, env)
    : null;
  set("user", fromDbAuth?.user ?? undefined);
  set("password", fromDbAuth?.password);
  const hosts: string[] = [];
  for (const [i, [key, value]] of [...new URLSearchParams(query ?? "")].entries()) {
    if (key === "host") hosts.push(value);
    else if (key in VARIABLE_BY_KEY) set(key, value);
    else if (!INERT_KEYS.has(key)) refuse(unsupportedOption(key, i));
  }
  set("host", hosts.join(","));
  return given;
}

/**
 * Works out how to connect: the URL first, then a service file, then variables, then libpq's
 * defaults. A password in `db-auth.yaml` counts before one in the URL.
 *
 * @param url `registry.db` with missing parts filled in from the configuration
 * @param configPath named in messages
 * @throws {RepositoryError} if something is invalid or asked for that can't be had.
 *
 * Source: `schema/butler-repository.md`, section 1.7; PostgreSQL manual, "Database Connection
 * Control Functions".
 */
export function postgresSettings(
  url: string,
  env: Environment,
  configPath: string,
): PostgresSettings {
  const refuse = (state: string): never => {
    throw new RepositoryError(`Cannot use registry of "${configPath}": ${state}`);
  };
  const given = valuesOfUrl(url, env, configPath, refuse);
  const home = env.get("HOME") ?? homedir();
  const withHome = { get: (name: string) => name === "HOME" ? home : env.get(name) };
  const service = given.get("service") ?? nonEmpty(env.get("PGSERVICE"));
  const fromService = service === undefined
    ? new Map<string, string>()
    : readService(service, withHome);
  const value = (key: string): string | undefined =>
    given.get(key) ?? fromService.get(key) ?? nonEmpty(env.get(VARIABLE_BY_KEY[key]));
  const path = (key: string): string | null => {
    const text = value(key);
    return text === undefined ? null : localPath(text, withHome, Deno.cwd(), key);
  };

  for (const key of ["gssencmode", "channel_binding"]) {
    if (value(key) === "require") refuse(`${key}=require is not supported`);
  }
  const attributes = value("target_session_attrs");
  if (attributes !== undefined && attributes !== "any") {
    refuse(`target_session_attrs=${attributes} is not supported`);
  }
  const sslMode = (value("sslmode") ?? "prefer") as SslMode;
  if (!SSL_MODES.includes(sslMode)) refuse(`sslmode is "${sslMode}"`);
  const connectTimeout = Number(value("connect_timeout") ?? DEFAULT_CONNECT_TIMEOUT_SECONDS);
  if (!Number.isInteger(connectTimeout)) refuse("connect_timeout is not a number of seconds");

  const resolvedUser = value("user") ?? systemUser(env, refuse);
  // A colon that was quoted by mistake: what stands behind it was meant as password.
  if (resolvedUser.includes(":")) rememberSecret(resolvedUser.replace(/^[^:]*:/, ""));
  const resolvedDatabase = value("dbname") ?? resolvedUser;
  const places = hostList(value("host"), value("hostaddr"), value("port"), refuse);
  const notes: string[] = [];
  const rootCert = value("sslrootcert") === "system" ? null : path("sslrootcert");
  const password = value("password") ?? readPasswordFile(path("passfile") ?? `${home}/.pgpass`, {
    hosts: places,
    user: resolvedUser,
    database: resolvedDatabase,
  }, notes);
  rememberSecret(password);
  return {
    hosts: places,
    user: resolvedUser,
    password,
    database: resolvedDatabase,
    // A root certificate makes "require" check it, as libpq does for old time's sake.
    sslMode: sslMode === "require" && rootCert !== null ? "verify-ca" : sslMode,
    sslRootCert: rootCert ?? existing(`${home}/.postgresql/root.crt`, sslMode),
    sslCert: path("sslcert") ?? existing(`${home}/.postgresql/postgresql.crt`),
    sslKey: path("sslkey") ?? existing(`${home}/.postgresql/postgresql.key`),
    connectTimeoutMs: connectTimeout > 0 ? connectTimeout * 1000 : 3_600_000,
    applicationName: value("application_name") ?? "provgraph",
    options: value("options") ?? null,
    name: databaseName(places, resolvedUser, resolvedDatabase),
    notes,
  };
}

/**
 * Refuses a URL of which SQLAlchemy would take a part of the password for the host. Nothing of it
 * is told.
 *
 * @throws {RepositoryError} if there is another "@" behind that which ends the password.
 */
function requireQuoted(host: string, configPath: string): void {
  if (!host.includes("@")) return;
  throw new RepositoryError(
    `Cannot use registry of "${configPath}": its database URL has more than one "@"`,
    { hint: 'in user and password write %40 for "@", %3A for ":", %2F for "/", %25 for "%"' },
  );
}

/** Options that libpq knows and this tool doesn't. Source: PostgreSQL manual, as above. */
const FOREIGN_KEYS = new Set(
  ("require_auth sslnegotiation sslcertmode sslcrl sslcrldir sslpassword requirepeer requiressl " +
    "ssl_min_protocol_version ssl_max_protocol_version min_protocol_version max_protocol_version " +
    "gsslib gssdelegation replication load_balance_hosts scram_client_key scram_server_key")
    .split(" "),
);

/** Any other word may be the part of a password behind an "&". */
function unsupportedOption(key: string, i: number): string {
  return FOREIGN_KEYS.has(key)
    ? `option "${key}" of its database URL is not supported`
    : `option number ${i + 1} of its database URL is unknown`;
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}

function unquote(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A URL that says what is connected to, and holds no password, not even one within the user's name. */
function databaseName(
  hosts: readonly PostgresHost[],
  fullUser: string,
  database: string,
): string {
  const user = fullUser.replace(/:.*$/s, "");
  const path = encodeURIComponent(database);
  if (hosts[0].host.startsWith("/")) {
    const { host, port } = hosts[0];
    return `postgresql://${encodeURIComponent(user)}@/${path}?host=${host}` +
      (port === DEFAULT_PORT ? "" : `&port=${port}`);
  }
  const places = hosts.map(({ host, port }) =>
    (host.includes(":") ? `[${host}]` : host) + (port === DEFAULT_PORT ? "" : `:${port}`)
  );
  return `postgresql://${encodeURIComponent(user)}@${places.join(",")}/${path}`;
}

/** Hosts and ports are lists of equal length, or one port for all; a host may bring its own port. */
function hostList(
  hosts: string | undefined,
  addresses: string | undefined,
  ports: string | undefined,
  refuse: (state: string) => never,
): PostgresHost[] {
  const names = (addresses ?? hosts ?? "").split(",");
  const portList = (ports ?? "").split(",");
  return names.map((name, i) => {
    // Only one colon: others belong to an address.
    const [, bare, own] = /^([^:/]*):(\d+)$/.exec(name) ?? [null, name, undefined];
    const text = own ?? (portList.length === 1 ? portList[0] : portList[i] ?? "");
    const port = text === "" ? DEFAULT_PORT : Number(text);
    if (!Number.isInteger(port) || port < 1 || port > 65535) refuse(`port is "${text}"`);
    return { host: bare === "" ? defaultHost(port) : bare, port };
  });
}

function defaultHost(port: number): string {
  return SOCKET_DIRECTORIES.find((directory) => exists(`${directory}/.s.PGSQL.${port}`)) ??
    "localhost";
}

/** A file of libpq's own choice, if it is there (and certificates are to be checked at all). */
function existing(path: string, sslMode?: SslMode): string | null {
  const isWanted = sslMode === undefined || sslMode.startsWith("verify");
  return isWanted && exists(path) ? path : null;
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

function systemUser(env: Environment, refuse: (state: string) => never): string {
  try {
    return userInfo().username;
  } catch {
    return nonEmpty(env.get("USER")) ?? refuse("no user is named for its database");
  }
}
