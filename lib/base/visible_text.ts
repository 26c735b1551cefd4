/**
 * Text from files as it may be shown: nothing in it moves a cursor, hides or reorders what stands beside
 * it. Names, messages and data IDs come from files that nobody vouches for.
 *
 * @module
 */

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Controls, marks of direction, line separators, lone surrogates and invisible characters. */
const HIDDEN =
  /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\u{e0000}-\u{e007f}]/gu;

/** As {@linkcode HIDDEN}, for texts that are all JSON already: only what that leaves as it is. */
const HIDDEN_IN_JSON =
  /[\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g;

/**
 * Text without characters that hide or reorder what stands beside them: control characters become
 * their pictures, marks of direction their code points. Line ends and tabs stay.
 */
export function visibleText(text: string): string {
  return text.replace(HIDDEN, (c) => c === "\n" || c === "\t" ? c : picture(c));
}

/** The same for a text that must stay on one line: line ends and tabs get pictures as well. */
export function visibleLine(text: string): string {
  return text.replace(HIDDEN, picture);
}

/** The same for a cell of a table, or a line of a list: line ends and tabs are blanks. */
export function visibleCell(text: string): string {
  return visibleLine(text.replace(/[\t\r\n]+/g, " "));
}

/** JSON text of the same meaning in which such characters are escaped. */
export function visibleJson(json: string): string {
  return json.replace(
    HIDDEN_IN_JSON,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Bytes of a text, made visible; the same array if there is nothing to change. */
export function visibleBytes(bytes: Uint8Array): Uint8Array {
  for (const byte of bytes) {
    // A control, or a part of a character that may be hidden.
    if (byte >= 0x7f || (byte < 0x20 && byte !== 0x0a && byte !== 0x09)) {
      return encoder.encode(visibleText(decoder.decode(bytes)));
    }
  }
  return bytes;
}

function picture(c: string): string {
  const code = c.codePointAt(0)!;
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  return code === 0x7f ? "\u2421" : `\\u{${code.toString(16)}}`;
}
