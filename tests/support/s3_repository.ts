/**
 * Repositories whose files are in a fake S3 store: fixtures of local ones, moved there.
 *
 * @module
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { parse, stringify } from "yaml";
import { aggregateHere } from "../ingest/in_process.ts";
import { describeState, readTables, type RepositoryState } from "./dump_state.ts";
import { FAKE_BUCKET, FakeS3 } from "./fake_s3.ts";
import { copyOf, type TemporaryDirectory, temporaryDirectory, unpackFixture } from "./fixtures.ts";

/** Where the files are in the bucket. */
export const PREFIX = "some/where/";

/** Moves the files of `repo` into a store. */
export function moveToStore(work: TemporaryDirectory, store: FakeS3): void {
  const path = join(work.repo, "butler.yaml");
  const config = parse(Deno.readTextFileSync(path));
  // The name is that which the registry has.
  config.datastore = {
    ...config.datastore,
    name: "FileDatastore@<butlerRoot>",
    root: `s3://${FAKE_BUCKET}/${PREFIX.slice(0, -1)}`,
  };
  Deno.removeSync(path);
  Deno.writeTextFileSync(path, stringify(config));
  for (const { name, isDirectory } of [...Deno.readDirSync(work.repo)]) {
    if (!isDirectory) continue;
    store.load(join(work.repo, name), `${PREFIX}${name}/`);
    Deno.removeSync(join(work.repo, name), { recursive: true });
  }
}

/** Describes a repository in a store. */
export async function dumpStored(
  work: TemporaryDirectory,
  store: FakeS3,
): Promise<RepositoryState> {
  await using folder = await temporaryDirectory();
  store.save(PREFIX, folder.path);
  return describeState(readTables(join(work.repo, "gen3.sqlite3")), folder.path);
}

/** A repository in a store of its own; disposing of it stops the store. */
export interface StoredRepository extends AsyncDisposable {
  work: TemporaryDirectory;
  store: FakeS3;
}

/** Repositories that were aggregated once in a test file. */
export class AggregatedRepositories implements AsyncDisposable {
  readonly #fixture: string;
  #master: Promise<StoredRepository> | null = null;

  constructor(fixture: string) {
    this.#fixture = fixture;
  }

  /** A copy of one, whose files were in the store when they were aggregated. */
  async take(): Promise<StoredRepository> {
    const master = await (this.#master ??= this.#aggregate());
    const store = new FakeS3();
    for (const [key, object] of master.store.objects) store.objects.set(key, object);
    return disposable(await copyOf(master.work), store);
  }

  async #aggregate(): Promise<StoredRepository> {
    const store = new FakeS3();
    const work = await unpackFixture(this.#fixture, "before");
    moveToStore(work, store);
    setVariables(store);
    await aggregateHere(work, {}, store.env);
    return disposable(work, store);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#master)?.[Symbol.asyncDispose]();
  }
}

/** Where templates put the graph of a RUN. */
export function graphPath(run: string): string {
  return `${run}/run_provenance/run_provenance_${run.replaceAll("/", "_")}.qg`;
}

/** Before an original goes, its dataset must be backed by the graph, and that be in the store. */
export function watchDeletions(
  { work, store }: StoredRepository,
  run: string,
): { nDeleted: number } {
  const graph = Deno.readFileSync(work.join("provenance.qg"));
  const watch = { nDeleted: 0 };
  store.onDelete = (key) => {
    const stored = store.objects.get(PREFIX + graphPath(run))?.bytes;
    assert.ok(stored !== undefined, `${key} is deleted without graph`);
    assert.deepEqual(stored, graph);
    using database = new DatabaseSync(`${work.repo}/gen3.sqlite3`, { readOnly: true });
    const [row] = database.prepare(
      "SELECT count(*) AS n FROM file_datastore_records WHERE path = ?",
    ).all(key.slice(PREFIX.length));
    assert.equal(row.n, 0, `${key} is deleted while a record names it`);
    watch.nDeleted++;
  };
  return watch;
}

/** Scanners are workers, which have the process's environment. */
export function setVariables(store: FakeS3): void {
  for (const [name, value] of Object.entries(store.variables)) Deno.env.set(name, value);
}

/** Takes these out of the process's environment again. */
export function unsetVariables(): void {
  for (const name of ["S3_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]) {
    Deno.env.delete(name);
  }
}

function disposable(work: TemporaryDirectory, store: FakeS3): StoredRepository {
  return {
    work,
    store,
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]();
      await work[Symbol.asyncDispose]();
    },
  };
}
