/** `cat SOURCE WHAT [ID...]` and `cat SOURCE --batch`. @module */

import { Argument, Command, InvalidArgumentError, Option } from "commander";
import { FORMATS } from "../../inspect/cat/formats.ts";
import { DOCUMENT_KINDS, type DocumentKind } from "../../sources/document_kinds.ts";
import { type BusyOptions, busyTimeoutOption, integer, integerAtLeast, logLevel } from "../args.ts";
import {
  catRequest,
  catSelection,
  type CatWords,
  checkCatWords,
  isForPeople,
} from "../cat_words.ts";
import type { CliContext, CommandContext } from "../context.ts";
import { openArgument } from "../open_argument.ts";
import { ExitCode } from "../exit_codes.ts";
import { CAT_EPILOGUE } from "../manual/help.ts";
import { inputLines } from "../terminal/input_lines.ts";
import { withPager } from "../terminal/pager.ts";

/** Options as commander gives them. */
interface Options extends BusyOptions, CatWords {
  run?: string;
}

/** Defines the command. */
export function catCommand(
  cli: CliContext,
  start: (name: string, aliases?: string[]) => CommandContext,
  setExitCode: (code: number) => void,
): Command {
  return new Command("cat")
    .description(
      "Print one document of SOURCE: from the original files before ingest-graph, out of the " +
        "provenance graph afterwards.",
    )
    .argument("<source>", "quantum graph file, chunk log or butler repository")
    .addArgument(new Argument("[what]", "document to print").choices(DOCUMENT_KINDS))
    .argument("[id...]", "UUID or prefix of one, or LABEL DIMENSION=VALUE...")
    .option("--run <run>", "RUN collection, if the repository leaves a choice")
    .option("--attempt <n>", "attempt, from 0, or from the end: -1 is the last (default)", integer)
    .option("--all-attempts", "all attempts, oldest first", false)
    .addOption(new Option("--format <format>", "layout").choices(FORMATS))
    .option("--json", "same as --format json", false)
    .option("--raw", "the stored bytes and nothing else", false)
    .option("--level <level>", "only log records of this level and above", logLevel)
    .option("--grep <pattern>", "only log records whose text matches", regularExpression)
    .option("--tail <n>", "only the last of the log records that fit", integerAtLeast(0))
    .option("--batch", "answer requests from stdin, one a line: WHAT [ID...]", false)
    .addOption(busyTimeoutOption())
    .addHelpText("after", CAT_EPILOGUE)
    .action(async (
      argument: string,
      what: DocumentKind | undefined,
      idWords: string[],
      options: Options,
    ) => {
      const context = start("cat");
      checkCatWords(what, options);
      await using source = await openArgument(argument, options.run, options, cli, context);
      if (options.batch) {
        const { catBatch } = await import(
          import.meta.resolve("../../inspect/cat/cat_batch.ts")
        ) as typeof import("../../inspect/cat/cat_batch.ts");
        const nFailed = await catBatch(
          source,
          inputLines(cli.input()),
          { ...catSelection(options), isJson: options.json },
          (bytes) => cli.terminal.write(bytes),
        );
        return setExitCode(nFailed > 0 ? ExitCode.INCOMPLETE : ExitCode.DONE);
      }
      const request = catRequest(what!, idWords, options);
      const { cat } = await import(
        import.meta.resolve("../../inspect/cat/cat.ts")
      ) as typeof import("../../inspect/cat/cat.ts");
      await withPager(
        context,
        isForPeople(request),
        (output) => cat(source, request, (bytes) => output.write(bytes)),
      );
    });
}

function regularExpression(text: string): RegExp {
  try {
    return new RegExp(text, "u");
  } catch (error) {
    throw new InvalidArgumentError(`It is no regular expression: ${(error as Error).message}.`);
  }
}
