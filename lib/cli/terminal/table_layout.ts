/**
 * How the columns of a table are laid out where a screen is too narrow for them: elastic ones are cut
 * first, then a row takes several lines, so that nothing that may be copied is cut.
 *
 * @module
 */

import { widthOf } from "./text_width.ts";

/** Blanks between two columns. */
export const GAP = 2;
/** Blanks in front of the second and later lines of a row. */
export const INDENT = 2;
/** Places that an elastic column keeps at least. */
const MIN_ELASTIC = 16;

/** Where columns go. */
export interface TableLayout {
  /** Places of each column. */
  widths: readonly number[];
  /** Numbers of the columns on each line of a row. */
  lines: readonly (readonly number[])[];
}

/**
 * Lays columns out.
 *
 * @param widths Places that each column would take.
 * @param isElastic Whether cells of a column may be cut.
 * @param screen Places of a line; null where nothing is to be fit.
 */
export function layOut(
  widths: readonly number[],
  isElastic: readonly boolean[],
  screen: number | null,
): TableLayout {
  const all = widths.map((_, i) => i);
  const excess = screen === null ? 0 : sum(widths) + GAP * (widths.length - 1) - screen;
  if (screen === null || excess <= 0) return { widths, lines: [all] };
  const shrunk = [...widths];
  let left = excess;
  // The last columns say the least of what a row is about.
  for (const i of [...all].reverse()) {
    if (!isElastic[i]) continue;
    const given = Math.min(left, Math.max(0, shrunk[i] - MIN_ELASTIC));
    shrunk[i] -= given;
    left -= given;
  }
  if (left <= 0) return { widths: shrunk, lines: [all] };
  return inSeveralLines(widths, isElastic, screen);
}

function inSeveralLines(
  widths: readonly number[],
  isElastic: readonly boolean[],
  screen: number,
): TableLayout {
  const fitted: number[] = [];
  const lines: number[][] = [];
  let used = 0;
  widths.forEach((width, i) => {
    const line = lines.at(-1);
    const isNew = line === undefined || used + GAP + width > screen;
    if (isNew) {
      used = lines.length === 0 ? 0 : INDENT;
      lines.push([i]);
    } else {
      used += GAP;
      line.push(i);
    }
    fitted.push(isElastic[i] ? Math.min(width, Math.max(1, screen - used)) : width);
    used += fitted[i];
  });
  return { widths: fitted, lines };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Text of at most so many places; what is cut off is told by an ellipsis. */
export function cutTo(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = "";
  let used = 0;
  for (const letter of text) {
    used += widthOf(letter);
    if (used > width - 1) break;
    kept += letter;
  }
  return `${kept}…`;
}
