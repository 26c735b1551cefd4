/**
 * A command line, given to whoever carries it out.
 *
 * @module
 */

import { EnvironmentError, UsageError } from "../base/errors.ts";
import { forgetSecrets } from "../base/text/secrets.ts";
import type { CliContext } from "./context.ts";
import { exitCodeOf } from "./exit_codes.ts";
import { runPlainCommand } from "./plain/plain_command.ts";
import { asksForJson, describeError } from "./tell_error.ts";

/**
 * Runs one command line; loads no more of the program than it takes.
 *
 * @param args Without the name of the program.
 * @returns the exit code of the process.
 */
export async function runCommandLine(
  args: readonly string[],
  context: CliContext,
): Promise<number> {
  // Who runs several in one process has other passwords for each.
  forgetSecrets();
  try {
    return await runPlainCommand(args, context) ?? await runWholeProgram(args, context);
  } catch (cause) {
    // A module that couldn't be loaded, for want of open files or of the file: nothing has begun.
    const reason = cause instanceof Error
      ? cause.message.replace(/^.*failed\.\n\s*\d+: /, "")
      : cause;
    const error = new EnvironmentError(`Cannot load the program: ${reason}`, { cause });
    const isJson = asksForJson(args);
    context.terminal.writeError(describeError(error, { isJson, isDebug: false, args }));
    return exitCodeOf(error);
  }
}

async function runWholeProgram(args: readonly string[], context: CliContext): Promise<number> {
  // A name that is known only now: the runtime looks through every module that it can foresee, even if
  // it is never loaded, and these are three hundred.
  const name = "./program.ts";
  try {
    const program = await import(import.meta.resolve(name)) as typeof import("./program.ts");
    return await program.runProgram(args, context);
  } catch (error) {
    const told = withoutConfiguration(name, error, context.root);
    if (told === null) throw error;
    const form = { isJson: asksForJson(args), isDebug: false, args };
    context.terminal.writeError(describeError(told, form));
    return told.exitCode;
  }
}

/** What is wrong where packages have no versions, as after `deno install` without `--config`; else null. */
function withoutConfiguration(module: string, error: unknown, root: URL): UsageError | null {
  if (!(error instanceof TypeError) || !/^Import "[^"]+" not a dependency/.test(error.message)) {
    return null;
  }
  const { href } = new URL("deno.json", root);
  return new UsageError(
    `Cannot load "${module}": Deno runs without the "deno.json" that says which packages it needs`,
    {
      hint: `install with: deno install -g -A -f --config ${href} -n provgraph ${root.href}main.ts`,
    },
  );
}
