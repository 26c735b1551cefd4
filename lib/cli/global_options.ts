/**
 * Options that every command has: on logs, colour and progress. They go before the name of the command
 * or after it, as those of the butler's command line do.
 *
 * @module
 */

import { type Command, Option } from "commander";
import { COLOR_MODES, type ColorMode } from "./terminal/color.ts";
import { optionsFileOption } from "./options_file.ts";
import { type LevelSetting, parseLogLevels } from "./terminal/logger.ts";
import { gather } from "./values.ts";

/** Global options of a command line, wherever they were given. */
export interface GlobalOptions {
  logLevel: LevelSetting[];
  longLog: boolean;
  logFile: string[];
  logTty: boolean;
  logLabel: string[];
  quiet: boolean;
  verbose: boolean;
  debug: boolean;
  color: ColorMode;
  /** Whether progress bars are wanted; undefined where nothing was said. */
  progress: boolean | undefined;
  /** Whether long output may go through a pager. */
  pager: boolean;
  /** Classes of datastores that are left out of chains. */
  ignoreDatastore: string[];
}

/** New options: commander keeps state in them, so each command needs its own. */
function makeOptions(): Option[] {
  return [
    new Option(
      "--log-level <[name=]level>",
      "least level that is logged, for all or one logger (repeatable)",
    ).argParser((text, previous: LevelSetting[] | undefined) => [
      ...(previous ?? []),
      ...parseLogLevels(text),
    ]).default(undefined, "INFO"),
    new Option("--long-log", "log lines with time, logger and place"),
    new Option(
      "--log-file <path>",
      "append log lines to a file; JSON lines for *.json (repeatable)",
    ).argParser(gather).default(undefined, "none"),
    new Option("--log-tty", "log to stderr (default)"),
    new Option("--no-log-tty", "do not log to stderr"),
    new Option("--log-label <key=value>", "add to the MDC of log records (repeatable)")
      .argParser(gather).default(undefined, "none"),
    new Option("--progress", "progress bars if stderr is a terminal (default)"),
    new Option("--no-progress", "log lines instead of progress bars"),
    new Option("-q, --quiet", "same as --log-level WARNING"),
    new Option("-v, --verbose", "same as --log-level VERBOSE"),
    new Option("--color <when>", "colour of text").choices(COLOR_MODES)
      .default(undefined, "auto: on a terminal, unless NO_COLOR is set"),
    new Option("--no-pager", "do not show long output through a pager").default(undefined),
    new Option("--debug", "print the stack of an error"),
    new Option(
      "--ignore-datastore <class>",
      "leave datastores of a class out of chains, as they keep nothing (repeatable)",
    ).argParser(gather).default(undefined, "none"),
  ];
}

/**
 * Adds the options. On a command they are hidden, for its help lists those of the program; where it has
 * an option of the same name, short or long, its own counts.
 */
export function addGlobalOptions(command: Command, { isProgram }: { isProgram: boolean }): void {
  for (const option of makeOptions()) {
    if (!isProgram) option.hideHelp();
    if (command.options.some(({ long }) => long === option.long)) continue;
    if (command.options.some(({ short }) => short !== undefined && short === option.short)) {
      option.short = undefined;
      option.flags = option.long!;
    }
    command.addOption(option);
  }
  if (!isProgram) command.addOption(optionsFileOption());
}

/** What was said before and after the name of the command; of contradictions the last counts. */
export function globalOptionsOf(command: Command): GlobalOptions {
  const all: Partial<GlobalOptions>[] = [];
  for (let at: Command | null = command; at !== null; at = at.parent) {
    const given = Object.entries(at.opts())
      .filter(([key]) => at!.getOptionValueSource(key) !== "default");
    all.unshift(Object.fromEntries(given));
  }
  const last = <K extends keyof GlobalOptions>(key: K, otherwise: GlobalOptions[K]) =>
    all.findLast((options) => options[key] !== undefined)?.[key] ?? otherwise;
  return {
    logLevel: all.flatMap(({ logLevel }) => logLevel ?? []),
    longLog: last("longLog", false),
    logFile: all.flatMap(({ logFile }) => logFile ?? []),
    logTty: last("logTty", true),
    logLabel: all.flatMap(({ logLabel }) => logLabel ?? []),
    quiet: last("quiet", false),
    verbose: last("verbose", false),
    debug: last("debug", false),
    color: last("color", "auto"),
    progress: last("progress", undefined),
    pager: last("pager", true),
    ignoreDatastore: all.flatMap(({ ignoreDatastore }) => ignoreDatastore ?? []),
  };
}
