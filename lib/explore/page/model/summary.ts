/**
 * What quanta add up to: by task, and by kind of failure. Made anew of the table whenever that has changed, so
 * that a quantum which was scanned again counts once.
 *
 * @module
 */

import { compareClusters } from "../../../provenance/failure_clusters.ts";
import { LogDistribution } from "../../../report/distribution.ts";
import type { StatusCounts } from "../../../sources/rows.ts";
import type { FailureKind, QuantumTable } from "./quantum_table.ts";

/** Powers of ten: 1 ms to 10^7 s, 1 MB to 10 TB; as the report has them. */
const TIME_SCALE = [-3, 7] as const;
const MEMORY_SCALE = [6, 13] as const;

/** A task so far. Times and memory are those of all attempts, as in the report. */
export class TaskSummary {
  n = 0;
  readonly byStatus = new Map<string, number>();
  readonly runTime = new LogDistribution(...TIME_SCALE);
  readonly memory = new LogDistribution(...MEMORY_SCALE);
}

/** A kind of failure so far. */
export interface Cluster extends FailureKind {
  /** Its place in the table, from 1. */
  number: number;
  /** Quanta whose last attempt ended so and wasn't successful. */
  n_failed: number;
  /** Those that were successful all the same: partial outputs. */
  n_successful: number;
  /** Earlier attempts. */
  n_earlier: number;
  n_blocked: number;
  /** Seconds that came to nothing. */
  lost_time: number;
}

/** Sums of a table. */
export interface RunSummary {
  n: number;
  byStatus: Map<string, number>;
  /** All tasks, in pipeline order. */
  tasks: Map<string, TaskSummary>;
  nRetried: number;
  runTime: number;
  maxMemory: number;
  /** Those that block most first, then those that cost most. */
  clusters: Cluster[];
}

/** Takes the counts of all quanta for those of the quanta that have been read. */
export function withCounts(
  summary: RunSummary,
  counts: StatusCounts,
): RunSummary {
  const byStatus = new Map<string, number>();
  let n = 0;
  for (const [label, statuses] of counts) {
    const task = summary.tasks.get(label) ?? new TaskSummary();
    summary.tasks.set(label, task);
    task.n = 0;
    task.byStatus.clear();
    for (const [status, count] of Object.entries(statuses)) {
      task.n += count;
      n += count;
      task.byStatus.set(status, count);
      byStatus.set(status, (byStatus.get(status) ?? 0) + count);
    }
  }
  return { ...summary, n, byStatus };
}

/** Adds a table up. Time: some 0.1 µs a quantum. */
export function summarize(table: QuantumTable, labels: readonly string[]): RunSummary {
  const tasks = new Map(labels.map((label) => [label, new TaskSummary()]));
  const byStatus = new Map<string, number>();
  const clusters: Cluster[] = table.failures.map((kind, i) => ({
    ...kind,
    number: i + 1,
    n_failed: 0,
    n_successful: 0,
    n_earlier: 0,
    n_blocked: 0,
    lost_time: 0,
  }));
  for (let row = 0; row < table.n; row++) {
    const label = table.task(row);
    let task = tasks.get(label);
    if (task === undefined) tasks.set(label, task = new TaskSummary());
    task.n++;
    const status = table.status(row);
    count(task.byStatus, status);
    count(byStatus, status);
    const runTime = table.isOdd(row) ? NaN : table.number("run_time", row);
    task.runTime.add(runTime);
    task.memory.add(table.number("memory", row));
    const failure = table.failure(row);
    if (failure === 0) continue;
    const cluster = clusters[failure - 1];
    cluster.n_blocked += table.number("n_blocked", row);
    if (status === "SUCCESSFUL") cluster.n_successful++;
    else {
      cluster.n_failed++;
      if (runTime > 0) cluster.lost_time += runTime;
    }
  }
  for (const [row, attempts] of table.earlier) {
    const task = tasks.get(table.task(row))!;
    for (const { usage, isOdd, failure } of attempts) {
      const runTime = isOdd ? NaN : usage?.runTime ?? NaN;
      task.runTime.add(runTime);
      task.memory.add(usage?.memory ?? NaN);
      if (failure === 0) continue;
      clusters[failure - 1].n_earlier++;
      if (runTime > 0) clusters[failure - 1].lost_time += runTime;
    }
  }
  const all = [...tasks.values()];
  return {
    n: table.n,
    byStatus,
    tasks,
    nRetried: table.earlier.size,
    runTime: all.reduce((sum, task) => sum + task.runTime.sum, 0),
    maxMemory: Math.max(0, ...all.map((task) => task.memory.n === 0 ? 0 : task.memory.max)),
    clusters: clusters.filter(({ n_failed, n_earlier, n_successful }) =>
      n_failed + n_earlier + n_successful > 0
    ).sort((a, b) =>
      compareClusters(a, b) || b.n_successful - a.n_successful || b.n_earlier - a.n_earlier
    ),
  };
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
