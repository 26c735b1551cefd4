/** Documents of a repository in files that aren't where or what they usually are. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { basename, dirname } from "node:path";
import { ProvgraphError, RepositoryError } from "../../lib/base/errors.ts";
import { cat, type CatOptions } from "../../lib/inspect/cat/cat.ts";
import { openSource } from "../../lib/sources/open_source.ts";
import { StoredZipWriter } from "../../lib/codec/zip_writer.ts";
import {
  RUN,
  type TemporaryDirectory,
  temporaryDirectory,
  unpackFixture,
} from "../support/fixtures.ts";

const QUANTUM = ["calibrate", "visit=1", "detector=1", "instrument=OracleCam"];
const DOCUMENTS: [what: CatOptions["what"], words: string[], typeName: string][] = [
  ["log", QUANTUM, "calibrate_log"],
  ["metadata", QUANTUM, "calibrate_metadata"],
  ["config", ["calibrate"], "calibrate_config"],
  ["packages", [], "packages"],
];

/** Unpacked once; tests change copies of it. */
const original = await unpackFixture("small-ok", "aggregated");

/** A copy with configuration, database and the files of the documents only: what is read here. */
async function copy(): Promise<TemporaryDirectory> {
  const work = await temporaryDirectory();
  Deno.mkdirSync(work.repo);
  for (const name of ["butler.yaml", "gen3.sqlite3"]) {
    Deno.copyFileSync(`${original.repo}/${name}`, `${work.repo}/${name}`);
  }
  rewriteRecords(work.repo, (path, typeName) => {
    if (!isDocument(path, typeName)) return null;
    Deno.mkdirSync(dirname(`${work.repo}/${path}`), { recursive: true });
    Deno.copyFileSync(`${original.repo}/${path}`, `${work.repo}/${path}`);
    return null;
  });
  return work;
}

/** Whether a record is that of one of the documents. */
function isDocument(path: string, typeName: string): boolean {
  return DOCUMENTS.some(([, , name]) => name === typeName) &&
    (typeName !== "calibrate_log" && typeName !== "calibrate_metadata" ||
      /_g_OC-g_1_R00_S01_/.test(path));
}

async function read(
  repo: string,
  what: CatOptions["what"],
  idWords: string[],
  run = RUN,
): Promise<string> {
  await using documents = await openSource(repo, run, Deno.env, Deno.cwd());
  let output = "";
  await cat(
    documents,
    {
      what,
      idWords,
      attempt: null,
      allAttempts: false,
      format: "json",
      isRaw: false,
      filter: null,
    },
    (bytes) => output += typeof bytes === "string" ? bytes : new TextDecoder().decode(bytes),
  );
  return output;
}

/** Changes the records of a RUN: what each path becomes, and the file of it. */
function rewriteRecords(
  repo: string,
  change: (path: string, typeName: string) => string | null,
): void {
  const database = openDatabase(repo);
  const rows = database.prepare(
    "SELECT r.dataset_id AS id, r.path AS path, t.name AS name FROM file_datastore_records r " +
      "JOIN dataset d ON d.id = r.dataset_id JOIN dataset_type t ON t.id = d.dataset_type_id",
  ).all() as unknown as { id: string; path: string; name: string }[];
  const update = database.prepare(
    "UPDATE file_datastore_records SET path = ? WHERE dataset_id = ?",
  );
  database.exec("BEGIN");
  for (const { id, path, name } of rows) {
    const changed = change(path, name);
    if (changed !== null) update.run(changed, id);
  }
  database.exec("COMMIT");
  database.close();
}

/** A database that needs no sync: it is gone with the test. */
function openDatabase(repo: string): DatabaseSync {
  const database = new DatabaseSync(`${repo}/gen3.sqlite3`);
  database.exec("PRAGMA synchronous = OFF");
  return database;
}

/** Puts the files of the documents into one ZIP file, as `butler ingest-zip` leaves them. */
function packDocuments(repo: string, zipPath: string): void {
  const files: { name: string; path: string; content: Uint8Array }[] = [];
  rewriteRecords(repo, (path, typeName) => {
    if (!isDocument(path, typeName)) return null;
    const name = `019f1af9-${basename(path)}`;
    files.push({ name, path, content: Deno.readFileSync(`${repo}/${path}`) });
    return `${zipPath}#zip-path=${name}`;
  });
  assert.equal(files.length, DOCUMENTS.length);
  Deno.mkdirSync(`${repo}/zips`);
  using file = Deno.openSync(`${repo}/${zipPath}`, { write: true, createNew: true });
  const zip = new StoredZipWriter(
    file,
    files.map(({ name, content }) => ({ name, size: content.length })),
  );
  for (const { name, content } of files) zip.write(name, content);
  zip.finish();
  for (const { path } of files) Deno.removeSync(`${repo}/${path}`);
}

for (const [what, words] of DOCUMENTS) {
  Deno.test(`cat ${what} reads a dataset that is a member of a ZIP file`, async () => {
    await using work = await copy();
    const expected = await read(original.repo, what, words);
    packDocuments(work.repo, "zips/x.zip");
    assert.equal(await read(work.repo, what, words), expected);
  });

  Deno.test(`cat ${what} of a member that the ZIP file lacks tells that there is none`, async () => {
    await using work = await copy();
    packDocuments(work.repo, "zips/x.zip");
    rewriteRecords(work.repo, (path) => path.includes("#") ? `${path}.other` : null);
    await assert.rejects(
      read(work.repo, what, words),
      (error) =>
        error instanceof ProvgraphError && error.exitCode === 2 &&
        error.message.startsWith("Cannot"),
    );
  });
}

Deno.test("cat reads what a record names, not what templates would", async () => {
  await using work = await copy();
  const expected = await read(work.repo, "log", QUANTUM);
  rewriteRecords(work.repo, (path, typeName) => {
    if (typeName !== "calibrate_log" || !isDocument(path, typeName)) return null;
    const moved = path.replace("calibrate_log_", "elsewhere:a%41_");
    Deno.renameSync(`${work.repo}/${path}`, `${work.repo}/${moved.replace("%41", "A")}`);
    return moved;
  });
  assert.equal(await read(work.repo, "log", QUANTUM), expected);
});

const FORMS: [
  what: CatOptions["what"],
  words: string[],
  formatter: string,
  storageClass: string,
][] = [
  ["metadata", QUANTUM, "lsst.daf.butler.formatters.pickle.PickleFormatter", "TaskMetadata"],
  ["metadata", QUANTUM, "lsst.daf.butler.formatters.json.JsonFormatter", "PropertySet"],
  ["log", QUANTUM, "lsst.daf.butler.formatters.yaml.YamlFormatter", "ButlerLogRecords"],
  ["config", ["calibrate"], "lsst.daf.butler.formatters.pickle.PickleFormatter", "Config"],
  ["packages", [], "lsst.daf.butler.formatters.pickle.PickleFormatter", "Packages"],
];

for (const [what, words, formatter, storageClass] of FORMS) {
  Deno.test(`cat ${what} refuses records of ${formatter.split(".").at(-1)} with ${storageClass} by name`, async () => {
    await using work = await copy();
    const database = openDatabase(work.repo);
    database.prepare("UPDATE file_datastore_records SET formatter = ?, storage_class = ?")
      .run(formatter, storageClass);
    database.close();
    await assert.rejects(
      read(work.repo, what, words),
      (error) =>
        error instanceof RepositoryError && error.message.startsWith("Cannot use dataset type") &&
        error.message.includes(formatter) && error.message.includes(storageClass),
    );
  });
}

Deno.test.afterAll(() => original[Symbol.dispose]());
