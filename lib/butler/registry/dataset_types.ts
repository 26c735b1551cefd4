/**
 * Dataset types, dimension groups and their tables in a registry.
 *
 * @module
 */

import { ConflictingDefinitionError, RefusedError, RepositoryError } from "../../base/errors.ts";
import { checkDatasetTypeName, datasetTypeDifference } from "../dimensions/dataset_ref.ts";
import type { DimensionUniverse } from "../dimensions/dimensions.ts";
import type { RegisteredType } from "./context.ts";
import type { ObscoreTypes } from "./obscore.ts";
import { conformType, distinctTypes, findGroupKey } from "./rules.ts";
import type { Connection, Session, SqlRow, SqlValue } from "./session.ts";
import type { CollectionKey, CollectionKeys } from "./tables/collection_keys.ts";
import type { ColumnType } from "./tables/column_type.ts";
import { planCalibsTable, planTagsTable } from "./tables/ddl.ts";
import type { TablePlan } from "./tables/table_plan.ts";
import type { DimensionGroup } from "../dimensions/dimension_group.ts";
import type { DatasetType } from "../dimensions/dataset_type.ts";

/** Key of the group without dimensions, which has no rows. */
const EMPTY_GROUP_KEY = 0;

/** What a registry says of itself. */
interface RegistryDefinitions {
  readonly universe: DimensionUniverse;
  readonly keys: CollectionKeys;
  readonly obscoreTypes: ObscoreTypes;
}

/**
 * Dataset types of one registry. Kept are definitions of groups and names of checked tables only: SQLite
 * gives the integer ids of removed types to new ones.
 *
 * Source: `schema/butler-repository.md`, sections 2.4 and 3.2.
 */
export class DatasetTypes {
  readonly #connection: Connection;
  readonly #universe: DimensionUniverse;
  readonly #keys: CollectionKeys;
  readonly #obscoreTypes: ObscoreTypes;
  readonly #groupByKey = new Map<number, DimensionGroup>();
  readonly #checkedTables = new Set<string>();

  constructor(connection: Connection, definitions: RegistryDefinitions) {
    this.#connection = connection;
    this.#universe = definitions.universe;
    this.#keys = definitions.keys;
    this.#obscoreTypes = definitions.obscoreTypes;
  }

  /**
   * The dataset type of that name, or null.
   *
   * @throws {RepositoryError} if its dimensions or tables aren't what this tool expects.
   */
  async find(session: Session, name: string): Promise<RegisteredType | null> {
    return (await this.findAll(session, [name])).get(name) ?? null;
  }

  /** The registered ones of these types, by name. Errors as {@linkcode find}. */
  async findAll(
    session: Session,
    names: readonly string[],
  ): Promise<Map<string, RegisteredType>> {
    const found = await this.#selectIn(session, "name", "text", names);
    return new Map(found.map((registered) => [registered.type.name, registered]));
  }

  /** The types with these integer ids, by id. Errors as {@linkcode find}. */
  async findByIds(
    session: Session,
    ids: readonly number[],
  ): Promise<Map<number, RegisteredType>> {
    const found = await this.#selectIn(session, "id", "bigint", ids);
    return new Map(found.map((registered) => [registered.id, registered]));
  }

