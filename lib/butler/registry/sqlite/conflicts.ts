/**
 * Why a dataset can't be registered in an SQLite registry.
 *
 * @module
 */

import { hexIdToText, type SortedBatch } from "../dataset_batch.ts";
import { type DataIdValue, formatDataId } from "../../dimensions/data_id.ts";
import type { RegisteredType } from "../rules.ts";
import type { SqliteContext } from "./context.ts";
import { quoteIdentifier } from "./ddl.ts";
import type { SqlValue } from "./connection.ts";

/** A batch whose run and types were looked up in the registry. */
export interface ResolvedBatch {
  readonly sorted: SortedBatch;
  readonly runKey: number;
  /** By position in the batch's `types`; only those that have rows. */
  readonly registered: readonly RegisteredType[];
}

/** Conflicts that are told one by one; of the rest only the number. */
const MAX_TOLD = 10;

/** An integer as data IDs have it: `bigint` only beyond 2^53. */
export function toDataIdValue(value: SqlValue): DataIdValue {
  if (typeof value === "bigint") {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }
  return value as DataIdValue;
}

/**
 * Compares what the registry has of a row's dataset with the batch: text for "is there otherwise"
 * or "another ID has its data ID", null if it is there exactly so or not at all.
 */
export function findDataIdState(
  context: SqliteContext,
  resolved: ResolvedBatch,
  row: number,
): string | null {
  const { sorted, runKey, registered } = resolved;
  const { connection } = context;
  const { id: typeId, tagsTable, type: { group } } = registered[sorted.batch.typeIndex[row]];
  const tags = quoteIdentifier(tagsTable);
  const hexId = sorted.hexIds[row];
  const values = sorted.values(row);

  const dataset = connection.first(
    "SELECT dataset_type_id, run_id FROM dataset WHERE id = ?",
    hexId,
  );
  if (dataset !== null && (dataset[0] !== typeId || dataset[1] !== runKey)) {
    const type = context.types.findById(dataset[0] as number)?.type.name;
    const run = context.collections.findByKey(dataset[1] as number)?.name;
    return `this ID is registered as ${type} in run "${run}"`;
  }
  const others = connection.all(
    `SELECT dataset_id FROM ${tags} WHERE dataset_type_id = ? AND collection_id = ?` +
      group.required.map((name) => ` AND ${quoteIdentifier(name)} = ?`).join(""),
    typeId,
    runKey,
    ...values,
  );
  if (others.length > 0 && others[0][0] !== hexId) {
    return `dataset ${hexIdToText(others[0][0] as string)} is registered with this data ID`;
  }
  if (dataset === null || others.length > 0 || group.required.length === 0) return null;
  const [found] = connection.allBigInt(
    `SELECT ${group.required.map(quoteIdentifier).join(", ")} FROM ${tags} ` +
      "WHERE dataset_id = ? AND collection_id = ?",
    hexId,
    runKey,
  );
  if (found === undefined) return null;
  return `this ID is registered with data ID ${formatDataId(group, found.map(toDataIdValue))}`;
}

/** See `Registry.explainConflict`. */
export function explainConflict(context: SqliteContext, resolved: ResolvedBatch): string | null {
  const lines: string[] = [];
  let nConflicts = 0;
  for (const row of resolved.sorted.order) {
    const state = findDataIdState(context, resolved, row);
    if (state === null) continue;
    if (++nConflicts <= MAX_TOLD) {
      lines.push(`dataset ${resolved.sorted.describe(row)}: ${state}`);
    }
  }
  if (nConflicts > MAX_TOLD) lines.push(`... and ${nConflicts - MAX_TOLD} more`);
  return lines.length === 0 ? null : lines.join("\n");
}
