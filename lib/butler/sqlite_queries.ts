/**
 * Questions about datasets and their records in an SQLite registry.
 *
 * @module
 */

import { concatBytes } from "../base/bytes.ts";
import { RefusedError, RepositoryError } from "../base/errors.ts";
import { sortedIds } from "../base/sort_ids.ts";
import { UUID_SIZE, uuidFromText, uuidToHex, writeUuidText } from "../base/uuid.ts";
import { hexIdsOf } from "./dataset_batch.ts";
import type { DataIdValue } from "./data_id.ts";
import { NULL_COMPONENT } from "./ddl.ts";
import type { DatasetInfo, DatastoreRecord, RunRecordsBatch } from "./registry.ts";
import { toDataIdValue } from "./sqlite_conflicts.ts";
import type { SqlValue } from "./sqlite_connection.ts";
import type { SqliteContext } from "./sqlite_context.ts";
import { quoteIdentifier } from "./sqlite_ddl.ts";

/** Datasets in one batch of {@linkcode runRecords}. */
const N_BATCH = 5000;

/** IDs in one batch of {@linkcode runDatasetIds}. */
const N_IDS = 50_000;

/** IDs of a RUN's datasets (of these types), packed, in any order; empty for an unknown run. */
export function datasetIds(
  context: SqliteContext,
  run: string,
  typeNames?: readonly string[],
): Uint8Array<ArrayBuffer> {
  const runKey = context.collections.find(run)?.key;
  if (runKey === undefined) return new Uint8Array(0);
  const typeIds = typeNames?.map((name) => context.types.find(name)?.id).filter((id) => id != null);
  const batches = [
    ...idBatches(
      context,
      "SELECT rowid AS r, id FROM dataset WHERE run_id = ?" +
        (typeIds === undefined ? "" : " AND +dataset_type_id IN (SELECT value FROM json_each(?))"),
      runKey,
      ...(typeIds === undefined ? [] : [JSON.stringify(typeIds)]),
    ),
  ];
  return concatBytes(batches);
}

function writeHexId(context: SqliteContext, hexId: string, target: Uint8Array, at: number): void {
  if (writeUuidText(hexId, target, at)) return;
  throw new RepositoryError(
    `Cannot read registry "${context.connection.path}": "${hexId}" is no dataset ID`,
  );
}

/** See `Registry.runDatasetIds`. */
export function* runDatasetIds(
  context: SqliteContext,
  run: string,
  typeNames: readonly string[],
): Generator<Uint8Array> {
  const runKey = context.collections.find(run)?.key;
  if (runKey === undefined) return;
  const typeIds = typeNames.map((name) => context.types.find(name)?.id).filter((id) => id != null);
  yield* idBatches(
    context,
    // The plus keeps SQLite from reading the datasets of other runs by the index of types.
    "SELECT rowid AS r, id FROM dataset WHERE run_id = ? " +
      "AND +dataset_type_id IN (SELECT value FROM json_each(?))",
    runKey,
    JSON.stringify(typeIds),
  );
}

/** See `Registry.datasetIdsStoredAt`. */
export function* datasetIdsStoredAt(context: SqliteContext, path: string): Generator<Uint8Array> {
  if (!context.hasRecordsTable) return;
  yield* idBatches(
    context,
    `SELECT rowid AS r, dataset_id AS id FROM ${quoteIdentifier(context.recordsTable)} ` +
      "WHERE path = ? AND +component = ?",
    path,
    NULL_COMPONENT,
  );
}

/** Paths in one batch of {@linkcode recordPathsBelow}. */
const N_PATHS = 5000;

/** See `Registry.recordPathsBelow`. */
export function* recordPathsBelow(context: SqliteContext, directory: string): Generator<string[]> {
  if (!context.hasRecordsTable) return;
  const sql = `SELECT rowid, path FROM ${quoteIdentifier(context.recordsTable)} ` +
    "WHERE rowid > ? AND path >= ? AND path < ? ORDER BY rowid LIMIT ?";
  for (let last: SqlValue = -1;;) {
    // The character behind the slash ends the range: texts are compared byte by byte.
    const rows = context.connection.all(sql, last, `${directory}/`, `${directory}0`, N_PATHS);
    if (rows.length === 0) return;
    yield rows.map(([, path]) => path as string);
    last = rows[rows.length - 1][0];
  }
}

