/** The table of `schema/environment.md`. */

import { join } from "node:path";
import { PROJECT } from "./fixtures.ts";

/** A row. */
export interface VariableRow {
  /** Of the variable; a star at its end stands for the rest of a name. */
  name: string;
  whose: string;
  /** `yes`, `no`, `by Deno`. */
  read: string;
  text: string;
}

/** All rows of the document's tables. @throws {Error} if a row hasn't four cells, of which the first is a name. */
export function variables(): VariableRow[] {
  const document = Deno.readTextFileSync(join(PROJECT, "schema/environment.md"));
  const lines = document.split("\n").filter((line) => line.startsWith("|"));
  return lines.slice(2).map((line) => {
    const cells = line.split("|").slice(1, -1).map((cell) => cell.trim());
    const name = /^`([A-Z][A-Z0-9_]*\*?)`$/.exec(cells[0])?.[1];
    if (cells.length !== 4 || name === undefined) throw new Error(`Not a row: ${line}`);
    return { name, whose: cells[1], read: cells[2], text: cells[3] };
  });
}
