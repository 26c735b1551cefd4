/**
 * Every error class of the tool. A message says what was attempted, names the object, and gives the
 * state found; `hint` is the next step when one is known. The exit code travels with the error, so
 * that only `main.ts` turns one into the other.
 *
 * @module
 */

import { withoutSecrets } from "./text/secrets.ts";

/** Options of {@linkcode ProvgraphError}. */
export interface ProvgraphErrorOptions extends ErrorOptions {
  /** What the user can do next, one sentence without full stop. */
  hint?: string;
}

/** Base of all errors that are told to the user without a stack trace. */
export class ProvgraphError extends Error {
  /** Name of the class. */
  override name = "ProvgraphError";
  /** Process exit code: 1 trying again may help, 2 it will not. */
  readonly exitCode: number = 1;
  /** Next step for the user, or undefined. */
  readonly hint: string | undefined;

  /** Makes one. @param message What was attempted, the object, and the state found. */
  constructor(message: string, options: ProvgraphErrorOptions = {}) {
    super(shortened(withoutSecrets(message)), options);
    this.hint = options.hint === undefined ? undefined : withoutSecrets(options.hint);
  }
}

/** Longest message, letters. Names and values that a damaged file gives may be of any length. */
const MAX_MESSAGE = 1500;

/** A message of bearable length: the end is kept, for it says what is wrong. */
function shortened(message: string): string {
  if (message.length <= MAX_MESSAGE) return message;
  const half = MAX_MESSAGE / 2;
  return `${message.slice(0, half)} [...] ${message.slice(-half)}`;
}

/** A command line or configuration that can't work: exit code 2. */
export class UsageError extends ProvgraphError {
  override name = "UsageError";
  override readonly exitCode = 2;
}

/** A name that means several things: exit code 2. */
export class AmbiguousNameError extends UsageError {
  override name = "AmbiguousNameError";
}

/**
 * The error for a host that this process may not reach, as a binary that was compiled without it; null
 * if that isn't what an error is about.
 *
 * @param what was attempted, with its object ('read "http://..."').
 */
export function hostRefused(what: string, error: unknown): RefusedError | null {
  const match = error instanceof Error
    ? /^Requires net access to "([^"]*)"/.exec(error.message)
    : null;
  if (match === null) return null;
  return new RefusedError(`Cannot ${what}: this program may not reach "${match[1]}"`, {
    cause: error,
    hint: `compile it with --allow-net=${match[1]}, or run it from source`,
  });
}

/** Why a path was refused to a binary. */
export const BINARY_RULE = "a binary may use no files below /dev, /proc and /sys";

/**
 * The error for a path that a binary may not use; null if that isn't what an error is about. What a binary has
 * in it seems to lie in the temporary folder, which may be such a path.
 */
export function pathRefused(error: unknown): EnvironmentError | null {
  const match = error instanceof Error
    ? /^Requires all access to "([^"]*)"/.exec(error.message)
    : null;
  if (match === null) return null;
  const [, path] = match;
  return path.includes("/deno-compile-")
    ? new EnvironmentError(
      `Cannot read what this binary has in it, which seems to be in the folder for temporary files: ${BINARY_RULE}`,
      { cause: error, hint: "set TMPDIR to another directory, or unset it" },
    )
    : new EnvironmentError(
      `Cannot use "${path}": ${BINARY_RULE}`,
      { cause: error, hint: "use another directory, or run the tool from source" },
    );
}

/** A well-formed request that must not be carried out in the present state: exit code 2. */
export class RefusedError extends ProvgraphError {
  override name = "RefusedError";
  override readonly exitCode = 2;
}

/** A quantum graph file (or part of one) that can't be what it claims to be: exit code 2. */
export class InvalidQuantumGraphFileError extends ProvgraphError {
  override name = "InvalidQuantumGraphFileError";
  override readonly exitCode = 2;
}

/** A chunk log that can't be what it claims to be: exit code 2. */
export class InvalidChunkLogError extends ProvgraphError {
  override name = "InvalidChunkLogError";
  override readonly exitCode = 2;
}

/** A repository this tool can't work with (configuration, manager or universe version): exit code 2. */
export class RepositoryError extends ProvgraphError {
  override name = "RepositoryError";
  override readonly exitCode = 2;
}

/** A dataset type, dataset or collection that exists with another definition: exit code 2. */
export class ConflictingDefinitionError extends ProvgraphError {
  override name = "ConflictingDefinitionError";
  override readonly exitCode: number = 2;
}

/**
 * A row that is there already under the same or another id; the transaction was rolled back: exit code 1.
 */
export class ConflictingDatasetError extends ProvgraphError {
  override name = "ConflictingDatasetError";
  override readonly exitCode = 1;
}

/** Something that was asked for is not there (quantum, dataset, collection, file): exit code 2. */
export class NotFoundError extends ProvgraphError {
  override name = "NotFoundError";
  override readonly exitCode = 2;
}

/** The operating system or the database did not do what was asked: exit code 1. */
export class EnvironmentError extends ProvgraphError {
  override name = "EnvironmentError";
  override readonly exitCode = 1;
}

/**
 * Something at a path that can't be read as a file, now or later: a directory, a FIFO, a socket, a circle
 * of links, a file beyond all bounds. Exit code 1 where nobody counts it as a broken file.
 */
export class UnusableFileError extends EnvironmentError {
  override name = "UnusableFileError";
  /** What is wrong with it, without the path: "it is a directory". */
  readonly state: string;

