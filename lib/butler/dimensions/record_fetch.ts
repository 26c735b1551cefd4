/**
 * Dimension records that are far away. A column is asked for in the middle of putting a path together,
 * where nothing can wait; so a source that has to fetch it first says so, and the path is begun again.
 *
 * @module
 */

/** A source has to fetch records before it can answer. Only {@linkcode withRecords} sees it. */
export class RecordsNotFetchedError extends Error {
  override name = "RecordsNotFetchedError";
  /** Fetches what was asked for, and what is likely to be asked next. */
  readonly fetch: () => Promise<void>;

  constructor(fetch: () => Promise<void>) {
    super("Cannot read dimension record: it has not been fetched; use withRecords()");
    this.fetch = fetch;
  }
}

/**
 * Does work that reads columns of a `DimensionRecordSource`, which may be that of a registry.
 *
 * @param work done again from its beginning after each fetch; must change nothing before it has read
 */
export async function withRecords<T>(work: () => T): Promise<T> {
  for (;;) {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof RecordsNotFetchedError)) throw error;
      await error.fetch();
    }
  }
}
