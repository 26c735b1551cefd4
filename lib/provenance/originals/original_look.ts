/**
 * The first look at an original file: mostly its stamp tells that it is the one that was recorded.
 *
 * @module
 */

import { versionOf } from "../../storage/file_source.ts";
import { keptStampAt, versionStamp } from "./file_digests.ts";
import { isAbsence, systemErrorCode } from "../../storage/file_errors.ts";

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
 * What it means that a file can't be looked at or opened.
 *
 * @throws the error, if it says nothing of the file itself.
 */
export function findingOf(error: unknown): Finding {
  if (isAbsence(error)) return { state: "absent" };
  if (systemErrorCode(error) !== "ELOOP") throw error;
  return { state: "other", reason: "is a link that leads nowhere" };
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
    return findingOf(error);
  }
  if (!file.isFile) return { state: "other", reason: "is no regular file" };
  const stamp = keptStampAt(proof, 0);
  return stamp !== 0n && stamp === versionStamp(versionOf(file)) ? { state: "same", file } : null;
}
