/**
 * Removes the directories that became empty when originals were deleted. Source: design notes,
 * section 4, step 4.
 *
 * @module
 */

import { rmdirSync } from "node:fs";
import { dirname } from "node:path/posix";
import { absolutePath } from "../butler/datastore.ts";
import { failpoint } from "../store/failpoints.ts";
import { fileError, isAbsence } from "../store/file_source.ts";

/** Directories that may have become empty. */
export class EmptyDirectories {
  readonly #root: string;
  /** Relative directory, and the highest one above it that may go. */
  readonly #directories = new Map<string, string>();

  /** @param root Absolute root of the datastore. */
  constructor(root: string) {
    this.#root = root;
  }

  /**
   * Notes the directory of a dataset's predicted path. Only what lies in `<run>/<dataset type>` is ever
   * removed; a template that puts files elsewhere leaves its directories alone.
   *
   * @param runPath First part of the path, as the template writes the RUN.
   */
  add(path: string, runPath: string, typeName: string): void {
    const directory = dirname(path);
    if (this.#directories.has(directory)) return;
    const top = `${runPath}/${typeName}`;
    if (directory === top || directory.startsWith(`${top}/`)) this.#directories.set(directory, top);
  }

  /**
   * Removes those that are empty, deepest first, and their parents up to `<run>/<dataset type>`.
   *
   * @returns how many were removed, and the top directories that still hold something.
   * @throws {EnvironmentError} if a directory can't be removed for another reason than its content.
   */
  remove(): { nRemoved: number; notEmpty: string[] } {
    const candidates = new Set<string>();
    const tops = new Set<string>();
    for (const [directory, top] of this.#directories) {
      tops.add(top);
      for (let at = directory; at.length >= top.length; at = dirname(at)) candidates.add(at);
    }
    let nRemoved = 0;
    const notEmpty: string[] = [];
    for (const directory of [...candidates].sort((a, b) => b.length - a.length)) {
      const path = absolutePath(this.#root, directory);
      try {
        // Not `Deno.removeSync`: that would remove a file or symbolic link in the directory's place.
        rmdirSync(path);
        nRemoved++;
      } catch (error) {
        if (isAbsence(error)) continue;
        if (!isOccupied(path)) throw fileError("remove empty directory", path, error);
        if (tops.has(directory)) notEmpty.push(directory);
        continue;
      }
      failpoint("directories.one");
    }
    return { nRemoved, notEmpty };
  }
}

function isOccupied(path: string): boolean {
  try {
    for (const _ of Deno.readDirSync(path)) return true;
    return false;
  } catch (error) {
    // Somebody else removed it, or it is no directory at all: nothing of ours.
    return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
  }
}
