/** How full the line to a server was while a program ran. @module */

/** A request: when it began, seconds, and how long it was under way, milliseconds. */
interface Timed {
  t: number;
  ms: number;
}

/** Mean number of requests under way in each of so many equal parts of a time that begins with 0. */
export function underWay(requests: readonly Timed[], seconds: number, nParts: number): number[] {
  const part = seconds / nParts;
  const sums = new Array<number>(nParts).fill(0);
  for (const { t, ms } of requests) {
    const end = t + ms / 1000;
    for (let i = Math.max(0, Math.floor(t / part)); i < nParts && i * part < end; i++) {
      sums[i] += Math.max(0, Math.min(end, (i + 1) * part) - Math.max(t, i * part));
    }
  }
  return sums.map((sum) => Math.round(10 * sum / part) / 10);
}
