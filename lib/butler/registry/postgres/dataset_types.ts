/**
 * Dataset types, dimension groups and their tables in a PostgreSQL registry.
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
import { plainArray, textArray } from "./arrays.ts";
import type { PgRow, PostgresConnection, PostgresSession } from "./connection.ts";
import { postgresColumnNames, postgresTableStatements, sequenceName } from "./ddl.ts";
import { isDuplicateTable } from "./errors.ts";
import { conformType, distinctTypes, findGroupKey, type RegisteredType } from "../rules.ts";

/** Key of the group without dimensions, which has no rows. */
const EMPTY_GROUP_KEY = 0;

/**
 * Dataset types of one registry. Kept are definitions of groups and names of checked tables: sequences
 * never give an id twice.
 *
 * Source: butler repository notes, sections 2.4 and 3.2.
 */
export class PostgresDatasetTypes {
  readonly #connection: PostgresConnection;
  readonly #universe: DimensionUniverse;
  readonly #groupByKey = new Map<number, DimensionGroup>();
  readonly #checkedTables = new Set<string>();

  constructor(connection: PostgresConnection, universe: DimensionUniverse) {
    this.#connection = connection;
    this.#universe = universe;
  }

  /**
   * The dataset type of that name, or null.
   *
   * @throws {RepositoryError} if its dimensions or tables aren't what this tool expects.
   */
  async find(session: PostgresSession, name: string): Promise<RegisteredType | null> {
    return (await this.findAll(session, [name])).get(name) ?? null;
  }

  /** The registered ones of these types, by name. Errors as {@linkcode find}. */
  async findAll(
    session: PostgresSession,
    names: readonly string[],
  ): Promise<Map<string, RegisteredType>> {
    const found = await this.#select(session, "name = ANY($1::text[])", textArray(names));
    return new Map(found.map((registered) => [registered.type.name, registered]));
  }

  /** The types with these integer ids, by id. Errors as {@linkcode find}. */
  async findByIds(
    session: PostgresSession,
    ids: readonly number[],
  ): Promise<Map<number, RegisteredType>> {
    const found = await this.#select(session, "id = ANY($1::bigint[])", plainArray(ids));
    return new Map(found.map((registered) => [registered.id, registered]));
  }