/**
 * IDs of the rows of a query in the order of their row ids, packed. Texts are joined by SQLite: rows
 * one by one would take five times as long.
 *
 * @param select with columns `r` (row id) and `id`, and a condition
 */
function* idBatches(
  context: SqliteContext,
  select: string,
  ...values: SqlValue[]
): Generator<Uint8Array> {
  const sql = `SELECT group_concat(id, ','), max(r) FROM (${select} AND rowid > ? ` +
    "ORDER BY rowid LIMIT ?)";
  let last: SqlValue = -(2n ** 63n);
  for (;;) {
    const [[text, end]] = context.connection.allBigInt(sql, ...values, last, BigInt(N_IDS));
    if (text === null) return;
    const hexIds = (text as string).split(",");
    const ids = new Uint8Array(hexIds.length * UUID_SIZE);
    for (let i = 0; i < hexIds.length; i++) writeHexId(context, hexIds[i], ids, i * UUID_SIZE);
    yield ids;
    if (hexIds.length < N_IDS) return;
    last = end;
  }
}

/** See `Registry.findDataset`. */
export function findDataset(
  context: SqliteContext,
  typeName: string,
  run: string,
  required: readonly DataIdValue[],
): Uint8Array | null {
  const found = context.types.find(typeName);
  const runKey = context.collections.find(run)?.key;
  if (found === null || runKey === undefined) return null;
  const columns = found.type.group.required;
  if (columns.length !== required.length) {
    throw new RangeError(
      `Cannot find dataset of type "${typeName}": ${required.length} data ID values, ` +
        `expected ${columns.length}`,
    );
  }
  const row = context.connection.first(
    `SELECT dataset_id FROM ${quoteIdentifier(found.tagsTable)} ` +
      "WHERE dataset_type_id = ? AND collection_id = ?" +
      columns.map((name) => ` AND ${quoteIdentifier(name)} = ?`).join(""),
    found.id,
    runKey,
    ...required,
  );
  return row === null ? null : uuidFromText(row[0] as string);
}

/** See `Registry.datasetInfo`. */
export function datasetInfo(context: SqliteContext, id: Uint8Array): DatasetInfo | null {
  const hexId = uuidToHex(id);
  const row = context.connection.first(
    "SELECT dataset_type_id, run_id FROM dataset WHERE id = ?",
    hexId,
  );
  if (row === null) return null;
  const [typeId, runKey] = row as number[];
  const found = context.types.findById(typeId);
  const run = context.collections.findByKey(runKey);
  // Both can't be missing but for someone who removes them right now.
  if (found === null || run === null) return null;
  const { type: { group, name }, tagsTable } = found;
  let required: DataIdValue[] = [];
  if (group.required.length > 0) {
    const [values] = context.connection.allBigInt(
      `SELECT ${group.required.map(quoteIdentifier).join(", ")} ` +
        `FROM ${quoteIdentifier(tagsTable)} WHERE dataset_id = ? AND collection_id = ?`,
      hexId,
      runKey,
    );
    if (values === undefined) return null;
    required = values.map(toDataIdValue);
  }
  return { typeName: name, run: run.name, required };
}

/** See `Registry.findDatasetIdPrefix`. */
export function findDatasetIdPrefix(
  context: SqliteContext,
  prefixHex: string,
  run: string | null,
  limit: number,
): Uint8Array[] {
  const prefix = prefixHex.toLowerCase();
  if (!/^[0-9a-f]{1,32}$/.test(prefix)) {
    throw new RangeError(
      `Cannot find datasets: "${prefixHex.slice(0, 80)}" is not 1 to 32 hexadecimal digits`,
    );
  }
  const runKey = run === null ? null : context.collections.find(run)?.key;
  if (runKey === undefined) return [];
  // "g" comes after every hexadecimal digit.
  return context.connection.all(
    `SELECT id FROM dataset WHERE id >= ? AND id < ?${runKey === null ? "" : " AND run_id = ?"} ` +
      "ORDER BY id LIMIT ?",
    prefix,
    `${prefix}g`,
    ...(runKey === null ? [] : [runKey]),
    BigInt(Math.max(0, limit)),
  ).map(([hexId]) => uuidFromText(hexId as string));
}

