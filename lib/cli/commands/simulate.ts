/** `simulate DIR`. @module */

import { Command, InvalidArgumentError, Option } from "commander";
import type { Log } from "../../base/log.ts";
import type { SimulateSummary } from "../../simulate/simulate.ts";
import { filePath, integerAtLeast, statusIntervalOption } from "../args.ts";
import type { CliContext, CommandContext } from "../context.ts";
import { SIMULATE_EPILOGUE } from "../manual/help.ts";
import { jsonLine } from "../terminal/ndjson.ts";
import { formatBytes } from "../../base/text/bytes_text.ts";

/** Largest number of visits, and of detectors. */
const MAX_VISITS = 1_000_000;
const MAX_DETECTORS = 1000;
const MAX_LOG_SIZE = 2 ** 24;

/** Options as commander gives them. */
interface Options {
  visits: number;
  detectors: number;
  fail: number;
  logSize: number;
  seed: number;
  graphOnly: boolean;
  json: boolean;
}

/** Defines the command. */
export function simulateCommand(
  cli: CliContext,
  start: (name: string, aliases?: string[]) => CommandContext,
): Command {
  return new Command("simulate")
    .description(
      "Make a butler repository, a predicted graph and the files of an executed run in DIR, to try " +
        "the other commands on. Nothing is computed: all contents are made up.",
    )
    .argument("<dir>", "directory to fill; it must not hold repo or predicted.qg")
    .option("--visits <n>", "number of visits", integerAtLeast(1, MAX_VISITS), 10)
    .option("--detectors <n>", "number of detectors", integerAtLeast(1, MAX_DETECTORS), 9)
    .addOption(
      new Option("--fail <fraction>", "share of executed quanta that fail at least once")
        .argParser(fraction).default(0.02),
    )
    .option(
      "--log-size <bytes>",
      "median size of logs; one in 300 is 34 times as long",
      integerAtLeast(0, MAX_LOG_SIZE),
      30_000,
    )
    .option("--seed <n>", "what IDs and contents follow from", integerAtLeast(0), 1)
    .option("--graph-only", "leave out the files of the run", false)
    .addOption(statusIntervalOption())
    .option("--json", "print the summary as JSON", false)
    .addHelpText("after", SIMULATE_EPILOGUE)
    .action(async (directory: string, options: Options) => {
      const context = start("simulate");
      context.stopGracefully();
      const peakRss = context.measurePeakRss();
      const { simulate } = await import(
        import.meta.resolve("../../simulate/simulate.ts")
      ) as typeof import("../../simulate/simulate.ts");
      const summary = await simulate({
        directory: filePath(directory, context.env, context.cwd, "directory"),
        nVisits: options.visits,
        nDetectors: options.detectors,
        failFraction: options.fail,
        logSize: options.logSize,
        seed: options.seed,
        isGraphOnly: options.graphOnly,
      }, context);
      const peakRssBytes = peakRss();
      tellSummary(summary, options, context.log, peakRssBytes);
      if (options.json) {
        cli.terminal.write(jsonLine("summary", {
          command: "simulate",
          graph: summary.graphPath,
          repository: summary.repository,
          n_quanta: summary.nQuanta,
          n_datasets: summary.nDatasets,
          quanta_by_outcome: summary.nByOutcome,
          graph_bytes: summary.graphBytes,
          n_files: summary.nFiles,
          n_file_bytes: summary.nFileBytes,
          seconds: summary.seconds,
          peak_rss_bytes: peakRssBytes,
        }));
      }
    });
}

function fraction(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0 && value <= 1)) {
    throw new InvalidArgumentError("It must be a number from 0 to 1.");
  }
  return value;
}

function tellSummary(
  summary: SimulateSummary,
  options: Options,
  log: Log,
  peakRssBytes: number | null,
): void {
  const say = (text: string) => log.log("INFO", text);
  const { nQuanta, nDatasets, nByOutcome: n } = summary;
  say(`Graph ${summary.graphPath}: ${nQuanta} quanta, ${nDatasets} datasets.`);
  if (!options.graphOnly) {
    say(
      `Quanta: ${n.SUCCESSFUL} successful, ${n.RETRIED + n.RETRIED_TWICE} after retries, ` +
        `${n.PARTIAL} with caveats, ${n.FAILED + n.FAILED_TWICE} failed, ${n.KILLED} killed, ` +
        `${n.BLOCKED} blocked.`,
    );
  }
  say(
    `Repository ${summary.repository}: ${summary.nFiles} files, ` +
      `${formatBytes(summary.nFileBytes)}; ${summary.seconds.toFixed(1)} s` +
      (peakRssBytes === null ? "" : `; peak memory ${formatBytes(peakRssBytes)}`) + ".",
  );
}
