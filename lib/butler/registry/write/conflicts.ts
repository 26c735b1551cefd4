/**
 * Why datasets can't be registered. An error ends the transaction, so the reason is looked up after it.
 *
 * @module
 */

import { ConflictingDatasetError } from "../../../base/errors.ts";
import { formatDataId } from "../../dimensions/data_id.ts";
import {
  type BatchRows,
  byTagsTable,
  dataIdColumns,
  resolveBatch,
  type ResolvedBatch,
  type TagsRows,
  typeColumn,
} from "./batch_rows.ts";
import type { CollectionKey } from "../tables/collection_keys.ts";
import type { RegistryContext } from "../context.ts";
import { toDataIdValue } from "../data_id_values.ts";
import { hexIdToText, SortedBatch } from "../dataset_batch.ts";
import { hexOf } from "../dataset_id.ts";
import { quoteIdentifier } from "../tables/ddl.ts";
import type { DatasetBatch } from "../registry.ts";
import type { RowColumn, Session, SqlRow } from "../session.ts";

/** What the registry has of the datasets of a batch. */
interface BatchState {
  /** Whether each row's ID is registered. */
  isThere: boolean[];
  /** By row: what the registry has otherwise; rows without conflict are left out. */
  conflicts: Map<number, string>;
}

/** Conflicts that are told one by one; of the rest only the number. */
const MAX_TOLD = 10;

/**
 * Compares what the registry has of a batch's datasets with the batch. A dataset that is there exactly
 * so, or not at all, is no conflict. A few statements, whatever the size of the batch.
 *
 * @param isLocked keeps the datasets that are there from being removed until the transaction ends
 */
export async function readBatchState(
  session: Session,
  context: RegistryContext,
  resolved: ResolvedBatch,
  rows: BatchRows = resolved.sorted.order,
  isLocked = false,
): Promise<BatchState> {
  const { sorted, runKey, registered } = resolved;
  const { hexIds, batch: { typeIndex } } = sorted;
  const isThere: boolean[] = new Array(sorted.batch.n).fill(false);
  const conflicts = new Map<number, string>();
  const found = await readDatasets(
    session,
    context,
    Array.from(rows, (row) => hexIds[row]),
    isLocked,
  );
  const elsewhere: number[] = [];
  const here: number[] = [];
  for (const row of rows) {
    const dataset = found.get(hexIds[row]);
    isThere[row] = dataset !== undefined;
    const isOther = dataset !== undefined &&
      (dataset.typeId !== registered[typeIndex[row]].id || dataset.runKey !== runKey);
    (isOther ? elsewhere : here).push(row);
  }
  await nameElsewhere(session, context, elsewhere, sorted, found, conflicts);
  for (const group of byTagsTable(resolved, here)) {
    const holders = await readHolders(session, context, resolved, group);
    const strays: number[] = [];
    for (const row of group.rows) {
      const holder = holders.get(row);
      if (holder !== undefined && holder !== hexIds[row]) {
        conflicts.set(row, `dataset ${hexIdToText(holder)} is registered with this data ID`);
      } else if (holder === undefined && isThere[row]) {
        strays.push(row);
      }
    }
    await nameOtherDataIds(session, context, resolved, group, strays, conflicts);
  }
  return { isThere, conflicts };
}

interface FoundDataset {
  typeId: number;
  runKey: CollectionKey;
}

async function readDatasets(
  session: Session,
  { connection, keys }: RegistryContext,
  hexIds: readonly string[],
  isLocked: boolean,
): Promise<Map<string, FoundDataset>> {
  const { dialect } = connection;
  const found = new Map<string, FoundDataset>();
  await session.each(
    `SELECT id, dataset_type_id, ${keys.run} FROM ${dialect.table("dataset")} ` +
      // Everybody locks in the order of ids, so that nobody waits in a circle.
      `WHERE ${dialect.isIn("id", 1, "uuid")}` +
      (isLocked && dialect.locksRows ? " ORDER BY id FOR KEY SHARE" : ""),
    [dialect.list("uuid", hexIds)],
    ([id, typeId, runKey]) => {
      found.set(hexOf(id as string), { typeId: Number(typeId), runKey: keys.fromRow(runKey) });
    },
  );
  return found;
}

