/**
 * The registry in a database, whichever it is.
 *
 * @module
 */

import { RepositoryError } from "../../base/errors.ts";
import { DimensionUniverse } from "../dimensions/dimensions.ts";
import { expandDataId } from "../dimensions/expand_data_id.ts";
import { withRecords } from "../dimensions/record_fetch.ts";
import type { DimensionRecordSource } from "../dimensions/record_source.ts";
import { Collections } from "./collections.ts";
import type { RegistryContext, StoredIn } from "./context.ts";
import { DatasetTypes } from "./dataset_types.ts";
import { planRecordsTable } from "./tables/ddl.ts";
import { RegistryDimensionRecords } from "./dimensions.ts";
import { checkManagers } from "./tables/manager_versions.ts";
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
import {
  type DatasetBatch,
  type DatasetInfo,
  type DatastoreRecord,
  type NoRegistryText,
  type OpenRegistryOptions,
  type ProvenanceGuard,
  type RegisteredProvenance,
  type Registry,
  type RunRecordsBatch,
  systemClock,
} from "./registry.ts";
import type { Connection, Session } from "./session.ts";
import { taiNanoseconds, utcText } from "./time_tai.ts";
import type { RepositoryConfig } from "../config/repository_config.ts";
import type { DataIdValue } from "../dimensions/data_id_value.ts";
import type { DimensionGroup } from "../dimensions/dimension_group.ts";
import type { DatasetType } from "../dimensions/dataset_type.ts";
import type { Collection } from "./collection.ts";

/**
 * Makes a registry of a connection, after checking that it is one that this tool can work with. The
 * connection is the registry's from then on; it is the caller's if this throws.
 *
 * @throws {RepositoryError} if it is no registry, or one that this tool doesn't support.
 */
export async function makeRegistry(
  connection: Connection,
  config: RepositoryConfig,
  { isRehearsal = false, clock = systemClock }: OpenRegistryOptions,
  noRegistry: NoRegistryText,
): Promise<Registry> {
  const attributes = await connection.read(
    "open",
    (session) => readAttributes(session, connection, noRegistry),
  );
  const { managers } = config.registry;
  const versions = checkManagers(
    connection.name,
    managers,
    attributes,
    connection.isWriteable || isRehearsal,
  );
  const universe = DimensionUniverse.parse(versions.universeText);
  const { keys, obscoreTypes } = versions;
  const types = new DatasetTypes(connection, { universe, keys, obscoreTypes });
  const datastores: StoredIn[] = [];
  for (const { recordsTable, name } of config.datastores) {
    datastores.push({
      datastoreName: name,
      recordsTable,
      hasRecordsTable: await prepareRecordsTable(connection, types, recordsTable),
    });
  }
  const isTai = versions.ingestDate === "tai-nanoseconds";
  return new SqlRegistry(config, {
    connection,
    universe,
    types,
    collections: new Collections(connection, keys),
    keys,
    datastores,
    asked: datastores,
    ...datastores[0],
    ingestDate: () => isTai ? String(taiNanoseconds(clock.now())) : utcText(clock.now()),
    ingestDateType: isTai ? "bigint" : "timestamp",
  });
}

async function readAttributes(
  session: Session,
  { dialect, name }: Connection,
  { state, hint }: NoRegistryText,
): Promise<Map<string, string>> {
  if ((await dialect.readColumns(session, ["butler_attributes"])).size === 0) {
    throw new RepositoryError(`Cannot use registry "${name}": ${state}`, { hint });
  }
  return new Map(
    await session.all(
      `SELECT name, value FROM ${dialect.table("butler_attributes")}`,
    ) as [string, string][],
  );
}

/**
 * Checks the records table. When writeable, makes it and its `opaque_meta` row if they are missing;
 * otherwise says whether it is there.
 */
async function prepareRecordsTable(
  connection: Connection,
  types: DatasetTypes,
  name: string,
): Promise<boolean> {
  const { dialect } = connection;
  const plan = planRecordsTable(name);
  const [exists, isKnown] = await connection.read("open", async (session) => {
    const isThere = (await dialect.readColumns(session, [name])).has(name);
    if (isThere) await types.checkTables(session, [plan]);
    const row = await session.first(
      `SELECT 1 FROM ${dialect.table("opaque_meta")} WHERE table_name = $1::text`,
      name,
    );
    return [isThere, row !== null];
  });
  if (!connection.isWriteable) return exists;
  // Nothing to write in all but the first opening: no lock is needed.
  if (exists && isKnown) return true;
  await connection.transaction("make records table in", async (session) => {
    await types.ensureTables(session, [plan]);
    await session.run(
      `INSERT INTO ${dialect.table("opaque_meta")} (table_name) VALUES ($1::text) ` +
        "ON CONFLICT DO NOTHING",
      name,
    );
  }, { retries: dialect.isDuplicateTable });
  return true;
}

// What writes is loaded where something is written: most who open a registry only read, and soon end.

function loadImport(): Promise<typeof import("./write/import.ts")> {
  return import(import.meta.resolve("./write/import.ts"));
}

function loadConflicts(): Promise<typeof import("./write/conflicts.ts")> {
  return import(import.meta.resolve("./write/conflicts.ts"));
}

function loadRewrite(): Promise<typeof import("./write/rewrite.ts")> {
  return import(import.meta.resolve("./write/rewrite.ts"));
}

function loadForget(): Promise<typeof import("./write/forget.ts")> {
  return import(import.meta.resolve("./write/forget.ts"));
}

/** The parts of an open registry, whole. */
interface Parts extends RegistryContext {
  readonly types: DatasetTypes;
  readonly collections: Collections;
}

