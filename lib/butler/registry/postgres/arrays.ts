/**
 * Many values as one parameter: array literals of PostgreSQL, and columns of a batch made of them.
 *
 * @module
 */

import type { DataIdValue } from "../../dimensions/data_id.ts";
import { hexIdsOf, type SortedBatch } from "../dataset_batch.ts";
import type { DimensionGroup, DimensionUniverse } from "../../dimensions/dimensions.ts";
import { quoteIdentifier } from "../ddl.ts";
import type { PgRow } from "./link.ts";

/** An array of numbers, or of UUIDs: elements that need no quotes. */
export function plainArray(values: readonly (string | number | bigint)[]): string {
  return `{${values.join(",")}}`;
}

/** An array of text. Source: PostgreSQL manual, "Array Input and Output Syntax". */
export function textArray(values: readonly (string | null)[]): string {
  const elements = values.map((value) =>
    value === null ? "NULL" : `"${/["\\]/.test(value) ? value.replace(/["\\]/g, "\\$&") : value}"`
  );
  return `{${elements.join(",")}}`;
}

/** Packed dataset IDs as an array. */
export function packedIdArray(ids: Uint8Array): string {
  return plainArray(hexIdsOf(ids));
}

/** Some rows' values of the required dimensions, ready to be joined or inserted. */
export interface DimensionColumns {
  /** Array literals, one for each dimension. */
  arrays: string[];
  /** Types of the arrays, as casts name them: `bigint[]` or `text[]`. */
  casts: string[];
  /** Quoted names of the dimensions. */
  names: string[];
}

/** Takes the data IDs of rows apart; all rows are of types with this group. */
export function dimensionColumns(
  universe: DimensionUniverse,
  group: DimensionGroup,
  sorted: SortedBatch,
  rows: readonly number[] | Uint32Array,
): DimensionColumns {
  const arrays: string[] = [];
  const casts: string[] = [];
  group.required.forEach((name, position) => {
    const values = Array.from(rows, (row) => sorted.value(row, position));
    const isInteger = universe.keyType(name).type === "int";
    arrays.push(isInteger ? plainArray(values) : textArray(values.map(String)));
    casts.push(isInteger ? "bigint[]" : "text[]");
  });
  return { arrays, casts, names: group.required.map(quoteIdentifier) };
}

/** A value of a data ID from a row: integers are `bigint` only beyond 2^53. */
export function toDataIdValue(
  universe: DimensionUniverse,
  dimension: string,
  value: PgRow[number],
): DataIdValue {
  return universe.keyType(dimension).type === "int" ? toInteger(value) : String(value);
}

/** An integer of 64 bits, which comes as text. */
export function toInteger(value: PgRow[number]): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : BigInt(value as string);
}

/** Whether a value can be one of a dimension's; others would be errors of the server's parser. */
export function isPossibleValue(
  universe: DimensionUniverse,
  dimension: string,
  value: DataIdValue,
): boolean {
  if (universe.keyType(dimension).type !== "int") return !String(value).includes("\0");
  if (!/^[+-]?\d{1,19}$/.test(String(value))) return false;
  return BigInt.asIntN(64, BigInt(value)) === BigInt(value);
}
