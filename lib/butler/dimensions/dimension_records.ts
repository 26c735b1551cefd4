/**
 * Dimension records that a predicted graph carries, for path templates.
 *
 * @module
 */

import { RefusedError } from "../../base/errors.ts";
import type { JsonValue } from "../../base/json_text.ts";
import type { DataIdValue } from "./data_id_value.ts";
import type { DimensionUniverse } from "./dimensions.ts";
import type { DimensionRecordSource } from "./record_source.ts";

/** What a NULL column looks like in a path. */
const NULL_TEXT = "None";

interface ElementRecords {
  required: readonly string[];
  columnIndex: ReadonlyMap<string, number>;
  /** Rows by the values of the required dimensions. */
  rows: Map<string, JsonValue[]>;
  /** What was looked up last: neighbouring datasets mostly ask for the same again. */
  lastValues: DataIdValue[];
  lastRow: JsonValue[] | undefined;
}

/**
 * Makes the rows of a predicted graph's dimension data searchable. Keeps the rows; cost: one string
 * key and one map entry a row.
 *
 * @param rows by element; each row has the required values, the implied ones, then the other columns
 * @throws {RefusedError} if a row has the wrong length, or its required values are no values.
 *
 * Source: quantum graph notes, section 7.4.
 */
export function graphDimensionRecords(
  universe: DimensionUniverse,
  rows: Map<string, JsonValue[][]>,
): DimensionRecordSource {
  const elements = new Map<string, ElementRecords>();
  for (const [name, elementRows] of rows) {
    const { required, implied, columns } = universe.element(name);
    const names = [...required, ...implied, ...columns.map((column) => column.name)];
    const byKey = new Map<string, JsonValue[]>();
    for (const row of elementRows) {
      if (!Array.isArray(row) || row.length !== names.length) {
        const found = Array.isArray(row) ? `has ${row.length} values` : "is no list of values";
        throw new RefusedError(
          `Cannot use dimension records of "${name}": a record ${found}, expected ${names.length}`,
        );
      }
      if (!row.slice(0, required.length).every(isKeyValue)) {
        throw new RefusedError(
          `Cannot use dimension records of "${name}": a required value is neither text nor number`,
        );
      }
      byKey.set(rowKey(row, required.length), row);
    }
    elements.set(name, {
      required,
      columnIndex: new Map(names.map((column, i) => [column, i])),
      rows: byKey,
      lastValues: [],
      lastRow: undefined,
    });
  }
  return {
    column(dimension, column, dataId) {
      const element = elements.get(dimension);
      const index = element?.columnIndex.get(column);
      if (element === undefined || index === undefined) return undefined;
      const row = findRow(element, dataId);
      return row === undefined ? undefined : columnValue(row[index]);
    },
  };
}

function findRow(
  element: ElementRecords,
  dataId: (dimension: string) => DataIdValue | undefined,
): JsonValue[] | undefined {
  const { required, lastValues } = element;
  let isSame = required.length > 0;
  for (let i = 0; i < required.length; i++) {
    const value = dataId(required[i]);
    if (value === undefined) {
      lastValues.length = 0;
      return undefined;
    }
    isSame &&= value === lastValues[i];
    lastValues[i] = value;
  }
  if (!isSame) element.lastRow = element.rows.get(rowKey(lastValues, required.length));
  return element.lastRow;
}

function rowKey(row: readonly JsonValue[], nRequired: number): string {
  let key = "";
  for (let i = 0; i < nRequired; i++) key += `${row[i]}\0`;
  return key;
}

function isKeyValue(value: JsonValue): value is string | number | bigint {
  return typeof value === "string" || typeof value === "number" || typeof value === "bigint";
}

function columnValue(value: JsonValue): DataIdValue | undefined {
  if (value === null) return NULL_TEXT;
  return isKeyValue(value) ? value : undefined;
}
