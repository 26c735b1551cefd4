/**
 * What is kept of the quanta of a run that go by, one after another, for its report.
 *
 * @module
 */

import { formatIsoTime } from "../base/iso_time.ts";
import type { JsonValue } from "../base/json_text.ts";
import { hasOddTimes, SHORTEST_STEP } from "./odd_times.ts";
import { AttemptStatus, attemptStatusName } from "../provenance/quantum_status.ts";
import type { ReportCounts, TaskCounts } from "./counts.ts";
import { LogDistribution } from "./distribution.ts";
import {
  coordinateValues,
  exceptionMessage,
  lastAttempt,
  quantumStatus,
  type ReportAttempt,
  type ReportQuantum,
} from "../provenance/documents/quantum_report.ts";
import { Timeline } from "./timeline.ts";
import { caveatNames, conciseCaveats } from "../provenance/success_caveats.ts";
import {
  type DistributionReport,
  type ExceptionReport,
  type ExtremeReport,
  type FailedReport,
  MEMORY_BINS,
  type RunReport,
  TIME_BINS,
} from "./model.ts";
import { dataIdObject, type RowDimensions } from "../sources/rows.ts";

/** How much is listed. */
export interface ReportLimits {
  /** Failed quanta of each task. */
  nFailed: number;
  /** Slowest quanta, and largest. */
  nExtremes: number;
  /** Groups of failures. */
  nExceptions: number;
  /** Groups of failures whose sample's log is looked at. */
  nSamples: number;
}

/** Usual limits. */
export const DEFAULT_REPORT_LIMITS: ReportLimits = {
  nFailed: 200,
  nExtremes: 10,
  nExceptions: 100,
  nSamples: 25,
};

/** Failed quanta that are listed, as a multiple of those of each task. */
const FAILED_TASKS = 10;
/** Groups of failures that are told apart. */
const MAX_GROUPS = 10_000;
/** Letters of a message that are kept. */
const MAX_MESSAGE = 2000;
/** Powers of ten: 1 ms to 10^7 s (four months). */
const TIME_SCALE = [-3, 7] as const;
/** 1 MB to 10 TB. */
const MEMORY_SCALE = [6, 13] as const;
/** Statuses of quanta that are listed as failed. */
const PROBLEMS: ReadonlySet<number> = new Set([
  AttemptStatus.ABORTED,
  AttemptStatus.UNKNOWN,
  AttemptStatus.ABORTED_SUCCESS,
  AttemptStatus.FAILED,
]);

/** All that the pass over the quanta gives. */
export type Collected = Omit<
  RunReport,
  | "message_type"
  | "source"
  | "argument"
  | "output_run"
  | "output"
  | "inputs"
  | "user"
  | "timestamp"
  | "command"
  | "tool"
  | "made"
  | "n_expected"
>;

/** What is kept of a task besides its counts. */
class TaskPart {
  readonly runTime = new LogDistribution(...TIME_SCALE);
  readonly memory = new LogDistribution(...MEMORY_SCALE);
  nRetried = 0;
  nAttempts = 0;
  nOddTimes = 0;
  cpuSeconds = 0;
  firstStart = Infinity;
  lastEnd = -Infinity;
  nFailed = 0;
  readonly failed: FailedReport[] = [];

  constructor(readonly position: number) {}
}

