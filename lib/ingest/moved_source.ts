/**
 * Deletes the source of a finished move.
 *
 * @module
 */

import { basename, dirname, join } from "node:path";
import { NotFoundError, ProvgraphError } from "../base/errors.ts";
import { fsyncDirectory } from "../storage/durable_file.ts";
import { FileSource } from "../storage/file_source.ts";
import { isSameStamp, stampAt, stampOf } from "../storage/file_stamp.ts";
import { isRemoteUri } from "../storage/remote/storage_url.ts";
import type { GraphPlaces } from "./remote/graph_places.ts";
import type { MovedSource } from "./remote/placed_graph.ts";
import { fileError } from "../storage/file_errors.ts";

/**
 * Deletes the source of a finished move: if it is the same file as the graph in the datastore, or has the
 * same bytes, whether or not a hard link could be made. A file that merely has the same name or header
 * stays.
 *
 * @param source Path as given.
 * @param targets The graph in the datastores that have it.
 * @throws {EnvironmentError} if it can't be read or deleted.
 */
export async function deleteMovedSource(
  source: string,
  targets: readonly string[],
  places: GraphPlaces,
): Promise<MovedSource> {
  try {
    for (const each of targets.filter((target) => !isRemoteUri(target))) {
      const reason = whyNotMoved(source, each);
      if (reason !== null) return { state: "stays", reason };
    }
    using opened = FileSource.open(source);
    const stamp = stampOf(opened.info());
    if (!await places.isContentOf(targets[0], opened)) {
      return { state: "stays", reason: "is not the graph that was ingested" };
    }
    // Whoever writes the graph again meanwhile keeps the new one.
    const found = stampAt(source);
    if (found === null || !isSameStamp(found, stamp)) {
      return { state: "stays", reason: "was replaced meanwhile" };
    }
    Deno.removeSync(source);
    fsyncDirectory(dirname(source));
  } catch (error) {
    if (error instanceof NotFoundError) return { state: "absent" };
    if (error instanceof ProvgraphError) throw error;
    // Somebody else may have deleted it at any time since we looked.
    if (error instanceof Deno.errors.NotFound) return { state: "absent" };
    throw fileError("delete moved graph", source, error);
  }
  return { state: "deleted" };
}

/** Null if a source may go once its content is known to be in the datastore. */
function whyNotMoved(source: string, target: string): string | null {
  const canonical = (path: string) => join(Deno.realPathSync(dirname(path)), basename(path));
  if (canonical(source) === canonical(target)) return "is the graph in the datastore itself";
  if (Deno.lstatSync(source).isSymlink) return "is a symbolic link";
  // A link to the source, made by another transfer mode, would be left pointing nowhere.
  if (Deno.lstatSync(target).isSymlink) return "is what the datastore has a symbolic link to";
  return null;
}
