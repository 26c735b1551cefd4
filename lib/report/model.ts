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
    message: string;
    /** End of what its log says of errors; null if it wasn't looked for or isn't there. */
    log: string | null;
  };
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
}

/** When what ran. */
export interface TimelineReport {
  /** UTC, ISO 8601. */
  start: string;
  /** Seconds. */
  interval: number;
  n_intervals: number;
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
  tasks: TaskReport[];
  timeline: TimelineReport | null;
  slowest: ExtremeReport[];
  largest: ExtremeReport[];
  exceptions: ExceptionReport[];
  failed: FailedReport[];
  /** What was left out; `n` is how many there are. */
  capped: {
    what: "exceptions" | "samples" | "failed";
    task: string | null;
    n: number;
    shown: number;
  }[];
}
