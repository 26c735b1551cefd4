/**
 * What is said of a graph that isn't where it was: an aggregation into it may be unfinished, or
 * `ingest-graph` may have moved it. Nothing is left at its old place that would tell where to, so that is
 * said as what may be.
 *
 * @module
 */

import { NotFoundError } from "../base/errors.ts";
import { fileIdentity, FileSource } from "../storage/file_source.ts";

/**
 * Opens a graph or chunk log that a user has named.
 *
 * @throws {NotFoundError} if nothing is there; it says what may have become of it.
 * @throws {EnvironmentError} if it can't be opened or isn't a regular file.
 */
export function openNamedGraph(path: string): FileSource {
  try {
    return FileSource.open(path);
  } catch (error) {
    throw error instanceof NotFoundError ? absentGraph(path, error) : error;
  }
}

/** The error for a graph that isn't there. */
function absentGraph(path: string, cause: unknown = undefined): NotFoundError {
  const chunks = `${path}.chunks`;
  if (fileIdentity(chunks) !== null) {
    const isLocked = fileIdentity(`${path}.lock`) !== null;
    return new NotFoundError(
      `Cannot open graph "${path}": it isn't there yet; its chunk log "${chunks}" is, so an ` +
        `aggregation into it ${isLocked ? "is at work, or was interrupted" : "was interrupted"}`,
      {
        cause,
        hint: `the same aggregate-graph goes on with it; give "${chunks}" to look at what it has`,
      },
    );
  }
  return new NotFoundError(`Cannot open graph "${path}": no such file`, {
    cause,
    hint:
      "if ingest-graph moved it into a repository, it is the run_provenance of its RUN there: " +
      "give the repository and the RUN instead",
  });
}
