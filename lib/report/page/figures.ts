/**
 * Figures of the report page: SVG without text of its own that would be needed to understand it, for each
 * stands beside the numbers it shows. Horizontal positions are percentages, so that figures follow the
 * width of the page while text in them keeps its size.
 *
 * @module
 */

import { formatCount, formatSeconds, formatSize, statusWords } from "../format.ts";
import { timelineTicks } from "../timeline_ticks.ts";
import { type Markup, markup } from "./markup.ts";
import {
  type DistributionReport,
  MEMORY_BINS,
  type TaskReport,
  TIME_BINS,
  type TimelineReport,
} from "../model.ts";

/** Least width of a part that isn't empty, in percent: one failure in a million is still seen. */
const MIN_SHARE = 0.7;
/** Height of a histogram and of a lane of the timeline, pixels. */
const BAR_HEIGHT = 14;
const PLOT_HEIGHT = 34;

/** Parts of a status bar in the order from the left, with the names of their classes. */
function statusParts(task: TaskReport): [title: string, className: string, n: number][] {
  const { by_status: n, n_expected, n_quanta, caveats } = task;
  const nCaveats = caveats.reduce((sum, caveat) => sum + caveat.n, 0);
  return [
    ["Successful", "ok", n.SUCCESSFUL - nCaveats],
    ["Successful with caveats", "caveat", nCaveats],
    [statusWords("ABORTED_SUCCESS"), "aborted-success", n.ABORTED_SUCCESS],
    [statusWords("UNKNOWN"), "unknown", n.UNKNOWN],
    [statusWords("ABORTED"), "aborted", n.ABORTED],
    ["Failed", "failed", n.FAILED],
    ["Blocked", "blocked", n.BLOCKED],
    ["Not recorded", "absent", Math.max(0, n_expected - n_quanta)],
  ];
}

/** Meaning of the colours of all status bars, those that occur. */
export function statusLegend(tasks: readonly TaskReport[]): Markup {
  const found = new Map<string, string>();
  for (const task of tasks) {
    for (const [title, className, n] of statusParts(task)) if (n > 0) found.set(className, title);
  }
  const order = tasks.length === 0 ? [] : statusParts(tasks[0]).map(([, className]) => className);
  const entries = order.filter((className) => found.has(className)).map((className) =>
    markup`<li><svg class="key" aria-hidden="true"><rect class="${className}" width="100%" height="100%"/></svg>${found
      .get(className)!}</li>`
  );
  return markup`<ul class="legend" aria-label="Colours">${entries}</ul>`;
}

/** A task's quanta by status, as one bar of full length. */
export function statusBar(task: TaskReport): Markup {
  const parts = statusParts(task).filter(([, , n]) => n > 0);
  const total = parts.reduce((sum, [, , n]) => sum + n, 0);
  const shares = parts.map(([, , n]) => Math.max(MIN_SHARE, 100 * n / total));
  const scale = 100 / shares.reduce((sum, share) => sum + share, 0);
  let x = 0;
  const rects = parts.map(([title, className, n], i) => {
    const width = shares[i] * scale;
    const rect = markup`<rect class="${className}" x="${percent(x)}" width="${
      percent(width)
    }" height="${BAR_HEIGHT}"><title>${title}: ${formatCount(n)}</title></rect>`;
    x += width;
    return rect;
  });
  return markup`<svg class="bar" height="${BAR_HEIGHT}" aria-hidden="true">${rects}</svg>`;
}

/** The range that all histograms of a figure share: powers of ten. */
export interface LogScale {
  low: number;
  high: number;
  /** Width of a bin as ratio of its edges. */
  binRatio: number;
  ticks: { value: number; text: string }[];
}

/** Scale for the distributions of all tasks; null if there are none. */
export function logScale(
  distributions: readonly (DistributionReport | null)[],
  what: "time" | "size",
): LogScale | null {
  const lower = distributions.flatMap((d) => d === null ? [] : d.bins.lower);
  if (lower.length === 0) return null;
  const isTime = what === "time";
  const binRatio = 10 ** (1 / (isTime ? TIME_BINS : MEMORY_BINS));
  const least = Math.min(...lower);
  const most = Math.max(...lower) * binRatio;
  // A narrow distribution is to look narrow.
  const widening = Math.sqrt(Math.max(1, (isTime ? 30 : 5) / (most / least)));
  const [low, high] = [least / widening, most * widening];
  const candidates = isTime
    ? [1e-3, 1e-2, 0.1, 1, 10, 60, 600, 3600, 36e3, 36e4]
    : [1, 2, 5].flatMap((m) => [6, 7, 8, 9, 10, 11, 12].map((e) => m * 10 ** e));
  const ticks = candidates.filter((value) => value >= low * 0.999 && value <= high * 1.001)
    .sort((a, b) => a - b);
  // As many as there is room for.
  const every = Math.ceil(ticks.length / 5);
  return {
    low,
    high,
    binRatio,
    ticks: ticks.filter((_, i) => i % every === 0).map((value) => ({
      value,
      text: tickText(value, what),
    })),
  };
}

