/**
 * Makes the report of a run in one pass over its quanta, and a look at the logs of some that failed.
 *
 * @module
 */

import {
  InvalidQuantumGraphFileError,
  NotFoundError,
  RefusedError,
  UsageError,
} from "../base/errors.ts";
import { parseJson } from "../base/json_text.ts";
import { countQuanta, type Progress } from "../base/progress.ts";
import {
  type QuantumDocument,
  quantumStatus,
  readQuantum,
} from "../provenance/documents/quantum.ts";
import { AttemptStatus } from "../provenance/quantum_status.ts";
import { parseHeader, type QuantumGraphHeader } from "../qg/header.ts";
import { parseStored } from "../sources/parse_stored.ts";
import type { RowDimensions } from "../sources/rows.ts";
import type { DocumentSource } from "../sources/source.ts";
import { compareRuns, FailedThen, hasAllFailed } from "./baseline.ts";
import { BlockingQuanta } from "./failures/blocking.ts";
import { type Collected, PROBLEMS, ReportCollector, type ReportLimits } from "./collector.ts";
import { ReportCounts } from "./counts.ts";
import { DocumentFacts } from "./facts.ts";
import type { BaselineReport, RunReport } from "./model.ts";
import { latestStart } from "./odd_times.ts";
import { rerunCommands, RerunTables } from "./failures/rerun.ts";
import { sampleLog } from "../sources/logs/log_end.ts";
import { warningsOf } from "./warnings.ts";

/** What a report is made of, besides the source. */
export interface ReportOptions {
  /** How the command line names the source. */
  argument: string;
  limits: ReportLimits;
  /** Name and version of the tool. */
  tool: string;
  now: Date;
  progress: Progress;
  /** Another run to compare with. */
  baseline?: DocumentSource;
}

/** What one pass over a source gives. */
interface Pass {
  header: QuantumGraphHeader;
  collected: Collected;
  rerun: RerunTables;
  versions: RunReport["versions"];
}

/**
 * Makes the report of a run.
 *
 * @throws {RefusedError} if nothing has been run yet.
 * @throws {InvalidQuantumGraphFileError} if the source is damaged.
 */
export async function collectReport(
  source: DocumentSource,
  options: ReportOptions,
): Promise<RunReport> {
  const { baseline } = options;
  const before = baseline === undefined ? null : await pass(baseline, options, null);
  const failedThen = before === null || !hasAllFailed(before.collected)
    ? null
    : new FailedThen(before.collected.failed);
  const { header, collected, rerun, versions } = await pass(source, options, failedThen);
  await lookAtLogs(source, collected, options.limits.nSamples);
  const tables = rerun.tables(collected.tasks.map(({ task }) => task));
  const run = {
    source: source.name,
    argument: options.argument,
    output_run: header.output_run,
    output: header.output,
    inputs: header.inputs,
  };
  const { kind } = await source.info(false);
  let compared: BaselineReport | null = null;
  if (before !== null) {
    const then = {
      ...before.collected,
      versions: before.versions,
      source: baseline!.name,
      output_run: before.header.output_run,
    };
    compared = compareRuns({ ...collected, versions }, then, failedThen);
  }
  return {
    message_type: "report",
    ...run,
    user: header.user,
    timestamp: header.timestamp,
    command: header.command,
    tool: options.tool,
    made: options.now.toISOString(),
    n_expected: header.n_quanta,
    ...collected,
    rerun: { commands: rerunCommands(run, kind, tables), tables },
    versions,
    warnings: warningsOf({ ...collected, n_expected: header.n_quanta, versions }),
    baseline: compared,
  };
}

