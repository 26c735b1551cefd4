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
  RefusedError,
  RepositoryError,
} from "../../../base/errors.ts";
import { fileUrl } from "../../../base/paths.ts";
import { UUID_SIZE } from "../../../base/uuid.ts";
import { type LockWaitOptions, untilUnlocked } from "../lock_wait.ts";
import { packDatasetId } from "../dataset_id.ts";
import type {
  Connection,
  IdQuery,
  Session,
  SqlRow,
  SqlValue,
  TransactionOptions,
} from "../session.ts";
import { SQLITE_DIALECT } from "./dialect.ts";
import { isLocked, translateSqliteError } from "./errors.ts";

/** Paths in one batch of `pathsBelow`. */
const N_PATHS = 5000;
/** IDs in one batch of `ids`. */
const N_IDS = 50_000;

/** How long a statement waits for a lock in one go, milliseconds: the thread is blocked meanwhile. */
const SLICE_MS = 200;
/** Slices that a commit waits for readers, before all of it is done again: that costs more than waiting. */
const N_COMMIT_SLICES = 5;

/** `setReturnArrays` works but is missing in the declarations of Deno 2.9. */
interface ArrayStatement {
  setReturnArrays(enabled: boolean): void;
}

/** Options of {@linkcode SqliteConnection.open}. */
interface SqliteOpenOptions {
  writeable: boolean;
  /**
   * How locks are waited for. A statement waits a fraction of a second at most before it throws, as a
   * blocked thread notices no signals; then it is tried again, see `untilUnlocked`.
   */
  wait: LockWaitOptions;
  /** Named in the hint when the file is missing. */
  configPath: string;
}

/**
 * A connection with its statements. Foreign keys are on, the journal mode is what it is. A hot
 * journal left by a killed process is rolled back by SQLite itself with the first statement of a
 * writeable connection.
 *
 * Source: `schema/butler-repository.md`, section 3.1.
 */
