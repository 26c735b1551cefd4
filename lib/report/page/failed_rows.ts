/**
 * Failed quanta as the page carries them: a few as rows that are there without script, all of them as
 * lines of text that the script searches, sorts and makes rows of.
 *
 * @module
 */

import { visibleCell } from "../../base/text/visible_text.ts";
import { encodeUtf8 } from "../../base/json_text.ts";
import { exceptionName, firstLine, statusWords } from "../format.ts";
import { fairShare } from "../failures/failed_list.ts";
import type { FailedReport } from "../model.ts";
import { escapeHtml, Markup, markup } from "./markup.ts";

/** Failed quanta for the page. */
interface FailedLines {
  /** Elements that hold them: tasks with their dimensions, exceptions, and the quanta. */
  data: Markup;
  /** Those that are on the page. */
  rows: FailedReport[];
}

/** Words that occur often, once each. */
class Dictionary {
  readonly #places = new Map<string, number>();

  place(word: string): number {
    let place = this.#places.get(word);
    if (place === undefined) this.#places.set(word, place = this.#places.size);
    return place;
  }

  /** Lines in the order of their places. */
  lines(): string[] {
    return [...this.#places.keys()];
  }
}

/** Cells of a line: no tab or line end is left in any. */
function line(cells: readonly (string | number)[]): string {
  return escapeHtml(cells.map((cell) => visibleCell(String(cell))).join("\t"));
}

/**
 * Makes the lines.
 *
 * @param maxSize Bytes of all. If they don't fit, the first of each task are taken.
 */
export function failedLines(failed: readonly FailedReport[], maxSize: number): FailedLines {
  const tasks = new Dictionary();
  const exceptions = new Dictionary();
  const lists = new Map<string, { row: FailedReport; text: string; size: number }[]>();
  for (const row of failed) {
    const dimensions = Object.entries(row.data_id).map(([name, value]) =>
      `${name}:${typeof value === "string" ? "string" : "int64"}`
    );
    const text = line([
      tasks.place(line([row.task, ...dimensions])),
      statusWords(row.status),
      exceptions.place(line([exceptionName(row.exception)])),
      row.cluster ?? "",
      row.n_attempts,
      row.n_blocked,
      row.run_time === null ? "" : Number(row.run_time.toPrecision(6)),
      row.quantum_id,
      firstLine(row.message),
      ...Object.values(row.data_id).map(String),
    ]);
    let list = lists.get(row.task);
    if (list === undefined) lists.set(row.task, list = []);
    list.push({ row, text, size: encodeUtf8(text).length + 1 });
  }
  const kept = fitting([...lists.values()], maxSize);
  // The parts are escaped already.
  const element = (id: string, lines: readonly string[]) =>
    new Markup(`<pre id="${id}" hidden>\n${lines.join("\n")}</pre>\n`);
  const data = markup`${element("failed-tasks", tasks.lines())}${
    element("failed-exceptions", exceptions.lines())
  }${element("failed-data", kept.map(({ text }) => text))}`;
  return { data, rows: kept.map(({ row }) => row) };
}

/** The first of each list, the same number of each, so that all together aren't too large. */
function fitting<Item extends { size: number }>(lists: readonly Item[][], maxSize: number): Item[] {
  const sums = lists.map((items) => {
    let sum = 0;
    return items.map(({ size }) => sum += size);
  });
  const size = (most: number) =>
    sums.reduce((total, sum) => total + (sum[Math.min(most, sum.length) - 1] ?? 0), 0);
  const longest = fairShare(lists.map(({ length }) => length), Infinity);
  let [low, high] = [0, longest];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (size(middle) <= maxSize) low = middle;
    else high = middle - 1;
  }
  return lists.flatMap((items) => items.slice(0, low));
}