async function pass(
  source: DocumentSource,
  { limits, progress }: ReportOptions,
  failedThen: FailedThen | null,
): Promise<Pass> {
  if (source.isPlan) {
    throw new RefusedError(`Cannot report on ${source.name}: nothing has been run yet`, {
      hint: "give the graph that aggregate-graph wrote",
    });
  }
  const header = parseHeader(await source.header(), source.name, "any");
  const labels = await source.taskLabels();
  const dimensions = await source.rowDimensions("quanta");
  const counts = new ReportCounts(labels, header);
  const collector = new ReportCollector(
    labels,
    counts,
    dimensions,
    limits,
    latestStart(header.timestamp),
  );
  const takeIn = new QuantumTaker(source.name, collector, dimensions, failedThen);
  for await (const text of countQuanta(source.quanta(), header.n_quanta, progress)) {
    takeIn.add(parseStored(`quantum in ${source.name}`, () => readQuantum(text)));
  }
  const collected = collector.report(
    takeIn.blocking.count((status) => status === AttemptStatus.BLOCKED),
  );
  return { header, collected, rerun: takeIn.rerun, versions: await versionsOf(source) };
}

/** Takes documents of quanta in, for all that is made of them. */
class QuantumTaker {
  readonly blocking = new BlockingQuanta();
  readonly rerun = new RerunTables();
  readonly #name: string;
  readonly #collector: ReportCollector;
  readonly #dimensions: RowDimensions;
  readonly #failedThen: FailedThen | null;

  constructor(
    name: string,
    collector: ReportCollector,
    dimensions: RowDimensions,
    failedThen: FailedThen | null,
  ) {
    this.#name = name;
    this.#collector = collector;
    this.#dimensions = dimensions;
    this.#failedThen = failedThen;
  }

  /** @throws {InvalidQuantumGraphFileError} if the pipeline has no such task. */
  add(quantum: QuantumDocument): void {
    const facts = new DocumentFacts(quantum);
    const status = quantumStatus(quantum);
    const number = status === AttemptStatus.SUCCESSFUL ? -1 : this.#addEdges(quantum, status);
    if (!this.#collector.add(facts, number)) {
      throw new InvalidQuantumGraphFileError(
        `Cannot read quantum ${quantum.quantumId} in ${this.#name}: ` +
          `the pipeline has no task "${quantum.taskLabel}"`,
      );
    }
    const { taskLabel } = quantum;
    const hasFailed = PROBLEMS.has(status);
    if (hasFailed) {
      this.rerun.add(taskLabel, status, facts.attempts.at(-1)!.exceptionType);
    }
    const nRequired = this.#dimensions.groups.get(taskLabel)?.required.length ?? 0;
    this.#failedThen?.add(facts, nRequired, status, hasFailed);
  }

  #addEdges(quantum: QuantumDocument, status: number): number {
    const what = `quantum ${quantum.quantumId} in ${this.#name}`;
    return parseStored(what, () => this.blocking.add(quantum, status));
  }
}

/** Clusters and groups by exception often have the same sample: its log is read once. */
async function lookAtLogs(
  source: DocumentSource,
  { clusters, exceptions }: Collected,
  nSamples: number,
): Promise<void> {
  const samples = [clusters, exceptions].flatMap((groups) =>
    groups.slice(0, nSamples).map(({ sample }) => sample)
  );
  for (const sample of new Set(samples)) {
    sample.log = await sampleLog(source, sample.quantum_id, sample.attempt);
  }
}

/** Null if the source doesn't know. */
async function versionsOf(source: DocumentSource): Promise<RunReport["versions"]> {
  let text: Uint8Array;
  try {
    ({ text } = await source.packages());
  } catch (error) {
    if (
      error instanceof NotFoundError || error instanceof RefusedError || error instanceof UsageError
    ) return null;
    throw error;
  }
  const value = parseStored(`packages of ${source.name}`, () => parseJson(text));
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const versions: { [name: string]: string } = {};
  for (const [name, version] of Object.entries(value)) {
    if (typeof version === "string") Object.defineProperty(versions, name, own(version));
  }
  return versions;
}

/** Names come from a file: one may be `__proto__`. */
function own(value: string): PropertyDescriptor {
  return { value, enumerable: true, configurable: true, writable: true };
}
