/** `grep PATTERN SOURCE`. @module */

import { Command, Option } from "commander";
import { UsageError } from "../../base/errors.ts";
import { type BusyOptions, busyTimeoutOption, logLevel, processesOption } from "../args.ts";
import type { CliContext, CommandContext } from "../context.ts";
import { openArgument } from "../open_argument.ts";
import { ExitCode } from "../exit_codes.ts";
import { GREP_EPILOGUE } from "../manual/help.ts";
import { OutputBuffer } from "../terminal/ndjson.ts";
import { withPager } from "../terminal/pager.ts";
import { gather, parseStatus } from "../values.ts";

/** Milliseconds that a pattern may take for one record. */
const RECORD_MS = 10_000;
/** Records of one log that are printed; more are counted. */
const MOST_RECORDS = 10_000;
/** Logs that can't be read are told one by one up to so many. */
const MAX_PROBLEMS = 20;

/** Options as commander gives them. */
interface Options extends BusyOptions {
  run?: string;
  task: string[];
  status: string[];
  where?: string;
  level?: number;
  ignoreCase: boolean;
  fixedStrings: boolean;
  count: boolean;
  json: boolean;
  processes: number;
}

/** Defines the command. */
export function grepCommand(
  cli: CliContext,
  start: (name: string, aliases?: string[]) => CommandContext,
  setExitCode: (code: number) => void,
): Command {
  return new Command("grep")
    .description("Print the records of all logs of SOURCE, of all attempts, that match PATTERN.")
    .argument("<pattern>", "regular expression, as of JavaScript")
    .argument("<source>", "provenance graph (path or URL), chunk log or butler repository")
    .option("--run <run>", "RUN collection of a repository")
    .addOption(
      new Option("--task <label>", "only quanta of these tasks").argParser(gather)
        .default([], "all"),
    )
    .addOption(
      new Option("--status <status>", "only quanta whose last attempt has one of these")
        .argParser(gather).default([], "all"),
    )
    .option("--where <expression>", "only quanta that fit, as for ls: 'visit=1228'")
    .option("--level <level>", "only records of this level and above", logLevel)
    .option("-i, --ignore-case", "letters match in either case", false)
    .option("-F, --fixed-strings", "PATTERN is text, not a regular expression", false)
    .option("--count", "print how many records match in each log, not the records", false)
    .option("--json", "print JSON lines", false)
    .addOption(processesOption(cli.nProcessors))
    .addOption(busyTimeoutOption())
    .addHelpText("after", GREP_EPILOGUE)
    .action(async (pattern: string, argument: string, options: Options) => {
      const context = start("grep");
      const search = searchOptions(pattern, options);
      const statuses = options.status.map(parseStatus);
      const { grep } = await import(
        import.meta.resolve("../../grep/grep.ts")
      ) as typeof import("../../grep/grep.ts");
      const { GrepWriter } = await import(
        import.meta.resolve("../summaries/grep_output.ts")
      ) as typeof import("../summaries/grep_output.ts");
      await using source = await openArgument(argument, options.run, options, cli, context);
      await withPager(context, !options.json, async (output) => {
        using buffer = new OutputBuffer(output);
        const writer = new GrepWriter(source, (text) => buffer.write(text), {
          isJson: options.json,
          isCounting: options.count,
          style: context.style,
        });
        const summary = await grep(
          source,
          {
            search,
            filter: { tasks: options.task, statuses, where: options.where ?? null },
            nWorkers: options.processes,
            makeWorker: cli.makeWorker,
            recordMs: RECORD_MS,
          },
          async (hit) => {
            await writer.add(hit);
            await output.drain();
          },
        );
        writer.end(summary);
        tellSummary(summary, context);
        if (summary.problems.length > 0) setExitCode(ExitCode.INCOMPLETE);
      });
    });
}

function searchOptions(pattern: string, { fixedStrings, ignoreCase, count, level }: Options) {
  if (pattern === "") {
    throw new UsageError("Cannot search for nothing: PATTERN is empty", {
      hint: "'.' matches every record",
    });
  }
  const source = fixedStrings ? pattern.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&") : pattern;
  try {
    new RegExp(source, "u");
  } catch (error) {
    throw new UsageError(
      `Cannot use "${pattern}" as PATTERN: ${(error as Error).message}`,
      { hint: "--fixed-strings looks for the text as it is" },
    );
  }
  return {
    source,
    isCaseIgnored: ignoreCase,
    minLevel: level ?? null,
    nMost: count ? 0 : MOST_RECORDS,
  };
}

function tellSummary(
  { nLogs, nRecords, nLogsFound, problems }: {
    nLogs: number;
    nRecords: number;
    nLogsFound: number;
    problems: readonly { quantumId: string | null; reason: string }[];
  },
  { log }: CommandContext,
): void {
  log.log("INFO", `${nRecords} records match, in ${nLogsFound} of ${nLogs} logs.`);
  if (problems.length === 0) return;
  log.log("WARNING", `${problems.length} logs can't be read:`);
  for (const { quantumId, reason } of problems.slice(0, MAX_PROBLEMS)) {
    log.log("WARNING", `  ${quantumId ?? "log"}: ${reason}`);
  }
}
