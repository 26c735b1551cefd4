/**
 * Questions about datasets and their records in a registry.
 *
 * @module
 */

import { concatBytes } from "../../base/bytes.ts";
import { RefusedError } from "../../base/errors.ts";
import { sortedIds } from "../../base/sort_ids.ts";
import { UUID_SIZE, uuidFromText, uuidToHex } from "../../base/uuid.ts";
import type { RegistryContext } from "./context.ts";
import { dimensionType, isPossibleValue, toDataIdValue } from "./data_id_values.ts";
import { hexIdsOf, packDatasetId } from "./dataset_id.ts";
import { NULL_COMPONENT, quoteIdentifier } from "./tables/ddl.ts";
import type {
  DatasetInfo,
  DatastoreRecord,
  RegisteredProvenance,
  RunRecordsBatch,
} from "./registry.ts";
import type { IdQuery, Session } from "./session.ts";
import type { DataIdValue } from "../dimensions/data_id_value.ts";

/** Datasets in one batch of {@linkcode runRecords}. */
const N_BATCH = 5000;

/** IDs of a RUN's datasets (of these types), packed, in any order; empty for an unknown run. */
export async function datasetIds(
  context: RegistryContext,
  run: string,
  typeNames?: readonly string[],
): Promise<Uint8Array<ArrayBuffer>> {
  const batches: Uint8Array<ArrayBuffer>[] = [];
  for await (const batch of runDatasetIds(context, run, typeNames)) batches.push(batch);
  return concatBytes(batches);
}

/** See `Registry.runDatasetIds`; without names, datasets of all types. */
export async function* runDatasetIds(
  context: RegistryContext,
  run: string,
  typeNames?: readonly string[],
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const { connection, collections, types, keys } = context;
  const query = await connection.read("read", async (session): Promise<IdQuery | null> => {
    const runKey = (await collections.find(session, run))?.key;
    if (runKey === undefined) return null;
    const query = { table: "dataset", column: "id", where: `${keys.run} = $1::${keys.type}` };
    if (typeNames === undefined) return { ...query, values: [runKey] };
    const found = await types.findAll(session, typeNames);
    // The index of types would find the datasets of other runs too.
    const column = connection.dialect.noIndex("dataset_type_id");
    return {
      ...query,
      where: `${query.where} AND ${connection.dialect.isIn(column, 2, "bigint")}`,
      values: [
        runKey,
        connection.dialect.list("bigint", [...found.values()].map(({ id }) => id)),
      ],
    };
  });
  if (query !== null) yield* connection.ids(query);
}

/** See `Registry.datasetIdsStoredAt`. */
export async function* datasetIdsStoredAt(
  { connection, recordsTable, hasRecordsTable }: RegistryContext,
  path: string,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  if (!hasRecordsTable) return;
  yield* connection.ids({
    table: recordsTable,
    column: "dataset_id",
    where: `path = $1::text AND ${connection.dialect.noIndex("component")} = $2::text`,
    values: [path, NULL_COMPONENT],
  });
}

/** See `Registry.recordPathsBelow`. */
export async function* recordPathsBelow(
  { connection, recordsTable, hasRecordsTable }: RegistryContext,
  directory: string,
): AsyncGenerator<string[]> {
  if (hasRecordsTable) yield* connection.pathsBelow(recordsTable, directory);
}

/** See `Registry.findDataset`. */
export async function findDataset(
  session: Session,
  { connection, universe, types, collections, keys }: RegistryContext,
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
    `SELECT dataset_id FROM ${connection.dialect.table(found.tagsTable)} ` +
      `WHERE dataset_type_id = $1::bigint AND ${keys.collection} = $2::${keys.type}` +
      columns.map((name, i) =>
        ` AND ${quoteIdentifier(name)} = $${i + 3}::${dimensionType(universe, name)}`
      ).join(""),
    found.id,
    runKey,
    ...required,
  );
  return row === null ? null : uuidFromText(row[0] as string);
}

