/**
 * A run of which there are two graphs: one was made before a quantum had run, so that the files of that
 * quantum are in the other one only.
 *
 * @module
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { RUN, type TemporaryDirectory, unpackFixture } from "../support/fixtures.ts";
import { aggregateHere } from "./in_process.ts";
import { listTree } from "./support.ts";

/** Names of the two graphs beside the repository. */
export const GRAPHS = ["early.qg", "late.qg"] as const;
/** Where a RUN's graph is in the datastore, by its template. */
export const TARGET = `${RUN}/run_provenance/run_provenance_${RUN.replaceAll("/", "_")}.qg`;

/** Unpacks the run and aggregates it twice. */
export async function unpackTwoGraphs(): Promise<TemporaryDirectory> {
  const work = await unpackFixture("small-mixed", "before");
  await aggregateTwice(work);
  return work;
}

/** Aggregates an unpacked run twice. */
export async function aggregateTwice(work: TemporaryDirectory): Promise<void> {
  const late = lateFiles(work);
  for (const path of late) Deno.renameSync(`${work.repo}/${path}`, `${work.repo}/${path}.away`);
  await aggregateHere(work, { outputPath: work.join("early.qg") });
  for (const path of late) Deno.renameSync(`${work.repo}/${path}.away`, `${work.repo}/${path}`);
  await aggregateHere(work, { outputPath: work.join("late.qg") });
}

/** Log and metadata of the quantum that ran late, relative to the root. */
function lateFiles(work: TemporaryDirectory): string[] {
  const log = listTree(work.repo).find((path) => /\/warp_log\/.*\.json$/.test(path))!;
  return [log, log.replaceAll("warp_log", "warp_metadata")];
}

/** Originals that an ingest may delete, relative to the root. */
export function originalsOf(work: TemporaryDirectory): string[] {
  return listTree(work.repo).filter((path) =>
    path.startsWith(RUN) && /_(log|metadata|config)\/.*[^/]$/.test(path)
  );
}

/** Path that the registry has for the RUN's graph; null if it has none. */
export function registeredGraph(work: TemporaryDirectory): string | null {
  using database = new DatabaseSync(`${work.repo}/gen3.sqlite3`);
  const row = database.prepare(
    "SELECT path FROM file_datastore_records JOIN dataset ON dataset.id = dataset_id " +
      "JOIN dataset_type ON dataset_type.id = dataset_type_id WHERE name = 'run_provenance'",
  ).get();
  return row === undefined ? null : row.path as string;
}

/**
 * Checks that the content of every original is in its file or in the registered graph.
 *
 * @param before Originals that there were.
 * @param registered Path that the registry has for the RUN's graph, null if it has none.
 * @param master The tree with the two graphs, which nobody has changed.
 */
export function assertContentKept(
  work: TemporaryDirectory,
  before: readonly string[],
  registered: string | null,
  master: TemporaryDirectory,
): void {
  const left = new Set(originalsOf(work));
  const missing = before.filter((path) => !left.has(path));
  if (missing.length === 0) return;
  assert.ok(
    registered !== null,
    `${missing.length} originals are gone, and no graph is registered`,
  );
  const bytes = Deno.readFileSync(`${work.repo}/${registered}`);
  const found = GRAPHS.find((name) => isEqual(bytes, Deno.readFileSync(master.join(name))));
  assert.ok(found !== undefined, "the registered graph is none of the two");
  if (found === "late.qg") return;
  const lost = lateFiles(master).filter((path) => missing.includes(path));
  assert.deepEqual(lost, [], "in neither place");
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
