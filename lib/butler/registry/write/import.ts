/**
 * Writing datasets to a registry: new ones, and ones that may be there already. Many rows are one
 * statement.
 *
 * @module
 */

import { ConflictingDatasetError } from "../../../base/errors.ts";
import { failpoint } from "../../../storage/failpoints.ts";
import {
  type BatchRows,
  byTagsTable,
  dataIdColumns,
  idColumn,
  idsOf,
  pieces,
  piecesByType,
  resolveBatch,
  type ResolvedBatch,
  typeColumn,
} from "./batch_rows.ts";
import { byRecord, type DatastoreRecords, recordsOf } from "./batch_records.ts";
import { conflictError, readBatchState } from "./conflicts.ts";
import type { RegistryContext } from "../context.ts";
import { SortedBatch } from "../dataset_batch.ts";
import { hexOf } from "../dataset_id.ts";
import { governorSummaryTableName, NULL_COMPONENT, quoteIdentifier } from "../tables/ddl.ts";
import { lockProvenance } from "./provenance.ts";
import type { DatasetBatch, ProvenanceGuard } from "../registry.ts";
import { StaleReadError } from "../rules.ts";
import type { RowColumn, Session, SqlValue } from "../session.ts";

/** See `Registry.importDatasets`. */
export async function importDatasets(context: RegistryContext, batch: DatasetBatch): Promise<void> {
  await write(context, new SortedBatch(batch), "import datasets into", async (writer) => {
    const { order } = writer.resolved.sorted;
    await writer.insertDatasets(order);
    await writer.ensureSummaries();
    await writer.insertTags(order);
    for (const records of recordsOf(context, batch)) {
      const stored = order.filter((row) => records.paths[row] !== null);
      await writer.insertLocations(records, stored, "");
      await writer.insertRecords(records, stored);
    }
    failpoint("import.before-commit");
  });
}

/** See `Registry.ingestDatasets`. */
export async function ingestDatasets(
  context: RegistryContext,
  batch: DatasetBatch,
  guard?: ProvenanceGuard,
): Promise<void> {
  const sorted = new SortedBatch(batch);
  refuseRepeatedIds(sorted);
  await write(context, sorted, "ingest datasets into", async (writer) => {
    if (guard !== undefined) await writer.requireProvenance(guard);
    const { order } = sorted;
    const added = await writer.insertAbsentDatasets();
    await writer.ensureSummaries();
    await writer.insertTags(added);
    for (const records of recordsOf(context, batch)) {
      const stored = order.filter((row) => records.paths[row] !== null);
      await writer.insertLocations(records, stored, " ON CONFLICT DO NOTHING");
      await writer.deleteRecords(records, order);
      await writer.insertRecords(records, stored);
      if (stored.length < order.length) {
        const rejected = order.filter((row) => records.paths[row] === null);
        await writer.deleteLocations(records, rejected);
      }
    }
    failpoint("backed.before-commit");
  });
}

/** One transaction; if the database refuses a row, the error says which and why. */
async function write(
  context: RegistryContext,
  sorted: SortedBatch,
  verb: string,
  work: (writer: BatchWriter) => Promise<void>,
): Promise<void> {
  const { connection } = context;
  await connection.transaction(
    verb,
    async (session) =>
      await work(new BatchWriter(session, context, await resolveBatch(session, context, sorted))),
    {
      explain: async (error, session) =>
        connection.dialect.isRowRefused(error)
          ? await conflictError(
            session,
            context,
            await resolveBatch(session, context, sorted),
            error,
          )
          : error,
    },
  );
}

function refuseRepeatedIds(sorted: SortedBatch): void {
  const { order, hexIds } = sorted;
  for (let i = 1; i < order.length; i++) {
    if (hexIds[order[i]] === hexIds[order[i - 1]]) {
      throw new ConflictingDatasetError(
        `Cannot register dataset ${sorted.describe(order[i])}: its ID is given twice`,
      );
    }
  }
}

/** The statements of one transaction. */
class BatchWriter {
  readonly resolved: ResolvedBatch;
  readonly #session: Session;
  readonly #context: RegistryContext;

  constructor(session: Session, context: RegistryContext, resolved: ResolvedBatch) {
    this.#session = session;
    this.#context = context;
    this.resolved = resolved;
  }

  readonly #table = (name: string): string => this.#context.connection.dialect.table(name);

