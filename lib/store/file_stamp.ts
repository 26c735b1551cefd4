/**
 * What tells whether a file is still the one that was looked at: device, inode, size and time.
 *
 * @module
 */

import { EnvironmentError } from "../base/errors.ts";
import { fileError, isAbsence } from "./system_errors.ts";

/** Identity and version of a file; plain data, so that it may be sent to workers. */
export interface FileStamp {
  dev: number;
  /** Null where the file system has none. */
  ino: number | null;
  /** Bytes. */
  size: number;
  /** Time of last modification, milliseconds since 1970. */
  mtimeMs: number;
}

/** The stamp of a file that the system has told about. */
export function stampOf({ dev, ino, size, mtime }: Deno.FileInfo): FileStamp {
  return { dev, ino, size, mtimeMs: mtime?.getTime() ?? 0 };
}

/**
 * The stamp of what a path leads to, links followed; null if nothing is there.
 *
 * @throws {EnvironmentError} if that can't be found out.
 */
export function stampAt(path: string): FileStamp | null {
  try {
    return stampOf(Deno.statSync(path));
  } catch (error) {
    if (isAbsence(error)) return null;
    throw fileError("look at file", path, error);
  }
}

/** Whether two stamps are of one file that nobody has written to in between. */
export function isSameStamp(a: FileStamp, b: FileStamp): boolean {
  return a.dev === b.dev && a.ino === b.ino && a.size === b.size && a.mtimeMs === b.mtimeMs;
}

/**
 * Makes sure that a path leads to the file that was looked at, and that nobody has written to it since.
 *
 * @param what the file is, for the message ("graph").
 * @throws {EnvironmentError} if it doesn't.
 */
export function requireStamp(path: string, expected: FileStamp, what: string): void {
  const found = stampAt(path);
  if (found !== null && isSameStamp(found, expected)) return;
  const state = found === null
    ? "is not there any more"
    : found.dev === expected.dev && found.ino === expected.ino
    ? `was written to since it was checked (${expected.size} bytes then, ${found.size} now)`
    : "is another file than the one that was checked";
  throw new EnvironmentError(`Cannot go on with ${what} "${path}": it ${state}`, {
    hint:
      "find out which process works on it, then run the same command again: it checks the file anew",
  });
}
