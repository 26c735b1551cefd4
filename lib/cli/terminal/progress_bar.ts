/**
 * Bars at the bottom of a terminal. Log lines go above them, and they vanish when they are done: the
 * summary that follows says it all.
 *
 * @module
 */

// @ts-types="@types/cli-progress"
import cliProgress from "cli-progress";
import { visibleLine } from "../../base/text/visible_text.ts";
import type { Terminal } from "./terminal.ts";

/** One bar. */
interface Bar {
  name: string;
  /** From 0 to 1; null if nobody knows. */
  fraction: number | null;
  text: string;
  /** What is most wanted of the text, for a narrow screen. */
  shortText?: string;
}

/** Letters of a bar between its brackets, at most and at least. */
const BAR_SIZE = 24;
const MIN_BAR_SIZE = 4;
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
    const { columns } = this.#terminal.size();
    const texts = [...bars.map((bar) => formatBar(bar, columns)), footer]
      // A line that is wrapped would be two when it is drawn again.
      .map((text) => visibleLine(text).slice(0, columns - 1));
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

/** As much of a bar as there is room for: figures go first, those of the pace before all. */
function formatBar({ name, fraction, text, shortText }: Bar, columns: number): string {
  const percent = fraction === null ? "    " : `${Math.floor(fraction * 100)}%`.padStart(4);
  const title = name.padEnd(8);
  const roomBeside = (figures: string) => columns - 1 - `${title} [] ${percent} ${figures}`.length;
  const figures = shortText !== undefined && roomBeside(text) < 0 ? shortText : text;
  const size = Math.min(BAR_SIZE, roomBeside(figures));
  if (size < MIN_BAR_SIZE) return `${title} ${percent} ${figures}`;
  const n = fraction === null ? 0 : Math.floor(Math.min(1, Math.max(0, fraction)) * size);
  return `${title} [${"#".repeat(n)}${".".repeat(size - n)}] ${percent} ${figures}`;
}
