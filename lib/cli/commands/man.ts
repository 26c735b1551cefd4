/** `man`. @module */

import { Command } from "commander";
import { programShape } from "../manual/command_shape.ts";
import type { CliContext } from "../context.ts";
import { MAN_EPILOGUE } from "../manual/help.ts";
import { manPage } from "../manual/man_page.ts";

/** Defines the command. */
export function manCommand(cli: CliContext): Command {
  const command: Command = new Command("man")
    .description("Print the manual page of all commands, for man.")
    .addHelpText("after", MAN_EPILOGUE);
  return command.action(() => {
    cli.terminal.write(manPage(programShape(command.parent!)));
  });
}
