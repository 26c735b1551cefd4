/**
 * The registry in an SQLite file.
 *
 * @module
 */

import { EnvironmentError, RepositoryError } from "../../../base/errors.ts";
import { nodeFs } from "../../../base/node_modules.ts";
import { dirname } from "../../../base/paths.ts";
import type { RepositoryConfig } from "../../config/repo_config.ts";
import type { DataIdValue } from "../../dimensions/data_id.ts";
import type { DatasetType } from "../../dimensions/dataset_ref.ts";
import { type DimensionGroup, DimensionUniverse } from "../../dimensions/dimensions.ts";
import { expandDataId } from "../../dimensions/expand_data_id.ts";
import type { DimensionRecordSource } from "../../dimensions/record_source.ts";
import { SortedBatch } from "../dataset_batch.ts";
import { planRecordsTable } from "../ddl.ts";
import { DEFAULT_BUSY_TIMEOUT_MS, type LockWaitOptions, untilUnlocked } from "../lock_wait.ts";
import { checkManagers, type IngestDateKind } from "../manager_versions.ts";
import type {
  Collection,
  DatasetBatch,
  DatasetInfo,
  DatastoreRecord,
  OpenRegistryOptions,
  ProvenanceGuard,
  RegisteredProvenance,
  Registry,
  RunRecordsBatch,
} from "../registry.ts";
import { taiNanoseconds, utcText } from "../time_tai.ts";
import { SqliteCollections } from "./collections.ts";
import { explainConflict } from "./conflicts.ts";
import { isLocked, SqliteConnection } from "./connection.ts";
import type { SqliteContext } from "./context.ts";
import { SqliteDatasetTypes } from "./dataset_types.ts";
import { SqliteDimensionRecords } from "./dimensions.ts";
import { forgetDatasets } from "./forget.ts";
import { importDatasets, ingestDatasets, resolveBatch, rewriteRecords } from "./import.ts";
import {
  datasetIds,
  datasetIdsStoredAt,
  datasetInfo,
  findDataset,
  findDatasetIdPrefix,
  findRunProvenance,
  recordPathsBelow,
  records,
  runDatasetIds,
  runRecords,
  runsWithDatasetType,
} from "./queries.ts";

/**
 * Opens the registry of a repository with SQLite; errors as `openRegistry`. Leaves no open file when
 * it throws.
 */
export function openSqliteRegistry(
  config: RepositoryConfig,
  options: OpenRegistryOptions,
): Promise<Registry> {
  const what = `registry "${config.registry.path}"`;
  return untilUnlocked(what, () => openOnce(config, options), isLocked, options);
}

