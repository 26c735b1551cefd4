/**
 * Failed attempts of a run, sorted into clusters and by exception.
 *
 * @module
 */

import {
  type ClusterKey,
  compareClusters,
  FailureClusters,
} from "../../provenance/failure_clusters.ts";
import type { ClusterReport, ExceptionReport } from "../model.ts";

/** What became of the quantum after an attempt that ended so. */
type AttemptEnd = "failed" | "successful" | "earlier";

/** An attempt as it is sorted. */
interface AttemptInCluster {
  task: string;
  exception: string | null;
  message: string;
  quantumId: string;
  attempt: number;
}

/** Counts clusters. Memory: that of {@linkcode FailureClusters}. */
export class ClusterTable {
  readonly #clusters = new FailureClusters<ClusterReport>(
    // The sample is that of the first attempt, which is added at once.
    (key) => ({
      ...key,
      n_failed: 0,
      n_successful: 0,
      n_earlier: 0,
      n_blocked: 0,
      lost_time: 0,
      sample: null as unknown as ClusterReport["sample"],
    }),
  );

  /**
   * Counts an attempt.
   *
   * @param lostSeconds Run time that came to nothing.
   * @param sample Makes what is told of the attempt, if it is the sample of its cluster: the first one of
   *   the quantum with the least id.
   */
  add(
    of: AttemptInCluster,
    end: AttemptEnd,
    lostSeconds: number,
    sample: () => ClusterReport["sample"],
  ): ClusterReport {
    const cluster = this.#clusters.of(of.task, of.exception, of.message);
    const first = { quantum_id: of.quantumId, attempt: of.attempt };
    if (cluster.sample === null || isBefore(first, cluster.sample)) cluster.sample = sample();
    if (end === "failed") cluster.n_failed++;
    else if (end === "successful") cluster.n_successful++;
    else cluster.n_earlier++;
    cluster.lost_time += lostSeconds;
    return cluster;
  }

  /** Ranked. */
  clusters(): ClusterReport[] {
    return this.#clusters.all().sort((a, b) =>
      compareClusters(a, b) || b.n_successful - a.n_successful || b.n_earlier - a.n_earlier ||
      compareNames(a, b)
    );
  }

  /** The same by task and exception alone, most failed quanta first. */
  exceptions(): ExceptionReport[] {
    const groups = new Map<string, ExceptionReport>();
    for (const cluster of this.#clusters.all()) {
      const { task, exception, n_failed, n_successful, n_earlier, sample } = cluster;
      const key = `${task}\0${exception ?? "\0"}`;
      const group = groups.get(key);
      if (group === undefined) {
        groups.set(key, { task, exception, n_failed, n_successful, n_earlier, sample });
      } else {
        if (isBefore(sample, group.sample)) group.sample = sample;
        group.n_failed += n_failed;
        group.n_successful += n_successful;
        group.n_earlier += n_earlier;
      }
    }
    return [...groups.values()].sort((a, b) =>
      b.n_failed - a.n_failed || b.n_successful - a.n_successful || b.n_earlier - a.n_earlier ||
      compareNames({ ...a, shape: "" }, { ...b, shape: "" })
    );
  }
}

/** Order of attempts that doesn't depend on which came first. */
function isBefore(
  a: Pick<ClusterReport["sample"], "quantum_id" | "attempt">,
  b: Pick<ClusterReport["sample"], "quantum_id" | "attempt">,
): boolean {
  return a.quantum_id < b.quantum_id || a.quantum_id === b.quantum_id && a.attempt < b.attempt;
}

/** The same of clusters. */
function compareNames(a: ClusterKey, b: ClusterKey): number {
  const [left, right] = [a, b].map(({ task, exception, shape }) =>
    JSON.stringify([task, exception, shape])
  );
  return left < right ? -1 : left > right ? 1 : 0;
}
