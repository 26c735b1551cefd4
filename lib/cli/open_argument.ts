/**
 * The SOURCE of a command line, opened.
 *
 * @module
 */

import type { DocumentSource } from "../sources/source.ts";
import { type BusyOptions, lockWait } from "./args.ts";
import type { CliContext, CommandContext } from "./context.ts";

/**
 * Opens a SOURCE as a command was given it. What that takes is loaded only now.
 *
 * @throws {UsageError} if the source is of another RUN.
 * @throws {NotFoundError} if it is nothing that is there.
 */
export async function openArgument(
  argument: string,
  run: string | undefined,
  options: BusyOptions,
  { env, cwd }: CliContext,
  context: CommandContext,
): Promise<DocumentSource> {
  const { openSource } = await import(
    import.meta.resolve("../sources/open_source.ts")
  ) as typeof import("../sources/open_source.ts");
  return await openSource(argument, run ?? null, env, cwd, lockWait(options, context));
}
