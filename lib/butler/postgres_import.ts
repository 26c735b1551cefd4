/**
 * Writing datasets to a PostgreSQL registry: new ones, and ones that may be there already. Columns go
 * as arrays, so that a batch is a dozen statements whatever its size.
 *
 * @module
 */

import { ConflictingDatasetError, RefusedError } from "../base/errors.ts";
import { failpoint } from "../store/failpoints.ts";
import { SortedBatch } from "./dataset_batch.ts";
import { governorSummaryTableName, NULL_COMPONENT, quoteIdentifier } from "./ddl.ts";
import { dimensionColumns, plainArray, textArray } from "./postgres_arrays.ts";
import {
  byTagsTable,
  conflictError,
  hexOf,
  readBatchState,
  type ResolvedBatch,
} from "./postgres_conflicts.ts";
import type { PostgresSession } from "./postgres_connection.ts";
import type { PostgresContext } from "./postgres_context.ts";
import { isRowRefused, StaleReadError } from "./postgres_errors.ts";
import { lockProvenance } from "./postgres_provenance.ts";
import type { DatasetBatch, ProvenanceGuard } from "./registry.ts";
import type { RegisteredType } from "./registry_rules.ts";

/** Rows of one statement: bounds its text (a few MB), not the batch. */
const N_STATEMENT_ROWS = 20_000;

/** See `Registry.importDatasets`. */
export async function importDatasets(context: PostgresContext, batch: DatasetBatch): Promise<void> {
  const sorted = new SortedBatch(batch);
  await write(context, sorted, "import datasets into", async (session, resolved) => {
    const { order } = sorted;
    await insertDatasets(session, context, resolved);
    await ensureSummaries(session, context, resolved);
    await insertTags(session, context, resolved, order);
    const stored = order.filter((row) => batch.paths[row] !== null);
    await insertLocations(session, context, resolved, stored, "");
    await insertRecords(session, context, resolved, stored);
    failpoint("import.before-commit");
  });
}

/** See `Registry.ingestDatasets`. */
export async function ingestDatasets(
  context: PostgresContext,
  batch: DatasetBatch,
  guard?: ProvenanceGuard,
): Promise<void> {
  const sorted = new SortedBatch(batch);
  refuseRepeatedIds(sorted);
  await write(context, sorted, "ingest datasets into", async (session, resolved) => {
    if (guard !== undefined) await lockProvenance(session, context, batch, guard);
    const { order } = sorted;
    const added = await insertAbsentDatasets(session, context, resolved);
    await ensureSummaries(session, context, resolved);
    await insertTags(session, context, resolved, added);
    const stored = order.filter((row) => batch.paths[row] !== null);
    await insertLocations(session, context, resolved, stored, " ON CONFLICT DO NOTHING");
    await deleteRecords(session, context, resolved, order);
    await insertRecords(session, context, resolved, stored);
    if (stored.length < order.length) {
      await deleteLocations(
        session,
        context,
        resolved,
        order.filter((row) => batch.paths[row] === null),
      );
    }
    failpoint("backed.before-commit");
  });
}

/** One transaction; if the database refuses a row, the error says which and why. */
async function write(
  context: PostgresContext,
  sorted: SortedBatch,
  verb: string,
  work: (session: PostgresSession, resolved: ResolvedBatch) => Promise<void>,
): Promise<void> {
  await context.connection.transaction(
    verb,
    async (session) => await work(session, await resolveBatch(session, context, sorted)),
    {
      explain: async (error, session) =>
        isRowRefused(error)
          ? await conflictError(
            session,
            context,
            await resolveBatch(session, context, sorted),
            error,
          )
          : error,
    },
  );
}

/**
 * Looks up run and types of a batch, anew in each transaction: others may remove them.
 *
 * @throws {RefusedError} if one isn't registered, or is registered with other dimensions.
 */
export async function resolveBatch(
  session: PostgresSession,
  context: PostgresContext,
  sorted: SortedBatch,
): Promise<ResolvedBatch> {
  const { types, run } = sorted.batch;
  const found = await context.types.findAll(
    session,
    sorted.usedTypes.map((index) => types[index].name),
  );
  const registered: RegisteredType[] = [];
  for (const index of sorted.usedTypes) {
    const { name, group } = types[index];
    const type = found.get(name);
    const what = `Cannot use dataset type "${name}" of registry "${context.connection.name}": `;
    if (type === undefined) throw new RefusedError(`${what}it is not registered`);
    if (type.type.group.required.join() !== group.required.join()) {
      throw new RefusedError(
        `${what}its dimensions are {${type.type.group.names.join(", ")}}, expected ` +
          `{${group.names.join(", ")}}`,
      );
    }
    registered[index] = type;
  }
  return { sorted, runKey: await context.collections.runKey(session, run), registered };
}

