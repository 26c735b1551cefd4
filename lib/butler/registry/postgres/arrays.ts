/**
 * Many values as one parameter: array literals of PostgreSQL.
 *
 * @module
 */

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
