/**
 * Sections of the report page that show where quanta failed: a strip for each row, coloured by the share
 * that failed.
 *
 * @module
 */

import type { JsonValue } from "../../base/json_text.ts";
import { formatCount } from "../format.ts";
import type { HeatLine, HeatMapReport, RunReport } from "../model.ts";
import { type Markup, markup } from "./markup.ts";
import {
  figureHeading,
  numberCell,
  numberHeadings,
  scrolledTable,
  type Section,
  textHeadings,
} from "./parts.ts";

const HEIGHT = 18;
/** Parts of all strips that have a text of their own to point at. */
const MAX_TITLES = 4000;
/** Classes of cells, with the largest share of failed quanta in percent. */
const LEVELS: readonly [className: string, percent: number][] = [
  ["heat1", 5],
  ["heat2", 25],
  ["heat3", 75],
  ["heat4", 100],
];

/** Cells that follow each other and look the same. */
interface Strip {
  className: string;
  from: number;
  to: number;
  nQuanta: number;
  nFailed: number;
  nBlocked: number;
}

/** A section for each pair of dimensions. */
export function heatSections({ heat_maps }: RunReport): Section[] {
  return heat_maps.map((map, i) => {
    const [rows, columns] = map.dimensions;
    const id = `where-${i + 1}`;
    return { id, title: `Where: ${rows} by ${columns}`, body: heatMap(map, id) };
  });
}

function heatMap(map: HeatMapReport, id: string): Markup {
  const [rowName, columnName] = map.dimensions;
  const lines = map.rows.map(strips);
  const withTitles = lines.reduce((n, line) => n + line.length, 0) <= MAX_TITLES;
  const body = map.rows.map((row, i) =>
    markup`<tr><th scope="row">${rangeText(row)}</th><td class="wide">${
      stripFigure(map, lines[i], withTitles)
    }</td>${numberCell(row.n_failed, true)}${numberCell(row.n_blocked)}${
      numberCell(row.n_quanta)
    }</tr>
`
  );
  const shared = map.rows.some(({ first, last }) => first !== last)
    ? ` Several values of ${rowName} share a row.`
    : "";
  const table = scrolledTable({
    id,
    label: `Failed quanta by ${rowName} and ${columnName}`,
    text: markup`Each row is a ${rowName}, from left to right is ${columnName}, from ${
      String(map.columns[0].first)
    } to ${
      String(map.columns.at(-1)!.last)
    }: how many of the quanta there failed.${shared} Tasks: ${map.tasks.join(", ")}.`,
    head: markup`<th scope="col">${rowName}</th>${
      figureHeading("wide", `Share of failed quanta by ${columnName}`, axis(map.columns))
    }${numberHeadings(["Failed", "Blocked", "Quanta"])}`,
    body,
  });
  return markup`${legend()}${table}${worst(map, id)}`;
}

/** Single values at which most failed. */
function worst(map: HeatMapReport, id: string): Markup | string {
  if (map.worst.length === 0) return "";
  return scrolledTable({
    id: `${id}-worst`,
    label: `Values of ${map.dimensions.join(" and ")} with most failed quanta`,
    text: "Values at which most quanta failed.",
    head: markup`${textHeadings(["Dimension", "Value"])}${
      numberHeadings(["Failed", "Blocked", "Quanta"])
    }`,
    body: map.worst.map(({ dimension, value, n_failed, n_blocked, n_quanta }) =>
      markup`<tr><th scope="row">${dimension}</th><td class="text">${String(value)}</td>${
        numberCell(n_failed, true)
      }${numberCell(n_blocked)}${numberCell(n_quanta)}</tr>
`
    ),
  });
}

function legend(): Markup {
  const key = (className: string, text: string) =>
    markup`<li><svg class="key" aria-hidden="true"><rect class="${className}" width="100%" height="100%"/></svg>${text}</li>`;
  let least = 0;
  const levels = LEVELS.map(([className, percent]) => {
    const text = `${least === 0 ? "up" : `${least}`} to ${percent} % failed`;
    least = percent;
    return key(className, text);
  });
  return markup`<ul class="legend" aria-label="Colours">${levels}${
    key("blocked", "none failed, some blocked")
  }</ul>`;
}

function strips(row: HeatMapReport["rows"][number]): Strip[] {
  const found: Strip[] = [];
  row.quanta.forEach((nQuanta, i) => {
    if (nQuanta === 0) return;
    const [nFailed, nBlocked] = [row.failed[i], row.blocked[i]];
    const percent = 100 * nFailed / nQuanta;
    const className = nFailed > 0
      ? LEVELS.find(([, most]) => percent <= most)![0]
      : nBlocked > 0
      ? "blocked"
      : "";
    const last = found.at(-1);
    if (last !== undefined && last.to === i && last.className === className) {
      last.to = i + 1;
      last.nQuanta += nQuanta;
      last.nFailed += nFailed;
      last.nBlocked += nBlocked;
    } else found.push({ className, from: i, to: i + 1, nQuanta, nFailed, nBlocked });
  });
  return found;
}

/** Places where all is well are a thin line, those without quanta are empty. */
function stripFigure(map: HeatMapReport, line: readonly Strip[], withTitles: boolean): Markup {
  const { length } = map.columns;
  const at = (column: number) => `${Number((100 * column / length).toFixed(3))}%`;
  const parts = line.map(({ className, from, to, nQuanta, nFailed, nBlocked }) => {
    if (className === "") {
      return markup`<line class="base" x1="${at(from)}" x2="${at(to)}" y1="${HEIGHT / 2}" y2="${
        HEIGHT / 2
      }"/>`;
    }
    const [y, height] = className === "blocked" ? [HEIGHT / 2 - 2, 4] : [1, HEIGHT - 2];
    const title = withTitles
      ? markup`<title>${map.dimensions[1]} ${
        rangeText({ first: map.columns[from].first, last: map.columns[to - 1].last })
      }: ${formatCount(nFailed)} failed, ${formatCount(nBlocked)} blocked of ${
        formatCount(nQuanta)
      }</title>`
      : "";
    return markup`<rect class="${className}" x="${at(from)}" y="${y}" width="${
      at(to - from)
    }" height="${height}">${title}</rect>`;
  });
  return markup`<svg class="plot" height="${HEIGHT}" aria-hidden="true">${parts}</svg>`;
}

/** First and last value, and one between. */
function axis(columns: readonly HeatLine[]): Markup {
  const middle = columns.length >> 1;
  const places: [number, string, string][] = [
    [0, "start", String(columns[0].first)],
    ...(columns.length < 3
      ? []
      : [[100 * (middle + 0.5) / columns.length, "middle", String(columns[middle].first)] as [
        number,
        string,
        string,
      ]]),
    [100, "end", String(columns.at(-1)!.last)],
  ];
  return markup`<svg class="axis" height="14" aria-hidden="true">${
    places.map(([x, anchor, text]) =>
      markup`<text x="${Number(x.toFixed(3))}%" y="11" text-anchor="${anchor}">${text}</text>`
    )
  }</svg>`;
}

/** Of long numbers, only what differs in the last one. */
function rangeText({ first, last }: { first: JsonValue; last: JsonValue }): string {
  const [from, to] = [String(first), String(last)];
  if (from === to) return from;
  if (from.length !== to.length || !/^\d+$/.test(from + to)) return `${from} to ${to}`;
  let same = 0;
  while (from[same] === to[same]) same++;
  return `${from}–${to.slice(same)}`;
}
