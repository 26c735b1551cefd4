/**
 * Table plans as SQLite statements, letter by letter those of the reference, so that a repository
 * looks the same whichever tool made a table.
 *
 * @module
 */

import { quoteIdentifier } from "../tables/ddl.ts";
import type { ColumnPlan, TablePlan } from "../tables/table_plan.ts";

/** Longest string that is declared with its length and checked; longer ones are TEXT. */
const MAX_CHECKED_LENGTH = 32;

/** Bounds that stand for an unbounded timespan, nanoseconds TAI. */
const TIMESPAN_MIN = "0";
const TIMESPAN_MAX = "4102444800000000000";

/** SQLite's keywords, which the reference quotes as identifiers (all in lower case). */
const KEYWORDS = new Set(
  ("add after all alter analyze and as asc attach autoincrement before begin between by cascade " +
    "case cast check collate column commit conflict constraint create cross current_date " +
    "current_time current_timestamp database default deferrable deferred delete desc detach " +
    "distinct drop each else end escape except exclusive exists explain false fail for foreign " +
    "from full glob group having if ignore immediate in index indexed initially inner insert " +
    "instead intersect into is isnull join key left like limit match natural not notnull null of " +
    "offset on or order outer plan pragma primary query raise references reindex rename replace " +
    "restrict right rollback row select set table temp temporary then to transaction trigger true " +
    "union unique update using vacuum values view virtual when where").split(" "),
);

/** Quotes an identifier only where the reference does: the text of DDL is kept and compared. */
function nameForDdl(name: string): string {
  return /^[a-z_][a-z0-9_$]*$/.test(name) && !KEYWORDS.has(name) ? name : quoteIdentifier(name);
}

/** Names of the columns that a plan has in SQLite. */
export function sqliteColumnNames(plan: TablePlan): string[] {
  return plan.columns.flatMap((column) => expandNames(plan, column.name));
}

/** A logical column's name(s): timespans are two columns. */
function expandNames(plan: TablePlan, name: string): string[] {
  const column = plan.columns.find((column) => column.name === name);
  return column?.type.kind === "timespan" ? [`${name}_begin`, `${name}_end`] : [name];
}

/**
 * The statements that make a table: CREATE TABLE, then one CREATE INDEX each for the plan's
 * indexes and for foreign keys that nothing else indexes.
 *
 * Source: `schema/butler-repository.md`, sections 2.1 and 2.4.
 */
export function sqliteTableStatements(plan: TablePlan): string[] {
  const table = plan.name;
  const list = (names: readonly string[]) => names.map(nameForDdl).join(", ");
  const lines = plan.columns.flatMap(columnLines);
  lines.push(`PRIMARY KEY (${list(plan.primaryKey)})`);
  for (const { name, type } of plan.columns) {
    if (type.kind !== "string" || !isChecked(type.length)) continue;
    const quoted = quoteIdentifier(name);
    lines.push(
      `CONSTRAINT ${nameForDdl(`${table}_len_${name}`)} ` +
        `CHECK (length(${quoted})<=${type.length} AND length(${quoted})>=1)`,
    );
  }
  for (const columns of plan.unique) {
    lines.push(
      `CONSTRAINT ${nameForDdl([table, "unq", ...columns].join("_"))} UNIQUE (${list(columns)})`,
    );
  }
  for (const { columns, target, targetColumns, onDelete } of plan.foreignKeys) {
    const name = ["fkey", table, target, ...targetColumns, ...columns].join("_");
    lines.push(
      `CONSTRAINT ${nameForDdl(name)} FOREIGN KEY(${list(columns)}) ` +
        `REFERENCES ${nameForDdl(target)} (${list(targetColumns)})` +
        (onDelete === undefined ? "" : ` ON DELETE ${onDelete}`),
    );
  }
  const statements = [`CREATE TABLE ${nameForDdl(table)} (\n\t${lines.join(", \n\t")}\n)`];

  // Foreign keys compare as tuples: (a, b) does not serve for (b, a).
  const indexed = new Set([plan.primaryKey, ...plan.unique].map((columns) => columns.join()));
  const createIndex = (prefix: string, columns: readonly string[]) => {
    if (indexed.has(columns.join())) return;
    indexed.add(columns.join());
    statements.push(
      `CREATE INDEX ${nameForDdl([table, prefix, ...columns].join("_"))} ` +
        `ON ${nameForDdl(table)} (${list(columns)})`,
    );
  };
  for (const columns of plan.indexes) {
    createIndex("idx", columns.flatMap((name) => expandNames(plan, name)));
  }
  for (const { columns } of plan.foreignKeys) createIndex("fkidx", columns);
  return statements;
}

function isChecked(length: number | undefined): boolean {
  return length !== undefined && length <= MAX_CHECKED_LENGTH;
}

function columnLines({ name, type, isNullable }: ColumnPlan): string[] {
  const suffix = isNullable ? "" : " NOT NULL";
  switch (type.kind) {
    case "autoincrement":
      return [`${nameForDdl(name)} INTEGER${suffix}`];
    case "int64":
      return [`${nameForDdl(name)} BIGINT${suffix}`];
    case "uuid":
      return [`${nameForDdl(name)} CHAR(32)${suffix}`];
    case "string":
      return [
        `${nameForDdl(name)} ${
          isChecked(type.length) ? `VARCHAR(${type.length})` : "TEXT"
        }${suffix}`,
      ];
    case "timespan":
      return [
        `${nameForDdl(`${name}_begin`)} BIGINT DEFAULT ${TIMESPAN_MIN}${suffix}`,
        `${nameForDdl(`${name}_end`)} BIGINT DEFAULT ${TIMESPAN_MAX}${suffix}`,
      ];
  }
}
