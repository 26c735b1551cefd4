/**
 * Aligned tables of text: widths follow from the first rows, so that a table of any length is written
 * as it comes.
 *
 * @module
 */

import { visibleCell } from "../base/visible_text.ts";
import { makeStyle, type Style, withoutMarks } from "./color.ts";

/** A column of a table. */
export interface Column {
  title: string;
  /** Numbers are aligned at the right; default left. */
  align?: "left" | "right";
}

/** Options of {@linkcode TableWriter}. */
export interface TableOptions {
  style?: Style;
  /** Rows that are kept to find widths; later ones that are wider stick out. Default 1000. */
  nMeasured?: number;
  /** Whether the titles are written. Default true. */
  hasTitles?: boolean;
}

/** Writes a table row by row. Cells may hold marks of a {@linkcode Style}; they take no room. */
export class TableWriter {
  readonly #columns: readonly Column[];
  readonly #write: (text: string) => void;
  readonly #style: Style;
  readonly #nMeasured: number;
  readonly #hasTitles: boolean;
  #measured: string[][] | null = [];
  #widths: number[] = [];

  /** @param write Receives whole lines. */
  constructor(
    columns: readonly Column[],
    write: (text: string) => void,
    { style = makeStyle(false), nMeasured = 1000, hasTitles = true }: TableOptions = {},
  ) {
    this.#columns = columns;
    this.#write = write;
    this.#style = style;
    this.#nMeasured = nMeasured;
    this.#hasTitles = hasTitles;
  }

  /** Adds a row: a cell a column. Control characters in cells become pictures, line breaks blanks. */
  add(cells: readonly string[]): void {
    const row = cells.map(visibleCell);
    if (this.#measured === null) {
      this.#writeRow(row);
      return;
    }
    this.#measured.push(row);
    if (this.#measured.length >= this.#nMeasured) this.end();
  }

  /** Writes what is still kept. More rows may follow. */
  end(): void {
    if (this.#measured === null) return;
    const rows = this.#measured;
    this.#measured = null;
    this.#widths = this.#columns.map(({ title }, i) =>
      rows.reduce(
        (width, row) => Math.max(width, widthOf(row[i] ?? "")),
        this.#hasTitles ? widthOf(title) : 0,
      )
    );
    if (this.#hasTitles) {
      this.#writeRow(this.#columns.map(({ title }) => this.#style.bold(visibleCell(title))));
    }
    for (const row of rows) this.#writeRow(row);
  }

  #writeRow(cells: readonly string[]): void {
    const padded = this.#columns.map(({ align }, i) => {
      const cell = cells[i] ?? "";
      const blanks = " ".repeat(Math.max(0, this.#widths[i] - widthOf(cell)));
      return align === "right" ? blanks + cell : cell + blanks;
    });
    this.#write(`${padded.join("  ").trimEnd()}\n`);
  }
}

/** A whole table as text. */
export function formatTable(
  columns: readonly Column[],
  rows: Iterable<readonly string[]>,
  options: TableOptions = {},
): string {
  let text = "";
  const table = new TableWriter(columns, (line) => text += line, {
    ...options,
    nMeasured: Infinity,
  });
  for (const row of rows) table.add(row);
  table.end();
  return text;
}

/** Places that text takes on a terminal; wide letters of East Asian scripts and emoji take two. */
export function widthOf(text: string): number {
  let width = 0;
  for (const letter of withoutMarks(text)) {
    if (/\p{Mark}/u.test(letter)) continue;
    width += /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]/u
        .test(letter) || /\p{Emoji_Presentation}/u.test(letter)
      ? 2
      : 1;
  }
  return width;
}