/** See `Registry.records`. */
export function records(context: SqliteContext, id: Uint8Array): DatastoreRecord[] {
  if (!context.hasRecordsTable) return [];
  return context.connection.all(
    "SELECT path, formatter, storage_class, component, checksum, file_size " +
      `FROM ${quoteIdentifier(context.recordsTable)} WHERE dataset_id = ? ORDER BY component`,
    uuidToHex(id),
  ).map(([path, formatter, storageClass, component, checksum, fileSize]) => ({
    path: path as string,
    formatter: formatter as string,
    storageClass: storageClass as string,
    component: component === NULL_COMPONENT ? null : component as string,
    checksum: checksum as string | null,
    fileSize: fileSize as number | null,
  }));
}

/** See `Registry.findRunProvenance`. */
export function findRunProvenance(
  context: SqliteContext,
  run: string,
): { id: Uint8Array; record: DatastoreRecord } | null {
  // The type is the reference's; with other dimensions it is somebody else's.
  if (context.types.find("run_provenance")?.type.group.required.length !== 0) return null;
  const id = findDataset(context, "run_provenance", run, []);
  if (id === null) return null;
  const record = records(context, id).find(({ component }) => component === null);
  if (record !== undefined) return { id, record };
  throw new RefusedError(
    `Cannot use provenance graph of run "${run}": run_provenance is registered but not stored`,
    { hint: "provgraph check REPO --run RUN says what is there, and how to go on" },
  );
}

/** See `Registry.runsWithDatasetType`. */
export function runsWithDatasetType(context: SqliteContext, typeName: string): string[] {
  const typeId = context.types.find(typeName)?.id;
  if (typeId === undefined) return [];
  // Summaries say what a RUN ever held; the rows of `dataset` say what it holds.
  return context.connection.all(
    "SELECT c.name FROM collection_summary_dataset_type s " +
      "JOIN collection c ON c.collection_id = s.collection_id AND c.type = 1 " +
      "WHERE s.dataset_type_id = ? AND EXISTS (SELECT 1 FROM dataset d " +
      "WHERE d.run_id = c.collection_id AND d.dataset_type_id = s.dataset_type_id) " +
      "ORDER BY c.name",
    typeId,
  ).map(([name]) => name as string);
}

/** See `Registry.runRecords`. */
export function* runRecords(
  context: SqliteContext,
  run: string,
  typeNames?: readonly string[],
): Generator<RunRecordsBatch> {
  const ids = sortedIds(datasetIds(context, run, typeNames));
  const nameById = new Map<number, string>();
  for (let start = 0; start < ids.length; start += N_BATCH * UUID_SIZE) {
    yield recordsOf(context, ids.subarray(start, start + N_BATCH * UUID_SIZE), nameById);
  }
}

/** Datasets that were removed meanwhile are left out. */
function recordsOf(
  context: SqliteContext,
  ids: Uint8Array,
  nameById: Map<number, string>,
): RunRecordsBatch {
  const join = context.hasRecordsTable
    ? `r.path, r.formatter, r.component FROM json_each(?) JOIN dataset d ON d.id = value ` +
      `LEFT JOIN ${quoteIdentifier(context.recordsTable)} r ON r.dataset_id = d.id`
    : "NULL, NULL, NULL FROM json_each(?) JOIN dataset d ON d.id = value";
  const rows = context.connection.all(
    `SELECT d.id, d.dataset_type_id, ${join} ORDER BY d.id`,
    JSON.stringify(hexIdsOf(ids)),
  );
  const batch: RunRecordsBatch = {
    n: 0,
    ids: new Uint8Array(ids.length),
    typeNames: [],
    paths: [],
    formatters: [],
  };
  let previous = "";
  for (const [hexId, typeId, path, formatter, component] of rows) {
    const isSame = hexId === previous;
    // A disassembled dataset has several records; one speaks for all.
    if (isSame && component !== NULL_COMPONENT) continue;
    if (!isSame) {
      writeHexId(context, hexId as string, batch.ids, batch.n++ * UUID_SIZE);
      previous = hexId as string;
    }
    let name = nameById.get(typeId as number);
    if (name === undefined) {
      name = context.types.findById(typeId as number)?.type.name ?? "";
      nameById.set(typeId as number, name);
    }
    batch.typeNames[batch.n - 1] = name;
    batch.paths[batch.n - 1] = path as string | null;
    batch.formatters[batch.n - 1] = formatter as string | null;
  }
  batch.ids = batch.ids.subarray(0, batch.n * UUID_SIZE);
  return batch;
}