async function nameElsewhere(
  session: Session,
  context: RegistryContext,
  rows: readonly number[],
  sorted: SortedBatch,
  found: ReadonlyMap<string, FoundDataset>,
  conflicts: Map<number, string>,
): Promise<void> {
  const typeIds = new Set(rows.map((row) => found.get(sorted.hexIds[row])!.typeId));
  const types = await context.types.findByIds(session, [...typeIds]);
  const runs = new Map<CollectionKey, string | undefined>();
  for (const row of rows) {
    const { typeId, runKey } = found.get(sorted.hexIds[row])!;
    if (!runs.has(runKey)) {
      runs.set(runKey, (await context.collections.findByKey(session, runKey))?.name);
    }
    conflicts.set(
      row,
      `this ID is registered as ${types.get(typeId)?.type.name} in run "${runs.get(runKey)}"`,
    );
  }
}

/** By row: ID of the dataset that has its type and data ID in the run. */
async function readHolders(
  session: Session,
  context: RegistryContext,
  resolved: ResolvedBatch,
  { tagsTable, registered, rows }: TagsRows,
): Promise<Map<number, string>> {
  const { connection: { dialect }, keys } = context;
  const dataId = dataIdColumns(context, resolved, registered, rows);
  const given = dialect.rows([rowColumn(rows), typeColumn(resolved, rows), ...dataId], 2);
  const holders = new Map<number, string>();
  await session.each(
    `SELECT u.r, t.dataset_id FROM ${given.sql} JOIN ${dialect.table(tagsTable)} t ` +
      `ON t.dataset_type_id = u.ty AND t.${keys.collection} = $1::${keys.type}` +
      dataId.map(({ name }) => ` AND t.${name} = u.${name}`).join(""),
    [resolved.runKey, ...given.values],
    ([row, id]) => {
      holders.set(Number(row), hexOf(id as string));
    },
  );
  return holders;
}

/** Column `r`: the rows themselves. */
function rowColumn(rows: BatchRows): RowColumn {
  return { name: "r", type: "bigint", values: Array.from(rows) };
}

/** Datasets of this run and type whose tags row has another data ID. */
async function nameOtherDataIds(
  session: Session,
  { connection, universe, keys }: RegistryContext,
  { sorted, runKey }: ResolvedBatch,
  { tagsTable, registered: { type: { group } } }: TagsRows,
  rows: readonly number[],
  conflicts: Map<number, string>,
): Promise<void> {
  if (rows.length === 0 || group.required.length === 0) return;
  const rowById = new Map(rows.map((row) => [sorted.hexIds[row], row]));
  await session.each(
    `SELECT dataset_id, ${group.required.map(quoteIdentifier).join(", ")} ` +
      `FROM ${connection.dialect.table(tagsTable)} ` +
      `WHERE ${keys.collection} = $1::${keys.type} AND ` +
      connection.dialect.isIn("dataset_id", 2, "uuid"),
    [runKey, connection.dialect.list("uuid", [...rowById.keys()])],
    ([id, ...values]) => {
      const row = rowById.get(hexOf(id as string));
      if (row === undefined) return;
      const found = values.map((value, i) => toDataIdValue(universe, group.required[i], value));
      conflicts.set(row, `this ID is registered with data ID ${formatDataId(group, found)}`);
    },
  );
}

/** See `Registry.explainConflict`. */
export async function explainConflict(
  session: Session,
  context: RegistryContext,
  batch: DatasetBatch,
): Promise<string | null> {
  const sorted = new SortedBatch(batch);
  const resolved = await resolveBatch(session, context, sorted);
  const { conflicts } = await readBatchState(session, context, resolved);
  const lines: string[] = [];
  for (const row of sorted.order) {
    const state = conflicts.get(row);
    if (state === undefined) continue;
    if (lines.length === MAX_TOLD) break;
    lines.push(`dataset ${sorted.describe(row)}: ${state}`);
  }
  if (conflicts.size > MAX_TOLD) lines.push(`... and ${conflicts.size - MAX_TOLD} more`);
  return lines.length === 0 ? null : lines.join("\n");
}

