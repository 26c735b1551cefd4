/**
 * The registry of a butler repository: dataset types, collections, datasets, and the datastore's
 * records, behind one interface for both databases.
 *
 * @module
 */

import type { Environment } from "../../base/environment.ts";
import type { RepositoryConfig } from "../config/repository_config.ts";
import type { DataIdValue } from "../dimensions/data_id_value.ts";
import type { DimensionUniverse } from "../dimensions/dimensions.ts";
import type { DimensionRecordSource } from "../dimensions/record_source.ts";
import type { LockWaitOptions } from "./lock_wait.ts";
import type { Connection } from "./session.ts";
import type { DimensionGroup } from "../dimensions/dimension_group.ts";
import type { DatasetType } from "../dimensions/dataset_type.ts";
import type { Collection } from "./collection.ts";

/** Where and how a dataset is stored. */
export interface DatastoreRecord {
  /** Relative to the datastore's root, or an absolute URI. */
  path: string;
  /** Fully qualified Python class. */
  formatter: string;
  storageClass: string;
  /** Component of a disassembled dataset, null for one stored whole. */
  component: string | null;
  /** Hexadecimal text, null if not computed. */
  checksum: string | null;
  /** Bytes; -1 or null if unknown. */
  fileSize: number | null;
}

/** Datasets of one RUN to be written together, in columns of `n` rows. */
export interface DatasetBatch {
  run: string;
  n: number;
  /** Dataset IDs, `16 * n` bytes. */
  ids: Uint8Array;
  /** Position of each row's dataset type in `types`. */
  typeIndex: Uint16Array;
  types: DatasetType[];
  /**
   * Values of the required dimensions only, flat: row by row, each as many as its type's group has
   * required dimensions.
   */
  values: DataIdValue[];
  /** Path of each row's record; null for a dataset without record (rejected by constraints). */
  paths: (string | null)[];
  /** Formatter that records say, for each of `types`. */
  formatters: string[];
  /** Storage class that records say, for each of `types`. */
  storageClasses: string[];
  /** File size in bytes that all records say; -1 is unknown. */
  fileSize: number;
  /** Checksum that all records say, hexadecimal; none if left out. */
  checksum?: string | null;
  /** What other datastores of a chain have of the same rows; left out where there is one datastore. */
  others?: readonly OtherRecords[];
  /** Datastore, by its position in the chain, whose records the above are; the first if left out. */
  datastore?: number;
}

/** What a datastore has of the rows of a batch; storage classes are those of the batch. */
export interface OtherRecords {
  /** Position in the chain. */
  datastore: number;
  paths: (string | null)[];
  formatters: string[];
  fileSize: number;
  checksum?: string | null;
}

/** A provenance graph as a RUN has it registered. */
export interface RegisteredProvenance {
  id: Uint8Array;
  /** Of the first datastore that has one. */
  record: DatastoreRecord;
  /** Position of that datastore in the chain; 0 where there is one. */
  datastore: number;
}

/**
 * What the batch's RUN must hold as its provenance graph while a batch is written, looked at in the same
 * transaction: null is none. So two writers of one RUN can't both register a graph, and nobody registers
 * datasets backed by a graph that isn't the RUN's any more.
 */
export interface ProvenanceGuard {
  provenance: { id: Uint8Array; path: string; fileSize: number } | null;
}

/** Some datasets of a run with their records, in columns of `n` rows, ascending by dataset ID. */
export interface RunRecordsBatch {
  n: number;
  /** Dataset IDs, `16 * n` bytes. */
  ids: Uint8Array;
  typeNames: string[];
  /** Path of the record, null for a dataset that is not stored. */
  paths: (string | null)[];
  formatters: (string | null)[];
}

/** What is known of a dataset by its ID. */
export interface DatasetInfo {
  typeName: string;
  run: string;
  /** Values of the required dimensions. */
  required: DataIdValue[];
}

/** Source of time; injected, so that tests own it. */
interface Clock {
  /** Microseconds since 1970 UTC. */
  now(): number;
}

/** The machine's clock. */
export const systemClock: Clock = { now: () => Date.now() * 1000 };

/** How it is told that a database holds no registry. */
export interface NoRegistryText {
  state: string;
  hint: string;
}

/** Makes a registry of a connection, which is the registry's from then on, unless this throws. */
export type RegistryMaker = (
  connection: Connection,
  noRegistry: NoRegistryText,
) => Promise<Registry>;