export class SqliteConnection implements Connection {
  /** Path of the database file. */
  readonly name: string;
  readonly dialect = SQLITE_DIALECT;
  readonly isWriteable: boolean;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, PreparedStatement>();
  #wait: LockWaitOptions;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(
    path: string,
    isWriteable: boolean,
    database: DatabaseSync,
    wait: LockWaitOptions,
  ) {
    this.#wait = wait;
    this.name = path;
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
    const { writeable, wait, configPath } = options;
    checkIsFile(path, configPath);
    if (!writeable) recoverHotJournal(path);
    let database: DatabaseSync;
    try {
      database = openExisting(path, writeable ? "rw" : "ro", {
        readOnly: !writeable,
        timeout: SLICE_MS,
        enableForeignKeyConstraints: true,
      });
    } catch (error) {
      throw translateSqliteError(error, path, "open");
    }
    const connection = new SqliteConnection(path, writeable, database, wait);
    try {
      // Deno 2.9 forgets `timeout` where `readOnly` is set.
      database.exec(`PRAGMA busy_timeout=${SLICE_MS}`);
      // The file is looked at only now.
      database.prepare("SELECT count(*) FROM sqlite_master").get();
      // What a statement for many rows keeps to undo them needs no disk, whose temporary part may
      // be full.
      if (writeable) database.exec("PRAGMA temp_store=MEMORY");
    } catch (error) {
      database.close();
      throw translateSqliteError(error, path, "read");
    }
    return connection;
  }

  /** Everything happens at once; promises are for the sake of the interface. Errors are raw. */
  readonly #session: Session = {
    all: (sql, ...values) => this.#settle(() => this.#all(sql, values)),
    first: (sql, ...values) => this.#settle(() => this.#all(sql, values)[0] ?? null),
    run: (sql, ...values) => this.#settle(() => this.#run(sql, values)),
    each: (sql, values, onRow) => this.#settle(() => this.#all(sql, values).forEach(onRow)),
  };

  #settle<T>(work: () => T): Promise<T> {
    try {
      return Promise.resolve(work());
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #all(sql: string, values: readonly SqlValue[]): SqlRow[] {
    const { statement, order } = this.#prepare(sql);
    return statement.all(...bound(values, order)) as unknown as SqlRow[];
  }

  #run(sql: string, values: readonly SqlValue[] = []): number {
    const { statement, order } = this.#prepare(sql);
    return Number(statement.run(...bound(values, order)).changes);
  }

  /** The statement for this text, prepared once; its rows are arrays, its integers `bigint`. */
  #prepare(sql: string): PreparedStatement {
    let prepared = this.#statements.get(sql);
    if (prepared === undefined) {
      const order: number[] = [];
      // The casts are PostgreSQL's. A parameter is numbered from one.
      const text = sql.replace(/\$(\d+)((?:::[a-z0-9]+(?:\[\])?)*)/g, (_, n) => {
        order.push(Number(n) - 1);
        return "?";
      });
      const statement = this.#database.prepare(text);
      (statement as unknown as ArrayStatement).setReturnArrays(true);
      statement.setReadBigInts(true);
      this.#statements.set(sql, prepared = { statement, order });
    }
    return prepared;
  }

  /** As `Connection.read`. Work that found the database locked is tried again for the busy timeout. */
  read<T>(verb: string, work: (session: Session) => Promise<T>): Promise<T> {
    return this.#exclusive(async () => {
      try {
        return await this.#patiently(verb, () => work(this.#session));
      } catch (error) {
        throw translateSqliteError(error, this.name, verb);
      }
    });
  }

  async transaction<T>(
    verb: string,
    work: (session: Session) => Promise<T>,
    options: TransactionOptions = {},
  ): Promise<T> {
    this.#requireWriteable(verb);
    return await this.#exclusive(() => this.#transaction(verb, work, options));
  }

  #requireWriteable(verb: string): void {
    if (this.isWriteable) return;
    throw new RefusedError(`Cannot ${verb} registry "${this.name}": it was opened read-only`);
  }

  async #transaction<T>(
    verb: string,
    work: (session: Session) => Promise<T>,
    { explain }: TransactionOptions,
  ): Promise<T> {
    try {
      return await this.#patiently(verb, async () => {
        try {
          // Prepared, because errors of exec() carry no code.
          this.#run("BEGIN IMMEDIATE");
          const result = await work(this.#session);
          this.#commit();
          return result;
        } catch (error) {
          this.#rollBack();
          throw error;
        }
      });
    } catch (error) {
      const told = explain === undefined ? error : await explain(error, this.#session);
      throw translateSqliteError(told, this.name, verb);
    }
  }

  /** How locks are waited for from now on. */
  waitFor(wait: LockWaitOptions): void {
    this.#wait = wait;
  }

  /** Work that found the database locked has done nothing: it is tried again. */
  #patiently<T>(verb: string, work: () => Promise<T>): Promise<T> {
    const told = async () => {
      try {
        return await work();
      } catch (error) {
        throw isLocked(error) ? translateSqliteError(error, this.name, verb) : error;
      }
    };
    return untilUnlocked(`registry "${this.name}"`, told, isLocked, this.#wait);
  }

  /** One thing at a time, in the order of the calls: a transaction is the connection's. */
  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work, work);
    this.#last = done.catch(() => {});
    return done;
  }

  /**
   * Waits for readers for a while. A commit that found some leaves the transaction as it was.
   *
   * @throws {Error} of SQLite, if they stay.
   */
  #commit(): void {
    for (let nLeft = N_COMMIT_SLICES;; nLeft--) {
      try {
        this.#run("COMMIT");
        return;
      } catch (error) {
        if (!isLocked(error) || nLeft <= 1) throw error;
      }
    }
  }

  /** Full disks and I/O errors may have ended the transaction already. */
  #rollBack(): void {
    try {
      if (this.#database.isTransaction) this.#run("ROLLBACK");
    } catch {
      // The first error is the one to tell; closing the connection rolls back as well.
    }
  }

  /**
   * As `Connection.ids`, in the order of the row ids. Texts are joined by SQLite: rows one by one would
   * take five times as long.
   */
  async *ids({ table, column, where, values }: IdQuery): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const n = values.length;
    const sql = `SELECT group_concat(id, ','), max(r) FROM (SELECT rowid AS r, ${column} AS id ` +
      `FROM ${SQLITE_DIALECT.table(table)} WHERE ${where} AND rowid > $${n + 1} ` +
      `ORDER BY rowid LIMIT $${n + 2})`;
    let last: SqlValue = -(2n ** 63n);
    for (;;) {
      const row: SqlRow | null = await this.read(
        "read",
        (session) => session.first(sql, ...values, last, N_IDS),
      );
      const [text, end] = row!;
      if (text === null) return;
      const hexIds = (text as string).split(",");
      const ids = new Uint8Array(hexIds.length * UUID_SIZE);
      for (let i = 0; i < hexIds.length; i++) {
        packDatasetId(hexIds[i], ids, i * UUID_SIZE, this.name);
      }
      yield ids;
      if (hexIds.length < N_IDS) return;
      last = end as bigint;
    }
  }

  /** As `Connection.pathsBelow`, in the order of the row ids. */
  async *pathsBelow(recordsTable: string, directory: string): AsyncGenerator<string[]> {
    const sql = `SELECT rowid, path FROM ${SQLITE_DIALECT.table(recordsTable)} WHERE rowid > $1 ` +
      `AND ${SQLITE_DIALECT.startsWith("path", 2)} ORDER BY rowid LIMIT $4`;
    const range = SQLITE_DIALECT.prefix(`${directory}/`);
    for (let last: SqlValue = -1;;) {
      const rows: SqlRow[] = await this.read(
        "read",
        (session) => session.all(sql, last, ...range, N_PATHS),
      );
      if (rows.length === 0) return;
      yield rows.map(([, path]) => String(path));
      last = rows[rows.length - 1][0] as bigint;
    }
  }

  /**
   * As `Connection.removal`. With foreign keys enforced, SQLite looks for each removed dataset in every
   * tags and calibs table of the repository: 5000 datasets a second with 60 tables. So enforcement is
   * off, if the catalogue shows that only tables which are cleaned up refer to datasets: 80 000 a second.
   */
  async removal<T>(
    verb: string,
    work: (session: Session, removesAssociations: boolean) => Promise<T>,
  ): Promise<T> {
    this.#requireWriteable(verb);
    return await this.#exclusive(async () => {
      // The setting has no effect inside a transaction, so the catalogue is looked at after the switch.
      this.#setForeignKeys(false);
      try {
        return await this.#transaction(verb, async (session) => {
          if (!await refersOnlyKnown(session)) throw new UnknownReference();
          return await work(session, true);
        }, {});
      } catch (error) {
        if (!(error instanceof UnknownReference)) throw error;
      } finally {
        this.#setForeignKeys(true);
      }
      return await this.#transaction(verb, (session) => work(session, false), {});
    });
  }

  /** The setting is the connection's, nothing is stored. */
  #setForeignKeys(isEnforced: boolean): void {
    this.#database.exec(`PRAGMA foreign_keys=${isEnforced ? "ON" : "OFF"}`);
  }

  /** Closes the file when what is under way is done; an open transaction is rolled back. */
  close(): Promise<void> {
    return this.#exclusive(() => {
      this.#statements.clear();
      if (this.#database.isOpen) this.#database.close();
      return Promise.resolve();
    });
  }
}

