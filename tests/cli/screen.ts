/** A terminal that tests look at. */

import type { Terminal } from "../../lib/cli/terminal/terminal.ts";

/** A terminal of 100 columns that knows cursor movements as far as bars use them. */
export class Screen implements Terminal {
  readonly isTerminal = true;
  readonly isErrorTerminal = true;
  lines: string[] = [""];
  isCursorShown = true;
  /** Everything that was ever on the screen, as one text a write. */
  readonly frames: string[] = [];
  #row = 0;
  #column = 0;

  size() {
    return { columns: 100, rows: 24 };
  }

  write(bytes: Uint8Array | string): void {
    this.writeError(typeof bytes === "string" ? bytes : new TextDecoder().decode(bytes));
  }

  writeError(text: string): void {
    // deno-lint-ignore no-control-regex -- control sequences are what is looked for
    for (const [token, digits, letter] of text.matchAll(/\x1b\[(\?25|\d*)([A-Za-z])|[^\x1b]/g)) {
      const line = this.lines[this.#row];
      if (letter === undefined) {
        if (token === "\n") {
          this.#row++;
          this.#column = 0;
          this.lines[this.#row] ??= "";
        } else {
          this.lines[this.#row] = line.slice(0, this.#column).padEnd(this.#column) + token +
            line.slice(this.#column + 1);
          this.#column++;
        }
      } else if (letter === "A") this.#row -= Number(digits || 1);
      else if (letter === "G") this.#column = Number(digits || 1) - 1;
      else if (letter === "K") {
        this.lines[this.#row] = digits === "2" ? "" : line.slice(0, this.#column);
      } else if (letter === "J") {
        this.lines[this.#row] = line.slice(0, this.#column);
        this.lines.length = this.#row + 1;
      } else if (digits === "?25") this.isCursorShown = letter === "h";
      else if (letter !== "m") throw new Error(`unknown control sequence ${JSON.stringify(token)}`);
    }
    this.frames.push(this.lines.join("\n"));
  }
}
