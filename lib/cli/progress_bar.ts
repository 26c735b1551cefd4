/**
 * Bars at the bottom of a terminal. Log lines go above them, and they vanish when they are done: the
 * summary that follows says it all.
 *
 * @module
 */

// @ts-types="@types/cli-progress"
import cliProgress from "cli-progress";
import { visibleLine } from "../base/visible_text.ts";
import type { Terminal } from "./terminal.ts";

/** One bar. */
export interface Bar {
  name: string;
  /** From 0 to 1; null if nobody knows. */
  fraction: number | null;
  text: string;
}

/** Letters of a bar between its brackets. */
const BAR_SIZE = 24;
/** The library draws when it is told to; its own clock is to stand still. */
const NEVER_FPS = 1e-6;

/** The part of stderr that bars are drawn in. */
export class BarArea {
  readonly #terminal: Terminal;
  #bars: cliProgress.MultiBar | null = null;
  #lines: cliProgress.SingleBar[] = [];

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** Draws bars, and a line of text below them. */
  draw(bars: readonly Bar[], footer: string): void {
    const area = this.#bars ??= this.#begin();
    const texts = [...bars.map(formatBar), footer].map(visibleLine);
    texts.forEach((text, i) => {
      if (i < this.#lines.length) this.#lines[i].update({ text });
      else this.#lines.push(area.create(1, 0, { text }));
    });
    for (let i = texts.length; i < this.#lines.length; i++) this.#lines[i].update({ text: "" });
    area.update();
  }

  /** Writes to stderr, above the bars if there are some. */
  writeError(text: string): void {
    if (this.#bars === null) return this.#terminal.writeError(text);
    this.#bars.log(text);
    this.#bars.update();
  }

  /** Takes the bars away. */
  clear(): void {
    this.#bars?.stop();
    this.#bars = null;
    this.#lines = [];
  }

  #begin(): cliProgress.MultiBar {
    const terminal = this.#terminal;
    const stream = {
      isTTY: true,
      get columns() {
        return terminal.size().columns;
      },
      write: (text: string) => {
        terminal.writeError(text);
        return true;
      },
    };
    const area = new cliProgress.MultiBar({
      // The library asks no more of a stream than this.
      stream: stream as unknown as NodeJS.WritableStream,
      format: (_options, _params, payload: { text: string }) => payload.text,
      fps: NEVER_FPS,
      hideCursor: true,
      clearOnComplete: true,
      forceRedraw: true,
      gracefulExit: false,
      linewrap: true,
      emptyOnZero: true,
    });
    // Lines of the log that are shorter than the bars they are written over.
    area.on("redraw-pre", () => terminal.writeError("\x1b[J"));
    return area;
  }
}

function formatBar({ name, fraction, text }: Bar): string {
  const n = fraction === null ? 0 : Math.floor(Math.min(1, Math.max(0, fraction)) * BAR_SIZE);
  const bar = "#".repeat(n) + ".".repeat(BAR_SIZE - n);
  const percent = fraction === null ? "    " : `${Math.floor(fraction * 100)}%`.padStart(4);
  return `${name.padEnd(8)} [${bar}] ${percent} ${text}`;
}
