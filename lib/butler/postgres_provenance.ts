/**
 * Who may touch a RUN's provenance graph in a PostgreSQL registry, and when.
 *
 * @module
 */

import { uuidToHex } from "../base/uuid.ts";
import type { PostgresSession } from "./postgres_connection.ts";
import type { PostgresContext } from "./postgres_context.ts";
import { findRunProvenance } from "./postgres_queries.ts";
import { requireProvenance } from "./provenance_guard.ts";
import type { DatasetBatch, ProvenanceGuard } from "./registry.ts";

/**
 * Locks a RUN until this transaction ends: everybody waits who adds datasets to it; who is about to add
 * its graph, ends first.
 */
export async function lockRun(
  session: PostgresSession,
  { connection }: PostgresContext,
  run: string,
): Promise<void> {
  await session.run(
    `SELECT 1 FROM ${connection.table("run")} WHERE collection_id = (SELECT collection_id ` +
      `FROM ${connection.table("collection")} WHERE name = $1::text) FOR UPDATE`,
    run,
  );
}

/**
 * Makes sure that a RUN holds what a guard says, and goes on holding it until this transaction ends: of two
 * who register a graph, one waits for the other and is then refused; a graph that backs what is written
 * can't be removed before it is committed.
 *
 * @throws {ConflictingDatasetError} if it holds something else.
 */
export async function lockProvenance(
  session: PostgresSession,
  context: PostgresContext,
  batch: DatasetBatch,
  guard: ProvenanceGuard,
): Promise<void> {
  if (guard.provenance === null) await lockRun(session, context, batch.run);
  const found = await findRunProvenance(session, context, batch.run);
  if (found !== null && guard.provenance !== null) {
    await session.run(
      `SELECT 1 FROM ${context.connection.table("dataset")} WHERE id = $1::uuid FOR KEY SHARE`,
      uuidToHex(found.id),
    );
    // Who removed it has committed while this waited.
    requireProvenance(await findRunProvenance(session, context, batch.run), batch, guard);
    return;
  }
  requireProvenance(found, batch, guard);
}
