/**
 * A command line, given to whoever carries it out.
 *
 * @module
 */

import type { CliContext } from "./context.ts";
import { runPlainCat } from "./plain_cat.ts";

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
  const exitCode = await runPlainCat(args, context);
  if (exitCode !== null) return exitCode;
  // A name that is known only now: the runtime looks through every module that it can foresee, even if
  // it is never loaded, and these are three hundred.
  const program = import.meta.resolve("./program.ts");
  const { runProgram } = await import(program) as typeof import("./program.ts");
  return await runProgram(args, context);
}
