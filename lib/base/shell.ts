/**
 * Command lines for people to copy.
 *
 * @module
 */

/** A word that a shell takes as it is; one with controls or marks of direction in the quotes of bash. */
export function shellWord(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  if (!HIDDEN.test(word)) return `'${word.replaceAll("'", "'\\''")}'`;
  return `$'${
    word.replace(/[\\']|[^\x20-\x7e]/gu, (c) => /^[\\']$/.test(c) ? `\\${c}` : escaped(c))
  }'`;
}

/** What can't be seen, or changes how the rest is seen. */
const HIDDEN = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/u;

function escaped(c: string): string {
  const code = c.codePointAt(0)!;
  return code < 0x80
    ? `\\x${code.toString(16).padStart(2, "0")}`
    : `\\U${code.toString(16).padStart(8, "0")}`;
}

/** A command line of several words. */
export function shellLine(words: readonly string[]): string {
  return words.map(shellWord).join(" ");
}
