/**
 * Rewriting datastore records in place.
 *
 * @module
 */

import { failpoint } from "../../../storage/failpoints.ts";
import {
  idColumn,
  idsOf,
  pieces,
  resolveBatch,
  type ResolvedBatch,
  typeColumn,
} from "./batch_rows.ts";
import type { RegistryContext } from "../context.ts";
import { SortedBatch } from "../dataset_batch.ts";
import { hexOf } from "../dataset_id.ts";
import { NULL_COMPONENT } from "../tables/ddl.ts";
import { byRecord, type DatastoreRecords, recordsOf } from "./batch_records.ts";
import { lockProvenance } from "./provenance.ts";
import type { DatasetBatch, ProvenanceGuard } from "../registry.ts";
import type { Session } from "../session.ts";

/**
 * See `Registry.rewriteRecords`. Three times as fast as removing and inserting rows: nothing is removed
 * from `dataset`, whose rows would be looked for in every tags table.
 */
export async function rewriteRecords(
  context: RegistryContext,
  batch: DatasetBatch,
  guard?: ProvenanceGuard,
): Promise<Uint32Array> {
  const sorted = new SortedBatch(batch);
  return await context.connection.transaction("rewrite records in", async (session) => {
    if (guard !== undefined) await lockProvenance(session, context, batch, guard);
    const resolved = await resolveBatch(session, context, sorted);
    const all = recordsOf(context, batch);
    const stored = sorted.order.filter((row) => all.some(({ paths }) => paths[row] !== null));
    if (context.connection.dialect.locksRows) {
      await lockDatasets(session, context, resolved, stored);
    }
    const left = new Set(
      sorted.order.filter((row) => all.every(({ paths }) => paths[row] === null)),
    );
    for (const records of all) {
      const rows = stored.filter((row) => records.paths[row] !== null);
      const rewritten = await rewriteIn(session, context, resolved, records, rows);
      for (const row of rows) if (!rewritten.has(sorted.hexIds[row])) left.add(row);
    }
    failpoint("backed.before-commit");
    return Uint32Array.from(left).sort();
  });
}

/** Rewrites the records of one datastore; gives the IDs of those that were there. */
async function rewriteIn(
  session: Session,
  context: RegistryContext,
  resolved: ResolvedBatch,
  records: DatastoreRecords,
  stored: Uint32Array,
): Promise<Set<string>> {
  const rewritten = new Set<string>();
  for (const { formatter, storageClass, rows } of byRecord(resolved, records, stored)) {
    for (const piece of pieces(context, rows)) {
      const ids = await updateRecords(
        session,
        context,
        resolved,
        { ...records, formatter, storageClass },
        piece,
      );
      for (const id of ids) rewritten.add(id);
    }
  }
  return rewritten;
}

/** In the order of ids, as everybody: two that rewrite the same records must not wait in a circle. */
async function lockDatasets(
  session: Session,
  context: RegistryContext,
  resolved: ResolvedBatch,
  rows: Uint32Array,
): Promise<void> {
  const { dialect } = context.connection;
  for (const piece of pieces(context, rows)) {
    await session.run(
      `SELECT count(*) FROM (SELECT 1 FROM ${dialect.table("dataset")} ` +
        `WHERE ${dialect.isIn("id", 1, "uuid")} ORDER BY id FOR NO KEY UPDATE) AS locked`,
      dialect.list("uuid", idsOf(resolved, piece)),
    );
  }
}

async function updateRecords(
  session: Session,
  { connection: { dialect }, keys }: RegistryContext,
  resolved: ResolvedBatch,
  records: DatastoreRecords & { formatter: string; storageClass: string },
  rows: number[],
): Promise<string[]> {
  const { paths, fileSize, checksum = null, formatter, storageClass } = records;
  const rewritten: string[] = [];
  const given = dialect.rows([
    idColumn(resolved, rows),
    typeColumn(resolved, rows),
    { name: "path", type: "text", values: rows.map((row) => paths[row]!) },
  ], 7);
  await session.each(
    `UPDATE ${
      dialect.table(records.storedIn.recordsTable)
    } AS r SET path = u.path, formatter = $1::text, ` +
      "storage_class = $2::text, checksum = $6::text, file_size = $3::bigint " +
      `FROM ${given.sql} JOIN ${dialect.table("dataset")} d ON d.id = u.id ` +
      `AND d.${keys.run} = $4::${keys.type} AND d.dataset_type_id = u.ty ` +
      "WHERE r.dataset_id = u.id AND r.component = $5::text RETURNING dataset_id",
    [formatter, storageClass, fileSize, resolved.runKey, NULL_COMPONENT, checksum, ...given.values],
    ([id]) => {
      rewritten.push(hexOf(id as string));
    },
  );
  return rewritten;
}
