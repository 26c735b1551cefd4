/**
 * An ingest that has been prepared: all that is known before anything is changed.
 *
 * @module
 */

import type { RepositoryConfig } from "../butler/config/repository_config.ts";
import type { DatasetType } from "../butler/dimensions/dataset_type.ts";
import type { IngestOptions } from "./options.ts";
import type { GraphPlaces } from "./remote/graph_places.ts";
import type { VerifiedGraph } from "./verified_graph.ts";
import type { RegisteredProvenance, Registry } from "../butler/registry/registry.ts";
import type { Targets } from "../provenance/targets.ts";
import type { PlaceStamp } from "./remote/placed_graph.ts";
import type { TransferPlan } from "./transfer.ts";

/** The graph that is to be ingested, and what the registry knows of it. */
export interface GraphChoice {
  run: string;
  /** Absolute path of the file to read. */
  path: string;
  /** Dataset of `run_provenance` and its record, null while it isn't registered. */
  registered: RegisteredProvenance | null;
  /** Absolute path, or URI, as given, if the file is there. */
  given: string | null;
}

/** The graph in one of the other datastores. */
export interface GraphCopy {
  /** Position of the datastore in the chain. */
  readonly datastore: number;
  /** Absolute, or a URI. */
  readonly root: string;
  /** Whether the datastore keeps checksums. */
  readonly hasChecksum: boolean;
  /** What the graph is to back there. */
  readonly targets: Targets;
  /** Path, relative to the root, at which the file template puts the graph. */
  readonly templatePath: string;
  readonly plan: TransferPlan;
  /** Whether a record says that it is there. */
  readonly isRegistered: boolean;
  /** Which file it is, once it is there. */
  stamp: PlaceStamp | null;
}

/** An ingest that may begin. Disposing of it closes graph and registry, and lets others begin. */
export interface PreparedIngest extends AsyncDisposable {
  readonly options: IngestOptions;
  /** Its `datastore` is the one that the graph is looked for in and goes to first. */
  readonly config: RepositoryConfig;
  readonly registry: Registry;
  /** Type of `run_provenance`. */
  readonly provenanceType: DatasetType;
  /** Where the file template puts a RUN's graph, relative to the root. */
  readonly templatePath: (run: string) => string;
  readonly choice: GraphChoice;
  readonly verified: VerifiedGraph;
  readonly plan: TransferPlan;
  /** What the graph is to back in that datastore. */
  readonly targets: Targets;
  /** The graph in the other datastores that take it. */
  readonly copies: GraphCopy[];
  /** Where graphs are, on disks or in remote stores. */
  readonly places: GraphPlaces;
  /** Position of the first datastore that takes the graph, or of the one that has it registered. */
  readonly datastore: number;
  /**
   * Makes sure that the graph is still what was checked.
   *
   * @throws {EnvironmentError} if it isn't.
   */
  requireUnchanged(): Promise<void>;
}
