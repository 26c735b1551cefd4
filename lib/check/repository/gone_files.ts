/**
 * Which files that a predicted graph records are not there any more: on disks at once, in remote stores by
 * many requests at a time.
 *
 * @module
 */

import { RepositoryError, UsageError } from "../../base/errors.ts";
import { recordedPlace } from "../../butler/datastore/recorded_file.ts";
import { pathIdentity } from "../../storage/regular_file.ts";
import { eachAtOnce } from "../../storage/remote/at_once.ts";
import { isRemoteUri } from "../../storage/remote/storage_url.ts";
import type { CheckedFiles } from "./files.ts";
import type { RepositoryConfig } from "../../butler/config/repository_config.ts";

/** Files that wait to be looked at, and how many are looked at at once. */
const MAX_WAITING = 4096;
const N_AT_ONCE = 64;

/** Where a graph says that a dataset is. */
export interface PredictedPlace {
  /** Name of the datastore. */
  datastore: string;
  /** Path of the record. */
  path: string;
}

/** Counts files that are gone. */
export class GoneFiles {
  readonly #config: RepositoryConfig;
  readonly #files: CheckedFiles;
  #waiting: { places: readonly PredictedPlace[]; count: () => void }[] = [];

  constructor(config: RepositoryConfig, files: CheckedFiles) {
    this.#config = config;
    this.#files = files;
  }

  /** Whether {@linkcode settle} should be called before more is added. */
  get isFull(): boolean {
    return this.#waiting.length >= MAX_WAITING;
  }

  /**
   * @param places Of one dataset, in all datastores that have it; none if the graph leaves it to the
   *   datastore, below the RUN.
   * @param count Called if it is in none of them.
   */
  add(places: readonly PredictedPlace[], count: () => void): void {
    this.#waiting.push({ places, count });
  }

  /** Looks at all that wait. */
  async settle(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    await eachAtOnce(waiting, N_AT_ONCE, async ({ places, count }) => {
      for (const place of places) if (await this.#isThere(place)) return;
      count();
    });
  }

  async #isThere({ datastore, path }: PredictedPlace): Promise<boolean> {
    const { datastores } = this.#config;
    const named = datastores.filter(({ name }) => name === datastore);
    // The graph may have been made where the repository has another name.
    for (const { root } of named.length > 0 ? named : datastores) {
      let file: string;
      try {
        file = recordedPlace(path, root).path;
      } catch (error) {
        // What lies elsewhere isn't deleted.
        if (error instanceof RepositoryError || error instanceof UsageError) return true;
        throw error;
      }
      if (isRemoteUri(file) ? await this.#files.isThere(file) : pathIdentity(file) !== null) {
        return true;
      }
    }
    return false;
  }
}
