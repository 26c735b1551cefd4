/**
 * The file that a datastore's record names: below the root or anywhere, whole or a member of a ZIP file.
 *
 * @module
 */

import type { Environment } from "../../base/environment.ts";
import { localPath } from "../config/local_path.ts";
import { isRemoteUri, StorageUrl } from "../../storage/remote/storage_url.ts";
import { absolutePath } from "./datastore_path.ts";

/** Begins the fragment of a path whose dataset is one member of a ZIP file. */
const ZIP_FRAGMENT = "zip-path=";

/** Where the content of a dataset is. */
export interface RecordedFile {
  /** Absolute path of the file, or place in a remote store; others may share it if it is a ZIP file. */
  readonly path: string;
  /** Name of the member that holds the dataset; null if the whole file does. */
  readonly zipMember: string | null;
}

/** The two parts of a record's path. */
interface RecordedPath {
  /** Relative to the datastore's root, or an absolute URI: without fragment. */
  readonly location: string;
  readonly zipMember: string | null;
}

/**
 * Whether a record's path is an absolute URI. The name of a RUN may have a colon, so that one alone makes
 * none.
 *
 * Source: `ResourcePath` of the reference.
 */
export function isUriRecord(recordPath: string): boolean {
  return recordPath.includes("://") || recordPath.startsWith("file:");
}

/**
 * Takes a record's path apart. Datasets that were put by `butler ingest-zip` have
 * `FILE.zip#zip-path=MEMBER`.
 *
 * Source: `ResourcePath` and `FormatterV2.read()` of the reference: a fragment begins at the last `#` of
 * a relative path's last component, at the first of a URI. Template code never leaves a `#` in a file name;
 * one in a directory's name is part of it.
 */
export function splitRecordPath(recordPath: string): RecordedPath {
  const hash = isUriRecord(recordPath)
    ? recordPath.indexOf("#")
    : recordPath.indexOf("#", recordPath.lastIndexOf("/") + 1) < 0
    ? -1
    : recordPath.lastIndexOf("#");
  if (hash < 0) return { location: recordPath, zipMember: null };
  const fragment = decode(recordPath.slice(hash + 1));
  return {
    location: recordPath.slice(0, hash),
    zipMember: fragment.startsWith(ZIP_FRAGMENT) ? fragment.slice(ZIP_FRAGMENT.length) : null,
  };
}

/** A fragment that is no valid quotation means itself. */
function decode(fragment: string): string {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return fragment;
  }
}

/** URIs have no variables. */
const NO_VARIABLES: Environment = { get: () => undefined };

/**
 * The file of a record. A dataset that was ingested in place has an absolute URI; the reference never
 * writes an absolute path without a scheme.
 *
 * @param root absolute path of the datastore's root
 * @throws {RefusedError} if a path without scheme would leave the root.
 * @throws {RepositoryError} if it is a URI that isn't local.
 */
export function recordedFile(recordPath: string, root: string): RecordedFile {
  const { location, zipMember } = splitRecordPath(recordPath);
  const path = isUriRecord(location)
    ? localPath(location, NO_VARIABLES, root, "datastore record")
    : absolutePath(root, location);
  return { path, zipMember };
}

/**
 * As {@linkcode recordedFile}, for who reads files in remote stores as well: the path may be the place of
 * one.
 *
 * @throws {UsageError} if it is a URI of a scheme that isn't supported.
 */
export function recordedPlace(recordPath: string, root: string): RecordedFile {
  const { location, zipMember } = splitRecordPath(recordPath);
  return isRemoteUri(location)
    ? { path: remotePath(location, root), zipMember }
    : recordedFile(recordPath, isRemoteUri(root) && isUriRecord(location) ? "/" : root);
}

/** A URI below the root gets the form of other files there. */
function remotePath(location: string, root: string): string {
  const url = StorageUrl.parse(location);
  if (!isRemoteUri(root)) return url.text;
  const { scheme, authority, path } = StorageUrl.parse(root);
  const inside = path === "/" ? "/" : `${path}/`;
  return url.scheme === scheme && url.authority === authority && url.path.startsWith(inside)
    ? `${root}/${url.path.slice(inside.length)}`
    : url.text;
}
