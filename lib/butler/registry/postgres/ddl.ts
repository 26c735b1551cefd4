/**
 * Table plans as PostgreSQL statements, which make the tables that the reference makes, with the same
 * names of constraints and indexes.
 *
 * @module
 */

import { blake2b } from "@noble/hashes/blake2.js";
import { quoteIdentifier } from "../tables/ddl.ts";
import type { ColumnPlan, TablePlan } from "../tables/table_plan.ts";

/** Longest string that is declared with its length; longer ones are TEXT. */
const MAX_DECLARED_LENGTH = 32;
/** Longest name that the server keeps whole, and what is kept of longer ones beside their hash. */
const MAX_NAME_LENGTH = 63;
const SHRUNK_PREFIX_LENGTH = 54;
const HASH_SIZE = 4;

/**
 * A name as PostgreSQL registries have it: those longer than 63 characters end in a hash.
 *
 * Source: `schema/butler-repository.md`, section 2.1.
 */
function shrinkName(name: string): string {
  if (name.length <= MAX_NAME_LENGTH) return name;
  // The digest's length goes into the hash: this is no shortened longer digest.
  const hash = blake2b(new TextEncoder().encode(name), { dkLen: HASH_SIZE });
  const hex = Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${name.slice(0, SHRUNK_PREFIX_LENGTH)}_${hex}`;
}

/** Name of the sequence that gives the values of an autoincrement column. */
export function sequenceName(table: string, column: string): string {
  return shrinkName(`${table}_seq_${column}`);
}

/** Names of the columns that a plan has in PostgreSQL. */
export function postgresColumnNames(plan: TablePlan): string[] {
  return plan.columns.map(({ name }) => name);
}

/**
 * The statements that make a table: sequences, CREATE TABLE, then one CREATE INDEX each for the plan's
 * indexes and for foreign keys that nothing else indexes.
 *
 * @param namespace schema of the table and of all that it refers to
 *
 * Source: `schema/butler-repository.md`, sections 2.1 and 2.4.
 */
export function postgresTableStatements(plan: TablePlan, namespace: string): string[] {
  const table = plan.name;
  const qualified = (name: string) => `${quoteIdentifier(namespace)}.${quoteIdentifier(name)}`;
  const constraint = (...parts: string[]) => quoteIdentifier(shrinkName(parts.join("_")));
  const list = (names: readonly string[]) => names.map(quoteIdentifier).join(", ");

  const lines = plan.columns.map(columnLine);
  lines.push(`PRIMARY KEY (${list(plan.primaryKey)})`);
  for (const columns of plan.unique) {
    lines.push(`CONSTRAINT ${constraint(table, "unq", ...columns)} UNIQUE (${list(columns)})`);
  }
  for (const { columns, target, targetColumns, onDelete } of plan.foreignKeys) {
    lines.push(
      `CONSTRAINT ${constraint("fkey", table, target, ...targetColumns, ...columns)} ` +
        `FOREIGN KEY (${list(columns)}) REFERENCES ${qualified(target)} (${list(targetColumns)})` +
        (onDelete === undefined ? "" : ` ON DELETE ${onDelete}`),
    );
  }
  const statements = plan.columns.filter(({ type }) => type.kind === "autoincrement")
    .map(({ name }) => `CREATE SEQUENCE ${qualified(sequenceName(table, name))}`);
  statements.push(`CREATE TABLE ${qualified(table)} (${lines.join(", ")})`);

  // Foreign keys compare as tuples: (a, b) does not serve for (b, a).
  const indexed = new Set([plan.primaryKey, ...plan.unique].map((columns) => columns.join()));
  const createIndex = (kind: string, columns: readonly string[]) => {
    if (indexed.has(columns.join())) return;
    indexed.add(columns.join());
    statements.push(
      `CREATE INDEX ${constraint(table, kind, ...columns)} ON ${qualified(table)} (${
        list(columns)
      })`,
    );
  };
  for (const columns of plan.indexes) createIndex("idx", columns);
  for (const { columns } of plan.foreignKeys) createIndex("fkidx", columns);
  return statements;
}

function columnLine({ name, type, isNullable }: ColumnPlan): string {
  const suffix = isNullable ? "" : " NOT NULL";
  const quoted = quoteIdentifier(name);
  switch (type.kind) {
    // Without default: the client asks the sequence.
    case "autoincrement":
    case "int64":
      return `${quoted} BIGINT${suffix}`;
    case "uuid":
      return `${quoted} UUID${suffix}`;
    case "string": {
      const isDeclared = type.length !== undefined && type.length <= MAX_DECLARED_LENGTH;
      return `${quoted} ${isDeclared ? `VARCHAR(${type.length})` : "TEXT"}${suffix}`;
    }
    case "timespan":
      return `${quoted} INT8RANGE DEFAULT '(,)'::int8range${suffix}`;
  }
}