/** Ticks are round: `10 s`, not `10.0 s`. */
function tickText(value: number, what: "time" | "size"): string {
  if (value === 60 && what === "time") return "1 min";
  const text = what === "time" ? formatSeconds(value) : formatSize(value);
  return text.replace(/(\d)\.0+(?= )/, "$1");
}

function position(value: number, { low, high }: LogScale): number {
  // Clocks that were set back give times that have no place on the scale.
  if (value <= low) return 0;
  const at = 100 * Math.log(value / low) / Math.log(high / low);
  return Math.min(100, Math.max(0, at));
}

/** Names of the ticks, above the histograms of a column. */
export function scaleAxis(scale: LogScale): Markup {
  const marks = scale.ticks.map(({ value, text }) => {
    const x = position(value, scale);
    const anchor = x < 8 ? "start" : x > 92 ? "end" : "middle";
    return markup`<text x="${percent(x)}" y="11" text-anchor="${anchor}">${text}</text>`;
  });
  return markup`<svg class="axis" height="14" aria-hidden="true">${marks}</svg>`;
}

/** One task's distribution; the line marks the median. */
export function histogram(distribution: DistributionReport, scale: LogScale): Markup {
  const { bins, median } = distribution;
  const largest = Math.max(...bins.n);
  const bars = bins.lower.map((lower, i) => {
    const n = bins.n[i];
    if (n === 0) return "";
    const from = position(lower, scale);
    const next = lower * scale.binRatio;
    const width = Math.max(0.4, position(next, scale) - from);
    const height = Math.max(1.5, (PLOT_HEIGHT - 2) * n / largest);
    return markup`<rect class="bin" x="${percent(from)}" y="${
      (PLOT_HEIGHT - height).toFixed(1)
    }" width="${percent(width)}" height="${height.toFixed(1)}"><title>${
      formatCount(n)
    }</title></rect>`;
  });
  const grid = scale.ticks.map(({ value }) => {
    const x = percent(position(value, scale));
    return markup`<line class="grid" x1="${x}" x2="${x}" y1="0" y2="${PLOT_HEIGHT}" />`;
  });
  const middle = percent(position(median, scale));
  return markup`<svg class="plot" height="${PLOT_HEIGHT}" aria-hidden="true">${grid}${bars}<line class="median" x1="${middle}" x2="${middle}" y1="0" y2="${PLOT_HEIGHT}"/></svg>`;
}

/** Names of the ticks, above the lanes. */
export function timelineAxis(timeline: TimelineReport): Markup {
  const marks = timelineTicks(timeline).map(([x, text]) => {
    const anchor = x < 6 ? "start" : x > 94 ? "end" : "middle";
    return markup`<text x="${percent(x)}" y="11" text-anchor="${anchor}">${text}</text>`;
  });
  return markup`<svg class="axis" height="14" aria-hidden="true">${marks}</svg>`;
}

/** How many attempts of a task ran when; marks below the line are failures. */
export function timelineLane(
  timeline: TimelineReport,
  running: readonly number[],
  failed: readonly number[],
): Markup {
  const largest = Math.max(...running, Number.MIN_VALUE);
  const width = 100 / timeline.n_intervals;
  const base = PLOT_HEIGHT - 6;
  const bars = running.map((n, i) => {
    if (n === 0) return "";
    const height = Math.max(1, (base - 1) * n / largest);
    return markup`<rect class="bin" x="${percent(i * width)}" y="${
      (base - height).toFixed(1)
    }" width="${percent(width)}" height="${height.toFixed(1)}" />`;
  });
  const marks = failed.map((n, i) =>
    n === 0
      ? ""
      : markup`<rect class="failed" x="${percent(i * width)}" y="${base + 1}" width="${
        percent(Math.max(width, 0.5))
      }" height="5"><title>${formatCount(n)} failed</title></rect>`
  );
  const grid = timelineTicks(timeline).map(([x]) =>
    markup`<line class="grid" x1="${percent(x)}" x2="${percent(x)}" y1="0" y2="${PLOT_HEIGHT}" />`
  );
  return markup`<svg class="plot" height="${PLOT_HEIGHT}" aria-hidden="true">${grid}<line class="base" x1="0" x2="100%" y1="${base}" y2="${base}"/>${bars}${marks}</svg>`;
}

function percent(value: number): string {
  return `${Number(value.toFixed(3))}%`;
}
