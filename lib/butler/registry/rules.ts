/**
 * What registries of both databases have in common: codes, checks of definitions, and what is known
 * of a registered dataset type.
 *
 * @module
 */

import { ConflictingDefinitionError, RefusedError } from "../../base/errors.ts";
import { datasetTypeDifference } from "../dimensions/dataset_ref.ts";
import type { DimensionUniverse } from "../dimensions/dimensions.ts";
import type { DimensionGroup } from "../dimensions/dimension_group.ts";
import type { DatasetType } from "../dimensions/dataset_type.ts";

/**
 * The types of one call, each once. One call must not define one name in two ways: which one won would
 * depend on the order.
 *
 * @throws {ConflictingDefinitionError} if it does.
 */
export function distinctTypes(types: readonly DatasetType[]): DatasetType[] {
  const byName = new Map<string, DatasetType>();
  for (const type of types) {
    const other = byName.get(type.name);
    if (other === undefined) {
      byName.set(type.name, type);
      continue;
    }
    const difference = datasetTypeDifference(other, type);
    if (difference === null) continue;
    throw new ConflictingDefinitionError(
      `Cannot register dataset type "${type.name}": it is given twice, and in one, ${difference}`,
    );
  }
  return [...byName.values()];
}

/**
 * A type's group in a repository's universe.
 *
 * @param registry how messages name the registry
 * @throws {RefusedError} if the universe has other dimensions under these names.
 */
export function conformType(
  type: DatasetType,
  universe: DimensionUniverse,
  registry: string,
): DimensionGroup {
  const { group, name } = type;
  const unknown = group.names.find((dimension) => !universe.has(dimension));
  const conformed = unknown === undefined ? universe.group(group.names) : null;
  if (
    conformed?.key === group.key && conformed.required.join() === group.required.join()
  ) return conformed;
  const state = unknown === undefined
    ? `dimensions {${group.names.join(", ")}} depend on each other in another way there`
    : `it does not have dimension "${unknown}"`;
  throw new RefusedError(
    `Cannot use dataset type "${name}" with universe ${universe.version} of registry ` +
      `"${registry}": ${state}`,
  );
}

/**
 * The key of a group among the definitions of all groups, null if it has none.
 *
 * @param definitions dimension names by key; older rows list more than the required ones
 */
export function findGroupKey(
  group: DimensionGroup,
  universe: DimensionUniverse,
  definitions: Iterable<readonly [key: number, name: string]>,
): number | null {
  const namesByKey = new Map<number, string[]>();
  for (const [key, name] of definitions) {
    const names = namesByKey.get(key);
    if (names === undefined) namesByKey.set(key, [name]);
    else names.push(name);
  }
  for (const [key, names] of namesByKey) {
    // A group with a dimension that the universe doesn't have can't be this one.
    if (!names.every((name) => universe.has(name))) continue;
    if (universe.group(names).key === group.key) return key;
  }
  return null;
}

/** What was read has changed before it could be locked: the transaction must begin again. */
export class StaleReadError extends Error {
  override name = "StaleReadError";
}
