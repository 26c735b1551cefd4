/**
 * Answers out of the table of quanta in a graph, where passing over all documents would be the other way.
 *
 * @module
 */

import {
  mayHave,
  QuantaTable,
  type TableGroup,
  type ValuesBatch,
} from "../../provenance/table/quanta_table.ts";
import { Grower } from "../../base/grower.ts";
import { sortOffsets } from "../../base/sort_ids.ts";
import { countStatus, type QuantumWish, type StatusCounts, type WishValue } from "../rows.ts";
import type { Address } from "../../qg/address_rows.ts";

export { QuantaTable };

/** A pass is quicker if one quantum in so many is wished for. */
const MIN_RATIO = 3;

/**
 * Where the documents of the quanta are that may be wished for, in the order of the file; null if they are
 * so many that a pass over all is quicker. Memory: 100 bytes for each.
 */
export async function wishedAddresses(
  table: QuantaTable,
  wish: QuantumWish,
): Promise<Address[] | null> {
  const most = table.nRows / MIN_RATIO;
  const addresses: Address[] = [];
  const isWhole = await passWished(table, wish, ["document_offset", "document_size"], (batch) => {
    const offsets = batch.numbers("document_offset");
    const sizes = batch.numbers("document_size");
    return (row) => {
      if (addresses.length >= most) return false;
      addresses.push({ offset: offsets[row], size: sizes[row] });
      return true;
    };
  });
  return isWhole ? addresses.sort((a, b) => a.offset - b.offset) : null;
}

/**
 * Values of the quanta that may be wished for, in the order of their documents; null if they are more than
 * `most`. Memory: that of the values.
 *
 * @param names Dimensions, and columns.
 */
export async function wishedValues(
  table: QuantaTable,
  wish: QuantumWish,
  names: readonly string[],
  most: number,
): Promise<WishValue[][] | null> {
  const columns = names.map((name) => table.dimensionColumn(name) ?? name);
  const offsets = new Grower<Float64Array>(Float64Array);
  const rows: WishValue[][] = [];
  const isWhole = await passWished(table, wish, ["document_offset", ...columns], (batch) => {
    const documents = batch.numbers("document_offset");
    const valueOf = columns.map((column) => batch.value(column));
    return (row) => {
      if (rows.length >= most) return false;
      offsets.reach(rows.length)[rows.length] = documents[row];
      rows.push(valueOf.map((value) => value(row)));
      return true;
    };
  });
  if (!isWhole) return null;
  return Array.from(sortOffsets(offsets.array.subarray(0, rows.length)), (i) => rows[i]);
}

/**
 * Passes over the rows that may be wished for.
 *
 * @param others Columns that are read besides those of the wish.
 * @param begin Gives for each batch what takes its rows; it is false if no more are wanted.
 * @returns whether all were taken.
 */
async function passWished(
  table: QuantaTable,
  wish: QuantumWish,
  others: readonly string[],
  begin: (batch: ValuesBatch) => (row: number) => boolean,
): Promise<boolean> {
  const columns = new Map<string, string>();
  for (const name of wish.names) columns.set(name, table.dimensionColumn(name) ?? name);
  const wanted = new Set([...others, ...columns.values()]);
  if (wish.tasks.length > 0) wanted.add("task");
  if (wish.statuses.length > 0) wanted.add("status");
  const batches = table.readValues(
    table.known(wanted),
    (group) =>
      (wish.tasks.length === 0 || mayHave(group, "task", wish.tasks)) &&
      (wish.statuses.length === 0 || mayHave(group, "status", wish.statuses)),
  );
  for await (const batch of batches) {
    const fits = batchTest(batch, wish, columns);
    const take = begin(batch);
    for (let row = 0; row < batch.nRows; row++) {
      if (fits(row) && !take(row)) return false;
    }
  }
  return true;
}

/** Whether a row of a batch may be wished for. */
function batchTest(
  batch: ValuesBatch,
  wish: QuantumWish,
  columnOf: ReadonlyMap<string, string>,
): (row: number) => boolean {
  const hasTask = oneOf(batch, "task", wish.tasks);
  const hasStatus = oneOf(batch, "status", wish.statuses);
  const byName = new Map(
    [...columnOf].map(([name, column]) => [name, batch.value(column)]),
  );
  let row = 0;
  const value = (name: string): WishValue => byName.get(name)?.(row);
  return (i) => {
    if (!hasTask(i) || !hasStatus(i)) return false;
    row = i;
    return wish.mayFit(value);
  };
}

/** Whether a row has one of these values; any will do if there are none. */
function oneOf(
  batch: ValuesBatch,
  name: string,
  wanted: readonly string[],
): (row: number) => boolean {
  if (wanted.length === 0) return () => true;
  const { codes, values } = batch.coded(name);
  const isWanted = values.map((value) => wanted.includes(String(value)));
  return (row) => isWanted[codes[row]];
}

/** Groups that are read at a time for counts: each is two small columns, and a wait where it is far away. */
const GROUPS_AT_ONCE = 4;

/** Counts all quanta. Memory: two columns of four groups. */
export async function countByTable(table: QuantaTable): Promise<StatusCounts> {
  const numbers = new Map(table.groups.map((group, i) => [group, i]));
  /** Of each group, by its first row. */
  const parts = new Map<number, StatusCounts>();
  const countShare = async (share: number): Promise<void> => {
    const isMine = (group: TableGroup) => numbers.get(group)! % GROUPS_AT_ONCE === share;
    for await (const batch of table.readValues(["task", "status"], isMine)) {
      const counts: StatusCounts = new Map();
      const [tasks, statuses] = [batch.coded("task"), batch.coded("status")];
      for (let i = 0; i < batch.nRows; i++) {
        countStatus(
          counts,
          String(tasks.values[tasks.codes[i]]),
          String(statuses.values[statuses.codes[i]]),
        );
      }
      parts.set(batch.start, counts);
    }
  };
  await Promise.all(Array.from({ length: GROUPS_AT_ONCE }, (_, share) => countShare(share)));
  const counts: StatusCounts = new Map();
  // In the order of the table, whichever came first.
  for (const [, part] of [...parts].sort(([a], [b]) => a - b)) {
    for (const [task, statuses] of part) {
      for (const [status, n] of Object.entries(statuses)) countStatus(counts, task, status, n);
    }
  }
  return counts;
}
