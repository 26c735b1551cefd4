/**
 * Dimension records of an SQLite registry.
 *
 * @module
 */

import type { DataIdValue } from "../../dimensions/data_id.ts";
import type { DimensionUniverse } from "../../dimensions/dimensions.ts";
import type { DimensionRecordSource } from "../../dimensions/record_source.ts";
import { toDataIdValue } from "./conflicts.ts";
import type { SqliteConnection } from "./connection.ts";
import { quoteIdentifier } from "./ddl.ts";

/** Values kept for one column; more than any run has visits. Then all are dropped. */
const MAX_KEPT = 200_000;

/** One column of one dimension's table. */
interface ColumnLookup {
  /** Dimensions whose values select the record. */
  required: readonly string[];
  sql: string;
  kept: Map<string, DataIdValue | undefined>;
}

/**
 * Columns of dimension records, looked up one by one and kept: a run has few distinct ones.
 *
 * Source: butler repository notes, section 5.4.
 */
export class SqliteDimensionRecords implements DimensionRecordSource {
  readonly #connection: SqliteConnection;
  readonly #universe: DimensionUniverse;
  readonly #lookups = new Map<string, ColumnLookup | null>();

  constructor(connection: SqliteConnection, universe: DimensionUniverse) {
    this.#connection = connection;
    this.#universe = universe;
  }

  /**
   * Value of a column of a dimension's record; undefined if dimension, record, column or value is
   * absent, or the data ID doesn't select a record.
   *
   * @param dataId value of a dimension in the data ID
   */
  column(
    dimension: string,
    column: string,
    dataId: (dimension: string) => DataIdValue | undefined,
  ): DataIdValue | undefined {
    const name = `${dimension}.${column}`;
    let lookup = this.#lookups.get(name);
    if (lookup === undefined) {
      lookup = this.#plan(dimension, column);
      this.#lookups.set(name, lookup);
    }
    if (lookup === null) return undefined;
    const values: DataIdValue[] = [];
    let key = "";
    for (const other of lookup.required) {
      const value = dataId(other);
      if (value === undefined) return undefined;
      values.push(value);
      key += `${value}\0`;
    }
    if (lookup.kept.has(key)) return lookup.kept.get(key);
    const [row] = this.#connection.allBigInt(lookup.sql, ...values);
    const value = row === undefined || row[0] === null ? undefined : toDataIdValue(row[0]);
    if (lookup.kept.size >= MAX_KEPT) lookup.kept.clear();
    lookup.kept.set(key, value);
    return value;
  }

  #plan(dimension: string, column: string): ColumnLookup | null {
    if (!this.#universe.has(dimension)) return null;
    const { required, primaryKey, hasTable } = this.#universe.element(dimension);
    if (!hasTable || !this.#connection.columnNames(dimension).includes(column)) return null;
    const where = required.map((other) =>
      `${quoteIdentifier(other === dimension ? primaryKey!.name : other)} = ?`
    );
    return {
      required,
      sql: `SELECT ${quoteIdentifier(column)} FROM ${quoteIdentifier(dimension)} ` +
        `WHERE ${where.join(" AND ")}`,
      kept: new Map(),
    };
  }
}
