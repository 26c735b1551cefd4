/**
 * Types of the columns that statements name.
 *
 * @module
 */

/** Types of the columns of rows, as casts name them. */
export type ColumnType = "uuid" | "bigint" | "text";
