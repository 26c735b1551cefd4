/**
 * The first look at an original file: mostly its stamp tells that it is the one that was recorded.
 *
 * @module
 */

import { isAbsence, versionOf } from "../store/file_source.ts";
import { fileStamp, stampAt } from "./file_digests.ts";

/** What was found at a path: the recorded file, nothing, or something else and what to say about it. */
export type Finding =
  | { state: "same"; file: Deno.FileInfo }
  | { state: "absent" }
  | { state: "other"; reason: string };

/** Whether two looks were at one file that was not changed in between. */
export function isSameVersion(a: Deno.FileInfo, b: Deno.FileInfo): boolean {
  return a.dev === b.dev && a.ino === b.ino && a.size === b.size &&
    a.mtime?.getTime() === b.mtime?.getTime() && a.ctime?.getTime() === b.ctime?.getTime();
}

/**
 * Looks at the file at a path by its stamp.
 *
 * @param proof Stamp and digest.
 * @returns null if the content must be compared, see `OriginalProver`.
 * @throws what the system throws, but for absence.
 */
export function lookAtOriginal(path: string, proof: Uint8Array): Finding | null {
  let file: Deno.FileInfo;
  try {
    file = Deno.statSync(path);
  } catch (error) {
    if (isAbsence(error)) return { state: "absent" };
    throw error;
  }
  if (!file.isFile) return { state: "other", reason: "is no regular file" };
  const stamp = stampAt(proof, 0);
  return stamp !== 0n && stamp === fileStamp(versionOf(file)) ? { state: "same", file } : null;
}
