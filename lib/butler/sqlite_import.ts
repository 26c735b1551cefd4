/**
 * Writing datasets to an SQLite registry: new ones, and ones that may be there already.
 *
 * @module
 */

import { ConflictingDatasetError, RefusedError } from "../base/errors.ts";
import { failpoint } from "../store/failpoints.ts";
import { SortedBatch } from "./dataset_batch.ts";
import type { DataIdValue } from "./data_id.ts";
import { governorSummaryTableName, NULL_COMPONENT } from "./ddl.ts";
import { requireProvenance } from "./provenance_guard.ts";
import { findDataIdState, type ResolvedBatch } from "./sqlite_conflicts.ts";
import type { RegisteredType } from "./registry_rules.ts";
import { constraintKind, type SqlValue } from "./sqlite_connection.ts";
import { quoteIdentifier } from "./sqlite_ddl.ts";
import type { SqliteContext } from "./sqlite_context.ts";
import { findRunProvenance } from "./sqlite_queries.ts";
import type { DatasetBatch, ProvenanceGuard } from "./registry.ts";

/** See `Registry.importDatasets`. */
export function importDatasets(context: SqliteContext, batch: DatasetBatch): void {
  const sorted = new SortedBatch(batch);
  context.connection.transaction("import datasets into", () => {
    const resolved = resolveBatch(context, sorted);
    const { order } = sorted;
    insertDatasets(context, resolved, order);
    ensureSummaries(context, resolved);
    insertTags(context, resolved, order);
    const stored = order.filter((row) => batch.paths[row] !== null);
    insertLocations(context, resolved, stored);
    insertRecords(context, resolved, stored);
    failpoint("import.before-commit");
  });
}

/** See `Registry.ingestDatasets`. */
export function ingestDatasets(
  context: SqliteContext,
  batch: DatasetBatch,
  guard?: ProvenanceGuard,
): void {
  const sorted = new SortedBatch(batch);
  context.connection.transaction("ingest datasets into", () => {
    if (guard !== undefined) requireProvenance(findRunProvenance(context, batch.run), batch, guard);
    const resolved = resolveBatch(context, sorted);
    const { order } = sorted;
    const added = insertAbsentDatasets(context, resolved);
    ensureSummaries(context, resolved);
    insertTags(context, resolved, added);
    const stored = order.filter((row) => batch.paths[row] !== null);
    ensureLocations(context, resolved, stored);
    deleteRecords(context, resolved, order);
    insertRecords(context, resolved, stored);
    if (stored.length < order.length) {
      deleteLocations(context, resolved, order.filter((row) => batch.paths[row] === null));
    }
    failpoint("backed.before-commit");
  });
}

/**
 * See `Registry.rewriteRecords`. Three times as fast as removing and inserting rows. Rows that get the
 * same record are one statement.
 */
export function rewriteRecords(
  context: SqliteContext,
  batch: DatasetBatch,
  guard?: ProvenanceGuard,
): Uint32Array {
  const sorted = new SortedBatch(batch);
  const leftAlone: number[] = [];
  context.connection.transaction("rewrite records in", () => {
    if (guard !== undefined) requireProvenance(findRunProvenance(context, batch.run), batch, guard);
    const resolved = resolveBatch(context, sorted);
    const rowsByPath = new Map<string, number[]>();
    for (const row of sorted.order) {
      const path = batch.paths[row];
      if (path === null) {
        leftAlone.push(row);
        continue;
      }
      const rows = rowsByPath.get(path);
      if (rows === undefined) rowsByPath.set(path, [row]);
      else rows.push(row);
    }
    for (const rowsOfPath of rowsByPath.values()) {
      for (const rows of sorted.byType(rowsOfPath)) {
        if (rewriteRows(context, resolved, rows) === rows.length) continue;
        // Some are not as expected: one by one it shows which.
        for (const row of rows) {
          if (rewriteRows(context, resolved, [row]) === 0) leftAlone.push(row);
        }
      }
    }
    failpoint("backed.before-commit");
  });
  return Uint32Array.from(leftAlone).sort();
}

