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
import { byRecord } from "./import.ts";
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
    const rewritten = new Set<string>();
    const stored = sorted.order.filter((row) => batch.paths[row] !== null);
    if (context.connection.dialect.locksRows) {
      await lockDatasets(session, context, resolved, stored);
    }
    for (const { formatter, storageClass, rows } of byRecord(resolved, stored)) {
      for (const piece of pieces(context, rows)) {
        await updateRecords(
          session,
          context,
          resolved,
          piece,
          [formatter, storageClass],
          rewritten,
        );
      }
    }
    failpoint("backed.before-commit");
    return sorted.order.filter((row) => !rewritten.has(sorted.hexIds[row])).sort();
  });
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
  { connection: { dialect }, recordsTable, keys }: RegistryContext,
  resolved: ResolvedBatch,
  rows: number[],
  [formatter, storageClass]: readonly [formatter: string, storageClass: string],
  rewritten: Set<string>,
): Promise<void> {
  const { paths, fileSize, checksum = null } = resolved.sorted.batch;
  const given = dialect.rows([
    idColumn(resolved, rows),
    typeColumn(resolved, rows),
    { name: "path", type: "text", values: rows.map((row) => paths[row]!) },
  ], 7);
  await session.each(
    `UPDATE ${dialect.table(recordsTable)} AS r SET path = u.path, formatter = $1::text, ` +
      "storage_class = $2::text, checksum = $6::text, file_size = $3::bigint " +
      `FROM ${given.sql} JOIN ${dialect.table("dataset")} d ON d.id = u.id ` +
      `AND d.${keys.run} = $4::${keys.type} AND d.dataset_type_id = u.ty ` +
      "WHERE r.dataset_id = u.id AND r.component = $5::text RETURNING dataset_id",
    [formatter, storageClass, fileSize, resolved.runKey, NULL_COMPONENT, checksum, ...given.values],
    ([id]) => {
      rewritten.add(hexOf(id as string));
    },
  );
}