  /** Runs a statement for some rows; its own parameters come first. */
  async #insert(
    sql: (from: string) => string,
    parameters: readonly SqlValue[],
    columns: readonly RowColumn[],
  ): Promise<void> {
    const { dialect } = this.#context.connection;
    const rows = dialect.rows(columns, parameters.length + 1);
    await this.#session.run(sql(rows.sql), ...parameters, ...rows.values);
  }

  /** See {@linkcode lockProvenance}. */
  async requireProvenance(guard: ProvenanceGuard): Promise<void> {
    await lockProvenance(this.#session, this.#context, this.resolved.sorted.batch, guard);
  }

  #insertDatasetsSql(from: string): string {
    const { keys, ingestDateType } = this.#context;
    // As text first: a driver would turn a timestamp into a date of its own.
    return `INSERT INTO ${this.#table("dataset")} (id, dataset_type_id, ingest_date, ` +
      `${keys.run}) SELECT u.id, u.ty, $1::text::${ingestDateType}, $2::${keys.type} FROM ${from} ` +
      "WHERE true";
  }

  async insertDatasets(rows: BatchRows): Promise<void> {
    const parameters = [this.#context.ingestDate(), this.resolved.runKey];
    for (const piece of piecesByType(this.#context, this.resolved, rows)) {
      await this.#insert(
        (from) => this.#insertDatasetsSql(from),
        parameters,
        [idColumn(this.resolved, piece), typeColumn(this.resolved, piece)],
      );
    }
  }

  /** Inserts the datasets that aren't there and returns their rows; checks and locks the others. */
  async insertAbsentDatasets(): Promise<Uint32Array> {
    const { resolved } = this;
    const { sorted: { order }, sorted } = resolved;
    const { locksRows } = this.#context.connection.dialect;
    const added = locksRows ? await this.#insertAndSee(order) : await this.#seeAndInsert(order);
    if (added.length === order.length) return added;
    const wasAdded = new Set(added);
    const others = order.filter((row) => !wasAdded.has(row));
    const state = await readBatchState(this.#session, this.#context, resolved, others, true);
    const conflict = others.find((row) => state.conflicts.has(row));
    if (conflict !== undefined) {
      throw new ConflictingDatasetError(
        `Cannot register dataset ${sorted.describe(conflict)}: ${state.conflicts.get(conflict)}`,
      );
    }
    // There when it was inserted, gone when it was looked for: somebody removes it right now.
    if (!others.every((row) => state.isThere[row])) throw new StaleReadError();
    return added;
  }

  /** Where others may insert at the same time, only the database knows what it has inserted. */
  async #insertAndSee(rows: Uint32Array): Promise<Uint32Array> {
    const { dialect } = this.#context.connection;
    const { resolved } = this;
    const parameters = [this.#context.ingestDate(), resolved.runKey];
    const added = new Set<string>();
    for (const piece of pieces(this.#context, rows)) {
      const from = dialect.rows([idColumn(resolved, piece), typeColumn(resolved, piece)], 3);
      await this.#session.each(
        `${this.#insertDatasetsSql(from.sql)} ON CONFLICT DO NOTHING RETURNING id`,
        [...parameters, ...from.values],
        ([id]) => {
          added.add(hexOf(id as string));
        },
      );
    }
    return rows.filter((row) => added.has(resolved.sorted.hexIds[row]));
  }

  /** Where nobody else can insert, this takes half the time of having the inserted ids returned. */
  async #seeAndInsert(rows: Uint32Array): Promise<Uint32Array> {
    const { dialect } = this.#context.connection;
    const present = new Set<string>();
    for (const piece of pieces(this.#context, rows)) {
      await this.#session.each(
        `SELECT id FROM ${this.#table("dataset")} WHERE ${dialect.isIn("id", 1, "uuid")}`,
        [dialect.list("uuid", idsOf(this.resolved, piece))],
        ([id]) => {
          present.add(hexOf(id as string));
        },
      );
    }
    const absent = rows.filter((row) => !present.has(this.resolved.sorted.hexIds[row]));
    await this.insertDatasets(absent);
    return absent;
  }

  /** The summary rows come before tags rows, which refer to them. */
  async ensureSummaries(): Promise<void> {
    const { sorted, runKey, registered } = this.resolved;
    const { collection, type } = this.#context.keys;
    const typeIds = sorted.usedTypes.map((index) => registered[index].id).sort((a, b) => a - b);
    await this.#insert(
      (from) =>
        `INSERT INTO ${this.#table("collection_summary_dataset_type")} ` +
        `(${collection}, dataset_type_id) SELECT $1::${type}, u.ty FROM ${from} WHERE true ` +
        "ON CONFLICT DO NOTHING",
      [runKey],
      [{ name: "ty", type: "bigint", values: typeIds }],
    );
    for (const [governor, values] of sorted.governorValues()) {
      await this.#insert(
        (from) =>
          `INSERT INTO ${this.#table(governorSummaryTableName(governor))} ` +
          `(${collection}, ${quoteIdentifier(governor)}) SELECT $1::${type}, u.v FROM ${from} ` +
          "WHERE true ON CONFLICT DO NOTHING",
        [runKey],
        [{ name: "v", type: "text", values: values.map(String) }],
      );
    }
  }

  async insertTags(rows: Uint32Array): Promise<void> {
    const { resolved } = this;
    const { collection, type } = this.#context.keys;
    for (const group of byTagsTable(resolved, rows)) {
      for (const piece of piecesByType(this.#context, resolved, group.rows)) {
        const dataId = dataIdColumns(this.#context, resolved, group.registered, piece);
        const names = dataId.map(({ name }) => `, ${name}`).join("");
        const values = dataId.map(({ name }) => `, u.${name}`).join("");
        await this.#insert(
          (from) =>
            `INSERT INTO ${this.#table(group.tagsTable)} ` +
            `(dataset_type_id, dataset_id, ${collection}${names}) ` +
            `SELECT u.ty, u.id, $1::${type}${values} FROM ${from}`,
          [resolved.runKey],
          [idColumn(resolved, piece), typeColumn(resolved, piece), ...dataId],
        );
      }
    }
  }

  async insertLocations(
    { storedIn }: DatastoreRecords,
    rows: Uint32Array,
    suffix: string,
  ): Promise<void> {
    for (const piece of pieces(this.#context, rows)) {
      await this.#insert(
        (from) =>
          `INSERT INTO ${this.#table("dataset_location")} (datastore_name, dataset_id) ` +
          `SELECT $1::text, u.id FROM ${from} WHERE true${suffix}`,
        [storedIn.datastoreName],
        [idColumn(this.resolved, piece)],
      );
    }
  }

  async deleteLocations({ storedIn }: DatastoreRecords, rows: Uint32Array): Promise<void> {
    const { dialect } = this.#context.connection;
    await this.#session.run(
      `DELETE FROM ${this.#table("dataset_location")} WHERE datastore_name = $1::text AND ` +
        dialect.isIn("dataset_id", 2, "uuid"),
      storedIn.datastoreName,
      dialect.list("uuid", idsOf(this.resolved, rows)),
    );
  }

  async deleteRecords({ storedIn }: DatastoreRecords, rows: Uint32Array): Promise<void> {
    const { dialect } = this.#context.connection;
    for (const piece of pieces(this.#context, rows)) {
      await this.#session.run(
        `DELETE FROM ${this.#table(storedIn.recordsTable)} WHERE ` +
          dialect.isIn("dataset_id", 1, "uuid"),
        dialect.list("uuid", idsOf(this.resolved, piece)),
      );
    }
  }

  /** Rows whose records say the same are one statement: a graph that backs them is named once. */
  async insertRecords(records: DatastoreRecords, rows: Uint32Array): Promise<void> {
    const { storedIn, paths, fileSize, checksum = null } = records;
    for (
      const { formatter, storageClass, path, rows: alike } of byRecord(this.resolved, records, rows)
    ) {
      for (const piece of pieces(this.#context, alike)) {
        const values = path === null ? Array.from(piece, (row) => paths[row]!) : [];
        await this.#insert(
          (from) =>
            `INSERT INTO ${this.#table(storedIn.recordsTable)} (dataset_id, path, ` +
            "formatter, storage_class, component, checksum, file_size) SELECT u.id, " +
            (path === null ? "u.path" : "$6::text") + ", $1::text, $2::text, $3::text, $4::text, " +
            `$5::bigint FROM ${from}`,
          [
            ...[formatter, storageClass, NULL_COMPONENT, checksum, fileSize],
            ...(path === null ? [] : [path]),
          ],
          [
            idColumn(this.resolved, piece),
            ...(path === null ? [{ name: "path", type: "text", values } as const] : []),
          ],
        );
      }
    }
  }
}
