/**
 * Questions about datasets and their records in a PostgreSQL registry.
 *
 * @module
 */

import { RefusedError } from "../base/errors.ts";
import { UUID_SIZE, uuidFromText, uuidToHex, writeUuidText } from "../base/uuid.ts";
import type { DataIdValue } from "./data_id.ts";
import { NULL_COMPONENT, quoteIdentifier } from "./ddl.ts";
import { isPossibleValue, packedIdArray, plainArray, toDataIdValue } from "./postgres_arrays.ts";
import type { PostgresSession } from "./postgres_connection.ts";
import type { PostgresContext } from "./postgres_context.ts";
import type { DatasetInfo, DatastoreRecord, RunRecordsBatch } from "./registry.ts";

/** Datasets in one batch of {@linkcode runRecords}. */
const N_BATCH = 5000;

/** IDs of a RUN's datasets (of these types), packed, ascending; empty for an unknown run. */
export async function datasetIds(
  session: PostgresSession,
  context: PostgresContext,
  run: string,
  typeNames?: readonly string[],
): Promise<Uint8Array<ArrayBuffer>> {
  const runKey = (await context.collections.find(session, run))?.key;
  if (runKey === undefined) return new Uint8Array(0);
  const typeIds = typeNames === undefined
    ? null
    : [...(await context.types.findAll(session, typeNames)).values()].map(({ id }) => id);
  return await packedIds(
    session,
    `SELECT id FROM ${context.connection.table("dataset")} WHERE run_id = $1::bigint` +
      (typeIds === null ? "" : " AND dataset_type_id = ANY($2::bigint[])") + " ORDER BY id",
    typeIds === null ? [runKey] : [runKey, plainArray(typeIds)],
  );
}

/** The IDs that are the rows of a query. */
async function packedIds(
  session: PostgresSession,
  sql: string,
  values: Parameters<PostgresSession["each"]>[1],
): Promise<Uint8Array<ArrayBuffer>> {
  let packed = new Uint8Array(1024 * UUID_SIZE);
  let end = 0;
  await session.each(sql, values, ([id]) => {
    if (end === packed.length) {
      const larger = new Uint8Array(packed.length * 2);
      larger.set(packed);
      packed = larger;
    }
    writeUuidText(id as string, packed, end);
    end += UUID_SIZE;
  });
  return packed.slice(0, end);
}

/** See `Registry.datasetIdsStoredAt`. */
export async function datasetIdsStoredAt(
  session: PostgresSession,
  { connection, recordsTable, hasRecordsTable }: PostgresContext,
  path: string,
): Promise<Uint8Array<ArrayBuffer>> {
  if (!hasRecordsTable) return new Uint8Array(0);
  return await packedIds(
    session,
    `SELECT dataset_id FROM ${connection.table(recordsTable)} ` +
      "WHERE path = $1::text AND component = $2::text",
    [path, NULL_COMPONENT],
  );
}

/** See `Registry.recordPathsBelow`. */
export async function recordPathsBelow(
  session: PostgresSession,
  { connection, recordsTable, hasRecordsTable }: PostgresContext,
  directory: string,
): Promise<string[]> {
  if (!hasRecordsTable) return [];
  const paths: string[] = [];
  await session.each(
    `SELECT path FROM ${connection.table(recordsTable)} WHERE starts_with(path, $1::text)`,
    [`${directory}/`],
    ([path]) => void paths.push(path as string),
  );
  return paths;
}

/** See `Registry.findDataset`. */
export async function findDataset(
  session: PostgresSession,
  { connection, universe, types, collections }: PostgresContext,
  typeName: string,
  run: string,
  required: readonly DataIdValue[],
): Promise<Uint8Array | null> {
  const found = await types.find(session, typeName);
  const runKey = (await collections.find(session, run))?.key;
  if (found === null || runKey === undefined) return null;
  const columns = found.type.group.required;
  if (columns.length !== required.length) {
    throw new RangeError(
      `Cannot find dataset of type "${typeName}": ${required.length} data ID values, ` +
        `expected ${columns.length}`,
    );
  }
  if (!columns.every((name, i) => isPossibleValue(universe, name, required[i]))) return null;
  const row = await session.first(
    `SELECT dataset_id FROM ${connection.table(found.tagsTable)} ` +
      "WHERE dataset_type_id = $1::bigint AND collection_id = $2::bigint" +
      columns.map((name, i) =>
        ` AND ${quoteIdentifier(name)} = $${i + 3}::${
          universe.keyType(name).type === "int" ? "bigint" : "text"
        }`
      ).join(""),
    found.id,
    runKey,
    ...required,
  );
  return row === null ? null : uuidFromText(row[0] as string);
}

