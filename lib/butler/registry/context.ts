/**
 * What the parts of a registry share.
 *
 * @module
 */

import type { DatasetType } from "../dimensions/dataset_type.ts";
import type { DimensionUniverse } from "../dimensions/dimensions.ts";
import type { Collection } from "./collection.ts";
import type { CollectionKey, CollectionKeys } from "./tables/collection_keys.ts";
import type { Connection, Session } from "./session.ts";

/** What the database knows of a datastore. */
export interface StoredIn {
  /** Name in `dataset_location`. */
  readonly datastoreName: string;
  /** Unquoted. */
  readonly recordsTable: string;
  readonly hasRecordsTable: boolean;
}

/** Dataset types of a registry, as `DatasetTypes` finds them. */
interface KnownTypes {
  find(session: Session, name: string): Promise<RegisteredType | null>;
  findAll(session: Session, names: readonly string[]): Promise<Map<string, RegisteredType>>;
  findByIds(session: Session, ids: readonly number[]): Promise<Map<number, RegisteredType>>;
}

/** Collections of a registry, as `Collections` finds them. */
interface KnownCollections {
  find(session: Session, name: string): Promise<Collection | null>;
  findByKey(session: Session, key: CollectionKey): Promise<Collection | null>;
  runKey(session: Session, run: string): Promise<CollectionKey>;
}

/** One open registry. */
export interface RegistryContext {
  readonly connection: Connection;
  readonly universe: DimensionUniverse;
  readonly types: KnownTypes;
  readonly collections: KnownCollections;
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

/** A dataset type with its place in the database. */
export interface RegisteredType {
  readonly id: number;
  readonly type: DatasetType;
  /** Name of the tags table, unquoted. */
  readonly tagsTable: string;
  /** Name of the calibs table, unquoted; null if it is no calibration type. */
  readonly calibsTable: string | null;
}
