/**
 * Exit codes of the process, decided in one place. Documented in `schema/scripting.md`.
 *
 * @module
 */

import { CommanderError } from "commander";
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
  if (error instanceof CommanderError) {
    return error.exitCode === 0 ? ExitCode.DONE : ExitCode.REFUSED;
  }
  return ExitCode.FAILED;
}
