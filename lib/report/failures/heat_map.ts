/**
 * Where quanta failed: counts over two dimensions of data IDs, as visit and detector.
 *
 * @module
 */

import { Grower } from "../../base/grower.ts";
import type { JsonValue } from "../../base/json_text.ts";
import { IntegerNumbers } from "../../provenance/table/integer_numbers.ts";
import type { HeatLine, HeatMapReport, PlaceCounts } from "../model.ts";

/** Pairs that are looked at first. */
const USUAL_PAIRS: readonly [string, string][] = [
  ["visit", "detector"],
  ["exposure", "detector"],
  ["tract", "patch"],
];
/** Dimensions that hardly ever have a second value in a run. */
const SINGLE = new Set(["instrument", "skymap"]);
/** Rows and columns of a figure; where there are more, several values share one. */
const MAX_ROWS = 60;
const MAX_COLUMNS = 200;
/** Single values that are told. */
const N_WORST = 12;
/** Places of a map: 12 to 24 bytes each. */
const MAX_PLACES = 8_000_000;
/** Places that a row has from the start, if there are as many columns. */
const USUAL_COLUMNS = 32;
/** Maps of a report. */
const MAX_MAPS = 4;
/** Counts of a place, in the order in which they are kept. */
const N_COUNTS = 3;

/** What became of a quantum, for a map: the count of its place that goes up besides that of all. */
export const FATES = { other: 0, failed: 1, blocked: 2 } as const;

/** Values of a column: each code is the place of one. */
export interface CodedValues {
  readonly codes: Uint32Array;
  readonly values: readonly JsonValue[];
}

/** Consecutive rows of a table, without the last. */
export interface RowRange {
  from: number;
  to: number;
}

/** Values of a dimension in the order in which they were met. */
class Axis {
  readonly values: JsonValue[] = [];
  readonly #integers = new IntegerNumbers();
  readonly #others = new Map<JsonValue, number>();
  /** Neighbours mostly agree. */
  #last: JsonValue | undefined = undefined;
  #lastIndex = 0;

