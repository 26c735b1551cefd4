/**
 * What is known of a repository before a run begins.
 *
 * @module
 */

import type { DatastoreChain } from "../../butler/datastore/datastore_chain.ts";
import type { DimensionUniverse } from "../../butler/dimensions/dimensions.ts";
import type { OutputTypes } from "../../provenance/output_types.ts";

/** What the registry says before anything starts. */
export interface KnownState {
  universe: DimensionUniverse;
  /** Packed ids of the RUN's datasets. */
  ids: Uint8Array;
  datastores: DatastoreChain;
  types: OutputTypes;
  /** Whether each of the types is registered already. */
  areRegistered: boolean[];
}
