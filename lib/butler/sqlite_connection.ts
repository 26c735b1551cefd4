/**
 * One connection to a registry in an SQLite file: opening without surprises, prepared statements,
 * transactions, and one clear error for each thing that can go wrong.
 *
 * @module
 */

import { DatabaseSync, type StatementSync } from "node:sqlite";
import {
  EnvironmentError,
  NotFoundError,
  ProvgraphError,
  RefusedError,
  RepositoryError,
} from "../base/errors.ts";
import { fileUrl } from "../base/paths.ts";

/** What can be bound. Numbers are bound as REAL: column affinity must turn them into integers. */
export type SqlValue = string | number | bigint | null;

/** A row as an array, in the order of the columns. */
export type SqlRow = SqlValue[];

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

/** How long a statement waits for a lock in one go, milliseconds: the thread is blocked meanwhile. */
const SLICE_MS = 200;
/** Slices that a commit waits for readers, before all of it is done again: that costs more than waiting. */
const N_COMMIT_SLICES = 5;

/** Whether an error of this module says that another process holds a lock. */
export function isLocked(error: unknown): boolean {
  const code = error instanceof EnvironmentError ? sqliteCode(error.cause) : null;
  return code !== null && [SQLITE_BUSY, SQLITE_LOCKED].includes(code & 0xff);
}

/** Which kind of constraint an error is about; null for all other errors. */
export type ConstraintKind = "unique" | "foreign key" | "other" | null;

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

/** `setReturnArrays` works but is missing in the declarations of Deno 2.9. */
interface ArrayStatement {
  setReturnArrays(enabled: boolean): void;
}

/** Options of {@linkcode SqliteConnection.open}. */
export interface SqliteOpenOptions {
  writeable: boolean;
  /**
   * How long callers wait for a lock in all, milliseconds. A statement waits a fraction of a second at
   * most before it throws, as a blocked thread notices no signals: whoever may find a lock tries again,
   * see `untilUnlocked`.
   */
  busyTimeoutMs: number;
  /** Named in the hint when the file is missing. */
  configPath: string;
}

/**
 * A connection with its statements. Foreign keys are on, the journal mode is what it is. A hot
 * journal left by a killed process is rolled back by SQLite itself with the first statement of a
 * writeable connection.
 *
 * Source: butler repository notes, section 3.1; platform notes, section 2.
 */
export class SqliteConnection implements Disposable {
  /** Path of the database file, for messages. */
  readonly path: string;
  readonly isWriteable: boolean;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  private constructor(path: string, isWriteable: boolean, database: DatabaseSync) {
    this.path = path;
    this.isWriteable = isWriteable;
    this.#database = database;
  }

  /**
   * Opens an existing database file; never makes one.
   *
   * @throws {NotFoundError} if there is no such file.
   * @throws {RepositoryError} if the file is not an SQLite database.
   * @throws {EnvironmentError} if it can't be opened, read, locked, or needs repair.
   */
  static open(path: string, options: SqliteOpenOptions): SqliteConnection {
    const { writeable, busyTimeoutMs, configPath } = options;
    checkIsFile(path, configPath);
    const sliceMs = Math.min(SLICE_MS, busyTimeoutMs);
    if (!writeable) recoverHotJournal(path, sliceMs);
    let database: DatabaseSync;
    try {
      database = openExisting(path, writeable ? "rw" : "ro", {
        readOnly: !writeable,
        timeout: sliceMs,
        enableForeignKeyConstraints: true,
      });
    } catch (error) {
      throw translate(error, path, "open");
    }
    const connection = new SqliteConnection(path, writeable, database);
    try {
      // Deno 2.9 forgets `timeout` where `readOnly` is set.
      database.exec(`PRAGMA busy_timeout=${sliceMs}`);
      // The file is looked at only now.
      connection.all("SELECT count(*) FROM sqlite_master");
      // What a statement for many rows keeps to undo them needs no disk, whose temporary part may be full.
      if (writeable) database.exec("PRAGMA temp_store=MEMORY");
    } catch (error) {
      database.close();
      throw error;
    }
    return connection;
  }

