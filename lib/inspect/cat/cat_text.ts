/**
 * A log or metadata as text.
 *
 * @module
 */

import { forEachLogLine } from "../../sources/logs/log_text.ts";
import { parseStored } from "../../sources/parse_stored.ts";
import { indentJson } from "./json_layout.ts";

/**
 * Writes the document of one attempt as text: records as lines, metadata indented.
 *
 * @param what What it is, for errors.
 * @throws {InvalidQuantumGraphFileError} if it is not what it should be.
 */
export function writeAsText(
  kind: "log" | "metadata",
  document: Uint8Array,
  what: string,
  write: (bytes: Uint8Array | string) => void,
): void {
  if (kind === "metadata") return write(joinLine(indentJson(document)));
  let lines: string[] = [];
  let nCharacters = 0;
  parseStored(what, () =>
    forEachLogLine(document, (line) => {
      lines.push(line, "\n");
      nCharacters += line.length;
      // A long log goes out in pieces.
      if (nCharacters > 1 << 18) {
        write(lines.join(""));
        lines = [];
        nCharacters = 0;
      }
    }));
  write(lines.join(""));
}

/** A document with a line end behind it. */
export function joinLine(document: Uint8Array): Uint8Array {
  const line = new Uint8Array(document.length + 1);
  line.set(document);
  line[document.length] = 0x0a;
  return line;
}