function refuseRepeatedIds(sorted: SortedBatch): void {
  const { order, hexIds } = sorted;
  for (let i = 1; i < order.length; i++) {
    if (hexIds[order[i]] === hexIds[order[i - 1]]) {
      throw new ConflictingDatasetError(
        `Cannot register dataset ${sorted.describe(order[i])}: its ID is given twice`,
      );
    }
  }
}

/** Pieces of some rows, each for one statement. */
export function* pieces<T extends readonly number[] | Uint32Array>(rows: T): Generator<T> {
  for (let start = 0; start < rows.length; start += N_STATEMENT_ROWS) {
    yield rows.slice(start, start + N_STATEMENT_ROWS) as T;
  }
}

/** Dataset IDs of rows as an array. */
export function idArray({ sorted }: ResolvedBatch, rows: readonly number[] | Uint32Array): string {
  return plainArray(Array.from(rows, (row) => sorted.hexIds[row]));
}

/** Integer ids of the dataset types of rows as an array. */
export function typeIdArray(
  { sorted, registered }: ResolvedBatch,
  rows: readonly number[] | Uint32Array,
): string {
  return plainArray(Array.from(rows, (row) => registered[sorted.batch.typeIndex[row]].id));
}

function insertDatasetsSql({ connection, ingestDateType }: PostgresContext): string {
  // As text first: the driver would turn a timestamp into a date of its own.
  return `INSERT INTO ${connection.table("dataset")} (id, dataset_type_id, ingest_date, run_id) ` +
    `SELECT u.id, u.ty, $3::text::${ingestDateType}, $4::bigint ` +
    "FROM unnest($1::uuid[], $2::bigint[]) AS u (id, ty)";
}

async function insertDatasets(
  session: PostgresSession,
  context: PostgresContext,
  resolved: ResolvedBatch,
): Promise<void> {
  const ingestDate = context.ingestDate();
  for (const rows of pieces(resolved.sorted.order)) {
    await session.run(
      insertDatasetsSql(context),
      idArray(resolved, rows),
      typeIdArray(resolved, rows),
      ingestDate,
      resolved.runKey,
    );
  }
}

/** Inserts the datasets that aren't there and returns their rows; checks and locks the others. */
async function insertAbsentDatasets(
  session: PostgresSession,
  context: PostgresContext,
  resolved: ResolvedBatch,
): Promise<Uint32Array> {
  const { sorted: { order, hexIds }, sorted } = resolved;
  const ingestDate = context.ingestDate();
  const added = new Set<string>();
  for (const rows of pieces(order)) {
    await session.each(
      `${insertDatasetsSql(context)} ON CONFLICT DO NOTHING RETURNING id`,
      [idArray(resolved, rows), typeIdArray(resolved, rows), ingestDate, resolved.runKey],
      ([id]) => {
        added.add(hexOf(id as string));
      },
    );
  }
  const others = order.filter((row) => !added.has(hexIds[row]));
  if (others.length > 0) {
    const state = await readBatchState(session, context, resolved, others, true);
    const conflict = others.find((row) => state.conflicts.has(row));
    if (conflict !== undefined) {
      throw new ConflictingDatasetError(
        `Cannot register dataset ${sorted.describe(conflict)}: ${state.conflicts.get(conflict)}`,
      );
    }
    // There when it was inserted, gone when it was looked for: somebody removes it right now.
    if (!others.every((row) => state.isThere[row])) throw new StaleReadError();
  }
  return order.filter((row) => added.has(hexIds[row]));
}

/** The summary rows come before tags rows, which refer to them. */
async function ensureSummaries(
  session: PostgresSession,
  { connection }: PostgresContext,
  { sorted, runKey, registered }: ResolvedBatch,
): Promise<void> {
  await session.run(
    `INSERT INTO ${connection.table("collection_summary_dataset_type")} ` +
      "(collection_id, dataset_type_id) SELECT $1::bigint, u.ty " +
      "FROM unnest($2::bigint[]) AS u (ty) ON CONFLICT DO NOTHING",
    runKey,
    plainArray(sorted.usedTypes.map((index) => registered[index].id).sort((a, b) => a - b)),
  );
  for (const [governor, values] of sorted.governorValues()) {
    await session.run(
      `INSERT INTO ${connection.table(governorSummaryTableName(governor))} ` +
        `(collection_id, ${quoteIdentifier(governor)}) SELECT $1::bigint, u.v ` +
        "FROM unnest($2::text[]) AS u (v) ON CONFLICT DO NOTHING",
      runKey,
      textArray(values.map(String)),
    );
  }
}

