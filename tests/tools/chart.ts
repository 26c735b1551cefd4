/**
 * Draws the ratios of a saved benchmark as SVG.
 *
 *     deno run -A tests/tools/chart.ts testdata/bench/NAME.json > testdata/bench/ratios.svg
 *
 * @module
 */

import { makeRatios } from "../bench/ratios.ts";
import type { SizeResult } from "../bench/results.ts";

const WALL = ": wall of the reference / ours";
const LEFT = 330;
const SCALE = 12;
const ROW = 26;

/** The parts of a saved run that are drawn. */
interface SavedRun {
  date: string;
  machine: { nProcessors: number };
  sizes: SizeResult[];
}

const results: SavedRun = JSON.parse(Deno.readTextFileSync(Deno.args[0]));
const rows = makeRatios(results.sizes[0], results.machine.nProcessors)
  .filter(({ what }) => what.endsWith(WALL))
  .map(({ what, value, target }) => ({ what: what.slice(0, -WALL.length), value, target }));
const widest = Math.max(...rows.map(({ value, target }) => Math.max(value, target?.value ?? 0)));
const width = LEFT + Math.ceil(widest * SCALE) + 60;
const height = rows.length * ROW + 40;

const escape = (text: string) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;");
const bars = rows.map(({ what, value, target }, i) => {
  const y = 34 + i * ROW;
  const aim = target === null ? "" : `<line x1="${LEFT + target.value * SCALE}" y1="${y - 3}" ` +
    `x2="${LEFT + target.value * SCALE}" y2="${y + 17}" stroke="#b2451f" stroke-width="2"/>`;
  return `<text x="${LEFT - 8}" y="${y + 12}" text-anchor="end">${escape(what)}</text>` +
    `<rect x="${LEFT}" y="${y}" width="${value * SCALE}" height="14" fill="#3b6ea5"/>` +
    `<text x="${LEFT + value * SCALE + 5}" y="${y + 12}">${value.toFixed(1)}</text>${aim}`;
});
console.log(
  `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
    `viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">` +
    `<rect width="${width}" height="${height}" fill="#fff"/>` +
    `<text x="8" y="18">Wall time of the reference / ours, ${results.sizes[0].nQuanta} quanta, ${
      results.date.slice(0, 10)
    } (marks: what is aimed at)</text>` +
    `${bars.join("\n")}</svg>`,
);
