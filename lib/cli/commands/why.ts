/** `why SOURCE ID`. @module */

import { Command, Option } from "commander";
import { type BusyOptions, busyTimeoutOption, integerAtLeast } from "../args.ts";
import type { CliContext, CommandContext } from "../context.ts";
import { openArgument } from "../open_argument.ts";
import { WHY_EPILOGUE } from "../manual/help.ts";
import { withPager } from "../terminal/pager.ts";
import { DEFAULT_WHY_LIMIT, whySourceWords } from "../summaries/why_words.ts";

/** Options as commander gives them. */
interface Options extends BusyOptions {
  run?: string;
  limit: number;
  json: boolean;
}

/** Defines the command. */
export function whyCommand(
  cli: CliContext,
  start: (name: string, aliases?: string[]) => CommandContext,
): Command {
  return new Command("why")
    .description(
      "Explain how a quantum ended: its exception and the end of its log, the failed quanta that block " +
        "it, what it blocks; or why a dataset was not produced.",
    )
    .argument(
      "<source>",
      "provenance graph (path or URL), chunk log, or butler repository with an ingested graph",
    )
    .argument("<id...>", "UUID or prefix of one, or LABEL DIMENSION=VALUE...")
    .option("--run <run>", "RUN collection of a repository")
    .addOption(
      new Option("--limit <n>", "quanta and datasets to look at above, and below")
        .argParser(integerAtLeast(1)).default(DEFAULT_WHY_LIMIT),
    )
    .option("--json", "print a JSON line", false)
    .addOption(busyTimeoutOption())
    .addHelpText("after", WHY_EPILOGUE)
    .action(async (argument: string, idWords: string[], options: Options) => {
      const context = start("why");
      const { parseSelector } = await import(
        import.meta.resolve("../../sources/selector.ts")
      ) as typeof import("../../sources/selector.ts");
      const { why } = await import(
        import.meta.resolve("../../inspect/why/why.ts")
      ) as typeof import("../../inspect/why/why.ts");
      const selector = parseSelector(idWords)!;
      await using source = await openArgument(argument, options.run, options, cli, context);
      const answer = await why(source, selector, options.limit);
      const words = whySourceWords(argument, options.run ?? null);
      if (options.json) {
        const { whyJson } = await import(
          import.meta.resolve("../summaries/why_json.ts")
        ) as typeof import("../summaries/why_json.ts");
        return context.terminal.write(whyJson(answer, words));
      }
      const { whyScreen } = await import(
        import.meta.resolve("../summaries/why_screen.ts")
      ) as typeof import("../summaries/why_screen.ts");
      await withPager(context, true, (output) => {
        output.write(whyScreen(answer, context.style, words));
        return Promise.resolve();
      });
    });
}