/** Counts and lists as the report needs them. Memory: per task, and for what is listed. */
export class ReportCollector {
  readonly #counts: ReportCounts;
  readonly #dimensions: RowDimensions;
  readonly #limits: ReportLimits;
  readonly #parts = new Map<string, TaskPart>();
  readonly #timeline: Timeline;
  readonly #slowest: LargestList;
  readonly #largest: LargestList;
  readonly #groups = new Map<string, ExceptionReport>();
  readonly #latest: number;
  #nGroupsLost = 0;

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
    this.#timeline = new Timeline(labels.length);
    this.#counts = counts;
    this.#dimensions = dimensions;
    this.#limits = limits;
    this.#slowest = new LargestList(limits.nExtremes);
    this.#largest = new LargestList(limits.nExtremes);
  }

  /** Takes a quantum in; false if there is no such task. */
  add(quantum: ReportQuantum): boolean {
    const part = this.#parts.get(quantum.taskLabel);
    if (part === undefined || !this.#counts.add(quantum)) return false;
    const nAttempts = quantum.attempts.length;
    part.nAttempts += nAttempts;
    if (nAttempts > 1) part.nRetried++;
    quantum.attempts.forEach((attempt, i) => {
      const isLast = i === nAttempts - 1;
      const hasFailed = attempt.status !== AttemptStatus.SUCCESSFUL;
      if (attempt.usage !== null) this.#addUsage(quantum, i, part, hasFailed);
      if (hasFailed || attempt.exceptionType !== null) this.#addGroup(quantum, i, isLast);
    });
    if (PROBLEMS.has(quantumStatus(quantum))) this.#addFailed(quantum, part);
    return true;
  }

  #addUsage(quantum: ReportQuantum, i: number, part: TaskPart, hasFailed: boolean): void {
    const attempt = quantum.attempts[i];
    const { memoryBytes, startMicros, prepSeconds, initSeconds, runSeconds, cpuSeconds } = attempt
      .usage!;
    const make = () => this.#extreme(quantum, i, attempt);
    part.memory.add(memoryBytes);
    this.#largest.offer(memoryBytes, make);
    // No clock that is set: processors count it.
    if (cpuSeconds > SHORTEST_STEP && Number.isFinite(cpuSeconds)) part.cpuSeconds += cpuSeconds;
    if (hasOddTimes(attempt.usage!, this.#latest)) {
      part.nOddTimes++;
      return;
    }
    part.runTime.add(runSeconds);
    this.#slowest.offer(runSeconds, make);
    const seconds = prepSeconds + initSeconds + runSeconds;
    if (startMicros === null || !Number.isFinite(seconds)) return;
    const end = Math.max(startMicros, startMicros + Math.round(seconds * 1e6));
    part.firstStart = Math.min(part.firstStart, startMicros);
    part.lastEnd = Math.max(part.lastEnd, end);
    this.#timeline.add(part.position, startMicros, end, hasFailed);
  }

  #extreme(quantum: ReportQuantum, i: number, { status, usage }: ReportAttempt): ExtremeReport {
    return {
      quantum_id: quantum.quantumId,
      task: quantum.taskLabel,
      data_id: this.#dataId(quantum),
      attempt: i,
      status: attemptStatusName(status),
      run_time: finite(usage!.runSeconds),
      memory: finite(usage!.memoryBytes),
    };
  }

  #addGroup(quantum: ReportQuantum, i: number, isLast: boolean): void {
    const attempt = quantum.attempts[i];
    const key = `${quantum.taskLabel}\0${attempt.exceptionType ?? "\0"}`;
    let group = this.#groups.get(key);
    if (group === undefined) {
      if (this.#groups.size >= MAX_GROUPS) {
        this.#nGroupsLost++;
        return;
      }
      group = {
        task: quantum.taskLabel,
        exception: attempt.exceptionType,
        n_failed: 0,
        n_successful: 0,
        n_earlier: 0,
        sample: {
          quantum_id: quantum.quantumId,
          data_id: this.#dataId(quantum),
          attempt: i,
          message: shortened(exceptionMessage(quantum, attempt)),
          log: null,
        },
      };
      this.#groups.set(key, group);
    }
    if (!isLast) group.n_earlier++;
    else if (attempt.status === AttemptStatus.SUCCESSFUL) group.n_successful++;
    else group.n_failed++;
  }

  #addFailed(quantum: ReportQuantum, part: TaskPart): void {
    part.nFailed++;
    if (part.failed.length >= this.#limits.nFailed) return;
    const attempt = lastAttempt(quantum)!;
    part.failed.push({
      quantum_id: quantum.quantumId,
      task: quantum.taskLabel,
      data_id: this.#dataId(quantum),
      status: attemptStatusName(attempt.status),
      n_attempts: quantum.attempts.length,
      exception: attempt.exceptionType,
      message: shortened(exceptionMessage(quantum, attempt)),
    });
  }

  /** Required dimensions: those that single it out. */
  #dataId(quantum: ReportQuantum): { [dimension: string]: JsonValue } {
    const group = this.#dimensions.groups.get(quantum.taskLabel);
    return dataIdObject(group, coordinateValues(quantum).slice(0, group?.required.length));
  }

  /** Everything but the logs of samples. */
  report(): Collected {
    const parts = this.#counts.tasks.map((counts) => ({
      counts,
      part: this.#parts.get(counts.label)!,
    }));
    const tasks = parts.map(({ counts, part }) => ({
      task: counts.label,
      n_expected: counts.nExpected,
      n_quanta: counts.nQuanta,
      by_status: statusCounts(counts),
      caveats: [...counts.nByCaveats].map(([bits, n]) => {
        const { token, code } = conciseCaveats(bits);
        return { code: `${token ?? ""}${code ?? ""}`, caveats: caveatNames(bits), n };
      }),
      n_retried: part.nRetried,
      n_attempts: part.nAttempts,
      first_start: instant(part.firstStart),
      last_end: instant(part.lastEnd),
      run_time: distribution(part.runTime, TIME_BINS),
      memory: distribution(part.memory, MEMORY_BINS),
      cpu_time: part.cpuSeconds,
    }));
    const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);
    const byStatus: { [status: string]: number } = {};
    for (const name of Object.keys(AttemptStatus)) {
      byStatus[name] = sum(tasks.map(({ by_status }) => by_status[name]));
    }
    const capped: RunReport["capped"] = [];
    const exceptions = this.#exceptions(capped);
    const failed = this.#failed(parts.map(({ part }) => part), capped);
    const memories = parts.filter(({ part }) => part.memory.n > 0).map(({ part }) =>
      part.memory.max
    );
    return {
      n_quanta: sum(tasks.map(({ n_quanta }) => n_quanta)),
      by_status: byStatus,
      n_caveats: sum(tasks.flatMap(({ caveats }) => caveats.map(({ n }) => n))),
      n_retried: sum(tasks.map(({ n_retried }) => n_retried)),
      n_attempts: sum(tasks.map(({ n_attempts }) => n_attempts)),
      n_odd_times: sum(parts.map(({ part }) => part.nOddTimes)),
      first_start: instant(Math.min(...parts.map(({ part }) => part.firstStart))),
      last_end: instant(Math.max(...parts.map(({ part }) => part.lastEnd))),
      run_time: sum(parts.map(({ part }) => part.runTime.sum)),
      cpu_time: sum(parts.map(({ part }) => part.cpuSeconds)),
      max_memory: memories.length === 0 ? null : Math.max(...memories),
      tasks,
      timeline: this.#timelineReport(parts),
      slowest: this.#slowest.items(),
      largest: this.#largest.items(),
      exceptions,
      failed,
      capped,
    };
  }

  #timelineReport(parts: { counts: TaskCounts; part: TaskPart }[]): RunReport["timeline"] {
    const view = this.#timeline.view();
    if (view === null) return null;
    return {
      start: formatIsoTime(view.startMicros),
      interval: view.widthMicros / 1e6,
      n_intervals: view.nIntervals,
      tasks: parts.map(({ counts, part }) => ({
        task: counts.label,
        running: view.running(part.position).map((n) => Number(n.toPrecision(4))),
        failed: view.failed(part.position),
      })).filter(({ running, failed }) => running.some((n) => n > 0) || failed.some((n) => n > 0)),
    };
  }

  /** Those with most failed quanta first. */
  #exceptions(capped: RunReport["capped"]): ExceptionReport[] {
    const groups = [...this.#groups.values()].sort((a, b) =>
      b.n_failed - a.n_failed || b.n_successful - a.n_successful || b.n_earlier - a.n_earlier
    );
    const { nExceptions, nSamples } = this.#limits;
    if (groups.length > nExceptions || this.#nGroupsLost > 0) {
      const shown = Math.min(nExceptions, groups.length);
      capped.push({ what: "exceptions", task: null, n: groups.length + this.#nGroupsLost, shown });
    }
    const listed = groups.slice(0, nExceptions);
    if (listed.length > nSamples) {
      capped.push({ what: "samples", task: null, n: listed.length, shown: nSamples });
    }
    return listed;
  }

  /** In pipeline order. The fewer a task has, the more likely they are all there. */
  #failed(parts: readonly TaskPart[], capped: RunReport["capped"]): FailedReport[] {
    const total = FAILED_TASKS * this.#limits.nFailed;
    let allowance = this.#limits.nFailed;
    const nListed = () =>
      parts.reduce((sum, { failed }) => sum + Math.min(failed.length, allowance), 0);
    while (allowance > 1 && nListed() > total) allowance--;
    return parts.flatMap((part) => {
      const listed = part.failed.slice(0, allowance);
      if (listed.length < part.nFailed) {
        const label = this.#counts.tasks.find(({ label }) =>
          this.#parts.get(label) === part
        )!.label;
        capped.push({ what: "failed", task: label, n: part.nFailed, shown: listed.length });
      }
      return listed;
    });
  }
}

