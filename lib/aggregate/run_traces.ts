/**
 * What an aggregation that is refused after it began has left, so that a refusal leaves nothing and exit
 * code 2 stays true.
 *
 * @module
 */

import { EnvironmentError, ProvgraphError } from "../base/errors.ts";
import { fileIdentity } from "../storage/file_source.ts";
import { NothingFoundError } from "./problems.ts";

/**
 * The chunk log that a run makes, until it is known whether the run is refused. Disposed of after its
 * writer has ended, and before the lock of the output is given back.
 */
export class RunTraces implements Disposable {
  readonly #chunkLogPath: string | null;
  readonly #hadChunkLog: boolean;
  #isRefused = false;

  /** @param chunkLogPath The chunk log of the run, null for none. What is there now, stays. */
  constructor(chunkLogPath: string | null) {
    this.#chunkLogPath = chunkLogPath;
    this.#hadChunkLog = chunkLogPath !== null && fileIdentity(chunkLogPath) !== null;
  }

  /**
   * The error to end with. A refusal (the wrong graph, a malformed quantum, nothing found) takes its chunk
   * log with it. After a change it is none any more: exit code 2 says that nothing was changed.
   *
   * @param changes What has been changed beside the chunk log, each as a sentence; null if nothing has
   *   been written yet, not even to a chunk log that is continued.
   */
  settle(error: unknown, changes: readonly string[] | null): unknown {
    const isRefusal = error instanceof ProvgraphError &&
      (error.exitCode === 2 || error instanceof NothingFoundError);
    if (!isRefusal) return error;
    this.#isRefused = true;
    const hasContinued = changes !== null && this.#hadChunkLog;
    const kept = [
      ...(changes ?? []),
      ...(hasContinued ? [`"${this.#chunkLogPath}" was continued`] : []),
    ];
    if (kept.length === 0 || error.exitCode !== 2) return error;
    return new EnvironmentError(`${error.message}; by then ${kept.join(", and ")}`, {
      cause: error,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }

  /** Removes the chunk log of a run that was refused. */
  [Symbol.dispose](): void {
    if (!this.#isRefused || this.#hadChunkLog || this.#chunkLogPath === null) return;
    try {
      Deno.removeSync(this.#chunkLogPath);
    } catch {
      // It was not made, or the next run continues it: the refusal is the thing to tell.
    }
  }
}
