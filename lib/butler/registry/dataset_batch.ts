/**
 * Batches of datasets in the order in which they are written.
 *
 * @module
 */

import { UUID_SIZE, uuidFromText, uuidToText } from "../../base/uuid.ts";
import { formatDataId } from "../dimensions/data_id.ts";
import { hexIdsOf } from "./dataset_id.ts";
import type { DatasetBatch } from "./registry.ts";
import type { DataIdValue } from "../dimensions/data_id_value.ts";
import type { DatasetType } from "../dimensions/dataset_type.ts";

/** Some rows of a batch as a batch of their own; `rows` ascending. */
export function selectRows(batch: DatasetBatch, rows: Uint32Array): DatasetBatch {
  if (rows.length === batch.n) return batch;
  const ids = new Uint8Array(rows.length * UUID_SIZE);
  const values: DataIdValue[] = [];
  let next = 0;
  let valueAt = 0;
  for (let row = 0; row < batch.n && next < rows.length; row++) {
    const nValues = batch.types[batch.typeIndex[row]].group.required.length;
    if (row === rows[next]) {
      ids.set(batch.ids.subarray(row * UUID_SIZE, (row + 1) * UUID_SIZE), next * UUID_SIZE);
      for (let i = 0; i < nValues; i++) values.push(batch.values[valueAt + i]);
      next++;
    }
    valueAt += nValues;
  }
  return {
    ...batch,
    n: rows.length,
    ids,
    typeIndex: Uint16Array.from(rows, (row) => batch.typeIndex[row]),
    values,
    paths: Array.from(rows, (row) => batch.paths[row]),
    others: batch.others?.map((records) => ({
      ...records,
      paths: Array.from(rows, (row) => records.paths[row]),
    })),
  };
}

/**
 * A batch with its rows sorted by dataset ID, which is what B-trees like: 44 000 instead of 38 000
 * datasets a second.
 */
export class SortedBatch {
  readonly batch: DatasetBatch;
  /** Dataset IDs as 32 hexadecimal digits, by row of the batch. */
  readonly hexIds: readonly string[];
  /** Rows of the batch, ascending by dataset ID. */
  readonly order: Uint32Array;
  /** Positions in `types` that have rows, ascending. */
  readonly usedTypes: readonly number[];
  /** Where each row's values begin, and at the end their number. */
  readonly #valueStart: Uint32Array;

  /** @throws {RangeError} if the columns of the batch don't fit together. */
  constructor(batch: DatasetBatch) {
    const { n, ids, typeIndex, types, values, paths } = batch;
    if (ids.length !== n * UUID_SIZE || typeIndex.length < n || paths.length !== n) {
      throw new RangeError(`Cannot use dataset batch: its columns do not have ${n} rows`);
    }
    this.batch = batch;
    this.#valueStart = new Uint32Array(n + 1);
    const isUsed: boolean[] = new Array(types.length).fill(false);
    let nValues = 0;
    for (let row = 0; row < n; row++) {
      const type = types[typeIndex[row]];
      if (type === undefined) {
        throw new RangeError(`Cannot use dataset batch: row ${row} has no dataset type`);
      }
      isUsed[typeIndex[row]] = true;
      this.#valueStart[row] = nValues;
      nValues += type.group.required.length;
    }
    this.#valueStart[n] = nValues;
    if (values.length !== nValues) {
      throw new RangeError(
        `Cannot use dataset batch: it has ${values.length} data ID values, expected ${nValues}`,
      );
    }
    this.usedTypes = [...isUsed.keys()].filter((index) => isUsed[index]);
    this.hexIds = hexIdsOf(ids);
    this.order = ascendingOrder(ids, this.hexIds);
  }

  /** Rows in groups of one dataset type each, types and rows in their order. */
  byType(rows: Iterable<number>): number[][] {
    const groups: number[][] = [];
    for (const row of rows) (groups[this.batch.typeIndex[row]] ??= []).push(row);
    return Object.values(groups); // without the holes of other types
  }

  /** Dataset type of a row. */
  type(row: number): DatasetType {
    return this.batch.types[this.batch.typeIndex[row]];
  }

  /** Values of the required dimensions of a row. */
  values(row: number): DataIdValue[] {
    return this.batch.values.slice(this.#valueStart[row], this.#valueStart[row + 1]);
  }

  /** One value of a row, by position among the required dimensions. */
  value(row: number, position: number): DataIdValue {
    return this.batch.values[this.#valueStart[row] + position];
  }

  /** How messages name a row's dataset: ID, type, run and data ID. */
  describe(row: number): string {
    const { group, name } = this.type(row);
    return `${uuidToText(this.batch.ids, row * UUID_SIZE)} (${name} ` +
      `${formatDataId(group, this.values(row))}, run "${this.batch.run}")`;
  }

  /**
   * Values of each governor dimension that occurs in the batch, both sorted: what the summary
   * tables have to say of the run.
   */
  governorValues(): Map<string, DataIdValue[]> {
    const positions = this.batch.types.map(({ group }) =>
      group.governors.map((name): [string, number] => [name, group.required.indexOf(name)])
    );
    const found = new Map<string, Set<DataIdValue>>();
    for (let row = 0; row < this.batch.n; row++) {
      for (const [name, position] of positions[this.batch.typeIndex[row]]) {
        if (position < 0) continue;
        let values = found.get(name);
        if (values === undefined) found.set(name, values = new Set());
        values.add(this.value(row, position));
      }
    }
    return new Map(
      [...found.keys()].sort().map((name) => [name, [...found.get(name)!].sort()]),
    );
  }
}

/** Positions of IDs in ascending order; equal ones keep theirs. */
function ascendingOrder(ids: Uint8Array, hexIds: readonly string[]): Uint32Array {
  const n = hexIds.length;
  const view = new DataView(ids.buffer, ids.byteOffset, ids.byteLength);
  // Most IDs differ in their first six bytes, which are a number.
  const keys = new Float64Array(n);
  const order = new Uint32Array(n);
  let isAscending = true;
  for (let i = 0; i < n; i++) {
    keys[i] = view.getUint32(i * UUID_SIZE) * 2 ** 16 + view.getUint16(i * UUID_SIZE + 4);
    order[i] = i;
    isAscending &&= i === 0 || keys[i] > keys[i - 1] ||
      (keys[i] === keys[i - 1] && hexIds[i] >= hexIds[i - 1]);
  }
  if (isAscending) return order;
  return order.sort((a, b) =>
    keys[a] - keys[b] || (hexIds[a] < hexIds[b] ? -1 : hexIds[a] > hexIds[b] ? 1 : 0)
  );
}

/** Text form with dashes of a dataset ID as SQLite stores it. */
export function hexIdToText(hexId: string): string {
  return uuidToText(uuidFromText(hexId));
}
