/**
 * One `ingest-graph` of a RUN at a time. The lock beside the graph's place in the datastore keeps others
 * away with a message that says who is at work; it is no more than that. What makes two of them harmless
 * where locks don't work, as on some network file systems, is told in `schema/resume.md`: the graph gets
 * its name exclusively, the database lets one of them register it, and each looks again before it deletes.
 *
 * @module
 */

import { rmdirSync } from "node:fs";
import { EnvironmentError } from "../base/errors.ts";
import { dirname } from "../base/paths.ts";
import { fileError } from "../storage/file_source.ts";
import { LockFile } from "../storage/lock_file.ts";
import { isDirectory } from "../storage/path_kind.ts";

/** The right to change a RUN's provenance graph, and what it backs. */
export class RunLock implements Disposable {
  readonly #lock: LockFile;
  /** Where the lock file lies. */
  readonly #directory: string;
  readonly #root: string;

  private constructor(lock: LockFile, directory: string, root: string) {
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
      if (!(error instanceof EnvironmentError)) throw error;
      throw new EnvironmentError(
        `Cannot ingest into RUN "${run}", which only one process may do at a time: ${error.message}`,
        { cause: error, ...(error.hint === undefined ? {} : { hint: error.hint }) },
      );
    }
  }

  /**
   * Gives it back, with its directories if they hold nothing: those that this process made, and those that
   * one made which was killed.
   */
  [Symbol.dispose](): void {
    this.#lock.release();
    removeEmptyDirectories(this.#directory, this.#root);
  }
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
