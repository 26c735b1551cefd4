/**
 * Why datasets can't be registered in a PostgreSQL registry. An error ends the transaction there, so
 * the reason is looked up after it.
 *
 * @module
 */

import { ConflictingDatasetError } from "../../../base/errors.ts";
import { uuidFromText, uuidToHex } from "../../../base/uuid.ts";
import { hexIdToText, type SortedBatch } from "../dataset_batch.ts";
import { formatDataId } from "../../dimensions/data_id.ts";
import { governorSummaryTableName, quoteIdentifier } from "../ddl.ts";
import { dimensionColumns, plainArray, toDataIdValue } from "./arrays.ts";
import type { PostgresContext } from "./context.ts";
import type { PostgresSession } from "./connection.ts";
import { serverMessage, violatedTable } from "./errors.ts";
import type { RegisteredType } from "../rules.ts";

/** A batch whose run and types were looked up in the registry. */
export interface ResolvedBatch {
  readonly sorted: SortedBatch;
  readonly runKey: number;
  /** By position in the batch's `types`; only those that have rows. */
  readonly registered: readonly RegisteredType[];
}

/** Rows of a batch whose types share a tags table. */
export interface TagsRows {
  /** Unquoted. */
  tagsTable: string;
  registered: RegisteredType;
  /** Ascending by dataset ID. */
  rows: number[];
}

/** What the registry has of the datasets of a batch. */
export interface BatchState {
  /** Whether each row's ID is registered. */
  isThere: boolean[];
  /** By row: what the registry has otherwise; rows without conflict are left out. */
  conflicts: Map<number, string>;
}

/** Conflicts that are told one by one; of the rest only the number. */
const MAX_TOLD = 10;

/** Rows of a batch by tags table; all rows of `rows` by default. */
export function byTagsTable(
  { sorted, registered }: ResolvedBatch,
  rows: Iterable<number> = sorted.order,
): TagsRows[] {
  const groups = new Map<string, TagsRows>();
  for (const row of rows) {
    const type = registered[sorted.batch.typeIndex[row]];
    let group = groups.get(type.tagsTable);
    if (group === undefined) {
      group = { tagsTable: type.tagsTable, registered: type, rows: [] };
      groups.set(type.tagsTable, group);
    }
    group.rows.push(row);
  }
  return [...groups.values()];
}

/**
 * Compares what the registry has of a batch's datasets with the batch. A dataset that is there exactly
 * so, or not at all, is no conflict. A few statements, whatever the size of the batch.
 *
 * @param isLocked keeps the datasets that are there from being removed until the transaction ends
 */
export async function readBatchState(
  session: PostgresSession,
  context: PostgresContext,
  resolved: ResolvedBatch,
  rows: readonly number[] | Uint32Array = resolved.sorted.order,
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
  runKey: number;
}

async function readDatasets(
  session: PostgresSession,
  { connection }: PostgresContext,
  hexIds: readonly string[],
  isLocked: boolean,
): Promise<Map<string, FoundDataset>> {
  const found = new Map<string, FoundDataset>();
  await session.each(
    `SELECT id, dataset_type_id, run_id FROM ${connection.table("dataset")} ` +
      // Everybody locks in the order of ids, so that nobody waits in a circle.
      `WHERE id = ANY($1::uuid[])${isLocked ? " ORDER BY id FOR KEY SHARE" : ""}`,
    [plainArray(hexIds)],
    ([id, typeId, runKey]) => {
      found.set(hexOf(id as string), { typeId: Number(typeId), runKey: Number(runKey) });
    },
  );
  return found;
}

/** 32 digits of a dataset ID as the server writes it. */
export function hexOf(idText: string): string {
  return uuidToHex(uuidFromText(idText));
}

async function nameElsewhere(
  session: PostgresSession,
  context: PostgresContext,
  rows: readonly number[],
  sorted: SortedBatch,
  found: ReadonlyMap<string, FoundDataset>,
  conflicts: Map<number, string>,
): Promise<void> {
  const typeIds = new Set(rows.map((row) => found.get(sorted.hexIds[row])!.typeId));
  const types = await context.types.findByIds(session, [...typeIds]);
  const runs = new Map<number, string | undefined>();
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
  session: PostgresSession,
  { connection, universe }: PostgresContext,
  { sorted, runKey, registered }: ResolvedBatch,
  { tagsTable, registered: { type: { group } }, rows }: TagsRows,
): Promise<Map<number, string>> {
  const { arrays, casts, names } = dimensionColumns(universe, group, sorted, rows);
  const types = rows.map((row) => registered[sorted.batch.typeIndex[row]].id);
  const holders = new Map<number, string>();
  await session.each(
    `SELECT u.r, t.dataset_id FROM unnest($1::bigint[], $2::bigint[]` +
      casts.map((cast, i) => `, $${i + 4}::${cast}`).join("") + `) AS u (r, ty` +
      names.map((name) => `, ${name}`).join("") + `) JOIN ${connection.table(tagsTable)} t ` +
      "ON t.dataset_type_id = u.ty AND t.collection_id = $3::bigint" +
      names.map((name) => ` AND t.${name} = u.${name}`).join(""),
    [plainArray(rows), plainArray(types), runKey, ...arrays],
    ([row, id]) => {
      holders.set(Number(row), hexOf(id as string));
    },
  );
  return holders;
}

