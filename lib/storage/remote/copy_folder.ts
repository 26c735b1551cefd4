/**
 * Folders for copies of remote files. What a kill leaves is removed by the next run on the same machine:
 * each folder has a file whose advisory lock its process holds, and which has that name only when it is
 * locked. Where there are no such locks, and on file systems of networks, folders stay.
 *
 * @module
 */

import { join } from "../../base/paths.ts";
import { isLocalFileSystem, tryAdvisoryLock } from "../advisory_lock.ts";
import { fileError } from "../file_errors.ts";

const PREFIX = "provgraph-copy-";
const LOCK = "lock";

/** A folder; disposing of it removes it. */
type CopyFolder = Disposable & { path: string };

/**
 * Makes a folder, and removes those of dead processes beside it.
 *
 * @param parent Undefined for the system's folder for temporary files.
 * @throws {EnvironmentError} if that can't be.
 */
export function makeCopyFolder(parent: string | undefined): CopyFolder {
  const path = makeFolder(parent);
  using made = new DisposableStack();
  made.defer(() => removeFolder(path));
  const folder = path.slice(0, path.lastIndexOf("/"));
  if (isLocalFileSystem(path)) {
    sweep(folder);
    const lock = takeLock(path);
    if (lock !== null) made.use(lock);
  }
  const undo = made.move();
  return { path, [Symbol.dispose]: () => undo[Symbol.dispose]() };
}

function makeFolder(parent: string | undefined): string {
  try {
    return Deno.makeTempDirSync({
      prefix: PREFIX,
      ...(parent === undefined ? {} : { dir: parent }),
    });
  } catch (error) {
    throw fileError("make a folder for copies in", parent ?? "the usual place", error);
  }
}

/** Null if there are no such locks. */
function takeLock(folder: string): Deno.FsFile | null {
  const unnamed = join(folder, `${LOCK}.new`);
  const file = Deno.openSync(unnamed, { write: true, createNew: true });
  if (tryAdvisoryLock(file) !== true) {
    file.close();
    return null;
  }
  Deno.renameSync(unnamed, join(folder, LOCK));
  return file;
}

/** Removes folders whose processes are gone. What goes wrong there is not this run's business. */
function sweep(parent: string): void {
  try {
    const uid = Deno.uid();
    for (const { name, isDirectory } of Deno.readDirSync(parent)) {
      if (!isDirectory || !name.startsWith(PREFIX)) continue;
      const folder = join(parent, name);
      if (Deno.lstatSync(folder).uid === uid) removeIfDead(folder);
    }
  } catch {
    // It may be gone, or not be ours to read.
  }
}

function removeIfDead(folder: string): void {
  try {
    using lock = Deno.openSync(join(folder, LOCK), { write: true });
    if (tryAdvisoryLock(lock) === true) Deno.removeSync(folder, { recursive: true });
  } catch {
    // Another run removes it just now, or it has no lock yet.
  }
}

function removeFolder(path: string): void {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw fileError("remove folder", path, error);
  }
}
