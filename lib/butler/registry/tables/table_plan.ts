/**
 * Plans of tables: columns, keys and indexes in logical types.
 *
 * @module
 */

/** Logical type of a column; dialects differ in what they make of it. */
export type ColumnType =
  | { kind: "autoincrement" }
  | { kind: "int64" }
  | { kind: "string"; length?: number }
  | { kind: "uuid" }
  | { kind: "timespan" };

/** One logical column; a timespan may become two in the database. */
export interface ColumnPlan {
  name: string;
  type: ColumnType;
  isNullable?: boolean;
}

/** A reference to rows of another table. */
export interface ForeignKeyPlan {
  columns: readonly string[];
  target: string;
  targetColumns: readonly string[];
  onDelete?: "CASCADE";
}

/** Everything about one table, in the order in which the reference writes it. */
export interface TablePlan {
  name: string;
  columns: readonly ColumnPlan[];
  primaryKey: readonly string[];
  unique: readonly (readonly string[])[];
  foreignKeys: readonly ForeignKeyPlan[];
  indexes: readonly (readonly string[])[];
}
