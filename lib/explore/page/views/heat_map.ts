/**
 * Quanta of a task by two dimensions, coloured by status, time or memory.
 *
 * @module
 */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { JsonValue } from "../../../base/json_text.ts";
import { formatCount, formatSeconds, formatSize } from "../../../report/format.ts";
import { line, Status, statusClass } from "../parts.ts";
import { GOVERNORS, type NumberColumn, type QuantumTable } from "../model/quantum_table.ts";
import { linkTo, linkWith, type Route } from "../model/route.ts";
import type { Run } from "../model/run.ts";
import { Progress, useRun } from "../run_parts.ts";
import { html, type VNode } from "../view.ts";

/** Values of a dimension that are drawn; more would be no cells but a blur. */
const MAX_VALUES = 1000;
const FORMATS: Readonly<Record<string, (value: number) => string>> = {
  run_time: formatSeconds,
  memory: formatSize,
};
/** Statuses from best to worst: of several quanta in a cell the worst is shown. */
const SEVERITY = ["SUCCESSFUL", "BLOCKED", "UNKNOWN", "ABORTED_SUCCESS", "ABORTED", "FAILED"];

/** What is drawn. */
interface Grid {
  xs: JsonValue[];
  ys: JsonValue[];
  /** Rows of the table by cell. */
  cells: Map<number, number[]>;
  isCut: boolean;
}

/** The view. */
export function HeatMap({ run, route }: { run: Run; route: Route }): VNode {
  useRun(run);
  const { query } = route;
  const task = query.task ?? run.labels.find((label) => dimensionsOf(run, label).length >= 2) ??
    run.labels[0];
  const names = dimensionsOf(run, task);
  const telling = (run.groups.get(task)?.required ?? []).filter((name) => !GOVERNORS.has(name));
  const x = query.x ?? telling.find((name) => /detector|patch/.test(name)) ?? telling.at(-1) ??
    names.at(-1) ?? "";
  const y = query.y ?? telling.findLast((name) => name !== x) ?? names.find((name) => name !== x) ??
    "";
  const colour = query.colour ?? "status";
  const grid = useMemo(() => makeGrid(run.table, task, x, y), [run.table, run.table.n, task, x, y]);
  const choose = (name: string) => (event: Event) => {
    location.hash = linkWith(route, { [name]: (event.target as HTMLSelectElement).value });
  };
  const select = (name: string, title: string, value: string, values: readonly string[]) =>
    html`
      <label>${title}
        <select onChange=${choose(name)}>
          ${values.map((v) => html`<option value=${v} selected=${v === value}>${line(v)}</option>`)}
        </select>
      </label>
    `;
  return html`
    <section class="fill" aria-labelledby="map-title">
      <h2 id="map-title">Map <small>${formatCount(grid.cells.size)} cells</small></h2>
      <${Progress} run=${run} />
      <form class="filters">
        ${select("task", "Task", task, run.labels)}
        ${select("x", "Across", x, names)}
        ${select("y", "Down", y, names)}
        ${select("colour", "Colour", colour, ["status", "run_time", "memory"])}
      </form>
      ${grid.isCut
        ? html`<p class="soft">Only the first ${
          formatCount(MAX_VALUES)
        } values of a dimension are drawn.</p>`
        : null}
      ${grid.cells.size === 0 ? html`<p class="soft">No quanta of this task, so far.</p>` : html`
        <${Cells} run=${run} grid=${grid} task=${task} x=${x} y=${y}
          colour=${colour} />
      `}
    </section>
  `;
}

function dimensionsOf(run: Run, label: string): string[] {
  const group = run.groups.get(label);
  return group === undefined ? [] : [...group.required, ...group.implied];
}