/** Throws without having changed anything where the database is locked. */
function openOnce(config: RepositoryConfig, options: OpenRegistryOptions): Registry {
  const { writeable, isRehearsal = false, busyTimeoutMs = DEFAULT_BUSY_TIMEOUT_MS } = options;
  const clock = options.clock ?? { now: () => Date.now() * 1000 };
  const { path, managers } = config.registry;
  if (path === null) {
    throw new RepositoryError(
      `Cannot open registry of "${config.argument}": registry.db has no database file`,
      { hint: `Check registry.db in "${config.configPath}"` },
    );
  }
  const connection = SqliteConnection.open(path, {
    writeable,
    busyTimeoutMs,
    configPath: config.configPath,
  });
  try {
    if (isRehearsal) requireWriteableFile(path);
    const attributes = readAttributes(connection);
    const versions = checkManagers(path, managers, attributes, writeable || isRehearsal);
    const universe = DimensionUniverse.parse(versions.universeText);
    const types = new SqliteDatasetTypes(connection, universe);
    const recordsTable = config.datastore.recordsTable;
    const hasRecordsTable = prepareRecordsTable(connection, types, recordsTable);
    // What has begun is not given up at a signal while it waits; only the opening is.
    const wait = { busyTimeoutMs, log: options.log, now: options.now };
    return new SqliteRegistry(config, wait, {
      connection,
      universe,
      types,
      collections: new SqliteCollections(connection),
      datastoreName: config.datastore.name,
      recordsTable,
      hasRecordsTable,
      ingestDate: () => ingestDate(versions.ingestDate, clock.now()),
    });
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** What a writer would be told by its first statement. */
function requireWriteableFile(path: string): void {
  try {
    const { accessSync, constants } = nodeFs();
    accessSync(path, constants.W_OK);
    accessSync(dirname(path), constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new EnvironmentError(
      `Cannot write to registry "${path}": file or directory is not writeable`,
      { cause, hint: "SQLite needs write permission on the file and on its directory" },
    );
  }
}

function readAttributes(connection: SqliteConnection): Map<string, string> {
  if (connection.columnNames("butler_attributes").length === 0) {
    throw new RepositoryError(
      `Cannot use registry "${connection.path}": it has no table "butler_attributes"`,
      { hint: "The file is an SQLite database, but not that of a butler repository" },
    );
  }
  return new Map(
    connection.all("SELECT name, value FROM butler_attributes") as [string, string][],
  );
}

function ingestDate(kind: IngestDateKind, microseconds: number): bigint | string {
  return kind === "tai-nanoseconds" ? taiNanoseconds(microseconds) : utcText(microseconds);
}

/**
 * Checks the records table. When writeable, makes it and its `opaque_meta` row if they are missing;
 * otherwise says whether it is there.
 */
function prepareRecordsTable(
  connection: SqliteConnection,
  types: SqliteDatasetTypes,
  name: string,
): boolean {
  const plan = planRecordsTable(name);
  const exists = connection.columnNames(name).length > 0;
  if (exists) types.checkTable(plan);
  if (!connection.isWriteable) return exists;
  const isKnown = connection.first("SELECT 1 FROM opaque_meta WHERE table_name = ?", name) !== null;
  // Nothing to write in all but the first opening: no lock is needed.
  if (exists && isKnown) return true;
  connection.transaction("make records table in", () => {
    types.ensureTable(plan);
    connection.run("INSERT INTO opaque_meta (table_name) VALUES (?) ON CONFLICT DO NOTHING", name);
  });
  return true;
}

/** Everything happens at once inside; methods are asynchronous for the sake of the interface. */
class SqliteRegistry implements Registry {
  readonly config: RepositoryConfig;
  readonly #context: SqliteContext;
  readonly #dimensionRecords: SqliteDimensionRecords;

  readonly #wait: LockWaitOptions;

  constructor(config: RepositoryConfig, wait: LockWaitOptions, context: SqliteContext) {
    this.config = config;
    this.#wait = wait;
    this.#context = context;
    this.#dimensionRecords = new SqliteDimensionRecords(context.connection, context.universe);
  }

  get universe(): DimensionUniverse {
    return this.#context.universe;
  }

  findDatasetType(name: string): Promise<DatasetType | null> {
    return this.#settle(() => this.#context.types.find(name)?.type ?? null);
  }

  checkDatasetType(type: DatasetType): Promise<"present" | "absent"> {
    return this.#settle(() => this.#context.types.check(type));
  }

  registerDatasetTypes(types: readonly DatasetType[]): Promise<void> {
    return this.#settle(() => this.#context.types.register(types));
  }

  findCollection(name: string): Promise<Collection | null> {
    return this.#settle(() => this.#context.collections.find(name));
  }

  runsBelow(run: string): Promise<string[]> {
    return this.#settle(() => this.#context.collections.runsBelow(run));
  }

  registerCollection(
    name: string,
    type: "RUN" | "CHAINED",
  ): Promise<{ collection: Collection; created: boolean }> {
    return this.#settle(() => this.#context.collections.register(name, type));
  }

  flattenCollections(names: readonly string[]): Promise<string[]> {
    return this.#settle(() => this.#context.collections.flatten(names).map(({ name }) => name));
  }

  chainChildren(name: string): Promise<string[]> {
    return this.#settle(() => this.#context.collections.children(name).map(({ name }) => name));
  }

  updateOutputChain(chain: string, run: string, inputs: readonly string[]): Promise<void> {
    return this.#settle(() => this.#context.collections.updateOutputChain(chain, run, inputs));
  }

  datasetIds(run: string): Promise<Uint8Array> {
    return this.#settle(() => datasetIds(this.#context, run));
  }

  async *runDatasetIds(run: string, typeNames: readonly string[]): AsyncGenerator<Uint8Array> {
    yield* this.#each(() => runDatasetIds(this.#context, run, typeNames));
  }

  async *datasetIdsStoredAt(path: string): AsyncGenerator<Uint8Array> {
    yield* this.#each(() => datasetIdsStoredAt(this.#context, path));
  }

  async *recordPathsBelow(directory: string): AsyncGenerator<string[]> {
    yield* recordPathsBelow(this.#context, directory);
  }

  findDataset(
    typeName: string,
    run: string,
    required: readonly DataIdValue[],
  ): Promise<Uint8Array | null> {
    return this.#settle(() => findDataset(this.#context, typeName, run, required));
  }

  datasetInfo(id: Uint8Array): Promise<DatasetInfo | null> {
    return this.#settle(() => datasetInfo(this.#context, id));
  }

  findDatasetIdPrefix(prefixHex: string, run: string | null, limit: number): Promise<Uint8Array[]> {
    return this.#settle(() => findDatasetIdPrefix(this.#context, prefixHex, run, limit));
  }

  runsWithDatasetType(typeName: string): Promise<string[]> {
    return this.#settle(() => runsWithDatasetType(this.#context, typeName));
  }

  datasetTypesInRun(run: string): Promise<DatasetType[]> {
    return this.#settle(() => {
      const collection = this.#context.collections.find(run);
      if (collection === null) return [];
      return this.#context.types.inSummary(collection.key).map(({ type }) => type);
    });
  }

  async *runRecords(run: string, typeNames?: readonly string[]): AsyncGenerator<RunRecordsBatch> {
    yield* this.#each(() => runRecords(this.#context, run, typeNames));
  }

  records(id: Uint8Array): Promise<DatastoreRecord[]> {
    return this.#settle(() => records(this.#context, id));
  }

  findRunProvenance(run: string): Promise<RegisteredProvenance | null> {
    return this.#settle(() => findRunProvenance(this.#context, run));
  }

  importDatasets(batch: DatasetBatch): Promise<void> {
    return this.#settle(() => importDatasets(this.#context, batch));
  }

  explainConflict(batch: DatasetBatch): Promise<string | null> {
    return this.#settle(() =>
      explainConflict(this.#context, resolveBatch(this.#context, new SortedBatch(batch)))
    );
  }

  ingestDatasets(batch: DatasetBatch, guard?: ProvenanceGuard): Promise<void> {
    return this.#settle(() => ingestDatasets(this.#context, batch, guard));
  }

  rewriteRecords(batch: DatasetBatch, guard?: ProvenanceGuard): Promise<Uint32Array> {
    return this.#settle(() => rewriteRecords(this.#context, batch, guard));
  }

  forgetDatasets(ids: Uint8Array, unlessIngested?: string): Promise<number> {
    return this.#settle(() => forgetDatasets(this.#context, ids, unlessIngested));
  }

  dimensionRecordSource(): Promise<DimensionRecordSource> {
    return Promise.resolve(this.#dimensionRecords);
  }

  expandDataId(group: DimensionGroup, required: readonly DataIdValue[]): Promise<DataIdValue[]> {
    return this.#settle(() => expandDataId(this.universe, this.#dimensionRecords, group, required));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#settle(() => this.#context.connection.close());
  }

  /**
   * Result or error of synchronous work as a promise. Work that found the database locked has done
   * nothing: it is tried again until the busy timeout is over.
   */
  #settle<T>(work: () => T): Promise<T> {
    const what = `registry "${this.#context.connection.path}"`;
    return untilUnlocked(what, work, isLocked, this.#wait);
  }

  /** Goes on with a sequence of questions when no lock is in the way of the next one. */
  async *#each<T>(begin: () => Generator<T>): AsyncGenerator<T> {
    const answers = begin();
    for (;;) {
      // A generator that throws has ended: a question that can be asked again comes first.
      await this.#settle(() => this.#context.connection.requireUnlocked());
      const { value, done } = answers.next();
      if (done) return;
      yield value;
    }
  }
}
