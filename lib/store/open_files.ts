/**
 * The limit of open files (`ulimit -n`), asked before it is needed: a runtime that can't make a thread for
 * want of a descriptor ends the process with a message about itself.
 *
 * @module
 */

import { EnvironmentError, OPEN_FILES_HINT } from "../base/errors.ts";
import { systemErrorCode } from "./system_errors.ts";

/** Descriptors that the runtime takes for a worker (6 with Deno 2.9), and files that it has open at once. */
const PER_WORKER = 8;
/** For the files of the main thread, and modules that are loaded on the way. */
const FOR_MAIN_THREAD = 12;

/**
 * Finds out whether so many workers can be made.
 *
 * @param path A file that can be read.
 * @param canBeFewer Whether the user has a say in their number.
 * @throws {EnvironmentError} if the limit of open files is too low.
 */
export function requireOpenFiles(path: string, nWorkers: number, canBeFewer: boolean): void {
  const n = nWorkers * PER_WORKER + FOR_MAIN_THREAD;
  const opened: Deno.FsFile[] = [];
  try {
    while (opened.length < n) opened.push(Deno.openSync(path));
  } catch (error) {
    // What else may be wrong with the file is told by who reads it.
    if (!["EMFILE", "ENFILE"].includes(systemErrorCode(error) ?? "")) return;
    throw new EnvironmentError(
      `Cannot start ${nWorkers} workers: ${n} more files would be open, and the system allows ` +
        `${opened.length}`,
      { cause: error, hint: OPEN_FILES_HINT + (canBeFewer ? "; or give fewer --processes" : "") },
    );
  } finally {
    for (const file of opened) file.close();
  }
}
