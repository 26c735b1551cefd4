/**
 * Colour for people: decided once for each stream, and handed to commands as functions that mark text,
 * or leave it alone.
 *
 * @module
 */

import type { Environment } from "../../base/environment.ts";
import { visibleText } from "../../base/text/visible_text.ts";

/** Values of `--color`. */
export const COLOR_MODES = ["auto", "always", "never"] as const;

/** One of {@linkcode COLOR_MODES}. */
export type ColorMode = typeof COLOR_MODES[number];

/** How text is laid out: marks for a terminal, or the text unchanged where colour is off. */
export interface Style {
  /** Whether anything is marked at all. */
  readonly isOn: boolean;
  /** Places of a line of the terminal that tables are to fit; null where there is none. */
  readonly columns: number | null;
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  blue(text: string): string;
  cyan(text: string): string;
}

/**
 * Parameters of the control sequence that begins and of the one that ends each mark (ECMA-48). In texts
 * that commands make, noncharacters of Unicode stand for them, so that {@linkcode shown} can tell marks from
 * control sequences that came out of files.
 */
const MARKS = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  cyan: [36, 39],
} as const;

/**
 * Whether a stream gets colour. `always` and `never` are obeyed; `auto` means a terminal that can, for
 * users who have not set `NO_COLOR` to anything but the empty text.
 *
 * Source: no-color.org.
 */
export function wantsColor(
  mode: ColorMode,
  isTerminal: boolean,
  env: Environment,
): boolean {
  if (mode !== "auto") return mode === "always";
  return isTerminal && (env.get("NO_COLOR") ?? "") === "" && env.get("TERM") !== "dumb";
}

/** The marks of a stream. @param columns Width of its terminal, null if it is none. */
export function makeStyle(isOn: boolean, columns: number | null = null): Style {
  const mark = (name: keyof typeof MARKS) => {
    const begin = FIRST_MARK + 2 * Object.keys(MARKS).indexOf(name);
    const [before, after] = [begin, begin + 1].map((code) => String.fromCharCode(code));
    return (text: string) => isOn ? before + text + after : text;
  };
  return {
    isOn,
    columns,
    bold: mark("bold"),
    dim: mark("dim"),
    red: mark("red"),
    green: mark("green"),
    yellow: mark("yellow"),
    blue: mark("blue"),
    cyan: mark("cyan"),
  };
}

/** Code of the first mark's begin; its end follows, then the next mark. */
const FIRST_MARK = 0xfdd0;
const ANY_MARK = /[\ufdd0-\ufdef]/g;
const SEQUENCES = Object.values(MARKS).flat().map((parameter) => `\x1b[${parameter}m`);

/**
 * Text for a stream: marks become control sequences, and whatever else could move the cursor, hide or
 * reorder text is made visible. The one door through which text for people leaves the program.
 */
export function shown(text: string, { isOn }: Pick<Style, "isOn">): string {
  return visibleText(text).replace(
    ANY_MARK,
    (c) => (isOn ? SEQUENCES[c.charCodeAt(0) - FIRST_MARK] : undefined) ?? "",
  );
}

/** Text without the marks of a {@linkcode Style}. */
export function withoutMarks(text: string): string {
  return text.replace(ANY_MARK, "");
}
