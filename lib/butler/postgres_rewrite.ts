/**
 * Rewriting datastore records in place in a PostgreSQL registry.
 *
 * @module
 */

import { failpoint } from "../store/failpoints.ts";
import { SortedBatch } from "./dataset_batch.ts";
import { NULL_COMPONENT } from "./ddl.ts";
import { plainArray, textArray } from "./postgres_arrays.ts";
import { hexOf, type ResolvedBatch } from "./postgres_conflicts.ts";
import type { PostgresSession } from "./postgres_connection.ts";
import type { PostgresContext } from "./postgres_context.ts";
import { idArray, pieces, resolveBatch, typeIdArray } from "./postgres_import.ts";
import { lockProvenance } from "./postgres_provenance.ts";
import type { DatasetBatch, ProvenanceGuard } from "./registry.ts";

/**
 * See `Registry.rewriteRecords`. Nothing is removed from `dataset`, whose rows the server would look
 * for in every tags table.
 */
export async function rewriteRecords(
  context: PostgresContext,
  batch: DatasetBatch,
  guard?: ProvenanceGuard,
): Promise<Uint32Array> {
  const sorted = new SortedBatch(batch);
  const verb = "rewrite records in";
  return await context.connection.transaction(verb, async (session) => {
    if (guard !== undefined) await lockProvenance(session, context, batch, guard);
    const resolved = await resolveBatch(session, context, sorted);
    const rewritten = new Set<string>();
    const stored = sorted.order.filter((row) => batch.paths[row] !== null);
    for (const rows of pieces(stored)) {
      await updateRecords(session, context, resolved, rows, rewritten);
    }
    failpoint("backed.before-commit");
    return sorted.order.filter((row) => !rewritten.has(sorted.hexIds[row])).sort();
  });
}

async function updateRecords(
  session: PostgresSession,
  { connection, recordsTable }: PostgresContext,
  resolved: ResolvedBatch,
  rows: Uint32Array,
  rewritten: Set<string>,
): Promise<void> {
  const { typeIndex, paths, formatters, storageClasses, fileSize, checksum } =
    resolved.sorted.batch;
  const dataset = connection.table("dataset");
  // In the order of ids, as everybody: two that rewrite the same records must not wait in a circle.
  await session.run(
    `SELECT count(*) FROM (SELECT 1 FROM ${dataset} WHERE id = ANY($1::uuid[]) ` +
      "ORDER BY id FOR NO KEY UPDATE) AS locked",
    idArray(resolved, rows),
  );
  await session.each(
    `UPDATE ${connection.table(recordsTable)} r SET path = u.path, ` +
      "formatter = ($5::text[])[u.ty], storage_class = ($6::text[])[u.ty], checksum = $10::text, " +
      "file_size = $7::bigint FROM unnest($1::uuid[], $2::int[], $3::bigint[], $4::text[]) " +
      `AS u (id, ty, ty_id, path) JOIN ${dataset} d ON d.id = u.id AND d.run_id = $8::bigint ` +
      "AND d.dataset_type_id = u.ty_id WHERE r.dataset_id = u.id AND r.component = $9::text " +
      "RETURNING r.dataset_id",
    [
      idArray(resolved, rows),
      // Arrays begin at one there.
      plainArray(Array.from(rows, (row) => typeIndex[row] + 1)),
      typeIdArray(resolved, rows),
      textArray(Array.from(rows, (row) => paths[row])),
      textArray(formatters),
      textArray(storageClasses),
      fileSize,
      resolved.runKey,
      NULL_COMPONENT,
      checksum ?? null,
    ],
    ([id]) => {
      rewritten.add(hexOf(id as string));
    },
  );
}
