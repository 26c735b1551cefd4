/**
 * When quanta ran, in intervals of equal length that grow with the run.
 *
 * @module
 */

/** Intervals that are kept; a figure shows at most as many. */
export const N_INTERVALS = 256;
/** Length of an interval to begin with, microseconds. */
const FIRST_WIDTH = 1000;

/** What happened in each interval, by task. */
export interface TimelineView {
  /** Start of the first interval, microseconds since 1970. */
  startMicros: number;
  /** Length of an interval, microseconds. */
  widthMicros: number;
  /** Intervals from the first start to the last end. */
  nIntervals: number;
  /** Mean number of attempts that ran, of a task in each interval. */
  running(task: number): number[];
  /** Attempts that ended in failure, of a task in each interval. */
  failed(task: number): number[];
}

/**
 * Adds up attempts by task and interval. The length of intervals doubles whenever one doesn't fit, so
 * one pass is enough. Memory: 3 kB for each task.
 */
export class Timeline {
  readonly #nTasks: number;
  /** Microseconds that attempts of a task ran in an interval. */
  readonly #busy: Float64Array;
  readonly #failed: Uint32Array;
  /** Start of interval 0, a multiple of the length; NaN before the first attempt. */
  #origin = NaN;
  #width = FIRST_WIDTH;
  #first = Infinity;
  #last = -Infinity;

  constructor(nTasks: number) {
    this.#nTasks = nTasks;
    this.#busy = new Float64Array(nTasks * N_INTERVALS);
    this.#failed = new Uint32Array(nTasks * N_INTERVALS);
  }

  /**
   * Adds an attempt.
   *
   * @param task Its position.
   * @param start Microseconds since 1970.
   * @param end Half-open end; one before the start counts as the start.
   */
  add(task: number, start: number, end: number, hasFailed: boolean): void {
    this.addAll(task, [start], [end], [hasFailed ? 1 : 0], 1);
  }

  /** Adds the first `n` of columns; without a start there was none, and those with a 1 have failed. */
  addAll(
    task: number,
    starts: ArrayLike<number>,
    ends: ArrayLike<number>,
    failed: ArrayLike<number>,
    n: number,
  ): void {
    const base = task * N_INTERVALS;
    const busy = this.#busy;
    let [origin, width] = [this.#origin, this.#width];
    for (let row = 0; row < n; row++) {
      const start = starts[row];
      if (Number.isNaN(start)) continue;
      const end = Math.max(start, ends[row]);
      if (start < this.#first) this.#first = start;
      if (end > this.#last) this.#last = end;
      // Not so before the first attempt, when there is no origin.
      if (!(start >= origin && end < origin + N_INTERVALS * width)) {
        this.#widen();
        [origin, width] = [this.#origin, this.#width];
      }
      const lastInterval = Math.floor((end - origin) / width);
      for (let i = Math.floor((start - origin) / width); i <= lastInterval; i++) {
        const begin = origin + i * width;
        busy[base + i] += Math.min(end, begin + width) - Math.max(start, begin);
      }
      if (failed[row] === 1) this.#failed[base + lastInterval]++;
    }
  }

  /** What was added; null if nothing was. */
  view(): TimelineView | null {
    if (Number.isNaN(this.#origin)) return null;
    const begin = this.#intervalOf(this.#first);
    const nIntervals = this.#intervalOf(this.#last) - begin + 1;
    const part = (counts: Float64Array | Uint32Array, task: number) => {
      const from = task * N_INTERVALS + begin;
      return Array.from(counts.subarray(from, from + nIntervals));
    };
    return {
      startMicros: this.#origin + begin * this.#width,
      widthMicros: this.#width,
      nIntervals,
      running: (task) => part(this.#busy, task).map((micros) => micros / this.#width),
      failed: (task) => part(this.#failed, task),
    };
  }

  #intervalOf(time: number): number {
    return Math.floor((time - this.#origin) / this.#width);
  }

  /**
   * Doubles the length until everything from the first start to the last end has a place: the same length
   * in whatever order attempts come.
   */
  #widen(): void {
    let width = this.#width;
    let origin = floorTo(this.#first, width);
    while (this.#last >= origin + N_INTERVALS * width) {
      width *= 2;
      origin = floorTo(this.#first, width);
    }
    for (let base = 0; base < this.#nTasks * N_INTERVALS; base += N_INTERVALS) {
      const busy = this.#busy.slice(base, base + N_INTERVALS);
      const failed = this.#failed.slice(base, base + N_INTERVALS);
      this.#busy.fill(0, base, base + N_INTERVALS);
      this.#failed.fill(0, base, base + N_INTERVALS);
      for (let i = 0; i < N_INTERVALS; i++) {
        if (busy[i] === 0 && failed[i] === 0) continue;
        const to = Math.floor((this.#origin + i * this.#width - origin) / width);
        this.#busy[base + to] += busy[i];
        this.#failed[base + to] += failed[i];
      }
    }
    this.#origin = origin;
    this.#width = width;
  }
}

function floorTo(value: number, step: number): number {
  return Math.floor(value / step) * step;
}
