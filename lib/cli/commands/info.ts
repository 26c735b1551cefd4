/** `info SOURCE`. @module */

import { Command } from "commander";
import { type BusyOptions, busyTimeoutOption } from "../args.ts";
import type { CliContext, CommandContext } from "../context.ts";
import { openArgument } from "../open_argument.ts";
import { INFO_EPILOGUE } from "../manual/help.ts";
import { infoJson, infoText } from "../summaries/info_text.ts";
import { jsonLine } from "../terminal/ndjson.ts";
import { withPager } from "../terminal/pager.ts";

/** Options as commander gives them. */
interface Options extends BusyOptions {
  run?: string;
  count: boolean;
  json: boolean;
}

/** Defines the command. */
export function infoCommand(
  cli: CliContext,
  start: (name: string, aliases?: string[]) => CommandContext,
): Command {
  return new Command("info")
    .description(
      "Say what SOURCE is: RUN, who and when, quanta of each task, sizes; of a repository's RUN, what " +
        "is registered and how far its ingest has come.",
    )
    .argument("<source>", "quantum graph (path or URL), chunk log or butler repository")
    .option("--run <run>", "RUN collection of a repository")
    .option("--count", "count statuses of quanta, in a pass over all of them", false)
    .option("--json", "print a JSON line", false)
    .addOption(busyTimeoutOption())
    .addHelpText("after", INFO_EPILOGUE)
    .action(async (argument: string, options: Options) => {
      const context = start("info");
      await using source = await openArgument(argument, options.run, options, cli, context);
      const info = await source.info(options.count);
      const text = options.json ? jsonLine("info", infoJson(info)) : infoText(info, context.style);
      await withPager(context, !options.json, (output) => Promise.resolve(output.write(text)));
    });
}
