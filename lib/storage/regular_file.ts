/**
 * Opening of files that may be anything. A FIFO in a file's place makes who opens it wait for a writer for
 * ever, and a device may do anything: so what isn't a regular file is refused, before it is opened and once
 * more when it is open.
 *
 * @module
 */

import { EnvironmentError, UnusableFileError } from "../base/errors.ts";
import { fileError, isAbsence } from "./file_errors.ts";

/** A file that was found to be regular, with what the system says of the opened file itself. */
interface RegularFile {
  file: Deno.FsFile;
  info: Deno.FileInfo;
}

/** What is done with a file that is opened. */
interface OpenChoice {
  /** What is attempted, for errors ("open file", "read options file"). */
  action?: string;
  /** Whether it is opened for writing too, in place. */
  write?: boolean;
}

/**
 * Opens a regular file that is there, following links.
 *
 * @throws {NotFoundError} if nothing is there.
 * @throws {EnvironmentError} if it can't be opened or isn't a regular file.
 */
export function openRegularFile(
  path: string,
  { action = "open file", write = false }: OpenChoice = {},
): RegularFile {
  let file: Deno.FsFile | null = null;
  try {
    requireRegularFile(path, Deno.statSync(path), action);
    file = Deno.openSync(path, { read: true, write });
    const info = file.statSync();
    // Another one may have come to the name meanwhile.
    requireRegularFile(path, info, action);
    return { file, info };
  } catch (error) {
    file?.close();
    if (error instanceof EnvironmentError) throw error;
    throw fileError(action, path, error);
  }
}

/**
 * Opens a regular file to append to it, or makes it.
 *
 * @throws {EnvironmentError} or NotFoundError if it can't be opened or isn't a regular file.
 */
export function openToAppend(path: string, action: string): Deno.FsFile {
  try {
    const found = statIfThere(path);
    if (found !== null) requireRegularFile(path, found, action);
    return Deno.openSync(path, { append: true, create: true });
  } catch (error) {
    if (error instanceof EnvironmentError) throw error;
    throw fileError(action, path, error);
  }
}

function statIfThere(path: string): Deno.FileInfo | null {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (isAbsence(error)) return null;
    throw error;
  }
}

/**
 * Text of a file that people write: configuration, credentials, options. For who has words of their own.
 *
 * @param maxSize bytes that are read at most, whatever the file's size is said to be
 * @param refuse makes the error for what can't be such a file
 * @throws {Error} of the system, raw, if it can't be read.
 */
export function readLimitedText(
  path: string,
  maxSize: number,
  refuse: (state: string) => Error,
): string {
  // By path and before opening: opening a FIFO would wait for a writer for ever.
  const info = Deno.statSync(path);
  if (!info.isFile) throw refuse(`it is ${kindOf(info)}`);
  using file = Deno.openSync(path);
  // One byte more than the size shows that it has grown; one more than the limit, that there is more.
  let bytes = new Uint8Array(Math.min(info.size, maxSize) + 1);
  let done = 0;
  for (;;) {
    const n = file.readSync(bytes.subarray(done));
    if (n === null || n === 0) return new TextDecoder().decode(bytes.subarray(0, done));
    done += n;
    if (done > maxSize) throw refuse(`it has more than ${maxSize} bytes`);
    if (done < bytes.length) continue;
    const grown = new Uint8Array(Math.min(2 * done, maxSize + 1));
    grown.set(bytes);
    bytes = grown;
  }
}

/**
 * Refuses what isn't a regular file.
 *
 * @throws {UnusableFileError} that says what it is.
 */
export function requireRegularFile(
  path: string,
  info: Deno.FileInfo,
  action = "read file",
): void {
  if (info.isFile) return;
  throw new UnusableFileError(action, path, `it is ${kindOf(info)}`);
}

/** What something that is no regular file is, in words. */
export function kindOf(info: Deno.FileInfo): string {
  const kind = info.isDirectory
    ? "a directory"
    : info.isFifo
    ? "a FIFO"
    : info.isSocket
    ? "a socket"
    : "a device";
  return `${kind}, not a regular file`;
}

/** Device and inode of an opened file, or of what a path leads to: the same for the same file only. */
export function identityOf({ dev, ino }: Pick<Deno.FileInfo, "dev" | "ino">): string {
  return `${dev}:${ino}`;
}

/**
 * Device and inode of what a path leads to; null if nothing is there.
 *
 * @throws {EnvironmentError} if that can't be found out.
 */
export function pathIdentity(path: string): string | null {
  try {
    return identityOf(Deno.statSync(path));
  } catch (error) {
    if (isAbsence(error)) return null;
    throw fileError("look at", path, error);
  }
}

/** How often a file is created anew before it is given up. */
export const MAX_TRIES = 20;

/** A file that this process has created, opened for reading and writing. */
interface LockedFile {
  path: string;
  file: Deno.FsFile;
  /** Whether this process has its lock; false where the file system has no such locks. */
  keepsAdvisory: boolean;
}

/**
 * Creates a file that nobody else has, and takes its lock. Until it has that, a process that removes what killed
 * ones left may take the file for abandoned; then another is created.
 *
 * @param name Gives another name with each call.
 * @param take Takes the lock without waiting; false if another process has it, null if there are no locks.
 * @returns null if each of {@linkcode MAX_TRIES} files was taken away.
 * @throws what the system says, if it refuses.
 */
export function createLocked(
  name: () => string,
  take: (file: Deno.FsFile) => boolean | null,
  mode?: number,
): LockedFile | null {
  for (let i = 0; i < MAX_TRIES; i++) {
    const path = name();
    let file: Deno.FsFile;
    try {
      file = Deno.openSync(path, { read: true, write: true, createNew: true, mode });
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists) continue;
      throw error;
    }
    try {
      const isTaken = take(file);
      if (isTaken !== false && pathIdentity(path) === identityOf(file.statSync())) {
        return { path, file, keepsAdvisory: isTaken !== null };
      }
    } catch (error) {
      file.close();
      throw error;
    }
    file.close();
  }
  return null;
}
