/**
 * Runs one stage of the work on a fixture and compares the outcome with the reference's.
 *
 * @module
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import type { JsonValue } from "../../lib/base/json_text.ts";
import {
  assertGraphEqual,
  assertStateEqual,
  expectedIngested,
  logsNeverWritten,
} from "../support/compare.ts";
import { dumpGraph } from "../support/dump_graph.ts";
import { dumpState, type RepositoryState } from "../support/dump_state.ts";
import {
  expectedJson,
  expectProvgraph,
  type ProcessResult,
  RUN,
  SECOND_RUN,
  type TemporaryDirectory,
} from "../support/fixtures.ts";

/** A fixture with a whole run in it. */
export interface ConformanceCase {
  name: string;
  run: string;
  /** Options that `aggregate-graph` needs for it. */
  flags: readonly string[];
}

/** Fixture cases by name. */
export const CASES: Readonly<Record<string, ConformanceCase>> = {
  "small-ok": { name: "small-ok", run: RUN, flags: [] },
  "small-mixed": { name: "small-mixed", run: RUN, flags: [] },
  "small-failed": { name: "small-failed", run: RUN, flags: [] },
  "small-mock": { name: "small-mock", run: RUN, flags: ["--mock-storage-classes"] },
  "two-phase": { name: "two-phase", run: RUN, flags: [] },
  "second-run": { name: "second-run", run: SECOND_RUN, flags: [] },
  medium: { name: "medium", run: RUN, flags: [] },
};

/** What must make no difference. */
export interface Workload {
  processes: number;
  batchSize: number;
  readAhead?: "always";
}

/** Numbers of scanners, batch sizes and ways to read, one of each at a time. */
export const WORKLOADS: readonly Workload[] = [
  { processes: 1, batchSize: 1 },
  { processes: 2, batchSize: 7, readAhead: "always" },
  { processes: 8, batchSize: 10_000 },
];

/** Options of {@linkcode aggregate}. */
export interface AggregateOptions {
  processes?: number;
  batchSize?: number;
  readAhead?: "always" | "never";
  /** More options. */
  flags?: readonly string[];
  /** Graph to write; none if null. */
  output?: string | null;
  code?: number;
  /** Whether workers are threads. */
  inThreads?: boolean;
}

/** Runs `aggregate-graph` on `repo` and `predicted.qg` of an unpacked fixture. */
export function aggregate(
  work: TemporaryDirectory,
  { flags }: ConformanceCase,
  options: AggregateOptions = {},
): Promise<ProcessResult> {
  const { processes = 2, batchSize, readAhead, output = "provenance.qg" } = options;
  const { code, inThreads } = options;
  return expectProvgraph([
    "aggregate-graph",
    "predicted.qg",
    "repo",
    "-j",
    String(processes),
    ...(batchSize === undefined ? [] : ["--ingest-batch-size", String(batchSize)]),
    ...(readAhead === undefined ? [] : ["--read-ahead", readAhead]),
    ...(output === null ? [] : ["-o", output]),
    ...flags,
    ...options.flags ?? [],
  ], { cwd: work.path, code, inThreads });
}

/** Options of {@linkcode ingest}. */
export interface IngestOptions {
  graph?: string | null;
  batchSize?: number;
  transfer?: string;
  flags?: readonly string[];
  code?: number;
  /** Whether workers are threads. */
  inThreads?: boolean;
}

/** Runs `ingest-graph` on `repo` of an unpacked fixture. */
export function ingest(
  work: TemporaryDirectory,
  options: IngestOptions = {},
): Promise<ProcessResult> {
  const { graph = "provenance.qg", batchSize, transfer, code, inThreads } = options;
  return expectProvgraph([
    "ingest-graph",
    "repo",
    ...(graph === null ? [] : [graph]),
    ...(batchSize === undefined ? [] : ["--batch-size", String(batchSize)]),
    ...(transfer === undefined ? [] : ["--transfer", transfer]),
    ...options.flags ?? [],
  ], { cwd: work.path, code, inThreads });
}

/** Checks the repository against `expected/<state>.state.json.gz`. */
export function assertState(work: TemporaryDirectory, name: string, state: string): void {
  assertStateEqual(dumpState(work.repo), expectedJson(name, `${state}.state`), `${name} ${state}`);
}

/** Checks a graph against `expected/<graph>.graph.json.gz`. */
export async function assertGraph(
  work: TemporaryDirectory,
  name: string,
  { graph = "provenance", file = "provenance.qg" } = {},
): Promise<void> {
  assertGraphEqual(
    await dumpGraph(work.join(file)),
    expectedJson(name, `${graph}.graph`),
    `${name} ${file}`,
  );
}

/** Names of the expected documents of an ingest. */
export interface IngestExpectation {
  ingested?: string;
  /** State that the ingest started from. */
  before?: string;
  graph?: string;
  /** Instead of the document `ingested`. */
  ingestedState?: JsonValue;
}

/** The state in which this tool leaves a fixture after `ingest-graph`. */
export function expectedAfterIngest(
  { name, run }: ConformanceCase,
  expectation: IngestExpectation = {},
): RepositoryState {
  const { ingested = "ingested", before = "aggregated", graph = "provenance" } = expectation;
  return expectedIngested(
    expectation.ingestedState ?? expectedJson(name, `${ingested}.state`),
    expectedJson(name, `${before}.state`),
    logsNeverWritten(expectedJson(name, `${graph}.graph`)),
    run,
  );
}

/** Checks the repository after `ingest-graph`, design differences allowed for. */
export function assertIngested(
  work: TemporaryDirectory,
  fixture: ConformanceCase,
  expectation?: IngestExpectation,
): void {
  const expected = expectedAfterIngest(fixture, expectation);
  assertStateEqual(dumpState(work.repo), expected, `${fixture.name} after ingest-graph`);
  assertStorageClasses(work, fixture);
}

/** Every graph-backed record of the run names the storage class of its own dataset type. */
function assertStorageClasses(work: TemporaryDirectory, { run }: ConformanceCase): void {
  using database = new DatabaseSync(`${work.repo}/gen3.sqlite3`, { readOnly: true });
  const rows = database.prepare(
    "SELECT t.name, r.storage_class, t.storage_class AS expected FROM file_datastore_records r " +
      "JOIN dataset d ON d.id = r.dataset_id JOIN dataset_type t ON t.id = d.dataset_type_id " +
      "JOIN collection c ON c.collection_id = d.run_id " +
      "WHERE c.name = ? AND r.path LIKE '%.qg'",
  ).all(run);
  assert.ok(rows.length > 0);
  for (const { name, storage_class, expected } of rows) {
    assert.equal(storage_class, expected, `record of a ${name}`);
  }
}

/** Checks that nothing lies beside the repository but what is named. */
export function assertNoLeftovers(work: TemporaryDirectory, ...expected: string[]): void {
  const found = [...Deno.readDirSync(work.path)].map((entry) => entry.name).sort();
  assert.deepEqual(found, ["repo", ...expected].sort());
}
