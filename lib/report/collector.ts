/**
 * What is kept of the quanta of a run that go by, one after another, for its report.
 *
 * @module
 */

import { formatIsoTime } from "../base/iso_time.ts";
import type { JsonValue } from "../base/json_text.ts";
import { quantumStatus } from "../provenance/documents/quantum.ts";
import { silentEnd } from "../provenance/failure_clusters.ts";
import { messageLine } from "../provenance/message_shape.ts";
import { AttemptStatus, attemptStatusName } from "../provenance/quantum_status.ts";
import { dataIdObject, type RowDimensions } from "../sources/rows.ts";
import type { BlockedCounts } from "./failures/blocking.ts";
import { bpsMemory } from "./bps_memory.ts";
import { ClusterTable } from "./failures/cluster_table.ts";
import type { QuantumKind, ReportCounts, TaskCounts } from "./counts.ts";
import type { AttemptFacts, NamedQuantum, QuantumFacts } from "./facts.ts";
import { FailedList } from "./failures/failed_list.ts";
import {
  type CodedValues,
  compareValues,
  FATES,
  HeatMaps,
  type RowRange,
} from "./failures/heat_map.ts";
import type { ClusterReport, ExceptionReport, FailedReport, RunReport } from "./model.ts";
import { hasOddTimes } from "./odd_times.ts";
import { efficiency, instant, TaskPart } from "./task_part.ts";
import { finite, UsageTotals } from "./usage_totals.ts";

/** How much is listed. */
export interface ReportLimits {
  /** Failed quanta of each task. */
  nFailed: number;
  /** Failed quanta in all. */
  nAllFailed: number;
  /** Slowest quanta, and largest. */
  nExtremes: number;
  /** Groups of failures, and clusters of them. */
  nExceptions: number;
  nClusters: number;
  /** Groups and clusters of failures whose sample's log is looked at. */
  nSamples: number;
}

/** Usual limits. */
export const DEFAULT_REPORT_LIMITS: ReportLimits = {
  nFailed: 100_000,
  nAllFailed: 50_000,
  nExtremes: 10,
  nExceptions: 100,
  nClusters: 500,
  nSamples: 25,
};

/** Letters of a message that are kept of a sample. */
const MAX_MESSAGE = 2000;
/** Statuses of quanta that are listed as failed. */
export const PROBLEMS: ReadonlySet<number> = new Set([
  AttemptStatus.ABORTED,
  AttemptStatus.UNKNOWN,
  AttemptStatus.ABORTED_SUCCESS,
  AttemptStatus.FAILED,
]);

/** What became of a quantum whose last attempt has a status, for a heat map. */
export function fateOf(status: number): number {
  if (PROBLEMS.has(status)) return FATES.failed;
  return status === AttemptStatus.BLOCKED ? FATES.blocked : FATES.other;
}

/** All that the pass over the quanta gives. */
export type Collected = Pick<
  RunReport,
  | "n_quanta"
  | "by_status"
  | "n_caveats"
  | "n_retried"
  | "n_attempts"
  | "n_odd_times"
  | "first_start"
  | "last_end"
  | "run_time"
  | "cpu_time"
  | "max_memory"
  | "cpu_efficiency"
  | "lost_time"
  | "n_untimed"
  | "n_unexplained"
  | "tasks"
  | "timeline"
  | "slowest"
  | "largest"
  | "exceptions"
  | "clusters"
  | "failed"
  | "heat_maps"
  | "bps_memory"
  | "capped"
>;

/** The attempt of a quantum. */
export interface AttemptEnd {
  quantum: NamedQuantum;
  /** Its number, from 0. */
  i: number;
  isLast: boolean;
  attempt: AttemptFacts;
}

/** A failed quantum with its cluster, and its number among those that block. */
interface ListedFailure {
  row: FailedReport;
  /** Values of its data ID, by which it is put in order. */
  key: readonly JsonValue[];
  cluster: ClusterReport;
  number: number;
}