/** See `Registry.datasetInfo`. */
export async function datasetInfo(
  session: PostgresSession,
  { connection, universe, types, collections }: PostgresContext,
  id: Uint8Array,
): Promise<DatasetInfo | null> {
  const hexId = uuidToHex(id);
  const row = await session.first(
    `SELECT dataset_type_id, run_id FROM ${connection.table("dataset")} WHERE id = $1::uuid`,
    hexId,
  );
  if (row === null) return null;
  const [typeId, runKey] = row.map(Number);
  const found = (await types.findByIds(session, [typeId])).get(typeId);
  const run = await collections.findByKey(session, runKey);
  // Both can't be missing but for someone who removes them right now.
  if (found === undefined || run === null) return null;
  const { type: { group, name }, tagsTable } = found;
  let required: DataIdValue[] = [];
  if (group.required.length > 0) {
    const values = await session.first(
      `SELECT ${group.required.map(quoteIdentifier).join(", ")} ` +
        `FROM ${connection.table(tagsTable)} ` +
        "WHERE dataset_id = $1::uuid AND collection_id = $2::bigint",
      hexId,
      runKey,
    );
    if (values === null) return null;
    required = values.map((value, i) => toDataIdValue(universe, group.required[i], value));
  }
  return { typeName: name, run: run.name, required };
}

/** See `Registry.findDatasetIdPrefix`. */
export async function findDatasetIdPrefix(
  session: PostgresSession,
  { connection, collections }: PostgresContext,
  prefixHex: string,
  run: string | null,
  limit: number,
): Promise<Uint8Array[]> {
  const prefix = prefixHex.toLowerCase();
  if (!/^[0-9a-f]{1,32}$/.test(prefix)) {
    throw new RangeError(
      `Cannot find datasets: "${prefixHex.slice(0, 80)}" is not 1 to 32 hexadecimal digits`,
    );
  }
  const runKey = run === null ? null : (await collections.find(session, run))?.key;
  if (runKey === undefined) return [];
  const rows = await session.all(
    `SELECT id FROM ${connection.table("dataset")} WHERE id BETWEEN $1::uuid AND $2::uuid` +
      (runKey === null ? "" : " AND run_id = $4::bigint") + " ORDER BY id LIMIT $3::bigint",
    prefix.padEnd(32, "0"),
    prefix.padEnd(32, "f"),
    Math.max(0, limit),
    ...(runKey === null ? [] : [runKey]),
  );
  return rows.map(([id]) => uuidFromText(id as string));
}

/** See `Registry.records`. */
export async function records(
  session: PostgresSession,
  { connection, recordsTable, hasRecordsTable }: PostgresContext,
  id: Uint8Array,
): Promise<DatastoreRecord[]> {
  if (!hasRecordsTable) return [];
  const rows = await session.all(
    "SELECT path, formatter, storage_class, component, checksum, file_size " +
      `FROM ${connection.table(recordsTable)} WHERE dataset_id = $1::uuid ORDER BY component`,
    uuidToHex(id),
  );
  return rows.map(([path, formatter, storageClass, component, checksum, fileSize]) => ({
    path: path as string,
    formatter: formatter as string,
    storageClass: storageClass as string,
    component: component === NULL_COMPONENT ? null : component as string,
    checksum: checksum as string | null,
    fileSize: fileSize === null ? null : Number(fileSize),
  }));
}