/** See `Registry.datasetInfo`. */
export async function datasetInfo(
  session: Session,
  { connection, universe, types, collections, keys }: RegistryContext,
  id: Uint8Array,
): Promise<DatasetInfo | null> {
  const hexId = uuidToHex(id);
  const row = await session.first(
    `SELECT dataset_type_id, ${keys.run} FROM ${
      connection.dialect.table("dataset")
    } WHERE id = $1::uuid`,
    hexId,
  );
  if (row === null) return null;
  const typeId = Number(row[0]);
  const runKey = keys.fromRow(row[1]);
  const found = (await types.findByIds(session, [typeId])).get(typeId);
  const run = await collections.findByKey(session, runKey);
  // Both can't be missing but for someone who removes them right now.
  if (found === undefined || run === null) return null;
  const { type: { group, name }, tagsTable } = found;
  let required: DataIdValue[] = [];
  if (group.required.length > 0) {
    const values = await session.first(
      `SELECT ${group.required.map(quoteIdentifier).join(", ")} ` +
        `FROM ${connection.dialect.table(tagsTable)} ` +
        `WHERE dataset_id = $1::uuid AND ${keys.collection} = $2::${keys.type}`,
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
  session: Session,
  { connection, collections, keys }: RegistryContext,
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
    `SELECT id FROM ${connection.dialect.table("dataset")} WHERE id BETWEEN $1::uuid AND $2::uuid` +
      (runKey === null ? "" : ` AND ${keys.run} = $4::${keys.type}`) +
      " ORDER BY id LIMIT $3::bigint",
    prefix.padEnd(32, "0"),
    prefix.padEnd(32, "f"),
    Math.max(0, limit),
    ...(runKey === null ? [] : [runKey]),
  );
  return rows.map(([id]) => uuidFromText(id as string));
}

/** See `Registry.records`. */
export async function records(
  session: Session,
  { connection, recordsTable, hasRecordsTable }: RegistryContext,
  id: Uint8Array,
): Promise<DatastoreRecord[]> {
  if (!hasRecordsTable) return [];
  const rows = await session.all(
    "SELECT path, formatter, storage_class, component, checksum, file_size " +
      `FROM ${
        connection.dialect.table(recordsTable)
      } WHERE dataset_id = $1::uuid ORDER BY component`,
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
  session: Session,
  context: RegistryContext,
  run: string,
): Promise<RegisteredProvenance | null> {
  const type = await context.types.find(session, "run_provenance");
  // The type is the reference's; with other dimensions it is somebody else's.
  if (type?.type.group.required.length !== 0) return null;
  const id = await findDataset(session, context, "run_provenance", run, []);
  if (id === null) return null;
  for (const [datastore, storedIn] of context.datastores.entries()) {
    const record = (await records(session, { ...context, ...storedIn }, id))
      .find(({ component }) => component === null);
    if (record !== undefined) return { id, record, datastore };
  }
  throw new RefusedError(
    `Cannot use provenance graph of run "${run}": run_provenance is registered but not stored`,
    { hint: "provgraph check REPO --run RUN says what is there, and how to go on" },
  );
}

/** See `Registry.runsWithDatasetType`. */
export async function runsWithDatasetType(
  session: Session,
  { connection, types, keys }: RegistryContext,
  typeName: string,
): Promise<string[]> {
  const found = await types.find(session, typeName);
  if (found === null) return [];
  // Summaries say what a RUN ever held; the tags tables, by index, what it holds.
  const rows = await session.all(
    `SELECT c.name FROM ${connection.dialect.table("collection_summary_dataset_type")} s ` +
      `JOIN ${connection.dialect.table("collection")} c ON c.${keys.own} = s.${keys.collection} ` +
      "AND c.type = 1 WHERE s.dataset_type_id = $1::bigint AND EXISTS (SELECT 1 FROM " +
      `${
        connection.dialect.table(found.tagsTable)
      } t WHERE t.dataset_type_id = s.dataset_type_id ` +
      `AND t.${keys.collection} = c.${keys.own})`,
    found.id,
  );
  return rows.map(([name]) => name as string).sort();
}

/** See `Registry.runRecords`. */
export async function* runRecords(
  context: RegistryContext,
  run: string,
  typeNames?: readonly string[],
): AsyncGenerator<RunRecordsBatch> {
  const ids = sortedIds(await datasetIds(context, run, typeNames));
  const nameById = new Map<number, string>();
  for (let start = 0; start < ids.length; start += N_BATCH * UUID_SIZE) {
    const some = ids.subarray(start, start + N_BATCH * UUID_SIZE);
    yield await context.connection.read(
      "read",
      (session) => recordsOf(session, context, some, nameById),
    );
  }
}

/** Datasets that were removed meanwhile are left out. */
async function recordsOf(
  session: Session,
  { connection, types, asked }: RegistryContext,
  ids: Uint8Array,
  nameById: Map<number, string>,
): Promise<RunRecordsBatch> {
  const tables = asked.filter(({ hasRecordsTable }) => hasRecordsTable);
  // Of the first datastore that has one.
  const column = (name: string) =>
    tables.length === 1
      ? `r0.${name}`
      : tables.length === 0
      ? "NULL"
      : `COALESCE(${tables.map((_, i) => `r${i}.${name}`).join(", ")})`;
  const rows = await session.all(
    `SELECT d.id, d.dataset_type_id, ${["path", "formatter", "component"].map(column).join(", ")}` +
      ` FROM ${connection.dialect.table("dataset")} d` +
      tables.map(({ recordsTable }, i) =>
        ` LEFT JOIN ${connection.dialect.table(recordsTable)} r${i} ON r${i}.dataset_id = d.id`
      ).join("") +
      ` WHERE ${connection.dialect.isIn("d.id", 1, "uuid")} ORDER BY d.id`,
    connection.dialect.list("uuid", hexIdsOf(ids)),
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
      packDatasetId(id as string, batch.ids, batch.n++ * UUID_SIZE, connection.name);
      previous = id as string;
    }
    batch.typeNames[batch.n - 1] = nameById.get(Number(typeId))!;
    batch.paths[batch.n - 1] = path as string | null;
    batch.formatters[batch.n - 1] = formatter as string | null;
  }
  batch.ids = batch.ids.subarray(0, batch.n * UUID_SIZE);
  return batch;
}
