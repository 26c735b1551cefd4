/**
 * What came of an ingest, for people and for scripts.
 *
 * @module
 */

import type { Log } from "../../base/log.ts";
import type { IngestSummary } from "../../ingest/options.ts";
import { formatStages } from "../terminal/amounts.ts";
import { jsonLine } from "../terminal/ndjson.ts";
import { type StageSpeed, timingFields } from "../terminal/progress.ts";
import { formatBytes } from "../../base/text/bytes_text.ts";

/** What is told besides the summary itself. */
interface IngestForm {
  isDryRun: boolean;
  peakRssBytes: number | null;
}

/** Logs the summary. */
export function tellIngestSummary(
  summary: IngestSummary,
  { isDryRun, peakRssBytes }: IngestForm,
  log: Log,
): void {
  const say = (text: string) => log.log("INFO", text);
  const [ingested, deleted] = isDryRun
    ? ["Would have ingested", "would have deleted"]
    : ["Ingested", "deleted"];
  say(
    summary.isAlreadyDone
      ? `RUN ${summary.run} was ingested before; there was nothing left to do.`
      : `RUN ${summary.run}: ${summary.nForgotten} datasets forgotten.`,
  );
  say(
    `${ingested} ${summary.nIngested} metadata, log and config datasets ` +
      `(${summary.nAlreadyDone} were done before, ${summary.nNotProduced} were not produced); ` +
      `${deleted} ${summary.nFilesDeleted} original files and ` +
      `${summary.nDirectoriesDeleted} empty directories.`,
  );
  if (summary.nKept > 0) {
    log.log(
      "WARNING",
      `${summary.nKept} original files stay, because their content is not in the graph:`,
    );
    for (const { path, reason } of summary.keptFiles) log.log("WARNING", `  ${path}: it ${reason}`);
    const nMore = summary.nKept - summary.keptFiles.length;
    if (nMore > 0) log.log("WARNING", `  and ${nMore} more`);
  }
  tellMovedSource(summary, log);
  log.log("VERBOSE", formatStages(summary));
  say(
    `Graph ${summary.graphPath}; ${summary.seconds.toFixed(1)} s` +
      (peakRssBytes === null ? "" : `; peak memory ${formatBytes(peakRssBytes)}`) + ".",
  );
}

/** Says where the graph is that was to be moved, for its old name is in somebody's notes. */
function tellMovedSource({ movedSource, graphPath }: IngestSummary, log: Log): void {
  switch (movedSource?.state) {
    case "deleted":
      log.log("INFO", `Graph ${movedSource.path} was moved to ${graphPath}.`);
      break;
    case "stays":
      log.log(
        "WARNING",
        `Graph ${movedSource.path} stays where it is: it ${movedSource.reason}. The RUN's graph is ` +
          `${graphPath}.`,
      );
      break;
    case "absent":
    case undefined:
      break;
  }
}

/** The summary as JSON lines, `schema/scripting.md`: one for each file that stays, then one for all. */
export function ingestJson(
  summary: IngestSummary,
  { isDryRun, peakRssBytes }: IngestForm,
  speeds: readonly StageSpeed[],
): string {
  return summary.keptFiles.map((file) => jsonLine("kept_file", { ...file })).join("") +
    jsonLine("summary", {
      command: "ingest-graph",
      run: summary.run,
      dry_run: isDryRun,
      already_done: summary.isAlreadyDone,
      n_forgotten: summary.nForgotten,
      n_ingested: summary.nIngested,
      n_skipped: summary.nAlreadyDone,
      n_not_produced: summary.nNotProduced,
      n_files_deleted: summary.nFilesDeleted,
      n_directories_deleted: summary.nDirectoriesDeleted,
      n_kept: summary.nKept,
      graph: summary.graphPath,
      moved_from: summary.movedSource?.state === "deleted" ? summary.movedSource.path : null,
      ...timingFields(summary, speeds, peakRssBytes),
    });
}
