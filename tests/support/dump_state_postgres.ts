/**
 * Canonical description of a repository whose registry is in PostgreSQL: the rows are made to look like
 * those of SQLite, the rest is the same. Our own reading, independent of the tool's client.
 *
 * @module
 */

import type { SQLOutputValue } from "node:sqlite";
import {
  describeState,
  type DumpStateOptions,
  type RawRow,
  type RepositoryState,
} from "./dump_state.ts";
import { NAMESPACE } from "./postgres_fixtures.ts";
import type { PostgresServer } from "./postgres_server.ts";

/** Every row of every table as text, with the types of the columns. */
async function readTables(
  server: PostgresServer,
  database: string,
  namespace: string,
): Promise<Map<string, RawRow[]>> {
  const client = server.client(database);
  try {
    const columns = await client.unsafe(
      "SELECT c.relname, a.attname, a.atttypid::regtype::text AS type FROM pg_class c " +
        "JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relkind = 'r' AND a.attnum > 0 AND " +
        `NOT a.attisdropped AND c.relnamespace = '"${namespace}"'::regnamespace ` +
        "ORDER BY c.relname, a.attnum",
    );
    const types = new Map<string, Map<string, string>>();
    for (const { relname, attname, type } of columns) {
      if (!types.has(relname)) types.set(relname, new Map());
      types.get(relname)!.set(attname, type);
    }
    const tables = new Map<string, RawRow[]>();
    for (const [table, typeByColumn] of types) {
      const list = [...typeByColumn.keys()].map((name) => `"${name}"::text`).join(", ");
      const rows = await client.unsafe(`SELECT ${list} FROM "${namespace}"."${table}"`).values();
      tables.set(table, rows.map((row) => rawRow(row as (string | null)[], typeByColumn)));
    }
    return tables;
  } finally {
    await client.end({ timeout: 5 });
  }
}

function rawRow(values: readonly (string | null)[], types: ReadonlyMap<string, string>): RawRow {
  const row: RawRow = {};
  let i = 0;
  for (const [column, type] of types) {
    const value = values[i++];
    if (type === "int8range") Object.assign(row, timespan(column, value));
    else row[column] = rawValue(value, type);
  }
  return row;
}

function rawValue(value: string | null, type: string): SQLOutputValue {
  if (value === null) return null;
  switch (type) {
    case "bigint":
    case "integer":
    case "smallint":
      return BigInt(value);
    case "double precision":
      return Number(value);
    case "boolean":
      return value === "true" ? 1n : 0n;
    default:
      return value;
  }
}

/** A range as SQLite has it, in two columns. */
function timespan(column: string, value: string | null): RawRow {
  const bound = (text: string) => text === "" ? null : BigInt(text);
  const [, begin, end] = /^[[(](-?\d*),(-?\d*)\)$/.exec(value ?? "") ?? [];
  return {
    [`${column}_begin`]: begin === undefined ? null : bound(begin) ?? 0n,
    [`${column}_end`]: end === undefined ? null : bound(end) ?? 4102444800000000000n,
  };
}

/** Describes a repository by its tables in a database and the files below its datastore's root. */
export async function dumpStatePostgres(
  server: PostgresServer,
  database: string,
  root: string,
  options: DumpStateOptions & { namespace?: string } = {},
): Promise<RepositoryState> {
  const tables = await readTables(server, database, options.namespace ?? NAMESPACE);
  return describeState(tables, root, options);
}
