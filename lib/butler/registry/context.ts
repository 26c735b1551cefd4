/**
 * What the parts of a registry share.
 *
 * @module
 */

import type { DimensionUniverse } from "../dimensions/dimensions.ts";
import type { CollectionKeys } from "./tables/collection_keys.ts";
import type { Collections } from "./collections.ts";
import type { DatasetTypes } from "./dataset_types.ts";
import type { Connection } from "./session.ts";

/** What the database knows of a datastore. */
export interface StoredIn {
  /** Name in `dataset_location`. */
  readonly datastoreName: string;
  /** Unquoted. */
  readonly recordsTable: string;
  readonly hasRecordsTable: boolean;
}

/** One open registry. */
export interface RegistryContext {
  readonly connection: Connection;
  readonly universe: DimensionUniverse;
  readonly types: DatasetTypes;
  readonly collections: Collections;
  readonly keys: CollectionKeys;
  /** All datastores that keep files, in the order of the chain. */
  readonly datastores: readonly StoredIn[];
  /** Those whose records count when a RUN's are listed: all, or the one that is asked for. */
  readonly asked: readonly StoredIn[];
  /** Name in `dataset_location` of the datastore whose records are asked for. */
  readonly datastoreName: string;
  /** Name of its records table, unquoted. */
  readonly recordsTable: string;
  /** False only for read-only connections: nothing was ever stored. */
  readonly hasRecordsTable: boolean;
  /** Value of `dataset.ingest_date` for rows written now, as text. */
  ingestDate(): string;
  /** Type of that column. */
  readonly ingestDateType: "bigint" | "timestamp";
}
