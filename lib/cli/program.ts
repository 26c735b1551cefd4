/**
 * The command line as a whole: global options, the commands, and what becomes of errors.
 *
 * @module
 */

import { Command, type Option } from "commander";
import { TOOL_NAME } from "../base/version.ts";
import { IgnoringEnvironment } from "../butler/config/ignored_datastores.ts";
import { visibleText } from "../base/text/visible_text.ts";
import { makeStyle, wantsColor } from "./terminal/color.ts";
import { isCommandName } from "./command_table.ts";
import type { CliContext, CommandContext } from "./context.ts";
import { ExitCode, exitCodeOf, isCommanderError } from "./exit_codes.ts";
import { addGlobalOptions, type GlobalOptions, globalOptionsOf } from "./global_options.ts";
import { loadCommands, type MakeCommand } from "./load_commands.ts";
import { commonEpilogue, PROGRAM_EPILOGUE } from "./manual/help.ts";
import { type LevelSetting, Logger } from "./terminal/logger.ts";
import { asksForJson, describeError } from "./tell_error.ts";
import { expandOptionsFile } from "./options_file.ts";
import { namedOutputs } from "./outputs/outputs.ts";
import type { MetricsFile } from "./status/metrics_file.ts";
import { type ProgressOptions, ProgressReporter, STATUS_SECONDS } from "./terminal/progress.ts";
import type { BarArea } from "./terminal/progress_bar.ts";
import type { makeStatusSinks, SinkOptions } from "./status/status_sinks.ts";
import { ClosedPipeError } from "./terminal/terminal.ts";
import { usageHint } from "./usage_hint.ts";

/** Hidden; completion scripts ask it for values. */
const COMPLETE_COMMAND = "__complete";

/** What is known of one command line while it runs. */
interface ProgramState {
  isJson: boolean;
  exitCode: number;
  options: GlobalOptions | null;
  logger: Logger | null;
  /** Null where stderr is no terminal. */
  bars: BarArea | null;
  /** Null where nobody but people is told the status. */
  makeSinks: typeof makeStatusSinks | null;
  /** Null where none is wanted. */
  metrics: MetricsFile | null;
  /** Help that was asked for; printed at the end, for it may be long. */
  help: string;
}

/**
 * Runs one command line.
 *
 * @param args Without the name of the program.
 * @returns the exit code of the process.
 */
export async function runProgram(args: readonly string[], context: CliContext): Promise<number> {
  const state: ProgramState = {
    isJson: asksForJson(args),
    exitCode: ExitCode.DONE,
    options: null,
    logger: null,
    bars: null,
    makeSinks: null,
    metrics: null,
    help: "",
  };
  const exitCode = await runCommand(args, context, state);
  state.metrics?.end(exitCode);
  return exitCode;
}

async function runCommand(
  args: readonly string[],
  context: CliContext,
  state: ProgramState,
): Promise<number> {
  if (args[0] === COMPLETE_COMMAND) return await printValues(args.slice(1), context, state);
  const commands = await loadCommands(args);
  const program = makeProgram(context, state, commands);
  try {
    const words = await expandOptionsFile(
      args,
      () => makeProgram(context, state, commands),
      context,
    );
    state.isJson = asksForJson(words);
    await program.parseAsync(words, { from: "user" });
    return state.exitCode;
  } catch (error) {
    if (error instanceof ClosedPipeError) return ExitCode.DONE;
    const { isJson } = state;
    if (error instanceof VersionRequest) return await printVersion(isJson, context);
    if (error instanceof LicensesRequest) return await printLicenses(context);
    const exitCode = exitCodeOf(error);
    await printHelp(args, program, context, state);
    // Help is no error, and has been printed.
    const isHelp = isCommanderError(error) && error.code.startsWith("commander.help");
    if (!isHelp || (isJson && exitCode !== ExitCode.DONE)) {
      const { debug, color } = state.options ?? globalOptionsOf(program);
      const isDebug = debug || (state.logger?.isEnabled("DEBUG") ?? false);
      context.terminal.writeError(describeError(error, {
        isJson,
        isDebug,
        args,
        usageHint: usageHint(error, program, args),
        style: makeStyle(wantsColor(color, context.terminal.isErrorTerminal, context.env)),
      }));
    }
    return exitCode;
  }
}