function makeGrid(table: QuantumTable, task: string, x: string, y: string): Grid {
  const found: { row: number; x: JsonValue; y: JsonValue }[] = [];
  const xs = new Map<string, JsonValue>();
  const ys = new Map<string, JsonValue>();
  for (let row = 0; row < table.n; row++) {
    if (table.task(row) !== task) continue;
    const cell = { row, x: table.dimension(x, row) ?? "", y: table.dimension(y, row) ?? "" };
    found.push(cell);
    xs.set(String(cell.x), cell.x);
    ys.set(String(cell.y), cell.y);
  }
  const sort = (values: Map<string, JsonValue>) =>
    [...values.values()].sort((a, b) => a! < b! ? -1 : a! > b! ? 1 : 0);
  const [sortedX, sortedY] = [sort(xs), sort(ys)];
  const isCut = sortedX.length > MAX_VALUES || sortedY.length > MAX_VALUES;
  const [shownX, shownY] = [sortedX.slice(0, MAX_VALUES), sortedY.slice(0, MAX_VALUES)];
  const places = (values: JsonValue[]) => new Map(values.map((value, i) => [String(value), i]));
  const [atX, atY] = [places(shownX), places(shownY)];
  const cells = new Map<number, number[]>();
  for (const { row, x, y } of found) {
    const [i, j] = [atX.get(String(x)), atY.get(String(y))];
    if (i === undefined || j === undefined) continue;
    const key = j * shownX.length + i;
    const rows = cells.get(key);
    if (rows === undefined) cells.set(key, [row]);
    else rows.push(row);
  }
  return { xs: shownX, ys: shownY, cells, isCut };
}

interface CellsProps {
  run: Run;
  grid: Grid;
  task: string;
  x: string;
  y: string;
  colour: string;
}

/** The drawing: arrows and mouse move over it, Enter and clicks open what a cell holds. */
function Cells({ run, grid, task, x, y, colour }: CellsProps): VNode {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [at, setAt] = useState<[number, number]>([0, 0]);
  const [width, setWidth] = useState(0);
  const { xs, ys, cells } = grid;
  const size = Math.max(3, Math.min(26, Math.floor((width - 8) / xs.length) || 3));
  useEffect(() => {
    const box = canvas.current!.parentElement!;
    const observer = new ResizeObserver(() => setWidth(box.clientWidth));
    observer.observe(box);
    setWidth(box.clientWidth);
    return () => observer.disconnect();
  }, []);
  useEffect(() => draw(canvas.current!, run.table, grid, colour, size, at));
  const rows = cells.get(at[1] * xs.length + at[0]) ?? [];
  const place = `${x} ${line(String(xs[at[0]]))}, ${y} ${line(String(ys[at[1]]))}`;
  const open = () => {
    if (rows.length === 0) return;
    location.hash = rows.length === 1
      ? linkTo("quantum", {}, run.table.id(rows[0]))
      : linkTo("quanta", { task, where: `${term(x, xs[at[0]])} and ${term(y, ys[at[1]])}` });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const steps: Record<string, [number, number]> = {
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, -1],
      ArrowDown: [0, 1],
    };
    const step = steps[event.key];
    if (step !== undefined) {
      event.preventDefault();
      setAt(([i, j]) => [clamp(i + step[0], xs.length), clamp(j + step[1], ys.length)]);
    } else if (event.key === "Enter") open();
  };
  const onMove = (event: MouseEvent) => {
    setAt([
      clamp(Math.floor(event.offsetX / size), xs.length),
      clamp(Math.floor(event.offsetY / size), ys.length),
    ]);
  };
  return html`
    <p class="cell" role="status">
      <b>${place}</b>
      ${rows.length === 0 ? html`<span class="soft">no quantum</span>` : null}
      ${rows.slice(0, 3).map((row) => html`<${CellText} table=${run.table} row=${row} />`)}
      ${rows.length > 3 ? html`<span>and ${formatCount(rows.length - 3)} more</span>` : null}
    </p>
    <div class="canvas" role="region" aria-label="Map">
      <canvas
        ref=${canvas}
        tabindex="0"
        role="application"
        aria-label=${`${x} across, ${y} down; arrows move, Enter opens. Now at ${place}`}
        onKeyDown=${onKeyDown}
        onMouseMove=${onMove}
        onClick=${open}
      ></canvas>
    </div>
    <${Legend} run=${run} grid=${grid} colour=${colour} />
  `;
}

