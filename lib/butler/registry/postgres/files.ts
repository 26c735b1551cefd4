/**
 * The two files that libpq looks into: passwords, and services.
 *
 * @module
 */

import type { Environment } from "../../../base/environment.ts";
import { RepositoryError } from "../../../base/errors.ts";
import { readLimitedText } from "../../../storage/regular_file.ts";
import { localPath } from "../../config/local_path.ts";

/** A connection in search of its password. */
interface PasswordKey {
  hosts: readonly { host: string; port: number }[];
  user: string;
  database: string;
}

/** A larger file, in bytes, is none of these. */
const MAX_FILE_SIZE = 1024 * 1024;

/** Where the system keeps services for all its users. */
const SYSTEM_SERVICE_DIRECTORY = "/etc/postgresql-common";

/**
 * The password that a file such as `~/.pgpass` has for a connection; null if none. As with libpq, a
 * file that others may read is passed over.
 *
 * @param notes gets a sentence if the file was passed over
 *
 * Source: PostgreSQL manual, "The Password File".
 */
export function readPasswordFile(path: string, key: PasswordKey, notes: string[]): string | null {
  let text: string;
  try {
    const { isFile, mode } = Deno.statSync(path);
    if (!isFile) return null;
    if (mode !== null && (mode & 0o077) !== 0) {
      notes.push(`password file "${path}" was passed over because others may read it`);
      return null;
    }
    text = readLimitedText(path, MAX_FILE_SIZE, (state) => new Error(state));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) {
      notes.push(`password file "${path}" was passed over because it can't be read`);
    }
    return null;
  }
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith("#")) continue;
    const fields = passwordFields(line);
    if (fields.length < 5) continue;
    const [host, port, database, user, password] = fields;
    const isMatch = key.hosts.some((place) =>
      // Sockets go by the name of the machine itself.
      [host, port, database, user].every((field, i) =>
        field === "*" ||
        field === [place.host, String(place.port), key.database, key.user][i] ||
        (i === 0 && field === "localhost" && place.host.startsWith("/"))
      )
    );
    if (isMatch) return password;
  }
  return null;
}

/** Fields are divided by colons; a backslash takes the next character as it is. */
function passwordFields(line: string): string[] {
  const fields = [""];
  for (let i = 0; i < line.length; i++) {
    if (line[i] === "\\" && i + 1 < line.length) fields[fields.length - 1] += line[++i];
    // Colons in the password need no backslash.
    else if (line[i] === ":" && fields.length < 5) fields.push("");
    else fields[fields.length - 1] += line[i];
  }
  return fields;
}

/**
 * Settings of a service, by key.
 *
 * @throws {RepositoryError} if no file defines it.
 *
 * Source: PostgreSQL manual, "The Connection Service File".
 */
export function readService(service: string, env: Environment): Map<string, string> {
  const own = env.get("PGSERVICEFILE") ?? "";
  const paths = [
    localPath(own === "" ? "~/.pg_service.conf" : own, env, Deno.cwd(), "service file"),
    `${env.get("PGSYSCONFDIR") ?? SYSTEM_SERVICE_DIRECTORY}/pg_service.conf`,
  ];
  for (const path of paths) {
    let text: string;
    try {
      text = readLimitedText(path, MAX_FILE_SIZE, (state) => new Error(state));
    } catch {
      continue;
    }
    const found = serviceSection(text, service);
    if (found !== null) return found;
  }
  throw new RepositoryError(
    `Cannot find PostgreSQL service "${service}" in ${paths.map((path) => `"${path}"`).join(", ")}`,
  );
}

function serviceSection(text: string, service: string): Map<string, string> | null {
  let section: Map<string, string> | null = null;
  for (const raw of text.split("\n")) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    if (line.startsWith("[")) {
      if (section !== null) return section;
      if (line === `[${service}]`) section = new Map();
    } else if (section !== null) {
      const at = line.indexOf("=");
      if (at > 0) section.set(line.slice(0, at).trim(), line.slice(at + 1).trim());
    }
  }
  return section;
}
