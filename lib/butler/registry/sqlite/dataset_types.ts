/**
 * Dataset types, dimension groups and their tables in an SQLite registry.
 *
 * @module
 */

import { ConflictingDefinitionError, RepositoryError } from "../../../base/errors.ts";
import {
  checkDatasetTypeName,
  type DatasetType,
  datasetTypeDifference,
} from "../../dimensions/dataset_ref.ts";
import { planCalibsTable, planTagsTable, type TablePlan } from "../ddl.ts";
import type { DimensionGroup, DimensionUniverse } from "../../dimensions/dimensions.ts";
import { conformType, distinctTypes, findGroupKey, type RegisteredType } from "../rules.ts";
import type { SqliteConnection, SqlRow } from "./connection.ts";
import { sqliteColumnNames, sqliteTableStatements } from "./ddl.ts";

const SELECT_TYPE = "SELECT id, name, storage_class, dimensions_key, tag_association_table, " +
  "calibration_association_table FROM dataset_type ";

const INSERT_TYPE = "INSERT INTO dataset_type (name, storage_class, dimensions_key, " +
  "tag_association_table, calibration_association_table) VALUES (?, ?, ?, ?, ?)";

/**
 * Dataset types of one registry. Nothing about them is kept but groups and checked tables: SQLite
 * gives the integer ids of removed types to new ones.
 *
 * Source: butler repository notes, sections 2.4 and 3.2.
 */
export class SqliteDatasetTypes {
  readonly #connection: SqliteConnection;
  readonly #universe: DimensionUniverse;
  readonly #groupByKey = new Map<number, DimensionGroup>();
  readonly #checkedTables = new Set<string>();

  constructor(connection: SqliteConnection, universe: DimensionUniverse) {
    this.#connection = connection;
    this.#universe = universe;
  }

  /**
   * The dataset type of that name, or null.
   *
   * @throws {RepositoryError} if its dimensions or tables aren't what this tool expects.
   */
  find(name: string): RegisteredType | null {
    const row = this.#connection.first(`${SELECT_TYPE} WHERE name = ?`, name);
    return row === null ? null : this.#fromRow(row);
  }

  /** The dataset type with that integer id, or null. Errors as {@linkcode find}. */
  findById(id: number): RegisteredType | null {
    const row = this.#connection.first(`${SELECT_TYPE} WHERE id = ?`, id);
    return row === null ? null : this.#fromRow(row);
  }

  /** Types in the summary of a collection, by name. Errors as {@linkcode find}. */
  inSummary(collectionKey: number): RegisteredType[] {
    return this.#connection.all(
      `${SELECT_TYPE} WHERE id IN (SELECT dataset_type_id FROM collection_summary_dataset_type ` +
        "WHERE collection_id = ?) ORDER BY name",
      collectionKey,
    ).map((row) => this.#fromRow(row));
  }

  /**
   * Whether the type is registered exactly so.
   *
   * @throws {ConflictingDefinitionError} if it is registered otherwise.
   * @throws {RefusedError} if name or dimensions can't be used here.
   */
  check(type: DatasetType): "present" | "absent" {
    checkDatasetTypeName(type.name);
    this.conform(type);
    const found = this.find(type.name);
    if (found === null) return "absent";
    const difference = datasetTypeDifference(found.type, type);
    if (difference === null) return "present";
    throw new ConflictingDefinitionError(
      `Cannot register dataset type "${type.name}" in registry "${this.#connection.path}": ` +
        `in the registry, ${difference}`,
    );
  }

