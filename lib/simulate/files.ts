/**
 * Many small files in directories that are made when first needed.
 *
 * @module
 */

import { EnvironmentError } from "../base/errors.ts";
import { dirname, join } from "../base/paths.ts";
import { systemErrorText } from "../storage/file_errors.ts";

/** Next step after a simulation that ended early. */
export const REMOVE_HINT = "Remove what was made so far, then run the same command again";

/** Writes files below one root. Memory: one path for each kind of file. */
export class FileWriter {
  readonly #root: string;
  /** Directory of the last file of each kind: files come directory by directory. */
  readonly #lastDirectory = new Map<string, string>();
  nFiles = 0;
  nBytes = 0;

  /** @param root absolute path. */
  constructor(root: string) {
    this.#root = root;
  }

  /**
   * Writes one file.
   *
   * @param kind what changes its directory seldom, such as the dataset type.
   * @param path relative to the root, POSIX.
   * @throws {EnvironmentError} if it can't be written.
   */
  write(kind: string, path: string, content: Uint8Array): void {
    const directory = dirname(path);
    try {
      if (this.#lastDirectory.get(kind) !== directory) {
        Deno.mkdirSync(join(this.#root, directory), { recursive: true });
        this.#lastDirectory.set(kind, directory);
      }
      Deno.writeFileSync(join(this.#root, path), content);
    } catch (error) {
      throw new EnvironmentError(
        `Cannot write "${join(this.#root, path)}": ${systemErrorText(error)}`,
        { cause: error, hint: REMOVE_HINT },
      );
    }
    this.nFiles++;
    this.nBytes += content.length;
  }
}
