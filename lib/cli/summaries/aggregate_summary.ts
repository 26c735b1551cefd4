/**
 * What came of an aggregation, for people and for scripts.
 *
 * @module
 */

import type { AggregateSummary } from "../../aggregate/options.ts";
import type { Log } from "../../base/log.ts";
import { shellLine } from "../../base/text/shell.ts";
import { TOOL_NAME } from "../../base/version.ts";
import { AttemptStatus, attemptStatusName } from "../../provenance/quantum_status.ts";
import { formatStages } from "../terminal/amounts.ts";
import { jsonLine } from "../terminal/ndjson.ts";
import { type StageSpeed, timingFields } from "../terminal/progress.ts";
import { formatBytes } from "../../base/text/bytes_text.ts";

/** Problems that are logged again with the summary. */
const MAX_LISTED = 20;

/** Logs the summary. */
export function tellAggregateSummary(
  summary: AggregateSummary,
  { isDryRun, peakRssBytes, again }: {
    isDryRun: boolean;
    peakRssBytes: number | null;
    /** The command line that does the same once more. */
    again: string;
  },
  log: Log,
): void {
  const say = (text: string) => log.log("INFO", text);
  const statuses = Object.entries(summary.nByStatus)
    .filter(([status, n]) => n > 0 && Number(status) !== AttemptStatus.BLOCKED)
    .sort(([a], [b]) => Number(b) - Number(a))
    .map(([status, n]) => `${n} ${attemptStatusName(Number(status))}`);
  if (summary.nBlocked > 0) statuses.push(`${summary.nBlocked} BLOCKED`);
  if (summary.nAbandoned > 0) {
    statuses.push(`${summary.nAbandoned} abandoned (run again without --incomplete to finish)`);
  }
  say(
    `RUN ${summary.outputRun}: ${summary.nQuanta} quanta: ${statuses.join(", ") || "none"}` +
      (summary.nReused > 0 ? `; ${summary.nReused} taken from the chunk log` : "") + ".",
  );
  say(
    `${isDryRun ? "Datasets that would be ingested" : "Datasets ingested"}: ` +
      `${summary.nIngested}; skipped, because registered before: ${summary.nKnown}.`,
  );
  if (summary.nBlockedWithFiles > 0) {
    log.log(
      "WARNING",
      `${summary.nBlockedWithFiles} blocked quanta have files; these count as not produced.`,
    );
  }
  tellProblems(summary, again, log);
  if (summary.outputPath !== null) {
    say(`Wrote ${summary.outputPath} (${formatBytes(summary.nGraphBytes)}).`);
    if ((summary.nByStatus[AttemptStatus.FAILED] ?? 0) > 0) say(whyHint(summary.outputPath));
  }
  if (summary.chunkLogPath !== null) say(`Kept ${summary.chunkLogPath}.`);
  log.log("VERBOSE", formatStages(summary));
  say(
    `Read ${summary.nFilesRead} files (${formatBytes(summary.nBytesRead)}) in ` +
      `${summary.seconds.toFixed(1)} s` +
      (peakRssBytes === null ? "" : `; peak memory ${formatBytes(peakRssBytes)}`) + ".",
  );
}

/** What tells why quanta failed. */
function whyHint(path: string): string {
  return "To see what failed, and why: " +
    `${shellLine([TOOL_NAME, "ls", path, "quanta", "--status", "FAILED"])}; ` +
    `${shellLine([TOOL_NAME, "why", path])} ID`;
}

/** Which files can't be used, why, what that did to the quanta behind them, and what mends it. */
function tellProblems(summary: AggregateSummary, again: string, log: Log): void {
  if (summary.nProblems === 0) return;
  const warn = (text: string) => log.log("WARNING", text);
  warn(
    `${summary.nBrokenFiles} files are broken and count as absent, ` +
      `${summary.nProblems - summary.nBrokenFiles} more are odd:`,
  );
  for (const { path, reason, quantumId, taskLabel } of summary.problems.slice(0, MAX_LISTED)) {
    const owner = taskLabel === "" ? "versions of packages" : `quantum ${quantumId}, ${taskLabel}`;
    warn(`  ${path}: ${reason} (${owner})`);
  }
  const nMore = summary.nProblems - Math.min(MAX_LISTED, summary.problems.length);
  if (nMore > 0) warn(`  and ${nMore} more`);
  if (summary.nUnreadable > 0) {
    warn(
      `${summary.nUnreadable} quanta count as ${summary.isIncomplete ? "not done" : "FAILED"} ` +
        "because their metadata can't be read; " +
        `${summary.nBehindUnreadable} quanta behind them left files, and count by these.`,
    );
  }
  if (summary.nBrokenFiles > 0) {
    warn(
      "To mend it, put sound copies in the place of broken files, or execute their quanta again; " +
        `then, before ingest-graph: ${again}`,
    );
  }
}

/** The summary as JSON lines, `schema/scripting.md`: one for each problem, then one for all. */
export function aggregateJson(
  summary: AggregateSummary,
  { isDryRun, isIncomplete, speeds, peakRssBytes }: {
    isDryRun: boolean;
    isIncomplete: boolean;
    speeds: readonly StageSpeed[];
    peakRssBytes: number | null;
  },
): string {
  const problems = summary.problems.map((problem) =>
    jsonLine("problem", {
      path: problem.path,
      reason: problem.reason,
      quantum_id: problem.quantumId,
      task_label: problem.taskLabel,
      broken: problem.isBroken,
    })
  );
  const byStatus = new Map(
    Object.values(AttemptStatus).map((status) => [
      attemptStatusName(status),
      summary.nByStatus[status] ?? 0,
    ]),
  );
  byStatus.set(attemptStatusName(AttemptStatus.BLOCKED), summary.nBlocked);
  return problems.join("") + jsonLine("summary", {
    command: "aggregate-graph",
    run: summary.outputRun,
    dry_run: isDryRun,
    incomplete: isIncomplete,
    n_quanta: summary.nQuanta,
    quanta_by_status: Object.fromEntries(byStatus),
    n_abandoned: summary.nAbandoned,
    n_from_chunk_log: summary.nReused,
    n_blocked_with_files: summary.nBlockedWithFiles,
    n_unreadable: summary.nUnreadable,
    n_behind_unreadable: summary.nBehindUnreadable,
    nothing_found: summary.foundNothing,
    n_ingested: summary.nIngested,
    n_skipped: summary.nKnown,
    n_files_read: summary.nFilesRead,
    n_bytes_read: summary.nBytesRead,
    n_problems: summary.nProblems,
    n_broken_files: summary.nBrokenFiles,
    output: summary.outputPath,
    output_bytes: summary.outputPath === null ? null : summary.nGraphBytes,
    chunk_log: summary.chunkLogPath,
    merged: summary.merged === null ? null : {
      n_chunk_logs: summary.merged.nLogs,
      n_quanta: summary.merged.nQuanta,
      n_repeated: summary.merged.nReplaced,
      n_recompressed: summary.merged.nRecompressed,
      n_empty: summary.merged.emptyPaths.length,
      n_damages: summary.merged.damages.length,
    },
    ...timingFields(summary, speeds, peakRssBytes),
  });
}
