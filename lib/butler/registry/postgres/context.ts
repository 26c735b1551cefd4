/**
 * What the parts of a PostgreSQL registry share.
 *
 * @module
 */

import type { DimensionUniverse } from "../../dimensions/dimensions.ts";
import type { PostgresCollections } from "./collections.ts";
import type { PostgresConnection } from "./connection.ts";
import type { PostgresDatasetTypes } from "./dataset_types.ts";

/** One open registry. */
export interface PostgresContext {
  readonly connection: PostgresConnection;
  readonly universe: DimensionUniverse;
  readonly types: PostgresDatasetTypes;
  readonly collections: PostgresCollections;
  /** Name in `dataset_location`. */
  readonly datastoreName: string;
  /** Name of the datastore's records table, unquoted. */
  readonly recordsTable: string;
  /** False only for read-only connections: nothing was ever stored. */
  readonly hasRecordsTable: boolean;
  /** Value of `dataset.ingest_date` for rows written now, as text. */
  ingestDate(): string;
  /** Type of that column. */
  readonly ingestDateType: "bigint" | "timestamp";
}
