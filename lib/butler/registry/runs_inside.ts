/**
 * Whose a directory is: RUNs below the path of another RUN (`u/me/test` and `u/me/test/rerun1`) have
 * their files inside its folder, so whoever walks that folder asks the registry first.
 *
 * @module
 */

import { dirname } from "../../base/paths.ts";
import type { FileDatastore } from "../datastore/datastore.ts";
import type { DimensionUniverse } from "../dimensions/dimensions.ts";
import { PROVENANCE_STORAGE_CLASS, RUN_PROVENANCE } from "./provenance_dataset.ts";
import type { Registry } from "./registry.ts";
import type { DatasetType } from "../dimensions/dataset_type.ts";

/** Dataset type of provenance graphs, for the universe of a repository. */
export function provenanceType(universe: DimensionUniverse): DatasetType {
  return {
    name: RUN_PROVENANCE,
    group: universe.group([]),
    storageClass: PROVENANCE_STORAGE_CLASS,
    isCalibration: false,
  };
}

/** Path, relative to the root, at which file templates put the provenance graph of a RUN. */
export function provenancePath(
  datastore: FileDatastore,
  universe: DimensionUniverse,
  run: string,
): string {
  return datastore.plan(provenanceType(universe), run).path([], { column: () => undefined });
}

/** Registered RUNs whose files lie inside the directory of another. */
export class RunsInside {
  /** Directory, relative to the root, and the RUN that it belongs to. */
  readonly runByDirectory: ReadonlyMap<string, string>;
  readonly #top: string;

  private constructor(top: string, runByDirectory: ReadonlyMap<string, string>) {
    this.#top = top;
    this.runByDirectory = runByDirectory;
  }

  /**
   * Asks the registry.
   *
   * @param run The RUN whose directory is to be walked.
   */
  static async find(
    registry: Registry,
    datastore: FileDatastore,
    run: string,
  ): Promise<RunsInside> {
    const directoryOf = (name: string) =>
      dirname(dirname(provenancePath(datastore, registry.universe, name)));
    const top = directoryOf(run);
    const found = new Map<string, string>();
    for (const name of await registry.runsBelow(run)) {
      const directory = directoryOf(name);
      // Templates may put it anywhere.
      if (directory.startsWith(`${top}/`)) found.set(directory, name);
    }
    return new RunsInside(top, found);
  }

  /** The RUN inside which a path lies, or that it is the directory of; null if none of these. */
  owner(path: string): string | null {
    if (this.runByDirectory.size === 0) return null;
    for (let at = path; at.length > this.#top.length; at = dirname(at)) {
      const run = this.runByDirectory.get(at);
      if (run !== undefined) return run;
    }
    return null;
  }
}
