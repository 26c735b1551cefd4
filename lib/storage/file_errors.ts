/**
 * Errors of the operating system, as the tool words them.
 *
 * @module
 */

import {
  BINARY_RULE,
  EnvironmentError,
  NotFoundError,
  pathRefused,
  ProvgraphError,
  UnusableFileError,
} from "../base/errors.ts";

/** The POSIX name of a system error ("ENOENT"), or undefined. */
export function systemErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** What the system says, without the call and path that the runtime appends. */
export function systemErrorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const refused = pathRefused(error);
  if (refused !== null) return `${BINARY_RULE}; ${refused.hint}`;
  return error.message.replace(/: [a-z]+ '.*$/s, "");
}

/** True if the error says that nothing is at a path. */
export function isAbsence(error: unknown): boolean {
  const code = systemErrorCode(error);
  return code === "ENOENT" || code === "ENOTDIR";
}

/** States of paths at which there can't be a file, however often one looks; by POSIX name. */
const UNUSABLE: ReadonlyMap<string, string> = new Map([
  ["ELOOP", "its symbolic links lead in a circle"],
  ["ENAMETOOLONG", "the name is longer than the file system takes"],
  ["EISDIR", "it is a directory"],
]);

/**
 * The tool's error for a failed call on a path: {@linkcode NotFoundError} when nothing is there,
 * {@linkcode UnusableFileError} when what is there can't be a file, {@linkcode EnvironmentError} for all
 * else.
 *
 * @param action what was attempted, with its object ("open file").
 */
export function fileError(action: string, path: string, error: unknown): ProvgraphError {
  const message = `Cannot ${action} "${path}": ${systemErrorText(error)}`;
  const unusable = UNUSABLE.get(systemErrorCode(error) ?? "");
  if (unusable !== undefined) {
    return new UnusableFileError(action, path, unusable, { cause: error });
  }
  return isAbsence(error)
    ? new NotFoundError(message, { cause: error })
    : new EnvironmentError(message, { cause: error });
}

/**
 * Words an error of the operating system that no place nearer to it has worded; any other error stays
 * what it is.
 *
 * @param attempt what failed as a whole, with its object ('ingest graph "a.qg"').
 */
export function describeSystemError(attempt: string, error: unknown): unknown {
  if (error instanceof ProvgraphError || systemErrorCode(error) === undefined) return error;
  return new EnvironmentError(
    `Cannot ${attempt}: ${error instanceof Error ? error.message : error}`,
    { cause: error, hint: "mend the cause and run the same command again; nothing is lost" },
  );
}

/**
 * Checks a range against a size before anything is allocated for it.
 *
 * @throws {EnvironmentError} if the range isn't inside `0..size`.
 */
export function checkRange(name: string, size: number, offset: number, length: number): void {
  if (
    !Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0 ||
    offset > size - length
  ) {
    throw new EnvironmentError(
      `Cannot read ${length} bytes at ${offset} of "${name}": it has ${size} bytes`,
    );
  }
}
