/**
 * One connection to a PostgreSQL server, from its first byte to its last. A broken one stays broken:
 * statements of a transaction must never reach another connection, where they would be committed one
 * by one.
 *
 * @module
 */

import type { Socket } from "node:net";
import postgres from "postgres";
import { RepositoryError } from "../../../base/errors.ts";
import { ConnectionLostError, isConnectionLost } from "./errors.ts";
import type { PostgresSettings } from "./postgres_settings.ts";
import { connectSocket } from "./socket.ts";

/** What can be bound. Everything goes as text; the statement casts it (`$1::bigint`). */
type PgValue = string | number | bigint | null;

/** A row as an array, in the order of the columns; integers of 64 bits are text. */
type PgRow = (string | number | boolean | null)[];

/** What a statement came to. */
interface PgResult {
  rows: PgRow[];
  /** Rows written, or returned. */
  count: number;
  /** First words of the statement that the server carried out. */
  command: string;
}

/** How long a connection may take to be ready after its socket is, milliseconds. */
const START_TIMEOUT_MS = 30_000;
const CLOSE_TIMEOUT_SECONDS = 2;

/** The part of the driver's queries that is used here; its own types have no rows as arrays of text. */
interface DriverQuery extends
  Promise<
    PgRow[] & { count: number | null; command: string; state?: { pid: number | null } }
  > {
  values(): DriverQuery;
  forEach(onRow: (row: PgRow) => void): DriverQuery;
}

/** An open connection. One statement at a time. */
export class PostgresLink implements AsyncDisposable {
  readonly #sql: postgres.Sql;
  readonly #end: { isDead: boolean };
  /** The server's process for this connection, as it says; null before the first answer. */
  processId: number | null = null;

  private constructor(sql: postgres.Sql, end: { isDead: boolean }) {
    this.#sql = sql;
    this.#end = end;
  }

  /**
   * Connects and logs in.
   *
   * @throws {Error} of the system, the driver or the server; see `postgres_errors.ts`.
   */
  static async open(settings: PostgresSettings): Promise<PostgresLink> {
    const end = { isDead: false };
    let nSockets = 0;
    const connect = async (): Promise<Socket> => {
      // The driver would connect again, and for ever, if the server hangs up before it is ready.
      if (end.isDead || ++nSockets > 1) throw new ConnectionLostError("the server hung up");
      return await connectSocket(settings);
    };
    const options = {
      // Only for messages; with several hosts the driver would swallow failures of the socket.
      host: [settings.hosts[0].host],
      port: [settings.hosts[0].port],
      user: settings.user,
      // A function, so that the driver doesn't look for a password by itself.
      pass: () => settings.password ?? "",
      database: settings.database,
      connection: {
        application_name: settings.applicationName,
        ...(settings.options === null ? {} : { options: settings.options }),
      },
      socket: connect,
      ssl: false,
      max: 1,
      // Unnamed statements and no catalogue queries: works behind a proxy that pools transactions.
      prepare: false,
      fetch_types: false,
      idle_timeout: undefined,
      connect_timeout: 0,
      // By default the driver closes old connections, also within a transaction it doesn't know of.
      max_lifetime: null,
      keep_alive: 60,
      backoff: () => 0,
      debug: false,
      onnotice: () => {},
      onclose: () => {
        end.isDead = true;
      },
    };
    const link = new PostgresLink(makeClient(options), end);
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      const late = new Promise<never>((_, reject) => {
        const timeoutMs = settings.connectTimeoutMs * settings.hosts.length + START_TIMEOUT_MS;
        timer = setTimeout(
          () => reject(new ConnectionLostError("no answer from the server")),
          timeoutMs,
        );
      });
      await Promise.race([link.script("SELECT 1"), late]);
      return link;
    } catch (error) {
      await link.close();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Whether the connection broke or was closed. */
  get isDead(): boolean {
    return this.#end.isDead;
  }

  /**
   * Runs one statement with values.
   *
   * @param onRow gets each row as it comes; the result then has none
   * @throws {ConnectionLostError} if the connection broke; the statement may have been carried out.
   */
  query(
    sql: string,
    values: readonly PgValue[],
    onRow?: (row: PgRow) => void,
  ): Promise<PgResult> {
    const texts = values.map((value) => value === null ? null : String(value));
    return this.#run(() => {
      const query = this.#sql.unsafe(sql, texts, {
        prepare: false,
        // Without values the driver would choose the protocol of scripts.
        simple: false,
      } as never) as unknown as DriverQuery;
      return onRow === undefined ? query.values() : query.values().forEach(onRow);
    });
  }

  /** Runs several statements without values in one round trip; gives the last one's rows. */
  async script(sql: string): Promise<PgResult> {
    return await this.#run(() =>
      (this.#sql.unsafe(sql, [], { prepare: false }) as unknown as DriverQuery).values()
    );
  }

  async #run(start: () => DriverQuery): Promise<PgResult> {
    if (this.#end.isDead) throw new ConnectionLostError("the connection was closed");
    try {
      const result = await start();
      // Several statements give several results; the driver's is then an array of them.
      const last = (Array.isArray(result[0]) && "command" in result[0]
        ? result[result.length - 1]
        : result) as unknown as typeof result;
      this.processId ??= last.state?.pid ?? null;
      return { rows: [...last], count: last.count ?? last.length, command: last.command };
    } catch (error) {
      if (isConnectionLost(error)) this.#end.isDead = true;
      throw error;
    }
  }

  /** Leaves a statement to itself that is not answered. */
  async abandon(): Promise<void> {
    this.#end.isDead = true;
    await this.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Says goodbye; what was not committed is rolled back by the server. */
  async close(): Promise<void> {
    // The driver would wait for the answer to what it sent over a broken connection.
    const timeout = this.#end.isDead ? 0 : CLOSE_TIMEOUT_SECONDS;
    this.#end.isDead = true;
    await this.#sql.end({ timeout });
  }
}

/** The driver reads one variable that no option overrides, and knows fewer of its values than libpq. */
function makeClient(options: object): postgres.Sql {
  try {
    return postgres(options as postgres.Options<never>);
  } catch (cause) {
    throw new RepositoryError(
      "Cannot connect to PostgreSQL: PGTARGETSESSIONATTRS has a value that is not supported",
      { cause, hint: "Unset it" },
    );
  }
}
