/**
 * Where dimension records come from.
 *
 * @module
 */

import type { DataIdValue } from "./data_id_value.ts";

/** Where columns of dimension records come from: a predicted graph, or the registry. */
export interface DimensionRecordSource {
  /**
   * Value of a column of the record that the data ID selects. A null value is the text `None`, as
   * the reference writes it.
   *
   * @returns undefined if the record or the column is absent
   * @throws {RecordsNotFetchedError} if the record must be fetched first: use `withRecords()`.
   */
  column(
    dimension: string,
    column: string,
    dataId: (dimension: string) => DataIdValue | undefined,
  ): DataIdValue | undefined;
}
