/**
 * Telling a run that left nothing from one whose files can't be seen. Absence of everything is mostly a
 * disk that isn't mounted, a copy of the repository without its files, or a graph that was never executed:
 * recorded as failures of all quanta it would look like a result.
 *
 * @module
 */

import { EnvironmentError } from "../base/errors.ts";
import { absolutePath } from "../butler/datastore_path.ts";
import type { RepositoryConfig } from "../butler/repo_config.ts";
import { fileError, isAbsence } from "../store/file_source.ts";

/** How users say that there may be nothing. */
const ALLOW = "if the run has left nothing indeed, say --allow-empty";

/** Nothing of a run is there: exit code 1, as the next try may find its disk mounted. */
export class NothingFoundError extends EnvironmentError {
  override name = "NothingFoundError";
}

/**
 * Looks whether the root of the datastore is there.
 *
 * @throws {NothingFoundError} if it is not.
 * @throws {EnvironmentError} if that can't be found out.
 */
export function requireDatastore({ argument, datastore }: RepositoryConfig): void {
  if (isDirectory(datastore.root)) return;
  throw new NothingFoundError(
    `Cannot look for the files of quanta: the root of the datastore of "${argument}", ` +
      `"${datastore.root}", is not there or is no directory`,
    { hint: `mount it, or correct "root" in the repository's configuration; ${ALLOW}` },
  );
}

/**
 * Words that not one log or metadata file was found.
 *
 * @param nQuanta Quanta that were looked at.
 */
export function nothingFound(
  { argument, datastore }: RepositoryConfig,
  run: string,
  nQuanta: number,
): NothingFoundError {
  const folder = absolutePath(datastore.root, run);
  const state = isDirectory(folder)
    ? `though the folder of the RUN, "${folder}", is there`
    : `and there is no folder "${folder}"`;
  return new NothingFoundError(
    `Cannot tell what became of RUN "${run}" of "${argument}": ${nQuanta} quanta were looked at and ` +
      `not one has a log or metadata file, ${state}`,
    {
      hint:
        "see whether the disk is mounted, the repository is the one in which the run was executed, " +
        `and the graph is that of the run; ${ALLOW}`,
    },
  );
}

/** Whether the folder that file templates make for a RUN, unless a site has its own, is there. */
export function hasRunFolder({ datastore }: RepositoryConfig, run: string): boolean {
  return isDirectory(absolutePath(datastore.root, run));
}

function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch (error) {
    if (isAbsence(error)) return false;
    throw fileError("look at", path, error);
  }
}
