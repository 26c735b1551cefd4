/** `aggregate-graph PREDICTED_GRAPH REPO`. @module */

import { Command } from "commander";
import type { AggregateSummary } from "../../aggregate/aggregate.ts";
import type { Log } from "../../base/log.ts";
import { AttemptStatus, attemptStatusName } from "../../provenance/quantum_status.ts";
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
import { AGGREGATE_EPILOGUE } from "../help.ts";

/** Logger of the reference's command; levels set for it hold for ours. */
const REFERENCE_LOGGER = "lsst.pipe.base.quantum_graph.aggregator";
/** Problems named in the summary. */
const MAX_LISTED = 20;

/** Options as commander gives them. */
interface Options {
  output?: string;
  processes: number;
  incomplete: boolean;
  dryRun: boolean;
  registerDatasetTypes: boolean;
  updateOutputChain: boolean;
  zstdLevel: number;
  zstdDictSize: number;
  zstdDictNInputs: number;
  mockStorageClasses: boolean;
  promiseIngestGraph: boolean;
  ingestBatchSize: number;
  strict: boolean;
  resume: boolean;
  keepChunks: boolean;
  chunks?: string[];
  busyTimeout: number;
}

/** Defines the command. */
export function aggregateGraphCommand(
  cli: CliContext,
  start: (name: string, aliases?: string[]) => CommandContext,
  setExitCode: (code: number) => void,
): Command {
  const command: Command = new Command("aggregate-graph")
    .summary("scan what a run left behind, register it, and write the provenance graph")
    .description(
      "Scan the files that the quanta of PREDICTED_GRAPH left in REPO, register the datasets that " +
        "are there, and write the provenance graph.",
    )
    .argument("<predicted-graph>", "predicted quantum graph (.qg)")
    .argument("<repo>", "butler repository: directory, configuration file or alias")
    .option("-o, --output <path>", "provenance graph to write; without it none is written")
    .option("-j, --processes <n>", "scanners", integerAtLeast(1, 1024), cli.nProcessors)
    .option(
      "--incomplete",
      "execution may go on: take successful quanta only, write no graph",
      false,
    )
    .option("--complete", "execution has ended (default)")
    .option("--dry-run", "leave the repository as it is; the graph is written all the same", false)
    .option("--interactive-status", "same as --progress")
    .option("--no-interactive-status", "same as --no-progress")
    .addOption(statusIntervalOption())
    .option("--register-dataset-types", "register output dataset types first", true)
    .option("--no-register-dataset-types", "fail if an output dataset type is not registered")
    .option("--update-output-chain", "put the RUN first in the output CHAINED collection", true)
    .option("--no-update-output-chain", "leave the output CHAINED collection as it is")
    .option("--worker-log-dir <path>", "accepted; workers log through --log-file")
    .option("--worker-log-level <level>", "accepted; see --worker-log-dir")
    .option("--zstd-level <n>", "compression level of the graph", integerAtLeast(1, 22), 10)
    .option(
      "--zstd-dict-size <bytes>",
      "compression dictionary; 0 for none",
      integerAtLeast(0),
      32768,
    )
    .option("--zstd-dict-n-inputs <n>", "samples for the dictionary", integerAtLeast(1), 512)
    .option("--mock-storage-classes", "allow _mock_* storage classes", false)
    .option("--no-mock-storage-classes", "refuse them (default)")
    .option("--promise-ingest-graph", "leave metadata, logs and configs to ingest-graph", false)
    .option("--no-promise-ingest-graph", "register them now (default)")
    .option("--ingest-batch-size <n>", "datasets per transaction", integerAtLeast(1), 10000)
    .option("--defensive-ingest", "accepted; the registry is always asked first", false)
    .option("--no-defensive-ingest", "accepted; the registry is asked all the same")
    .option("--busy-timeout <seconds>", BUSY_TIMEOUT_TEXT, integerAtLeast(0, MAX_BUSY_SECONDS), 300)
    .option("--strict", "fail at the first log or metadata file that is broken", false)
    .option("--resume", "continue OUTPUT.chunks if it is there", true)
    .option("--no-resume", "begin anew")
    .option("--keep-chunks", "keep OUTPUT.chunks beside the finished graph", false)
    .option(
      "--chunks <pattern...>",
      "chunk logs that shards of scan have written; may have * and ?",
    )
    .addHelpText("after", AGGREGATE_EPILOGUE);
  // The last of the pair wins, as on the reference's command line.
  command.on("option:complete", () => command.setOptionValue("incomplete", false));
  return command.action(async (graph: string, repository: string, options: Options) => {
    const context = start("aggregate", [REFERENCE_LOGGER]);
    context.stopGracefully();
    // Loaded when needed: other commands start without it.
    const { aggregateGraph } = await import("../../aggregate/aggregate.ts");
    const { env, cwd } = context;
    const summary = await aggregateGraph({
      graphPath: filePath(graph, env, cwd, "predicted graph"),
      repository,
      outputPath: options.output === undefined
        ? null
        : filePath(options.output, env, cwd, "output"),
      nScanners: options.processes,
      isIncomplete: options.incomplete,
      isDryRun: options.dryRun,
      registerDatasetTypes: options.registerDatasetTypes,
      updateOutputChain: options.updateOutputChain,
      zstdLevel: options.zstdLevel,
      zstdDictSize: options.zstdDictSize,
      zstdDictNInputs: options.zstdDictNInputs,
      mockStorageClasses: options.mockStorageClasses,
      promiseIngestGraph: options.promiseIngestGraph,
      ingestBatchSize: options.ingestBatchSize,
      isStrict: options.strict,
      keepChunks: options.keepChunks,
      resume: options.resume,
      chunkLogs: (options.chunks ?? []).map((path) => filePath(path, env, cwd, "chunk logs")),
      busyTimeoutMs: options.busyTimeout * 1000,
    }, context);
    tellSummary(summary, options, context.log, context.peakRssBytes());
    setExitCode(summary.nProblems > 0 ? ExitCode.INCOMPLETE : ExitCode.DONE);
  });
}

