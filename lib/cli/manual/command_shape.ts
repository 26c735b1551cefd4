/**
 * Commands, options and arguments as plain data, from which completions and the manual page are made:
 * whatever a command defines is in them without being written twice.
 *
 * @module
 */

import type { Argument, Command, Option } from "commander";
import { TOOL_VERSION } from "../../base/version.ts";

/** An option. */
export interface OptionShape {
  /** `-o` or null. */
  short: string | null;
  /** `--output`. */
  long: string;
  /** What its value is called, or null for a flag. */
  value: string | null;
  choices: readonly string[];
  description: string;
}

/** An argument. */
export interface ArgumentShape {
  name: string;
  isRequired: boolean;
  isVariadic: boolean;
  choices: readonly string[];
  description: string;
}

/** A command. */
export interface CommandShape {
  name: string;
  summary: string;
  description: string;
  /** `[options] <repo>`. */
  usage: string;
  /** Its own; the global ones are those of the program. */
  options: OptionShape[];
  arguments: ArgumentShape[];
  /** What its help says behind the options: notes, examples, exit codes, variables. */
  epilogue: string;
}

/** The program. */
export interface ProgramShape {
  name: string;
  version: string;
  description: string;
  globalOptions: OptionShape[];
  commands: CommandShape[];
  epilogue: string;
}

/** Describes a program and all commands that its help lists. */
export function programShape(program: Command): ProgramShape {
  const help = program.createHelp();
  const names = help.visibleCommands(program).map((command) => command.name());
  return {
    name: program.name(),
    version: TOOL_VERSION,
    description: program.description(),
    globalOptions: help.visibleOptions(program).map((option) => optionShape(program, option)),
    commands: names.map((name) => {
      const command = help.visibleCommands(program).find((each) => each.name() === name)!;
      return {
        name,
        summary: command.summary() || command.description(),
        description: command.description(),
        usage: command.usage(),
        options: help.visibleOptions(command).map((option) => optionShape(command, option)),
        // `help` takes a command; commander keeps no list of these.
        arguments: name === "help"
          ? [{
            name: "command",
            isRequired: false,
            isVariadic: false,
            choices: names.filter((each) => each !== "help"),
            description: "command to explain",
          }]
          : command.registeredArguments.map(argumentShape),
        epilogue: epilogueOf(command),
      };
    }),
    epilogue: epilogueOf(program),
  };
}

function optionShape(command: Command, option: Option): OptionShape {
  const value = option.required || option.optional
    ? /[<[]([^>\]]*(?:\][^>]*)?)[>\]]/.exec(option.flags)?.[1] ?? option.name()
    : null;
  return {
    short: option.short ?? null,
    long: option.long ?? option.flags,
    value,
    choices: option.argChoices ?? [],
    description: command.createHelp().optionDescription(option),
  };
}

function argumentShape(argument: Argument): ArgumentShape {
  return {
    name: argument.name(),
    isRequired: argument.required,
    isVariadic: argument.variadic,
    choices: argument.argChoices ?? [],
    description: argument.description,
  };
}

/** Text behind the help, which commander hands out only by printing it. */
function epilogueOf(command: Command): string {
  const kept = command.configureOutput();
  let text = "";
  command.configureOutput({ ...kept, writeOut: (part) => text += part });
  try {
    command.outputHelp();
  } finally {
    command.configureOutput(kept);
  }
  return text.slice(command.helpInformation().length).trim();
}
