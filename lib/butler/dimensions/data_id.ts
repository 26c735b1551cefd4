/**
 * Data IDs as flat lists of values: those of the required dimensions, then those of the implied ones,
 * both in universe order.
 *
 * @module
 */

import { RefusedError } from "../../base/errors.ts";
import type { JsonValue } from "../../base/json_text.ts";
import type { DataIdValue } from "./data_id_value.ts";
import type { DimensionUniverse } from "./dimensions.ts";
import type { DimensionGroup } from "./dimension_group.ts";

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/**
 * Checks a graph's `data_coordinate` (required values, then implied ones) against a group and
 * returns it in the same order.
 *
 * @param what the quantum or dataset it belongs to, for error messages; a function is called only then
 * @throws {RefusedError} if the number of values is wrong, or a value has the wrong type, is an
 *   empty string, holds a NUL character, or is no 64-bit integer.
 *
 * Source: quantum graph notes, section 6.1.
 */
export function dataIdFromCoordinate(
  group: DimensionGroup,
  universe: DimensionUniverse,
  values: readonly JsonValue[],
  what: string | (() => string),
): DataIdValue[] {
  const nRequired = group.required.length;
  const nValues = nRequired + group.implied.length;
  const owner = () => typeof what === "string" ? what : what();
  if (values.length !== nValues) {
    throw new RefusedError(
      `Cannot use data ID of ${owner()}: it has ${values.length} values, expected ${nValues} ` +
        `for {${group.names.join(", ")}}`,
    );
  }
  const result: DataIdValue[] = new Array(nValues);
  for (let i = 0; i < nValues; i++) {
    const dimension = i < nRequired ? group.required[i] : group.implied[i - nRequired];
    const value = values[i];
    if (!isDataIdValue(value, universe.keyType(dimension).type)) {
      throw new RefusedError(
        `Cannot use data ID of ${owner()}: ${dimension} is ${describe(value)}, expected ` +
          (universe.keyType(dimension).type === "int" ? "an integer" : "a string"),
      );
    }
    result[i] = value;
  }
  return result;
}

function isDataIdValue(value: JsonValue, type: "int" | "string"): value is DataIdValue {
  if (type === "string") {
    return typeof value === "string" && value !== "" && !value.includes("\0");
  }
  if (typeof value === "bigint") return value >= INT64_MIN && value <= INT64_MAX;
  return Number.isSafeInteger(value);
}

function describe(value: JsonValue): string {
  if (typeof value === "string") return `string "${value.slice(0, 80)}"`;
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" && value !== null ? "an object" : String(value);
}

/**
 * A data ID as the butler prints it: `{instrument: 'Cam1', detector: 1}`.
 *
 * @param values required values, or required and implied ones
 */
export function formatDataId(group: DimensionGroup, values: readonly DataIdValue[]): string {
  const names = [...group.required, ...group.implied];
  const terms = values.map((value, i) =>
    `${names[i]}: ${typeof value === "string" ? quote(value) : value}`
  );
  return `{${terms.join(", ")}}`;
}

/** A string as Python's `repr` writes it, for the characters that occur in data IDs. */
function quote(text: string): string {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  let escaped = "";
  for (const c of text) {
    const code = c.codePointAt(0)!;
    if (c === "\\" || c === mark) escaped += `\\${c}`;
    else if (c === "\n") escaped += "\\n";
    else if (c === "\r") escaped += "\\r";
    else if (c === "\t") escaped += "\\t";
    else if (code < 0x20 || (code >= 0x7f && code <= 0xa0)) {
      escaped += `\\x${code.toString(16).padStart(2, "0")}`;
    } else escaped += c;
  }
  return mark + escaped + mark;
}