function tellSummary(
  summary: AggregateSummary,
  options: Options,
  log: Log,
  peakRssBytes: number | null,
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
    `${options.dryRun ? "Datasets that would be ingested" : "Datasets ingested"}: ` +
      `${summary.nIngested}; skipped, because registered before: ${summary.nKnown}.`,
  );
  if (summary.nBlockedWithFiles > 0) {
    log.log(
      "WARNING",
      `${summary.nBlockedWithFiles} blocked quanta have files; these count as not produced.`,
    );
  }
  if (summary.nProblems > 0) {
    log.log(
      "WARNING",
      `${summary.nBrokenFiles} files are broken and count as absent, ` +
        `${summary.nProblems - summary.nBrokenFiles} more are odd:`,
    );
    for (const problem of summary.problems.slice(0, MAX_LISTED)) {
      log.log(
        "WARNING",
        `  ${problem.path}: ${problem.reason} (quantum ${problem.quantumId}, ${problem.taskLabel})`,
      );
    }
    const nMore = summary.nProblems - Math.min(MAX_LISTED, summary.problems.length);
    if (nMore > 0) log.log("WARNING", `  and ${nMore} more`);
  }
  if (summary.outputPath !== null) {
    say(`Wrote ${summary.outputPath} (${formatBytes(summary.nGraphBytes)}).`);
  }
  if (summary.chunkLogPath !== null) say(`Kept ${summary.chunkLogPath}.`);
  log.log("VERBOSE", formatStages(summary));
  say(
    `Read ${summary.nFilesRead} files (${formatBytes(summary.nBytesRead)}) in ` +
      `${summary.seconds.toFixed(1)} s` +
      (peakRssBytes === null ? "" : `; peak memory ${formatBytes(peakRssBytes)}`) + ".",
  );
}
