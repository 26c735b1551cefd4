/**
 * What the parts of an SQLite registry share.
 *
 * @module
 */

import type { DimensionUniverse } from "../../dimensions/dimensions.ts";
import type { SqliteCollections } from "./collections.ts";
import type { SqliteConnection, SqlValue } from "./connection.ts";
import type { SqliteDatasetTypes } from "./dataset_types.ts";

/** One open registry. */
export interface SqliteContext {
  readonly connection: SqliteConnection;
  readonly universe: DimensionUniverse;
  readonly types: SqliteDatasetTypes;
  readonly collections: SqliteCollections;
  /** Name in `dataset_location`. */
  readonly datastoreName: string;
  /** Name of the datastore's records table, unquoted. */
  readonly recordsTable: string;
  /** False only for read-only connections: nothing was ever stored. */
  readonly hasRecordsTable: boolean;
  /** Value of `dataset.ingest_date` for rows written now. */
  ingestDate(): SqlValue;
}
