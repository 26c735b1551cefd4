/**
 * Answers out of the table of quanta in a graph, where passing over all documents would be the other way.
 *
 * @module
 */

import { uuidToText } from "../../base/uuid.ts";
import {
  mayHave,
  type QuantaTable,
  type TableBatch,
  type TableGroup,
} from "../../provenance/table/quanta_table.ts";
import type { Address } from "../../qg/address_file.ts";
import { countStatus, type QuantumWish, type StatusCounts, type WishValue } from "../rows.ts";

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
  const columns = new Map<string, string>();
  for (const name of wish.names) columns.set(name, table.dimensionColumn(name) ?? name);
  const wanted = new Set(["document_offset", "document_size", ...columns.values()]);
  if (wish.tasks.length > 0) wanted.add("task");
  if (wish.statuses.length > 0) wanted.add("status");
  const most = table.nRows / MIN_RATIO;
  const addresses: Address[] = [];
  const batches = table.read(
    table.known(wanted),
    (group) =>
      (wish.tasks.length === 0 || mayHave(group, "task", wish.tasks)) &&
      (wish.statuses.length === 0 || mayHave(group, "status", wish.statuses)),
  );
  for await (const batch of batches) {
    const fits = batchTest(batch, wish, columns);
    const { document_offset, document_size } = batch.columns;
    for (let i = 0; i < batch.nRows; i++) {
      if (!fits(i)) continue;
      if (addresses.length >= most) return null;
      addresses.push({ offset: Number(document_offset[i]), size: Number(document_size[i]) });
    }
  }
  return addresses.sort((a, b) => a.offset - b.offset);
}

/** Whether a row of a batch may be wished for. */
function batchTest(
  { columns }: TableBatch,
  wish: QuantumWish,
  columnOf: ReadonlyMap<string, string>,
): (row: number) => boolean {
  const tasks = new Set<unknown>(wish.tasks);
  const statuses = new Set<unknown>(wish.statuses);
  const byName = new Map([...columnOf].map(([name, column]) => [name, columns[column]]));
  let row = 0;
  const value = (name: string): WishValue => wishValue(byName.get(name)?.[row]);
  return (i) => {
    row = i;
    return (tasks.size === 0 || tasks.has(columns.task[i])) &&
      (statuses.size === 0 || statuses.has(columns.status[i])) && wish.mayFit(value);
  };
}

/** A value as documents have it: integers are numbers as long as these are exact. */
function wishValue(value: unknown): WishValue {
  if (value instanceof Uint8Array) return uuidToText(value);
  if (typeof value === "bigint") {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }
  return value as WishValue;
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
    for await (const { start, nRows, columns } of table.read(["task", "status"], isMine)) {
      const counts: StatusCounts = new Map();
      const { task, status } = columns;
      for (let i = 0; i < nRows; i++) countStatus(counts, String(task[i]), String(status[i]));
      parts.set(start, counts);
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
