/** `aggregate-graph PREDICTED_GRAPH REPO`. @module */

import type { RemotePlaces } from "../../aggregate/remote/remote_places.ts";
import { isRemoteUri } from "../../storage/remote/storage_url.ts";
import { Command, Option } from "commander";
import { DEFAULT_COMPRESSION } from "../../aggregate/scan/compression.ts";
import {
  busyTimeoutOption,
  filePath,
  forceOption,
  integerAtLeast,
  metricsFileOption,
  processesOption,
  readAheadOption,
  statusIntervalOption,
  zstdDictNInputsOption,
  zstdLevelOption,
} from "../args.ts";
import type { LogLevel } from "../../base/log.ts";
import { TOOL_NAME } from "../../base/version.ts";
import type { CliContext, CommandContext } from "../context.ts";
import { aggregateJson, tellAggregateSummary } from "../summaries/aggregate_summary.ts";
import { ExitCode } from "../exit_codes.ts";
import { globalOptionsOf } from "../global_options.ts";
import { AGGREGATE_EPILOGUE } from "../manual/help.ts";
import { requireOrder } from "../operands.ts";
import { linkTarget } from "../../storage/durable_file.ts";
import type { ReadAhead } from "../../storage/whole_files.ts";
import { parseLevel } from "../terminal/logger.ts";

/** Logger of the reference's command; levels set for it hold for ours. */
const REFERENCE_LOGGER = "lsst.pipe.base.quantum_graph.aggregator";

/** Options as commander gives them. */
interface Options {
  output?: string;
  processes: number;
  incomplete: boolean;
  dryRun: boolean;
  registerDatasetTypes: boolean;
  updateOutputChain: boolean;
  zstdLevel?: number;
  zstdDictSize: number;
  zstdDictNInputs: number;
  mockStorageClasses: boolean;
  readAhead: ReadAhead;
  promiseIngestGraph: boolean;
  ingestBatchSize: number;
  strict: boolean;
  allowEmpty: boolean;
  resume: boolean;
  keepChunks: boolean;
  work?: string;
  keepLocal: boolean;
  chunks?: string[];
  busyTimeout: number;
  workerLogDir?: string;
  workerLogLevel: LogLevel;
  json: boolean;
}

/** Defines the command. */
export function aggregateGraphCommand(
  cli: CliContext,
  start: (name: string, aliases?: string[]) => CommandContext,
  setExitCode: (code: number) => void,
): Command {
  const command = commandWithOptions(cli);
  return command.action(async (graph: string, repository: string, options: Options) => {
    const context = start("aggregate", [REFERENCE_LOGGER]);
    requireOrder({ graph, repository }, command, context);
    context.stopGracefully();
    const peakRss = context.measurePeakRss();
    // Loaded when needed: other commands start without it.
    const { env, cwd } = context;
    const places: RemotePlaces = {
      graph: isRemoteUri(graph) ? graph : null,
      output: isRemoteUri(options.output ?? "") ? options.output! : null,
      workFolder: filePath(options.work ?? ".", env, cwd, "work folder"),
      keepsLocal: options.keepLocal,
    };
    const aggregate = await aggregation(places);
    const summary = await aggregate({
      graphPath: places.graph ?? filePath(graph, env, cwd, "predicted graph"),
      repository,
      outputPath: options.output === undefined || places.output !== null
        ? null
        // The lock and the chunk log belong beside the file that is written, whatever leads to it.
        : linkTarget(filePath(options.output, env, cwd, "output")),
      nScanners: options.processes,
      isIncomplete: options.incomplete,
      isDryRun: options.dryRun,
      registerDatasetTypes: options.registerDatasetTypes,
      updateOutputChain: options.updateOutputChain,
      zstdLevel: options.zstdLevel ?? null,
      zstdDictSize: options.zstdDictSize,
      zstdDictNInputs: options.zstdDictNInputs,
      mockStorageClasses: options.mockStorageClasses,
      readAhead: options.readAhead,
      promiseIngestGraph: options.promiseIngestGraph,
      ingestBatchSize: options.ingestBatchSize,
      isStrict: options.strict,
      allowEmpty: options.allowEmpty,
      keepChunks: options.keepChunks,
      resume: options.resume,
      chunkLogs: (options.chunks ?? []).map((path) => filePath(path, env, cwd, "chunk logs")),
      busyTimeoutMs: options.busyTimeout * 1000,
      workerLogs: options.workerLogDir === undefined ? null : {
        directory: filePath(options.workerLogDir, env, cwd, "worker logs"),
        level: options.workerLogLevel,
      },
    }, context);
    const peakRssBytes = peakRss();
    const { ignoreDatastore } = globalOptionsOf(command);
    const again = await commandOf(graph, repository, options, ignoreDatastore);
    tellAggregateSummary(summary, { isDryRun: options.dryRun, peakRssBytes, again }, context.log);
    if (options.json) {
      const { speeds } = context.progress;
      cli.terminal.write(aggregateJson(summary, {
        isDryRun: options.dryRun,
        isIncomplete: options.incomplete,
        speeds,
        peakRssBytes,
      }));
    }
    const isIncomplete = summary.nProblems > 0 || summary.foundNothing;
    setExitCode(isIncomplete ? ExitCode.INCOMPLETE : ExitCode.DONE);
  });
}