/** Words the error of a batch that the database refused. Called after the rollback. */
export async function conflictError(
  session: Session,
  context: RegistryContext,
  resolved: ResolvedBatch,
  cause: unknown,
): Promise<ConflictingDatasetError> {
  const { sorted } = resolved;
  const { isThere, conflicts } = await readBatchState(session, context, resolved);
  const { order } = sorted;
  const error = (row: number, state: string) =>
    new ConflictingDatasetError(`Cannot register dataset ${sorted.describe(row)}: ${state}`, {
      cause,
    });
  const first = order.find((row) => conflicts.has(row));
  if (first !== undefined) return error(first, conflicts.get(first)!);
  const there = order.find((row) => isThere[row]);
  if (there !== undefined) return error(there, "it is registered already");
  const governor = await findMissingGovernor(session, context, resolved);
  if (governor !== null) {
    return new ConflictingDatasetError(
      `Cannot register datasets of run "${sorted.batch.run}": there is no ${governor} in registry ` +
        `"${context.connection.name}"`,
      { cause },
    );
  }
  const missing = await findMissingDimension(session, context, resolved);
  if (missing !== null) {
    return error(missing.row, `the registry has no ${missing.dimension} record for it`);
  }
  const { dialect } = context.connection;
  let stored: SqlRow | null = null;
  for (const { recordsTable } of context.datastores) {
    stored ??= await session.first(
      `SELECT dataset_id FROM ${dialect.table(recordsTable)} ` +
        `WHERE ${dialect.isIn("dataset_id", 1, "uuid")} LIMIT 1`,
      dialect.list("uuid", sorted.hexIds),
    );
  }
  const row = stored === null ? -1 : sorted.hexIds.indexOf(hexOf(stored[0] as string));
  if (row >= 0) {
    return new ConflictingDatasetError(
      `Cannot store dataset ${sorted.describe(row)}: it has a datastore record already`,
      { cause },
    );
  }
  return new ConflictingDatasetError(
    `Cannot register datasets of run "${sorted.batch.run}": ${dialect.errorText(cause)}`,
    { cause },
  );
}

/** A value of a governor dimension that has no record, which its summary refers to. */
async function findMissingGovernor(
  session: Session,
  { connection: { dialect }, universe }: RegistryContext,
  { sorted }: ResolvedBatch,
): Promise<string | null> {
  for (const [governor, values] of sorted.governorValues()) {
    const key = quoteIdentifier(universe.element(governor).primaryKey!.name);
    for (const value of values) {
      const found = await session.first(
        `SELECT 1 FROM ${dialect.table(governor)} WHERE ${key} = $1::text`,
        String(value),
      );
      if (found === null) return `${governor} "${value}"`;
    }
  }
  return null;
}

/** The first row that refers to a dimension record which isn't there. */
async function findMissingDimension(
  session: Session,
  context: RegistryContext,
  resolved: ResolvedBatch,
): Promise<{ row: number; dimension: string } | null> {
  const { connection: { dialect }, universe } = context;
  for (const { registered, rows } of byTagsTable(resolved)) {
    const dataId = dataIdColumns(context, resolved, registered, rows);
    const given = dialect.rows([rowColumn(rows), ...dataId], 1);
    for (const dimension of registered.type.group.required) {
      const { required, primaryKey, hasTable } = universe.element(dimension);
      if (!hasTable) continue;
      const where = required.map((column) =>
        `d.${quoteIdentifier(column === dimension ? primaryKey!.name : column)} = ` +
        `u.${quoteIdentifier(column)}`
      );
      const found = await session.first(
        `SELECT u.r FROM ${given.sql} WHERE NOT EXISTS (SELECT 1 FROM ` +
          `${dialect.table(dimension)} d WHERE ${where.join(" AND ")}) LIMIT 1`,
        ...given.values,
      );
      if (found !== null) return { row: Number(found[0]), dimension };
    }
  }
  return null;
}
