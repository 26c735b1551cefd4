/**
 * Dimension records of a registry.
 *
 * @module
 */

import type { DimensionUniverse } from "../dimensions/dimensions.ts";
import { RecordsNotFetchedError } from "../dimensions/record_fetch.ts";
import type { DimensionRecordSource } from "../dimensions/record_source.ts";
import { quoteIdentifier } from "./tables/ddl.ts";
import { isPossibleValue, toInteger } from "./data_id_values.ts";
import type { Connection, SqlRow } from "./session.ts";
import type { DataIdValue } from "../dimensions/data_id_value.ts";

/** Values kept for one column; more than any run has visits. Then all are dropped. */
const MAX_KEPT = 200_000;
/** Records of one fetch: those that follow, for runs process neighbours. */
const N_PAGE = 1000;

/** One column of one dimension's table. */
interface ColumnLookup {
  dimension: string;
  /** Dimensions whose values select the record; the dimension itself is the last one. */
  required: readonly string[];
  sql: string;
  /** Whether its values are 64-bit integers, which may come as text. */
  isInteger: boolean;
  kept: Map<string, DataIdValue | undefined>;
}

/**
 * Columns of dimension records, fetched a page at a time and kept: a run has few distinct ones.
 *
 * Source: `schema/butler-repository.md`, section 5.4.
 */
export class RegistryDimensionRecords implements DimensionRecordSource {
  readonly #connection: Connection;
  readonly #universe: DimensionUniverse;
  /** Null: no such column. */
  readonly #lookups = new Map<string, ColumnLookup | null>();

  constructor(connection: Connection, universe: DimensionUniverse) {
    this.#connection = connection;
    this.#universe = universe;
  }

  /**
   * Value of a column of a dimension's record; undefined if dimension, record, column or value is
   * absent, or the data ID doesn't select a record.
   *
   * @param dataId value of a dimension in the data ID
   * @throws {RecordsNotFetchedError} if the record is not here yet: use `withRecords()`.
   */
  column(
    dimension: string,
    column: string,
    dataId: (dimension: string) => DataIdValue | undefined,
  ): DataIdValue | undefined {
    const lookup = this.#lookups.get(`${dimension}.${column}`);
    if (lookup === undefined) {
      throw new RecordsNotFetchedError(() => this.#plan(dimension, column));
    }
    if (lookup === null) return undefined;
    const values: DataIdValue[] = [];
    for (const other of lookup.required) {
      const value = dataId(other);
      if (value === undefined || !isPossibleValue(this.#universe, other, value)) return undefined;
      values.push(value);
    }
    const key = keyOf(values);
    if (lookup.kept.has(key)) return lookup.kept.get(key);
    throw new RecordsNotFetchedError(() => this.#fetch(lookup, values));
  }

  async #plan(dimension: string, column: string): Promise<void> {
    this.#lookups.set(`${dimension}.${column}`, await this.#lookup(dimension, column));
  }

  async #lookup(dimension: string, column: string): Promise<ColumnLookup | null> {
    if (!this.#universe.has(dimension)) return null;
    const { required, primaryKey, hasTable } = this.#universe.element(dimension);
    if (!hasTable) return null;
    const { dialect } = this.#connection;
    const isInteger = await this.#connection.read(
      "read",
      (session) => dialect.isIntegerColumn(session, dimension, column),
    );
    if (isInteger === null) return null;
    const own = quoteIdentifier(primaryKey!.name);
    const where = required.map((other, i) => {
      const cast = this.#universe.keyType(other).type === "int" ? "bigint" : "text";
      return other === dimension
        ? `${own} >= $${i + 1}::${cast}`
        : `${quoteIdentifier(other)} = $${i + 1}::${cast}`;
    });
    return {
      dimension,
      required,
      sql: `SELECT ${own}, ${quoteIdentifier(column)} FROM ${dialect.table(dimension)} ` +
        `WHERE ${where.join(" AND ")} ORDER BY ${own} LIMIT ${N_PAGE}`,
      isInteger,
      kept: new Map(),
    };
  }

  async #fetch(lookup: ColumnLookup, values: readonly DataIdValue[]): Promise<void> {
    const rows = await this.#connection.read(
      "read",
      (session) => session.all(lookup.sql, ...values),
    );
    if (lookup.kept.size + rows.length > MAX_KEPT) lookup.kept.clear();
    const isInteger = this.#universe.keyType(lookup.dimension).type === "int";
    for (const [own, value] of rows) {
      const dataId = [...values.slice(0, -1), isInteger ? toInteger(own) : String(own)];
      lookup.kept.set(keyOf(dataId), toColumnValue(value, lookup.isInteger));
    }
    const key = keyOf(values);
    // Looked for, and not there.
    if (!lookup.kept.has(key)) lookup.kept.set(key, undefined);
  }
}

function keyOf(values: readonly DataIdValue[]): string {
  return values.map((value) => `${value}\0`).join("");
}

function toColumnValue(value: SqlRow[number], isInteger: boolean): DataIdValue | undefined {
  if (value === null || typeof value === "boolean") return undefined;
  return isInteger || typeof value === "bigint" ? toInteger(value) : value;
}
