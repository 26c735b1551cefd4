/**
 * What the values of a column are.
 *
 * @module
 */

/** What a column holds. Ids have 16 bytes; times are microseconds since 1970 UTC. */
export type TableType = "id" | "string" | "int32" | "int64" | "double" | "time";