/** A statement, and which of the values given each of its parameters is. */
interface PreparedStatement {
  statement: StatementSync;
  order: readonly number[];
}

/** Ends a transaction without foreign keys; never leaves this module. */
class UnknownReference extends Error {}

/** Whole numbers are bound as integers; as they are, they would be bound as REAL. */
function bound(values: readonly SqlValue[], order: readonly number[]): SqlValue[] {
  return order.map((i) => {
    const value = values[i];
    return typeof value === "number" && Number.isInteger(value) ? BigInt(value) : value;
  });
}

/**
 * Whether the tables that refer to `dataset` are `dataset_location` and those of dataset types, no
 * table refers to one of these, and nothing is triggered.
 */
async function refersOnlyKnown(session: Session): Promise<boolean> {
  const known = new Set(["dataset_location"]);
  const tables = await session.all(
    "SELECT tag_association_table, calibration_association_table FROM dataset_type",
  );
  for (const table of tables.flat()) if (table !== null) known.add(String(table).toLowerCase());
  const references = await session.all(
    'SELECT lower(m.name), lower(f."table") FROM sqlite_master m, pragma_foreign_key_list(m.name) f ' +
      "WHERE m.type = 'table'",
  );
  return references.every(([source, target]) =>
    !known.has(String(target)) && (target !== "dataset" || known.has(String(source)))
  ) && await session.first("SELECT 1 FROM sqlite_master WHERE type = 'trigger'") === null;
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
function recoverHotJournal(path: string): void {
  try {
    Deno.statSync(`${path}-journal`);
  } catch {
    return;
  }
  try {
    using database = openExisting(path, "rw", { timeout: SLICE_MS });
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
