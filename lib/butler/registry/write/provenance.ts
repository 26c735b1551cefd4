/**
 * Who may touch a RUN's provenance graph, and when.
 *
 * @module
 */

import { uuidToHex } from "../../../base/uuid.ts";
import type { RegistryContext } from "../context.ts";
import { findRunProvenance } from "../queries.ts";
import type { DatasetBatch, ProvenanceGuard } from "../registry.ts";
import type { Session } from "../session.ts";
import { requireProvenance } from "./provenance_guard.ts";

/**
 * Locks a RUN until this transaction ends: everybody waits who adds datasets to it; who is about to add
 * its graph, ends first. A database that a transaction has for itself needs none.
 */
export async function lockRun(
  session: Session,
  { connection: { dialect }, keys: { own } }: RegistryContext,
  run: string,
): Promise<void> {
  if (!dialect.locksRows) return;
  await session.run(
    `SELECT 1 FROM ${dialect.table("run")} WHERE ${own} = (SELECT ${own} ` +
      `FROM ${dialect.table("collection")} WHERE name = $1::text) FOR UPDATE`,
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
  session: Session,
  context: RegistryContext,
  batch: DatasetBatch,
  guard: ProvenanceGuard,
): Promise<void> {
  const { dialect } = context.connection;
  if (guard.provenance === null) await lockRun(session, context, batch.run);
  const found = await findRunProvenance(session, context, batch.run);
  if (found !== null && guard.provenance !== null && dialect.locksRows) {
    await session.run(
      `SELECT 1 FROM ${dialect.table("dataset")} WHERE id = $1::uuid FOR KEY SHARE`,
      uuidToHex(found.id),
    );
    // Who removed it has committed while this waited.
    requireProvenance(await findRunProvenance(session, context, batch.run), batch, guard);
    return;
  }
  requireProvenance(found, batch, guard);
}
