/** `scan PREDICTED_GRAPH REPO --shard i/N --chunks FILE`. @module */

import { Command, InvalidArgumentError } from "commander";
import { DEFAULT_COMPRESSION } from "../../aggregate/scan/compression.ts";
import type { ScanShardSummary, Shard } from "../../aggregate/shards/shard_run.ts";
import type { Environment } from "../../base/environment.ts";
import type { Log } from "../../base/log.ts";
import { linkTarget } from "../../storage/durable_file.ts";
import type { LocalCopy } from "../../storage/remote/local_copy.ts";
import { isRemoteUri } from "../../storage/remote/storage_url.ts";
import type { ReadAhead } from "../../storage/whole_files.ts";
import {
  filePath,
  integerAtLeast,
  metricsFileOption,
  processesOption,
  readAheadOption,
  statusIntervalOption,
  zstdDictNInputsOption,
  zstdLevelOption,
} from "../args.ts";
import type { CliContext, CommandContext } from "../context.ts";
import { ExitCode } from "../exit_codes.ts";
import { SCAN_EPILOGUE } from "../manual/help.ts";
import { requireOrder } from "../operands.ts";
import { type JsonFields, jsonLine } from "../terminal/ndjson.ts";
import { formatBytes } from "../../base/text/bytes_text.ts";

/** Most shards; each makes a file. */
const MAX_SHARDS = 100_000;

/** Options as commander gives them. */
interface Options {
  shard: Shard;
  chunks: string;
  processes: number;
  zstdLevel?: number;
  zstdDictSize: number;
  zstdDictNInputs: number;
  mockStorageClasses: boolean;
  readAhead: ReadAhead;
  strict: boolean;
  allowEmpty: boolean;
  resume: boolean;
  json: boolean;
}

/** Defines the command. */
export function scanCommand(
  cli: CliContext,
  start: (name: string, aliases?: string[]) => CommandContext,
  setExitCode: (code: number) => void,
): Command {
  return new Command("scan")
    .description(
      "Scan the files that one share of the quanta of PREDICTED_GRAPH left in REPO, and write what " +
        "was found to a chunk log. No database is opened.",
    )
    .argument("<predicted-graph>", "predicted quantum graph (.qg), path or URI")
    .argument("<repo>", "butler repository: directory, configuration file or alias")
    .requiredOption("--shard <i/N>", "which share, counted from 0, of how many", shard)
    .requiredOption("--chunks <file>", "chunk log to write, one for each share, in one directory")
    .addOption(processesOption(cli.nProcessors))
    .addOption(readAheadOption())
    .addOption(zstdLevelOption())
    .option(
      "--zstd-dict-size <bytes>",
      "compression dictionary; 0 for none; counts for the first shard only",
      integerAtLeast(0),
      DEFAULT_COMPRESSION.zstdDictSize,
    )
    .addOption(zstdDictNInputsOption())
    .option("--mock-storage-classes", "allow _mock_* storage classes", false)
    .option("--strict", "fail at the first log or metadata file that is broken", false)
    .option("--allow-empty", "go on though nothing at all of the run is there", false)
    .option("--no-resume", "leave aside what earlier scans of this share have found")
    .addOption(statusIntervalOption())
    .addOption(metricsFileOption())
    .option("--json", "print status lines and the summary as JSON lines", false)
    .addHelpText("after", SCAN_EPILOGUE)
    .action(async (graph: string, repository: string, options: Options, command: Command) => {
      const context = start("scan");
      requireOrder({ graph, repository }, command, context);
      context.stopGracefully();
      const { scanShard } = await import(
        import.meta.resolve("../../aggregate/shards/scan_shard.ts")
      ) as typeof import("../../aggregate/shards/scan_shard.ts");
      const { env, cwd } = context;
      using copy = isRemoteUri(graph) ? await copyFrom(graph, env) : null;
      const chunkLogPath = linkTarget(filePath(options.chunks, env, cwd, "chunk log"));
      const summary = await scanShard({
        graphPath: copy?.path ?? filePath(graph, env, cwd, "predicted graph"),
        repository,
        shard: options.shard,
        chunkLogPath,
        nScanners: options.processes,
        mockStorageClasses: options.mockStorageClasses,
        readAhead: options.readAhead,
        zstdLevel: options.zstdLevel ?? null,
        zstdDictSize: options.zstdDictSize,
        zstdDictNInputs: options.zstdDictNInputs,
        isStrict: options.strict,
        allowEmpty: options.allowEmpty,
        resume: options.resume,
      }, context);
      tellSummary(summary, options.shard, chunkLogPath, context.log);
      if (options.json) {
        context.terminal.write(
          jsonLine("summary", summaryJson(summary, options.shard, chunkLogPath)),
        );
      }
      setExitCode(summary.nProblems > 0 ? ExitCode.INCOMPLETE : ExitCode.DONE);
    });
}

