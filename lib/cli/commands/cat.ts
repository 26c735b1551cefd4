/** `cat SOURCE WHAT [ID...]`. @module */

import { Command } from "commander";
import { UsageError } from "../../base/errors.ts";
import type { CliContext, CommandContext } from "../context.ts";

/** Defines the command. */
export function catCommand(
  _cli: CliContext,
  _start: (name: string, aliases?: string[]) => CommandContext,
  _setExitCode: (code: number) => void,
): Command {
  return new Command("cat").summary("print a log, metadata, config or other document").action(
    () => {
      throw new UsageError("Cannot run cat: it is being written");
    },
  );
}
