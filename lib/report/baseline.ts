/**
 * A run beside another one: the same numbers of both, and what became of the quanta that failed before.
 *
 * @module
 */

import type { JsonValue } from "../base/json_text.ts";
import { AttemptStatus, attemptStatusName } from "../provenance/quantum_status.ts";
import type { NamedQuantum } from "./facts.ts";
import type {
  BaselineReport,
  ClusterReport,
  FailedReport,
  RunReport,
  StatusCounts,
  TaskFigures,
  TaskReport,
} from "./model.ts";

/** Clusters that are listed. */
const MAX_CLUSTERS = 200;
/** Status of quanta that the run doesn't have. */
const ABSENT = "ABSENT";

/** Looks, as quanta go by, for those that failed in another run: the same task and data ID. */
export class FailedThen {
  /** Status now. */
  readonly #statuses = new Map<string, string>();
  #nNewlyFailed = 0;

  /** @param failed All quanta that failed in the other run. */
  constructor(failed: readonly FailedReport[]) {
    for (const { task, data_id } of failed) {
      this.#statuses.set(keyOf(task, Object.values(data_id)), ABSENT);
    }
  }

  /** Looks at a quantum. */
  add({ taskLabel, values }: NamedQuantum, nRequired: number, status: number, hasFailed: boolean) {
    const key = keyOf(taskLabel, values.slice(0, nRequired));
    if (this.#statuses.has(key)) this.#statuses.set(key, attemptStatusName(status));
    else if (hasFailed) this.#nNewlyFailed++;
  }

  /** Counts by status now. */
  report(): { failed_then: StatusCounts; n_newly_failed: number } {
    const counts: StatusCounts = { [ABSENT]: 0 };
    for (const name of Object.keys(AttemptStatus)) counts[name] = 0;
    for (const status of this.#statuses.values()) counts[status] = (counts[status] ?? 0) + 1;
    return { failed_then: counts, n_newly_failed: this.#nNewlyFailed };
  }
}

function keyOf(task: string, values: readonly JsonValue[]): string {
  return `${task}\0${values.map((value) => `${typeof value}:${String(value)}`).join("\0")}`;
}

/** Whether all failed quanta of a report are listed in it. */
export function hasAllFailed({ capped }: Pick<RunReport, "capped">): boolean {
  return !capped.some(({ what }) => what === "failed");
}

/** Parts of a report that are compared. */
type Compared = Pick<
  RunReport,
  | "source"
  | "output_run"
  | "n_quanta"
  | "by_status"
  | "run_time"
  | "cpu_time"
  | "lost_time"
  | "max_memory"
  | "tasks"
  | "clusters"
  | "versions"
>;

/**
 * Compares a run with another.
 *
 * @param failedThen what was looked for in this run; null if the other had too many to be listed.
 */
export function compareRuns(
  now: Omit<Compared, "source" | "output_run">,
  baseline: Compared,
  failedThen: FailedThen | null,
): BaselineReport {
  const clusters = differentClusters(now.clusters, baseline.clusters);
  return {
    source: baseline.source,
    output_run: baseline.output_run,
    n_quanta: baseline.n_quanta,
    by_status: baseline.by_status,
    run_time: baseline.run_time,
    cpu_time: baseline.cpu_time,
    lost_time: baseline.lost_time,
    max_memory: baseline.max_memory,
    tasks: pairedTasks(now.tasks, baseline.tasks),
    clusters: clusters.slice(0, MAX_CLUSTERS),
    n_clusters_left: Math.max(0, clusters.length - MAX_CLUSTERS),
    ...(failedThen?.report() ?? { failed_then: null, n_newly_failed: null }),
    versions: differentVersions(now.versions, baseline.versions),
  };
}

function pairedTasks(now: TaskReport[], baseline: TaskReport[]): BaselineReport["tasks"] {
  const before = new Map(baseline.map((task) => [task.task, task]));
  const labels = new Set([...now, ...baseline].map(({ task }) => task));
  const current = new Map(now.map((task) => [task.task, task]));
  return [...labels].map((task) => ({
    task,
    now: figures(current.get(task)),
    baseline: figures(before.get(task)),
  }));
}

function figures(task: TaskReport | undefined): TaskFigures | null {
  if (task === undefined) return null;
  return {
    n_quanta: task.n_quanta,
    by_status: task.by_status,
    median_run_time: task.run_time?.median ?? null,
    p95_run_time: task.run_time?.p95 ?? null,
    max_memory: task.memory?.max ?? null,
    cpu_efficiency: task.cpu_efficiency,
    lost_time: task.lost_time,
  };
}

function differentClusters(
  now: readonly ClusterReport[],
  baseline: readonly ClusterReport[],
): BaselineReport["clusters"] {
  const found = new Map<string, BaselineReport["clusters"][number]>();
  for (const [clusters, which] of [[now, "n_now"], [baseline, "n_baseline"]] as const) {
    for (const { task, exception, shape, n_failed } of clusters) {
      const key = JSON.stringify([task, exception, shape]);
      let pair = found.get(key);
      if (pair === undefined) {
        found.set(key, pair = { task, exception, shape, n_now: 0, n_baseline: 0 });
      }
      pair[which] = n_failed;
    }
  }
  const difference = ({ n_now, n_baseline }: { n_now: number; n_baseline: number }) =>
    Math.abs(n_now - n_baseline);
  return [...found.values()].filter((pair) => difference(pair) > 0)
    .sort((a, b) => difference(b) - difference(a));
}

function differentVersions(
  now: RunReport["versions"],
  baseline: RunReport["versions"],
): BaselineReport["versions"] {
  if (now === null || baseline === null) return null;
  const names = [...new Set([...Object.keys(now), ...Object.keys(baseline)])].sort();
  const of = (versions: Record<string, string>, name: string) =>
    Object.hasOwn(versions, name) ? versions[name] : null;
  return names.map((name) => ({ name, now: of(now, name), baseline: of(baseline, name) }))
    .filter((pair) => pair.now !== pair.baseline);
}
