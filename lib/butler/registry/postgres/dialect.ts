/**
 * What PostgreSQL says in its own way.
 *
 * @module
 */

import { quoteIdentifier } from "../tables/ddl.ts";
import type { Dialect } from "../session.ts";
import { plainArray, textArray } from "./arrays.ts";
import { postgresColumnNames, postgresTableStatements, sequenceName } from "./ddl.ts";
import { isDuplicateTable, isRowRefused, serverMessage } from "./errors.ts";

/**
 * The dialect for the tables of one schema. Many values are arrays: a batch is a dozen statements,
 * whatever its size.
 */
export function postgresDialect(namespace: string): Dialect {
  const table = (name: string) => `${quoteIdentifier(namespace)}.${quoteIdentifier(name)}`;
  return {
    // Bounds the text of a statement (a few MB), not the batch.
    maxRows: 20_000,
    locksRows: true,
    table,
    noIndex: (expression) => expression,
    nextKey: (name, column) =>
      `nextval('${table(sequenceName(name, column)).replaceAll("'", "''")}'::regclass)`,
    isIn: (expression, n, type) => `${expression} = ANY($${n}::${type}[])`,
    list: (type, values) => type === "text" ? textArray(values.map(String)) : plainArray(values),
    startsWith: (expression, n) => `starts_with(${expression}, $${n}::text)`,
    prefix: (text) => [text],
    rows: (columns, n) => ({
      sql: `unnest(${columns.map(({ type }, i) => `$${n + i}::${type}[]`).join(", ")}) AS u (` +
        `${columns.map(({ name }) => name).join(", ")})`,
      values: columns.map(({ type, values }) =>
        type === "text" ? textArray(values.map(String)) : plainArray(values)
      ),
    }),
    tableStatements: (plan) => postgresTableStatements(plan, namespace),
    columnNames: postgresColumnNames,
    readColumns: async (session, tables) => {
      const columns = new Map<string, string[]>();
      await session.each(
        "SELECT c.relname, a.attname FROM pg_catalog.pg_class c " +
          "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace " +
          "JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid " +
          "WHERE n.nspname = $1::text AND c.relname = ANY($2::text[]) " +
          "AND c.relkind IN ('r', 'p', 'v') AND a.attnum > 0 AND NOT a.attisdropped " +
          "ORDER BY c.relname, a.attnum",
        [namespace, textArray(tables)],
        ([name, column]) => {
          const names = columns.get(String(name));
          if (names === undefined) columns.set(String(name), [String(column)]);
          else names.push(String(column));
        },
      );
      return columns;
    },
    isIntegerColumn: async (session, name, column) => {
      const type = await session.first(
        "SELECT a.atttypid::regtype::text FROM pg_catalog.pg_attribute a " +
          "WHERE a.attrelid = to_regclass($1::text) AND a.attname = $2::text AND a.attnum > 0 " +
          "AND NOT a.attisdropped",
        table(name),
        column,
      );
      return type === null ? null : type[0] === "bigint";
    },
    lockTables: async (session, tables) => {
      for (const name of tables) {
        await session.run(`LOCK TABLE ${table(name)} IN EXCLUSIVE MODE`);
      }
    },
    isRowRefused,
    isDuplicateTable,
    errorText: serverMessage,
  };
}
