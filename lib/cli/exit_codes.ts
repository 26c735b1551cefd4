/**
 * Exit codes of the process, decided in one place. Documented in `schema/scripting.md`.
 *
 * @module
 */

import type { CommanderError } from "commander";
import { ProvgraphError } from "../base/errors.ts";

/** What the exit code of the process says. */
export const ExitCode = {
  /** Done. Failed quanta are data, not errors. */
  DONE: 0,
  /** Failed; trying again may help. */
  FAILED: 1,
  /** Usage, configuration, or refused; trying again will not help. */
  REFUSED: 2,
  /** Finished, with something unreadable or missing listed. */
  INCOMPLETE: 3,
  /** Ended by signal N: 128 + N. */
  SIGNAL: 128,
} as const;

/** Exit code that belongs to an error. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof ProvgraphError) return error.exitCode;
  // Help and version come as errors with exit code 0; every other one is about the command line.
  if (isCommanderError(error)) {
    return error.exitCode === 0 ? ExitCode.DONE : ExitCode.REFUSED;
  }
  return ExitCode.FAILED;
}

/** Whether "commander" threw it; told by its code, so that who has no options needn't load the package. */
export function isCommanderError(error: unknown): error is CommanderError {
  return error instanceof Error &&
    String((error as { code?: unknown }).code).startsWith("commander.");
}
