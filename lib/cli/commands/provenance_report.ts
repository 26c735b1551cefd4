/** `provenance-report REPO_OR_QG [COLLECTION]`. @module */

import { Command, InvalidArgumentError, Option } from "commander";
import { UsageError } from "../../base/errors.ts";
import { visibleJson, visibleText } from "../../base/text/visible_text.ts";
import { SILENT_PROGRESS } from "../../base/progress.ts";
import { AttemptStatus } from "../../provenance/quantum_status.ts";
import { CAVEAT_NAMES, caveatBit } from "../../provenance/success_caveats.ts";
import {
  type BusyOptions,
  busyTimeoutOption,
  filePath,
  forceOption,
  lockWait,
  statusIntervalOption,
} from "../args.ts";
import type { CliContext, CommandContext } from "../context.ts";
import { PROVENANCE_REPORT_EPILOGUE } from "../manual/help.ts";
import { requireRepositoryFirst } from "../operands.ts";
import { gather } from "../values.ts";

/** Options as commander gives them. */
interface Options extends BusyOptions {
  state: string[];
  withoutState: string[];
  statusReport?: string;
  quantumTable: boolean;
  exceptionTable: boolean;
  caveat: string[];
  dataIdTableDir?: string;
  resourceUsage?: string;
  format: "json" | "table";
  json: boolean;
}

const STATE_NAMES = Object.keys(AttemptStatus);

/** States that clearly are problems. */
const DEFAULT_STATES = ["ABORTED", "ABORTED_SUCCESS", "FAILED"];

/** Defines the command. */
export function provenanceReportCommand(
  _cli: CliContext,
  start: (name: string, aliases?: string[]) => CommandContext,
): Command {
  return new Command("provenance-report")
    .description(
      "Print tables of what became of the quanta of a run: by status, with caveats, and by " +
        "exception type. The files list the quanta behind the numbers.",
    )
    .argument("<repo-or-qg>", "provenance graph file, or butler repository if COLLECTION is given")
    .argument("[collection]", "collection whose run_provenance is read")
    .addOption(
      repeatable("--state <state>", "also list quanta of this state (repeatable)", STATE_NAMES),
    )
    .addOption(withoutState())
    .option("--status-report <file>", "write listed quanta with their attempts, JSON")
    .option("--quantum-table", "print the table of quanta by status", true)
    .option("--no-quantum-table", "do not print it")
    .option("--exception-table", "print the table of exception types", true)
    .option("--no-exception-table", "do not print it")
    .addOption(
      repeatable(
        "--caveat <caveat>",
        "also list successful quanta that have one of these caveats (repeatable)",
        CAVEAT_NAMES,
      ),
    )
    .option(
      "--data-id-table-dir <directory>",
      "write data IDs of listed quanta, one ECSV file per task, state and exception type",
    )
    .option(
      "--resource-usage <file>",
      "write memory and times of each quantum, CSV; - prints that instead of tables",
    )
    .addOption(
      new Option("--format <format>", "layout of what is printed").choices(["json", "table"])
        .default("table"),
    )
    .option("--json", "same as --format json", false)
    .addOption(forceOption())
    .addOption(statusIntervalOption())
    .addOption(busyTimeoutOption())
    .addHelpText("after", PROVENANCE_REPORT_EPILOGUE)
    .action(async (
      argument: string,
      collection: string | undefined,
      options: Options,
      command: Command,
    ) => {
      const context = start("provenance-report");
      if (collection !== undefined) {
        requireRepositoryFirst(argument, collection, command, context);
      }
      await report(argument, collection ?? null, options, context);
    });
}

/** Makes the report and prints what was asked for. */
async function report(
  argument: string,
  collection: string | null,
  options: Options,
  context: CommandContext,
): Promise<void> {
  const { env, cwd, progress, terminal } = context;
  const isUsageAnswer = options.resourceUsage === "-";
  const isJson = options.json || options.format === "json";
  if (isUsageAnswer && isJson) {
    throw new UsageError("Cannot print CSV and JSON: --resource-usage - excludes --json");
  }
  const path = (value: string | undefined, what: string): string | null =>
    value === undefined ? null : filePath(value, env, cwd, what);
  const { openProvenance } = await import(
    import.meta.resolve("../../report/tables/open_graph.ts")
  ) as typeof import("../../report/tables/open_graph.ts");
  const { makeProvenanceReport } = await import(
    import.meta.resolve("../../report/tables/tables.ts")
  ) as typeof import("../../report/tables/tables.ts");
  using graph = await openProvenance(
    argument,
    collection,
    context,
    lockWait(options, context),
  );
  const counts = await makeProvenanceReport(graph, {
    rule: {
      statuses: chosenStatuses(options),
      caveats: options.caveat.length === 0
        ? null
        : options.caveat.reduce((bits, name) => bits | caveatBit(name), 0),
    },
    statusReport: path(options.statusReport, "status report"),
    dataIdTableDirectory: path(options.dataIdTableDir, "directory of data ID tables"),
    resourceUsage: isUsageAnswer
      ? (text) => terminal.write(terminal.isTerminal ? visibleText(text) : text)
      : path(options.resourceUsage, "resource usage table"),
    // Lines that are printed meanwhile are progress enough, and bars would be among them.
    progress: isUsageAnswer ? SILENT_PROGRESS : progress,
  });
  if (isUsageAnswer) return;
  const { exceptionTableText, quantumTableText, reportJson } = await import(
    import.meta.resolve("../../report/tables/layout.ts")
  ) as typeof import("../../report/tables/layout.ts");
  if (isJson) {
    terminal.write(`${visibleJson(reportJson(counts, options))}\n`);
    return;
  }
  if (options.quantumTable) terminal.write(visibleText(quantumTableText(counts)));
  if (options.exceptionTable) terminal.write(visibleText(exceptionTableText(counts)));
}

/** An option that gathers names out of a list. */
function repeatable(flags: string, description: string, choices: readonly string[]): Option {
  return new Option(flags, `${description}: ${choices.join(", ")}`)
    .default([], "none")
    .argParser((text, previous: string[]) => {
      for (const name of gather(text, [])) {
        if (!choices.includes(name)) {
          throw new InvalidArgumentError(`Allowed choices are ${choices.join(", ")}.`);
        }
      }
      return gather(text, previous);
    });
}

/** Commander takes `--no-state` for the opposite of `--state`; here it has a list of its own. */
function withoutState(): Option {
  const option = repeatable(
    "--no-state <state>",
    "do not list quanta of this state (repeatable)",
    STATE_NAMES,
  );
  option.negate = false;
  option.attributeName = () => "withoutState";
  return option;
}

function chosenStatuses({ state, withoutState, caveat }: Options): Set<number> {
  const names = new Set([...state, ...DEFAULT_STATES]);
  if (caveat.length > 0) names.add("SUCCESSFUL");
  for (const name of withoutState) names.delete(name);
  return new Set(
    Object.entries(AttemptStatus).filter(([name]) => names.has(name)).map(([, value]) => value),
  );
}