/** Counts and lists as the report needs them. Memory: per task, and for what is listed. */
export class ReportCollector {
  readonly #counts: ReportCounts;
  readonly #dimensions: RowDimensions;
  readonly #limits: ReportLimits;
  readonly #parts = new Map<string, TaskPart>();
  readonly #usage: UsageTotals;
  readonly #clusters = new ClusterTable();
  readonly #failed: FailedList<ListedFailure>;
  /** Cluster of each failed quantum, by its number. */
  readonly #clusterOf: (ClusterReport | undefined)[] = [];
  readonly #heat: HeatMaps;
  readonly #latest: number;

  /**
   * @param labels All tasks, in pipeline order.
   * @param latest Attempts that began later have impossible times, microseconds since 1970.
   */
  constructor(
    labels: readonly string[],
    counts: ReportCounts,
    dimensions: RowDimensions,
    limits: ReportLimits,
    latest: number,
  ) {
    this.#latest = latest;
    labels.forEach((label, i) => this.#parts.set(label, new TaskPart(i)));
    this.#usage = new UsageTotals(
      labels.length,
      limits.nExtremes,
      latest,
      (quantum) => this.#dataId(quantum),
    );
    this.#counts = counts;
    this.#dimensions = dimensions;
    this.#limits = limits;
    this.#failed = new FailedList(labels, limits.nFailed, limits.nAllFailed);
    this.#heat = new HeatMaps(
      new Map(
        labels.map((label) => [label, dimensions.groups.get(label)?.required ?? []]),
      ),
    );
  }

  /**
   * Takes a quantum in; false if there is no such task.
   *
   * @param number Of a quantum that failed, among those that may block others; -1 for others.
   */
  add(quantum: QuantumFacts, number: number): boolean {
    const part = this.partOf(quantum.taskLabel);
    if (part === null || !this.#counts.add(quantum)) return false;
    const { attempts } = quantum;
    const nAttempts = attempts.length;
    let cluster: ClusterReport | null = null;
    for (let i = 0; i < nAttempts; i++) {
      cluster = this.addAttempt(part, quantum, i, i === nAttempts - 1, attempts[i]);
    }
    if (nAttempts > 1) part.nRetried++;
    const status = quantumStatus(quantum);
    this.#heat.add(quantum.taskLabel, quantum.values, fateOf(status));
    if (PROBLEMS.has(status)) {
      this.addFailed(quantum, nAttempts, attempts[nAttempts - 1], cluster!, number);
    }
    return true;
  }

  /** What is kept of a task; null if there is no such task. */
  partOf(label: string): TaskPart | null {
    return this.#parts.get(label) ?? null;
  }

  /** Counts quanta that are alike, and the last attempt of each; all else of them is given by itself. */
  addKind(kind: QuantumKind, n: number): void {
    this.#counts.add(kind, n);
    if (kind.attempts.length > 0) this.partOf(kind.taskLabel)!.nAttempts += n;
  }

  /** Counts quanta of a task by where they are: those of rows `from` to `to`. */
  addPlaces(
    label: string,
    values: readonly CodedValues[],
    fates: Uint8Array,
    rows: RowRange,
  ): void {
    this.#heat.addRows(label, values, fates, rows);
  }

  /**
   * Takes an attempt in.
   *
   * @returns its cluster; null if it succeeded without an exception.
   */
  addAttempt(
    part: TaskPart,
    quantum: NamedQuantum,
    i: number,
    isLast: boolean,
    attempt: AttemptFacts,
  ): ClusterReport | null {
    part.nAttempts++;
    const { usage } = attempt;
    const ran = usage === null ? NaN : this.#usage.add(part, quantum, i, attempt, usage);
    return this.addEnd(part, { quantum, i, isLast, attempt }, ran);
  }

  /** Takes in what the last attempts of a task's quanta took; how they ended is told one by one. */
  addUsage(...rows: Parameters<UsageTotals["addRows"]>): Float64Array {
    return this.#usage.addRows(...rows);
  }

  /**
   * Takes in how an attempt ended.
   *
   * @param ran Seconds, NaN if that isn't known.
   * @returns as {@linkcode addAttempt}.
   */
  addEnd(
    part: TaskPart,
    { quantum, i, isLast, attempt }: AttemptEnd,
    ran: number,
  ): ClusterReport | null {
    const hasFailed = attempt.status !== AttemptStatus.SUCCESSFUL;
    if (!hasFailed && attempt.exceptionType === null) return null;
    // Clocks that are put right make some steps end before they begin.
    const lostSeconds = hasFailed && ran > 0 && ran < Infinity ? ran : 0;
    part.lostSeconds += lostSeconds;
    if (hasFailed && !Number.isFinite(ran)) part.nUntimed++;
    return this.#addToCluster(quantum, i, isLast, attempt, lostSeconds);
  }

  #addToCluster(
    quantum: NamedQuantum,
    i: number,
    isLast: boolean,
    { status, exceptionType, message, usage }: AttemptFacts,
    lostSeconds: number,
  ): ClusterReport {
    const told = exceptionType === null ? silentEnd(status, usage !== null) : message;
    const end = !isLast ? "earlier" : status === AttemptStatus.SUCCESSFUL ? "successful" : "failed";
    const { taskLabel: task, quantumId } = quantum;
    const of = { task, exception: exceptionType, message: told, quantumId, attempt: i };
    return this.#clusters.add(of, end, lostSeconds, () => ({
      quantum_id: quantumId,
      data_id: this.#dataId(quantum),
      attempt: i,
      status: attemptStatusName(status),
      why: null,
      message: shortenedMessage(message),
      log: null,
    }));
  }

  /**
   * Takes in that a quantum failed for good.
   *
   * @param last Its last attempt, with the cluster of that.
   */
  addFailed(
    quantum: NamedQuantum,
    nAttempts: number,
    { status, exceptionType, message, usage }: AttemptFacts,
    cluster: ClusterReport,
    number: number,
  ): void {
    if (number >= 0) this.#clusterOf[number] = cluster;
    this.#failed.add(quantum.taskLabel, () => {
      const runTime = usage === null || hasOddTimes(usage, this.#latest) ? NaN : usage.runSeconds;
      const row: FailedReport = {
        quantum_id: quantum.quantumId,
        task: quantum.taskLabel,
        data_id: this.#dataId(quantum),
        status: attemptStatusName(status),
        n_attempts: nAttempts,
        exception: exceptionType,
        message: messageLine(message),
        cluster: null,
        n_blocked: 0,
        run_time: finite(runTime),
      };
      return { row, key: this.#requiredValues(quantum), cluster, number };
    });
  }

  /** Required dimensions: those that single it out. */
  #dataId(quantum: NamedQuantum): { [dimension: string]: JsonValue } {
    const group = this.#dimensions.groups.get(quantum.taskLabel);
    return dataIdObject(group, this.#requiredValues(quantum));
  }

  #requiredValues({ taskLabel, values }: NamedQuantum): readonly JsonValue[] {
    const n = this.#dimensions.groups.get(taskLabel)?.required.length;
    return n === undefined || n === values.length ? values : values.slice(0, n);
  }

  /** Everything but the logs of samples. */
  report({ nBlocked, nUnexplained }: BlockedCounts): Collected {
    const parts = this.#counts.tasks.map((counts) => ({
      counts,
      part: this.#parts.get(counts.label)!,
    }));
    const tasks = parts.map(({ counts, part }) => part.report(counts));
    nBlocked.forEach((n, number) => {
      const cluster = n > 0 ? this.#clusterOf[number] : undefined;
      if (cluster !== undefined) cluster.n_blocked += n;
    });
    const capped: RunReport["capped"] = [];
    const clusters = this.#listed(this.#clusters.clusters(), "clusters", capped);
    const exceptions = this.#listed(this.#clusters.exceptions(), "exceptions", capped);
    const failed = this.#failedRows(clusters, nBlocked, capped);
    return {
      ...totals(tasks, parts.map(({ part }) => part)),
      n_unexplained: nUnexplained,
      tasks,
      timeline: this.#timelineReport(parts),
      slowest: this.#usage.slowest.items(),
      largest: this.#usage.largest.items(),
      exceptions,
      clusters,
      failed,
      heat_maps: this.#heat.report(),
      bps_memory: bpsMemory(tasks),
      capped,
    };
  }

  #timelineReport(parts: { counts: TaskCounts; part: TaskPart }[]): RunReport["timeline"] {
    const view = this.#usage.timeline.view();
    if (view === null) return null;
    const figures = (n: number) => Number(n.toPrecision(4));
    const all = new Array<number>(view.nIntervals).fill(0);
    for (const { part } of parts) view.running(part.position).forEach((n, i) => all[i] += n);
    return {
      start: formatIsoTime(view.startMicros),
      interval: view.widthMicros / 1e6,
      n_intervals: view.nIntervals,
      running: all.map(figures),
      tasks: parts.map(({ counts, part }) => ({
        task: counts.label,
        running: view.running(part.position).map(figures),
        failed: view.failed(part.position),
      })).filter(({ running, failed }) => running.some((n) => n > 0) || failed.some((n) => n > 0)),
    };
  }

  /** Those that rank first. */
  #listed<Group extends ExceptionReport>(
    groups: Group[],
    what: "clusters" | "exceptions",
    capped: RunReport["capped"],
  ): Group[] {
    const most = what === "clusters" ? this.#limits.nClusters : this.#limits.nExceptions;
    if (groups.length > most) capped.push({ what, task: null, n: groups.length, shown: most });
    const listed = groups.slice(0, most);
    const { nSamples } = this.#limits;
    if (what === "clusters" && listed.length > nSamples) {
      capped.push({ what: "samples", task: null, n: listed.length, shown: nSamples });
    }
    return listed;
  }

  /** In pipeline order, then by data ID. */
  #failedRows(
    clusters: readonly ClusterReport[],
    nBlocked: Uint32Array,
    capped: RunReport["capped"],
  ): FailedReport[] {
    const position = new Map(clusters.map((cluster, i) => [cluster, i]));
    return this.#failed.finish().flatMap(({ label, items, n }) => {
      if (items.length < n) capped.push({ what: "failed", task: label, n, shown: items.length });
      return items.sort(compareDataIds).map(({ row, cluster, number }) => {
        row.cluster = position.get(cluster) ?? null;
        row.n_blocked = number < 0 ? 0 : nBlocked[number];
        return row;
      });
    });
  }
}

