/**
 * Removing datasets from a registry.
 *
 * @module
 */

import { ConflictingDatasetError, RefusedError } from "../../../base/errors.ts";
import { UUID_SIZE, uuidFromText, uuidToText } from "../../../base/uuid.ts";
import { failpoint } from "../../../storage/failpoints.ts";
import type { RegistryContext } from "../context.ts";
import { hexIdsOf } from "../dataset_id.ts";
import { findRunProvenance } from "../queries.ts";
import { lockRun } from "./provenance.ts";
import type { Session, SqlValue } from "../session.ts";

/** Datasets of one statement. */
const N_STATEMENT_IDS = 50_000;

/**
 * See `Registry.forgetDatasets`. A database looks for each removed dataset in every tags and calibs
 * table; a connection that can be spared that says so (`Connection.removal`).
 *
 * Source: `schema/butler-repository.md`, section 3.8.
 */
export async function forgetDatasets(
  context: RegistryContext,
  ids: Uint8Array,
  unlessIngested?: string,
): Promise<number> {
  if (ids.length < UUID_SIZE) return 0;
  const { dialect } = context.connection;
  const lists: SqlValue[] = [];
  for (let start = 0; start < ids.length; start += N_STATEMENT_IDS * UUID_SIZE) {
    const some = ids.subarray(start, start + N_STATEMENT_IDS * UUID_SIZE);
    lists.push(dialect.list("uuid", hexIdsOf(some).sort()));
  }
  return await context.connection.removal(
    "remove datasets from",
    async (session, removesAssociations) => {
      if (unlessIngested !== undefined) await refuseIngested(session, context, unlessIngested);
      for (const list of lists) await forgetRecords(session, context, list);
      if (removesAssociations) {
        for (const list of lists) await removeAssociations(session, context, list);
      }
      failpoint("forget.before-commit");
      let nRemoved = 0;
      for (const list of lists) {
        nRemoved += await session.run(
          `DELETE FROM ${dialect.table("dataset")} WHERE ${dialect.isIn("id", 1, "uuid")}`,
          list,
        );
      }
      return nRemoved;
    },
  );
}

/** In the same transaction, or another process could register the graph in between. */
async function refuseIngested(
  session: Session,
  context: RegistryContext,
  run: string,
): Promise<void> {
  await lockRun(session, context, run);
  if (await findRunProvenance(session, context, run) === null) return;
  throw new ConflictingDatasetError(
    `Cannot remove datasets of RUN "${run}": its provenance graph has been registered meanwhile`,
    { hint: "run the same command again" },
  );
}

async function forgetRecords(
  session: Session,
  { connection, datastores }: RegistryContext,
  list: SqlValue,
): Promise<void> {
  const { dialect } = connection;
  if (dialect.locksRows) {
    // In the order of ids, as everybody else.
    await session.run(
      `SELECT count(*) FROM (SELECT 1 FROM ${dialect.table("dataset")} ` +
        `WHERE ${dialect.isIn("id", 1, "uuid")} ORDER BY id FOR UPDATE) AS locked`,
      list,
    );
  }
  for (const { datastoreName } of datastores) {
    await session.run(
      `DELETE FROM ${dialect.table("dataset_location")} ` +
        `WHERE datastore_name = $1::text AND ${dialect.isIn("dataset_id", 2, "uuid")}`,
      datastoreName,
      list,
    );
  }
  const elsewhere = await session.first(
    `SELECT dataset_id, datastore_name FROM ${dialect.table("dataset_location")} ` +
      `WHERE ${dialect.isIn("dataset_id", 1, "uuid")} LIMIT 1`,
    list,
  );
  if (elsewhere !== null) {
    throw new RefusedError(
      `Cannot remove dataset ${uuidToText(uuidFromText(elsewhere[0] as string))} from registry ` +
        `"${connection.name}": datastore "${elsewhere[1]}" has it as well`,
    );
  }
  for (const { recordsTable } of datastores) {
    await session.run(
      `DELETE FROM ${dialect.table(recordsTable)} WHERE ${dialect.isIn("dataset_id", 1, "uuid")}`,
      list,
    );
  }
}

async function removeAssociations(
  session: Session,
  { connection: { dialect } }: RegistryContext,
  list: SqlValue,
): Promise<void> {
  const tables = await session.all(
    "SELECT DISTINCT tag_association_table, calibration_association_table FROM " +
      `${dialect.table("dataset_type")} WHERE id IN (SELECT dataset_type_id FROM ` +
      `${dialect.table("dataset")} WHERE ${dialect.isIn("id", 1, "uuid")})`,
    list,
  );
  for (const table of new Set(tables.flat())) {
    if (table === null) continue;
    await session.run(
      `DELETE FROM ${dialect.table(table as string)} WHERE ` +
        dialect.isIn("dataset_id", 1, "uuid"),
      list,
    );
  }
}