/** Options of `openRegistry`. */
export interface OpenRegistryOptions extends LockWaitOptions {
  /** Without it nothing is ever written, not even locks that would need a writeable directory. */
  writeable: boolean;
  /** Whether what a writer would be refused is refused, though nothing is written. */
  isRehearsal?: boolean;
  clock?: Clock;
  /** How long to try to reach a database server again that was lost, milliseconds; default 60 000. */
  retryMs?: number;
  /** Where credentials and connection settings are looked for; default is the process's own. */
  env?: Environment;
}

/**
 * An open registry. Methods that write need `writeable`; each leaves either all of its effect or
 * nothing. Unknown names in questions give empty answers, unknown names in orders are errors.
 *
 * @throws {EnvironmentError} from every method, if the database is locked for too long, damaged, full
 *   or gone.
 */
export interface Registry extends AsyncDisposable {
  /** The repository's own dimension universe. */
  readonly universe: DimensionUniverse;
  readonly config: RepositoryConfig;

  /** The registered dataset type of that name, or null. */
  findDatasetType(name: string): Promise<DatasetType | null>;

  /**
   * Says whether a dataset type is registered with exactly this definition.
   *
   * @throws {ConflictingDefinitionError} if it is registered with another one.
   * @throws {RefusedError} if its name or dimensions can't be used in this repository.
   */
  checkDatasetType(type: DatasetType): Promise<"present" | "absent">;

  /**
   * Registers dataset types with their dimension groups and tables, all of them or none. Those that
   * exist are left as they are.
   *
   * @throws {ConflictingDefinitionError} as {@linkcode checkDatasetType}.
   * @throws {RefusedError} as {@linkcode checkDatasetType}, or if a table is there with other columns.
   */
  registerDatasetTypes(types: readonly DatasetType[]): Promise<void>;

  /** The collection of that name, or null. */
  findCollection(name: string): Promise<Collection | null>;

  /** Names of the RUNs whose names begin with `run` and a slash, sorted. */
  runsBelow(run: string): Promise<string[]>;

  /**
   * Finds a collection or makes it.
   *
   * @throws {ConflictingDefinitionError} if one of another type has that name.
   */
  registerCollection(
    name: string,
    type: "RUN" | "CHAINED",
  ): Promise<{ collection: Collection; created: boolean }>;

  /**
   * Replaces chains by their members, depth first, each collection once, at its first place.
   *
   * @throws {NotFoundError} if a name is unknown.
   */
  flattenCollections(names: readonly string[]): Promise<string[]>;

  /**
   * Direct members of a chain in order.
   *
   * @throws {NotFoundError} if the name is unknown.
   * @throws {ConflictingDefinitionError} if it is no chain.
   */
  chainChildren(name: string): Promise<string[]>;

  /**
   * Puts a RUN into an output chain. A chain that doesn't exist is made of the run and the flattened
   * inputs; one that does gets the run in front, unless it is a member already. Idempotent.
   *
   * @throws {NotFoundError} if the run or an input is unknown.
   * @throws {ConflictingDefinitionError} if the chain's name is that of another collection.
   * @throws {RefusedError} if the chain would contain itself.
   */
  updateOutputChain(chain: string, run: string, inputs: readonly string[]): Promise<void>;

  /** IDs of all datasets of a RUN, packed, in any order. Memory: 16 bytes each. */
  datasetIds(run: string): Promise<Uint8Array>;

  /**
   * IDs of a RUN's datasets of these types, packed, some ten thousand at a time, in any order. Nothing
   * is locked between batches.
   */
  runDatasetIds(run: string, typeNames: readonly string[]): AsyncIterable<Uint8Array>;

  /** IDs of the datasets whose record says this path, as {@linkcode runDatasetIds}. */
  datasetIdsStoredAt(path: string): AsyncIterable<Uint8Array>;

  /**
   * Paths of the datastore's records that begin with a directory, whatever RUN their datasets are of,
   * some thousand at a time. Costs one pass over all records. Nothing is locked between batches.
   *
   * @param directory relative to the root, without slash at its end
   */
  recordPathsBelow(directory: string): AsyncIterable<string[]>;

  /** The dataset of that type and data ID (required values) in a RUN, or null. */
  findDataset(
    typeName: string,
    run: string,
    required: readonly DataIdValue[],
  ): Promise<Uint8Array | null>;

  /** Type, run and data ID of a dataset, or null. */
  datasetInfo(id: Uint8Array): Promise<DatasetInfo | null>;

