/**
 * The connection of a PostgreSQL registry: transactions, what is tried again and what is not, and one
 * clear error for each thing that can go wrong. `schema/postgres.md` tells it from outside.
 *
 * @module
 */

import type { Log } from "../../../base/log.ts";
import { PostgresPatience } from "./patience.ts";
import { EnvironmentError, RefusedError, RepositoryError } from "../../../base/errors.ts";
import { UUID_SIZE } from "../../../base/uuid.ts";
import { packDatasetId } from "../dataset_id.ts";
import type {
  Connection,
  Dialect,
  IdQuery,
  Session,
  SqlRow,
  SqlValue,
  TransactionOptions,
} from "../session.ts";
import { postgresDialect } from "./dialect.ts";
import { isConnectionLost, isSerializationFailure, translatePostgresError } from "./errors.ts";
import { PostgresLink } from "./link.ts";
import type { PostgresSettings } from "./postgres_settings.ts";

/** Options of {@linkcode PostgresConnection.open}. */
interface PostgresOpenOptions {
  writeable: boolean;
  /** How long a transaction waits for a lock, milliseconds. */
  lockTimeoutMs: number;
  /** How long broken connections are made anew, milliseconds. */
  retryMs: number;
  /** Schema of the registry's tables; null for the one that the server chooses. */
  namespace: string | null;
  /** Is told of locks that are waited for. */
  log?: Log;
  /** Ends a wait for a lock until {@linkcode PostgresConnection.endOpening}. */
  signal?: AbortSignal;
}

/** Times that a transaction is tried again at once after deadlocks and the like. */
const MAX_SERIALIZATION_RETRIES = 5;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2000;
/** Opening does not wait for servers that are down, only for a moment's lack of connections. */
const MAX_OPEN_RETRY_MS = 5000;

/**
 * One registry's place in a database. All statements go over one connection, one after the other;
 * nothing of the session outlives a transaction, so that a proxy may pool them.
 */