  /** Types in the summary of a collection, by name. Errors as {@linkcode find}. */
  async inSummary(session: PostgresSession, collectionKey: number): Promise<RegisteredType[]> {
    const found = await this.#select(
      session,
      `id IN (SELECT dataset_type_id FROM ${
        this.#connection.table("collection_summary_dataset_type")
      } WHERE collection_id = $1::bigint)`,
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
    session: PostgresSession,
    types: readonly DatasetType[],
  ): Promise<("present" | "absent")[]> {
    for (const type of types) {
      checkDatasetTypeName(type.name);
      conformType(type, this.#universe, this.#connection.name);
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
      { retries: isDuplicateTable },
    );
  }

  async #registerAbsent(session: PostgresSession, types: readonly DatasetType[]): Promise<void> {
    const states = await this.check(session, types);
    const absent = types.filter((_, i) => states[i] === "absent");
    const keys = await this.#ensureGroups(session, absent.map(({ group }) => group));
    const plans = absent.map(({ group, isCalibration }, i) => ({
      tags: planTagsTable(this.#universe, group, keys[i]),
      calibs: isCalibration ? planCalibsTable(this.#universe, group, keys[i]) : null,
    }));
    await this.ensureTables(
      session,
      plans.flatMap(({ tags, calibs }) => calibs === null ? [tags] : [tags, calibs]),
    );
    const { table } = this;
    for (const [i, type] of absent.entries()) {
      const { tags, calibs } = plans[i];
      await session.run(
        `INSERT INTO ${table("dataset_type")} (id, name, storage_class, dimensions_key, ` +
          "tag_association_table, calibration_association_table) VALUES (nextval(" +
          "$1::text::regclass), $2::text, $3::text, $4::bigint, $5::text, $6::text) " +
          "ON CONFLICT DO NOTHING",
        table(sequenceName("dataset_type", "id")),
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
    session: PostgresSession,
    groups: readonly DimensionGroup[],
  ): Promise<number[]> {
    if (groups.every(({ names }) => names.length === 0)) return groups.map(() => EMPTY_GROUP_KEY);
    const { table } = this;
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
        await session.run(`LOCK TABLE ${table("dimension_graph_key")} IN EXCLUSIVE MODE`);
        await session.run(`LOCK TABLE ${table("dimension_graph_definition")} IN EXCLUSIVE MODE`);
        isLocked = true;
        definitions = await this.#definitions(session);
        key = findGroupKey(group, this.#universe, definitions);
      }
      if (key === null) {
        const row = await session.first(
          `INSERT INTO ${table("dimension_graph_key")} (id) ` +
            "VALUES (nextval($1::text::regclass)) RETURNING id",
          table(sequenceName("dimension_graph_key", "id")),
        );
        key = Number(row![0]);
        await session.run(
          `INSERT INTO ${table("dimension_graph_definition")} (dimension_graph_id, ` +
            "dimension_name) SELECT $1::bigint, name FROM unnest($2::text[]) AS u (name)",
          key,
          textArray(group.required),
        );
        for (const name of group.required) definitions.push([key, name]);
      }
      keys.push(key);
    }
    return keys;
  }

  async #definitions(session: PostgresSession): Promise<[number, string][]> {
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
  async ensureTables(session: PostgresSession, plans: readonly TablePlan[]): Promise<void> {
    const distinct = [...new Map(plans.map((plan) => [plan.name, plan])).values()];
    const columns = await this.columnNames(session, distinct.map(({ name }) => name));
    for (const plan of distinct) {
      if (!columns.has(plan.name)) {
        for (const statement of postgresTableStatements(plan, this.#connection.namespace)) {
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
  async checkTables(session: PostgresSession, plans: readonly TablePlan[]): Promise<void> {
    const unchecked = plans.filter(({ name }) => !this.#checkedTables.has(name));
    if (unchecked.length === 0) return;
    const columns = await this.columnNames(session, unchecked.map(({ name }) => name));
    for (const plan of unchecked) {
      this.#checkColumns(plan, columns.get(plan.name) ?? []);
      this.#checkedTables.add(plan.name);
    }
  }

  #checkColumns(plan: TablePlan, found: readonly string[]): void {
    const expected = postgresColumnNames(plan);
    if (found.toSorted().join() === expected.toSorted().join()) return;
    const state = found.length === 0 ? "it is missing" : `it has columns ${found.join(", ")}`;
    throw new RepositoryError(
      `Cannot use table "${plan.name}" of registry "${this.#connection.name}": ${state}, ` +
        `expected ${expected.join(", ")}`,
    );
  }

  /** Names of the columns of tables, by table; tables that aren't there are left out. */
  async columnNames(
    session: PostgresSession,
    tables: readonly string[],
  ): Promise<Map<string, string[]>> {
    const rows = await session.all(
      "SELECT c.relname, a.attname FROM pg_catalog.pg_class c " +
        "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace " +
        "JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid " +
        "WHERE n.nspname = $1::text AND c.relname = ANY($2::text[]) " +
        "AND c.relkind IN ('r', 'p', 'v') AND a.attnum > 0 AND NOT a.attisdropped " +
        "ORDER BY c.relname, a.attnum",
      this.#connection.namespace,
      textArray(tables),
    );
    const columns = new Map<string, string[]>();
    for (const [table, column] of rows as [string, string][]) {
      const names = columns.get(table);
      if (names === undefined) columns.set(table, [column]);
      else names.push(column);
    }
    return columns;
  }

  readonly table = (name: string): string => this.#connection.table(name);

  async #select(
    session: PostgresSession,
    where: string,
    value: string | number,
  ): Promise<RegisteredType[]> {
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
        ...planTagsTable(this.#universe, type.group, 0),
        name: tagsTable,
      })),
    );
    return found;
  }

  #fromRow(row: PgRow): RegisteredType {
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
  async #loadGroups(session: PostgresSession, rows: readonly PgRow[]): Promise<void> {
    const keys = new Set(rows.map((row) => Number(row[3])));
    const unknown = [...keys].filter((key) =>
      key !== EMPTY_GROUP_KEY && !this.#groupByKey.has(key)
    );
    if (unknown.length === 0) return;
    const definitions = await session.all(
      "SELECT dimension_graph_id, array_to_string(array_agg(dimension_name), ',') FROM " +
        `${this.table("dimension_graph_definition")} WHERE dimension_graph_id = ` +
        "ANY($1::bigint[]) GROUP BY dimension_graph_id",
      plainArray(unknown),
    );
    for (const [key, names] of definitions) {
      this.#groupByKey.set(Number(key), this.#universe.group(String(names).split(",")));
    }
  }
}
