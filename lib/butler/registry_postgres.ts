/**
 * The registry in a PostgreSQL database. What it locks, and what is true after each commit, is told in
 * `schema/postgres.md`.
 *
 * @module
 */

import { EnvironmentError, RepositoryError } from "../base/errors.ts";
import { SortedBatch } from "./dataset_batch.ts";
import type { DataIdValue } from "./data_id.ts";
import type { DatasetType } from "./dataset_ref.ts";
import { planRecordsTable } from "./ddl.ts";
import { type DimensionGroup, DimensionUniverse } from "./dimensions.ts";
import { expandDataId } from "./expand_data_id.ts";
import { checkManagers } from "./manager_versions.ts";
import { textArray } from "./postgres_arrays.ts";
import { DEFAULT_BUSY_TIMEOUT_MS } from "./lock_wait.ts";
import { PostgresCollections } from "./postgres_collections.ts";
import { explainConflict } from "./postgres_conflicts.ts";
import { PostgresConnection, type PostgresSession } from "./postgres_connection.ts";
import type { PostgresContext } from "./postgres_context.ts";
import { PostgresDatasetTypes } from "./postgres_dataset_types.ts";
import { PostgresDimensionRecords } from "./postgres_dimensions.ts";
import { isDuplicateTable, sqlState } from "./postgres_errors.ts";
import { forgetDatasets } from "./postgres_forget.ts";
import { importDatasets, ingestDatasets, resolveBatch } from "./postgres_import.ts";
import {
  datasetIds,
  datasetIdsStoredAt,
  datasetInfo,
  findDataset,
  findDatasetIdPrefix,
  findRunProvenance,
  recordPathsBelow,
  records,
  runRecords,
  runsWithDatasetType,
} from "./postgres_queries.ts";
import { rewriteRecords } from "./postgres_rewrite.ts";
import { postgresSettings } from "./postgres_settings.ts";
import { withRecords } from "./record_fetch.ts";
import type {
  Collection,
  DatasetBatch,
  DatasetInfo,
  DatastoreRecord,
  DimensionRecordSource,
  OpenRegistryOptions,
  ProvenanceGuard,
  RegisteredProvenance,
  Registry,
  RunRecordsBatch,
} from "./registry.ts";
import type { RepositoryConfig } from "./repo_config.ts";
import { taiNanoseconds, utcText } from "./time_tai.ts";

const DEFAULT_RETRY_MS = 60_000;

/** Tables that are written to, and the privileges that this takes. */
const PRIVILEGES: readonly (readonly [table: string, privileges: readonly string[]])[] = [
  ["dataset", ["INSERT", "UPDATE", "DELETE"]],
  ["dataset_location", ["INSERT", "DELETE"]],
  ["collection_summary_dataset_type", ["INSERT"]],
];

/** Opens the registry of a repository with PostgreSQL; errors as `openRegistry`. */
export async function openPostgresRegistry(
  config: RepositoryConfig,
  options: OpenRegistryOptions,
): Promise<Registry> {
  const { writeable, busyTimeoutMs = DEFAULT_BUSY_TIMEOUT_MS, retryMs = DEFAULT_RETRY_MS } =
    options;
  const checksAsWriter = writeable || options.isRehearsal === true;
  const clock = options.clock ?? { now: () => Date.now() * 1000 };
  const { url, namespace, managers } = config.registry;
  const settings = postgresSettings(url, options.env ?? Deno.env, config.configPath);
  const connection = await PostgresConnection.open(settings, {
    writeable,
    lockTimeoutMs: busyTimeoutMs,
    retryMs,
    namespace,
    log: options.log,
    signal: options.signal,
  });
  try {
    const attributes = await connection.read(
      "open",
      (session) => readAttributes(session, connection),
    );
    const versions = checkManagers(connection.name, managers, attributes, checksAsWriter);
    const universe = DimensionUniverse.parse(versions.universeText);
    const types = new PostgresDatasetTypes(connection, universe);
    const { recordsTable, name: datastoreName } = config.datastore;
    if (checksAsWriter) await requireWriteable(connection, settings.user, recordsTable);
    const isTai = versions.ingestDate === "tai-nanoseconds";
    const hasRecordsTable = await prepareRecordsTable(connection, types, recordsTable);
    connection.endOpening();
    return new PostgresRegistry(config, {
      connection,
      universe,
      types,
      collections: new PostgresCollections(connection),
      datastoreName,
      recordsTable,
      hasRecordsTable,
      ingestDate: () => isTai ? String(taiNanoseconds(clock.now())) : utcText(clock.now()),
      ingestDateType: isTai ? "bigint" : "timestamp",
    });
  } catch (error) {
    await connection.close();
    throw error;
  }
}

async function readAttributes(
  session: PostgresSession,
  connection: PostgresConnection,
): Promise<Map<string, string>> {
  try {
    return new Map(
      await session.all(
        `SELECT name, value FROM ${connection.table("butler_attributes")}`,
      ) as [string, string][],
    );
  } catch (error) {
    if (sqlState(error) !== "42P01") throw error;
    throw new RepositoryError(
      `Cannot use registry "${connection.name}": schema "${connection.namespace}" has no table ` +
        '"butler_attributes"',
      {
        hint: "Check registry.db and registry.namespace; the database is not that of a butler " +
          "repository",
        cause: error,
      },
    );
  }
}

/**
 * What would fail at the first write fails now, while nothing is changed.
 *
 * @throws {EnvironmentError} if the server takes no writes, or not from this user.
 */