  /**
   * Dataset IDs that begin with 1 to 32 hexadecimal digits, ascending, at most `limit`.
   *
   * @param run only datasets of this RUN; null for the whole repository
   */
  findDatasetIdPrefix(prefixHex: string, run: string | null, limit: number): Promise<Uint8Array[]>;

  /**
   * Names of the RUNs that hold datasets of a type, sorted; none for an unknown type. Costs one
   * look-up for each RUN that ever held one.
   */
  runsWithDatasetType(typeName: string): Promise<string[]>;

  /** Dataset types that a RUN has or had datasets of, by name. */
  datasetTypesInRun(run: string): Promise<DatasetType[]>;

  /**
   * Every dataset of a RUN (of these types, if given) with its record, in a chain that of the first
   * datastore that has one, ascending by ID, some thousand at a time. Nothing is locked between batches. Memory: 16 bytes a dataset.
   */
  runRecords(run: string, typeNames?: readonly string[]): AsyncIterable<RunRecordsBatch>;

  /** The datastore's records of a dataset: none, one, or one for each component. */
  records(id: Uint8Array): Promise<DatastoreRecord[]>;

  /**
   * The same registry, whose answers on records are those of another datastore of the chain. It is open as
   * long as this one, and not to be disposed of.
   *
   * @param datastore position in the chain
   */
  ofDatastore(datastore: number): Registry;

  /**
   * The provenance graph that a RUN holds, or null.
   *
   * @throws {RefusedError} if it is registered but not stored.
   */
  findRunProvenance(run: string): Promise<RegisteredProvenance | null>;

  /**
   * Writes new datasets, their summaries, locations and records in one transaction. Types and run
   * must be registered.
   *
   * @throws {ConflictingDatasetError} if a row is there already or refers to one that isn't; nothing
   *   was written.
   * @throws {RefusedError} if the run or a type is not registered.
   */
  importDatasets(batch: DatasetBatch): Promise<void>;

  /**
   * Says why datasets of a batch can't be imported: which are registered with another definition, or
   * under another ID. Datasets that are there as the batch has them are no conflict.
   *
   * @returns one line for each of the first few, or null if there is none
   */
  explainConflict(batch: DatasetBatch): Promise<string | null>;

  /**
   * Writes datasets that may be there already. Afterwards, each is registered, and has exactly the
   * records of the batch (none in a datastore whose path is null): other records of these IDs are gone.
   *
   * @param guard what the RUN must hold as its provenance graph
   * @throws {ConflictingDatasetError} if one is registered with another definition or under another
   *   ID, or the RUN does not hold what `guard` says; nothing was written.
   * @throws {RefusedError} if the run or a type is not registered.
   */
  ingestDatasets(batch: DatasetBatch, guard?: ProvenanceGuard): Promise<void>;

  /**
   * Rewrites the datastore records of datasets that are registered in the batch's RUN and have a
   * record, in one transaction: path, formatter, storage class, size and checksum become those of the
   * batch. Registry rows stay as they are. Rows with a null path are left alone.
   *
   * @param guard what the RUN must hold as its provenance graph
   * @returns rows of the batch that were left alone, ascending
   * @throws {ConflictingDatasetError} if the RUN does not hold what `guard` says; nothing was written.
   */
  rewriteRecords(batch: DatasetBatch, guard?: ProvenanceGuard): Promise<Uint32Array>;

  /**
   * Removes datasets from registry and datastore records; files stay. IDs that aren't there are
   * passed over.
   *
   * @param unlessIngested a RUN whose datasets must stay if it has a provenance graph by now
   * @returns number of datasets removed
   * @throws {ConflictingDatasetError} if `unlessIngested` has one; nothing was removed.
   * @throws {RefusedError} if another datastore still has one of them; nothing was removed.
   */
  forgetDatasets(ids: Uint8Array, unlessIngested?: string): Promise<number>;

  /**
   * Columns of dimension records, for file templates. Looked up when asked for, and kept. Read it
   * within `withRecords()`: they may have to be fetched first.
   */
  dimensionRecordSource(): Promise<DimensionRecordSource>;

  /**
   * Completes a data ID.
   *
   * @param required values of the group's required dimensions
   * @returns those, then the values of the implied dimensions
   * @throws {NotFoundError} if a dimension record is missing.
   * @throws {RefusedError} if two records imply different values.
   */
  expandDataId(group: DimensionGroup, required: readonly DataIdValue[]): Promise<DataIdValue[]>;
}
