/** What a reader of a report's numbers should know. @module */

import { formatCount } from "./format.ts";
import type { RunReport } from "./model.ts";
import { oddTimesText } from "./odd_times.ts";

/** What warnings are made of. */
type Numbers = Pick<
  RunReport,
  | "n_expected"
  | "n_quanta"
  | "n_odd_times"
  | "n_untimed"
  | "n_unexplained"
  | "by_status"
  | "versions"
  | "capped"
>;

/** Sentences, without a full stop. */
export function warningsOf(report: Numbers): string[] {
  const { n_expected, n_quanta, by_status } = report;
  const texts: string[] = [];
  if (n_quanta !== n_expected) {
    texts.push(
      `${formatCount(n_quanta)} quanta are recorded, ${formatCount(n_expected)} are expected: ` +
        "the run, or the record of it, isn't complete",
    );
  }
  if (by_status.UNKNOWN > 0) {
    texts.push(
      `${quanta(by_status.UNKNOWN)} of which it isn't known how they ended are counted as failed`,
    );
  }
  if (by_status.ABORTED_SUCCESS > 0) {
    texts.push(
      `${quanta(by_status.ABORTED_SUCCESS)} with metadata but without log are counted as failed`,
    );
  }
  if (report.n_untimed > 0) {
    texts.push(
      `${formatCount(report.n_untimed)} ${
        report.n_untimed === 1 ? "attempt that failed has" : "attempts that failed have"
      } left no times: what they cost, and the memory they had, isn't counted`,
    );
  }
  if (report.n_odd_times > 0) texts.push(oddTimesText(report.n_odd_times));
  if (report.n_unexplained > 0) {
    texts.push(`${quanta(report.n_unexplained)} blocked, with no failed quantum upstream`);
  }
  if (report.versions === null) texts.push("Versions of software are not recorded here");
  return texts;
}

function quanta(n: number): string {
  return `${formatCount(n)} ${n === 1 ? "quantum" : "quanta"}`;
}