  indexOf(value: JsonValue): number {
    if (value === this.#last) return this.#lastIndex;
    const next = this.values.length;
    const isInteger = Number.isSafeInteger(value);
    const index = isInteger
      ? this.#integers.of(value as number, next)
      : this.#others.get(value) ?? next;
    if (index === next) {
      if (!isInteger) this.#others.set(value, next);
      this.values.push(value);
    }
    this.#last = value;
    return this.#lastIndex = index;
  }

  /** Positions in ascending order of the values. */
  sorted(): number[] {
    return this.values.map((_, i) => i)
      .sort((a, b) => compareValues(this.values[a], this.values[b]));
  }
}

/** Order of values of a dimension: numbers first. */
export function compareValues(a: JsonValue, b: JsonValue): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  const [isNumber, isOther] = [a, b].map((value) =>
    typeof value === "number" || typeof value === "bigint"
  );
  if (isNumber && isOther) return (a as number) < (b as number) ? -1 : a === b ? 0 : 1;
  if (isNumber !== isOther) return isNumber ? -1 : 1;
  const [left, right] = [String(a), String(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Of each code that rows have, the index of its value on an axis. */
function indexes({ codes, values }: CodedValues, axis: Axis, from: number, to: number): Int32Array {
  const found = new Int32Array(values.length).fill(-1);
  for (let i = from; i < to; i++) {
    const code = codes[i];
    if (found[code] < 0) found[code] = axis.indexOf(values[code]);
  }
  return found;
}

/**
 * Three counts for each place: quanta, failed, blocked. The places of a row stand together, and rows one after
 * another: arrays for each of some ten thousand rows would take longer than all else.
 */
class PlaceTable {
  /** All counts, see {@linkcode start}. */
  readonly counts = new Grower<Uint32Array>(Uint32Array);
  /** Where each row begins in the counts, and how many places it has. */
  readonly #starts = new Grower<Uint32Array>(Uint32Array);
  readonly #rooms = new Grower<Uint32Array>(Uint32Array);
  /** Where places are that a row has grown out of, by their number. */
  readonly #free = new Map<number, number[]>();
  #nCounts = 0;

  get nPlaces(): number {
    return this.#nCounts / N_COUNTS;
  }

  /** Where the rows begin, of which there are at most `nRows`. */
  starts(nRows: number): Uint32Array {
    return this.#starts.reach(nRows);
  }

  /** How many places each has. */
  rooms(nRows: number): Uint32Array {
    return this.#rooms.reach(nRows);
  }

  /** Makes room in a row for a column, of which there are `nColumns` so far. */
  makeRoom(row: number, column: number, nColumns: number): void {
    const starts = this.starts(row);
    const rooms = this.rooms(row);
    const [start, room] = [starts[row], rooms[row]];
    if (column < room) return;
    // As long as rows have been so far, so that most grow but once.
    let grown = Math.max(room, Math.min(nColumns, USUAL_COLUMNS));
    while (grown <= column) grown *= 2;
    starts[row] = this.#take(grown);
    rooms[row] = grown;
    if (room === 0) return;
    this.counts.array.copyWithin(starts[row], start, start + N_COUNTS * room);
    const free = this.#free.get(room);
    if (free === undefined) this.#free.set(room, [start]);
    else free.push(start);
  }

  /** Where so many places without a count begin. */
  #take(room: number): number {
    const size = N_COUNTS * room;
    const free = this.#free.get(room)?.pop();
    if (free !== undefined) {
      this.counts.array.fill(0, free, free + size);
      return free;
    }
    const start = this.#nCounts;
    this.#nCounts += size;
    this.counts.reach(this.#nCounts);
    return start;
  }
}

/** Counts over one pair of dimensions. */
class Grid {
  readonly rows = new Axis();
  readonly columns = new Axis();
  readonly tasks = new Set<string>();
  readonly dimensions: [string, string];
  readonly #places = new PlaceTable();

  constructor(dimensions: [string, string]) {
    this.dimensions = dimensions;
  }

  add(row: JsonValue, column: JsonValue, fate: number): void {
    const r = this.rows.indexOf(row);
    const c = this.columns.indexOf(column);
    const places = this.#places;
    places.makeRoom(r, c, this.columns.values.length);
    const counts = places.counts.array;
    const at = places.starts(r)[r] + N_COUNTS * c;
    counts[at]++;
    if (fate !== FATES.other) counts[at + fate]++;
  }

  /** Counts rows of two columns. */
  addRows(
    rows: CodedValues,
    columns: CodedValues,
    fates: Uint8Array,
    { from, to }: RowRange,
  ): void {
    // Of each code its index, asked for once.
    const rowOf = indexes(rows, this.rows, from, to);
    const columnOf = indexes(columns, this.columns, from, to);
    const rowCodes = rows.codes;
    const columnCodes = columns.codes;
    const places = this.#places;
    const nColumns = this.columns.values.length;
    const starts = places.starts(this.rows.values.length);
    const rooms = places.rooms(this.rows.values.length);
    let counts = places.counts.array;
    for (let i = from; i < to; i++) {
      const r = rowOf[rowCodes[i]];
      const column = columnOf[columnCodes[i]];
      if (column >= rooms[r]) {
        places.makeRoom(r, column, nColumns);
        counts = places.counts.array;
      }
      const at = starts[r] + N_COUNTS * column;
      counts[at]++;
      const fate = fates[i];
      if (fate !== FATES.other) counts[at + fate]++;
    }
  }

  get isTooLarge(): boolean {
    return this.#places.nPlaces > MAX_PLACES;
  }

  /** Null if nothing failed, or there is but one place. */
  report(): HeatMapReport | null {
    const rows = this.rows.sorted();
    const columns = this.columns.sorted();
    if (rows.length * columns.length < 2) return null;
    const rowBins = binned(rows, MAX_ROWS);
    const columnBins = binned(columns, MAX_COLUMNS);
    const sums = this.#sums(rowBins, columnBins);
    const { n_failed, n_blocked } = total(sums.columns, columns);
    if (n_failed + n_blocked === 0) return null;
    const line = (axis: Axis, bin: number[], counts: Uint32Array): HeatLine => ({
      first: axis.values[bin[0]],
      last: axis.values[bin.at(-1)!],
      ...total(counts, bin),
    });
    const places = (row: number, which: number) =>
      columnBins.map((_, column) =>
        sums.places[N_COUNTS * (row * columnBins.length + column) + which]
      );
    return {
      dimensions: this.dimensions,
      tasks: [...this.tasks],
      rows: rowBins.map((bin, row) => ({
        ...line(this.rows, bin, sums.rows),
        quanta: places(row, 0),
        failed: places(row, 1),
        blocked: places(row, 2),
      })),
      columns: columnBins.map((bin) => line(this.columns, bin, sums.columns)),
      worst: this.#worst(rows, this.rows.values, sums.rows, 0)
        .concat(this.#worst(columns, this.columns.values, sums.columns, 1)),
    };
  }

  /** Sums by row, by column, and by place of the figure: one look at each count. */
  #sums(rowBins: readonly number[][], columnBins: readonly number[][]): GridSums {
    const nColumns = this.columns.values.length;
    const binOf = (bins: readonly number[][], n: number) => {
      const found = new Uint32Array(n);
      bins.forEach((bin, b) => bin.forEach((i) => found[i] = b));
      return found;
    };
    const rowBin = binOf(rowBins, this.rows.values.length);
    const columnBin = binOf(columnBins, nColumns);
    const sums: GridSums = {
      rows: new Uint32Array(N_COUNTS * this.rows.values.length),
      columns: new Uint32Array(N_COUNTS * nColumns),
      places: new Uint32Array(N_COUNTS * rowBins.length * columnBins.length),
    };
    const nRows = this.rows.values.length;
    const starts = this.#places.starts(nRows);
    const rooms = this.#places.rooms(nRows);
    const counts = this.#places.counts.array;
    for (let r = 0; r < nRows; r++) {
      const place = rowBin[r] * columnBins.length;
      const nInRow = Math.min(nColumns, rooms[r]);
      for (let c = 0; c < nInRow; c++) {
        const at = starts[r] + N_COUNTS * c;
        if (counts[at] === 0) continue;
        const to = N_COUNTS * (place + columnBin[c]);
        for (let which = 0; which < N_COUNTS; which++) {
          const n = counts[at + which];
          // Hardly any have failed.
          if (n === 0) continue;
          sums.rows[N_COUNTS * r + which] += n;
          sums.columns[N_COUNTS * c + which] += n;
          sums.places[to + which] += n;
        }
      }
    }
    return sums;
  }

  /** @param sorted Positions in the order of their values. */
  #worst(
    sorted: readonly number[],
    values: readonly JsonValue[],
    sums: Uint32Array,
    axis: 0 | 1,
  ): HeatMapReport["worst"] {
    return sorted.filter((i) => sums[N_COUNTS * i + FATES.failed] > 0)
      .map((i) => ({ dimension: this.dimensions[axis], value: values[i], ...total(sums, [i]) }))
      .sort((a, b) =>
        b.n_failed - a.n_failed || b.n_blocked - a.n_blocked || compareValues(a.value, b.value)
      )
      .slice(0, N_WORST);
  }
}

/** Counts, each three times: quanta, failed, blocked. */
interface GridSums {
  rows: Uint32Array;
  columns: Uint32Array;
  places: Uint32Array;
}

/** The counts of some positions, added up. */
function total(counts: Uint32Array, positions: readonly number[]): PlaceCounts {
  const sum: PlaceCounts = { n_quanta: 0, n_failed: 0, n_blocked: 0 };
  for (const i of positions) {
    const at = N_COUNTS * i;
    sum.n_quanta += counts[at];
    sum.n_failed += counts[at + FATES.failed];
    sum.n_blocked += counts[at + FATES.blocked];
  }
  return sum;
}

/** Neighbours together, so that there are at most `most` of them. */
function binned(sorted: readonly number[], most: number): number[][] {
  const size = Math.ceil(sorted.length / most);
  const bins: number[][] = [];
  for (let i = 0; i < sorted.length; i += size) bins.push(sorted.slice(i, i + size));
  return bins;
}

/** Counts quanta over the pairs of dimensions that their tasks have. */
export class HeatMaps {
  readonly #grids = new Map<string, Grid>();
  /** Of each task: its grid and the positions of both dimensions in its data IDs. */
  readonly #places = new Map<string, [Grid, number, number] | null>();

  /** @param required Names of the required dimensions of each task's data IDs. */
  constructor(required: ReadonlyMap<string, readonly string[]>) {
    for (const [label, names] of required) {
      const pair = pairOf(names);
      const key = pair?.join("\0") ?? "";
      if (pair === null || (!this.#grids.has(key) && this.#grids.size >= MAX_MAPS)) continue;
      let grid = this.#grids.get(key);
      if (grid === undefined) this.#grids.set(key, grid = new Grid(pair));
      grid.tasks.add(label);
      this.#places.set(label, [grid, names.indexOf(pair[0]), names.indexOf(pair[1])]);
    }
  }

  /** Counts a quantum with these values of required dimensions. @param fate One of {@linkcode FATES}. */
  add(label: string, values: readonly JsonValue[], fate: number): void {
    const place = this.#places.get(label);
    if (place === null || place === undefined) return;
    const [grid, row, column] = place;
    grid.add(values[row] ?? null, values[column] ?? null, fate);
    if (grid.isTooLarge) this.#drop(grid);
  }

  /** Counts quanta of a task, whose values of required dimensions are in columns. */
  addRows(label: string, values: readonly CodedValues[], fates: Uint8Array, rows: RowRange): void {
    const place = this.#places.get(label);
    if (place === null || place === undefined) return;
    const [grid, row, column] = place;
    grid.addRows(values[row], values[column], fates, rows);
    if (grid.isTooLarge) this.#drop(grid);
  }

  /** Maps on which something failed. */
  report(): HeatMapReport[] {
    return [...this.#grids.values()].map((grid) => grid.report()).filter((map) => map !== null);
  }

  #drop(grid: Grid): void {
    this.#grids.delete(grid.dimensions.join("\0"));
    for (const label of grid.tasks) this.#places.delete(label);
  }
}

function pairOf(names: readonly string[]): [string, string] | null {
  const usual = USUAL_PAIRS.find((pair) => pair.every((name) => names.includes(name)));
  if (usual !== undefined) return usual;
  const others = names.filter((name) => !SINGLE.has(name));
  return others.length >= 2 ? [others[0], others[1]] : null;
}
