/** `completion SHELL`. @module */

import { Argument, Command } from "commander";
import { programShape } from "../manual/command_shape.ts";
import { completionScript, type Shell, SHELLS } from "../manual/completion_scripts.ts";
import type { CliContext } from "../context.ts";
import { COMPLETION_EPILOGUE } from "../manual/help.ts";

/** Defines the command. */
export function completionCommand(cli: CliContext): Command {
  const command: Command = new Command("completion")
    .description("Print a script that lets a shell complete commands, options and their values.")
    .addArgument(new Argument("<shell>", "the shell").choices(SHELLS))
    .addHelpText("after", COMPLETION_EPILOGUE);
  return command.action((shell: Shell) => {
    cli.terminal.write(completionScript(shell, programShape(command.parent!)));
  });
}
