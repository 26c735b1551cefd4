/**
 * The order of a list: by what rows say, so that it doesn't depend on which of many scanners was quicker.
 *
 * @module
 */

import { RefusedError, UsageError } from "../../base/errors.ts";
import { nearestHint } from "../../base/text/nearest.ts";
import type { JsonValue } from "../../base/json_text.ts";
import type { ListedRow } from "./listed_row.ts";

/** What rows are sorted by. */
interface SortKey {
  /** A field, or a dimension. */
  name: string;
  isDescending: boolean;
}

/** Rows that are held to be put in order; so many take 0.5 GB. */
const MAX_SORTED = 500_000;

/** Order of names that have one of their own, as tasks in their pipeline. */
type NameOrder = ReadonlyMap<string, number>;

/**
 * Parses keys, `FIELD` or `-FIELD` for descending.
 *
 * @throws {UsageError} for a name that is neither a field nor a dimension.
 */
export function parseSortKeys(
  words: readonly string[],
  fields: readonly string[],
  dimensions: readonly string[],
): SortKey[] {
  return words.map((word) => {
    const isDescending = word.startsWith("-");
    const name = isDescending ? word.slice(1) : word;
    const known = [...fields, ...dimensions];
    if (known.includes(name)) return { name, isDescending };
    throw new UsageError(`Cannot sort by "${name}": there is no such field or dimension`, {
      hint: nearestHint(name, known, `names are ${known.join(", ")}`),
    });
  });
}

/**
 * Rows by their keys; equal ones by label, data ID and the rest, so that their order is always the same.
 *
 * @param labels Order of tasks.
 * @param limit Rows that are wanted; null for all. So many are held.
 * @throws {RefusedError} if there are more than {@linkcode MAX_SORTED}.
 */
export async function* sorted(
  rows: AsyncIterable<ListedRow>,
  keys: readonly SortKey[],
  labels: NameOrder,
  limit: number | null,
): AsyncGenerator<ListedRow> {
  const compare = comparison(keys, labels);
  const most = Math.min(limit ?? MAX_SORTED, MAX_SORTED);
  let held: ListedRow[] = [];
  for await (const row of rows) {
    held.push(row);
    if (limit === null || limit > MAX_SORTED) {
      if (held.length <= MAX_SORTED) continue;
      throw new RefusedError(`Cannot sort so many rows: there are more than ${MAX_SORTED}`, {
        hint: "--limit, --task or --where leave fewer; --sort none lists them as they are stored",
      });
    }
    // Twice as many before they are cut: each is sorted a few times, and not once for every other.
    if (held.length >= 2 * most + 1000) held = held.sort(compare).slice(0, most);
  }
  yield* held.sort(compare).slice(0, most);
}

/**
 * The same, but as many rows as can't be held come as they are stored.
 *
 * @param onUnsorted Called before the first row if that is so.
 */
export async function* sortedIfFew(
  rows: AsyncIterable<ListedRow>,
  labels: NameOrder,
  maxHeld: number,
  onUnsorted: () => void,
): AsyncGenerator<ListedRow> {
  const held: ListedRow[] = [];
  const iterator = rows[Symbol.asyncIterator]();
  let next = await iterator.next();
  while (!next.done && held.length < maxHeld) {
    held.push(next.value);
    next = await iterator.next();
  }
  if (next.done) return yield* held.sort(comparison([], labels));
  onUnsorted();
  yield* held;
  for (; !next.done; next = await iterator.next()) yield next.value;
}

function comparison(
  keys: readonly SortKey[],
  labels: NameOrder,
): (a: ListedRow, b: ListedRow) => number {
  return (a, b) => {
    for (const { name, isDescending } of keys) {
      if (name === "data_id") {
        const order = compareDataIds(a, b);
        if (order !== 0) return isDescending ? -order : order;
        continue;
      }
      const [x, y] = [valueOf(a, name), valueOf(b, name)];
      // What a row doesn't have comes last, either way.
      if (x === null || y === null) {
        if (x !== y) return x === null ? 1 : -1;
        continue;
      }
      const order = name === "task" ? compareLabels(x, y, labels) : compareValues(x, y);
      if (order !== 0) return isDescending ? -order : order;
    }
    return compareRows(a, b, labels);
  };
}

/** Task or dataset type, data ID, attempt, then the ID. */
function compareRows(a: ListedRow, b: ListedRow, labels: NameOrder): number {
  const label = (row: ListedRow) => row.fields.task ?? row.fields.dataset_type ?? "";
  return compareLabels(label(a), label(b), labels) ||
    compareDataIds(a, b) ||
    compareValues(idOf(a), idOf(b)) ||
    compareValues(a.fields.attempt ?? null, b.fields.attempt ?? null);
}

function idOf({ fields }: ListedRow): JsonValue {
  return fields.quantum_id ?? fields.dataset_id ?? "";
}

function compareDataIds(a: ListedRow, b: ListedRow): number {
  for (const name of a.requiredDimensions) {
    const order = compareValues(valueOf(a, name), valueOf(b, name));
    if (order !== 0) return order;
  }
  return 0;
}

function valueOf({ fields }: ListedRow, name: string): JsonValue {
  if (Object.hasOwn(fields, name)) {
    const value = fields[name];
    return typeof value === "object" && value !== null ? JSON.stringify(value) : value;
  }
  return (fields.data_id as { [dimension: string]: JsonValue })[name] ?? null;
}

/** Tasks as in their pipeline, others behind them by name. */
function compareLabels(a: JsonValue, b: JsonValue, labels: NameOrder): number {
  if (a === b) return 0;
  const [x, y] = [labels.get(String(a)) ?? Infinity, labels.get(String(b)) ?? Infinity];
  return x === y ? compareValues(a, b) : x - y;
}

function compareValues(a: JsonValue, b: JsonValue): number {
  const isNumber = (value: JsonValue) => typeof value === "number" || typeof value === "bigint";
  const [x, y] = isNumber(a) && isNumber(b)
    ? [a as number | bigint, b as number | bigint]
    : [String(a), String(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}
