/**
 * Fixtures in a PostgreSQL database: the reference's dumps, and SQLite fixtures put into their tables.
 *
 * @module
 */

import { DatabaseSync, type SQLOutputValue } from "node:sqlite";
import { gunzipSync } from "node:zlib";
import { fixturePath, type TemporaryDirectory, unpackFixture } from "./fixtures.ts";
import type { PostgresServer } from "./postgres_server.ts";
import { tarEntries } from "./tar.ts";

/** Schema of the registry in the dumps. */
export const NAMESPACE = "mixed";

/** States of which there is a dump. */
export type DumpState = "before" | "aggregated";

const COPY_BLOCK = /^COPY mixed\.("?\w+"?) \(([^)]*)\) FROM stdin;\n([\s\S]*?)^\\\.$/gm;
const SETVAL = /setval\('mixed\.(\w+?)_seq_(\w+)', \d+, \w+\)/g;

/** Text of a dump of `small-mixed`. */
export function dumpText(state: DumpState): string {
  const path = fixturePath("postgres", `small-mixed.${state}.sql.gz`);
  return new TextDecoder().decode(gunzipSync(Deno.readFileSync(path)));
}

/** Statements without COPY, which the driver can't be trusted with. */
export function withoutCopy(dump: string): string {
  return dump.replace(COPY_BLOCK, (_, table: string, columns: string, data: string) => {
    const rows = data.split("\n").filter((line) => line !== "")
      .map((line) => line.split("\t").map(copyField));
    return insertStatement(table, columns, rows);
  });
}

function copyField(text: string): string | null {
  if (text === "\\N") return null;
  const escapes: Record<string, string> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" };
  return text.replace(/\\(.)/g, (_, char: string) => escapes[char] ?? char);
}

function insertStatement(
  table: string,
  columns: string,
  rows: readonly (readonly (string | null)[])[],
): string {
  if (rows.length === 0) return "";
  const literal = (value: string | null) =>
    value === null ? "NULL" : `'${value.replaceAll("'", "''")}'`;
  const values = rows.map((row) => `(${row.map(literal).join(", ")})`);
  return `INSERT INTO ${NAMESPACE}.${table} (${columns}) VALUES\n${values.join(",\n")};`;
}

/** Loads a dump of `small-mixed` into an empty database. */
export async function loadDump(
  server: PostgresServer,
  database: string,
  state: DumpState,
): Promise<void> {
  await server.sql(withoutCopy(dumpText(state)), database);
}

/**
 * Loads the rows of an SQLite fixture into an empty database: tables as in the dump, which has the
 * same dimension groups.
 */
export async function loadSqliteFixture(
  server: PostgresServer,
  database: string,
  name: string,
  archive: string,
): Promise<void> {
  const archived = gunzipSync(Deno.readFileSync(fixturePath(name, `${archive}.tar.gz`)));
  const directory = Deno.makeTempDirSync();
  try {
    for (const { path, data } of tarEntries(archived)) {
      // With the journal of a killed process, which is rolled back by opening.
      const [, file] = /^repo\/(gen3\.sqlite3(?:-journal)?)$/.exec(path) ?? [];
      if (file !== undefined) Deno.writeFileSync(`${directory}/${file}`, data);
    }
    using source = new DatabaseSync(`${directory}/gen3.sqlite3`);
    const tables = dumpText(archive === "before" ? "before" : "aggregated");
    await server.sql(convert(tables, source), database);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

/** The dump's text with the rows of an SQLite database in place of its own. */
function convert(dump: string, source: DatabaseSync): string {
  const tables = source.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all()
    .map((row) => row.name as string);
  const left = new Set(tables);
  const text = dump.replace(COPY_BLOCK, (_, quoted: string, columnList: string) => {
    const table = quoted.replaceAll('"', "");
    left.delete(table);
    const columns = columnList.split(", ").map((column) => column.replaceAll('"', ""));
    const statement = source.prepare(`SELECT * FROM "${table}"`);
    statement.setReadBigInts(true);
    const rows = statement.all().map((row) => columns.map((column) => field(row, column)));
    return insertStatement(quoted, columnList, rows);
  }).replace(
    SETVAL,
    (_, table: string, column: string) =>
      `setval('${NAMESPACE}.${table}_seq_${column}', ` +
      `(SELECT greatest(max(${column}), 1) FROM ${NAMESPACE}.${table}))`,
  );
  if (left.size > 0) throw new Error(`The dump has no table for ${[...left].join(", ")}`);
  return text;
}

/** A value in PostgreSQL's text form. */
function field(row: Record<string, SQLOutputValue>, column: string): string | null {
  if (column === "timespan" && !("timespan" in row)) {
    const [begin, end] = [row.timespan_begin, row.timespan_end];
    if (begin === null) return null;
    // Unbounded, in SQLite's way.
    const [from, to] = [begin === 0n ? "" : begin, end === 4102444800000000000n ? "" : end];
    return `[${from},${to})`;
  }
  const value = row[column];
  return value === null ? null : String(value);
}

/**
 * Unpacks an archive of `small-mixed` and points its configuration to a database.
 *
 * @param url database URL
 */
export async function unpackWithPostgres(
  archive: string,
  url: string,
  name = "small-mixed",
): Promise<TemporaryDirectory> {
  const work = await unpackFixture(name, archive);
  writeConfig(work.repo, url);
  for (const entry of [...Deno.readDirSync(work.repo)]) {
    if (entry.name.startsWith("gen3.sqlite3")) Deno.removeSync(work.join("repo", entry.name));
  }
  return work;
}

/** Writes the reference's configuration with a database's URL in it. */
export function writeConfig(repo: string, url: string): void {
  const template = Deno.readTextFileSync(fixturePath("postgres", "butler.yaml.in"));
  Deno.writeTextFileSync(
    `${repo}/butler.yaml`,
    template.replace("@DB_URL@", url.replaceAll("'", "''")),
  );
}