async function copyFrom(uri: string, env: Environment): Promise<LocalCopy> {
  const { copyGraph } = await import(
    import.meta.resolve("../../aggregate/remote/remote_places.ts")
  ) as typeof import("../../aggregate/remote/remote_places.ts");
  return await copyGraph(uri, env);
}

function shard(text: string): Shard {
  const match = /^(\d{1,6})\/(\d{1,6})$/.exec(text.trim());
  if (match === null) throw new InvalidArgumentError('It must look like "0/16".');
  const [index, count] = [Number(match[1]), Number(match[2])];
  if (count < 1 || count > MAX_SHARDS) {
    throw new InvalidArgumentError(`There may be 1 to ${MAX_SHARDS} shards.`);
  }
  if (index >= count) {
    throw new InvalidArgumentError(`Shards count from 0: the last of ${count} is ${count - 1}.`);
  }
  return { index, count };
}

function tellSummary(
  summary: ScanShardSummary,
  { index, count }: Shard,
  chunkLogPath: string,
  log: Log,
): void {
  const say = (text: string) => log.log("INFO", text);
  const { nQuanta, nSuccessful, nReused } = summary;
  say(
    `Shard ${index}/${count} of RUN ${summary.outputRun}: ${nQuanta} quanta: ${nSuccessful} ` +
      `successful${nReused > 0 ? ` (${nReused} known from an earlier scan)` : ""}, ` +
      `${nQuanta - nSuccessful} left to aggregate-graph.`,
  );
  if (summary.nProblems > 0) {
    log.log(
      "WARNING",
      `${summary.nBrokenFiles} files are broken, ${
        summary.nProblems - summary.nBrokenFiles
      } more ` +
        "are odd; aggregate-graph will look at them again.",
    );
  }
  if (summary.wasOvertaken) say(`Another process has completed ${chunkLogPath} meanwhile.`);
  else say(`Wrote ${chunkLogPath} (${formatBytes(summary.nChunkLogBytes)}).`);
  say(
    `Read ${summary.nFilesRead} files (${formatBytes(summary.nBytesRead)}) in ` +
      `${summary.seconds.toFixed(1)} s.`,
  );
}

/** As `schema/json/scan.schema.json` says. */
function summaryJson(
  summary: ScanShardSummary,
  { index, count }: Shard,
  chunkLogPath: string,
): JsonFields {
  return {
    output_run: summary.outputRun,
    shard: index,
    n_shards: count,
    chunks: chunkLogPath,
    n_quanta: summary.nQuanta,
    n_successful: summary.nSuccessful,
    n_reused: summary.nReused,
    n_files_read: summary.nFilesRead,
    n_bytes_read: summary.nBytesRead,
    n_broken_files: summary.nBrokenFiles,
    n_problems: summary.nProblems,
    problems: summary.problems.map((problem) => ({
      quantum_id: problem.quantumId,
      task_label: problem.taskLabel,
      path: problem.path,
      reason: problem.reason,
      broken: problem.isBroken,
    })),
    overtaken: summary.wasOvertaken,
    seconds: summary.seconds,
  };
}