/** Datasets of this run and type whose tags row has another data ID. */
async function nameOtherDataIds(
  session: PostgresSession,
  { connection, universe }: PostgresContext,
  { sorted, runKey }: ResolvedBatch,
  { tagsTable, registered: { type: { group } } }: TagsRows,
  rows: readonly number[],
  conflicts: Map<number, string>,
): Promise<void> {
  if (rows.length === 0 || group.required.length === 0) return;
  const rowById = new Map(rows.map((row) => [sorted.hexIds[row], row]));
  await session.each(
    `SELECT dataset_id, ${group.required.map(quoteIdentifier).join(", ")} ` +
      `FROM ${connection.table(tagsTable)} ` +
      "WHERE collection_id = $1::bigint AND dataset_id = ANY($2::uuid[])",
    [runKey, plainArray([...rowById.keys()])],
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
  session: PostgresSession,
  context: PostgresContext,
  resolved: ResolvedBatch,
): Promise<string | null> {
  const { sorted } = resolved;
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
  session: PostgresSession,
  context: PostgresContext,
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
  const governor = await findMissingGovernor(session, context, resolved, violatedTable(cause));
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
  const stored = await session.first(
    `SELECT dataset_id FROM ${context.connection.table(context.recordsTable)} ` +
      "WHERE dataset_id = ANY($1::uuid[]) LIMIT 1",
    plainArray(sorted.hexIds),
  );
  const row = stored === null ? -1 : sorted.hexIds.indexOf(hexOf(stored[0] as string));
  if (row >= 0) {
    return new ConflictingDatasetError(
      `Cannot store dataset ${sorted.describe(row)}: it has a datastore record already`,
      { cause },
    );
  }
  return new ConflictingDatasetError(
    `Cannot register datasets of run "${sorted.batch.run}": ${serverMessage(cause)}`,
    { cause },
  );
}

/** A value of a governor dimension that has no record, if its summary was refused. */
async function findMissingGovernor(
  session: PostgresSession,
  { connection, universe }: PostgresContext,
  { sorted }: ResolvedBatch,
  table: string | null,
): Promise<string | null> {
  for (const [governor, values] of sorted.governorValues()) {
    if (table !== governorSummaryTableName(governor)) continue;
    const key = quoteIdentifier(universe.element(governor).primaryKey!.name);
    for (const value of values) {
      const found = await session.first(
        `SELECT 1 FROM ${connection.table(governor)} WHERE ${key} = $1::text`,
        String(value),
      );
      if (found === null) return `${governor} "${value}"`;
    }
  }
  return null;
}

/** The first row that refers to a dimension record which isn't there. */
async function findMissingDimension(
  session: PostgresSession,
  { connection, universe }: PostgresContext,
  resolved: ResolvedBatch,
): Promise<{ row: number; dimension: string } | null> {
  for (const { registered: { type: { group } }, rows } of byTagsTable(resolved)) {
    const { arrays, casts, names } = dimensionColumns(universe, group, resolved.sorted, rows);
    for (const dimension of group.required) {
      const { required, primaryKey, hasTable } = universe.element(dimension);
      if (!hasTable) continue;
      const where = required.map((column) =>
        `d.${quoteIdentifier(column === dimension ? primaryKey!.name : column)} = ` +
        `u.${quoteIdentifier(column)}`
      );
      const found = await session.first(
        "SELECT u.r FROM unnest($1::bigint[]" +
          casts.map((cast, i) => `, $${i + 2}::${cast}`).join("") +
          `) AS u (r, ${names.join(", ")}) WHERE NOT EXISTS (SELECT 1 FROM ` +
          `${connection.table(dimension)} d WHERE ${where.join(" AND ")}) LIMIT 1`,
        plainArray(rows),
        ...arrays,
      );
      if (found !== null) return { row: Number(found[0]), dimension };
    }
  }
  return null;
}
