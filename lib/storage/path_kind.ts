/**
 * What is at a path, links followed: there, not there, or not to be found out.
 *
 * @module
 */

import { fileError, isAbsence } from "./file_errors.ts";

/** Whether a directory is at a path. @throws {EnvironmentError} if that can't be found out. */
export function isDirectory(path: string): boolean {
  return look(path)?.isDirectory ?? false;
}

/** Whether a regular file is at a path. @throws {EnvironmentError} if that can't be found out. */
export function isFile(path: string): boolean {
  return look(path)?.isFile ?? false;
}

/** Whether a directory is seen at a path: for who leaves it to others to tell why nothing could be seen. */
export function seemsDirectory(path: string): boolean {
  try {
    return isDirectory(path);
  } catch {
    return false;
  }
}

/** Whether anything is seen at a path, see {@linkcode seemsDirectory}. */
export function seemsThere(path: string): boolean {
  try {
    return look(path) !== null;
  } catch {
    return false;
  }
}

function look(path: string): Deno.FileInfo | null {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (isAbsence(error)) return null;
    throw fileError("look at", path, error);
  }
}
