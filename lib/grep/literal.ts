/**
 * A piece of text that everything which a pattern matches must hold: whoever looks for that first need
 * not parse most logs.
 *
 * @module
 */

/** Pieces that are shorter would be found everywhere. */
const MIN_LENGTH = 3;
/** Letters that stand in JSON as they are, and in none of what separates the fields of a printed record. */
const PLAIN = /^[\w.,;=<>@#%&!~'`(){}[\]$^*+?|-]$/;
/** What stands for more than itself in a pattern. */
const SPECIAL = /^[.*+?^${}()|[\]\\]$/;

/**
 * The longest such piece of each alternative of a regular expression: what matches holds one of them. Null
 * if nothing is certain.
 *
 * A record is printed with blanks and colons between its fields, and with its time in another form than
 * it is stored. So a piece has neither, and at least one letter that no time and no number has: then it
 * is in one field, as it is stored.
 *
 * @param source Of a regular expression that is compiled already.
 */
export function requiredPieces(source: string): string[] | null {
  const alternatives: (string | null)[] = [];
  let pieces: string[] = [];
  let piece = "";
  const end = () => {
    pieces.push(piece);
    piece = "";
  };
  let at = 0;
  while (at < source.length) {
    const c = source[at];
    if (c === "|") {
      end();
      alternatives.push(longestOf(pieces));
      pieces = [];
      at++;
      continue;
    }
    if (c === "(" || c === "[") {
      const behind = c === "(" ? groupEnd(source, at) : classEnd(source, at);
      if (behind < 0) return null;
      end();
      at = quantifierEnd(source, behind);
      continue;
    }
    const [letter, next] = readLetter(source, at);
    if (next < 0) return null;
    const behind = quantifierEnd(source, next);
    if (letter === null || !PLAIN.test(letter)) end();
    else if (behind === next) piece += letter;
    else {
      // It may be there not once, or many times.
      if (source[next] === "+") piece += letter;
      end();
    }
    at = behind;
  }
  end();
  alternatives.push(longestOf(pieces));
  return alternatives.every((each) => each !== null) ? alternatives : null;
}

function longestOf(pieces: readonly string[]): string | null {
  return pieces.filter((each) => each.length >= MIN_LENGTH && /[A-SU-Ya-su-y_]/.test(each))
    .sort((a, b) => b.length - a.length)[0] ?? null;
}

/** The letter that stands at a place, null if it is none in particular; and where it ends, -1 if unknown. */
function readLetter(source: string, at: number): [letter: string | null, next: number] {
  const c = source[at];
  if (c !== "\\") return [SPECIAL.test(c) ? null : c, at + 1];
  const escaped = source[at + 1] ?? "";
  if (/[bBdDwWsSnrtfv]/.test(escaped)) return [null, at + 2];
  return /\w/.test(escaped) || escaped === "" ? [null, -1] : [escaped, at + 2];
}

/** Behind a quantifier, or the place itself. */
function quantifierEnd(source: string, at: number): number {
  const match = /^(?:[*+?]|\{\d+(?:,\d*)?\})\??/.exec(source.slice(at, at + 32));
  return at + (match?.[0].length ?? 0);
}

function classEnd(source: string, start: number): number {
  for (let at = start + 1; at < source.length; at++) {
    if (source[at] === "\\") at++;
    else if (source[at] === "]") return at + 1;
  }
  return -1;
}

function groupEnd(source: string, start: number): number {
  let depth = 0;
  for (let at = start; at < source.length; at++) {
    const c = source[at];
    if (c === "\\") at++;
    else if (c === "[") {
      at = classEnd(source, at) - 1;
      if (at < 0) return -1;
    } else if (c === "(") depth++;
    else if (c === ")" && --depth === 0) return at + 1;
  }
  return -1;
}
