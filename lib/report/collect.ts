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
import { readEarlier } from "../provenance/table/earlier_attempts.ts";
import { verdictOf, verdictText } from "../provenance/verdict.ts";
import { uuidFromText } from "../base/uuid.ts";
import { readProduced } from "../provenance/documents/dataset.ts";
import { parseHeader, type QuantumGraphHeader } from "../qg/header.ts";
import type { LogEnd } from "../sources/logs/log_store.ts";
import { parseStored } from "../sources/parse_stored.ts";
import type { RowDimensions } from "../sources/rows.ts";
import type { DocumentSource } from "../sources/source.ts";
import { compareRuns, FailedThen, hasAllFailed } from "./baseline.ts";
import { type BlockedCounts, BlockingQuanta } from "./failures/blocking.ts";
import {
  type Collected,
  fateOf,
  PROBLEMS,
  ReportCollector,
  type ReportLimits,
  shortenedMessage,
} from "./collector.ts";
import { type QuantumKind, ReportCounts } from "./counts.ts";
import { type AttemptFacts, documentFacts, type NamedQuantum, tabledFacts } from "./facts.ts";
import type { BaselineReport, RunReport } from "./model.ts";
import { latestStart } from "./odd_times.ts";
import { rerunCommands, RerunTables } from "./failures/rerun.ts";
import { logEnd } from "../sources/logs/log_end.ts";
import { type TableSink, takeTable } from "./table_pass.ts";
import type { TaskPart } from "./task_part.ts";
import { warningsOf } from "./warnings.ts";

/** Outputs of a quantum that are looked at. */
const MAX_OUTPUTS = 1000;

/** What a report is made of, besides the source. */
interface ReportOptions {
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
  const tabled = await source.tabled?.() ?? null;
  let blocked: BlockedCounts;
  if (tabled !== null) {
    blocked = await takeTable(tabled, dimensions, progress, takeIn);
  } else {
    const blocking = new BlockingQuanta();
    for await (const text of countQuanta(source.quanta(), header.n_quanta, progress)) {
      takeIn.addDocument(text, (quantum, status) => {
        const what = `quantum ${quantum.quantumId} in ${source.name}`;
        return parseStored(what, () => blocking.add(quantum, status));
      });
    }
    blocked = blocking.count((status) => status === AttemptStatus.BLOCKED);
  }
  const collected = collector.report(blocked);
  if (tabled !== null) await readMessages(source, collected);
  return { header, collected, rerun: takeIn.rerun, versions: await versionsOf(source) };
}