  /**
   * The statement for this text, prepared once; its rows are arrays. With `bigInts`, every integer
   * is read as `bigint`, without it those beyond 2^53 are errors. Errors are raw.
   */
  prepare(sql: string, bigInts = false): StatementSync {
    const key = bigInts ? `bigint ${sql}` : sql;
    let statement = this.#statements.get(key);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      (statement as unknown as ArrayStatement).setReturnArrays(true);
      statement.setReadBigInts(bigInts);
      this.#statements.set(key, statement);
    }
    return statement;
  }

  /**
   * All rows of a query.
   *
   * @throws {EnvironmentError} if the database can't be read.
   */
  all(sql: string, ...values: SqlValue[]): SqlRow[] {
    try {
      return this.prepare(sql).all(...values) as unknown as SqlRow[];
    } catch (error) {
      throw this.translate(error, "read");
    }
  }

  /** As {@linkcode all}, with every integer as `bigint`: for values that may exceed 2^53. */
  allBigInt(sql: string, ...values: SqlValue[]): SqlRow[] {
    try {
      return this.prepare(sql, true).all(...values) as unknown as SqlRow[];
    } catch (error) {
      throw this.translate(error, "read");
    }
  }

  /** The first row of a query, or null. */
  first(sql: string, ...values: SqlValue[]): SqlRow | null {
    return this.all(sql, ...values)[0] ?? null;
  }

  /** Looks into the file. @throws {EnvironmentError} if another process keeps readers out. */
  requireUnlocked(): void {
    this.all("SELECT 1 FROM sqlite_master LIMIT 1");
  }

  /** Runs a statement that returns no rows; gives the number of rows changed. Errors are raw. */
  run(sql: string, ...values: SqlValue[]): number {
    return Number(this.prepare(sql).run(...values).changes);
  }

  /** Names of a table's columns; empty if there is no such table. */
  columnNames(table: string): string[] {
    return this.all("SELECT name FROM pragma_table_info(?) ORDER BY cid", table)
      .map(([name]) => name as string);
  }

  /**
   * Waits for readers for a while. A commit that found some leaves the transaction as it was.
   *
   * @throws {Error} of SQLite, if they stay.
   */
  #commit(): void {
    for (let nLeft = N_COMMIT_SLICES;; nLeft--) {
      try {
        this.prepare("COMMIT").run();
        return;
      } catch (error) {
        if ((sqliteCode(error) ?? 0) % 256 !== SQLITE_BUSY || nLeft <= 1) throw error;
      }
    }
  }

  /**
   * Does `work` in one write transaction. After it returned, everything is committed; if it threw,
   * nothing was written.
   *
   * @param verb what is attempted, for messages: "import datasets into"
   * @throws {EnvironmentError} if the database is locked, full or damaged.
   * @throws {RefusedError} if the connection is read-only.
   */
  transaction<T>(verb: string, work: () => T): T {
    if (!this.isWriteable) {
      throw new RefusedError(`Cannot ${verb} registry "${this.path}": it was opened read-only`);
    }
    try {
      // Prepared, because errors of exec() carry no code.
      this.prepare("BEGIN IMMEDIATE").run();
      const result = work();
      this.#commit();
      return result;
    } catch (error) {
      this.#rollBack();
      throw this.translate(error, verb);
    }
  }

  /** Full disks and I/O errors may have ended the transaction already. */
  #rollBack(): void {
    try {
      if (this.#database.isTransaction) this.prepare("ROLLBACK").run();
    } catch {
      // The first error is the one to tell; closing the connection rolls back as well.
    }
  }

  /**
   * Switches enforcement of foreign keys; not within a transaction. The setting is the connection's,
   * nothing is stored.
   */
  setForeignKeys(isEnforced: boolean): void {
    this.#database.exec(`PRAGMA foreign_keys=${isEnforced ? "ON" : "OFF"}`);
  }

  /** Turns an error of SQLite into one for the user; other errors stay what they are. */
  translate(error: unknown, verb: string): unknown {
    return translate(error, this.path, verb);
  }

  /** Closes the file; an open transaction is rolled back. */
  close(): void {
    this.#statements.clear();
    if (this.#database.isOpen) this.#database.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Opens a database as a URL: so that none is created, should the file vanish now. */
function openExisting(
  path: string,
  mode: "ro" | "rw",
  options: ConstructorParameters<typeof DatabaseSync>[1],
): DatabaseSync {
  const url = fileUrl(path);
  url.searchParams.set("mode", mode);
  try {
    return new DatabaseSync(url, options);
  } catch (error) {
    // A process without all permissions, such as a compiled binary, has URLs taken for relative paths
    // (Deno 2.6 to 2.9): then it must be the path.
    if (!(error instanceof Error) || !error.message.includes("/file:/")) throw error;
    return new DatabaseSync(path, options);
  }
}

/**
 * Lets SQLite roll back what a killed process left unfinished, which a read-only connection can't. It
 * changes nothing that anybody has committed. Where that isn't permitted, reading fails and says why.
 */
function recoverHotJournal(path: string, timeoutMs: number): void {
  try {
    Deno.statSync(`${path}-journal`);
  } catch {
    return;
  }
  try {
    using database = openExisting(path, "rw", { timeout: timeoutMs });
    database.prepare("SELECT count(*) FROM sqlite_master").get();
  } catch {
    // The read-only connection finds the same and tells it.
  }
}

/** SQLite says the same of missing files, directories and missing permission. */
function checkIsFile(path: string, configPath: string): void {
  try {
    if (Deno.statSync(path).isFile) return;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) {
      throw new NotFoundError(`Cannot open registry "${path}": there is no such file`, {
        cause,
        hint: `Check registry.db in "${configPath}"`,
      });
    }
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EnvironmentError(`Cannot open registry "${path}": ${reason}`, { cause });
  }
  throw new RepositoryError(`Cannot open registry "${path}": it is not a file`);
}

function translate(error: unknown, path: string, verb: string): unknown {
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
