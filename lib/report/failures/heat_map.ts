/**
 * Where quanta failed: counts over two dimensions of data IDs, as visit and detector.
 *
 * @module
 */

import type { JsonValue } from "../../base/json_text.ts";
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
/** Places of a map: 12 bytes each. */
const MAX_PLACES = 8_000_000;
/** Maps of a report. */
const MAX_MAPS = 4;
/** Counts of a place, in the order in which they are kept. */
const N_COUNTS = 3;

/** What became of a quantum, for a map. */
export type Fate = "failed" | "blocked" | "other";

/** Values of a dimension in the order in which they were met. */
class Axis {
  readonly values: JsonValue[] = [];
  readonly #index = new Map<JsonValue, number>();

  indexOf(value: JsonValue): number {
    let index = this.#index.get(value);
    if (index === undefined) {
      this.#index.set(value, index = this.values.length);
      this.values.push(value);
    }
    return index;
  }

  /** Positions in ascending order of the values. */
  sorted(): number[] {
    return this.values.map((_, i) => i)
      .sort((a, b) => compareValues(this.values[a], this.values[b]));
  }
}

/** Order of values of a dimension: numbers first. */
export function compareValues(a: JsonValue, b: JsonValue): number {
  const [isNumber, isOther] = [a, b].map((value) =>
    typeof value === "number" || typeof value === "bigint"
  );
  if (isNumber && isOther) return (a as number) < (b as number) ? -1 : a === b ? 0 : 1;
  if (isNumber !== isOther) return isNumber ? -1 : 1;
  const [left, right] = [String(a), String(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Counts over one pair of dimensions. */
class Grid {
  readonly rows = new Axis();
  readonly columns = new Axis();
  readonly tasks = new Set<string>();
  /** By row, then column: quanta, failed, blocked. */
  readonly #counts: Uint32Array[] = [];
  #nPlaces = 0;

  constructor(readonly dimensions: [string, string]) {}

  add(row: JsonValue, column: JsonValue, fate: Fate): void {
    const r = this.rows.indexOf(row);
    const at = N_COUNTS * this.columns.indexOf(column);
    let counts = this.#counts[r] ?? new Uint32Array(0);
    if (at >= counts.length) {
      const grown = new Uint32Array(Math.max(at + N_COUNTS, 2 * counts.length));
      grown.set(counts);
      this.#nPlaces += (grown.length - counts.length) / N_COUNTS;
      counts = this.#counts[r] = grown;
    }
    counts[at]++;
    if (fate === "failed") counts[at + 1]++;
    else if (fate === "blocked") counts[at + 2]++;
  }

  get isTooLarge(): boolean {
    return this.#nPlaces > MAX_PLACES;
  }

  /** Null if nothing failed, or there is but one place. */
  report(): HeatMapReport | null {
    const rows = this.rows.sorted();
    const columns = this.columns.sorted();
    if (rows.length * columns.length < 2) return null;
    const rowSums = rows.map((r) => this.#sum([r], columns));
    const columnSums = columns.map((c) => this.#sum(rows, [c]));
    if (rowSums.every(({ n_failed, n_blocked }) => n_failed + n_blocked === 0)) return null;
    const columnBins = binned(columns, MAX_COLUMNS);
    const line = (axis: Axis, bin: number[], counts: PlaceCounts): HeatLine => ({
      first: axis.values[bin[0]],
      last: axis.values[bin.at(-1)!],
      ...counts,
    });
    return {
      dimensions: this.dimensions,
      tasks: [...this.tasks],
      rows: binned(rows, MAX_ROWS).map((bin) => {
        const places = columnBins.map((columnBin) => this.#sum(bin, columnBin));
        return {
          ...line(this.rows, bin, this.#sum(bin, columns)),
          quanta: places.map(({ n_quanta }) => n_quanta),
          failed: places.map(({ n_failed }) => n_failed),
          blocked: places.map(({ n_blocked }) => n_blocked),
        };
      }),
      columns: columnBins.map((bin) => line(this.columns, bin, this.#sum(rows, bin))),
      worst: this.#worst(rows.map((r) => this.rows.values[r]), rowSums, 0)
        .concat(this.#worst(columns.map((c) => this.columns.values[c]), columnSums, 1)),
    };
  }

  #worst(values: JsonValue[], sums: PlaceCounts[], axis: 0 | 1): HeatMapReport["worst"] {
    return sums.map((counts, i) => ({
      dimension: this.dimensions[axis],
      value: values[i],
      ...counts,
    }))
      .filter(({ n_failed }) => n_failed > 0)
      .sort((a, b) =>
        b.n_failed - a.n_failed || b.n_blocked - a.n_blocked || compareValues(a.value, b.value)
      )
      .slice(0, N_WORST);
  }

  #sum(rows: readonly number[], columns: readonly number[]): PlaceCounts {
    const sum: PlaceCounts = { n_quanta: 0, n_failed: 0, n_blocked: 0 };
    for (const r of rows) {
      const counts = this.#counts[r];
      for (const c of columns) {
        const at = N_COUNTS * c;
        if (at >= counts.length) continue;
        sum.n_quanta += counts[at];
        sum.n_failed += counts[at + 1];
        sum.n_blocked += counts[at + 2];
      }
    }
    return sum;
  }
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

  /** Counts a quantum with these values of required dimensions. */
  add(label: string, value: (position: number) => JsonValue, fate: Fate): void {
    const place = this.#places.get(label);
    if (place === null || place === undefined) return;
    const [grid, row, column] = place;
    grid.add(value(row), value(column), fate);
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
