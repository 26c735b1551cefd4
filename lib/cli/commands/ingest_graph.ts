/** `ingest-graph REPO [PROVENANCE_GRAPH]`. @module */

import { Command, Option } from "commander";
import { resolve } from "node:path";
import { UsageError } from "../../base/errors.ts";
import { TRANSFER_MODES, type TransferMode } from "../../ingest/transfer_mode.ts";
import { isRemoteUri, StorageUrl } from "../../storage/remote/storage_url.ts";
import {
  busyTimeoutOption,
  filePath,
  integerAtLeast,
  metricsFileOption,
  statusIntervalOption,
} from "../args.ts";
import type { CliContext, CommandContext } from "../context.ts";
import { ExitCode } from "../exit_codes.ts";
import { INGEST_EPILOGUE } from "../manual/help.ts";
import { requireOrder } from "../operands.ts";
import { ingestJson, tellIngestSummary } from "../summaries/ingest_summary.ts";
import { tellUndoSummary, undoJson } from "../summaries/undo_summary.ts";

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
  allowEmpty: boolean;
  undo: boolean;
  busyTimeout: number;
  json: boolean;
}

/** Defines the command. */
export function ingestGraphCommand(
  cli: CliContext,
  start: (name: string, aliases?: string[]) => CommandContext,
  setExitCode: (code: number) => void,
): Command {
  return new Command("ingest-graph")
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
    .option("--batch-size <n>", "datasets per transaction", integerAtLeast(1), 5000)
    .option("--output-run <run>", "RUN collection; needed if the graph is omitted")
    .option("--resume", "only continue what was begun; refuse to start", false)
    .option(
      "--in-place",
      "rewrite the records of registered datasets instead of registering them again: faster, and " +
        "they never disappear; interrupted, only this tool can finish it, not the butler's",
      false,
    )
    .option(
      "--undo",
      "take the RUN's graph out of it again: logs, metadata and configs get their original files back, " +
        "written anew where they were deleted; PROVENANCE_GRAPH says where the graph is put",
      false,
    )
    .addOption(busyTimeoutOption())
    .addOption(statusIntervalOption())
    .option(
      "--allow-empty",
      "ingest the graph even if it has not one log or metadata, as if nothing had run",
      false,
    )
    .option("--dry-run", "check everything, originals too, and change nothing", false)
    .addOption(metricsFileOption())
    .option("--json", "print status lines and the summary as JSON lines", false)
    .addHelpText("after", INGEST_EPILOGUE)
    .action(async (
      repository: string,
      graph: string | undefined,
      options: Options,
      command: Command,
    ) => {
      const context = start("ingest", [REFERENCE_LOGGER]);
      requireOrder({ graph: graph ?? null, repository }, command, context);
      context.stopGracefully();
      const graphPath = graph === undefined ? null : graphPlace(graph, context);
      if (options.undo) {
        setExitCode(await undo(cli, context, repository, graphPath, options));
        return;
      }
      const peakRss = context.measurePeakRss();
      const { ingestGraph } = await loadIngest();
      const summary = await ingestGraph({
        repository,
        graphPath,
        outputRun: options.outputRun ?? null,
        transfer: options.transfer,
        batchSize: options.batchSize,
        inPlace: options.inPlace,
        resume: options.resume,
        isDryRun: options.dryRun,
        allowEmpty: options.allowEmpty,
        busyTimeoutMs: options.busyTimeout * 1000,
      }, context);
      const form = { isDryRun: options.dryRun, peakRssBytes: peakRss() };
      tellIngestSummary(summary, form, context.log);
      if (options.json) cli.terminal.write(ingestJson(summary, form, context.progress.speeds));
      setExitCode(summary.nKept > 0 ? ExitCode.INCOMPLETE : ExitCode.DONE);
    });
}

/** Absolute path, or URI, of the graph. */
function graphPlace(graph: string, { env, cwd }: CommandContext): string {
  return isRemoteUri(graph)
    ? StorageUrl.parse(graph).text
    : filePath(graph, env, cwd, "provenance graph");
}

/** `--undo`; returns the exit code. */
async function undo(
  cli: CliContext,
  context: CommandContext,
  repository: string,
  graphPath: string | null,
  options: Options,
): Promise<number> {
  for (const name of ["resume", "inPlace", "allowEmpty"] as const) {
    if (!options[name]) continue;
    const option = name.replace(/[A-Z]/, (letter) => `-${letter.toLowerCase()}`);
    throw new UsageError(`Cannot use --undo with --${option}`, { hint: "leave one of them out" });
  }
  if (graphPath !== null && isRemoteUri(graphPath)) {
    throw new UsageError(`Cannot undo with graph "${graphPath}": it is in a remote store`, {
      hint: "give --output-run RUN, or a path on this machine for the graph to be put at",
    });
  }
  const { undoIngest } = await import(
    import.meta.resolve("../../ingest/undo.ts")
  ) as typeof import("../../ingest/undo.ts");
  const summary = await undoIngest({
    repository,
    graphPath: graphPath === null ? null : resolve(graphPath),
    outputRun: options.outputRun ?? null,
    batchSize: options.batchSize,
    isDryRun: options.dryRun,
    busyTimeoutMs: options.busyTimeout * 1000,
  }, context);
  tellUndoSummary(summary, options.dryRun, context.log);
  if (options.json) cli.terminal.write(undoJson(summary, options.dryRun));
  return ExitCode.DONE;
}

async function loadIngest(): Promise<typeof import("../../ingest/ingest.ts")> {
  return await import(import.meta.resolve("../../ingest/ingest.ts"));
}
