/**
 * What errors of SQLite mean.
 *
 * @module
 */

import { EnvironmentError, ProvgraphError, RepositoryError } from "../../../base/errors.ts";

/** Result codes of SQLite (the low byte of extended ones). Source: sqlite.org/rescode.html */
const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;
const SQLITE_READONLY = 8;
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;
const SQLITE_CONSTRAINT = 19;
const SQLITE_NOTADB = 26;
/** Extended codes. */
const SQLITE_READONLY_ROLLBACK = 776;
const SQLITE_CONSTRAINT_FOREIGNKEY = 787;
const SQLITE_CONSTRAINT_PRIMARYKEY = 1555;
const SQLITE_CONSTRAINT_UNIQUE = 2067;

/** Errors from opening and from `exec` carry only a message. */
const CODE_BY_MESSAGE: readonly (readonly [string, number])[] = [
  ["database is locked", SQLITE_BUSY],
  ["readonly database", SQLITE_READONLY],
  ["disk I/O error", SQLITE_IOERR],
  ["disk image is malformed", SQLITE_CORRUPT],
  ["disk is full", SQLITE_FULL],
  ["unable to open database file", SQLITE_CANTOPEN],
  ["not a database", SQLITE_NOTADB],
];

/** Whether an error says that another process holds a lock. */
export function isLocked(error: unknown): boolean {
  const code = sqliteCode(error instanceof EnvironmentError ? error.cause : error);
  return code !== null && [SQLITE_BUSY, SQLITE_LOCKED].includes(code & 0xff);
}

/** Which kind of constraint an error is about; null for all other errors. */
type ConstraintKind = "unique" | "foreign key" | "other" | null;

/** Classifies an error thrown by a statement. */
export function constraintKind(error: unknown): ConstraintKind {
  const code = sqliteCode(error);
  if (code === null || (code & 0xff) !== SQLITE_CONSTRAINT) return null;
  if (code === SQLITE_CONSTRAINT_FOREIGNKEY) return "foreign key";
  if (code === SQLITE_CONSTRAINT_UNIQUE || code === SQLITE_CONSTRAINT_PRIMARYKEY) return "unique";
  return "other";
}

/** Extended result code, or null if SQLite didn't throw this. */
function sqliteCode(error: unknown): number | null {
  if (!(error instanceof Error)) return null;
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  if (code !== "ERR_SQLITE_ERROR") return null;
  if (typeof errcode === "number") return errcode;
  return CODE_BY_MESSAGE.find(([text]) => error.message.includes(text))?.[1] ?? 1;
}

/** Turns an error of SQLite into one for the user; other errors stay what they are. */
export function translateSqliteError(error: unknown, path: string, verb: string): unknown {
  const code = sqliteCode(error);
  if (code === null || error instanceof ProvgraphError) return error;
  const cause = error;
  const detail = (error as Error).message;
  const what = `Cannot ${verb} registry "${path}"`;
  if (code === SQLITE_READONLY_ROLLBACK) {
    return new EnvironmentError(`${what}: a killed process left an unfinished transaction behind`, {
      cause,
      hint: "Any command that writes to the repository rolls it back",
    });
  }
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return new EnvironmentError(`${what}: another process holds a lock on it (${detail})`, {
        cause,
        hint: "Try again when no other butler command writes to this repository",
      });
    case SQLITE_READONLY:
      return new EnvironmentError(`${what}: file or directory is not writeable (${detail})`, {
        cause,
        hint: "SQLite needs write permission on the file and on its directory",
      });
    case SQLITE_CANTOPEN:
      return new EnvironmentError(`${what}: it can't be opened (${detail})`, {
        cause,
        hint: "Check the permissions of the file and of its directory",
      });
    case SQLITE_CORRUPT:
      return new EnvironmentError(`${what}: the database is damaged (${detail})`, {
        cause,
        hint: "Restore it from a backup, or look at it with PRAGMA integrity_check",
      });
    case SQLITE_NOTADB:
      return new RepositoryError(`${what}: the file is not an SQLite database`, { cause });
    case SQLITE_FULL:
      return new EnvironmentError(`${what}: the disk is full`, {
        cause,
        hint: "Free some space and run the same command again; nothing is half-written",
      });
    case SQLITE_IOERR:
      return new EnvironmentError(`${what}: ${detail}`, {
        cause,
        hint: "Look for a full disk, a quota or a limit of file sizes (ulimit -f), then run the " +
          "same command again; nothing is half-written",
      });
    default:
      return new EnvironmentError(`${what}: ${detail}`, { cause });
  }
}