function commandWithOptions({ nProcessors }: CliContext): Command {
  const command: Command = new Command("aggregate-graph")
    .description(
      "Scan the files that the quanta of PREDICTED_GRAPH left in REPO, register the datasets that " +
        "are there, and write the provenance graph.",
    )
    .argument("<predicted-graph>", "predicted quantum graph (.qg), path or URI")
    .argument("<repo>", "butler repository: directory, configuration file or alias")
    .option(
      "-o, --output <path>",
      "provenance graph to write, path or URI; without it none is written",
    )
    .addOption(processesOption(nProcessors))
    .addOption(readAheadOption())
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
    .option("--worker-log-dir <path>", "directory for a log file of each worker")
    .addOption(
      new Option("--worker-log-level <level>", "least level in these files; DEBUG: each quantum")
        .argParser(parseLevel).default("VERBOSE"),
    )
    .addOption(zstdLevelOption())
    .option(
      "--zstd-dict-size <bytes>",
      "compression dictionary; 0 for none",
      integerAtLeast(0),
      DEFAULT_COMPRESSION.zstdDictSize,
    )
    .addOption(zstdDictNInputsOption())
    .option("--mock-storage-classes", "allow _mock_* storage classes", false)
    .option("--no-mock-storage-classes", "refuse them (default)")
    .option("--promise-ingest-graph", "leave metadata, logs and configs to ingest-graph", false)
    .option("--no-promise-ingest-graph", "register them now (default)")
    .option("--ingest-batch-size <n>", "datasets per transaction", integerAtLeast(1), 10000)
    .option("--defensive-ingest", "accepted; the registry is always asked first", false)
    .option("--no-defensive-ingest", "accepted; the registry is asked all the same")
    .addOption(busyTimeoutOption())
    .option("--strict", "fail at the first log or metadata file that is broken", false)
    .option(
      "--allow-empty",
      "take it for a result that not one log or metadata file is there",
      false,
    )
    .option("--resume", "continue OUTPUT.chunks if it is there", true)
    .option("--no-resume", "begin anew")
    .option("--work <dir>", "where the graph is made if --output is a URI (current directory)")
    .option("--keep-local", "keep that graph when it has been stored at the URI", false)
    .option("--keep-chunks", "keep OUTPUT.chunks beside the finished graph", false)
    .option(
      "--chunks <pattern...>",
      "chunk logs that shards of scan have written; may have * and ?",
    )
    .addOption(metricsFileOption())
    .addOption(forceOption())
    .option("--json", "print status lines and the summary as JSON lines", false)
    .addHelpText("after", AGGREGATE_EPILOGUE);
  // The last of the pair wins, as on the reference's command line.
  command.on("option:complete", () => command.setOptionValue("incomplete", false));
  return command;
}

/** What aggregates; what URIs need is only loaded for them. */
async function aggregation(
  places: RemotePlaces,
): Promise<typeof import("../../aggregate/aggregate.ts").aggregateGraph> {
  const { aggregateGraph } = await import(
    import.meta.resolve("../../aggregate/aggregate.ts")
  ) as typeof import("../../aggregate/aggregate.ts");
  if (places.graph === null && places.output === null) return aggregateGraph;
  const { aggregateAtUris } = await import(
    import.meta.resolve("../../aggregate/remote/remote_places.ts")
  ) as typeof import("../../aggregate/remote/remote_places.ts");
  return (options, context) => aggregateAtUris(places, options, context, aggregateGraph);
}

/** The command line that does the same once more, but for what makes no difference to the result. */
async function commandOf(
  graph: string,
  repository: string,
  options: Options,
  ignored: readonly string[],
): Promise<string> {
  const { commandLine, ignoringWords } = await import(
    import.meta.resolve("../../check/advice.ts")
  ) as typeof import("../../check/advice.ts");
  return commandLine(
    TOOL_NAME,
    "aggregate-graph",
    graph,
    repository,
    ...(options.output === undefined ? [] : ["--output", options.output]),
    ...(options.work === undefined ? [] : ["--work", options.work]),
    ...(options.keepLocal ? ["--keep-local"] : []),
    ...(options.incomplete ? ["--incomplete"] : []),
    ...(options.promiseIngestGraph ? ["--promise-ingest-graph"] : []),
    ...(options.updateOutputChain ? [] : ["--no-update-output-chain"]),
    ...(options.mockStorageClasses ? ["--mock-storage-classes"] : []),
    ...(options.allowEmpty ? ["--allow-empty"] : []),
    ...ignoringWords(ignored),
  );
}
