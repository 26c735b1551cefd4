/**
 * The files that shards of a scan leave and share, and how an aggregation takes them in. What is true of
 * them after a kill, or when one shard runs twice, is told in `schema/chunk-log.md`, section 9.
 *
 * @module
 */

import { NotFoundError, RefusedError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { basename, dirname, join } from "../../base/paths.ts";
import { readChunks } from "../../chunks/framing.ts";
import { type ChunkLogHeader, makeHeaderChunk, parseChunkLogHeader } from "../../chunks/header.ts";
import { mergeChunkLogs } from "../../chunks/merge.ts";
import type { MergeSummary } from "../../chunks/merge_summary.ts";
import { ChunkLogWriter } from "../../chunks/writer.ts";
import type { Zstd } from "../../codec/zstd.ts";
import type { GraphIndex } from "../../qg/predicted/graph_index.ts";
import { fsyncDirectory, renameDurably } from "../../storage/durable_file.ts";
import { fileIdentity, FileSource } from "../../storage/file_source.ts";
import { randomWord } from "../../storage/temporary_name.ts";
import { chunkLogPathOf } from "../../chunks/chunk_log_path.ts";
import type { AggregateOptions } from "../options.ts";
import { compressionLevel } from "../scan/compression.ts";
import { ChunkType } from "../../chunks/chunk_format.ts";
import { fileError } from "../../storage/file_errors.ts";

/** Digits of the fingerprint in the name of a dictionary file. */
const FINGERPRINT_DIGITS = 16;

/** Begins what a shard adds to the name of its chunk log while it writes it. */
const PART_MARK = ".part-";

/** Where a process writes a file of a shard; another one, here or elsewhere, writes elsewhere. */
export function partPath(path: string): string {
  return `${path}${PART_MARK}${randomWord()}`;
}

/** Files in which other processes write, or did until they were killed; sorted. */
export function foundParts(path: string): string[] {
  const start = basename(path) + PART_MARK;
  return namesIn(dirname(path)).filter((name) => name.startsWith(start)).sort()
    .map((name) => join(dirname(path), name));
}

function namesIn(directory: string): string[] {
  try {
    return Array.from(Deno.readDirSync(directory), (entry) => entry.name);
  } catch (error) {
    throw fileError("read directory", directory, error);
  }
}

/**
 * The dictionary of all shards whose chunk logs are in one directory: whoever comes first leaves it in a
 * file, which is there whole or not at all, and never changes.
 *
 * @param header Header of the chunk log that the dictionary is for, without dictionary.
 * @param make Makes one; what it gives counts only if no other process was first.
 */
export async function sharedDictionary(
  directory: string,
  header: Omit<ChunkLogHeader, "version" | "dictionary">,
  make: () => Promise<Uint8Array>,
): Promise<Uint8Array> {
  const name = `${header.fingerprint.slice(0, FINGERPRINT_DIGITS)}.dictionary`;
  const path = join(directory, name);
  const dictionary = readDictionary(path, header.fingerprint) ??
    await publishDictionary(path, header, make);
  // Drafts of killed processes, or of living ones, which will find this one instead.
  for (const draft of foundParts(path)) removeQuietly(draft);
  return dictionary;
}

/** Makes a dictionary and leaves it for others, unless one of them was faster. */
async function publishDictionary(
  path: string,
  header: Omit<ChunkLogHeader, "version" | "dictionary">,
  make: () => Promise<Uint8Array>,
): Promise<Uint8Array> {
  const dictionary = await make();
  const draft = partPath(path);
  using undo = new DisposableStack();
  undo.defer(() => removeQuietly(draft));
  {
    using writer = ChunkLogWriter.create(draft);
    writer.append(makeHeaderChunk({ ...header, dictionary }));
    writer.sync();
  }
  try {
    // A hard link is refused when the name is taken, on NFS too.
    Deno.linkSync(draft, path);
  } catch {
    const first = readDictionary(path, header.fingerprint);
    if (first !== null) return first;
    // A damaged one is replaced; and where there are no hard links the last one stays.
    renameDurably(draft, path);
  }
  fsyncDirectory(dirname(path));
  return dictionary;
}

/** Removes a file that nobody needs; it may be gone. */
export function removeQuietly(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // It would only be in the way of somebody who looks.
  }
}

