/**
 * Which originals a remote store has, found by lists once; and writing those that it hasn't.
 *
 * @module
 */

import { RefusedError } from "../../base/errors.ts";
import { eachAtOnce } from "../../storage/remote/at_once.ts";
import type { Storage } from "../../storage/remote/storage.ts";
import type { TargetPaths } from "./target_paths.ts";

/** Directories that are listed at once. */
const N_LISTS_AT_ONCE = 4;
/** Objects that are written at once; the window of the store has the last word. */
const N_WRITES_AT_ONCE = 64;

/** An original and its content. */
export interface OriginalContent {
  /** Relative to the root. */
  path: string;
  bytes: Uint8Array;
}

/** Originals in one store. */
export class StoredOriginals {
  readonly #storage: Storage;
  readonly #paths: TargetPaths;
  /** 1 for each path, by its number, that is there. */
  readonly #isThere: Uint8Array;

  private constructor(storage: Storage, paths: TargetPaths) {
    this.#storage = storage;
    this.#paths = paths;
    this.#isThere = new Uint8Array(paths.n);
  }

  /**
   * Lists them.
   *
   * @throws {EnvironmentError} if a list can't be read to its end.
   */
  static async list(storage: Storage, paths: TargetPaths): Promise<StoredOriginals> {
    const originals = new StoredOriginals(storage, paths);
    await eachAtOnce(paths.directories, N_LISTS_AT_ONCE, async (directory) => {
      for await (const { path } of storage.list(directory)) {
        const found = await paths.find(path);
        if (found !== null) originals.#isThere[found.number] = 1;
      }
    });
    return originals;
  }

  /** The first of some paths that is there; undefined if none is. */
  async firstOf(paths: readonly string[]): Promise<string | undefined> {
    for (const path of paths) {
      const found = await this.#paths.find(path);
      if (found !== null && this.#isThere[found.number] === 1) return path;
    }
    return undefined;
  }

  /**
   * Writes originals; one that has appeared meanwhile stays as it is.
   *
   * @param onWritten Called after each.
   * @throws {EnvironmentError} if one can't be written, when all have been tried.
   */
  async write(originals: readonly OriginalContent[], onWritten: () => void): Promise<void> {
    await eachAtOnce(originals, N_WRITES_AT_ONCE, async ({ path, bytes }) => {
      const source = {
        name: path,
        size: bytes.length,
        read: (offset: number, length: number) =>
          Promise.resolve(bytes.slice(offset, offset + length)),
        close: () => {},
      };
      try {
        await this.#storage.put(path, source, { mustBeNew: true });
      } catch (error) {
        if (!(error instanceof RefusedError) || await this.#storage.stat(path) === null) {
          throw error;
        }
      }
      onWritten();
    });
  }
}
