/**
 * Other layouts of JSON text. Only blanks between tokens change: every number, string and escape stays
 * as it was written.
 *
 * @module
 */

import { ByteBuilder } from "../base/bytes.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/** Levels that are indented: more would make a long text of a short one. */
const MAX_INDENT = 200;

/** End of the string that begins at `start`, behind its closing quote. */
function stringEnd(text: Uint8Array, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== QUOTE) at += text[at] === BACKSLASH ? 2 : 1;
  return Math.min(at + 1, text.length);
}

/** Lays text out with two spaces for each level, one member or element a line. */
export function indentJson(text: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new ByteBuilder();
  let depth = 0;
  const newline = () => out.text(`\n${"  ".repeat(Math.min(depth, MAX_INDENT))}`);
  let at = 0;
  while (at < text.length) {
    const c = text[at];
    if (c <= 0x20) {
      at++;
    } else if (c === QUOTE) {
      const end = stringEnd(text, at);
      out.bytes(text, at, end);
      at = end;
    } else if (c === OPEN_BRACE || c === OPEN_BRACKET) {
      let next = at + 1;
      while (next < text.length && text[next] <= 0x20) next++;
      const isEmpty = text[next] === CLOSE_BRACE || text[next] === CLOSE_BRACKET;
      out.bytes(text, at, at + 1);
      if (isEmpty) {
        out.bytes(text, next, next + 1);
        at = next + 1;
      } else {
        depth++;
        newline();
        at++;
      }
    } else if (c === CLOSE_BRACE || c === CLOSE_BRACKET) {
      depth = Math.max(0, depth - 1);
      newline();
      out.bytes(text, at, at + 1);
      at++;
    } else {
      out.bytes(text, at, at + 1);
      if (c === COMMA) newline();
      if (c === COLON) out.text(" ");
      at++;
    }
  }
  return out.take();
}

/** Text on one line: line ends, which can only be blanks between tokens, become spaces. */
export function oneLineJson(text: Uint8Array): Uint8Array {
  if (text.indexOf(0x0a) < 0 && text.indexOf(0x0d) < 0) return text;
  return text.map((c) => c === 0x0a || c === 0x0d ? 0x20 : c);
}
