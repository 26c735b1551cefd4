/**
 * Predicted graphs and outputs that are named by URIs: the one is copied here first, the other is made
 * here and stored when it is finished. Order of effects: `schema/resume.md`, at its end.
 *
 * @module
 */

import type { Environment } from "../../base/environment.ts";
import { EnvironmentError, RefusedError } from "../../base/errors.ts";
import { join } from "../../base/paths.ts";
import { chunkLogPathOf } from "../../chunks/chunk_log_path.ts";
import { removeIfPresent } from "../../storage/durable_file.ts";
import { DurableWriter } from "../../storage/durable_writer.ts";
import { FileSource } from "../../storage/file_source.ts";
import { copyHere, type LocalCopy } from "../../storage/remote/local_copy.ts";
import { openRemoteFile, openStorage } from "../../storage/remote/open_storage.ts";
import { StorageUrl } from "../../storage/remote/storage_url.ts";
import type { AggregateContext, AggregateOptions, AggregateSummary } from "../options.ts";
import { fileError, isAbsence } from "../../storage/file_errors.ts";

/** Which of the places of an aggregation are in remote stores. */
export interface RemotePlaces {
  /** URI of the predicted graph; null if it is local. */
  graph: string | null;
  /** URI of the output; null if it is local, or there is none. */
  output: string | null;
  /** Folder in which the output is made. */
  workFolder: string;
  /** Whether the graph stays there when it has been stored. */
  keepsLocal: boolean;
}

/**
 * As `aggregateGraph()`.
 *
 * @param options Those of local places; paths of remote ones are put in here.
 * @param aggregateGraph What aggregates, with local places.
 * @throws {RefusedError} if the work folder has files of that name for another target.
 */
export async function aggregateAtUris(
  places: RemotePlaces,
  options: AggregateOptions,
  context: AggregateContext,
  aggregateGraph: (
    options: AggregateOptions,
    context: AggregateContext,
  ) => Promise<AggregateSummary>,
): Promise<AggregateSummary> {
  using copy = places.graph === null ? null : await copyGraph(places.graph, context.env);
  const here = copy === null ? options : { ...options, graphPath: copy.path };
  if (places.output === null) return await aggregateGraph(here, context);
  const target = StorageUrl.parse(places.output);
  const { outputPath, targetPath } = prepareWorkFolder(places.workFolder, target);
  using storage = await openStorage(target.parent, { env: context.env, signal: context.signal });
  let summary: AggregateSummary;
  try {
    // A store that can't be reached shows now, not after hours of scanning.
    await storage.stat(target.name);
    // The chunk log stays until the graph is stored: else a lost connection would cost another scan.
    summary = await aggregateGraph({ ...here, outputPath, keepChunks: true }, context);
  } finally {
    // Where there is nothing yet, nothing is noted of it.
    if (!hasWork(outputPath)) removeIfPresent(targetPath);
  }
  if (summary.outputPath === null) return summary;
  context.log.log("INFO", `Storing "${target.text}".`);
  const source = FileSource.open(outputPath);
  try {
    await storage.put(target.name, source, { mustBeNew: false });
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error;
    throw new EnvironmentError(`${error.message}; the graph is in "${outputPath}"`, {
      cause: error,
      hint: "run the same command again: it goes on from its chunk log",
    });
  } finally {
    source.close();
  }
  if (!places.keepsLocal) removeIfPresent(outputPath);
  if (!options.keepChunks) removeIfPresent(chunkLogPathOf(outputPath));
  removeIfPresent(targetPath);
  return {
    ...summary,
    outputPath: target.text,
    chunkLogPath: options.keepChunks ? summary.chunkLogPath : null,
  };
}

/** Whether a folder's files of the target's name are of that target, which is noted beside them. */
function prepareWorkFolder(
  folder: string,
  target: StorageUrl,
): { outputPath: string; targetPath: string } {
  const outputPath = join(folder, target.name);
  const targetPath = `${outputPath}.target`;
  const noted = readIfThere(targetPath)?.trim() ?? null;
  if (noted !== null ? noted !== target.text : hasWork(outputPath)) {
    throw new RefusedError(
      `Cannot make "${target.text}" in "${folder}": there ` +
        (noted !== null ? `is work on "${noted}" of the same name` : `is a file of that name`),
      { hint: "give another folder by --work DIR" },
    );
  }
  if (noted === null) {
    try {
      Deno.mkdirSync(folder, { recursive: true });
    } catch (error) {
      throw fileError("make directory", folder, error);
    }
    using writer = DurableWriter.create(targetPath);
    writer.write(`${target.text}\n`);
    writer.commit();
  }
  return { outputPath, targetPath };
}

/** Whether there is a graph, or a chunk log of one. */
function hasWork(outputPath: string): boolean {
  return isThere(outputPath) || isThere(chunkLogPathOf(outputPath));
}

function readIfThere(path: string): string | null {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (isAbsence(error)) return null;
    throw fileError("read file", path, error);
  }
}

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (isAbsence(error)) return false;
    throw fileError("look at", path, error);
  }
}

/** Copies a predicted graph to this machine, until the copy is disposed of. */
export async function copyGraph(uri: string, env: Environment): Promise<LocalCopy> {
  const source = await openRemoteFile("predicted graph", uri, { env });
  try {
    return await copyHere(source, StorageUrl.parse(uri).name, env);
  } finally {
    source.close();
  }
}
