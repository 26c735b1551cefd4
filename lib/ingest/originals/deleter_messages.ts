/**
 * What whoever ingests and the worker that deletes original files tell each other.
 *
 * @module
 */

import type { WorkerReply } from "../../base/worker_loop.ts";
import type { OriginalType } from "../../provenance/originals/original_type.ts";
import type { FileStamp } from "../../storage/file_stamp.ts";

/** What a deleter must know of the ingest. */
export interface DeleterSetup {
  /** Absolute path of the datastore; nothing outside is ever deleted. */
  root: string;
  /** The graph that has the content, and which file that is. It is read only where it has no digests. */
  graph: { path: string; stamp: FileStamp };
  types: readonly OriginalType[];
  /** Whether files are only looked at. */
  isDryRun: boolean;
}

/** Files that may go, in columns. */
export interface Originals {
  /** Relative to the root. */
  paths: string[];
  /** Root of another datastore of the chain than the setup's; files that stay are told with it. */
  root?: string;
  /** Positions in `types` of the setup. */
  typeIndex: Uint16Array;
  /** Dataset ids. */
  ids: Uint8Array;
  /** Stamp and digest of each, see `provenance/file_digests.ts`. */
  proofs: Uint8Array;
}

/** A file that stays, and why: what is said of it. */
export interface KeptFile {
  /** Relative to the datastore's root. */
  path: string;
  /** Predicate of a sentence about it. */
  reason: string;
}

/** What became of files. */
export interface Deletion {
  nDeleted: number;
  nAbsent: number;
  kept: KeptFile[];
  seconds: number;
}

/** What a deleter is told. */
export type DeleterRequest =
  | { kind: "setup"; setup: DeleterSetup; isFirst: boolean }
  | { kind: "delete"; batch: number; originals: Originals }
  | { kind: "end" };

/** What it answers. */
export type DeleterReply = { kind: "deleted"; batch: number } & Deletion | WorkerReply;
