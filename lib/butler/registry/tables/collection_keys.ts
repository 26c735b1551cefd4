/**
 * How rows refer to collections: by an integer, or by name in registries made with
 * `NameKeyCollectionManager`.
 *
 * @module
 */

import type { ColumnType } from "./column_type.ts";

/** Key of a collection. */
export type CollectionKey = number | string;

/** Names and type of the columns that hold keys of collections. */
export interface CollectionKeys {
  readonly type: ColumnType;
  /** Column of `collection` and `run`. */
  readonly own: "collection_id" | "name";
  /** Column of tables that refer to a collection. */
  readonly collection: "collection_id" | "collection_name";
  /** Column of `dataset`. */
  readonly run: "run_id" | "run_name";
  /** A key as a row has it. */
  fromRow(value: unknown): CollectionKey;
}

/** Of registries made with `SynthIntKeyCollectionManager`, which is the default. */
export const INTEGER_KEYS: CollectionKeys = {
  type: "bigint",
  own: "collection_id",
  collection: "collection_id",
  run: "run_id",
  fromRow: Number,
};

/** Of registries made with `NameKeyCollectionManager`. */
export const NAME_KEYS: CollectionKeys = {
  type: "text",
  own: "name",
  collection: "collection_name",
  run: "run_name",
  fromRow: String,
};
