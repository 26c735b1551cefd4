/**
 * Quanta out of the table that a graph may have: a fiftieth of the bytes of their documents.
 *
 * @module
 */

import { formatIsoTime } from "../../../base/iso_time.ts";
import type { JsonValue } from "../../../base/json_text.ts";
import type { QuantaTable, TableBatch } from "../../../provenance/table/quanta_table.ts";
import { NUMBER_COLUMNS, type NumberColumn, type QuantumRow } from "./quantum_table.ts";
import type { DimensionGroup } from "../../../butler/dimensions/dimension_group.ts";

const COLUMNS = [
  "quantum_id",
  "task",
  "status",
  "exception",
  "message",
  "start",
  ...NUMBER_COLUMNS,
] as const;

/** All quanta, a group at a time. Memory: a group. */
export async function* tableRows(
  table: QuantaTable,
  groups: ReadonlyMap<string, DimensionGroup>,
): AsyncGenerator<QuantumRow> {
  const dimensions = new Map(table.dimensions.map(({ name, column }) => [name, column]));
  const names = [...COLUMNS, ...dimensions.values()];
  for await (const { columns, nRows } of table.read(names)) {
    for (let i = 0; i < nRows; i++) yield rowOf(columns, i, groups, dimensions);
  }
}

function rowOf(
  columns: TableBatch["columns"],
  i: number,
  groups: ReadonlyMap<string, DimensionGroup>,
  dimensions: ReadonlyMap<string, string>,
): QuantumRow {
  const task = String(columns.task[i]);
  const group = groups.get(task);
  const dataId = [...group?.required ?? [], ...group?.implied ?? []]
    .map((name) => plain(columns[dimensions.get(name) ?? ""]?.[i]));
  const numbers = {} as Record<NumberColumn, number>;
  for (const name of NUMBER_COLUMNS) {
    numbers[name] = columns[name][i] == null ? NaN : Number(columns[name][i]);
  }
  if (Number.isNaN(numbers.caveats)) numbers.caveats = 0;
  if (Number.isNaN(numbers.n_blocked)) numbers.n_blocked = 0;
  const start = columns.start[i];
  const exception = columns.exception[i];
  return {
    id: columns.quantum_id[i] as Uint8Array,
    task,
    status: String(columns.status[i]),
    exception: exception == null ? null : String(exception),
    message: String(columns.message[i] ?? ""),
    dataId,
    start: start == null ? "" : formatIsoTime(Number(start)),
    numbers,
  };
}

/** A value as documents have it: integers are numbers where that is exact. */
function plain(value: unknown): JsonValue {
  if (typeof value !== "bigint") return (value ?? null) as JsonValue;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
