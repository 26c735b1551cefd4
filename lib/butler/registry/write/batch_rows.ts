/**
 * Rows of a batch as statements take them.
 *
 * @module
 */

import { RefusedError } from "../../../base/errors.ts";
import type { CollectionKey } from "../tables/collection_keys.ts";
import type { RegisteredType, RegistryContext } from "../context.ts";
import { dimensionType } from "../data_id_values.ts";
import type { SortedBatch } from "../dataset_batch.ts";
import type { RowColumn, Session } from "../session.ts";
import { quoteIdentifier } from "../tables/ddl.ts";

/** A batch whose run and types were looked up in the registry. */
export interface ResolvedBatch {
  readonly sorted: SortedBatch;
  readonly runKey: CollectionKey;
  /** By position in the batch's `types`; only those that have rows. */
  readonly registered: readonly RegisteredType[];
}

/** Some rows of a batch, ascending by dataset ID. */
export type BatchRows = readonly number[] | Uint32Array;

/** Rows of a batch whose types share a tags table. */
export interface TagsRows {
  /** Unquoted. */
  tagsTable: string;
  registered: RegisteredType;
  /** Ascending by dataset ID. */
  rows: number[];
}

/**
 * Looks up run and types of a batch, anew in each transaction: others may remove them.
 *
 * @throws {RefusedError} if one isn't registered, or is registered with other dimensions.
 */
export async function resolveBatch(
  session: Session,
  context: RegistryContext,
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

/** Pieces of some rows, each for one statement. */
export function* pieces<T extends BatchRows>(
  { connection: { dialect: { maxRows } } }: RegistryContext,
  rows: T,
): Generator<T> {
  for (let start = 0; start < rows.length; start += maxRows) {
    yield (rows.length <= maxRows ? rows : rows.slice(start, start + maxRows)) as T;
  }
}

/**
 * As {@linkcode pieces}, but a piece has rows of one dataset type where that makes statements cheaper. Where
 * rows are locked one by one it has not: writers lock in the order of the ids, lest they wait for each other.
 */
export function* piecesByType(
  context: RegistryContext,
  { sorted }: ResolvedBatch,
  rows: BatchRows,
): Generator<BatchRows> {
  const groups = context.connection.dialect.locksRows ? [rows] : sorted.byType(rows);
  for (const group of groups) yield* pieces(context, group);
}

/** Dataset IDs of rows, 32 digits each. */
export function idsOf({ sorted }: ResolvedBatch, rows: BatchRows): string[] {
  return Array.from(rows, (row) => sorted.hexIds[row]);
}

/** Column `id`: dataset IDs of rows. */
export function idColumn(resolved: ResolvedBatch, rows: BatchRows): RowColumn {
  return { name: "id", type: "uuid", values: idsOf(resolved, rows) };
}

/** Column `ty`: integer ids of the dataset types of rows. */
export function typeColumn({ sorted, registered }: ResolvedBatch, rows: BatchRows): RowColumn {
  const values = Array.from(rows, (row) => registered[sorted.batch.typeIndex[row]].id);
  const isConstant = values.length > 0 && values.every((value) => value === values[0]);
  return { name: "ty", type: "bigint", values, isConstant };
}

/** Takes the data IDs of rows apart, a column each dimension; all rows are of types with this group. */
export function dataIdColumns(
  { universe }: RegistryContext,
  { sorted }: ResolvedBatch,
  { type: { group } }: RegisteredType,
  rows: BatchRows,
): RowColumn[] {
  return group.required.map((name, position) => {
    const type = dimensionType(universe, name);
    const values = Array.from(rows, (row) => sorted.value(row, position));
    return {
      name: quoteIdentifier(name),
      type,
      values: type === "bigint" ? values : values.map(String),
    };
  });
}