/** Datasets and records are written by the modules below `write`. */
class SqlRegistry implements Registry {
  readonly config: RepositoryConfig;
  readonly #context: Parts;
  readonly #dimensionRecords: RegistryDimensionRecords;

  constructor(config: RepositoryConfig, context: Parts) {
    this.config = config;
    this.#context = context;
    this.#dimensionRecords = new RegistryDimensionRecords(context.connection, context.universe);
  }

  get universe(): DimensionUniverse {
    return this.#context.universe;
  }

  #read<T>(work: (session: Session, context: Parts) => Promise<T>): Promise<T> {
    return this.#context.connection.read("read", (session) => work(session, this.#context));
  }

  findDatasetType(name: string): Promise<DatasetType | null> {
    return this.#read(async (session, { types }) =>
      (await types.find(session, name))?.type ?? null
    );
  }

  checkDatasetType(type: DatasetType): Promise<"present" | "absent"> {
    return this.#read(async (session, { types }) => (await types.check(session, [type]))[0]);
  }

  registerDatasetTypes(types: readonly DatasetType[]): Promise<void> {
    return this.#context.types.register(types);
  }

  runsBelow(run: string): Promise<string[]> {
    return this.#read((session, { collections }) => collections.runsBelow(session, run));
  }

  findCollection(name: string): Promise<Collection | null> {
    return this.#read((session, { collections }) => collections.find(session, name));
  }

  registerCollection(
    name: string,
    type: "RUN" | "CHAINED",
  ): Promise<{ collection: Collection; created: boolean }> {
    return this.#context.collections.register(name, type);
  }

  flattenCollections(names: readonly string[]): Promise<string[]> {
    return this.#read(async (session, { collections }) =>
      (await collections.flatten(session, names)).map(({ name }) => name)
    );
  }

  chainChildren(name: string): Promise<string[]> {
    return this.#read(async (session, { collections }) =>
      (await collections.children(session, name)).map(({ name }) => name)
    );
  }

  updateOutputChain(chain: string, run: string, inputs: readonly string[]): Promise<void> {
    return this.#context.collections.updateOutputChain(chain, run, inputs);
  }

  datasetIds(run: string): Promise<Uint8Array> {
    return datasetIds(this.#context, run);
  }

  runDatasetIds(run: string, typeNames: readonly string[]): AsyncIterable<Uint8Array> {
    return runDatasetIds(this.#context, run, typeNames);
  }

  datasetIdsStoredAt(path: string): AsyncIterable<Uint8Array> {
    return datasetIdsStoredAt(this.#context, path);
  }

  recordPathsBelow(directory: string): AsyncIterable<string[]> {
    return recordPathsBelow(this.#context, directory);
  }

  findDataset(
    typeName: string,
    run: string,
    required: readonly DataIdValue[],
  ): Promise<Uint8Array | null> {
    return this.#read((session, context) => findDataset(session, context, typeName, run, required));
  }

  datasetInfo(id: Uint8Array): Promise<DatasetInfo | null> {
    return this.#read((session, context) => datasetInfo(session, context, id));
  }

  findDatasetIdPrefix(prefixHex: string, run: string | null, limit: number): Promise<Uint8Array[]> {
    return this.#read((session, context) =>
      findDatasetIdPrefix(session, context, prefixHex, run, limit)
    );
  }

  runsWithDatasetType(typeName: string): Promise<string[]> {
    return this.#read((session, context) => runsWithDatasetType(session, context, typeName));
  }

  datasetTypesInRun(run: string): Promise<DatasetType[]> {
    return this.#read(async (session, { collections, types }) => {
      const collection = await collections.find(session, run);
      if (collection === null) return [];
      return (await types.inSummary(session, collection.key)).map(({ type }) => type);
    });
  }

  runRecords(run: string, typeNames?: readonly string[]): AsyncIterable<RunRecordsBatch> {
    return runRecords(this.#context, run, typeNames);
  }

  records(id: Uint8Array): Promise<DatastoreRecord[]> {
    return this.#read((session, context) => records(session, context, id));
  }

  ofDatastore(datastore: number): Registry {
    const storedIn = this.#context.datastores[datastore];
    return new SqlRegistry(this.config, { ...this.#context, ...storedIn, asked: [storedIn] });
  }

  findRunProvenance(run: string): Promise<RegisteredProvenance | null> {
    return this.#read((session, context) => findRunProvenance(session, context, run));
  }

  async importDatasets(batch: DatasetBatch): Promise<void> {
    const { importDatasets } = await loadImport();
    await importDatasets(this.#context, batch);
  }

  async explainConflict(batch: DatasetBatch): Promise<string | null> {
    const { explainConflict } = await loadConflicts();
    return await this.#read((session, context) => explainConflict(session, context, batch));
  }

  async rewriteRecords(batch: DatasetBatch, guard?: ProvenanceGuard): Promise<Uint32Array> {
    const { rewriteRecords } = await loadRewrite();
    return await rewriteRecords(this.#context, batch, guard);
  }

  async ingestDatasets(batch: DatasetBatch, guard?: ProvenanceGuard): Promise<void> {
    const { ingestDatasets } = await loadImport();
    await ingestDatasets(this.#context, batch, guard);
  }

  async forgetDatasets(ids: Uint8Array, unlessIngested?: string): Promise<number> {
    const { forgetDatasets } = await loadForget();
    return await forgetDatasets(this.#context, ids, unlessIngested);
  }

  dimensionRecordSource(): Promise<DimensionRecordSource> {
    return Promise.resolve(this.#dimensionRecords);
  }

  expandDataId(group: DimensionGroup, required: readonly DataIdValue[]): Promise<DataIdValue[]> {
    return withRecords(() => expandDataId(this.universe, this.#dimensionRecords, group, required));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#context.connection.close();
  }
}
