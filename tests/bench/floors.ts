/**
 * What the work of both commands takes at least: the same files read, the same blocks compressed, the
 * same rows written and removed, the same files deleted, each in one loop of one thread with nothing
 * else to do.
 *
 * @module
 */

import { join } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { blockCompressors } from "../../lib/chunks/block_stage.ts";
import { compressionLevel } from "../../lib/aggregate/scan/compression.ts";
import { DICTIONARY_MEMBER } from "../../lib/qg/member_names.ts";
import { ProvenanceGraph } from "../../lib/qg/provenance_graph.ts";
import { FileSource, readWholeFile, ReusableBuffer } from "../../lib/storage/file_source.ts";
import { ZipReader } from "../../lib/codec/zip_reader.ts";
import { Zstd } from "../../lib/codec/zstd.ts";
import { timed } from "./measure.ts";

/** Seconds of each floor. */
export interface Floors {
  /** Every log and metadata file. */
  read: number;
  /** Every block of the provenance graph, same levels and dictionary. */
  compress: number;
  /** Rows of every dataset of the RUN, with prepared statements, in one transaction. */
  insert: number;
  /** Removal of the rows of logs, metadata and configs. */
  forget: number;
  /** The same rows, inserted again. */
  reingest: number;
  /** Deletion of the files of logs, metadata and configs. */
  unlink: number;
}

/** Members whose blocks are compressed at a lower level. */
const SMALL = new Set(["quanta.mb", "datasets.mb"]);
/** Whose files `ingest-graph` deletes, and whose rows it writes anew. */
const BACKED = /_(?:log|metadata|config)$/;

/**
 * Measures all floors on a copy that nobody needs afterwards.
 *
 * @param repository aggregated and not ingested.
 * @param graphPath the provenance graph made of it.
 */
export async function measureFloors(repository: string, graphPath: string): Promise<Floors> {
  const files = [...backedFiles(repository)];
  const buffer = new ReusableBuffer();
  const read = await timed(() => {
    for (const file of files) if (!file.endsWith(".py")) readWholeFile(file, buffer);
  });
  const compress = await compressFloor(graphPath);
  const rows = await rowFloors(repository);
  const unlink = await timed(() => {
    for (const file of files) Deno.removeSync(file);
  });
  return { read, compress, ...rows, unlink };
}

function* backedFiles(directory: string, isBacked = false): Generator<string> {
  for (const entry of Deno.readDirSync(directory)) {
    const path = join(directory, entry.name);
    if (entry.isDirectory) yield* backedFiles(path, isBacked || BACKED.test(entry.name));
    else if (isBacked) yield path;
  }
}

async function compressFloor(graphPath: string): Promise<number> {
  const zstd = await Zstd.load();
  using source = FileSource.open(graphPath);
  const dictionary = await (await ZipReader.open(source)).readMember(DICTIONARY_MEMBER);
  const { large, small } = blockCompressors(zstd, dictionary, compressionLevel(null, Infinity));
  using graph = await ProvenanceGraph.open(FileSource.open(graphPath), zstd);
  let seconds = 0;
  for (const member of ["quanta.mb", "datasets.mb", "metadata.mb", "logs.mb"] as const) {
    const compressor = SMALL.has(member) ? small : large;
    // A few at a time: all texts of a large run don't fit in memory.
    let texts: Uint8Array[] = [];
    let nBytes = 0;
    const compressAll = async () => {
      seconds += await timed(() => {
        for (const text of texts) compressor.compress(text);
      });
      texts = [];
      nBytes = 0;
    };
    for await (const { text } of graph.blocks(member)) {
      texts.push(text);
      nBytes += text.length;
      if (nBytes > 2 ** 26) await compressAll();
    }
    await compressAll();
  }
  return seconds;
}

/** Rows of some datasets in one table. */
interface TableRows {
  table: string;
  idColumn: string;
  /** Position of that column. */
  idAt: number;
  rows: SQLInputValue[][];
}

async function rowFloors(
  repository: string,
): Promise<Pick<Floors, "insert" | "forget" | "reingest">> {
  const path = join(repository, "gen3.sqlite3");
  using database = new DatabaseSync(path);
  const types = database.prepare("SELECT id, name, tag_association_table FROM dataset_type").all();
  const tagsTables = [...new Set(types.map((type) => type.tag_association_table as string))];
  const backed = types.filter(({ name }) => BACKED.test(name as string)).map(({ id }) => id);
  const select = (isChosen: string): TableRows[] =>
    ["dataset", ...tagsTables, "dataset_location", "file_datastore_records"].map((table) => {
      const idColumn = table === "dataset" ? "id" : "dataset_id";
      const statement = database.prepare(
        `SELECT * FROM "${table}" WHERE ${idColumn} IN (SELECT id FROM dataset WHERE ${isChosen}) ` +
          `ORDER BY ${idColumn}`,
      );
      statement.setReadBigInts(true);
      const rows = statement.all();
      return {
        table,
        idColumn,
        idAt: Object.keys(rows[0] ?? {}).indexOf(idColumn),
        rows: rows.map((row) => Object.values(row) as SQLInputValue[]),
      };
    }).filter(({ rows }) => rows.length > 0);
  const all = select("true");
  const some = select(`dataset_type_id IN (${backed.join()})`);
  await remove(database, all);
  // A fresh copy has no room to be used again.
  database.exec("VACUUM");
  const insert = await insertAll(database, all);
  const forget = await remove(database, some);
  const reingest = await insertAll(database, some);
  return { insert, forget, reingest };
}

function insertAll(database: DatabaseSync, tables: readonly TableRows[]): Promise<number> {
  return timed(() => {
    database.exec("BEGIN IMMEDIATE");
    for (const { table, rows } of tables) {
      const marks = rows[0].map(() => "?").join(",");
      const statement = database.prepare(`INSERT INTO "${table}" VALUES (${marks})`);
      for (const row of rows) statement.run(...row);
    }
    database.exec("COMMIT");
  });
}

function remove(database: DatabaseSync, tables: readonly TableRows[]): Promise<number> {
  // With foreign keys, each row would be looked for in the tags tables of all dimension groups.
  database.exec("PRAGMA foreign_keys = OFF");
  return timed(() => {
    database.exec("BEGIN IMMEDIATE");
    for (const { table, idColumn, idAt, rows } of tables.toReversed()) {
      const statement = database.prepare(`DELETE FROM "${table}" WHERE ${idColumn} = ?`);
      for (const row of rows) statement.run(row[idAt]);
    }
    database.exec("COMMIT");
    database.exec("PRAGMA foreign_keys = ON");
  });
}
