/**
 * One `ingest-graph` of a RUN at a time. The lock beside the graph's place in the datastore keeps others
 * away with a message that says who is at work; it is no more than that. What makes two of them harmless
 * where locks don't work, as on some network file systems, is told in `schema/resume.md`: the graph gets
 * its name exclusively, the database lets one of them register it, and each looks again before it deletes.
 *
 * @module
 */

import { accessSync, constants, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import type { Environment } from "../base/environment.ts";
import { EnvironmentError } from "../base/errors.ts";
import { nodeCrypto } from "../base/node_modules.ts";
import { dirname, join } from "../base/paths.ts";
import { LockFile } from "../storage/lock_file.ts";
import { isDirectory } from "../storage/path_kind.ts";
import { temporaryFolder } from "../storage/remote/local_copy.ts";
import { isRemoteUri } from "../storage/remote/storage_url.ts";
import { fileError } from "../storage/file_errors.ts";

/** The right to change a RUN's provenance graph, and what it backs. */
export class RunLock implements Disposable {
  readonly #lock: LockFile;
  /** Where the lock file lies; null if that is no directory of the datastore. */
  readonly #directory: string | null;
  readonly #root: string;

  private constructor(lock: LockFile, directory: string | null, root: string) {
    this.#lock = lock;
    this.#directory = directory;
    this.#root = root;
  }

  /**
   * Takes it.
   *
   * @param target Absolute path at which the file template puts the RUN's graph.
   * @param root Absolute root of the datastore, which must be there.
   * @throws {EnvironmentError} if another process has it; nothing is changed.
   */
  static take(target: string, root: string, run: string): RunLock {
    const directory = dirname(target);
    makeDirectories(directory, root);
    try {
      return new RunLock(LockFile.acquire(target), directory, root);
    } catch (error) {
      removeEmptyDirectories(directory, root);
      throw busyError(error, run);
    }
  }

  /**
   * Takes that of a graph in a remote store, where no locks are: a file of this machine stands for it.
   *
   * @param folder In which that file is made.
   * @throws {EnvironmentError} as {@linkcode take}.
   */
  static takeRemote(target: string, folder: string, run: string): RunLock {
    const digest = nodeCrypto().createHash("sha256").update(target).digest("hex").slice(0, 32);
    try {
      return new RunLock(LockFile.acquire(join(folder, `ingest-graph-${digest}`)), null, folder);
    } catch (error) {
      throw busyError(error, run);
    }
  }

  /**
   * Gives it back, with its directories if they hold nothing: those that this process made, and those that
   * one made which was killed.
   */
  [Symbol.dispose](): void {
    this.#lock.release();
    if (this.#directory !== null) removeEmptyDirectories(this.#directory, this.#root);
  }
}

function busyError(error: unknown, run: string): unknown {
  if (!(error instanceof EnvironmentError)) return error;
  return new EnvironmentError(
    `Cannot ingest into RUN "${run}", which only one process may do at a time: ${error.message}`,
    { cause: error, ...(error.hint === undefined ? {} : { hint: error.hint }) },
  );
}

/**
 * The folder for locks of graphs in remote stores: that of the repository's configuration, which others on
 * the same file system see as well, if it is on one and may be written to; else that for temporary files.
 */
export function lockFolder(configPath: string, env: Environment): string {
  const folder = dirname(configPath);
  if (!isRemoteUri(configPath)) {
    try {
      accessSync(folder, constants.W_OK | constants.X_OK);
      return folder;
    } catch {
      // A site's configuration is not everybody's to write beside.
    }
  }
  return temporaryFolder(env) ?? tmpdir();
}

/** Makes a directory and those above it below a root. */
function makeDirectories(directory: string, root: string): void {
  const missing: string[] = [];
  for (let at = directory; !isDirectory(at); at = dirname(at)) {
    if (at === root || at === dirname(at)) {
      throw new EnvironmentError(`Cannot use datastore "${root}": there is no such directory`, {
        hint: "it may be on a disk that isn't mounted here",
      });
    }
    missing.push(at);
  }
  for (const path of missing.reverse()) {
    try {
      Deno.mkdirSync(path);
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists) continue;
      removeEmptyDirectories(dirname(path), root);
      throw fileError("make directory", path, error);
    }
  }
}

/** Removes a directory and those above it below a root, as far up as nothing is in them. */
function removeEmptyDirectories(directory: string, root: string): void {
  for (let at = directory; at !== root && at !== dirname(at); at = dirname(at)) {
    try {
      // Not `Deno.remove`: that would remove a file or symbolic link in the directory's place.
      rmdirSync(at);
    } catch {
      return;
    }
  }
}