  /** Types in the summary of a collection, by name. Errors as {@linkcode find}. */
  async inSummary(session: Session, collectionKey: CollectionKey): Promise<RegisteredType[]> {
    const found = await this.#select(
      session,
      `id IN (SELECT dataset_type_id FROM ${
        this.table("collection_summary_dataset_type")
      } WHERE ${this.#keys.collection} = $1::${this.#keys.type})`,
      collectionKey,
    );
    // Here, not in the database, whose collation is not that of code points.
    return found.sort((a, b) => a.type.name < b.type.name ? -1 : 1);
  }

  /**
   * Whether each type is registered exactly so.
   *
   * @throws {ConflictingDefinitionError} if one is registered otherwise.
   * @throws {RefusedError} if a name or dimensions can't be used here.
   */
  async check(
    session: Session,
    types: readonly DatasetType[],
  ): Promise<("present" | "absent")[]> {
    for (const type of types) {
      checkDatasetTypeName(type.name);
      conformType(type, this.#universe, this.#connection.name);
      this.#refuseListed(type.name);
    }
    const registered = await this.findAll(session, types.map(({ name }) => name));
    return types.map((type) => {
      const found = registered.get(type.name);
      if (found === undefined) return "absent";
      const difference = datasetTypeDifference(found.type, type);
      if (difference === null) return "present";
      throw new ConflictingDefinitionError(
        `Cannot register dataset type "${type.name}" in registry "${this.#connection.name}": ` +
          `in the registry, ${difference}`,
      );
    });
  }

  /** Before anything is written: no row of the obscore table is made here. */
  #refuseListed(name: string): void {
    if (!this.#obscoreTypes.has(name)) return;
    throw new RefusedError(
      `Cannot register datasets of type "${name}" in registry "${this.#connection.name}": its obscore ` +
        "table lists them, and this tool makes no rows for it",
      { hint: "Use the Python tools for this run; those types are in the obscore configuration" },
    );
  }

  /**
   * Registers types, all or none, in one transaction (none if all are there).
   *
   * @throws as {@linkcode check}.
   */
  async register(types: readonly DatasetType[]): Promise<void> {
    const distinct = distinctTypes(types);
    const states = await this.#connection.read("read", (session) => this.check(session, distinct));
    if (states.every((state) => state === "present")) return;
    await this.#connection.transaction(
      "register dataset types in",
      (session) => this.#registerAbsent(session, distinct),
      // The reference makes tables without a lock: both may find that there is none.
      { retries: this.#connection.dialect.isDuplicateTable },
    );
  }

  async #registerAbsent(session: Session, types: readonly DatasetType[]): Promise<void> {
    const states = await this.check(session, types);
    const absent = types.filter((_, i) => states[i] === "absent");
    const keys = await this.#ensureGroups(session, absent.map(({ group }) => group));
    const plans = absent.map(({ group, isCalibration }, i) => ({
      tags: planTagsTable(this.#universe, this.#keys, group, keys[i]),
      calibs: isCalibration ? planCalibsTable(this.#universe, this.#keys, group, keys[i]) : null,
    }));
    await this.ensureTables(
      session,
      plans.flatMap(({ tags, calibs }) => calibs === null ? [tags] : [tags, calibs]),
    );
    const { table } = this;
    const { nextKey } = this.#connection.dialect;
    for (const [i, type] of absent.entries()) {
      const { tags, calibs } = plans[i];
      await session.run(
        `INSERT INTO ${table("dataset_type")} (id, name, storage_class, dimensions_key, ` +
          "tag_association_table, calibration_association_table) VALUES (" +
          `${nextKey("dataset_type", "id")}, $1::text, $2::text, $3::bigint, $4::text, ` +
          "$5::text) ON CONFLICT DO NOTHING",
        type.name,
        type.storageClass,
        keys[i],
        tags.name,
        calibs?.name ?? null,
      );
    }
    // Somebody else may have been quicker, with another definition.
    await this.check(session, absent);
  }

  /** Keys of groups, made if necessary. */
  async #ensureGroups(
    session: Session,
    groups: readonly DimensionGroup[],
  ): Promise<number[]> {
    if (groups.every(({ names }) => names.length === 0)) return groups.map(() => EMPTY_GROUP_KEY);
    const { table } = this;
    const { dialect } = this.#connection;
    let definitions = await this.#definitions(session);
    const keys: number[] = [];
    let isLocked = false;
    for (const group of groups) {
      // Not from what is kept: that may have been read in a transaction that was rolled back.
      let key = group.names.length === 0
        ? EMPTY_GROUP_KEY
        : findGroupKey(group, this.#universe, definitions);
      if (key === null && !isLocked) {
        // Nothing but this lock keeps two clients from defining the same group twice.
        await dialect.lockTables(session, ["dimension_graph_key", "dimension_graph_definition"]);
        isLocked = true;
        definitions = await this.#definitions(session);
        key = findGroupKey(group, this.#universe, definitions);
      }
      if (key === null) {
        const row = await session.first(
          `INSERT INTO ${table("dimension_graph_key")} (id) ` +
            `VALUES (${dialect.nextKey("dimension_graph_key", "id")}) RETURNING id`,
        );
        key = Number(row![0]);
        for (const name of group.required) {
          await session.run(
            `INSERT INTO ${table("dimension_graph_definition")} (dimension_graph_id, ` +
              "dimension_name) VALUES ($1::bigint, $2::text)",
            key,
            name,
          );
          definitions.push([key, name]);
        }
      }
      keys.push(key);
    }
    return keys;
  }

  async #definitions(session: Session): Promise<[number, string][]> {
    const rows = await session.all(
      "SELECT dimension_graph_id, dimension_name FROM " +
        `${this.table("dimension_graph_definition")} ORDER BY dimension_graph_id`,
    );
    return rows.map(([key, name]) => [Number(key), String(name)]);
  }

  /**
   * Makes tables with their indexes, or accepts those that have the same set of columns. Only within a
   * transaction.
   *
   * @throws {RepositoryError} if a table of that name has other columns.
   */
  async ensureTables(session: Session, plans: readonly TablePlan[]): Promise<void> {
    const distinct = [...new Map(plans.map((plan) => [plan.name, plan])).values()];
    const columns = await this.#connection.dialect.readColumns(
      session,
      distinct.map(({ name }) => name),
    );
    for (const plan of distinct) {
      if (!columns.has(plan.name)) {
        for (const statement of this.#connection.dialect.tableStatements(plan)) {
          await session.run(statement);
        }
      } else {
        this.#checkColumns(plan, columns.get(plan.name)!);
      }
    }
  }

  /**
   * Checks that tables have exactly the planned columns, in any order.
   *
   * @throws {RepositoryError} if one isn't there or has others.
   */
  async checkTables(session: Session, plans: readonly TablePlan[]): Promise<void> {
    const unchecked = plans.filter(({ name }) => !this.#checkedTables.has(name));
    if (unchecked.length === 0) return;
    const columns = await this.#connection.dialect.readColumns(
      session,
      unchecked.map(({ name }) => name),
    );
    for (const plan of unchecked) {
      this.#checkColumns(plan, columns.get(plan.name) ?? []);
      this.#checkedTables.add(plan.name);
    }
  }

  #checkColumns(plan: TablePlan, found: readonly string[]): void {
    const expected = this.#connection.dialect.columnNames(plan);
    if (found.toSorted().join() === expected.toSorted().join()) return;
    const state = found.length === 0 ? "it is missing" : `it has columns ${found.join(", ")}`;
    throw new RepositoryError(
      `Cannot use table "${plan.name}" of registry "${this.#connection.name}": ${state}, ` +
        `expected ${expected.join(", ")}`,
    );
  }

  readonly table = (name: string): string => this.#connection.dialect.table(name);

  #selectIn(
    session: Session,
    column: string,
    type: ColumnType,
    values: readonly (string | number)[],
  ): Promise<RegisteredType[]> {
    const { dialect } = this.#connection;
    return this.#select(session, dialect.isIn(column, 1, type), dialect.list(type, values));
  }

  async #select(session: Session, where: string, value: SqlValue): Promise<RegisteredType[]> {
    const rows = await session.all(
      "SELECT id, name, storage_class, dimensions_key, tag_association_table, " +
        `calibration_association_table FROM ${this.table("dataset_type")} WHERE ${where}`,
      value,
    );
    await this.#loadGroups(session, rows);
    const found = rows.map((row) => this.#fromRow(row));
    await this.checkTables(
      session,
      found.map(({ tagsTable, type }) => ({
        // The key is in the plan's name only.
        ...planTagsTable(this.#universe, this.#keys, type.group, 0),
        name: tagsTable,
      })),
    );
    return found;
  }

  #fromRow(row: SqlRow): RegisteredType {
    const [id, name, storageClass, key, tagsTable, calibsTable] = row;
    const group = Number(key) === 0 ? this.#universe.group([]) : this.#groupByKey.get(Number(key));
    if (group === undefined) {
      throw new RepositoryError(
        `Cannot use dataset type "${name}" of registry "${this.#connection.name}": ` +
          `dimension group ${key} is not defined`,
      );
    }
    return {
      id: Number(id),
      type: {
        name: name as string,
        group,
        storageClass: storageClass as string,
        isCalibration: calibsTable !== null,
      },
      tagsTable: tagsTable as string,
      calibsTable: calibsTable as string | null,
    };
  }

  /** Groups of these rows that aren't known yet. Rows may list more than the required dimensions. */
  async #loadGroups(session: Session, rows: readonly SqlRow[]): Promise<void> {
    const keys = new Set(rows.map((row) => Number(row[3])));
    const unknown = [...keys].filter((key) =>
      key !== EMPTY_GROUP_KEY && !this.#groupByKey.has(key)
    );
    if (unknown.length === 0) return;
    const { dialect } = this.#connection;
    const names = new Map<number, string[]>();
    await session.each(
      `SELECT dimension_graph_id, dimension_name FROM ${
        this.table("dimension_graph_definition")
      } ` +
        `WHERE ${dialect.isIn("dimension_graph_id", 1, "bigint")}`,
      [dialect.list("bigint", unknown)],
      ([key, name]) => {
        const known = names.get(Number(key));
        if (known === undefined) names.set(Number(key), [String(name)]);
        else known.push(String(name));
      },
    );
    for (const [key, group] of names) this.#groupByKey.set(key, this.#universe.group(group));
  }
}
