/**
 * Completing data IDs with the values of implied dimensions.
 *
 * @module
 */

import { NotFoundError, RefusedError } from "../../base/errors.ts";
import { formatDataId } from "./data_id.ts";
import type { DimensionUniverse } from "./dimensions.ts";
import type { DimensionRecordSource } from "./record_source.ts";
import type { DataIdValue } from "./data_id_value.ts";
import type { DimensionGroup } from "./dimension_group.ts";

/**
 * Looks up the implied values of a data ID.
 *
 * @param required values of the group's required dimensions
 * @returns those, then the values of the implied dimensions, in the group's order
 * @throws {NotFoundError} if a dimension record is missing or lacks the value.
 * @throws {RefusedError} if two records imply different values.
 *
 * Source: `schema/butler-repository.md`, section 5.4.
 */
export function expandDataId(
  universe: DimensionUniverse,
  records: DimensionRecordSource,
  group: DimensionGroup,
  required: readonly DataIdValue[],
): DataIdValue[] {
  if (required.length !== group.required.length) {
    throw new RangeError(
      `Cannot expand data ID: it has ${required.length} values, expected ${group.required.length}`,
    );
  }
  const values = new Map<string, DataIdValue>();
  required.forEach((value, i) => values.set(group.required[i], value));
  const describe = () => formatDataId(group, required);
  // What implies a dimension comes after it in universe order: go backwards, visit before filter.
  for (let i = group.names.length - 1; i >= 0; i--) {
    const name = group.names[i];
    for (const implied of universe.element(name).implied) {
      const value = records.column(name, implied, (dimension) => values.get(dimension));
      const other = values.get(implied);
      if (value === undefined) {
        throw new NotFoundError(
          `Cannot expand data ID ${describe()}: there is no ${name} record that says its ${implied}`,
        );
      }
      if (other !== undefined && other !== value) {
        throw new RefusedError(
          `Cannot expand data ID ${describe()}: ${implied} is ${other} and, by its ${name}, ${value}`,
        );
      }
      values.set(implied, value);
    }
  }
  return [...required, ...group.implied.map((name) => values.get(name)!)];
}