/** The dictionary in a file; null if there is none, or it is damaged. */
function readDictionary(path: string, fingerprint: string): Uint8Array | null {
  const header = headerOf(path);
  return header?.fingerprint === fingerprint ? header.dictionary : null;
}

/** The header of a chunk log; null if nothing is there, or none that is sound. */
function headerOf(path: string): ChunkLogHeader | null {
  if (fileIdentity(path) === null) return null;
  using source = FileSource.open(path);
  for (const { type, head, body } of readChunks(source, () => {})) {
    if (type === ChunkType.HEADER) return parseChunkLogHeader(head, body, path);
  }
  return null;
}

/**
 * Refuses to put the chunk log of one predicted graph in place of that of another.
 *
 * @throws {RefusedError} if there is one of another.
 */
export function refuseForeign(path: string, fingerprint: string): void {
  const header = headerOf(path);
  if (header === null || header.fingerprint === fingerprint) return;
  throw new RefusedError(
    `Cannot write chunk log "${path}": there is one that belongs to another predicted graph`,
    { hint: "give another --chunks, or --no-resume to replace it" },
  );
}

/**
 * Files that patterns name, each once, in the order of the patterns and of names.
 *
 * @param patterns Paths; in the last part `*` stands for any letters and `?` for any one.
 * @throws {NotFoundError} if a path without such letters leads nowhere, or the directory of a pattern
 *   is not there: it is mistyped, and scanning all over again would hide that.
 */
export function findChunkLogs(patterns: readonly string[]): string[] {
  const paths = new Set<string>();
  for (const pattern of patterns) {
    const directory = dirname(pattern);
    const name = basename(pattern);
    if (fileIdentity(pattern) !== null) paths.add(pattern);
    else if (/[*?]/.test(name)) {
      const source = name.replaceAll(/[\\^$.|+()[\]{}]/g, "\\$&").replaceAll("*", ".*")
        .replaceAll("?", ".");
      const expression = new RegExp(`^${source}$`, "su");
      for (const found of namesIn(directory).filter((n) => expression.test(n)).sort()) {
        paths.add(join(directory, found));
      }
    } else {
      throw new NotFoundError(`Cannot read chunk log "${pattern}": it is not there`, {
        hint: "scan that shard again, or leave it out: what is missing is scanned here",
      });
    }
  }
  return [...paths];
}

/**
 * Merges the chunk logs that `--chunks` names into that of the output, together with what an earlier run
 * left there. What they don't hold is scanned afterwards.
 */
export function mergeShards(
  index: GraphIndex,
  fingerprint: string,
  options: AggregateOptions,
  zstd: Zstd,
  log: Log,
): MergeSummary | null {
  const own = chunkLogPathOf(options.outputPath!);
  const found = findChunkLogs(options.chunkLogs).filter((path) => path !== own);
  const earlier = options.resume && fileIdentity(own) !== null ? [own] : [];
  const summary = found.length === 0 ? null : mergeChunkLogs(
    [...found, ...earlier],
    own,
    index,
    fingerprint,
    zstd,
    compressionLevel(options.zstdLevel, index.nQuanta),
  );
  if (summary === null) {
    log.log(
      "WARNING",
      `No chunk log that says anything was found (${options.chunkLogs.join(", ")}); ` +
        "everything is scanned here",
    );
    return null;
  }
  tellMerge(summary, log);
  return summary;
}

/** Tells what a merge came to, and what was wrong with the logs. */
export function tellMerge(summary: MergeSummary, log: Log): void {
  for (const path of summary.emptyPaths) {
    log.log("WARNING", `Chunk log "${path}" has no sound header; its quanta are scanned again`);
  }
  for (const { path, damage } of summary.damages) {
    log.log(
      "WARNING",
      `Chunk log "${path}": bytes ${damage.startByte} to ${damage.endByte} are ${
        damage.isTornTail ? "an unfinished chunk" : "damaged"
      } (${damage.reason}); their quanta are scanned again`,
    );
  }
  log.log(
    "INFO",
    `Merged ${summary.nLogs} chunk logs with ${summary.nQuanta} quanta; ${summary.nReplaced} ` +
      `chunks were there twice, ${summary.nRecompressed} were compressed anew.`,
  );
}
