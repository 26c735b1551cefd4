/** `ingest-graph REPO [PROVENANCE_GRAPH]`. @module */

import { Command, Option } from "commander";
import type { IngestSummary } from "../../ingest/ingest.ts";
import type { Log } from "../../base/log.ts";
import {
  BUSY_TIMEOUT_TEXT,
  filePath,
  formatBytes,
  formatStages,
  integerAtLeast,
  MAX_BUSY_SECONDS,
  statusIntervalOption,
} from "../args.ts";
import type { CliContext, CommandContext } from "../context.ts";
import { ExitCode } from "../exit_codes.ts";
import { TRANSFER_MODES, type TransferMode } from "../../ingest/options.ts";
import { INGEST_EPILOGUE } from "../help.ts";

/** Logger of the reference's command; levels set for it hold for ours. */
const REFERENCE_LOGGER = "lsst.pipe.base.quantum_graph.ingest_graph";

/** Options as commander gives them. */
interface Options {
  transfer: TransferMode;
  batchSize: number;
  inPlace: boolean;
  outputRun?: string;
  resume: boolean;
  dryRun: boolean;
  busyTimeout: number;
}

/** Defines the command. */
export function ingestGraphCommand(
  _cli: CliContext,
  start: (name: string, aliases?: string[]) => CommandContext,
  setExitCode: (code: number) => void,
): Command {
  return new Command("ingest-graph")
    .summary("put the provenance graph into the repository and let it back logs and metadata")
    .description(
      "Ingest PROVENANCE_GRAPH as run_provenance of its RUN and let it back the RUN's metadata, log " +
        "and config datasets, whose original files are deleted.",
    )
    .argument("<repo>", "butler repository: directory, configuration file or alias")
    .argument("[provenance-graph]", "graph that aggregate-graph wrote; omit it to finish the rest")
    .addOption(
      new Option("-t, --transfer <mode>", "how the graph file gets into the datastore")
        .choices(TRANSFER_MODES).default("move"),
    )
    .option("--batch-size <n>", "datasets per transaction", integerAtLeast(1), 10000)
    .option("--output-run <run>", "RUN collection; needed if the graph is omitted")
    .option("--resume", "only continue what was begun; refuse to start", false)
    .option(
      "--in-place",
      "rewrite the records of registered datasets instead of registering them again: faster, and " +
        "they never disappear; interrupted, only this tool can finish it, not the butler's",
      false,
    )
    .option("--busy-timeout <seconds>", BUSY_TIMEOUT_TEXT, integerAtLeast(0, MAX_BUSY_SECONDS), 300)
    .addOption(statusIntervalOption())
    .option("--dry-run", "check everything, change nothing", false)
    .addHelpText("after", INGEST_EPILOGUE)
    .action(async (repository: string, graph: string | undefined, options: Options) => {
      const context = start("ingest", [REFERENCE_LOGGER]);
      context.stopGracefully();
      const { ingestGraph } = await import("../../ingest/ingest.ts");
      const summary = await ingestGraph({
        repository,
        graphPath: graph === undefined
          ? null
          : filePath(graph, context.env, context.cwd, "provenance graph"),
        outputRun: options.outputRun ?? null,
        transfer: options.transfer,
        batchSize: options.batchSize,
        inPlace: options.inPlace,
        resume: options.resume,
        isDryRun: options.dryRun,
        busyTimeoutMs: options.busyTimeout * 1000,
      }, context);
      tellSummary(summary, options, context.log, context.peakRssBytes());
      setExitCode(summary.nKept > 0 ? ExitCode.INCOMPLETE : ExitCode.DONE);
    });
}

function tellSummary(
  summary: IngestSummary,
  options: Options,
  log: Log,
  peakRssBytes: number | null,
): void {
  const say = (text: string) => log.log("INFO", text);
  const [ingested, deleted] = options.dryRun
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
    for (const path of summary.keptFiles) log.log("WARNING", `  ${path}`);
    const nMore = summary.nKept - summary.keptFiles.length;
    if (nMore > 0) log.log("WARNING", `  and ${nMore} more`);
  }
  log.log("VERBOSE", formatStages(summary));
  say(
    `Graph ${summary.graphPath}; ${summary.seconds.toFixed(1)} s` +
      (peakRssBytes === null ? "" : `; peak memory ${formatBytes(peakRssBytes)}`) + ".",
  );
}