  /**
   * The type's group in this repository's universe.
   *
   * @throws {RefusedError} if the universe has other dimensions under these names.
   */
  conform(type: DatasetType): DimensionGroup {
    return conformType(type, this.#universe, this.#connection.path);
  }

  /**
   * Registers types, all or none, in one transaction (none if all are there).
   *
   * @throws as {@linkcode check}.
   */
  register(types: readonly DatasetType[]): void {
    const distinct = distinctTypes(types);
    // The lock is taken only if there is something to write; every type is checked before.
    if (distinct.map((type) => this.check(type)).every((state) => state === "present")) return;
    this.#connection.transaction("register dataset types in", () => {
      for (const type of distinct) {
        if (this.check(type) === "present") continue;
        const group = this.conform(type);
        const key = this.#ensureGroup(group);
        const tags = planTagsTable(this.#universe, group, key);
        this.ensureTable(tags);
        const calibs = type.isCalibration ? planCalibsTable(this.#universe, group, key) : null;
        if (calibs !== null) this.ensureTable(calibs);
        this.#connection.run(
          INSERT_TYPE,
          type.name,
          type.storageClass,
          key,
          tags.name,
          calibs?.name ?? null,
        );
      }
    });
  }

  /**
   * Makes a table with its indexes, or accepts one that has the same set of columns. Only within a
   * transaction.
   *
   * @throws {RepositoryError} if a table of that name has other columns.
   */
  ensureTable(plan: TablePlan): void {
    if (this.#connection.columnNames(plan.name).length === 0) {
      for (const statement of sqliteTableStatements(plan)) this.#connection.run(statement);
    } else {
      this.checkTable(plan);
    }
  }

  /**
   * Checks that a table has exactly the planned columns, in any order.
   *
   * @throws {RepositoryError} if it isn't there or has others.
   */
  checkTable(plan: TablePlan): void {
    if (this.#checkedTables.has(plan.name)) return;
    const found = this.#connection.columnNames(plan.name);
    const expected = sqliteColumnNames(plan);
    if (found.toSorted().join() !== expected.toSorted().join()) {
      const state = found.length === 0 ? "it is missing" : `it has columns ${found.join(", ")}`;
      throw new RepositoryError(
        `Cannot use table "${plan.name}" of registry "${this.#connection.path}": ${state}, ` +
          `expected ${expected.join(", ")}`,
      );
    }
    this.#checkedTables.add(plan.name);
  }

  #fromRow(row: SqlRow): RegisteredType {
    const [id, name, storageClass, key, tagsTable, calibsTable] = row;
    const group = this.#group(key as number, name as string);
    const type = {
      name: name as string,
      group,
      storageClass: storageClass as string,
      isCalibration: calibsTable !== null,
    };
    this.checkTable({
      ...planTagsTable(this.#universe, group, key as number),
      name: tagsTable as string,
    });
    return {
      id: id as number,
      type,
      tagsTable: tagsTable as string,
      calibsTable: calibsTable as string | null,
    };
  }

  /** The group of a key. Rows may list more than the required dimensions. */
  #group(key: number, typeName: string): DimensionGroup {
    if (key === 0) return this.#universe.group([]);
    let group = this.#groupByKey.get(key);
    if (group === undefined) {
      const names = this.#connection.all(
        "SELECT dimension_name FROM dimension_graph_definition WHERE dimension_graph_id = ?",
        key,
      ).map(([name]) => name as string);
      if (names.length === 0) {
        throw new RepositoryError(
          `Cannot use dataset type "${typeName}" of registry "${this.#connection.path}": ` +
            `dimension group ${key} is not defined`,
        );
      }
      group = this.#universe.group(names);
      this.#groupByKey.set(key, group);
    }
    return group;
  }

  /** Key of a group, made if necessary. Only within a transaction. */
  #ensureGroup(group: DimensionGroup): number {
    if (group.names.length === 0) return 0;
    const found = findGroupKey(
      group,
      this.#universe,
      this.#connection.all(
        "SELECT dimension_graph_id, dimension_name FROM dimension_graph_definition " +
          "ORDER BY dimension_graph_id",
      ) as [number, string][],
    );
    if (found !== null) return found;
    this.#connection.run("INSERT INTO dimension_graph_key DEFAULT VALUES");
    const key = this.#connection.first("SELECT last_insert_rowid()")![0] as number;
    for (const name of group.required) {
      this.#connection.run(
        "INSERT INTO dimension_graph_definition (dimension_graph_id, dimension_name) VALUES (?, ?)",
        key,
        name,
      );
    }
    return key;
  }
}
