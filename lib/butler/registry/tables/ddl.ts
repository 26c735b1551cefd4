/**
 * Plans of the tables that a registry gets when dataset types are registered: columns, keys and
 * indexes in logical types. A dialect turns a plan into statements (`sqlite_ddl.ts`).
 *
 * @module
 */

import type { DimensionUniverse } from "../../dimensions/dimensions.ts";
import type { CollectionKeys } from "./collection_keys.ts";
import type { ColumnPlan, ForeignKeyPlan, TablePlan } from "./table_plan.ts";
import type { DimensionGroup } from "../../dimensions/dimension_group.ts";

/** Value of `component` in the records table for datasets that are stored in one piece. */
export const NULL_COMPONENT = "__NULL_STRING__";

/** Quotes an identifier, whatever it holds. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Name of the tags table of a dimension group's key. */
function tagsTableName(key: number): string {
  return `dataset_tags_${key.toString().padStart(8, "0")}`;
}

/** Name of the calibs table of a dimension group's key. */
function calibsTableName(key: number): string {
  return `dataset_calibs_${key.toString().padStart(8, "0")}`;
}

/** Name of the table that says which values of a governor dimension a collection holds. */
export function governorSummaryTableName(governor: string): string {
  return `collection_summary_${governor}`;
}

/**
 * The tags table of a dimension group: which dataset has which data ID in which collection.
 *
 * Source: `schema/butler-repository.md`, section 2.4.
 */
export function planTagsTable(
  universe: DimensionUniverse,
  keys: CollectionKeys,
  group: DimensionGroup,
  key: number,
): TablePlan {
  return {
    name: tagsTableName(key),
    columns: [...associationColumns(keys), ...dimensionColumns(universe, group)],
    primaryKey: ["dataset_id", keys.collection],
    unique: [["dataset_type_id", keys.collection, ...group.required]],
    foreignKeys: associationForeignKeys(universe, keys, group),
    indexes: [],
  };
}

/**
 * The calibs table of a dimension group: validity ranges in calibration collections.
 *
 * Source: `schema/butler-repository.md`, section 2.4.
 */
export function planCalibsTable(
  universe: DimensionUniverse,
  keys: CollectionKeys,
  group: DimensionGroup,
  key: number,
): TablePlan {
  return {
    name: calibsTableName(key),
    columns: [
      { name: "id", type: { kind: "autoincrement" } },
      ...associationColumns(keys),
      ...dimensionColumns(universe, group),
      { name: "timespan", type: { kind: "timespan" } },
    ],
    primaryKey: ["id"],
    unique: [],
    foreignKeys: associationForeignKeys(universe, keys, group),
    indexes: [["dataset_type_id", keys.collection, ...group.required, "timespan"]],
  };
}

/**
 * The datastore's records table.
 *
 * Source: `schema/butler-repository.md`, section 2.2.
 */
export function planRecordsTable(name: string): TablePlan {
  return {
    name,
    columns: [
      { name: "dataset_id", type: { kind: "uuid" } },
      { name: "path", type: { kind: "string" } },
      { name: "formatter", type: { kind: "string" } },
      { name: "storage_class", type: { kind: "string" } },
      { name: "component", type: { kind: "string", length: 32 } },
      { name: "checksum", type: { kind: "string" }, isNullable: true },
      { name: "file_size", type: { kind: "int64" }, isNullable: true },
    ],
    primaryKey: ["dataset_id", "component"],
    unique: [],
    foreignKeys: [],
    indexes: [["path"]],
  };
}

function associationColumns(keys: CollectionKeys): ColumnPlan[] {
  return [
    { name: "dataset_type_id", type: { kind: "int64" } },
    { name: "dataset_id", type: { kind: "uuid" } },
    { name: keys.collection, type: { kind: keys.type === "bigint" ? "int64" : "string" } },
  ];
}

function dimensionColumns(universe: DimensionUniverse, group: DimensionGroup): ColumnPlan[] {
  return group.required.map((name) => {
    const { type, length } = universe.keyType(name);
    return { name, type: type === "int" ? { kind: "int64" } : { kind: "string", length } };
  });
}

function associationForeignKeys(
  universe: DimensionUniverse,
  { collection, own }: CollectionKeys,
  group: DimensionGroup,
): ForeignKeyPlan[] {
  const keys: ForeignKeyPlan[] = [
    { columns: ["dataset_type_id"], target: "dataset_type", targetColumns: ["id"] },
    { columns: ["dataset_id"], target: "dataset", targetColumns: ["id"], onDelete: "CASCADE" },
    {
      columns: [collection],
      target: "collection",
      targetColumns: [own],
      onDelete: "CASCADE",
    },
    {
      columns: [collection, "dataset_type_id"],
      target: "collection_summary_dataset_type",
      targetColumns: [collection, "dataset_type_id"],
    },
  ];
  for (const name of group.required) {
    const { required, primaryKey, hasTable, isGovernor } = universe.element(name);
    if (hasTable) {
      keys.push({
        columns: required,
        target: name,
        targetColumns: required.map((column) => column === name ? primaryKey!.name : column),
      });
    }
    if (isGovernor) {
      keys.push({
        columns: [collection, name],
        target: governorSummaryTableName(name),
        targetColumns: [collection, name],
      });
    }
  }
  return keys;
}
