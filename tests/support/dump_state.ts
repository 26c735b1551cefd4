/**
 * Canonical description of a butler repository, as the oracle's `dump_state.py` prints it: our own
 * reading of SQLite and of the file tree, independent of the tool's client.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { DatabaseSync, type SQLOutputValue } from "node:sqlite";
import { join } from "node:path";
import { parse as parseYaml } from "yaml";
import type { JsonValue } from "../../lib/base/json_text.ts";
import { compareCodePoints, pythonJson, sha256, SORT_KEY } from "./python_json.ts";

/** Stands for what is not predictable. */
export const MASK = "<masked>";

const PROVENANCE = "run_provenance";
const COLLECTION_TYPES = ["", "RUN", "TAGGED", "CHAINED", "CALIBRATION"];
/** Tables that the tools never change: only their rows are counted. */
const STATIC_TABLES = new Set(
  ("instrument skymap subfilter day_obs detector group physical_filter tract visit_system exposure " +
    "patch visit visit_definition visit_detector_region visit_system_membership " +
    "ssp_hypothesis_table ssp_hypothesis_bundle ssp_balanced_index opaque_meta").split(" "),
);

/** Options of {@linkcode dumpState}, those of `dump_state.py`. */
export interface DumpStateOptions {
  /** Only datasets and files of this RUN collection. */
  run?: string;
  /** Hash the contents of files. */
  hashes?: boolean;
  /** Mask size and hash of logs, metadata and packages, which differ between executions. */
  maskLogs?: boolean;
  /** Show the storage class column of graph-backed records. */
  strict?: boolean;
  /** Root of the datastore that a table of records belongs to, where there are several. */
  rootOf?: (recordsTable: string) => string;
}

/** A file of the datastore. */
export interface FileEntry {
  path: string;
  size: JsonValue;
  sha256?: string;
}

/** One row: column names to values, integer keys replaced by names. */
export type StateRow = { [column: string]: JsonValue };

/** The whole description. */
export interface RepositoryState {
  chains: { [name: string]: string[] };
  tables: { [table: string]: StateRow[] };
  files: FileEntry[];
  empty_directories: string[];
}

/** A row as the database has it. */
export type RawRow = Record<string, SQLOutputValue>;

/** Whether the tools never change a table, so that a number of rows says enough. */
export function isStatic(table: string): boolean {
  return STATIC_TABLES.has(table) || /_overlap(_summary)?$/.test(table);
}

/**
 * Reads every table of a SQLite database, empty rows in place of those of static ones. A hot journal is
 * rolled back by opening it.
 */
export function readTables(path: string): Map<string, RawRow[]> {
  // Opened for writing, as SQLAlchemy does: recovery needs it.
  const database = new DatabaseSync(path);
  try {
    const names = database.prepare(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~'",
    ).all().map((row) => row.name as string);
    const tables = new Map<string, RawRow[]>();
    for (const name of names) {
      const columns = isStatic(name) ? "NULL" : "*";
      const statement = database.prepare(`SELECT ${columns} FROM "${name}"`);
      statement.setReadBigInts(true);
      tables.set(name, statement.all() as RawRow[]);
    }
    return tables;
  } finally {
    database.close();
  }
}

function plain(value: SQLOutputValue): JsonValue {
  if (typeof value === "bigint") {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }
  if (value instanceof Uint8Array) return `0x${value.toHex()}`;
  return value;
}