/** See `Registry.findRunProvenance`. */
export async function findRunProvenance(
  session: PostgresSession,
  context: PostgresContext,
  run: string,
): Promise<{ id: Uint8Array; record: DatastoreRecord } | null> {
  const type = await context.types.find(session, "run_provenance");
  // The type is the reference's; with other dimensions it is somebody else's.
  if (type?.type.group.required.length !== 0) return null;
  const id = await findDataset(session, context, "run_provenance", run, []);
  if (id === null) return null;
  const record = (await records(session, context, id))
    .find(({ component }) => component === null);
  if (record !== undefined) return { id, record };
  throw new RefusedError(
    `Cannot use provenance graph of run "${run}": run_provenance is registered but not stored`,
    { hint: "provgraph check REPO --run RUN says what is there, and how to go on" },
  );
}

/** See `Registry.runsWithDatasetType`. */
export async function runsWithDatasetType(
  session: PostgresSession,
  { connection, types }: PostgresContext,
  typeName: string,
): Promise<string[]> {
  const found = await types.find(session, typeName);
  if (found === null) return [];
  // Summaries say what a RUN ever held; the tags tables, by index, what it holds.
  const rows = await session.all(
    `SELECT c.name FROM ${connection.table("collection_summary_dataset_type")} s ` +
      `JOIN ${connection.table("collection")} c ON c.collection_id = s.collection_id ` +
      "AND c.type = 1 WHERE s.dataset_type_id = $1::bigint AND EXISTS (SELECT 1 FROM " +
      `${connection.table(found.tagsTable)} t WHERE t.dataset_type_id = s.dataset_type_id ` +
      "AND t.collection_id = c.collection_id)",
    found.id,
  );
  return rows.map(([name]) => name as string).sort();
}

/** See `Registry.runRecords`. */
export async function* runRecords(
  context: PostgresContext,
  run: string,
  typeNames?: readonly string[],
): AsyncGenerator<RunRecordsBatch> {
  const { connection } = context;
  const ids = await connection.read(
    "read",
    (session) => datasetIds(session, context, run, typeNames),
  );
  const nameById = new Map<number, string>();
  for (let start = 0; start < ids.length; start += N_BATCH * UUID_SIZE) {
    const some = ids.subarray(start, start + N_BATCH * UUID_SIZE);
    yield await connection.read("read", (session) => recordsOf(session, context, some, nameById));
  }
}

/** Datasets that were removed meanwhile are left out. */
async function recordsOf(
  session: PostgresSession,
  { connection, types, recordsTable, hasRecordsTable }: PostgresContext,
  ids: Uint8Array,
  nameById: Map<number, string>,
): Promise<RunRecordsBatch> {
  const rows = await session.all(
    "SELECT d.id, d.dataset_type_id, " +
      (hasRecordsTable ? "r.path, r.formatter, r.component" : "NULL, NULL, NULL") +
      ` FROM ${connection.table("dataset")} d` +
      (hasRecordsTable
        ? ` LEFT JOIN ${connection.table(recordsTable)} r ON r.dataset_id = d.id`
        : "") +
      " WHERE d.id = ANY($1::uuid[]) ORDER BY d.id",
    packedIdArray(ids),
  );
  const unknown = new Set(rows.map((row) => Number(row[1])).filter((id) => !nameById.has(id)));
  if (unknown.size > 0) {
    const found = await types.findByIds(session, [...unknown]);
    for (const id of unknown) nameById.set(id, found.get(id)?.type.name ?? "");
  }
  const batch: RunRecordsBatch = {
    n: 0,
    ids: new Uint8Array(ids.length),
    typeNames: [],
    paths: [],
    formatters: [],
  };
  let previous = "";
  for (const [id, typeId, path, formatter, component] of rows) {
    const isSame = id === previous;
    // A disassembled dataset has several records; one speaks for all.
    if (isSame && component !== NULL_COMPONENT) continue;
    if (!isSame) {
      writeUuidText(id as string, batch.ids, batch.n++ * UUID_SIZE);
      previous = id as string;
    }
    batch.typeNames[batch.n - 1] = nameById.get(Number(typeId))!;
    batch.paths[batch.n - 1] = path as string | null;
    batch.formatters[batch.n - 1] = formatter as string | null;
  }
  batch.ids = batch.ids.subarray(0, batch.n * UUID_SIZE);
  return batch;
}
