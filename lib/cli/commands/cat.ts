/** `cat SOURCE WHAT [ID...]` and `cat SOURCE --batch`. @module */

import { Argument, Command, InvalidArgumentError, Option } from "commander";
import { type Format, FORMATS } from "../../inspect/cat/formats.ts";
import { DOCUMENT_KINDS, type DocumentKind } from "../../sources/document_kinds.ts";
import { UsageError } from "../../base/errors.ts";
import { type BusyOptions, busyTimeoutOption, integer, integerAtLeast, logLevel } from "../args.ts";
import type { CliContext, CommandContext } from "../context.ts";
import { openArgument } from "../open_argument.ts";
import { ExitCode } from "../exit_codes.ts";
import { CAT_EPILOGUE } from "../manual/help.ts";
import { inputLines } from "../terminal/input_lines.ts";
import { withPager } from "../terminal/pager.ts";

/** Options as commander gives them. */
interface Options extends BusyOptions {
  run?: string;
  attempt?: number;
  allAttempts: boolean;
  format?: Format;
  json: boolean;
  raw: boolean;
  level?: number;
  grep?: RegExp;
  tail?: number;
  batch: boolean;
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
      checkOptions(what, options);
      await using source = await openArgument(argument, options.run, options, cli, context);
      const { level, grep, tail } = options;
      const selection = {
        attempt: options.attempt ?? null,
        allAttempts: options.allAttempts,
        filter: level === undefined && grep === undefined && tail === undefined
          ? null
          : { minLevel: level ?? null, pattern: grep ?? null, tail: tail ?? null },
      };
      if (options.batch) {
        const { catBatch } = await import(
          import.meta.resolve("../../inspect/cat/cat_batch.ts")
        ) as typeof import("../../inspect/cat/cat_batch.ts");
        const nFailed = await catBatch(
          source,
          inputLines(cli.input()),
          { ...selection, isJson: options.json },
          (bytes) => cli.terminal.write(bytes),
        );
        return setExitCode(nFailed > 0 ? ExitCode.INCOMPLETE : ExitCode.DONE);
      }
      const format = options.format ?? (options.json ? "json" : "text");
      const { cat } = await import(
        import.meta.resolve("../../inspect/cat/cat.ts")
      ) as typeof import("../../inspect/cat/cat.ts");
      await withPager(context, format === "text" && !options.raw, (output) =>
        cat(
          source,
          { ...selection, what: what!, idWords, format, isRaw: options.raw },
          (bytes) => output.write(bytes),
        ));
    });
}

function checkOptions(what: DocumentKind | undefined, options: Options): void {
  const { batch, raw, json, format } = options;
  if (batch && (what !== undefined || raw || format !== undefined)) {
    throw new UsageError(
      "Cannot answer requests and print a document: --batch excludes WHAT, --raw and --format",
      { hint: "--json gives answers as JSON lines" },
    );
  }
  if (!batch && what === undefined) {
    throw new UsageError("Cannot print a document: it is not said which", {
      hint: `give one of ${DOCUMENT_KINDS.join(", ")}, or --batch`,
    });
  }
  if (raw && (json || format !== undefined)) {
    throw new UsageError("Cannot print raw bytes in a format: --raw excludes --format and --json");
  }
  if (json && format === "text") {
    throw new UsageError("Cannot print text as JSON: --json excludes --format text");
  }
  const isFiltered = options.level !== undefined || options.grep !== undefined ||
    options.tail !== undefined;
  if (raw && isFiltered) {
    throw new UsageError(
      "Cannot print raw bytes of some records: --raw excludes --level, --grep and --tail",
      { hint: "--format json leaves the text of the records as it is" },
    );
  }
}

function regularExpression(text: string): RegExp {
  try {
    return new RegExp(text, "u");
  } catch (error) {
    throw new InvalidArgumentError(`It is no regular expression: ${(error as Error).message}.`);
  }
}
