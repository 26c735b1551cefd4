/**
 * Both tools within the test's own process, for tests of what they do to a repository.
 *
 * @module
 */

import { aggregateGraph } from "../../lib/aggregate/aggregate.ts";
import type { AggregateOptions } from "../../lib/aggregate/options.ts";
import type { Environment } from "../../lib/base/environment.ts";
import type { Log } from "../../lib/base/log.ts";
import { SILENT_LOG } from "../support/silent_log.ts";
import { SILENT_PROGRESS } from "../../lib/base/progress.ts";
import { ingestGraph } from "../../lib/ingest/ingest.ts";
import type { IngestOptions, IngestSummary } from "../../lib/ingest/options.ts";
import type { TemporaryDirectory } from "../support/fixtures.ts";
import { makeWorkerHere } from "../support/worker_here.ts";

/** What the tools need of their surroundings. */
export function context(log: Log = SILENT_LOG, env: Environment = Deno.env) {
  return {
    makeWorker: makeWorkerHere,
    env,
    log,
    progress: SILENT_PROGRESS,
    signal: new AbortController().signal,
  };
}

/** What aggregates `predicted.qg` and `repo` of an unpacked fixture into `provenance.qg`. */
export function aggregateOptions(
  work: TemporaryDirectory,
  options: Partial<AggregateOptions> = {},
): AggregateOptions {
  return {
    graphPath: work.join("predicted.qg"),
    repository: work.repo,
    outputPath: work.join("provenance.qg"),
    nScanners: 1,
    isIncomplete: false,
    isDryRun: false,
    registerDatasetTypes: true,
    updateOutputChain: true,
    zstdLevel: 1,
    zstdDictSize: 32768,
    zstdDictNInputs: 512,
    mockStorageClasses: false,
    readAhead: "never",
    promiseIngestGraph: false,
    ingestBatchSize: 10000,
    isStrict: false,
    keepChunks: false,
    resume: true,
    chunkLogs: [],
    workerLogs: null,
    ...options,
  } as AggregateOptions;
}

/** Aggregates a fixture, see {@linkcode aggregateOptions}. */
export async function aggregateHere(
  work: TemporaryDirectory,
  options: Partial<AggregateOptions> = {},
  env?: Environment,
): Promise<void> {
  await aggregateGraph(aggregateOptions(work, options), context(SILENT_LOG, env));
}

/** Ingests `provenance.qg` into `repo`. */
export function ingestHere(
  work: TemporaryDirectory,
  options: Partial<IngestOptions> = {},
  log?: Log,
  env?: Environment,
): Promise<IngestSummary> {
  return ingestGraph({
    repository: work.repo,
    graphPath: work.join("provenance.qg"),
    outputRun: null,
    transfer: "move",
    batchSize: 5000,
    inPlace: false,
    resume: false,
    isDryRun: false,
    allowEmpty: false,
    ...options,
  }, context(log, env));
}
