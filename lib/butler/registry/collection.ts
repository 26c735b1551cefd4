/**
 * What a collection is.
 *
 * @module
 */

import type { CollectionKey } from "./tables/collection_keys.ts";

/** Kinds of collections. */
export type CollectionType = "RUN" | "TAGGED" | "CHAINED" | "CALIBRATION";

/** A collection as the registry knows it. */
export interface Collection {
  key: CollectionKey;
  name: string;
  type: CollectionType;
  doc: string | null;
}
