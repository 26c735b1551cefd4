/**
 * The commands that a command line may need, loaded; of all others only what a list of commands tells.
 *
 * @module
 */

import { Command } from "commander";
import { type CommandEntry, COMMANDS } from "./command_table.ts";
import type { CliContext, CommandContext } from "./context.ts";

/** Defines a command. */
export type MakeCommand = (
  cli: CliContext,
  start: (name: string, aliases?: string[]) => CommandContext,
  setExitCode: (code: number) => void,
) => Command;

/** Commands whose output is about all commands. */
const ABOUT_ALL: ReadonlySet<string> = new Set(["completion", "man"]);

/**
 * The commands for a command line. If it begins with the name of a command, that one only; else all, in the
 * order of help, of which those that the line doesn't name are outlines, which can be listed but not run.
 *
 * @param args Without the name of the program.
 */
export async function loadCommands(args: readonly string[]): Promise<MakeCommand[]> {
  const first = COMMANDS.find(({ name }) => name === args[0]);
  if (first !== undefined && !ABOUT_ALL.has(first.name)) return [await load(first)];
  const isAboutAll = args.some((word) => ABOUT_ALL.has(word));
  return await Promise.all(
    COMMANDS.map((entry) =>
      isAboutAll || args.includes(entry.name) ? load(entry) : outlined(entry)
    ),
  );
}

async function load({ module, made, summary }: CommandEntry): Promise<MakeCommand> {
  // By a name that the runtime can't foresee: else it would look through all of them at every start.
  const exported: Record<string, MakeCommand> = await import(import.meta.resolve(module));
  return (...given) => exported[made](...given).summary(summary);
}

function outlined({ name, takes, summary }: CommandEntry): MakeCommand {
  return () => {
    const command = new Command(name).summary(summary);
    return takes === "" ? command : command.arguments(takes);
  };
}
