/** `cat SOURCE WHAT [ID...]`. @module */

import { Argument, Command, Option } from "commander";
import { DOCUMENT_KINDS, type DocumentKind, type Format, FORMATS } from "../../inspect/cat.ts";
import { UsageError } from "../../base/errors.ts";
import { integer } from "../args.ts";
import type { CliContext, CommandContext } from "../context.ts";
import { CAT_EPILOGUE } from "../help.ts";
import { withPager } from "../pager.ts";

/** Options as commander gives them. */
interface Options {
  run?: string;
  attempt?: number;
  allAttempts: boolean;
  format?: Format;
  json: boolean;
  raw: boolean;
}

/** Defines the command. */
export function catCommand(
  cli: CliContext,
  start: (name: string, aliases?: string[]) => CommandContext,
): Command {
  return new Command("cat")
    .summary("print a log, metadata, config or another document")
    .description(
      "Print one document of SOURCE: from the original files before ingest-graph, out of the " +
        "provenance graph afterwards.",
    )
    .argument("<source>", "quantum graph file, chunk log or butler repository")
    .addArgument(new Argument("<what>", "document to print").choices(DOCUMENT_KINDS))
    .argument("[id...]", "UUID or prefix of one, or LABEL DIMENSION=VALUE...")
    .option("--run <run>", "RUN collection, if the repository leaves a choice")
    .option("--attempt <n>", "attempt, from 0, or from the end: -1 is the last (default)", integer)
    .option("--all-attempts", "all attempts, oldest first", false)
    .addOption(new Option("--format <format>", "layout").choices(FORMATS))
    .option("--json", "same as --format json", false)
    .option("--raw", "the stored bytes and nothing else", false)
    .addHelpText("after", CAT_EPILOGUE)
    .action(async (argument: string, what: DocumentKind, idWords: string[], options: Options) => {
      const context = start("cat");
      if (options.raw && (options.json || options.format !== undefined)) {
        throw new UsageError(
          "Cannot print raw bytes in a format: --raw excludes --format and --json",
        );
      }
      if (options.json && options.format === "text") {
        throw new UsageError("Cannot print text as JSON: --json excludes --format text");
      }
      const format = options.format ?? (options.json ? "json" : "text");
      const { cat } = await import("../../inspect/cat.ts");
      const { openSource } = await import("../../inspect/open_source.ts");
      await using source = await openSource(argument, options.run ?? null, cli.env, cli.cwd);
      await withPager(context, format === "text" && !options.raw, (output) =>
        cat(source, {
          what,
          idWords,
          attempt: options.attempt ?? null,
          allAttempts: options.allAttempts,
          format,
          isRaw: options.raw,
        }, (bytes) => output.write(bytes)));
    });
}