function uuidText(value: SQLOutputValue): string {
  const digits = value instanceof Uint8Array
    ? value.toHex()
    : String(value).replaceAll("-", "").toLowerCase();
  if (digits.length !== 32) return digits;
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-${digits.slice(12, 16)}-` +
    `${digits.slice(16, 20)}-${digits.slice(20)}`;
}

interface RepositoryPlaces {
  database: string;
  root: string;
}

/** Where `butler.yaml` says that the registry and the files are (the fixtures' simple forms only). */
function repositoryPlaces(repo: string): RepositoryPlaces {
  const config = parseYaml(Deno.readTextFileSync(join(repo, "butler.yaml")));
  const url = String(config.registry.db).replace("<butlerRoot>", repo);
  if (!url.startsWith("sqlite:///")) throw new Error(`Cannot dump "${repo}": registry is ${url}`);
  const root = String(config.datastore?.root ?? "<butlerRoot>/datastore").replace(
    "<butlerRoot>",
    repo,
  );
  return { database: url.slice("sqlite:///".length), root: root.replace(/\/+$/, "") };
}

function fileEntry(
  path: string,
  relative: string,
  hashes: boolean,
  maskLogs: boolean,
): FileEntry {
  const masked = { path: relative, size: MASK, sha256: MASK };
  if (relative.endsWith(".qg")) return masked;
  const folders = relative.split("/").slice(0, -1);
  if (maskLogs && folders.some((f) => /(_log|_metadata)$/.test(f) || f === "packages")) {
    return masked;
  }
  if (!hashes) return { path: relative, size: Deno.statSync(path).size };
  const bytes = Deno.readFileSync(path);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return { path: relative, size: bytes.length, sha256 };
}

/** Files and empty directories below a directory; links to directories are left out. */
export function walkFiles(
  root: string,
  options: { hashes?: boolean; maskLogs?: boolean } = {},
): Pick<RepositoryState, "files" | "empty_directories"> {
  const { hashes = true, maskLogs = false } = options;
  const files: FileEntry[] = [];
  const empty: string[] = [];
  const visit = (relative: string) => {
    let isEmpty = true;
    for (const entry of Deno.readDirSync(join(root, relative))) {
      isEmpty = false;
      const path = relative ? `${relative}/${entry.name}` : entry.name;
      const full = `${root}/${path}`;
      if (entry.isDirectory) visit(path);
      else if (entry.isSymlink && isDirectory(full)) continue;
      else if (relative || !(entry.name.startsWith("gen3.sqlite3") || path === "butler.yaml")) {
        files.push(fileEntry(full, path, hashes, maskLogs));
      }
    }
    if (isEmpty && relative) empty.push(relative);
  };
  visit("");
  files.sort((a, b) => compareCodePoints(a.path, b.path));
  return { files, empty_directories: empty.sort(compareCodePoints) };
}

/** Whether a link leads to a directory; one that leads nowhere counts as file, as for the oracle. */
function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Names that stand for surrogate keys. */
class Names {
  readonly collections = new Map<SQLOutputValue, string>();
  readonly types = new Map<SQLOutputValue, string>();
  /** Key of a dimension group to `{a,b}`. */
  readonly groups = new Map<SQLOutputValue, string>();
  /** `dataset_tags_0000000N` to `dataset_tags{a,b}`. */
  readonly tables = new Map<SQLOutputValue, string>();
  /** Random ids of run_provenance datasets to tokens. */
  readonly provenanceIds = new Map<string, string>();
  readonly runOfDataset = new Map<string, string>();

  constructor(tables: ReadonlyMap<string, RawRow[]>) {
    for (const row of tables.get("collection")!) {
      this.collections.set(row.collection_id, row.name as string);
    }
    for (const row of tables.get("dataset_type")!) this.types.set(row.id, row.name as string);
    // Key zero stands for the empty set of dimensions and has no row.
    const members = new Map<SQLOutputValue, string[]>([[0n, []]]);
    for (const row of tables.get("dimension_graph_key")!) members.set(row.id, []);
    for (const row of tables.get("dimension_graph_definition")!) {
      members.get(row.dimension_graph_id)!.push(row.dimension_name as string);
    }
    for (const [key, dimensions] of members) {
      const name = `{${dimensions.sort(compareCodePoints).join(",")}}`;
      this.groups.set(key, name);
      for (const kind of ["tags", "calibs"]) {
        this.tables.set(
          `dataset_${kind}_${String(key).padStart(8, "0")}`,
          `dataset_${kind}${name}`,
        );
      }
    }
    for (const row of tables.get("dataset")!) {
      const id = uuidText(row.id);
      const run = this.collections.get(row.run_id)!;
      this.runOfDataset.set(id, run);
      if (this.types.get(row.dataset_type_id) === PROVENANCE) {
        this.provenanceIds.set(id, `<${PROVENANCE}:${run}>`);
      }
    }
  }

  id(value: SQLOutputValue): string {
    const text = uuidText(value);
    return this.provenanceIds.get(text) ?? text;
  }
}

function canonicalRow(table: string, row: RawRow, names: Names): StateRow {
  const result: StateRow = {};
  let timespan: JsonValue[] | undefined;
  for (const [column, value] of Object.entries(row)) {
    if (value === null) {
      result[column] = null;
    } else if (["collection_id", "run_id", "parent", "child"].includes(column)) {
      result[column.replace(/_id$/, "")] = names.collections.get(value)!;
    } else if (column === "dataset_type_id") {
      result.dataset_type = names.types.get(value)!;
    } else if (column === "dataset_id" || (table === "dataset" && column === "id")) {
      result[column] = names.id(value);
    } else if (column === "ingest_date") {
      result[column] = MASK;
    } else if (column === "dimensions_key" || column === "dimension_graph_id") {
      result.dimensions = names.groups.get(value)!;
    } else if (/^(tag|calibration)_association_table$/.test(column)) {
      result[column] = names.tables.get(value) ?? plain(value);
    } else if (column === "id" && table === "dimension_graph_key") {
      result.dimensions = names.groups.get(value)!;
    } else if (
      column === "id" && (table === "dataset_type" || table.startsWith("dataset_calibs_"))
    ) {
      continue;
    } else if (table === "collection" && column === "type") {
      result[column] = COLLECTION_TYPES[Number(value)];
    } else if (column.startsWith("timespan")) {
      timespan ??= [null, null];
      timespan[column === "timespan_begin" ? 0 : 1] = plain(value);
      result.timespan = timespan;
    } else {
      result[column] = plain(value);
    }
  }
  return result;
}

/**
 * Describes the repository whose `butler.yaml` is in `repo`.
 *
 * Opening a database with a hot journal recovers it, so this changes what an interrupted process
 * left, as the next butler does.
 */
export function dumpState(repo: string, options: DumpStateOptions = {}): RepositoryState {
  const { database, root } = repositoryPlaces(repo);
  return describeState(readTables(database), root, options);
}

/** Describes a repository by the rows of its tables and the files below its datastore's root. */
export function describeState(
  tables: ReadonlyMap<string, RawRow[]>,
  root: string,
  options: DumpStateOptions = {},
): RepositoryState {
  const { run, strict = false, rootOf = () => root } = options;
  const names = new Names(tables);
  const result: RepositoryState["tables"] = {};
  const chains = new Map<string, { position: number; child: string }[]>();
  for (const [table, rows] of tables) {
    if (isStatic(table)) {
      result[table] = [{ rows: rows.length }];
      continue;
    }
    const newRows: StateRow[] = [];
    for (const row of rows) {
      const owner = row.dataset_id ?? (table === "dataset" ? row.id : undefined);
      if (run !== undefined && owner !== undefined && owner !== null) {
        if (names.runOfDataset.get(uuidText(owner)) !== run) continue;
      }
      const out = canonicalRow(table, row, names);
      if (table === "run") {
        for (const column of ["timespan", "timespan_begin", "timespan_end"]) delete out[column];
      }
      if (table === "butler_attributes" && out.name === "config:dimensions.json") {
        out.value = `sha256:${sha256(out.value as string)}`;
      }
      if (/_datastore_records$/.test(table) && (out.path as string).endsWith(".qg")) {
        if (out.file_size === fileSize(rootOf(table), out.path as string)) {
          out.file_size = "<size of file>";
        }
        if (!strict) out.storage_class = MASK;
      }
      newRows.push(out);
      if (table === "collection_chain") {
        const parent = out.parent as string;
        if (!chains.has(parent)) chains.set(parent, []);
        chains.get(parent)!.push({ position: Number(row.position), child: out.child as string });
      }
    }
    if (table !== "collection_chain") {
      result[names.tables.get(table) ?? table] = sortedRows(newRows);
    }
  }
  return {
    chains: Object.fromEntries(
      [...chains].map(([name, children]) => [
        name,
        children.sort((a, b) => a.position - b.position).map(({ child }) => child),
      ]),
    ),
    tables: result,
    ...walkFiles(run === undefined ? root : join(root, run), options),
  };
}

function sortedRows(rows: StateRow[]): StateRow[] {
  return rows
    .map((row) => ({ row, key: pythonJson(row, SORT_KEY) }))
    .sort((a, b) => a.key < b.key ? -1 : a.key > b.key ? 1 : 0)
    .map(({ row }) => row);
}

function fileSize(root: string, path: string): number {
  try {
    return Deno.statSync(join(root, path)).size;
  } catch (error) {
    // Absolute URIs of `direct` transfers end here as well, as in the oracle's own dump.
    if (error instanceof Deno.errors.NotFound) return -1;
    throw error;
  }
}
