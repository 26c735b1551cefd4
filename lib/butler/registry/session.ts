/**
 * What a registry asks of a database: statements, transactions, and the few things that SQLite and
 * PostgreSQL say differently. Everything above it is written once.
 *
 * Statements are written as PostgreSQL has them, with numbered parameters and casts
 * (`$1::bigint`); SQLite's session leaves the casts out.
 *
 * @module
 */

import type { ColumnType } from "./tables/column_type.ts";
import type { TablePlan } from "./tables/table_plan.ts";

/** A parameter of a statement. */
export type SqlValue = string | number | bigint | null;

/** A row, in the order of the columns. Integers may be numbers, `bigint` or text: use `Number()`. */
export type SqlRow = (string | number | bigint | boolean | null)[];

/** Statements on one connection. Errors are the database's own. */
export interface Session {
  /** All rows of a query. */
  all(sql: string, ...values: SqlValue[]): Promise<SqlRow[]>;
  /** The first row of a query, or null. */
  first(sql: string, ...values: SqlValue[]): Promise<SqlRow | null>;
  /** Runs a statement; gives the number of rows changed. */
  run(sql: string, ...values: SqlValue[]): Promise<number>;
  /** Rows of a query as they come. */
  each(sql: string, values: readonly SqlValue[], onRow: (row: SqlRow) => void): Promise<void>;
}

/** One column of rows that are handed to a statement together. */
export interface RowColumn {
  name: string;
  type: ColumnType;
  /** UUIDs as 32 digits. */
  values: readonly (string | number | bigint)[];
  /**
   * Whether the values are one whole number, of which there are few altogether: a statement may name it, and
   * is kept prepared for each.
   */
  isConstant?: boolean;
}

/** Rows as an item of FROM, named `u`, with the parameters that it takes. */
export interface Rows {
  sql: string;
  values: SqlValue[];
}

/** Where the IDs of some datasets stand. */
export interface IdQuery {
  /** Unquoted. */
  table: string;
  column: string;
  /** A condition with parameters from `$1` on. */
  where: string;
  values: readonly SqlValue[];
}

/** What databases say differently. */
export interface Dialect {
  /** Rows that one statement takes at most. */
  readonly maxRows: number;
  /** Whether rows are locked one by one; else a transaction has the whole database for itself. */
  readonly locksRows: boolean;
  /** A table as statements name it. */
  table(name: string): string;
  /** An expression that no index is looked for with, where the planner would take the wrong one. */
  noIndex(expression: string): string;
  /** Value of an integer key in an INSERT that makes one. */
  nextKey(table: string, column: string): string;
  /** The condition that an expression is in a {@linkcode list}, which is parameter `$n`. */
  isIn(expression: string, n: number, type: ColumnType): string;
  /** Many values as one parameter. */
  list(type: ColumnType, values: readonly (string | number | bigint)[]): SqlValue;
  /** The condition that a text begins with a {@linkcode prefix}, parameters `$n` and those behind it. */
  startsWith(expression: string, n: number): string;
  /** Parameters of {@linkcode startsWith}. The prefix ends in a slash. */
  prefix(text: string): SqlValue[];
  /** Rows to select from; their parameters are `$n` and those behind it. */
  rows(columns: readonly RowColumn[], n: number): Rows;
  /** Statements that make a table with its indexes, as the reference makes it. */
  tableStatements(plan: TablePlan): string[];
  /** Names of the columns that a planned table has. */
  columnNames(plan: TablePlan): string[];
  /** Names of the columns of tables, by table; tables that aren't there are left out. */
  readColumns(session: Session, tables: readonly string[]): Promise<Map<string, string[]>>;
  /** Whether a column of a table has integers; null if there is no such column. */
  isIntegerColumn(session: Session, table: string, column: string): Promise<boolean | null>;
  /** Keeps everybody else from changing tables until the transaction ends. */
  lockTables(session: Session, tables: readonly string[]): Promise<void>;
  /** Whether an error says that a row was refused. */
  isRowRefused(error: unknown): boolean;
  /** Whether an error says that somebody else made the same table at the same time. */
  isDuplicateTable(error: unknown): boolean;
  /** What an error of the database says, in one line. */
  errorText(error: unknown): string;
}

/** Options of {@linkcode Connection.transaction}. */
export interface TransactionOptions {
  /**
   * Words an error after the rollback, with a look at the database; gives what is to be thrown. Not
   * called for errors that are tried again.
   */
  explain?: (error: unknown, session: Session) => Promise<unknown>;
  /** More errors after which the transaction is tried again, as after a deadlock. */
  retries?: (error: unknown) => boolean;
}

/** A connection to the database of one registry. One thing at a time, in the order of the calls. */
export interface Connection {
  /** How messages name the registry. */
  readonly name: string;
  readonly isWriteable: boolean;
  readonly dialect: Dialect;
  /**
   * Does `work`, which only reads; each statement sees what was committed before it. It is done again
   * from its beginning when a lock or a broken connection was in its way.
   *
   * @param verb what is attempted, for messages
   */
  read<T>(verb: string, work: (session: Session) => Promise<T>): Promise<T>;
  /**
   * Does `work` in one transaction. After it returned, everything is committed; if it threw, nothing was
   * written.
   *
   * @param verb what is attempted, for messages: "import datasets into"
   * @throws {EnvironmentError} if it can't be done now.
   * @throws {RefusedError} if the connection is read-only.
   */
  transaction<T>(
    verb: string,
    work: (session: Session) => Promise<T>,
    options?: TransactionOptions,
  ): Promise<T>;
  /** Paths of the datastore's records that begin with a directory, some thousand at a time. */
  pathsBelow(recordsTable: string, directory: string): AsyncIterable<string[]>;
  /** IDs that a query finds, packed, some ten thousand at a time; nothing is locked in between. */
  ids(query: IdQuery): AsyncIterable<Uint8Array<ArrayBuffer>>;
  /**
   * Does `work` in a transaction that removes rows of `dataset` and whatever refers to them.
   *
   * @param work told whether it has to remove the rows of tags and calibs tables itself
   */
  removal<T>(
    verb: string,
    work: (session: Session, removesAssociations: boolean) => Promise<T>,
  ): Promise<T>;
  /** Closes the connection when what is under way is done. */
  close(): Promise<void>;
}