/** Takes quanta in, for all that is made of them, from documents or from a table. */
class QuantumTaker implements TableSink<TaskPart> {
  readonly rerun = new RerunTables();
  readonly isCompared: boolean;
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
    this.isCompared = failedThen !== null;
  }

  /**
   * Takes a document in.
   *
   * @param numberOf Number, among those that may block others, of a quantum that didn't succeed.
   * @throws {InvalidQuantumGraphFileError} if it is none, or the pipeline has no such task.
   */
  addDocument(
    text: Uint8Array,
    numberOf: (quantum: QuantumDocument, status: number) => number,
  ): void {
    const quantum = this.#read(text);
    const status = quantumStatus(quantum);
    const number = status === AttemptStatus.SUCCESSFUL ? -1 : numberOf(quantum, status);
    const facts = documentFacts(quantum);
    if (!this.#collector.add(facts, number)) throw this.#noTask(facts);
    this.#addToRerun(facts, 1);
    this.compare(facts, status);
  }

  #read(text: Uint8Array): QuantumDocument {
    return parseStored(`quantum in ${this.#name}`, () => readQuantum(text));
  }

  #noTask({ quantumId, taskLabel }: NamedQuantum): InvalidQuantumGraphFileError {
    return new InvalidQuantumGraphFileError(
      `Cannot read quantum ${quantumId} in ${this.#name}: the pipeline has no task "${taskLabel}"`,
    );
  }

  #addToRerun(kind: QuantumKind, n: number): void {
    const status = quantumStatus(kind);
    if (!PROBLEMS.has(status)) return;
    this.rerun.add(kind.taskLabel, status, kind.attempts.at(-1)!.exceptionType, n);
  }

  partOf(quantum: NamedQuantum): TaskPart {
    const part = this.#collector.partOf(quantum.taskLabel);
    if (part === null) throw this.#noTask(quantum);
    return part;
  }

  fateOf(status: number): number {
    return fateOf(status);
  }

  addKind(kind: QuantumKind, n: number): void {
    this.#collector.addKind(kind, n);
    this.#addToRerun(kind, n);
  }

  addPlaces(...rows: Parameters<ReportCollector["addPlaces"]>): void {
    this.#collector.addPlaces(...rows);
  }

  addUsage(...rows: Parameters<ReportCollector["addUsage"]>): Float64Array {
    return this.#collector.addUsage(...rows);
  }

  addEnd(
    part: TaskPart,
    quantum: NamedQuantum & AttemptFacts,
    n: number,
    ran: number,
    number: number,
  ): void {
    const end = { quantum, i: n - 1, isLast: true, attempt: quantum };
    const cluster = this.#collector.addEnd(part, end, ran);
    if (!PROBLEMS.has(quantum.status)) return;
    this.#collector.addFailed(quantum, n, quantum, cluster!, number);
  }

  addEarlier(part: TaskPart, quantum: NamedQuantum, text: string): void {
    const what = `attempts of quantum ${quantum.quantumId} in the table of ${this.#name}`;
    this.#addEarlier(part, quantum, parseStored(what, () => readEarlier(text)).map(tabledFacts));
  }

  addEarlierOf(document: Uint8Array): void {
    const quantum = documentFacts(this.#read(document));
    this.#addEarlier(this.partOf(quantum), quantum, quantum.attempts.slice(0, -1));
  }

  #addEarlier(part: TaskPart, quantum: NamedQuantum, attempts: readonly AttemptFacts[]): void {
    part.nRetried++;
    attempts.forEach((attempt, i) => this.#collector.addAttempt(part, quantum, i, false, attempt));
  }

  compare(quantum: NamedQuantum, status: number): void {
    if (this.#failedThen === null) return;
    const nRequired = this.#dimensions.groups.get(quantum.taskLabel)?.required.length ?? 0;
    this.#failedThen.add(quantum, nRequired, status, PROBLEMS.has(status));
  }
}

/** A table has the first line of messages: of samples, all is shown. */
async function readMessages(
  source: DocumentSource,
  { clusters, exceptions }: Collected,
): Promise<void> {
  const samples = new Set(
    [...clusters, ...exceptions].filter(({ exception }) => exception !== null)
      .map(({ sample }) => sample),
  );
  await source.announce(
    Array.from(samples, ({ quantum_id }) => ({ what: "quantum", id: uuidFromText(quantum_id) })),
  );
  for (const sample of samples) {
    const id = uuidFromText(sample.quantum_id);
    const text = await source.quantum({ kind: "id", id, words: [sample.quantum_id] });
    const what = `quantum ${sample.quantum_id} in ${source.name}`;
    const exception = parseStored(what, () => readQuantum(text)).attempts[sample.attempt]
      ?.exception;
    sample.message = shortenedMessage(exception?.message ?? "");
  }
  await source.announce([]);
}

/**
 * Looks for why samples ended as they did. Clusters and groups by exception often have the same sample: its log
 * is read once.
 */
async function lookAtLogs(
  source: DocumentSource,
  { clusters, exceptions }: Collected,
  nSamples: number,
): Promise<void> {
  const samples = [clusters, exceptions].flatMap((groups) =>
    groups.slice(0, nSamples).map(({ sample }) => sample)
  );
  const logs = new Map<unknown, LogEnd | null>();
  for (const sample of new Set(samples)) {
    const end = await logEnd(source, sample.quantum_id, sample.attempt);
    logs.set(sample, end);
    sample.log = end?.text ?? null;
  }
  for (const { sample, exception } of [...clusters, ...exceptions]) {
    const hasException = exception !== null;
    // Where there is an exception, whether there is a log makes no difference.
    if (!hasException && !logs.has(sample)) continue;
    const verdict = verdictOf({
      status: AttemptStatus[sample.status as keyof typeof AttemptStatus] ?? AttemptStatus.UNKNOWN,
      // Attempts with an exception that succeeded have one.
      caveats: hasException ? 1 : 0,
      hasException,
      hasLog: logs.get(sample) != null,
    });
    const nProduced = verdict === "left_nothing"
      ? await countProduced(source, sample.quantum_id, sample.attempt)
      : null;
    sample.why = verdictText(verdict, nProduced);
  }
}

/** Outputs of a quantum that are there; null unless the attempt is the last one, which may have left them. */
async function countProduced(
  source: DocumentSource,
  quantumId: string,
  attempt: number,
): Promise<number | null> {
  const selector = (id: string) => ({ kind: "id" as const, id: uuidFromText(id), words: [id] });
  const text = await source.quantum(selector(quantumId));
  const what = `quantum ${quantumId} in ${source.name}`;
  const { attempts, outputs } = parseStored(what, () => readQuantum(text));
  if (attempt !== attempts.length - 1) return null;
  let n = 0;
  for (const id of new Set([...outputs.values()].flat().slice(0, MAX_OUTPUTS))) {
    const dataset = await source.dataset(selector(id));
    if (parseStored(`dataset ${id} in ${source.name}`, () => readProduced(dataset))) n++;
  }
  return n;
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
