/**
 * The files beside an output: its lock, its chunk log, what a killed process left.
 *
 * @module
 */

import type { Log } from "../base/log.ts";
import { EnvironmentError, ProvgraphError, RefusedError, UsageError } from "../base/errors.ts";
import { dirname } from "../base/paths.ts";
import { graphFingerprint } from "../chunks/fingerprint.ts";
import { loadChunkLogAt, type LoadedChunkLog } from "../chunks/table.ts";
import { loadIndex } from "../chunks/index_chunks.ts";
import type { GraphIndex } from "../qg/predicted/graph_index.ts";
import type { PredictedGraph } from "../qg/predicted/predicted_graph.ts";
import { LockFile } from "../storage/lock_file.ts";
import { systemErrorText } from "../storage/file_errors.ts";
import { fileIdentity, FileSource } from "../storage/file_source.ts";
import { seemsDirectory } from "../storage/path_kind.ts";
import { removeLeftovers } from "../storage/temporary_file.ts";
import { chunkLogPathOf } from "../chunks/chunk_log_path.ts";
import type { FoundChunkLog } from "./messages.ts";
import type { AggregateOptions } from "./options.ts";

/**
 * Will remove those parts of a directory's path that aren't there yet, if they are empty when this is
 * disposed of: so that a refused run leaves nothing.
 */
export function undoDirectories(directory: string): DisposableStack {
  const undo = new DisposableStack();
  for (const missing of missingDirectories(directory)) undo.defer(() => removeIfEmpty(missing));
  return undo;
}

/**
 * Makes the output's directory and takes its lock. Given back, the lock takes with it what was made here
 * and is still empty.
 */
export function prepareOutput(outputPath: string): Disposable {
  const directory = dirname(outputPath);
  using undo = undoDirectories(directory);
  try {
    Deno.mkdirSync(directory, { recursive: true });
    if (Deno.statSync(outputPath).isDirectory) {
      throw new UsageError(`Cannot write graph "${outputPath}": it is a directory`);
    }
  } catch (error) {
    if (error instanceof ProvgraphError) throw error;
    if (!(error instanceof Deno.errors.NotFound) || !seemsDirectory(directory)) {
      throw new EnvironmentError(
        `Cannot write graph "${outputPath}": ${systemErrorText(error)}`,
        { cause: error, hint: "give another --output, or make its directory writeable" },
      );
    }
  }
  undo.use(LockFile.acquire(outputPath));
  return undo.move();
}

/** A directory and those above it, highest first, at whose names there is nothing at all. */
function missingDirectories(directory: string): string[] {
  const missing: string[] = [];
  for (let at = directory; isAbsent(at); at = dirname(at)) missing.unshift(at);
  return missing;
}

function isAbsent(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return false;
  } catch (error) {
    return error instanceof Deno.errors.NotFound;
  }
}

function removeIfEmpty(directory: string): void {
  try {
    // Never a file, should one have come to the name meanwhile.
    if (Deno.lstatSync(directory).isDirectory) Deno.removeSync(directory);
  } catch {
    // It holds the output, or is gone.
  }
}

/** The writer may have been ended in the midst of its work. What can't be removed now is next time. */
export function tidy(outputPath: string): void {
  try {
    removeLeftovers(outputPath, true);
  } catch {
    // The error that ended the run is the one to tell.
  }
}

/** Tells this predicted graph from others, for its chunk log. */
export function fingerprintOf(graph: PredictedGraph): string {
  return graphFingerprint(graph.headerText, graph.pipelineGraphText, graph.nQuantaBlocksSize);
}

/** The index of the graph that an earlier run has left in its chunk log, if there is one and it is wanted. */
export function openIndex(
  graph: PredictedGraph,
  fingerprint: string,
  options: AggregateOptions,
): GraphIndex | null {
  if (options.outputPath === null) return null;
  const path = chunkLogPathOf(options.outputPath);
  if (!options.resume || fileIdentity(path) === null) return null;
  using source = FileSource.open(path);
  return loadIndex(source, fingerprint, graph);
}

/**
 * The chunk log of an earlier run of the same graph, if there is one and it is wanted.
 *
 * @param found What has been read of it already; null to read it now.
 */
export function openChunkLog(
  index: GraphIndex,
  fingerprint: string,
  options: AggregateOptions,
  log: Log,
  found: FoundChunkLog | null,
): LoadedChunkLog | null {
  const path = chunkLogPathOf(options.outputPath!);
  if (!options.resume || fileIdentity(path) === null) return null;
  const loaded = found === null ? loadChunkLogAt(path, index) : found.log;
  if (loaded === null) return null;
  if (loaded.header.fingerprint !== fingerprint) {
    throw new RefusedError(
      `Cannot continue chunk log "${path}": it belongs to another predicted graph`,
      { hint: "give another --output; --no-resume would throw that scan away" },
    );
  }
  for (const damage of loaded.damages) {
    log.log(
      damage.isTornTail ? "VERBOSE" : "WARNING",
      `Chunk log "${path}": bytes ${damage.startByte} to ${damage.endByte} are ${
        damage.isTornTail ? "an unfinished chunk" : "damaged"
      } (${damage.reason}); their quanta are scanned again`,
    );
  }
  log.log("INFO", `Continuing chunk log "${path}" with ${loaded.nChunks} quanta.`);
  return loaded;
}
