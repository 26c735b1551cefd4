/**
 * Removing datasets from a PostgreSQL registry.
 *
 * @module
 */

import { ConflictingDatasetError, RefusedError } from "../base/errors.ts";
import { UUID_SIZE } from "../base/uuid.ts";
import { failpoint } from "../store/failpoints.ts";
import { packedIdArray } from "./postgres_arrays.ts";
import type { PostgresSession } from "./postgres_connection.ts";
import type { PostgresContext } from "./postgres_context.ts";
import { lockRun } from "./postgres_provenance.ts";
import { findRunProvenance } from "./postgres_queries.ts";

/** Datasets of one statement. */
const N_STATEMENT_IDS = 50_000;

/**
 * See `Registry.forgetDatasets`.
 *
 * The server looks for each removed dataset in every tags and calibs table, which only its superuser
 * could switch off; this is what it costs.
 *
 * Source: butler repository notes, section 3.8.
 */
export async function forgetDatasets(
  context: PostgresContext,
  ids: Uint8Array,
  unlessIngested?: string,
): Promise<number> {
  if (ids.length < UUID_SIZE) return 0;
  const lists: string[] = [];
  for (let start = 0; start < ids.length; start += N_STATEMENT_IDS * UUID_SIZE) {
    lists.push(packedIdArray(ids.subarray(start, start + N_STATEMENT_IDS * UUID_SIZE)));
  }
  return await context.connection.transaction("remove datasets from", async (session) => {
    if (unlessIngested !== undefined) await refuseIngested(session, context, unlessIngested);
    let nRemoved = 0;
    for (const list of lists) await forgetRecords(session, context, list);
    failpoint("forget.before-commit");
    for (const list of lists) {
      nRemoved += await session.run(
        `DELETE FROM ${context.connection.table("dataset")} WHERE id = ANY($1::uuid[])`,
        list,
      );
    }
    return nRemoved;
  });
}

async function refuseIngested(
  session: PostgresSession,
  context: PostgresContext,
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
  session: PostgresSession,
  { connection, datastoreName, recordsTable }: PostgresContext,
  list: string,
): Promise<void> {
  // In the order of ids, as everybody else.
  await session.run(
    `SELECT count(*) FROM (SELECT 1 FROM ${connection.table("dataset")} ` +
      "WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE) AS locked",
    list,
  );
  await session.run(
    `DELETE FROM ${connection.table("dataset_location")} ` +
      "WHERE datastore_name = $1::text AND dataset_id = ANY($2::uuid[])",
    datastoreName,
    list,
  );
  const elsewhere = await session.first(
    `SELECT dataset_id, datastore_name FROM ${connection.table("dataset_location")} ` +
      "WHERE dataset_id = ANY($1::uuid[]) LIMIT 1",
    list,
  );
  if (elsewhere !== null) {
    throw new RefusedError(
      `Cannot remove dataset ${elsewhere[0]} from registry "${connection.name}": datastore ` +
        `"${elsewhere[1]}" has it as well`,
    );
  }
  await session.run(
    `DELETE FROM ${connection.table(recordsTable)} WHERE dataset_id = ANY($1::uuid[])`,
    list,
  );
}