function CellText({ table, row }: { table: QuantumTable; row: number }): VNode {
  const [time, memory] = [table.number("run_time", row), table.number("memory", row)];
  return html`
    <a href=${linkTo("quantum", {}, table.id(row))}><${Status} name=${table.status(row)} /></a>
    <span class="soft">${Number.isFinite(time) ? formatSeconds(time) : ""} ${Number.isFinite(memory)
      ? formatSize(memory)
      : ""}</span>
  `;
}

function Legend({ run, grid, colour }: { run: Run; grid: Grid; colour: string }): VNode {
  if (colour === "status") {
    return html`<ul class="legend">${
      SEVERITY.filter((name) => run.summary.byStatus.has(name)).map((name) =>
        html`
          <li>
            <${Status} name=${name} />
          </li>
        `
      )
    }</ul>`;
  }
  const [low, high] = extent(run.table, grid, colour as NumberColumn);
  if (!Number.isFinite(low)) return html`<p class="soft">No quantum of this task recorded it.</p>`;
  const format = FORMATS[colour];
  return html`
    <p
      class="legend"><span>${format(
        low,
      )}</span><i class="ramp" aria-hidden="true"></i><span>${format(high)}</span>
    <span class="soft">logarithmic; grey: not recorded</span></p>
  `;
}

function term(name: string, value: JsonValue): string {
  if (typeof value !== "string") return `${name} = ${String(value)}`;
  const mark = value.includes("'") ? '"' : "'";
  return `${name} = ${mark}${value}${mark}`;
}

function clamp(value: number, n: number): number {
  return Math.max(0, Math.min(n - 1, value));
}

/** Least and largest value above zero; not finite without any. */
function extent(table: QuantumTable, { cells }: Grid, column: NumberColumn): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const rows of cells.values()) {
    for (const row of rows) {
      const value = table.number(column, row);
      if (!(value > 0)) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  return [low, high];
}

function draw(
  canvas: HTMLCanvasElement,
  table: QuantumTable,
  grid: Grid,
  colour: string,
  size: number,
  at: [number, number],
): void {
  const { xs, ys, cells } = grid;
  const ratio = devicePixelRatio;
  canvas.width = xs.length * size * ratio;
  canvas.height = ys.length * size * ratio;
  canvas.style.width = `${xs.length * size}px`;
  canvas.style.height = `${ys.length * size}px`;
  const context = canvas.getContext("2d")!;
  context.scale(ratio, ratio);
  const style = getComputedStyle(document.documentElement);
  const variable = (name: string) => style.getPropertyValue(name).trim();
  const ramp = [1, 2, 3, 4, 5, 6, 7].map((i) => variable(`--ramp-${i}`));
  const [low, high] = colour === "status" ? [0, 0] : extent(table, grid, colour as NumberColumn);
  const gap = size > 5 ? 1 : 0;
  for (const [key, rows] of cells) {
    const [i, j] = [key % xs.length, Math.floor(key / xs.length)];
    context.fillStyle = colour === "status"
      ? variable(`--${statusClass(worst(table, rows)).slice(2)}`)
      : rampColour(ramp, low, high, largest(table, rows, colour as NumberColumn)) ??
        variable("--line");
    context.fillRect(i * size, j * size, size - gap, size - gap);
  }
  context.strokeStyle = variable("--text");
  context.lineWidth = 2;
  context.strokeRect(at[0] * size, at[1] * size, size - gap, size - gap);
}

function worst(table: QuantumTable, rows: readonly number[]): string {
  return rows.map((row) => table.status(row)).reduce((a, b) =>
    SEVERITY.indexOf(b) > SEVERITY.indexOf(a) ? b : a
  );
}

function largest(table: QuantumTable, rows: readonly number[], column: NumberColumn): number {
  return rows.reduce((most, row) => Math.max(most, table.number(column, row) || 0), 0);
}

function rampColour(ramp: string[], low: number, high: number, value: number): string | null {
  if (!(value > 0)) return null;
  const share = high > low ? Math.log(value / low) / Math.log(high / low) : 0.5;
  return ramp[Math.min(ramp.length - 1, Math.floor(share * ramp.length))];
}