/** Rewrites the records of rows of one type and path; returns how many there are. */
function rewriteRows(
  context: SqliteContext,
  { sorted, runKey, registered }: ResolvedBatch,
  rows: readonly number[],
): number {
  const { typeIndex, paths, formatters, storageClasses, fileSize, checksum } = sorted.batch;
  const index = typeIndex[rows[0]];
  return context.connection.run(
    `UPDATE ${quoteIdentifier(context.recordsTable)} AS r SET path = ?, formatter = ?, ` +
      "storage_class = ?, checksum = ?, file_size = ? " +
      "WHERE dataset_id IN (SELECT value FROM json_each(?)) AND component = ? AND EXISTS " +
      "(SELECT 1 FROM dataset WHERE id = r.dataset_id AND run_id = ? AND dataset_type_id = ?)",
    paths[rows[0]],
    formatters[index],
    storageClasses[index],
    checksum ?? null,
    fileSize,
    jsonOfIds(sorted, rows),
    NULL_COMPONENT,
    runKey,
    registered[index].id,
  );
}

/**
 * Looks up run and types of a batch. Done anew in each transaction, for integer ids of removed rows
 * are given to new ones.
 *
 * @throws {RefusedError} if one isn't registered, or is registered with other dimensions.
 */
export function resolveBatch(context: SqliteContext, sorted: SortedBatch): ResolvedBatch {
  const { types, run } = sorted.batch;
  const registered: RegisteredType[] = [];
  for (const index of sorted.usedTypes) {
    const { name, group } = types[index];
    const found = context.types.find(name);
    if (found === null) {
      throw new RefusedError(
        `Cannot use dataset type "${name}" of registry "${context.connection.path}": ` +
          "it is not registered",
      );
    }
    if (found.type.group.required.join() !== group.required.join()) {
      throw new RefusedError(
        `Cannot use dataset type "${name}" of registry "${context.connection.path}": its ` +
          `dimensions are {${found.type.group.names.join(", ")}}, expected ` +
          `{${group.names.join(", ")}}`,
      );
    }
    registered[index] = found;
  }
  return { sorted, runKey: context.collections.runKey(run), registered };
}

/**
 * Most rows of one statement: their text stays small, and so does what SQLite keeps to undo them, should
 * one fail.
 */
const MAX_STATEMENT_ROWS = 1000;

/**
 * Rows to insert into one table: together as a JSON text that SQLite takes apart, which takes two thirds
 * of the time of a statement for each, or alone.
 */
interface Insertion {
  /** Inserts rows of one dataset type, if it is given by {@linkcode insertByType}. */
  together(rows: Uint32Array): void;
  alone(row: number): void;
  /** Words the error about a row that violates a constraint. */
  explain(row: number): string;
}

/** Inserts rows, those of each dataset type together. */
function insertByType({ sorted }: ResolvedBatch, rows: Uint32Array, insertion: Insertion): void {
  for (const group of sorted.byType(rows)) insertRows(Uint32Array.from(group), insertion);
}

/** Inserts rows; a violated constraint becomes an error that tells of the first row that is to blame. */
function insertRows(rows: Uint32Array, { together, alone, explain }: Insertion): void {
  for (let at = 0; at < rows.length; at += MAX_STATEMENT_ROWS) {
    const some = rows.subarray(at, at + MAX_STATEMENT_ROWS);
    try {
      together(some);
      continue;
    } catch (error) {
      if (constraintKind(error) === null) throw error;
    }
    // The statement inserted nothing.
    for (const row of some) {
      try {
        alone(row);
      } catch (cause) {
        if (constraintKind(cause) === null) throw cause;
        throw new ConflictingDatasetError(explain(row), { cause });
      }
    }
  }
}

/** JSON text of a text. Half a surrogate pair becomes U+FFFD, as it does when it is bound. */
function jsonOfText(text: string): string {
  return JSON.stringify(text.toWellFormed());
}

/** JSON text of the dataset IDs of rows. */
function jsonOfIds({ hexIds }: SortedBatch, rows: Iterable<number>): string {
  return JSON.stringify(Array.from(rows, (row) => hexIds[row]));
}

function insertDatasets(
  context: SqliteContext,
  resolved: ResolvedBatch,
  rows: Uint32Array,
): void {
  const { sorted, runKey, registered } = resolved;
  const { hexIds, batch: { typeIndex } } = sorted;
  const { connection } = context;
  const ingestDate = context.ingestDate();
  const insert = "INSERT INTO dataset (id, dataset_type_id, ingest_date, run_id)";
  const typeId = (row: number) => registered[typeIndex[row]].id;
  insertByType(resolved, rows, {
    together: (some) =>
      connection.run(
        `${insert} SELECT value, ?, ?, ? FROM json_each(?)`,
        typeId(some[0]),
        ingestDate,
        runKey,
        jsonOfIds(sorted, some),
      ),
    alone: (row) =>
      connection.run(
        `${insert} VALUES (?, ?, ?, ?)`,
        hexIds[row],
        typeId(row),
        ingestDate,
        runKey,
      ),
    explain: (row) =>
      `Cannot register dataset ${sorted.describe(row)}: ` +
      (findDataIdState(context, resolved, row) ?? "it is registered already"),
  });
}

