/**
 * Patterns of `like`, as SQL has them: `%` stands for any text, `_` for one letter, `\` takes what follows
 * as it is. Linear in the text for each `%`, whatever the pattern.
 *
 * @module
 */

/** What one place of a pattern stands for. */
type Piece = { kind: "any" } | { kind: "one" } | { kind: "letter"; letter: string };

/** A test of texts. Letters count as they are written. */
export function likePattern(pattern: string): (text: string) => boolean {
  const pieces = parse(pattern);
  return (text) => fits([...text], pieces);
}

function parse(pattern: string): Piece[] {
  const pieces: Piece[] = [];
  const letters = [...pattern];
  for (let i = 0; i < letters.length; i++) {
    const letter = letters[i];
    if (letter === "%") pieces.push({ kind: "any" });
    else if (letter === "_") pieces.push({ kind: "one" });
    else if (letter === "\\" && i + 1 < letters.length) {
      pieces.push({ kind: "letter", letter: letters[++i] });
    } else pieces.push({ kind: "letter", letter });
  }
  return pieces;
}

function fits(text: readonly string[], pieces: readonly Piece[]): boolean {
  let at = 0;
  let piece = 0;
  // The last `%` that was met, and how much of the text it takes so far: an earlier one need not take more.
  let any = -1;
  let anyEnd = 0;
  while (at < text.length) {
    const wanted = pieces[piece];
    if (wanted?.kind === "any") {
      any = piece++;
      anyEnd = at;
    } else if (wanted !== undefined && (wanted.kind === "one" || wanted.letter === text[at])) {
      piece++;
      at++;
    } else if (any >= 0) {
      piece = any + 1;
      at = ++anyEnd;
    } else return false;
  }
  while (pieces[piece]?.kind === "any") piece++;
  return piece === pieces.length;
}