/** Keeps the items with the largest values. */
class LargestList {
  readonly #limit: number;
  readonly #kept: { value: number; item: ExtremeReport }[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @param make is called only for an item that is kept. */
  offer(value: number, make: () => ExtremeReport): void {
    if (!Number.isFinite(value) || this.#limit === 0) return;
    const kept = this.#kept;
    if (kept.length === this.#limit) {
      if (value <= kept[kept.length - 1].value) return;
      kept.pop();
    }
    let at = kept.length;
    while (at > 0 && kept[at - 1].value < value) at--;
    kept.splice(at, 0, { value, item: make() });
  }

  /** Largest first. */
  items(): ExtremeReport[] {
    return this.#kept.map(({ item }) => item);
  }
}

function statusCounts({ nByStatus }: TaskCounts): { [status: string]: number } {
  const counts: { [status: string]: number } = {};
  for (const [name, status] of Object.entries(AttemptStatus)) {
    counts[name] = nByStatus.get(status) ?? 0;
  }
  return counts;
}

function distribution(values: LogDistribution, binsPerDecade: number): DistributionReport | null {
  if (values.n === 0) return null;
  const { n, min, max, sum } = values;
  return {
    n,
    min,
    median: values.quantile(0.5),
    p95: values.quantile(0.95),
    max,
    sum,
    bins: values.coarse(binsPerDecade),
  };
}

/** @param micros Infinite if there was none. */
function instant(micros: number): string | null {
  return Number.isFinite(micros) ? formatIsoTime(micros) : null;
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function shortened(text: string): string {
  return text.length <= MAX_MESSAGE ? text : `${text.slice(0, MAX_MESSAGE)} [...]`;
}
