/**
 * Removes the directories that became empty when originals were deleted.
 *
 * @module
 */

import { rmdir } from "node:fs/promises";
import { dirname } from "../../base/paths.ts";
import { failpoint } from "../../storage/failpoints.ts";
import { absolutePath } from "../../butler/datastore/datastore_path.ts";
import { fileError, isAbsence } from "../../storage/file_errors.ts";

/** Removals under way at a time: as with files, each may wait for the disk. */
const N_IN_FLIGHT = 192;

/** Directories that may have become empty. */
export class EmptyDirectories {
  readonly #root: string;
  /** Relative directory, and the highest one above it that may go. */
  readonly #directories = new Map<string, string>();

  readonly #others: { owner(directory: string): string | null };

  /**
   * @param root Absolute root of the datastore.
   * @param others Knows the directories inside the RUN's that belong to other RUNs: these stay, as
   *   somebody may be about to write to them.
   */
  constructor(root: string, others: { owner(directory: string): string | null }) {
    this.#root = root;
    this.#others = others;
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
    if (directory !== top && !directory.startsWith(`${top}/`)) return;
    if (this.#others.owner(directory) === null) this.#directories.set(directory, top);
  }

  /**
   * Removes those that are empty, deepest first, and their parents up to `<run>/<dataset type>`.
   *
   * @returns how many were removed, and the top directories that still hold something.
   * @throws {EnvironmentError} if a directory can't be removed for another reason than its content,
   *   when all of that depth have been tried.
   */
  async remove(): Promise<{ nRemoved: number; notEmpty: string[] }> {
    const byDepth = new Map<number, Set<string>>();
    const tops = new Set<string>();
    for (const [directory, top] of this.#directories) {
      tops.add(top);
      for (let at = directory; at.length >= top.length; at = dirname(at)) {
        const depth = at.split("/").length;
        byDepth.set(depth, (byDepth.get(depth) ?? new Set()).add(at));
      }
    }
    let nRemoved = 0;
    const notEmpty: string[] = [];
    for (const depth of [...byDepth.keys()].sort((a, b) => b - a)) {
      const left = byDepth.get(depth)!.values();
      let failure: unknown = null;
      const run = async () => {
        for (const directory of left) {
          try {
            const became = await this.#removeOne(directory);
            if (became === "removed") nRemoved++;
            if (became === "occupied" && tops.has(directory)) notEmpty.push(directory);
          } catch (error) {
            failure ??= error;
          }
        }
      };
      await Promise.all(Array.from({ length: N_IN_FLIGHT }, run));
      if (failure !== null) throw failure;
    }
    // Removals end in any order.
    return { nRemoved, notEmpty: notEmpty.sort() };
  }

  async #removeOne(directory: string): Promise<"removed" | "absent" | "occupied"> {
    const path = absolutePath(this.#root, directory);
    try {
      // Not `Deno.remove`: that would remove a file or symbolic link in the directory's place.
      await rmdir(path);
    } catch (error) {
      if (isAbsence(error)) return "absent";
      if (!isOccupied(path)) throw fileError("remove empty directory", path, error);
      return "occupied";
    }
    failpoint("directories.one");
    return "removed";
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
