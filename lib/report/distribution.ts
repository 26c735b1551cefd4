/**
 * Distributions of positive quantities over many decades, in bounded memory.
 *
 * @module
 */

/** Bins of a decade: each 1.8 % wide, so that a quantile is right to 1 %. */
const BINS_PER_DECADE = 128;
/** Values kept to begin with; up to so many, quantiles are exact. */
const N_EXACT = 1024;

/** Bins between powers of ten, for a figure. */
interface CoarseBins {
  /** Lower edge of each bin. */
  lower: number[];
  /** Values in each; those outside the range are in the first and last. */
  n: number[];
}

/**
 * Counts values on a logarithmic scale. Memory: 512 bytes a decade and at most 8 kB, whatever the number
 * of values. Values beyond the scale, zero and negative ones too, count in its first or last bin; least,
 * largest and sum are exact.
 */
export class LogDistribution {
  readonly #lowestExponent: number;
  readonly #scale: LogScale;
  readonly #counts: Uint32Array;
  #exact: number[] | null = [];
  n = 0;
  sum = 0;
  min = Infinity;
  max = -Infinity;

  /** Scale from 10^lowestExponent to 10^highestExponent. */
  constructor(lowestExponent: number, highestExponent: number) {
    this.#lowestExponent = lowestExponent;
    this.#counts = new Uint32Array((highestExponent - lowestExponent) * BINS_PER_DECADE);
    this.#scale = scaleOf(lowestExponent, this.#counts.length);
  }

  /** Counts a value; one that is no finite number is ignored. */
  add(value: number): void {
    this.addAll([value], 0, 1);
  }

  /** Counts those of a column from one row to another. */
  addAll(values: ArrayLike<number>, from: number, to: number): void {
    this.#scale.count(values, from, to, this.#counts);
    let { n, sum, min, max } = this;
    for (let i = from; i < to; i++) {
      const value = values[i];
      if (!Number.isFinite(value)) continue;
      n++;
      sum += value;
      if (value < min) min = value;
      if (value > max) max = value;
      if (this.#exact !== null && this.#exact.push(value) > N_EXACT) this.#exact = null;
    }
    this.n = n;
    this.sum = sum;
    this.min = min;
    this.max = max;
  }

  /**
   * The value of rank ceil(q n) in ascending order: exact up to 1024 values, else right to 1 % within
   * the scale.
   *
   * @param q From above 0 to 1.
   */
  quantile(q: number): number {
    const rank = Math.max(1, Math.ceil(q * this.n));
    if (this.#exact !== null) return this.#exact.toSorted((a, b) => a - b)[rank - 1];
    let seen = 0;
    for (let bin = 0; bin < this.#counts.length; bin++) {
      seen += this.#counts[bin];
      if (seen >= rank) {
        const middle = 10 ** (this.#lowestExponent + (bin + 0.5) / BINS_PER_DECADE);
        return Math.min(this.max, Math.max(this.min, middle));
      }
    }
    return this.max;
  }

  /**
   * The counts in fewer bins, between those that hold the least and the largest value.
   *
   * @param perDecade A divisor of 128.
   */
  coarse(perDecade: number): CoarseBins {
    const width = BINS_PER_DECADE / perDecade;
    const bins: CoarseBins = { lower: [], n: [] };
    if (this.n === 0) return bins;
    const first = Math.floor(this.#scale.binOf(this.min) / width);
    const last = Math.floor(this.#scale.binOf(this.max) / width);
    for (let bin = first; bin <= last; bin++) {
      let n = 0;
      for (let i = bin * width; i < (bin + 1) * width; i++) n += this.#counts[i];
      bins.lower.push(10 ** (this.#lowestExponent + bin / perDecade));
      bins.n.push(n);
    }
    return bins;
  }
}

/**
 * Bins of a scale. A logarithm for each of a million values took longer than all else that is done with them:
 * the first bits of a number tell the bin, or the one below it.
 */
class LogScale {
  /** Lower edge of each bin; the last one is infinite. */
  readonly #edges: Float64Array;
  /** Bin of the least number with these first bits. */
  readonly #starts: Uint16Array;
  readonly #firstBits: number;

  constructor(lowestExponent: number, nBins: number) {
    this.#edges = Float64Array.from(
      { length: nBins + 1 },
      (_, bin) => bin === nBins ? Infinity : 10 ** (lowestExponent + bin / BINS_PER_DECADE),
    );
    this.#firstBits = firstBits(this.#edges[0]);
    const nStarts = firstBits(this.#edges[nBins - 1]) - this.#firstBits + 1;
    this.#starts = new Uint16Array(nStarts);
    // Of numbers with the same bits as an edge some are below it.
    for (let i = 0, bin = 0; i < nStarts; i++) {
      while (bin + 1 < nBins && firstBits(this.#edges[bin + 1]) < this.#firstBits + i) bin++;
      this.#starts[i] = bin;
    }
  }

  /** The bin of a number; those beyond the scale are in the first or last one. */
  binOf(value: number): number {
    const counts = new Uint32Array(this.#edges.length);
    this.count([value], 0, 1, counts);
    return counts.indexOf(1);
  }

  /**
   * Counts the finite numbers of a column by their bins. All in one function: numbers that are handed to another
   * are boxed.
   */
  count(values: ArrayLike<number>, from: number, to: number, counts: Uint32Array): void {
    const edges = this.#edges;
    const starts = this.#starts;
    const firstStart = this.#firstBits;
    const lastStart = starts.length - 1;
    for (let i = from; i < to; i++) {
      const value = values[i];
      if (!Number.isFinite(value)) continue;
      let bin = 0;
      if (value >= edges[0]) {
        NUMBER[0] = value;
        // Little-endian: the upper half is the second.
        bin = starts[Math.min((HALVES[1] >>> SHIFT) - firstStart, lastStart)];
        while (value >= edges[bin + 1]) bin++;
      }
      counts[bin]++;
    }
  }
}

const NUMBER = new Float64Array(1);
const HALVES = new Uint32Array(NUMBER.buffer);
/** Where the bits of the upper half begin that are looked at: exponent, and eight bits of the rest. */
const SHIFT = 12;

/** The first bits of a positive number, in the order of numbers. */
function firstBits(value: number): number {
  NUMBER[0] = value;
  // Little-endian: the upper half is the second.
  return HALVES[1] >>> SHIFT;
}

const SCALES = new Map<string, LogScale>();

/** Scales are shared: there are two of them, and distributions of each task. */
function scaleOf(lowestExponent: number, nBins: number): LogScale {
  const key = `${lowestExponent} ${nBins}`;
  let scale = SCALES.get(key);
  if (scale === undefined) SCALES.set(key, scale = new LogScale(lowestExponent, nBins));
  return scale;
}
