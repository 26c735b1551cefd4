/**
 * What came of undoing an ingest, for people and for scripts.
 *
 * @module
 */

import type { Log } from "../../base/log.ts";
import type { UndoSummary } from "../../ingest/options.ts";
import { jsonLine } from "../terminal/ndjson.ts";

/** Logs the summary. */
export function tellUndoSummary(summary: UndoSummary, isDryRun: boolean, log: Log): void {
  const say = (text: string) => log.log("INFO", text);
  const would = (text: string) => isDryRun ? `would be ${text}` : text;
  say(
    `RUN ${summary.run}: ${summary.nRegistered} metadata, log and config datasets ` +
      `${would("backed by their original files again")}, ${summary.nRestored} of which ` +
      `${would("written anew")} out of the graph.`,
  );
  const { nRestored, nUnproven } = summary;
  if (nRestored > nUnproven) {
    say(
      `${nRestored - nUnproven} of these are the same as before byte for byte, by their digests.`,
    );
  }
  if (nUnproven > 0) {
    say(`${nUnproven} say the same as before, but may have been laid out otherwise:`);
    for (const { path, reason } of summary.unproven) say(`  ${path}: it ${reason}`);
    const nMore = nUnproven - summary.unproven.length;
    if (nMore > 0) say(`  and ${nMore} more`);
  }
  say(
    isDryRun
      ? `Graph ${would("put to")} ${summary.graphPath}.`
      : `The graph is ${summary.graphPath}, and the RUN has no run_provenance any more.`,
  );
}

/** The summary as JSON lines, `schema/scripting.md`. */
export function undoJson(summary: UndoSummary, isDryRun: boolean): string {
  return summary.unproven.map((file) => jsonLine("unproven_file", { ...file })).join("") +
    jsonLine("undo_summary", {
      command: "ingest-graph",
      run: summary.run,
      dry_run: isDryRun,
      n_registered: summary.nRegistered,
      n_files_restored: summary.nRestored,
      n_unproven: summary.nUnproven,
      graph: summary.graphPath,
      seconds: summary.seconds,
    });
}
