/** `ls SOURCE quanta|datasets|attempts`. @module */

import { Argument, Command, Option } from "commander";
import { type BusyOptions, busyTimeoutOption, integerAtLeast } from "../args.ts";
import type { CliContext, CommandContext } from "../context.ts";
import { LS_EPILOGUE } from "../manual/help.ts";
import { openArgument } from "../open_argument.ts";
import type { ListKind } from "../summaries/list_output.ts";
import type { ListWords } from "../summaries/list_rows.ts";
import { gather, LIST_KINDS } from "../values.ts";

/** Options as commander gives them. */
interface Options extends BusyOptions, ListWords {
  run?: string;
}

/** Defines the command. */
export function lsCommand(
  cli: CliContext,
  start: (name: string, aliases?: string[]) => CommandContext,
): Command {
  return new Command("ls")
    .description("List quanta, their attempts, or datasets of SOURCE, one a line.")
    .argument("<source>", "quantum graph (path or URL), chunk log or butler repository")
    .addArgument(new Argument("<kind>", "what is listed").choices(LIST_KINDS))
    .option("--run <run>", "RUN collection of a repository")
    .addOption(
      new Option("--task <label>", "only quanta of these tasks, or datasets that these write")
        .argParser(gather).default([], "all"),
    )
    .addOption(
      new Option("--type <name>", "only datasets of these types").argParser(gather)
        .default([], "all"),
    )
    .addOption(
      new Option("--status <status>", "only quanta whose last attempt has one of these")
        .argParser(gather).default([], "all"),
    )
    .option("--exception <name>", "only quanta whose last attempt ended with this exception")
    .option("--where <expression>", "only what fits: 'visit=1228 and detector in (1,2)'")
    .addOption(
      new Option("--fields <names>", "fields to print, separated by commas").argParser(gather),
    )
    .addOption(
      new Option(
        "--sort <names>",
        "fields or dimensions to sort by, -NAME for descending; none: as stored",
      ).argParser(gather).default(undefined, "task or type, then data ID"),
    )
    .option("--count", "print how many fit, not the rows", false)
    .option("--json", "print JSON lines", false)
    .option("--limit <n>", "print so many at most", integerAtLeast(0))
    .addOption(busyTimeoutOption())
    .addHelpText("after", LS_EPILOGUE)
    .action(async (argument: string, kind: ListKind, options: Options) => {
      const context = start("ls");
      const { checkListWords, printList } = await import(
        import.meta.resolve("../summaries/list_rows.ts")
      ) as typeof import("../summaries/list_rows.ts");
      await checkListWords(kind, options);
      await using source = await openArgument(argument, options.run, options, cli, context);
      await printList(source, kind, options, context);
    });
}