export class PostgresConnection implements Connection, AsyncDisposable {
  readonly isWriteable: boolean;
  readonly #settings: PostgresSettings;
  readonly #options: PostgresOpenOptions;
  readonly #patience: PostgresPatience;
  #namespace = "";
  #dialect: Dialect | null = null;
  #link: PostgresLink | null;
  #last: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  private constructor(
    settings: PostgresSettings,
    options: PostgresOpenOptions,
    link: PostgresLink,
  ) {
    this.#settings = settings;
    this.#options = options;
    const { lockTimeoutMs: busyTimeoutMs, log, signal } = options;
    this.#patience = new PostgresPatience(settings, { busyTimeoutMs, log, signal });
    this.#link = link;
    this.isWriteable = options.writeable;
  }

  /**
   * Connects, and finds the schema.
   *
   * @throws {EnvironmentError} if the server can't be reached or has no connection left.
   * @throws {RepositoryError} if it doesn't let the user in, or there is no schema.
   * @throws {NotFoundError} if there is no such database.
   */
  static async open(
    settings: PostgresSettings,
    options: PostgresOpenOptions,
  ): Promise<PostgresConnection> {
    const pause = new Pause(Math.min(options.retryMs, MAX_OPEN_RETRY_MS));
    for (;;) {
      let link: PostgresLink;
      try {
        link = await PostgresLink.open(settings);
      } catch (error) {
        // Nobody answers: that is told at once. Too busy, or just starting: that may pass.
        if (/^5[37]/.test((error as { code?: string }).code ?? "") && await pause.wait()) continue;
        throw translatePostgresError(error, settings, "open");
      }
      const connection = new PostgresConnection(settings, options, link);
      try {
        await connection.#findNamespace();
        return connection;
      } catch (error) {
        await connection.close();
        throw error;
      }
    }
  }

  /** What is needed to begin has been read: from now on a signal ends no wait for a lock. */
  endOpening(): void {
    this.#patience.endOpening();
  }

  /** How messages name the database: its URL without password. */
  get name(): string {
    return this.#settings.name;
  }

  /** Schema of the registry's tables. */
  get namespace(): string {
    return this.#namespace;
  }

  get dialect(): Dialect {
    return this.#dialect ??= postgresDialect(this.#namespace);
  }

  async #findNamespace(): Promise<void> {
    const configured = this.#options.namespace;
    if (configured !== null) {
      this.#namespace = configured;
      return;
    }
    const row = await this.read("open", (session) => session.first("SELECT current_schema()"));
    if (row === null || row[0] === null) {
      throw new RepositoryError(
        `Cannot open registry "${this.name}": it has no current schema`,
        { hint: "Set registry.namespace in the repository's configuration" },
      );
    }
    this.#namespace = String(row[0]);
  }

  /**
   * Does `work`, which only reads; each statement sees what was committed before it. When the
   * connection breaks, `work` is done again from its beginning.
   *
   * @param verb what is attempted, for messages
   */
  read<T>(verb: string, work: (session: Session) => Promise<T>): Promise<T> {
    return this.#exclusive(async () => {
      const pause = new Pause(this.#options.retryMs);
      for (;;) {
        try {
          return await work(this.#session(await this.#connected(), true));
        } catch (error) {
          if (isConnectionLost(error) && await pause.wait()) continue;
          throw translatePostgresError(error, this.#settings, verb);
        }
      }
    });
  }

  /** All rows of a query that reads. */
  all(sql: string, ...values: SqlValue[]): Promise<SqlRow[]> {
    return this.read("read", (session) => session.all(sql, ...values));
  }

  /** The first row of a query that reads, or null. */
  async first(sql: string, ...values: SqlValue[]): Promise<SqlRow | null> {
    return (await this.all(sql, ...values))[0] ?? null;
  }

  /**
   * Does `work` in one transaction (READ COMMITTED). After it returned, everything is committed; if it
   * threw, nothing was written.
   *
   * Work is done again from its beginning after a deadlock or serialization failure, a few times, and
   * when the connection broke before the commit was asked for. When it broke at the commit, the server
   * is asked what became of the transaction.
   *
   * @param verb what is attempted, for messages: "import datasets into"
   * @throws {EnvironmentError} if it can't be done now.
   * @throws {RefusedError} if the connection is read-only.
   */
  transaction<T>(
    verb: string,
    work: (session: Session) => Promise<T>,
    options: TransactionOptions = {},
  ): Promise<T> {
    if (!this.isWriteable) {
      return Promise.reject(
        new RefusedError(`Cannot ${verb} registry "${this.name}": it was opened read-only`),
      );
    }
    return this.#exclusive(async () => {
      const pause = new Pause(this.#options.retryMs);
      for (let nRetries = 0;;) {
        try {
          return await this.#attempt(verb, work);
        } catch (error) {
          if (isConnectionLost(error)) {
            if (await pause.wait()) continue;
          } else if (isSerializationFailure(error) || options.retries?.(error) === true) {
            if (nRetries++ < MAX_SERIALIZATION_RETRIES) {
              // Not in step with the other one.
              await sleep(FIRST_PAUSE_MS * Math.random() * nRetries);
              continue;
            }
          } else if (options.explain !== undefined) {
            throw await this.#explained(verb, error, options.explain);
          }
          throw translatePostgresError(error, this.#settings, verb);
        }
      }
    });
  }

  async *ids({ table, column, where, values }: IdQuery): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    yield await this.read("read", async (session) => {
      let packed = new Uint8Array(1024 * UUID_SIZE);
      let end = 0;
      const sql = `SELECT ${column} FROM ${this.dialect.table(table)} WHERE ${where} ` +
        `ORDER BY ${column}`;
      await session.each(sql, values, ([id]) => {
        if (end === packed.length) {
          const larger = new Uint8Array(packed.length * 2);
          larger.set(packed);
          packed = larger;
        }
        packDatasetId(id as string, packed, end, this.name);
        end += UUID_SIZE;
      });
      return packed.slice(0, end);
    });
  }

  async *pathsBelow(recordsTable: string, directory: string): AsyncGenerator<string[]> {
    yield await this.read("read", async (session) => {
      const paths: string[] = [];
      await session.each(
        `SELECT path FROM ${this.dialect.table(recordsTable)} WHERE ` +
          this.dialect.startsWith("path", 1),
        this.dialect.prefix(`${directory}/`),
        ([path]) => void paths.push(String(path)),
      );
      return paths;
    });
  }

  /** The server looks in every tags table, which only its superuser could switch off. */
  removal<T>(
    verb: string,
    work: (session: Session, removesAssociations: boolean) => Promise<T>,
  ): Promise<T> {
    return this.transaction(verb, (session) => work(session, false));
  }

  async #attempt<T>(
    verb: string,
    work: (session: Session) => Promise<T>,
  ): Promise<T> {
    const link = await this.#connected();
    let result: T;
    let transactionId: string;
    try {
      transactionId = await this.#begin(link);
      result = await work(this.#session(link, false));
    } catch (error) {
      await this.#rollBack(link);
      throw error;
    }
    try {
      const { command } = await link.script("COMMIT");
      if (command !== "COMMIT") throw new Error(`the server answered ${command} to COMMIT`);
    } catch (error) {
      if (!isConnectionLost(error)) {
        await this.#rollBack(link);
        throw error;
      }
      if (!await this.#wasCommitted(transactionId, verb, error)) throw error;
    }
    return result;
  }

  /**
   * Begins a transaction; gives its id. Settings are those of the transaction alone: what the
   * reference sets for the session would stay with a pooled connection.
   */
  async #begin(link: PostgresLink): Promise<string> {
    const { rows } = await link.script(
      "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL TIME ZONE 0; " +
        `SET LOCAL lock_timeout = ${Math.max(1, Math.round(this.#options.lockTimeoutMs))}; ` +
        "SELECT txid_current()",
    );
    return String(rows[0][0]);
  }

  async #rollBack(link: PostgresLink): Promise<void> {
    if (link.isDead) return;
    try {
      await link.script("ROLLBACK");
    } catch {
      // The first error is the one to tell; closing the connection rolls back as well.
      await this.#drop(link);
    }
  }

  /** Asks a new connection what became of a transaction whose commit was not answered. */
  async #wasCommitted(id: string, verb: string, cause: unknown): Promise<boolean> {
    const pause = new Pause(this.#options.retryMs);
    for (;;) {
      let state: string | null = null;
      try {
        const { rows } = await (await this.#connected())
          .query("SELECT txid_status($1::text::bigint)", [id]);
        state = rows[0][0] as string | null;
      } catch (error) {
        if (!isConnectionLost(error)) throw error;
      }
      if (state === "committed") return true;
      if (state === "aborted") return false;
      // In progress: the server has not noticed yet that we are gone.
      if (!await pause.wait()) break;
    }
    throw new EnvironmentError(
      `Cannot ${verb} registry "${this.name}": the connection broke at the commit, and whether ` +
        "that took place can't be told",
      { cause, hint: "Run the same command again: it finds out what is there" },
    );
  }

  async #explained(
    verb: string,
    error: unknown,
    explain: NonNullable<TransactionOptions["explain"]>,
  ): Promise<unknown> {
    try {
      const explained = await explain(error, this.#session(await this.#connected(), true));
      return translatePostgresError(explained, this.#settings, verb);
    } catch {
      // Without the explanation, the error itself must do.
      return translatePostgresError(error, this.#settings, verb);
    }
  }

  /** @param isReading Whether a statement that waits for a lock is given up by us, not by the server. */
  #session(link: PostgresLink, isReading: boolean): Session {
    const query = (sql: string, values: readonly SqlValue[], onRow?: (row: SqlRow) => void) =>
      this.#patience.watch(link, isReading, link.query(sql, values, onRow));
    return {
      all: async (sql, ...values) => (await query(sql, values)).rows,
      first: async (sql, ...values) => (await query(sql, values)).rows[0] ?? null,
      run: async (sql, ...values) => (await query(sql, values)).count,
      each: async (sql, values, onRow) => {
        await query(sql, values, onRow);
      },
    };
  }

  async #connected(): Promise<PostgresLink> {
    if (this.#isClosed) throw new Error("the registry was closed");
    if (this.#link !== null && this.#link.isDead) await this.#drop(this.#link);
    return this.#link ??= await PostgresLink.open(this.#settings);
  }

  async #drop(link: PostgresLink): Promise<void> {
    if (this.#link === link) this.#link = null;
    await link.close();
  }

  /** One thing at a time, in the order of the calls. */
  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work, work);
    this.#last = done.catch(() => {});
    return done;
  }

  /** Closes the connection when what is under way is done. */
  close(): Promise<void> {
    return this.#exclusive(async () => {
      this.#isClosed = true;
      if (this.#link !== null) await this.#drop(this.#link);
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Growing pauses until a time has passed. */
class Pause {
  readonly #endMs: number;
  #nextMs = FIRST_PAUSE_MS;

  constructor(budgetMs: number) {
    this.#endMs = performance.now() + budgetMs;
  }

  /** Waits; false, at once, if the time has passed. */
  async wait(): Promise<boolean> {
    const leftMs = this.#endMs - performance.now();
    if (leftMs <= 0) return false;
    await sleep(Math.min(this.#nextMs, leftMs));
    this.#nextMs = Math.min(this.#nextMs * 2, LONGEST_PAUSE_MS);
    return true;
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