/** Inserts the datasets that aren't there and returns their rows; checks the others. */
function insertAbsentDatasets(context: SqliteContext, resolved: ResolvedBatch): Uint32Array {
  const { sorted } = resolved;
  const { order, hexIds } = sorted;
  const found = context.connection.all(
    "SELECT id FROM dataset WHERE id IN (SELECT value FROM json_each(?))",
    jsonOfIds(sorted, order),
  );
  const present = new Set(found.map(([id]) => id));
  const absent = order.filter((row, i) => {
    if (i > 0 && hexIds[row] === hexIds[order[i - 1]]) {
      throw new ConflictingDatasetError(
        `Cannot register dataset ${sorted.describe(row)}: its ID is given twice`,
      );
    }
    if (!present.has(hexIds[row])) return true;
    const conflict = findDataIdState(context, resolved, row);
    if (conflict === null) return false;
    throw new ConflictingDatasetError(
      `Cannot register dataset ${sorted.describe(row)}: ${conflict}`,
    );
  });
  insertDatasets(context, resolved, absent);
  return absent;
}

/** The summary rows come before tags rows, which refer to them. */
function ensureSummaries(context: SqliteContext, { sorted, runKey, registered }: ResolvedBatch) {
  const { connection } = context;
  for (const id of sorted.usedTypes.map((index) => registered[index].id).sort((a, b) => a - b)) {
    connection.run(
      "INSERT INTO collection_summary_dataset_type (collection_id, dataset_type_id) " +
        "VALUES (?, ?) ON CONFLICT DO NOTHING",
      runKey,
      id,
    );
  }
  for (const [governor, values] of sorted.governorValues()) {
    const sql = `INSERT INTO ${quoteIdentifier(governorSummaryTableName(governor))} ` +
      `(collection_id, ${quoteIdentifier(governor)}) VALUES (?, ?) ON CONFLICT DO NOTHING`;
    for (const value of values) {
      try {
        connection.run(sql, runKey, value);
      } catch (cause) {
        if (constraintKind(cause) === null) throw cause;
        throw new ConflictingDatasetError(
          `Cannot register datasets of run "${sorted.batch.run}": there is no ${governor} ` +
            `"${value}" in registry "${connection.path}"`,
          { cause },
        );
      }
    }
  }
}

function insertTags(context: SqliteContext, resolved: ResolvedBatch, rows: Uint32Array): void {
  const { sorted, runKey, registered } = resolved;
  const { hexIds, batch: { typeIndex } } = sorted;
  const { connection } = context;
  const statements = registered.map(({ tagsTable, type: { group } }) => {
    const columns = group.required.map((name) => `, ${quoteIdentifier(name)}`).join("");
    const values = group.required.map((_, i) => `, value ->> ${i + 1}`).join("");
    const insert =
      `INSERT INTO ${quoteIdentifier(tagsTable)} (dataset_type_id, dataset_id, collection_id` +
      `${columns})`;
    return {
      together: `${insert} SELECT ?, value ->> 0, ?${values} FROM json_each(?)`,
      alone: `${insert} VALUES (?, ?, ?${", ?".repeat(group.required.length)})`,
    };
  });
  insertByType(resolved, rows, {
    together: (some) => {
      const index = typeIndex[some[0]];
      const texts: string[] = [];
      for (const row of some) {
        texts.push(`["${hexIds[row]}"${sorted.values(row).map(jsonMember).join("")}]`);
      }
      connection.run(
        statements[index].together,
        registered[index].id,
        runKey,
        `[${texts.join()}]`,
      );
    },
    alone: (row) => {
      const index = typeIndex[row];
      connection.run(
        statements[index].alone,
        registered[index].id,
        hexIds[row],
        runKey,
        ...sorted.values(row),
      );
    },
    explain: (row) =>
      `Cannot register dataset ${sorted.describe(row)}: ` +
      (findDataIdState(context, resolved, row) ?? findBadDimension(context, resolved, row)),
  });
}

