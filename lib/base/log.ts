/**
 * Where library code tells what it does. How it looks is decided by the command line.
 *
 * @module
 */

/** Levels, as the reference names them. */
export type LogLevel = "TRACE" | "DEBUG" | "VERBOSE" | "INFO" | "WARNING" | "ERROR" | "CRITICAL";

/** Levels and the numbers that Python gives them. */
export const LEVEL_NUMBERS: Readonly<Record<LogLevel, number>> = {
  TRACE: 5,
  DEBUG: 10,
  VERBOSE: 15,
  INFO: 20,
  WARNING: 30,
  ERROR: 40,
  CRITICAL: 50,
};

/** A sink for log records. */
export interface Log {
  log(level: LogLevel, text: string): void;
}
