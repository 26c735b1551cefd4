/**
 * What the report of a run says: the document that `report --json` prints, and that the other forms are
 * made of. Documented in `schema/commands/report.md`.
 *
 * @module
 */

import type { JsonValue } from "../base/json_text.ts";

/** Quanta by name of status. */
export type StatusCounts = { [status: string]: number };

/** Bins of a decade, of run times. */
export const TIME_BINS = 8;
/** Bins of a decade, of memory. */
export const MEMORY_BINS = 16;

/** A distribution over attempts. */
export interface DistributionReport {
  /** Attempts that recorded it. */
  n: number;
  min: number;
  median: number;
  /** 95 in 100 are at most this. */
  p95: number;
  max: number;
  sum: number;
  /** Logarithmic bins of equal width from the least to the largest value. */
  bins: { lower: number[]; n: number[] };
}

/** One task. */
export interface TaskReport {
  task: string;
  /** Quanta that the header announces. */
  n_expected: number;
  /** Quanta that are recorded. */
  n_quanta: number;
  by_status: StatusCounts;
  /** Successful quanta with caveats, by distinct set. */
  caveats: { code: string; caveats: string[]; n: number }[];
  /** Quanta with more than one attempt. */
  n_retried: number;
  n_attempts: number;
  /** First start and last end of an attempt, UTC; null if nothing is recorded. */
  first_start: string | null;
  last_end: string | null;
  /** Seconds of execution, of every attempt; null if nothing is recorded. */
  run_time: DistributionReport | null;
  /** Most resident memory of the process, bytes. */
  memory: DistributionReport | null;
  /** Seconds, summed over attempts. */
  cpu_time: number;
  /** CPU time by run time of the attempts that recorded both, 1 for one processor; null if none did. */
  cpu_efficiency: number | null;
  /** Seconds of run time of attempts that didn't succeed, each at least 0. */
  lost_time: number;
  /** Attempts that didn't succeed and left no times. */
  n_untimed: number;
  /** Memory to ask a batch system for, MB (1,000,000 bytes), rounded up; null if nothing is recorded. */
  request_memory: { p95: number; max: number } | null;
}

/** One attempt in a list of extremes. */
export interface ExtremeReport {
  quantum_id: string;
  task: string;
  data_id: { [dimension: string]: JsonValue };
  attempt: number;
  status: string;
  /** Seconds; null if not recorded. */
  run_time: number | null;
  /** Bytes; null if not recorded. */
  memory: number | null;
}

/** Failures of one task that ended alike. */
export interface ExceptionReport {
  task: string;
  /** Null where none is recorded. */
  exception: string | null;
  /** Quanta whose last attempt ended so, and failed. */
  n_failed: number;
  /** Quanta whose last attempt ended so, and is a success with caveats. */
  n_successful: number;
  /** Earlier attempts that ended so; the quantum was tried again. */
  n_earlier: number;
  /** The first one met. */
  sample: {
    quantum_id: string;
    data_id: { [dimension: string]: JsonValue };
    attempt: number;
    /** How the attempt ended. */
    status: string;
    /** Why, in a sentence or two, as `why` says it; null if its log wasn't looked at and may tell. */
    why: string | null;
    message: string;
    /** End of what its log says of errors; null if it wasn't looked for or isn't there. */
    log: string | null;
  };
}

/** Failures of one task with one exception whose messages have one shape. */
export interface ClusterReport extends ExceptionReport {
  /** Message of all of them, what differs masked; null for all that there were too many kinds of. */
  shape: string | null;
  /** Blocked quanta whose nearest failed quantum upstream is one of these. */
  n_blocked: number;
  /** Seconds of run time of attempts that ended so. */
  lost_time: number;
}

/** A quantum that failed. */
export interface FailedReport {
  quantum_id: string;
  task: string;
  data_id: { [dimension: string]: JsonValue };
  status: string;
  n_attempts: number;
  exception: string | null;
  message: string;
  /** Position in `clusters`; null if that isn't listed. */
  cluster: number | null;
  /** Blocked quanta whose nearest failed quantum upstream this is. */
  n_blocked: number;
  /** Seconds that its last attempt ran; null if not recorded. */
  run_time: number | null;
}

/** Counts of quanta at one place of a heat map. */
export interface PlaceCounts {
  n_quanta: number;
  n_failed: number;
  n_blocked: number;
}

/** A value of a dimension, or several that follow each other, with counts. */
export interface HeatLine extends PlaceCounts {
  first: JsonValue;
  last: JsonValue;
}

