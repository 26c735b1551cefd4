/**
 * What one thread knows of files in remote stores, so that others needn't ask.
 *
 * @module
 */

import type { FileVersion } from "../../storage/file_source.ts";
import type { ListedTable } from "./listed_files.ts";

/** A file as it is handed from one thread to another; null if it is absent. */
export type FetchedFile = { version: FileVersion; bytes: Uint8Array<ArrayBuffer> } | null;

/** All that is handed on. */
export interface RemoteKnowledge {
  /** By absolute path. */
  fetched: ReadonlyMap<string, FetchedFile>;
  listed: ListedTable | null;
}
