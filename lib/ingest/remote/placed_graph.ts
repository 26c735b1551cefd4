/**
 * Graphs at places of datastores.
 *
 * @module
 */

import type { FileStamp } from "../../storage/file_stamp.ts";
import type { LocalCopy } from "../../storage/remote/local_copy.ts";
import type { ObjectVersion } from "../../storage/remote/object_version.ts";

/** Which file or object is at a place. */
export type PlaceStamp = FileStamp | ObjectVersion;

/** A graph at a place, and which file or object that is. */
export interface PlacedGraph {
  /** Absolute path, or place in a remote store. */
  path: string;
  stamp: PlaceStamp;
}

/** A graph at a place that was made readable: a remote one is copied here. */
export interface ReadableGraph {
  /** Local path. */
  path: string;
  copy: LocalCopy | null;
  placed: PlacedGraph | null;
}

/** What has become of the source of a move. */
export type MovedSource =
  | { state: "deleted" | "absent" }
  /** Why it is still there, in words that follow "it". */
  | { state: "stays"; reason: string };

/** Whether two looks were at one object. Where a store tells no versions apart, its times must. */
export function isSameObject(a: ObjectVersion, b: ObjectVersion): boolean {
  return a.size === b.size && a.tag === b.tag && (a.tag !== null || a.modifiedMs === b.modifiedMs);
}