async function requireWriteable(
  connection: PostgresConnection,
  user: string,
  recordsTable: string,
): Promise<void> {
  // A connection that only reads says of itself that it is read-only.
  const [isReadOnly] = (await connection.first(
    connection.isWriteable
      ? "SELECT current_setting('transaction_read_only')"
      : "SELECT CASE WHEN pg_is_in_recovery() THEN 'on' ELSE 'off' END",
  ))!;
  if (isReadOnly === "on") {
    throw new EnvironmentError(
      `Cannot open registry "${connection.name}" for writing: the server takes no writes`,
      { hint: "It may be a standby; connect to the primary" },
    );
  }
  const wanted = [...PRIVILEGES, [recordsTable, ["INSERT", "DELETE"]] as const].flatMap(
    ([table, privileges]) => privileges.map((privilege) => [table, privilege] as const),
  );
  const missing = await connection.first(
    "SELECT u.t, u.p FROM unnest($1::text[], $2::text[], $3::text[]) AS u (t, q, p) " +
      // A table that isn't there gives null: it is made later, or missed.
      "WHERE NOT has_table_privilege(to_regclass(u.q), u.p) LIMIT 1",
    textArray(wanted.map(([table]) => table)),
    textArray(wanted.map(([table]) => connection.table(table))),
    textArray(wanted.map(([, privilege]) => privilege)),
  );
  if (missing === null) return;
  throw new EnvironmentError(
    `Cannot open registry "${connection.name}" for writing: user "${user}" has no permission to ` +
      `${missing[1]} rows of table "${missing[0]}"`,
    { hint: "Ask the database's owner for the privileges, or connect as another user" },
  );
}

/**
 * Checks the records table. When writeable, makes it and its `opaque_meta` row if they are missing;
 * otherwise says whether it is there.
 */
async function prepareRecordsTable(
  connection: PostgresConnection,
  types: PostgresDatasetTypes,
  name: string,
): Promise<boolean> {
  const plan = planRecordsTable(name);
  const [exists, isKnown] = await connection.read("open", async (session) => {
    const isThere = (await types.columnNames(session, [name])).has(name);
    if (isThere) await types.checkTables(session, [plan]);
    const row = await session.first(
      `SELECT 1 FROM ${connection.table("opaque_meta")} WHERE table_name = $1::text`,
      name,
    );
    return [isThere, row !== null];
  });
  if (!connection.isWriteable) return exists;
  // Nothing to write in all but the first opening.
  if (exists && isKnown) return true;
  await connection.transaction("make records table in", async (session) => {
    await types.ensureTables(session, [plan]);
    await session.run(
      `INSERT INTO ${connection.table("opaque_meta")} (table_name) VALUES ($1::text) ` +
        "ON CONFLICT DO NOTHING",
      name,
    );
  }, { retries: isDuplicateTable });
  return true;
}

class PostgresRegistry implements Registry {
  readonly config: RepositoryConfig;
  readonly #context: PostgresContext;
  readonly #dimensionRecords: PostgresDimensionRecords;

  constructor(config: RepositoryConfig, context: PostgresContext) {
    this.config = config;
    this.#context = context;
    this.#dimensionRecords = new PostgresDimensionRecords(context.connection, context.universe);
  }

  get universe(): DimensionUniverse {
    return this.#context.universe;
  }

  #read<T>(work: (session: PostgresSession, context: PostgresContext) => Promise<T>): Promise<T> {
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

  findCollection(name: string): Promise<Collection | null> {
    return this.#read((session, { collections }) => collections.find(session, name));
  }

  runsBelow(run: string): Promise<string[]> {
    return this.#read((session, { collections }) => collections.runsBelow(session, run));
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
    return this.#read((session, context) => datasetIds(session, context, run));
  }

  async *runDatasetIds(run: string, typeNames: readonly string[]): AsyncGenerator<Uint8Array> {
    yield await this.#read((session, context) => datasetIds(session, context, run, typeNames));
  }

  async *datasetIdsStoredAt(path: string): AsyncGenerator<Uint8Array> {
    yield await this.#read((session, context) => datasetIdsStoredAt(session, context, path));
  }

  async *recordPathsBelow(directory: string): AsyncGenerator<string[]> {
    yield await this.#read((session, context) => recordPathsBelow(session, context, directory));
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

  async *runRecords(run: string, typeNames?: readonly string[]): AsyncGenerator<RunRecordsBatch> {
    yield* runRecords(this.#context, run, typeNames);
  }

  records(id: Uint8Array): Promise<DatastoreRecord[]> {
    return this.#read((session, context) => records(session, context, id));
  }

  findRunProvenance(run: string): Promise<RegisteredProvenance | null> {
    return this.#read((session, context) => findRunProvenance(session, context, run));
  }

  importDatasets(batch: DatasetBatch): Promise<void> {
    return importDatasets(this.#context, batch);
  }

  explainConflict(batch: DatasetBatch): Promise<string | null> {
    return this.#read(async (session, context) =>
      explainConflict(
        session,
        context,
        await resolveBatch(session, context, new SortedBatch(batch)),
      )
    );
  }

  rewriteRecords(batch: DatasetBatch, guard?: ProvenanceGuard): Promise<Uint32Array> {
    return rewriteRecords(this.#context, batch, guard);
  }

  ingestDatasets(batch: DatasetBatch, guard?: ProvenanceGuard): Promise<void> {
    return ingestDatasets(this.#context, batch, guard);
  }

  forgetDatasets(ids: Uint8Array, unlessIngested?: string): Promise<number> {
    return forgetDatasets(this.#context, ids, unlessIngested);
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
