/**
 * What SQLite says in its own way.
 *
 * @module
 */

import type { Dialect, RowColumn } from "../session.ts";
import type { ColumnType } from "../tables/column_type.ts";
import { sqliteColumnNames, sqliteTableStatements } from "./ddl.ts";
import { constraintKind } from "./errors.ts";
import { quoteIdentifier } from "../tables/ddl.ts";

/**
 * The dialect. Many values are one JSON text that SQLite takes apart: binding them one by one costs more
 * than inserting them.
 */
export const SQLITE_DIALECT: Dialect = {
  // The text of a statement stays small, and so does what is kept to undo it, should it fail.
  maxRows: 1000,
  locksRows: false,
  table: quoteIdentifier,
  noIndex: (expression) => `+${expression}`,
  nextKey: () => "NULL",
  isIn: (expression, n) => `${expression} IN (SELECT value FROM json_each($${n}))`,
  list: (type, values) => `[${values.map((value) => jsonValue(type, value)).join()}]`,
  startsWith: (expression, n) => `${expression} >= $${n} AND ${expression} < $${n + 1}`,
  // The character behind the slash ends the range: texts are compared byte by byte.
  prefix: (text) => [text, text.replace(/\/$/, "0")],
  rows,
  tableStatements: sqliteTableStatements,
  columnNames: sqliteColumnNames,
  readColumns: async (session, tables) => {
    const columns = new Map<string, string[]>();
    for (const table of tables) {
      const found = await session.all("SELECT name FROM pragma_table_info($1) ORDER BY cid", table);
      if (found.length > 0) columns.set(table, found.map(([name]) => String(name)));
    }
    return columns;
  },
  isIntegerColumn: async (session, table, column) => {
    const row = await session.first(
      "SELECT type FROM pragma_table_info($1) WHERE name = $2",
      table,
      column,
    );
    return row === null ? null : /INT/i.test(String(row[0]));
  },
  // A transaction has the whole database for itself.
  lockTables: () => Promise.resolve(),
  isRowRefused: (error) => constraintKind(error) !== null,
  isDuplicateTable: () => false,
  errorText: (error) => error instanceof Error ? error.message : String(error),
};

/**
 * Rows as one JSON text, without constants, which stand in the statement: to take a member out of the JSON of
 * a row costs a third of inserting it.
 */
function rows(columns: readonly RowColumn[], n: number): { sql: string; values: string[] } {
  const nRows = columns[0].values.length;
  const given = columns.filter(({ isConstant = false }, i) => i === 0 || !isConstant);
  const isOne = given.length === 1;
  const list = columns.map((column) => {
    const i = given.indexOf(column);
    if (i < 0) return `${column.values[0]} AS ${column.name}`;
    return `${isOne ? "value" : `value ->> ${i}`} AS ${column.name}`;
  });
  const texts: string[] = [];
  for (let row = 0; row < nRows; row++) {
    let text = "";
    for (const { type, values } of given) {
      text += (text === "" ? "" : ",") + jsonValue(type, values[row]);
    }
    texts.push(isOne ? text : `[${text}]`);
  }
  return {
    sql: `(SELECT ${list.join(", ")} FROM json_each($${n})) AS u`,
    values: [`[${texts.join()}]`],
  };
}

/** Half a surrogate pair becomes U+FFFD, as it does when it is bound. */
function jsonValue(type: ColumnType, value: string | number | bigint): string {
  if (type === "bigint") return String(value);
  return type === "uuid" ? `"${value}"` : JSON.stringify(String(value).toWellFormed());
}
