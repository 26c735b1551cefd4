/**
 * Removing datasets from an SQLite registry.
 *
 * @module
 */

import { ConflictingDatasetError, RefusedError } from "../../../base/errors.ts";
import { failpoint } from "../../../storage/failpoints.ts";
import { hexIdsOf, hexIdToText } from "../dataset_batch.ts";
import { findRunProvenance } from "./queries.ts";
import type { SqliteContext } from "./context.ts";
import { quoteIdentifier } from "./ddl.ts";

/**
 * See `Registry.forgetDatasets`.
 *
 * With foreign keys enforced, SQLite looks for each removed dataset in every tags and calibs table
 * of the repository: 5000 datasets a second with 60 tables. So enforcement is off, if the catalogue
 * shows that only tables which are cleaned up here refer to datasets: 80 000 a second.
 *
 * Source: butler repository notes, section 3.8.
 */
export function forgetDatasets(
  context: SqliteContext,
  ids: Uint8Array,
  unlessIngested?: string,
): number {
  const hexIds = hexIdsOf(ids);
  if (hexIds.length === 0) return 0;
  const idList = JSON.stringify(hexIds.sort());
  // The setting has no effect inside a transaction, so the catalogue is looked at after the switch.
  context.connection.setForeignKeys(false);
  try {
    return context.connection.transaction("remove datasets from", () => {
      if (unlessIngested !== undefined) refuseIngested(context, unlessIngested);
      if (!refersOnlyKnown(context)) throw new UnknownReference();
      return forget(context, idList, true);
    });
  } catch (error) {
    if (!(error instanceof UnknownReference)) throw error;
  } finally {
    context.connection.setForeignKeys(true);
  }
  return context.connection.transaction(
    "remove datasets from",
    () => {
      if (unlessIngested !== undefined) refuseIngested(context, unlessIngested);
      return forget(context, idList, false);
    },
  );
}

/** In the same transaction, or another process could register the graph in between. */
function refuseIngested(context: SqliteContext, run: string): void {
  if (findRunProvenance(context, run) === null) return;
  throw new ConflictingDatasetError(
    `Cannot remove datasets of RUN "${run}": its provenance graph has been registered meanwhile`,
    { hint: "run the same command again" },
  );
}

/** Ends the transaction without foreign keys; never leaves this module. */
class UnknownReference extends Error {}

function forget(context: SqliteContext, idList: string, withAssociations: boolean): number {
  const { connection, datastoreName, recordsTable } = context;
  const inList = "IN (SELECT value FROM json_each(?))";
  connection.run(
    `DELETE FROM dataset_location WHERE datastore_name = ? AND dataset_id ${inList}`,
    datastoreName,
    idList,
  );
  const elsewhere = connection.first(
    `SELECT dataset_id, datastore_name FROM dataset_location WHERE dataset_id ${inList} LIMIT 1`,
    idList,
  );
  if (elsewhere !== null) {
    throw new RefusedError(
      `Cannot remove dataset ${hexIdToText(elsewhere[0] as string)} from registry ` +
        `"${connection.path}": datastore "${elsewhere[1]}" has it as well`,
    );
  }
  connection.run(
    `DELETE FROM ${quoteIdentifier(recordsTable)} WHERE dataset_id ${inList}`,
    idList,
  );
  if (withAssociations) {
    const tables = connection.all(
      "SELECT DISTINCT tag_association_table, calibration_association_table FROM dataset_type " +
        `WHERE id IN (SELECT dataset_type_id FROM dataset WHERE id ${inList})`,
      idList,
    );
    for (const table of new Set(tables.flat())) {
      if (table === null) continue;
      connection.run(
        `DELETE FROM ${quoteIdentifier(table as string)} WHERE dataset_id ${inList}`,
        idList,
      );
    }
  }
  failpoint("forget.before-commit");
  return connection.run(`DELETE FROM dataset WHERE id ${inList}`, idList);
}

/**
 * Whether the tables that refer to `dataset` are `dataset_location` and those of dataset types, no
 * table refers to one of these, and nothing is triggered.
 */
function refersOnlyKnown({ connection }: SqliteContext): boolean {
  const known = new Set(["dataset_location"]);
  for (
    const row of connection.all(
      "SELECT tag_association_table, calibration_association_table FROM dataset_type",
    )
  ) {
    for (const table of row) if (table !== null) known.add((table as string).toLowerCase());
  }
  const references = connection.all(
    'SELECT lower(m.name), lower(f."table") FROM sqlite_master m, pragma_foreign_key_list(m.name) f ' +
      "WHERE m.type = 'table'",
  );
  return references.every(([source, target]) =>
    !known.has(target as string) && (target !== "dataset" || known.has(source as string))
  ) && connection.first("SELECT 1 FROM sqlite_master WHERE type = 'trigger'") === null;
}
