/**
 * Which quanta are wanted: what `ls` has as options, as part of a link.
 *
 * @module
 */

import { parseRowWhere } from "../../../inspect/list/list.ts";
import { QUANTUM_FIELDS } from "../../../inspect/list/list_fields.ts";
import type { RowDimensions } from "../../../sources/rows.ts";
import type { NumberColumn, QuantumTable } from "./quantum_table.ts";

/** Statuses that something has to be done about. */
export const CATEGORIES: Readonly<Record<"bad", ReadonlySet<string>>> = {
  bad: new Set(["FAILED", "ABORTED", "ABORTED_SUCCESS", "UNKNOWN"]),
};

/** Filters as a link has them: all as text, lists with commas. */
type FilterQuery = Readonly<Record<string, string>>;

/** Numbers of the rows that are wanted, in the order that is wanted. */
interface FoundRows {
  rows: Uint32Array;
  /** What is wrong with the expression; null if nothing is. */
  error: unknown;
}

/** Finds the rows that fit `task`, `status`, `exception`, `failure`, `where`, in the order of `sort`. */
export function findRows(
  table: QuantumTable,
  dimensions: RowDimensions,
  query: FilterQuery,
): FoundRows {
  const tasks = list(query.task);
  const statuses = list(query.status);
  const failure = Number(query.failure ?? 0);
  const exception = query.exception ?? "";
  let where: ReturnType<typeof parseRowWhere> | null = null;
  let error: unknown = null;
  if (query.where) {
    try {
      where = parseRowWhere(query.where, dimensions, QUANTUM_FIELDS);
    } catch (cause) {
      error = cause;
    }
  }
  if (error !== null) return { rows: new Uint32Array(0), error };
  const rows = new Uint32Array(table.n);
  let n = 0;
  for (let row = 0; row < table.n; row++) {
    if (tasks !== null && !tasks.has(table.task(row))) continue;
    if (statuses !== null && !statuses.has(table.status(row))) continue;
    if (exception !== "" && !isNamed(table.exception(row), exception)) continue;
    if (failure !== 0 && !hasFailure(table, row, failure)) continue;
    if (where !== null && where(table.whereRow(row)) !== true) continue;
    rows[n++] = row;
  }
  return { rows: sorted(table, rows.subarray(0, n), query.sort), error };
}

/** A full name or its last part, as `ls --exception` takes it. */
function isNamed(full: string, name: string): boolean {
  return full === name || full.slice(full.lastIndexOf(".") + 1) === name;
}

function hasFailure(table: QuantumTable, row: number, failure: number): boolean {
  return table.failure(row) === failure ||
    (table.earlier.get(row)?.some((earlier) => earlier.failure === failure) ?? false);
}

function list(text: string | undefined): ReadonlySet<string> | null {
  return text ? new Set(text.split(",")) : null;
}

/** @param sort name of a column, `-` in front for descending; absent for the order of the file. */
function sorted(table: QuantumTable, rows: Uint32Array, sort: string | undefined): Uint32Array {
  if (!sort) return rows;
  const isDown = sort.startsWith("-");
  const column = sort.replace(/^-/, "") as NumberColumn;
  const value = (row: number) => {
    const number = table.number(column, row);
    // What isn't known comes last either way.
    return Number.isNaN(number) ? Infinity : isDown ? -number : number;
  };
  return rows.sort((a, b) => value(a) - value(b) || a - b);
}
