/**
 * Colour for people: decided once for each stream, and handed to commands as functions that mark text,
 * or leave it alone.
 *
 * @module
 */

/** Values of `--color`. */
export const COLOR_MODES = ["auto", "always", "never"] as const;

/** One of {@linkcode COLOR_MODES}. */
export type ColorMode = typeof COLOR_MODES[number];

/** Marks text for a terminal, or returns it unchanged where colour is off. */
export interface Style {
  /** Whether anything is marked at all. */
  readonly isOn: boolean;
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  blue(text: string): string;
  cyan(text: string): string;
}

/** Parameters of the control sequence that begins and of the one that ends each mark (ECMA-48). */
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
  env: { get(name: string): string | undefined },
): boolean {
  if (mode !== "auto") return mode === "always";
  return isTerminal && (env.get("NO_COLOR") ?? "") === "" && env.get("TERM") !== "dumb";
}

/** The marks of a stream. */
export function makeStyle(isOn: boolean): Style {
  const mark = (name: keyof typeof MARKS) => {
    const [begin, end] = MARKS[name];
    return (text: string) => isOn ? `\x1b[${begin}m${text}\x1b[${end}m` : text;
  };
  return {
    isOn,
    bold: mark("bold"),
    dim: mark("dim"),
    red: mark("red"),
    green: mark("green"),
    yellow: mark("yellow"),
    blue: mark("blue"),
    cyan: mark("cyan"),
  };
}

// deno-lint-ignore no-control-regex -- control sequences are what is looked for
const CONTROL_SEQUENCE = /\x1b\[[\d;]*m/g;

/** Text without the marks of a {@linkcode Style}. */
export function withoutMarks(text: string): string {
  return text.replaceAll(CONTROL_SEQUENCE, "");
}
