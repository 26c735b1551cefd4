/**
 * Which tables `export` makes, and in which formats: for whoever only wants to know that.
 *
 * @module
 */

/** Names of the tables. */
export const EXPORT_TABLES = ["quanta", "attempts", "datasets", "edges", "resources"] as const;

/** One of {@linkcode EXPORT_TABLES}. */
export type ExportTable = typeof EXPORT_TABLES[number];

/** Formats of tables; each is also the end of its files' names. */
export const EXPORT_FORMATS = ["parquet", "csv", "ecsv", "ndjson"] as const;

/** One of {@linkcode EXPORT_FORMATS}. */
export type ExportFormat = typeof EXPORT_FORMATS[number];
