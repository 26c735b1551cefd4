/**
 * The command line as a whole: global options, the commands, and what becomes of errors.
 *
 * @module
 */

import { Command, CommanderError, Option } from "commander";
import { InterruptedError, ProvgraphError, WorkerFailedError } from "../base/errors.ts";
import { TOOL_NAME, TOOL_VERSION } from "../base/version.ts";
import { gather } from "./args.ts";
import { aggregateGraphCommand } from "./commands/aggregate_graph.ts";
import { catCommand } from "./commands/cat.ts";
import { checkCommand } from "./commands/check.ts";
import { ingestGraphCommand } from "./commands/ingest_graph.ts";
import { simulateCommand } from "./commands/simulate.ts";
import type { CliContext, CommandContext } from "./context.ts";
import { ExitCode, exitCodeOf } from "./exit_codes.ts";
import { PROGRAM_EPILOGUE } from "./help.ts";
import { type LevelSetting, Logger, parseLogLevels } from "./logger.ts";
import { ClosedPipeError } from "./terminal.ts";

/** Global options as commander gives them. */
interface GlobalOptions {
  logLevel: LevelSetting[];
  longLog: boolean;
  logFile: string[];
  logTty: boolean;
  logLabel: string[];
  quiet: boolean;
  verbose: boolean;
  debug: boolean;
}

/**
 * Runs one command line.
 *
 * @param args Without the name of the program.
 * @returns the exit code of the process.
 */
export async function runProgram(args: readonly string[], context: CliContext): Promise<number> {
  let exitCode: number = ExitCode.DONE;
  const made: { logger?: Logger } = {};
  const program = makeProgram(
    context,
    () => made.logger ??= makeLogger(program, context),
    (code) => {
      exitCode = code;
    },
  );
  try {
    await program.parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof ClosedPipeError) return ExitCode.DONE;
    // Commander has told its own errors already.
    if (!(error instanceof CommanderError)) {
      const isDebug = program.opts<GlobalOptions>().debug ||
        (made.logger?.isEnabled("DEBUG") ?? false);
      tellError(error, isDebug, context);
      if (error instanceof InterruptedError) {
        context.terminal.writeError(`to continue: ${commandLine(args)}\n`);
      }
    }
    return exitCodeOf(error);
  }
}

function makeProgram(
  context: CliContext,
  logger: () => Logger,
  setExitCode: (code: number) => void,
): Command {
  const program = new Command(TOOL_NAME)
    .description(
      "Record what a butler run really did: aggregate, ingest and read provenance graphs.",
    )
    .version(TOOL_VERSION, "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .helpCommand("help [command]", "print help of a command")
    .configureHelp({ showGlobalOptions: true, optionDescription: describeOption })
    .configureOutput({
      writeOut: (text) => context.terminal.write(text),
      writeErr: (text) => context.terminal.writeError(text),
    })
    .exitOverride()
    .addHelpText("after", PROGRAM_EPILOGUE);
  program
    .addOption(
      new Option(
        "--log-level <[name=]level>",
        "least level that is logged, for all or one logger (repeatable)",
      ).argParser((text, previous: LevelSetting[]) => [...previous, ...parseLogLevels(text)])
        .default([], "INFO"),
    )
    .option("--long-log", "log lines with time, logger and place", false)
    .addOption(
      new Option(
        "--log-file <path>",
        "append log lines to a file; JSON lines for *.json (repeatable)",
      )
        .argParser(gather).default([], "none"),
    )
    .option("--log-tty", "log to stderr", true)
    .option("--no-log-tty", "do not log to stderr")
    .addOption(
      new Option("--log-label <key=value>", "add to the MDC of log records (repeatable)")
        .argParser(gather).default([], "none"),
    )
    .option("-q, --quiet", "same as --log-level WARNING", false)
    .option("-v, --verbose", "same as --log-level VERBOSE", false)
    .option("--debug", "print the stack of an error", false);
  const run = (name: string, aliases: string[] = []): CommandContext => ({
    ...context,
    logger: logger(),
    log: logger().get(`${TOOL_NAME}.${name}`, aliases),
  });
  for (
    const make of [
      aggregateGraphCommand,
      ingestGraphCommand,
      catCommand,
      checkCommand,
      simulateCommand,
    ]
  ) {
    const command = make(context, run, setExitCode);
    program.addCommand(command.copyInheritedSettings(program));
  }
  return program;
}

/** Description with the default; that a flag is off by default goes without saying. */
function describeOption(option: Option): string {
  const text = option.defaultValueDescription ??
    (typeof option.defaultValue === "boolean" || option.defaultValue === undefined
      ? null
      : String(option.defaultValue));
  const choices = option.argChoices === undefined ? "" : `: ${option.argChoices.join(", ")}`;
  return option.description + choices + (text === null ? "" : ` (default: ${text})`);
}

function makeLogger(program: Command, context: CliContext): Logger {
  const options = program.opts<GlobalOptions>();
  const levels: LevelSetting[] = [];
  if (options.verbose) levels.push({ name: "", level: "VERBOSE" });
  if (options.quiet) levels.push({ name: "", level: "WARNING" });
  levels.push(...options.logLevel);
  return new Logger({
    isLong: options.longLog,
    isOnTerminal: options.logTty,
    files: options.logFile,
    levels,
    labels: Object.fromEntries(options.logLabel.map((label) => {
      const at = label.indexOf("=");
      return at < 0
        ? [label.toUpperCase(), ""]
        : [label.slice(0, at).toUpperCase(), label.slice(at + 1)];
    })),
  }, {
    writeError: (text) => context.terminal.writeError(text),
    append: context.append,
    now: context.now,
    processId: context.processId,
  });
}

/** The command line that continues an interrupted one, to be typed into a shell. */
function commandLine(args: readonly string[]): string {
  const words = args.filter((arg) => arg !== "--no-resume");
  return [TOOL_NAME, ...words].map((word) =>
    /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
  ).join(" ");
}

/** One line for the error, one for the next step; a stack only for those who ask. */
function tellError(error: unknown, isDebug: boolean, context: CliContext): void {
  const message = error instanceof Error ? error.message : String(error);
  const lines = [`error: ${message.split("\n").join("\n  ")}`];
  if (error instanceof ProvgraphError && error.hint !== undefined) {
    lines.push(`hint: ${error.hint}`);
  }
  const isExpected = error instanceof ProvgraphError && !(error instanceof WorkerFailedError);
  if (isDebug && error instanceof Error) {
    for (let e: unknown = error; e instanceof Error; e = e.cause) lines.push(e.stack ?? String(e));
  } else if (!isExpected && !(error instanceof WorkerFailedError)) {
    lines.push("hint: run again with --debug for the place in the program");
  }
  context.terminal.writeError(`${lines.join("\n")}\n`);
}
