/**
 * Why a quantum ended as it did, as far as its attempts and its log tell: one word for programs, and
 * sentences for people.
 *
 * @module
 */

import { AttemptStatus } from "./quantum_status.ts";

/** What is known of how a quantum ended. */
export type Verdict =
  | "succeeded"
  | "succeeded_with_caveats"
  | "raised"
  | "killed"
  | "left_nothing"
  | "log_lost"
  | "aborted"
  | "blocked"
  | "init"
  | "unknown";

/** What a verdict is made from. */
interface LastAttempt {
  status: number;
  caveats: number;
  hasException: boolean;
  /** Whether it left a log. */
  hasLog: boolean;
}

/** @param last The last attempt; null for a quantum that had none. */
export function verdictOf(last: LastAttempt | null): Verdict {
  if (last === null) return "blocked";
  switch (last.status) {
    case AttemptStatus.SUCCESSFUL:
      return last.caveats === 0 ? "succeeded" : "succeeded_with_caveats";
    case AttemptStatus.ABORTED_SUCCESS:
      return "log_lost";
    case AttemptStatus.BLOCKED:
      return "blocked";
    case AttemptStatus.FAILED:
    case AttemptStatus.ABORTED:
      if (last.hasException) return "raised";
      if (last.hasLog) return "killed";
      return last.status === AttemptStatus.ABORTED ? "aborted" : "left_nothing";
    default:
      return "unknown";
  }
}

/**
 * The same in a sentence or two.
 *
 * @param nProduced Outputs that are there; null if nobody has looked.
 */
export function verdictText(verdict: Verdict, nProduced: number | null): string {
  return verdict === "left_nothing" && nProduced !== null && nProduced > 0
    ? "It left outputs, so it was started, but no log, no metadata and no exception: it was killed " +
      "before these were written, or the files were lost."
    : TEXTS[verdict];
}

const TEXTS: Readonly<Record<Verdict, string>> = {
  succeeded: "It succeeded, without caveats.",
  succeeded_with_caveats: "It succeeded, with caveats.",
  raised: "It ended with an exception.",
  killed:
    "Its log has no exception, and there is no metadata that can be used: the process was killed " +
    "before the task ended (memory or time limit, preemption, a lost node), or its metadata file was " +
    "lost or damaged afterwards.",
  left_nothing:
    "It left no log, no metadata and no exception: it was never started, or was killed before " +
    "its log was written, or its files were lost.",
  log_lost:
    "It wrote its metadata, so the task succeeded, but no log: the process ended, or the log was " +
    "lost, after that.",
  aborted: "It was ended from outside, and left no log.",
  blocked: "It was not run: a quantum that it depends on failed.",
  init:
    "It is an init quantum: it writes schemas and configs before the others run, and nothing is " +
    "recorded of how it went.",
  unknown: "Nothing is known of how it ended.",
};
