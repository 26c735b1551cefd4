/**
 * Deletes the source of a finished move that was given by its URI.
 *
 * @module
 */

import type { FileSource } from "../../storage/file_source.ts";
import type { ObjectVersion } from "../../storage/remote/object_version.ts";
import { isSameObject, type MovedSource } from "./placed_graph.ts";

/** What has to be known of stores, and done there. */
interface Stores {
  versionAt(path: string): Promise<ObjectVersion | null>;
  isContentOf(path: string, source: FileSource): Promise<boolean>;
  remove(path: string): Promise<void>;
}

/**
 * Deletes a graph where it was given, if that is surely another object than the graph in the datastore:
 * two URIs can name one object (profiles, addresses of a server), and deleting it would delete the graph.
 *
 * @param graph The graph that was ingested.
 * @param targets Where stores have it.
 */
export async function deleteMovedObject(
  uri: string,
  graph: FileSource,
  targets: readonly string[],
  graphs: Stores,
): Promise<MovedSource> {
  const before = await graphs.versionAt(uri);
  if (before === null) return { state: "absent" };
  for (const target of targets) {
    if (target === uri) return { state: "stays", reason: "is the graph in the datastore itself" };
    const there = await graphs.versionAt(target);
    if (there !== null && there.modifiedMs !== null && there.modifiedMs !== before.modifiedMs) {
      continue;
    }
    return {
      state: "stays",
      reason: `can't be told from "${target}": it was written at the same time, or the store ` +
        "doesn't tell when",
    };
  }
  if (!await graphs.isContentOf(uri, graph)) {
    return { state: "stays", reason: "is not the graph that was ingested" };
  }
  // What is the same object as a target would have had its time when that was looked at.
  const after = await graphs.versionAt(uri);
  if (after === null) return { state: "absent" };
  if (!isSameObject(before, after) || before.modifiedMs !== after.modifiedMs) {
    return { state: "stays", reason: "was replaced meanwhile" };
  }
  await graphs.remove(uri);
  return { state: "deleted" };
}
