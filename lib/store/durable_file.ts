/**
 * Files that are complete or absent: temporary names, and renames that survive a power cut.
 *
 * @module
 */

import { nodeProcess } from "../base/node_modules.ts";
import { basename, dirname, join } from "../base/paths.ts";
import { failpoint } from "./failpoints.ts";
import { fileError, isAbsence, systemErrorCode } from "./file_source.ts";

/**
 * Makes the entries of a directory durable (names created, renamed or removed in it).
 *
 * @throws {EnvironmentError} if the system refuses; file systems that don't know the call are let be.
 */
export function fsyncDirectory(path: string): void {
  try {
    using directory = Deno.openSync(path);
    directory.syncSync();
  } catch (error) {
    // Some network and FUSE file systems have no such call for directories; there is no other.
    const code = systemErrorCode(error);
    if (code === "EINVAL" || code === "ENOTSUP" || code === "EOPNOTSUPP") return;
    throw fileError("make durable directory", path, error);
  }
}

/**
 * Renames a file, replacing what is at `to`, and makes the rename durable. The content must have been
 * synced before (`file.syncSync()`), or a power cut may leave an empty file under the final name.
 *
 * After a crash: `from` or `to`, whole, never neither.
 *
 * @throws {EnvironmentError} or NotFoundError if the system refuses.
 */
export function renameDurably(from: string, to: string): void {
  try {
    Deno.renameSync(from, to);
  } catch (error) {
    throw fileError(`rename "${from}" to`, to, error);
  }
  failpoint("file.renamed");
  fsyncDirectory(dirname(to));
  if (dirname(from) !== dirname(to)) fsyncDirectory(dirname(from));
}

/** Where a file is written before it gets its final name: beside it, one for each process. */
export function temporaryPath(finalPath: string): string {
  return `${finalPath}.tmp-${Deno.pid}`;
}

/** What {@linkcode temporaryPath} and the drafts of locks add to a name, and the process id in it. */
const LEFTOVER = /^\.(?:tmp-(\d+)|lock\.(\d+)-[0-9a-f]{8})$/;

/**
 * Removes what killed processes left beside a file: their temporary files, and drafts of its lock. Those
 * of other processes that still run stay, and so does the lock itself.
 *
 * @param isLocked Whether the caller holds the lock on the path: then every temporary file is a leftover,
 *   also one of a process on another host, and one of this process that no longer needs it.
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
    const match = found.startsWith(name) ? LEFTOVER.exec(found.slice(name.length)) : null;
    if (match === null) continue;
    const [, temporaryPid, draftPid] = match;
    const isLeft = temporaryPid === undefined
      ? Number(draftPid) !== Deno.pid && !exists(Number(draftPid))
      : isLocked || Number(temporaryPid) === Deno.pid || !exists(Number(temporaryPid));
    if (isLeft) removeIfPresent(join(directory, found));
  }
}

/** True unless the system says that there is no such process. */
export function exists(pid: number): boolean {
  try {
    nodeProcess().kill(pid, 0);
    return true;
  } catch (error) {
    return systemErrorCode(error) !== "ESRCH";
  }
}

/** Removes a file; it may be gone. */
export function removeIfPresent(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw fileError("remove", path, error);
  }
}