/** On a terminal that is too small for it through a pager. */
async function printHelp(
  args: readonly string[],
  program: Command,
  context: CliContext,
  { help }: ProgramState,
): Promise<void> {
  if (help === "") return;
  try {
    if (!context.terminal.isTerminal) return context.terminal.write(help);
    const { withPager } = await import(
      import.meta.resolve("./terminal/pager.ts")
    ) as typeof import("./terminal/pager.ts");
    // Options of a command whose help was asked for are not read.
    const isPagerWanted = globalOptionsOf(program).pager && !args.includes("--no-pager");
    const paging = { ...context, style: makeStyle(false), isPagerWanted };
    await withPager(paging, true, (output) => Promise.resolve(output.write(help)));
  } catch (error) {
    if (!(error instanceof ClosedPipeError)) throw error;
  }
}

/** What completion scripts ask for values: words behind it are those of the command line so far. */
async function printValues(
  words: readonly string[],
  context: CliContext,
  state: ProgramState,
): Promise<number> {
  const command = words.find(isCommandName);
  if (command === undefined) return ExitCode.DONE;
  try {
    const { completeValues } = await import(
      import.meta.resolve("./completion/complete_values.ts")
    ) as typeof import("./completion/complete_values.ts");
    const { programShape } = await import(
      import.meta.resolve("./manual/command_shape.ts")
    ) as typeof import("./manual/command_shape.ts");
    const program = makeProgram(context, state, await loadCommands([command]));
    const values = await completeValues(
      words,
      programShape(program),
      context,
      () => import(import.meta.resolve("../sources/open_source.ts")),
    );
    context.terminal.write(values.map((value) => `${value}\n`).join(""));
  } catch {
    // Somebody is still typing: there is nothing to say.
  }
  return ExitCode.DONE;
}

/** Ends the reading of a command line; never leaves this module. */
class VersionRequest extends Error {}

/** The same, for licences. */
class LicensesRequest extends Error {}

async function printVersion(isJson: boolean, { terminal, root }: CliContext): Promise<number> {
  const { versionText } = await import(
    import.meta.resolve("./versions.ts")
  ) as typeof import("./versions.ts");
  return printText(terminal, versionText(isJson, root));
}

async function printLicenses({ terminal, root }: CliContext): Promise<number> {
  const { licensesText } = await import(
    import.meta.resolve("./licenses.ts")
  ) as typeof import("./licenses.ts");
  return printText(terminal, licensesText(root));
}

function printText(terminal: CliContext["terminal"], text: string): number {
  try {
    terminal.write(text);
  } catch (error) {
    if (!(error instanceof ClosedPipeError)) throw error;
  }
  return ExitCode.DONE;
}

