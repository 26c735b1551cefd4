/**
 * Lines of an answer that go out in pieces of a few ten kilobytes, not one by one.
 *
 * @module
 */

const PIECE_SIZE = 1 << 16;

/** Gathers lines; {@linkcode flush} at the end. */
export class LineBuffer {
  readonly #write: (text: string) => void;
  #lines: string[] = [];
  #size = 0;

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  /** Adds a line, without its end. */
  add(line: string): void {
    this.#lines.push(line, "\n");
    this.#size += line.length + 1;
    if (this.#size >= PIECE_SIZE) this.flush();
  }

  /** Writes what is left. */
  flush(): void {
    if (this.#size > 0) this.#write(this.#lines.join(""));
    this.#lines = [];
    this.#size = 0;
  }
}
