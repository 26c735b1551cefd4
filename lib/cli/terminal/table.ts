/**
 * Aligned tables of text: widths follow from the first rows, so that a table of any length is written
 * as it comes. On a screen that is too narrow, rows take several lines.
 *
 * @module
 */

import { visibleCell } from "../../base/text/visible_text.ts";
import { makeStyle, type Style } from "./color.ts";
import { cutTo, GAP, INDENT, layOut, type TableLayout } from "./table_layout.ts";
import { widthOf } from "./text_width.ts";

/** A column of a table. */
export interface Column {
  title: string;
  /** Numbers are aligned at the right; default left. */
  align?: "left" | "right";
  /**
   * Whether cells may be cut where the screen is too narrow: of messages without marks, not of what
   * is copied.
   */
  isElastic?: boolean;
}

/** Options of {@linkcode TableWriter}. */
interface TableOptions {
  /** Marks, and the width of the screen. */
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
  #layout: TableLayout = { widths: [], lines: [] };

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
    const widths = this.#columns.map(({ title }, i) =>
      rows.reduce(
        (width, row) => Math.max(width, widthOf(row[i] ?? "")),
        this.#hasTitles ? widthOf(title) : 0,
      )
    );
    const isElastic = this.#columns.map((column) => column.isElastic ?? false);
    this.#layout = layOut(widths, isElastic, this.#style.columns);
    if (this.#hasTitles) {
      this.#writeRow(this.#columns.map(({ title }) => this.#style.bold(visibleCell(title))));
    }
    for (const row of rows) this.#writeRow(row);
  }

  #writeRow(cells: readonly string[]): void {
    const { widths, lines } = this.#layout;
    lines.forEach((columns, line) => {
      const padded = columns.map((i) => {
        const { align, isElastic } = this.#columns[i];
        // Without a screen to fit, rows that come later and are wider stick out.
        const isCut = isElastic === true && this.#style.columns !== null;
        const cell = isCut ? cutTo(cells[i] ?? "", widths[i]) : cells[i] ?? "";
        const blanks = " ".repeat(Math.max(0, widths[i] - widthOf(cell)));
        return align === "right" ? blanks + cell : cell + blanks;
      });
      const text = padded.join(" ".repeat(GAP)).trimEnd();
      // A line without anything is none, but the first one is the row.
      if (line > 0 && text === "") return;
      this.#write(`${line === 0 ? "" : " ".repeat(INDENT)}${text}\n`);
    });
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