/** Where quanta failed, over two dimensions. */
export interface HeatMapReport {
  /** Of rows, of columns. */
  dimensions: [string, string];
  /** Tasks whose quanta are counted. */
  tasks: string[];
  rows: (HeatLine & {
    /** By column, and so are the others. */
    quanta: number[];
    failed: number[];
    blocked: number[];
  })[];
  columns: HeatLine[];
  /** Single values of either dimension at which most quanta failed. */
  worst: (PlaceCounts & { dimension: string; value: JsonValue })[];
}

/** Quanta of one task that can be run again by a table of data IDs. */
export interface RerunReport {
  task: string;
  status: string;
  exception: string | null;
  n: number;
  /** Path of the table that `provenance-report` writes, below its directory. */
  table: string;
}

/** The same numbers of two runs. */
export interface BaselineReport {
  source: string;
  output_run: string;
  n_quanta: number;
  by_status: StatusCounts;
  run_time: number;
  cpu_time: number;
  lost_time: number;
  max_memory: number | null;
  /** Tasks of either run, in pipeline order. */
  tasks: { task: string; now: TaskFigures | null; baseline: TaskFigures | null }[];
  /** Clusters of either run with different numbers of failed quanta, largest difference first. */
  clusters: {
    task: string;
    exception: string | null;
    shape: string | null;
    n_now: number;
    n_baseline: number;
  }[];
  /** Clusters that differ and aren't listed. */
  n_clusters_left: number;
  /**
   * What became of the quanta that failed in the baseline, by task and data ID: their status now, `ABSENT`
   * for those that this run doesn't have. Null if there are too many to be compared.
   */
  failed_then: StatusCounts | null;
  /** Quanta that failed now and didn't fail in the baseline; null likewise. */
  n_newly_failed: number | null;
  /** Packages whose versions differ; null where one isn't known at all. */
  versions: { name: string; now: string | null; baseline: string | null }[] | null;
}

/** Figures of a task that are compared. */
export interface TaskFigures {
  n_quanta: number;
  by_status: StatusCounts;
  /** Seconds; bytes. */
  median_run_time: number | null;
  p95_run_time: number | null;
  max_memory: number | null;
  cpu_efficiency: number | null;
  lost_time: number;
}

/** When what ran. */
export interface TimelineReport {
  /** UTC, ISO 8601. */
  start: string;
  /** Seconds. */
  interval: number;
  n_intervals: number;
  /** Mean number of attempts of all tasks that ran in each interval. */
  running: number[];
  /** Tasks that ran at all, in pipeline order. */
  tasks: {
    task: string;
    /** Mean number of attempts that ran in each interval. */
    running: number[];
    /** Attempts that ended in failure in each interval. */
    failed: number[];
  }[];
}

/** The report of a run. Data IDs have the required dimensions. Times are seconds, sizes bytes. */
export interface RunReport {
  message_type: "report";
  /** Kind and name of what was read. */
  source: string;
  /** Argument that names it on the command line. */
  argument: string;
  output_run: string;
  output: string | null;
  inputs: string[];
  /** Of the predicted graph; empty when unknown. */
  user: string;
  timestamp: string;
  command: string;
  tool: string;
  /** When the report was made, UTC. */
  made: string;
  n_expected: number;
  n_quanta: number;
  by_status: StatusCounts;
  n_caveats: number;
  n_retried: number;
  n_attempts: number;
  /** Attempts whose times can't be right: no time of theirs is counted. */
  n_odd_times: number;
  /** First start and last end of an attempt, UTC; null if nothing is recorded. */
  first_start: string | null;
  last_end: string | null;
  run_time: number;
  cpu_time: number;
  max_memory: number | null;
  /** As of each task. */
  cpu_efficiency: number | null;
  lost_time: number;
  n_untimed: number;
  /** Blocked quanta for which no failed quantum upstream is found. */
  n_unexplained: number;
  tasks: TaskReport[];
  timeline: TimelineReport | null;
  slowest: ExtremeReport[];
  largest: ExtremeReport[];
  exceptions: ExceptionReport[];
  /** Ranked by what they block, then by time lost, then by failed quanta. */
  clusters: ClusterReport[];
  failed: FailedReport[];
  heat_maps: HeatMapReport[];
  /** Fragment of a BPS configuration that asks for the memory of each task. */
  bps_memory: string | null;
  rerun: { commands: string[]; tables: RerunReport[] };
  /** Versions of packages that ran; null if not recorded. */
  versions: { [name: string]: string } | null;
  /** What a reader of the numbers should know. */
  warnings: string[];
  baseline: BaselineReport | null;
  /** What was left out; `n` is how many there are. */
  capped: {
    what: "exceptions" | "clusters" | "samples" | "failed";
    task: string | null;
    n: number;
    shown: number;
  }[];
}
