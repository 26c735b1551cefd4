/** `trace SOURCE ID`. @module */

import { Command, Option } from "commander";
import { UsageError } from "../../base/errors.ts";
import { type BusyOptions, busyTimeoutOption, integerAtLeast } from "../args.ts";
import type { CliContext, CommandContext } from "../context.ts";
import { openArgument } from "../open_argument.ts";
import { TRACE_EPILOGUE } from "../manual/help.ts";
import type { TraceFormat } from "../summaries/trace_output.ts";
import { withPager } from "../terminal/pager.ts";

const FORMATS: readonly TraceFormat[] = ["tree", "json", "dot", "mermaid"];

/** Quanta and datasets that are shown. */
const DEFAULT_LIMIT = 1000;

/** Options as commander gives them. */
interface Options extends BusyOptions {
  run?: string;
  up: boolean;
  down: boolean;
  depth?: number;
  limit: number;
  format?: TraceFormat;
  json: boolean;
}

/** Defines the command. */
export function traceCommand(
  cli: CliContext,
  start: (name: string, aliases?: string[]) => CommandContext,
): Command {
  return new Command("trace")
    .description(
      "Show what a quantum or dataset was made from (--up), or what depends on it (--down).",
    )
    .argument(
      "<source>",
      "quantum graph (path or URL), chunk log, or butler repository with an ingested graph",
    )
    .argument("<id...>", "UUID or prefix of one, or LABEL DIMENSION=VALUE...")
    .option("--run <run>", "RUN collection of a repository")
    .option("--up", "what it was made from (default)", false)
    .option("--down", "what depends on it", false)
    .option("--depth <n>", "steps to go, each from dataset to quantum or back", integerAtLeast(0))
    .addOption(
      new Option("--limit <n>", "quanta and datasets to show at most, the nearest first")
        .argParser(integerAtLeast(1)).default(DEFAULT_LIMIT),
    )
    .addOption(new Option("--format <format>", "layout (default: tree)").choices(FORMATS))
    .option("--json", "same as --format json", false)
    .addOption(busyTimeoutOption())
    .addHelpText("after", TRACE_EPILOGUE)
    .action(async (argument: string, idWords: string[], options: Options) => {
      const context = start("trace");
      const format = chooseFormat(options);
      const { parseSelector } = await import(
        import.meta.resolve("../../sources/selector.ts")
      ) as typeof import("../../sources/selector.ts");
      const { trace } = await import(
        import.meta.resolve("../../inspect/trace/trace.ts")
      ) as typeof import("../../inspect/trace/trace.ts");
      const selector = parseSelector(idWords)!;
      await using source = await openArgument(argument, options.run, options, cli, context);
      const graph = await source.traceSource();
      const found = await trace(
        graph,
        await graph.locate(selector),
        options.down ? "down" : "up",
        { maxDepth: options.depth ?? null, maxNodes: options.limit },
      );
      const { printTrace } = await import(
        import.meta.resolve("../summaries/trace_output.ts")
      ) as typeof import("../summaries/trace_output.ts");
      await withPager(
        context,
        format === "tree",
        (output) => Promise.resolve(printTrace(found, format, context.style, output)),
      );
      if (found.nBeyondLimit > 0) {
        context.log.log(
          "WARNING",
          `Not all is shown: ${found.nBeyondLimit} more beyond --limit ${options.limit}.`,
        );
      }
    });
}

function chooseFormat({ up, down, format, json }: Options): TraceFormat {
  if (up && down) {
    throw new UsageError("Cannot trace in both directions at once: --up excludes --down");
  }
  if (json && format !== undefined && format !== "json") {
    throw new UsageError(`Cannot print ${format} as JSON: --json excludes --format ${format}`);
  }
  return json ? "json" : format ?? "tree";
}
