/**
 * Where the ticks of a timeline are, and what they say.
 *
 * @module
 */

import type { TimelineReport } from "./model.ts";

/** Lengths that intervals between ticks may have, seconds. */
const ROUND_SECONDS = [
  ...[0.001, 0.01, 0.1, 1].flatMap((unit) => [1, 2, 5].map((n) => n * unit)),
  ...[10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 10800, 21600, 43200],
  ...[1, 2, 4, 7, 14, 28, 56, 112, 365, 730, 1825, 3650].map((days) => days * 86400),
];

/** Ticks of a timeline by their place in percent: times of day, or dates where it is long. */
export function timelineTicks(
  { start, interval, n_intervals }: Pick<TimelineReport, "start" | "interval" | "n_intervals">,
): [x: number, text: string][] {
  const first = Date.parse(start) / 1000;
  const length = interval * n_intervals;
  const step = ROUND_SECONDS.find((seconds) => length / seconds <= (length < 6 ? 3 : 6)) ?? length;
  const ticks: [number, string][] = [];
  for (let i = Math.ceil(first / step - 1e-9); i * step <= first + length; i++) {
    const iso = new Date(Math.round(i * step * 1000)).toISOString();
    const text = step >= 86400
      ? iso.slice(0, 10)
      : length > 86400 && iso.slice(11, 19) === "00:00:00"
      ? iso.slice(5, 10)
      : step >= 60
      ? iso.slice(11, 16)
      : step >= 1
      ? iso.slice(11, 19)
      : iso.slice(14, 23);
    ticks.push([100 * (i * step - first) / length, text]);
  }
  return ticks;
}
