/**
 * Numbers, times and data IDs of a report as people read them.
 *
 * @module
 */

import type { JsonValue } from "../base/json_text.ts";
import { shellLine, shellWord } from "../base/text/shell.ts";
import type { BaselineReport, ExceptionReport, RunReport, TaskReport } from "./model.ts";

/** `12,345`. */
export function formatCount(n: number): string {
  return String(n).replace(/\B(?=(?:\d{3})+$)/g, ",");
}

/** Three figures with the unit that keeps them readable: `12.3 ms`, `4.56 s`, `78.9 min`, `12.3 h`. */
export function formatSeconds(seconds: number): string {
  const size = Math.abs(seconds);
  if (size === 0) return "0 s";
  if (size < 0.9995) return `${threeFigures(seconds * 1000)} ms`;
  if (size < 120) return `${threeFigures(seconds)} s`;
  if (size < 7200) return `${threeFigures(seconds / 60)} min`;
  return `${threeFigures(seconds / 3600)} h`;
}

/** Three figures: `987 MB`, `1.23 GB`. */
export function formatSize(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return unit === 0 ? `${Math.round(value)} B` : `${threeFigures(value)} ${units[unit]}`;
}

function threeFigures(value: number): string {
  const size = Math.abs(value);
  if (size >= 999.5) return formatCount(Math.round(value));
  return value.toFixed(size < 9.995 ? 2 : size < 99.95 ? 1 : 0);
}

/** `2026-07-01 12:34:56`; UTC is said elsewhere. */
export function formatInstant(iso: string): string {
  return iso.replace("T", " ").replace(/(?:\.\d+)?Z$/, "");
}

/** Share in percent: never 0 % for some, nor 100 % for not all. */
export function formatShare(n: number, total: number): string {
  if (total === 0) return "0 %";
  const percent = 100 * n / total;
  if (n > 0 && percent < 0.1) return "< 0.1 %";
  if (n < total && percent > 99.9) return "> 99.9 %";
  return `${percent.toFixed(percent === Math.round(percent) ? 0 : 1)} %`;
}

/** As other commands take it: `visit=101 detector=2`. */
export function formatDataIdTerms(dataId: { [dimension: string]: JsonValue }): string {
  return Object.entries(dataId).map(([name, value]) => `${name}=${String(value)}`).join(" ") ||
    "(empty)";
}

/** `Aborted success`. */
export function statusWords(name: string): string {
  return name[0] + name.slice(1).toLowerCase().replaceAll("_", " ");
}

/** Statuses in the order in which they are shown, good ones first. */
export const SHOWN_STATUSES = [
  "SUCCESSFUL",
  "ABORTED_SUCCESS",
  "UNKNOWN",
  "ABORTED",
  "FAILED",
  "BLOCKED",
] as const;

/** Statuses that a report has columns for: the usual three, and others that occur. */
export function shownStatuses({ by_status }: RunReport): string[] {
  return SHOWN_STATUSES.filter((name) =>
    name === "SUCCESSFUL" || name === "FAILED" || name === "BLOCKED" || by_status[name] > 0
  );
}

/** Quanta that failed in any way; blocked ones never began. */
export function nProblems(counts: { [status: string]: number }): number {
  return counts.FAILED + counts.ABORTED + counts.ABORTED_SUCCESS + counts.UNKNOWN;
}

/** Share of a processor: `97 %`; more than 100 with several threads. */
export function formatEfficiency(efficiency: number | null): string {
  return efficiency === null ? "–" : `${(100 * efficiency).toFixed(efficiency < 0.1 ? 1 : 0)} %`;
}

/** Shape of a cluster's messages as people read it. */
export function shapeText(shape: string | null): string {
  return shape ?? "other messages";
}

/** `*P (3), +N (1)`. */
export function caveatsText({ caveats }: TaskReport): string {
  return caveats.map(({ code, n }) => `${code} (${formatCount(n)})`).join(", ");
}

/** Name of a group of failures. */
export function exceptionName(exception: ExceptionReport["exception"]): string {
  return exception ?? "no exception recorded";
}

/** Statuses that count as failed, as `ls --status` takes them. */
const FAILED_STATUSES = "FAILED,ABORTED,ABORTED_SUCCESS,UNKNOWN";

/** Command that lists the failed quanta of a task, or of all. */
export function listFailedCommand({ argument }: Pick<RunReport, "argument">, task: string | null) {
  const words = task === null ? [] : ["--task", task];
  return shellLine(["provgraph", "ls", argument, "quanta", ...words, "--status", FAILED_STATUSES]);
}

/** What became of the quanta that failed in another run; null if they weren't compared. */
export function failedThenText({ failed_then, n_newly_failed }: BaselineReport): string | null {
  if (failed_then === null || n_newly_failed === null) return null;
  const then = Object.values(failed_then).reduce((sum, n) => sum + n, 0);
  return `Of ${formatCount(then)} quanta that failed then, ${
    formatCount(failed_then.SUCCESSFUL)
  } are successful now, ${formatCount(nProblems(failed_then))} failed again, ${
    formatCount(failed_then.BLOCKED)
  } are blocked and ${formatCount(failed_then.ABSENT)} are not in this run; ${
    formatCount(n_newly_failed)
  } failed that didn't fail then`;
}

/** What was left out, in sentences, with how to see it. */
export function cappedTexts(report: RunReport): string[] {
  return report.capped.map(({ what, task, n, shown }) => {
    const counts = `${formatCount(shown)} of ${formatCount(n)}`;
    switch (what) {
      case "exceptions":
        return `Groups of failures: ${counts} are listed, those with most failed quanta.`;
      case "clusters":
        return `Kinds of failures: ${counts} are listed, those that block most quanta.`;
      case "samples":
        return `Logs of samples: those of the first ${counts} kinds of failures were looked at.`;
      case "failed":
        return `Failed quanta of ${task}: ${counts} are listed, in the order of the file; all: ${
          listFailedCommand(report, task)
        }`;
    }
  });
}

/** Letters of a message that a row of a table has room for. */
const ROW_LETTERS = 240;

/** First line of a message, not too long. */
export function firstLine(message: string): string {
  const [line] = message.split("\n", 1);
  return line.length <= ROW_LETTERS ? line : `${line.slice(0, ROW_LETTERS)} [...]`;
}

/** Command that tells more of a sample, for a POSIX shell: its log, or `why` if it left none. */
export function sampleCommandLine(
  { argument }: RunReport,
  { exception, sample: { quantum_id, attempt, log } }: ExceptionReport,
): string {
  const word = shellWord(argument);
  return exception === null && log === null
    ? `provgraph why ${word} ${quantum_id}`
    : `provgraph cat ${word} log ${quantum_id} --attempt ${attempt}`;
}