/** By values of the data ID, then by id. */
function compareDataIds(
  a: { key: readonly JsonValue[]; row: FailedReport },
  b: { key: readonly JsonValue[]; row: FailedReport },
): number {
  for (let i = 0; i < a.key.length; i++) {
    const order = a.key[i] === b.key[i] ? 0 : compareValues(a.key[i], b.key[i]);
    if (order !== 0) return order;
  }
  return a.row.quantum_id < b.row.quantum_id ? -1 : 1;
}

/** Sums over tasks. */
function totals(tasks: Collected["tasks"], parts: readonly TaskPart[]) {
  const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);
  const byStatus: { [status: string]: number } = {};
  for (const name of Object.keys(AttemptStatus)) {
    byStatus[name] = sum(tasks.map(({ by_status }) => by_status[name]));
  }
  const memories = parts.filter(({ memory }) => memory.n > 0).map(({ memory }) => memory.max);
  return {
    n_quanta: sum(tasks.map(({ n_quanta }) => n_quanta)),
    by_status: byStatus,
    n_caveats: sum(tasks.flatMap(({ caveats }) => caveats.map(({ n }) => n))),
    n_retried: sum(tasks.map(({ n_retried }) => n_retried)),
    n_attempts: sum(tasks.map(({ n_attempts }) => n_attempts)),
    n_odd_times: sum(parts.map(({ nOddTimes }) => nOddTimes)),
    first_start: instant(Math.min(...parts.map(({ firstStart }) => firstStart))),
    last_end: instant(Math.max(...parts.map(({ lastEnd }) => lastEnd))),
    run_time: sum(parts.map(({ runTime }) => runTime.sum)),
    cpu_time: sum(tasks.map(({ cpu_time }) => cpu_time)),
    max_memory: memories.length === 0 ? null : Math.max(...memories),
    cpu_efficiency: efficiency(parts),
    lost_time: sum(tasks.map(({ lost_time }) => lost_time)),
    n_untimed: sum(tasks.map(({ n_untimed }) => n_untimed)),
  };
}

/** A message as a sample has it. */
export function shortenedMessage(text: string): string {
  return text.length <= MAX_MESSAGE ? text : `${text.slice(0, MAX_MESSAGE)} [...]`;
}
