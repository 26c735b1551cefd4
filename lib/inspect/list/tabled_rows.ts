/**
 * Rows of quanta out of a table, where that has all that is asked for: no document is read.
 *
 * @module
 */

import type { JsonValue } from "../../base/json_text.ts";
import { caveatNames } from "../../provenance/success_caveats.ts";
import {
  dataIdObject,
  type QuantumWish,
  type RowDimensions,
  TABLED_FIELDS,
  type WishValue,
} from "../../sources/rows.ts";
import type { DocumentSource } from "../../sources/source.ts";
import type { ListedRow } from "./listed_row.ts";
import type { DimensionGroup } from "../../butler/dimensions/dimension_group.ts";

/** Rows that are made at once: so many take 0.1 GB. More are read as documents, one after another. */
const MAX_ROWS = 200_000;

/**
 * The quanta that are wished for, in the order in which they are stored; null if no table has them.
 *
 * @param wish It leaves nothing to be tested.
 * @param fields What rows are to have; none if they are only counted.
 */
export async function tabledRows(
  source: DocumentSource,
  wish: QuantumWish,
  fields: readonly string[],
  { groups }: RowDimensions,
): Promise<Iterable<ListedRow> | null> {
  const plain = fields.filter((name) => name !== "data_id");
  if (!plain.every((name) => TABLED_FIELDS.includes(name))) return null;
  const dimensions = fields.includes("data_id")
    ? [...new Set([...groups.values()].flatMap(({ names }) => names))]
    : [];
  const names = fields.length === 0 ? [] : [...new Set(["task", ...plain, ...dimensions])];
  const most = names.length === 0 ? Infinity : MAX_ROWS;
  const found = await source.quantumValues?.(wish, names, most) ?? null;
  return found && rowsOf(found, { names, plain, groups, withDataId: dimensions.length > 0 });
}

/** What values are, and what is made of them. */
interface RowForm {
  names: readonly string[];
  plain: readonly string[];
  groups: ReadonlyMap<string, DimensionGroup>;
  withDataId: boolean;
}

function* rowsOf(
  found: readonly (readonly WishValue[])[],
  { names, plain, groups, withDataId }: RowForm,
): Generator<ListedRow> {
  const place = new Map(names.map((name, i) => [name, i]));
  /** Of each task where the values of its data IDs are. */
  const placesOf = new Map<string, number[]>();
  for (const [label, { required, implied }] of groups) {
    placesOf.set(label, [...required, ...implied].map((name) => place.get(name)!));
  }
  for (const values of found) {
    const valueAt = (i: number) => (values[i] ?? null) as JsonValue;
    const task = String(valueAt(place.get("task") ?? -1));
    const group = groups.get(task);
    const fields: ListedRow["fields"] = {};
    for (const name of plain) {
      const value = valueAt(place.get(name)!);
      fields[name] = name === "caveats" ? caveatNames(Number(value ?? 0)) : value;
    }
    if (withDataId) fields.data_id = dataIdObject(group, (placesOf.get(task) ?? []).map(valueAt));
    yield { fields, requiredDimensions: group?.required ?? [] };
  }
}
