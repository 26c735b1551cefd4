/**
 * Where library code tells what it does. How it looks is decided by the command line.
 *
 * @module
 */

/** Levels, as the reference names them. */
export type LogLevel = "TRACE" | "DEBUG" | "VERBOSE" | "INFO" | "WARNING" | "ERROR" | "CRITICAL";

/** A sink for log records. */
export interface Log {
  log(level: LogLevel, text: string): void;
}

/** A log that nobody reads. */
export const SILENT_LOG: Log = { log: () => {} };
