/**
 * Values of data IDs as databases give and take them.
 *
 * @module
 */

import type { DimensionUniverse } from "../dimensions/dimensions.ts";
import type { SqlRow } from "./session.ts";
import type { ColumnType } from "./tables/column_type.ts";
import type { DataIdValue } from "../dimensions/data_id_value.ts";

/** An integer of 64 bits, which may come as text: `bigint` only beyond 2^53. */
export function toInteger(value: SqlRow[number]): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : BigInt(value as string | bigint);
}

/** Type of the values of a dimension, as casts name it. */
export function dimensionType(universe: DimensionUniverse, dimension: string): ColumnType {
  return universe.keyType(dimension).type === "int" ? "bigint" : "text";
}

/** A value of a data ID from a row. */
export function toDataIdValue(
  universe: DimensionUniverse,
  dimension: string,
  value: SqlRow[number],
): DataIdValue {
  return dimensionType(universe, dimension) === "bigint" ? toInteger(value) : String(value);
}

/** Whether a value can be one of a dimension's; others would be errors of a server's parser. */
export function isPossibleValue(
  universe: DimensionUniverse,
  dimension: string,
  value: DataIdValue,
): boolean {
  if (dimensionType(universe, dimension) === "text") return !String(value).includes("\0");
  if (!/^[+-]?\d{1,19}$/.test(String(value))) return false;
  return BigInt.asIntN(64, BigInt(value)) === BigInt(value);
}
