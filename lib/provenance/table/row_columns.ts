/**
 * Values of some quanta gathered into the columns that are written.
 *
 * @module
 */

import { UUID_SIZE } from "../../base/uuid.ts";
import type { CodedRows, ColumnRows } from "./parquet_pages.ts";

type Has = (q: number) => boolean;

/** Which quanta have a value; null if all must. */
function levelsOf(rows: Uint32Array, has: Has | undefined): Uint8Array | null {
  if (has === undefined) return null;
  const levels = new Uint8Array(rows.length);
  for (let i = 0; i < rows.length; i++) levels[i] = has(rows[i]) ? 1 : 0;
  return levels;
}

/** Quanta that have a value. */
function present(rows: Uint32Array, levels: Uint8Array | null): Uint32Array {
  return levels === null ? rows : rows.filter((_, i) => levels[i] === 1);
}

function plain(
  rows: Uint32Array,
  levels: Uint8Array | null,
  values: Int32Array | BigInt64Array | Float64Array | Uint8Array,
): ColumnRows {
  return { rows: { kind: "plain", values }, levels, nRows: rows.length };
}

/** Integers of 32 bits; in a column without `has` every quantum has one. */
export function integers(rows: Uint32Array, value: (q: number) => number, has?: Has): ColumnRows {
  const levels = levelsOf(rows, has);
  const own = present(rows, levels);
  const values = new Int32Array(own.length);
  for (let i = 0; i < own.length; i++) values[i] = value(own[i]);
  return plain(rows, levels, values);
}

/** Doubles of all quanta; without `isValue` every one counts. */
export function doubles(
  rows: Uint32Array,
  all: Float64Array,
  isValue?: (value: number) => boolean,
): ColumnRows {
  const levels = levelsOf(rows, isValue && ((q) => isValue(all[q])));
  const own = present(rows, levels);
  const values = new Float64Array(own.length);
  for (let i = 0; i < own.length; i++) values[i] = all[own[i]];
  return plain(rows, levels, values);
}

/** Times of all quanta, in microseconds; NaN for none. */
export function times(rows: Uint32Array, all: Float64Array): ColumnRows {
  const levels = levelsOf(rows, (q) => !Number.isNaN(all[q]));
  const own = present(rows, levels);
  const values = new BigInt64Array(own.length);
  for (let i = 0; i < own.length; i++) values[i] = BigInt(all[own[i]]);
  return plain(rows, levels, values);
}

/** Ids out of packed ones, by their numbers. */
export function ids(
  rows: Uint32Array,
  packed: Uint8Array,
  number: (q: number) => number,
  has?: Has,
): ColumnRows {
  const levels = levelsOf(rows, has);
  const own = present(rows, levels);
  const values = new Uint8Array(own.length * UUID_SIZE);
  for (let i = 0; i < own.length; i++) {
    const at = number(own[i]) * UUID_SIZE;
    values.set(packed.subarray(at, at + UUID_SIZE), i * UUID_SIZE);
  }
  return plain(rows, levels, values);
}

/** A column of texts, or of integers of 64 bits, while it is gathered. */
export class CodedColumn {
  readonly #codes: Int32Array;
  readonly #codeOf = new Map<string | number, number>();

  /** All rows are null. */
  constructor(nRows: number) {
    this.#codes = new Int32Array(nRows).fill(-1);
  }

  /** Gives a row its value; rows come in their order. */
  set(row: number, value: string | number | null): void {
    if (value === null) return;
    let code = this.#codeOf.get(value);
    if (code === undefined) this.#codeOf.set(value, code = this.#codeOf.size);
    this.#codes[row] = code;
  }

  /** The column, which may have nulls. */
  take(): ColumnRows {
    const rows: CodedRows = {
      kind: "coded",
      codes: this.#codes,
      distinct: [...this.#codeOf.keys()],
    };
    const levels = new Uint8Array(this.#codes.length);
    for (let i = 0; i < levels.length; i++) levels[i] = this.#codes[i] < 0 ? 0 : 1;
    return { rows, levels, nRows: levels.length };
  }
}

/** Texts that few quanta have. */
export function rareTexts(rows: Uint32Array, text: (q: number) => string | null): ColumnRows {
  const column = new CodedColumn(rows.length);
  for (let i = 0; i < rows.length; i++) column.set(i, text(rows[i]));
  return column.take();
}

/** A text for every quantum, by a number that it has. */
export function numberedTexts(
  rows: Uint32Array,
  numbers: ArrayLike<number>,
  text: (number: number) => string,
): ColumnRows {
  const column = new CodedColumn(rows.length);
  const known = new Map<number, string>();
  for (let i = 0; i < rows.length; i++) {
    const number = numbers[rows[i]];
    let own = known.get(number);
    if (own === undefined) known.set(number, own = text(number));
    column.set(i, own);
  }
  return { ...column.take(), levels: null };
}