/** A value in a JSON array, after a comma. */
function jsonMember(value: DataIdValue): string {
  return typeof value === "string" ? `,${jsonOfText(value)}` : `,${value}`;
}

/** Which dimension record is missing, after a tags row was refused for another reason. */
function findBadDimension(context: SqliteContext, { sorted }: ResolvedBatch, row: number): string {
  const { group } = sorted.type(row);
  const values: DataIdValue[] = sorted.values(row);
  for (const name of group.required) {
    const { required, primaryKey, hasTable } = context.universe.element(name);
    if (!hasTable) continue;
    const where = required.map((column) =>
      `${quoteIdentifier(column === name ? primaryKey!.name : column)} = ?`
    );
    const found = context.connection.first(
      `SELECT 1 FROM ${quoteIdentifier(name)} WHERE ${where.join(" AND ")}`,
      ...required.map((column): SqlValue => values[group.required.indexOf(column)]),
    );
    if (found === null) return `the registry has no ${name} record for it`;
  }
  return "the registry does not accept its data ID";
}

function insertLocations(context: SqliteContext, { sorted }: ResolvedBatch, rows: Uint32Array) {
  const { connection, datastoreName } = context;
  const insert = "INSERT INTO dataset_location (datastore_name, dataset_id)";
  insertRows(rows, {
    together: (some) =>
      connection.run(
        `${insert} SELECT ?, value FROM json_each(?)`,
        datastoreName,
        jsonOfIds(sorted, some),
      ),
    alone: (row) => connection.run(`${insert} VALUES (?, ?)`, datastoreName, sorted.hexIds[row]),
    explain: (row) =>
      `Cannot store dataset ${sorted.describe(row)}: datastore "${datastoreName}" has it`,
  });
}

function ensureLocations(context: SqliteContext, { sorted }: ResolvedBatch, rows: Uint32Array) {
  context.connection.run(
    "INSERT INTO dataset_location (datastore_name, dataset_id) " +
      "SELECT ?, value FROM json_each(?) WHERE true ON CONFLICT DO NOTHING",
    context.datastoreName,
    jsonOfIds(sorted, rows),
  );
}

function deleteLocations(context: SqliteContext, { sorted }: ResolvedBatch, rows: Uint32Array) {
  context.connection.run(
    "DELETE FROM dataset_location WHERE datastore_name = ? " +
      "AND dataset_id IN (SELECT value FROM json_each(?))",
    context.datastoreName,
    jsonOfIds(sorted, rows),
  );
}

function deleteRecords(context: SqliteContext, { sorted }: ResolvedBatch, rows: Uint32Array) {
  context.connection.run(
    `DELETE FROM ${quoteIdentifier(context.recordsTable)} ` +
      "WHERE dataset_id IN (SELECT value FROM json_each(?))",
    jsonOfIds(sorted, rows),
  );
}

function insertRecords(context: SqliteContext, resolved: ResolvedBatch, rows: Uint32Array) {
  const { sorted } = resolved;
  const { hexIds, batch } = sorted;
  const { typeIndex, paths, formatters, storageClasses, fileSize } = batch;
  const checksum = batch.checksum ?? null;
  const { connection } = context;
  const insert = `INSERT INTO ${quoteIdentifier(context.recordsTable)} (dataset_id, path, ` +
    "formatter, storage_class, component, checksum, file_size)";
  insertByType(resolved, rows, {
    together: (some) => {
      const index = typeIndex[some[0]];
      const texts: string[] = [];
      for (const row of some) texts.push(`"${hexIds[row]}":${jsonOfText(paths[row]!)}`);
      connection.run(
        `${insert} SELECT key, value, ?, ?, ?, ?, ? FROM json_each(?)`,
        formatters[index],
        storageClasses[index],
        NULL_COMPONENT,
        checksum,
        fileSize,
        `{${texts.join()}}`,
      );
    },
    alone: (row) =>
      connection.run(
        `${insert} VALUES (?, ?, ?, ?, ?, ?, ?)`,
        hexIds[row],
        paths[row],
        formatters[typeIndex[row]],
        storageClasses[typeIndex[row]],
        NULL_COMPONENT,
        checksum,
        fileSize,
      ),
    explain: (row) =>
      `Cannot store dataset ${sorted.describe(row)}: it has a datastore record already`,
  });
}
