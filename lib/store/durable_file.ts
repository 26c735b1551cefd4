/**
 * Files that are complete or absent: renames that survive a power cut.
 *
 * @module
 */

import { EnvironmentError } from "../base/errors.ts";
import { nodeProcess } from "../base/node_modules.ts";
import { dirname, resolve } from "../base/paths.ts";
import { failpoint } from "./failpoints.ts";
import { fileError, isAbsence, systemErrorCode } from "./system_errors.ts";

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

/** A chain of links that is longer goes in a circle; the system's own limit. */
const MAX_LINKS = 40;

/**
 * Where a file would be that is written under a name: the name itself, or what it leads to as a symbolic
 * link, also if nothing is there yet. Who replaces that file leaves the link as it is.
 *
 * @throws {EnvironmentError} if links go in a circle or can't be read.
 */
export function linkTarget(path: string): string {
  let target = path;
  for (let i = 0; i <= MAX_LINKS; i++) {
    try {
      if (!Deno.lstatSync(target).isSymlink) return target;
      target = resolve(dirname(target), Deno.readLinkSync(target));
    } catch (error) {
      if (isAbsence(error)) return target;
      throw fileError("follow link", path, error);
    }
  }
  throw new EnvironmentError(`Cannot follow link "${path}": it goes in a circle`);
}
