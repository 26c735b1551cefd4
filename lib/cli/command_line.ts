/**
 * A command line, given to whoever carries it out.
 *
 * @module
 */

import type { CliContext } from "./context.ts";
import { EnvironmentError } from "../base/errors.ts";
import { exitCodeOf } from "./exit_codes.ts";
import { runPlainCat } from "./plain_cat.ts";
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
  try {
    return await runPlainCat(args, context) ?? await runWholeProgram(args, context);
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
  const program = import.meta.resolve("./program.ts");
  const { runProgram } = await import(program) as typeof import("./program.ts");
  return await runProgram(args, context);
}
