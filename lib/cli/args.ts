/**
 * Values of options and arguments: parsed and checked once, here, so that commands get numbers and
 * absolute paths.
 *
 * @module
 */

import type { Environment } from "../base/environment.ts";
import { InvalidArgumentError, Option } from "commander";
import { DEFAULT_COMPRESSION } from "../aggregate/scan/compression.ts";
import { LEVEL_NUMBERS, type Log } from "../base/log.ts";
import { localPath } from "../butler/config/local_path.ts";
import { DEFAULT_BUSY_TIMEOUT_MS, type LockWaitOptions } from "../butler/registry/lock_wait.ts";
import { levelNumber } from "./values.ts";

/** Longest wait for a lock, seconds: a day. */
const MAX_BUSY_SECONDS = 86_400;

/** What `--busy-timeout` gives: seconds. */
export interface BusyOptions {
  busyTimeout: number;
}

/** `--busy-timeout`, of all commands that open a repository's database. */
export function busyTimeoutOption(): Option {
  return new Option("--busy-timeout <seconds>", "how long to wait for a lock of the database")
    .argParser(integerAtLeast(0, MAX_BUSY_SECONDS)).default(DEFAULT_BUSY_TIMEOUT_MS / 1000);
}

/** How a command waits for a locked database. */
export function lockWait(
  { busyTimeout }: BusyOptions,
  { log, signal, now }: { log: Log; signal: AbortSignal; now: () => Date },
): LockWaitOptions {
  return { busyTimeoutMs: busyTimeout * 1000, log, signal, now };
}

/** Parser of an integer option of at least `minimum`. */
export function integerAtLeast(minimum: number, maximum = 2 ** 31 - 1): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^[+-]?\d+$/.test(text.trim()) || !Number.isSafeInteger(value)) {
      throw new InvalidArgumentError("It is not an integer.");
    }
    if (value < minimum) throw new InvalidArgumentError(`It must be at least ${minimum}.`);
    if (value > maximum) throw new InvalidArgumentError(`It must be at most ${maximum}.`);
    return value;
  };
}

/** Parser of an integer option of any sign. */
export function integer(text: string): number {
  return integerAtLeast(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)(text);
}

/** `--log-status-interval`, of commands that take long. */
export function statusIntervalOption(): Option {
  return new Option("--log-status-interval <seconds>", "between status lines, if there are no bars")
    .argParser(integerAtLeast(1)).default(undefined, "30");
}

/** `--metrics-file`, of commands that change a repository or scan one. */
export function metricsFileOption(): Option {
  return new Option(
    "--metrics-file <file>",
    "write metrics to a file, in OpenMetrics text, every 5 s and at the end",
  );
}

/** `-j`, of commands that scan. */
export function processesOption(nProcessors: number): Option {
  return new Option("-j, --processes <n>", "scanners").argParser(integerAtLeast(1, 1024))
    .default(nProcessors, "number of processors");
}

/** `--read-ahead`, of the same commands. */
export function readAheadOption(): Option {
  return new Option(
    "--read-ahead <when>",
    "read files before their turn, many at a time; auto: where each is waited for",
  ).choices(["auto", "always", "never"]).default("auto");
}

/** `--zstd-level`, of commands that scan. */
export function zstdLevelOption(): Option {
  return new Option(
    "--zstd-level <n>",
    "compression level of logs and metadata (10, as the butler's: a tenth smaller, half as fast); " +
      "quanta and datasets get at most 3",
  ).argParser(integerAtLeast(1, 22)).default(undefined, "1; 3 for up to 5000 quanta");
}

/** `--zstd-dict-n-inputs`, of the same commands. */
export function zstdDictNInputsOption(): Option {
  return new Option("--zstd-dict-n-inputs <n>", "samples for the dictionary")
    .argParser(integerAtLeast(1)).default(DEFAULT_COMPRESSION.zstdDictNInputs);
}

/** `--force`, of commands that write files; `output_guard.ts` asks for it. */
export function forceOption(): Option {
  return new Option(
    "--force",
    "replace an output that is something else; never an input or a part of a repository",
  ).default(false);
}

/**
 * Absolute path of a file argument: a plain path or a `file:` URI.
 *
 * @throws {RepositoryError} if it is a URI of another scheme.
 */
export function filePath(
  argument: string,
  env: Environment,
  cwd: string,
  what: string,
): string {
  return localPath(argument, env, cwd, what);
}

/** Number of a level by its name, or the number itself. */
export function logLevel(text: string): number {
  const level = levelNumber(text);
  if (level !== null) return level;
  const known = Object.keys(LEVEL_NUMBERS).join(", ");
  throw new InvalidArgumentError(`It is no number. Allowed choices are ${known}.`);
}
