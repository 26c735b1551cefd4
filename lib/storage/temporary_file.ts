/**
 * A file under a temporary name beside its final one, and what becomes of those that killed processes left.
 *
 * @module
 */

import { EnvironmentError } from "../base/errors.ts";
import { basename, dirname, join } from "../base/paths.ts";
import { isLocalFileSystem, keepAdvisoryLock, tryAdvisoryLock } from "./advisory_lock.ts";
import { removeIfPresent, renameDurably } from "./durable_file.ts";
import { createLocked, identityOf, MAX_TRIES, pathIdentity } from "./regular_file.ts";
import { fileError, isAbsence, systemErrorCode } from "./file_errors.ts";
import { parseUnfinishedName, temporaryName } from "./temporary_name.ts";

/** A file that replaces another is nobody else's to read until it has the other's mode. */
const PRIVATE_MODE = 0o600;

/**
 * A file that is being written. It is created exclusively, and this process keeps the advisory lock on it
 * until it is published or given up: so others can tell it from what a killed process left.
 */
export class TemporaryFile implements Disposable {
  /** Where it is. */
  readonly path: string;
  /** Opened for reading and writing. */
  readonly file: Deno.FsFile;
  /** What it will be. */
  readonly finalPath: string;
  readonly #model: string;
  #isOpen = true;

  private constructor(path: string, file: Deno.FsFile, finalPath: string, model: string) {
    this.path = path;
    this.file = file;
    this.finalPath = finalPath;
    this.#model = model;
  }

  /**
   * Creates one.
   *
   * @param finalPath No symbolic link: that would be replaced itself.
   * @param model A file that gives mode and owner where none is replaced, if it is there.
   * @throws {EnvironmentError} or NotFoundError if the system refuses.
   */
  static create(finalPath: string, model: string = finalPath): TemporaryFile {
    try {
      const isNew = (infoAt(finalPath) ?? infoAt(model)) === null;
      const created = createLocked(
        () => temporaryName(finalPath),
        keepAdvisoryLock,
        isNew ? undefined : PRIVATE_MODE,
      );
      if (created !== null) {
        return new TemporaryFile(created.path, created.file, finalPath, model);
      }
    } catch (error) {
      throw fileError("create file", finalPath, error);
    }
    throw new EnvironmentError(
      `Cannot create file "${finalPath}": its temporary file was taken away ${MAX_TRIES} times`,
      { hint: "end what removes files there, then run the same command again" },
    );
  }

  /**
   * Gives the file its final name, durably; its content must have been synced. A file that it replaces
   * leaves it its mode, and its owner and group where the system allows that.
   *
   * @throws {EnvironmentError} or NotFoundError if the system refuses.
   */
  publish(): void {
    const model = infoAt(this.finalPath) ?? infoAt(this.#model);
    if (model !== null) keepOwnerAndMode(model, this.path);
    renameDurably(this.path, this.finalPath);
    this.#close();
  }

  /** Gives up what isn't published: the file is removed. A second call does nothing. */
  [Symbol.dispose](): void {
    if (!this.#isOpen) return;
    try {
      Deno.removeSync(this.path);
    } catch {
      // It is gone, or the error that led here says more.
    }
    this.#close();
  }

  #close(): void {
    if (this.#isOpen) this.file.close();
    this.#isOpen = false;
  }
}

/** What the system says of a regular file; null if none is there, also of a link, whose mode says nothing. */
export function infoAt(path: string): Deno.FileInfo | null {
  try {
    const info = Deno.lstatSync(path);
    return info.isFile ? info : null;
  } catch (error) {
    if (isAbsence(error)) return null;
    throw error;
  }
}

/**
 * Gives a file the owner, group and mode of another, which it will replace or stands beside. Where the group can't be kept,
 * what it was allowed is not given to another group.
 */
export function keepOwnerAndMode(model: Deno.FileInfo, path: string): void {
  let mode = (model.mode ?? PRIVATE_MODE) & 0o777;
  const { uid, gid } = Deno.lstatSync(path);
  if (model.gid !== gid && !tryChown(path, null, model.gid)) {
    mode = mode & ~0o070 | (mode & 0o007) << 3;
  }
  if (model.uid !== uid) tryChown(path, model.uid, null);
  try {
    Deno.chmodSync(path, mode);
  } catch (error) {
    // File systems without modes give every file the same one.
    if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"].includes(systemErrorCode(error) ?? "")) {
      throw fileError("change mode of", path, error);
    }
  }
}

function tryChown(path: string, uid: number | null, gid: number | null): boolean {
  try {
    Deno.chownSync(path, uid, gid);
    return true;
  } catch {
    return false;
  }
}

/**
 * Removes what killed processes left beside a file: temporary files of it, and drafts of its lock. What a
 * process may still use stays, and so does the lock itself.
 *
 * @param isLocked Whether the caller holds the lock on the path, so that every temporary file of it is left
 *   by a process that is gone, on this host or another.
 * @throws {EnvironmentError} if the directory can't be read or a file can't be removed.
 */
export function removeLeftovers(finalPath: string, isLocked: boolean): void {
  const directory = dirname(finalPath);
  const name = basename(finalPath);
  let names: string[];
  try {
    names = Array.from(Deno.readDirSync(directory), (entry) => entry.name);
  } catch (error) {
    if (isAbsence(error)) return;
    throw fileError("read directory", directory, error);
  }
  for (const found of names) {
    const unfinished = found.startsWith(name) ? parseUnfinishedName(found) : null;
    if (unfinished?.owner !== name) continue;
    const path = join(directory, found);
    const isTemporary = !found.startsWith(`${name}.lock.`);
    if (isLocked && isTemporary) removeIfPresent(path);
    else if (unfinished.keepsAdvisory) removeIfAbandoned(path);
  }
}

/** Whether somebody uses a file on which its writer keeps the advisory lock. */
type FileUse = "used" | "abandoned" | "unknown";

/** Finds out whether the writer of an unfinished file is gone. */
export function useOfUnfinished(path: string): FileUse {
  return withUnfinished(path, () => {});
}

/**
 * Removes an unfinished file if its writer is certainly gone.
 *
 * @returns whether it was removed.
 * @throws {EnvironmentError} if the system refuses to remove it.
 */
export function removeIfAbandoned(path: string): boolean {
  return withUnfinished(path, () => removeIfPresent(path)) === "abandoned";
}

/** @param ifAbandoned Called while this process has the advisory lock that the writer lost. */
function withUnfinished(path: string, ifAbandoned: () => void): FileUse {
  let file: Deno.FsFile;
  try {
    // A link to another file, or what would make who opens it wait, was made by somebody else.
    if (!Deno.lstatSync(path).isFile) return "unknown";
    file = Deno.openSync(path, { read: true, write: true });
  } catch {
    return "unknown";
  }
  using _file = file;
  const isFree = tryAdvisoryLock(file);
  if (isFree === false) return "used";
  if (isFree === null || !isLocalFileSystem(path)) return "unknown";
  // Its writer may have published it meanwhile, or given it up.
  if (pathIdentity(path) !== identityOf(file.statSync())) return "unknown";
  ifAbandoned();
  return "abandoned";
}
