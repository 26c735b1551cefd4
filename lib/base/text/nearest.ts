/**
 * What somebody may have meant.
 *
 * @module
 */

/** Longer words are not compared: nobody mistypes them, and it takes the square of their length. */
const MAX_LENGTH = 64;

/** The word that is most like another, or null if none is alike. Case doesn't count. */
export function nearest(word: string, known: readonly string[]): string | null {
  const asked = word.toLowerCase();
  let best: string | null = null;
  // Two letters in five may be wrong, at most.
  let least = Math.ceil(asked.length * 0.4) + 0.5;
  for (const each of known) {
    const distance = distanceOf(asked, each.toLowerCase());
    if (distance < least) [best, least] = [each, distance];
  }
  return best;
}

/** `did you mean "x"? ` in front of a hint, if there is such a word. */
export function nearestHint(word: string, known: readonly string[], hint: string): string {
  const found = nearest(word, known);
  return found === null ? hint : `did you mean "${found}"? ${hint}`;
}

/**
 * Letters to be put in, left out, replaced or exchanged with their neighbour, to make one word the other
 * (Damerau-Levenshtein, each place touched once).
 */
function distanceOf(a: string, b: string): number {
  if (a.length > MAX_LENGTH || b.length > MAX_LENGTH) return Infinity;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      row[j] = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        row[j] = Math.min(row[j], before[j - 2] + 1);
      }
    }
    [before, last] = [last, row];
  }
  return last[b.length];
}