async function insertTags(
  session: PostgresSession,
  { connection, universe }: PostgresContext,
  resolved: ResolvedBatch,
  rows: Uint32Array,
): Promise<void> {
  const { sorted, runKey } = resolved;
  for (const group of byTagsTable(resolved, rows)) {
    for (const piece of pieces(group.rows)) {
      const { arrays, casts, names } = dimensionColumns(
        universe,
        group.registered.type.group,
        sorted,
        piece,
      );
      const list = names.map((name) => `, ${name}`).join("");
      await session.run(
        `INSERT INTO ${connection.table(group.tagsTable)} ` +
          `(dataset_type_id, dataset_id, collection_id${list}) ` +
          `SELECT u.ty, u.id, $3::bigint${names.map((name) => `, u.${name}`).join("")} ` +
          "FROM unnest($1::bigint[], $2::uuid[]" +
          casts.map((cast, i) => `, $${i + 4}::${cast}`).join("") + `) AS u (ty, id${list})`,
        typeIdArray(resolved, piece),
        idArray(resolved, piece),
        runKey,
        ...arrays,
      );
    }
  }
}

async function insertLocations(
  session: PostgresSession,
  { connection, datastoreName }: PostgresContext,
  resolved: ResolvedBatch,
  rows: Uint32Array,
  suffix: string,
): Promise<void> {
  for (const piece of pieces(rows)) {
    await session.run(
      `INSERT INTO ${connection.table("dataset_location")} (datastore_name, dataset_id) ` +
        `SELECT $1::text, u.id FROM unnest($2::uuid[]) AS u (id)${suffix}`,
      datastoreName,
      idArray(resolved, piece),
    );
  }
}

async function deleteLocations(
  session: PostgresSession,
  { connection, datastoreName }: PostgresContext,
  resolved: ResolvedBatch,
  rows: Uint32Array,
): Promise<void> {
  await session.run(
    `DELETE FROM ${connection.table("dataset_location")} ` +
      "WHERE datastore_name = $1::text AND dataset_id = ANY($2::uuid[])",
    datastoreName,
    idArray(resolved, rows),
  );
}

async function deleteRecords(
  session: PostgresSession,
  { connection, recordsTable }: PostgresContext,
  resolved: ResolvedBatch,
  rows: Uint32Array,
): Promise<void> {
  for (const piece of pieces(rows)) {
    await session.run(
      `DELETE FROM ${connection.table(recordsTable)} WHERE dataset_id = ANY($1::uuid[])`,
      idArray(resolved, piece),
    );
  }
}

async function insertRecords(
  session: PostgresSession,
  { connection, recordsTable }: PostgresContext,
  resolved: ResolvedBatch,
  rows: Uint32Array,
): Promise<void> {
  const { typeIndex, paths, formatters, storageClasses, fileSize, checksum } =
    resolved.sorted.batch;
  if (rows.length === 0) return;
  // Backed by one graph, all have one path: then it is sent once.
  const first = paths[rows[0]];
  const isOnePath = rows.every((row) => paths[row] === first);
  for (const piece of pieces(rows)) {
    await session.run(
      `INSERT INTO ${connection.table(recordsTable)} (dataset_id, path, formatter, ` +
        "storage_class, component, checksum, file_size) SELECT u.id, " +
        (isOnePath ? "$3::text" : "u.path") + ", ($4::text[])[u.ty], ($5::text[])[u.ty], " +
        "$6::text, $8::text, $7::bigint FROM unnest($1::uuid[], $2::int[]" +
        (isOnePath ? ") AS u (id, ty)" : ", $3::text[]) AS u (id, ty, path)"),
      idArray(resolved, piece),
      // Arrays begin at one there.
      plainArray(Array.from(piece, (row) => typeIndex[row] + 1)),
      isOnePath ? first : textArray(Array.from(piece, (row) => paths[row])),
      textArray(formatters),
      textArray(storageClasses),
      NULL_COMPONENT,
      fileSize,
      checksum ?? null,
    );
  }
}