function makeProgram(
  surroundings: CliContext,
  state: ProgramState,
  commands: readonly MakeCommand[],
): Command {
  const env = new IgnoringEnvironment(surroundings.env);
  const context: CliContext = { ...surroundings, env };
  const program = newProgram(context, state);
  addGlobalOptions(program, { isProgram: true });
  let running: Command = program;
  program.hook("preAction", async (_, command) => {
    running = command;
    const { logFile, ignoreDatastore } = globalOptionsOf(command);
    env.ignore(ignoreDatastore);
    if (namedOutputs(command, logFile).length > 0) {
      const { guardOutputs } = await import(
        import.meta.resolve("./outputs/output_guard.ts")
      ) as typeof import("./outputs/output_guard.ts");
      await guardOutputs(command, logFile, context);
    }
    const { metricsFile, json } = command.opts<SinkOptions>();
    const isTold = command.options.some(({ long }) => long === "--metrics-file");
    if (isTold && (metricsFile !== undefined || json)) {
      state.makeSinks = (await import(
        import.meta.resolve("./status/status_sinks.ts")
      ) as typeof import("./status/status_sinks.ts")).makeStatusSinks;
    }
    if (!context.terminal.isErrorTerminal) return;
    const { BarArea } = await import(
      import.meta.resolve("./terminal/progress_bar.ts")
    ) as typeof import("./terminal/progress_bar.ts");
    state.bars = new BarArea(context.terminal);
  });
  const run = (name: string, aliases: string[] = []): CommandContext => {
    const options = state.options ??= globalOptionsOf(running);
    const logger = state.logger ??= makeLogger(options, context, state.bars);
    const names = [`${TOOL_NAME}.${name}`, ...aliases];
    const log = logger.get(names[0], aliases);
    const form = progressForm(options, running, logger.isEnabled("INFO", names), state.bars);
    const { sinks = [], metrics = null } =
      state.makeSinks?.(running.name(), running.opts(), form.intervalMs, { ...context, log }) ?? {};
    state.metrics = metrics;
    return {
      ...context,
      logger,
      log,
      progress: new ProgressReporter({
        ...form,
        sinks,
        log,
        now: context.now,
        every: context.every,
        rssBytes: context.rssBytes,
      }),
      style: makeStyle(
        wantsColor(options.color, context.terminal.isTerminal, context.env),
        context.terminal.isTerminal ? context.terminal.size().columns : null,
      ),
      isPagerWanted: options.pager,
    };
  };
  const setExitCode = (code: number) => {
    state.exitCode = code;
  };
  for (const make of commands) {
    const command = make(context, run, setExitCode);
    addGlobalOptions(command, { isProgram: false });
    command.addHelpText("after", commonEpilogue(command.name()));
    program.addCommand(command.copyInheritedSettings(program));
  }
  return program;
}

/** The program without options and commands. */
function newProgram({ terminal }: CliContext, state: ProgramState): Command {
  return new Command(TOOL_NAME)
    .description(
      "Record what a butler run really did: aggregate, ingest and read provenance graphs.",
    )
    .option("-V, --version", "print the version, and those of all that it is made of")
    .on("option:version", () => {
      throw new VersionRequest();
    })
    .option("--licenses", "print the licences of all that it is made of")
    .on("option:licenses", () => {
      throw new LicensesRequest();
    })
    .helpOption("-h, --help", "print help")
    .helpCommand("help [command]", "print help of a command")
    .configureHelp({ showGlobalOptions: true, optionDescription: describeOption })
    .configureOutput({
      writeOut: (text) => {
        state.help += text;
      },
      writeErr: (text) => terminal.writeError(visibleText(text)),
      // Errors are told in one place, with what to do next.
      outputError: () => {},
    })
    // Global options are options of each command as well, so that its own short ones come first.
    .enablePositionalOptions()
    .exitOverride()
    .addHelpText("after", PROGRAM_EPILOGUE);
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

/** Options of single commands that say how progress is told. */
interface StatusOptions {
  logStatusInterval?: number;
  interactiveStatus?: boolean;
}

/** Bars where they are wanted and can be; lines where there are none, or a file to read them in. */
function progressForm(
  options: GlobalOptions,
  command: Command,
  isInfoLogged: boolean,
  bars: BarArea | null,
): Pick<ProgressOptions, "bars" | "hasLines" | "intervalMs"> {
  const { logStatusInterval = STATUS_SECONDS, interactiveStatus } = command.opts<StatusOptions>();
  const hasBars = bars !== null && isInfoLogged && options.logTty &&
    (interactiveStatus ?? options.progress ?? true);
  return {
    bars: hasBars ? bars : null,
    hasLines: !hasBars || options.logFile.length > 0,
    intervalMs: logStatusInterval * 1000,
  };
}

function makeLogger(options: GlobalOptions, context: CliContext, bars: BarArea | null): Logger {
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
    writeError: (text) => (bars ?? context.terminal).writeError(text),
    append: context.append,
    now: context.now,
    processId: context.processId,
  });
}