  /**
   * @param action What was attempted, with its object ("read file").
   * @param path The path that was given.
   * @param state What is there instead.
   */
  constructor(action: string, path: string, state: string, options: ProvgraphErrorOptions = {}) {
    super(`Cannot ${action} "${path}": ${state}`, options);
    this.state = state;
  }
}

/** A worker died or reported an error; the cause is chained: exit code of the cause, else 1. */
export class WorkerFailedError extends ProvgraphError {
  override name = "WorkerFailedError";
  override readonly exitCode: number;

  constructor(message: string, options: ProvgraphErrorOptions & { exitCode?: number } = {}) {
    super(message, options);
    this.exitCode = options.exitCode ?? 1;
  }
}

/** A signal asked to stop; what was in hand has been finished: exit code 128 + number of the signal. */
export class InterruptedError extends ProvgraphError {
  override name = "InterruptedError";
  override readonly exitCode: number;

  constructor(message: string, reason: StopReason, options: ProvgraphErrorOptions = {}) {
    super(message, options);
    this.exitCode = 128 + reason.number;
  }
}

/** Reason of an `AbortSignal` that stops a run: the signal that was received. */
export interface StopReason {
  /** Name, such as `SIGTERM`. */
  signal: string;
  number: number;
}

/** The reason of an aborted signal, whatever aborted it. */
export function stopReason(signal: AbortSignal): StopReason {
  const reason: unknown = signal.reason;
  if (typeof reason === "object" && reason !== null && "number" in reason && "signal" in reason) {
    return reason as StopReason;
  }
  return { signal: "SIGTERM", number: 15 };
}

/** An error as plain data, to cross a worker boundary, where error objects lose their class. */
export interface ErrorData {
  name: string;
  message: string;
  exitCode: number;
  /** Whether the message says what failed: true for the classes of this module only. */
  isClear?: boolean;
  hint?: string;
  stack?: string;
}

/** Turns any thrown value into data for a message; without passwords, which only this thread knows. */
export function errorToData(error: unknown): ErrorData {
  if (error instanceof ProvgraphError) {
    return {
      name: error.name,
      message: error.message,
      exitCode: error.exitCode,
      isClear: true,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      ...(error.stack === undefined ? {} : { stack: withoutSecrets(error.stack) }),
    };
  }
  if (error instanceof Error) {
    return {
      name: error.name,
      message: withoutSecrets(error.message),
      exitCode: 1,
      ...(error.stack === undefined ? {} : { stack: withoutSecrets(error.stack) }),
    };
  }
  return { name: "Error", message: String(error), exitCode: 1 };
}

const WORKER_HINT = "run the same command again to continue; --debug shows the place";

/** What helps where too many files are open. */
export const OPEN_FILES_HINT = "raise the limit, as by: ulimit -n 1024";

/** What helps against what the system says: its code or, where the runtime gives none, its words. */
const SYSTEM_HINTS: readonly (readonly [code: string, words: RegExp, hint: string])[] = [
  ["EMFILE", /\bToo many open files\b/, OPEN_FILES_HINT],
  // The runtime gives no reason where it can't read what it knows of a package.
  [
    "ERR_INVALID_PACKAGE_CONFIG",
    /\bInvalid package config\. Failed reading\b/,
    "if that file is sound, too many files are open: raise the limit, as by: ulimit -n 1024",
  ],
  ["ENFILE", /\bToo many open files in system\b/, OPEN_FILES_HINT],
  [
    "ENOSPC",
    /\bNo space left on device\b/,
    "free some space and run the same command again",
  ],
  ["EDQUOT", /\bquota exceeded\b/i, "free some space and run the same command again"],
  [
    "EFBIG",
    /\bFile too large\b/,
    "raise the limit of file sizes, as by: ulimit -f unlimited; then run the same command again",
  ],
];

/** The next step after an error whose cause is known by name; null for others. */
export function hintOfKnownCause(error: { message: string; code?: unknown }): string | null {
  const { message, code } = error;
  return SYSTEM_HINTS.find(([name, words]) => name === code || words.test(message))?.[2] ?? null;
}

/**
 * The next step after an error that the operating system gave, where no place nearer to it has said one;
 * null for errors of another kind.
 */
export function hintOfSystemError(error: { message: string; code?: unknown }): string | null {
  const { message, code } = error;
  const known = hintOfKnownCause(error);
  if (known !== null) return known;
  const isOfSystem = /\(os error \d+\)/.test(message) ||
    (typeof code === "string" && /^E[A-Z0-9]+$/.test(code));
  return isOfSystem ? "mend the cause and run the same command again" : null;
}

/**
 * Turns data that crossed a worker boundary into an error with its cause chained. Where the message
 * doesn't say by itself what failed, the worker is named.
 */
export function errorFromData(data: ErrorData, workerName: string): WorkerFailedError {
  const cause = new Error(data.message);
  cause.name = data.name;
  if (data.stack !== undefined) cause.stack = data.stack;
  const isClear = data.isClear ?? false;
  const message = isClear
    ? data.message
    : `Cannot go on without worker "${workerName}": ${data.message}`;
  const hint = data.hint ?? (isClear ? undefined : hintOfSystemError(data) ?? WORKER_HINT);
  const error = new WorkerFailedError(message, {
    cause,
    exitCode: data.exitCode,
    ...(hint === undefined ? {} : { hint }),
  });
  error.name = data.name;
  return error;
}
