/** What `why` has in common with options and without. @module */

/** Quanta and datasets that are looked at above and below. */
export const DEFAULT_WHY_LIMIT = 2000;

/** Words that name the source on a command line. */
export function whySourceWords(source: string, run: string | null): string[] {
  return [source, ...(run === null ? [] : ["--run", run])];
}
