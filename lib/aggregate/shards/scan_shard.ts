/**
 * `scan`: looks at the files of one share of the quanta and writes a chunk log, for an aggregation that
 * merges those of all shares. No database is opened, and nothing is decided that needs to know other
 * quanta: which ones are blocked or failed is found out when all is merged.
 *
 * @module
 */

import {
  EnvironmentError,
  InterruptedError,
  NotFoundError,
  RefusedError,
  stopReason,
} from "../../base/errors.ts";
import { nextTurn } from "../../base/next_turn.ts";
import { dirname } from "../../base/paths.ts";
import { tellLeftOut } from "../../butler/config/ignored_datastores.ts";
import { openRepositoryConfig } from "../../butler/config/open_repo_config.ts";
import { DatastoreChain } from "../../butler/datastore/datastore_chain.ts";
import { DimensionUniverse } from "../../butler/dimensions/dimensions.ts";
import { makeHeaderChunk } from "../../chunks/header.ts";
import { mergeChunkLogs } from "../../chunks/merge.ts";
import { loadChunkLogAt, type LoadedChunkLog } from "../../chunks/table.ts";
import { ChunkLogWriter } from "../../chunks/writer.ts";
import { Zstd } from "../../codec/zstd.ts";
import { OutputTypes } from "../../provenance/output_types.ts";
import { requireOutputRun } from "../../qg/header.ts";
import type { GraphIndex } from "../../qg/predicted/graph_index.ts";
import { PredictedGraph } from "../../qg/predicted/predicted_graph.ts";
import { renameDurably } from "../../storage/durable_file.ts";
import { fileIdentity } from "../../storage/file_source.ts";
import { requireOpenFiles } from "../../storage/open_files.ts";
import type { CommonScannerSetup } from "../messages.ts";
import type { AggregateContext } from "../options.ts";
import { fingerprintOf, undoDirectories } from "../output_files.ts";
import { requireDatastore, requireRunFolder } from "../presence.ts";
import { AggregationFiles } from "../remote_files.ts";
import { RunTraces } from "../run_traces.ts";
import { checkCompression, compressionLevel } from "../scan/compression.ts";
import { checkDocumentForms } from "../scan/document_readers.ts";
import { indexGraph } from "../scan/index_graph.ts";
import { makeDictionary, templateElements } from "../scan/scan_setup.ts";
import {
  foundParts,
  partPath,
  refuseForeign,
  removeQuietly,
  sharedDictionary,
  tellMerge,
} from "./shard_files.ts";
import {
  type ScanShardOptions,
  type ScanShardSummary,
  type ShardCounts,
  ShardRun,
} from "./shard_run.ts";
import type { RepositoryConfig } from "../../butler/config/repository_config.ts";
import { describeSystemError, fileError } from "../../storage/file_errors.ts";

/**
 * Scans a shard.
 *
 * Afterwards the chunk log is there under its name, whole and durable. Until then this process writes to
 * a file of its own beside it, which a later scan of the shard takes in: so any number of processes may
 * scan one shard at once, on any hosts, and whoever comes first is as good as the others.
 *
 * @throws {ProvgraphError} with the exit code that belongs to it.
 */
export async function scanShard(
  options: ScanShardOptions,
  context: AggregateContext,
): Promise<ScanShardSummary> {
  try {
    return await scan(options, context);
  } catch (error) {
    throw describeSystemError(`scan "${options.graphPath}"`, error);
  }
}

async function scan(
  options: ScanShardOptions,
  context: AggregateContext,
): Promise<ScanShardSummary> {
  const { log, signal } = context;
  const startMs = performance.now();
  checkCompression(options);
  const config = await openRepositoryConfig(options.repository, context.env);
  tellLeftOut(config, context.log);
  const zstd = await Zstd.load();
  using graph = await PredictedGraph.open(options.graphPath, zstd);
  requireOutputRun(graph.header, options.graphPath);
  graph.verifyStructure();
  const universeText = graph.pipelineGraph().dimensionsText;
  if (universeText === null) {
    throw new RefusedError(
      `Cannot scan "${options.graphPath}" without a database: it has no dimension universe`,
      { hint: "use aggregate-graph alone" },
    );
  }
  const universe = DimensionUniverse.parse(universeText);
  checkForms(config, graph, universe, options.mockStorageClasses);
  using stored = await AggregationFiles.open(config, context.env);
  await requireDatastore(config, stored, options.allowEmpty);
  requireOpenFiles(options.graphPath, options.nScanners, options.nScanners > 1);
  const index = indexGraph(graph);
  const zstdLevel = compressionLevel(options.zstdLevel, index.nQuanta);
  const setup: CommonScannerSetup = {
    graphPath: options.graphPath,
    repository: config,
    universeText,
    dimensionRows: graph.dimensionRecords(templateElements(config, universe)),
    index: index.arrays,
    indexSeed: index.seed,
    // Nothing is registered here, so scanners needn't gather anything for that.
    known: new Uint8Array(new SharedArrayBuffer(index.nDatasets)).fill(1),
    knownOutside: new Uint8Array(0),
    reuse: null,
    mockStorageClasses: options.mockStorageClasses,
    // A quantum without metadata is left alone: it has failed, or is blocked, or isn't done yet.
    isIncomplete: true,
    isWriting: true,
    promiseIngestGraph: false,
    readAhead: options.readAhead,
    nScanners: options.nScanners,
    zstdLevel,
    dictionary: new Uint8Array(0),
    remote: null,
  };
  if (!options.allowEmpty) {
    await requireRunFolder(config, graph, index, { scanner: setup, stored });
  }
  const fingerprint = fingerprintOf(graph);
  if (options.resume) refuseForeign(options.chunkLogPath, fingerprint);
  const directory = dirname(options.chunkLogPath);
  using _directories = undoDirectories(directory);
  try {
    Deno.mkdirSync(directory, { recursive: true });
  } catch (error) {
    throw fileError("create directory", directory, error);
  }
  const before = versionOf(options.chunkLogPath);
  const header = {
    fingerprint,
    graphHeaderText: graph.headerText,
    pipelineGraphFrame: zstd.compressor(null, zstdLevel).compress(graph.pipelineGraphText),
  };
  const part = partPath(options.chunkLogPath);
  using traces = new RunTraces(part);
  const changes: string[] = [];
  setup.dictionary = await sharedDictionary(directory, header, async () => {
    const dictionary = await makeDictionary(setup, index, options, stored.files);
    changes.push(`a dictionary for all shards is in "${directory}"`);
    return dictionary;
  });
  const earlier = options.resume ? earlierLogs(options.chunkLogPath) : [];
  const merged = earlier.length === 0 ? null : mergeChunkLogs(
    earlier,
    part,
    index,
    fingerprint,
    zstd,
    zstdLevel,
    setup.dictionary,
  );
  if (merged !== null) tellMerge(merged, log);
  const run = new ShardRun(options, index, log);
  let isDone = false;
  try {
    using writer = openPart(
      part,
      merged !== null,
      index,
      setup,
      () => makeHeaderChunk({ ...header, dictionary: setup.dictionary }),
    );
    setup.remote = await stored.knowledge(index, false, setup.reuse?.table ?? null);
    // All of the above may have been one turn of the event loop, in which signals aren't noticed.
    await nextTurn();
    using watch = context.progress.watch(() => [run.stage()]);
    const stop = () => run.stop();
    signal.addEventListener("abort", stop);
    try {
      if (!signal.aborted) await run.scan(setup, writer, context);
    } finally {
      signal.removeEventListener("abort", stop);
      writer.sync();
    }
    watch.update();
    // Files of a disk that went away meanwhile looked absent.
    if (!signal.aborted) await requireDatastore(config, null, options.allowEmpty);
    run.summary.nChunkLogBytes = writer.size;
    if (!run.hasFoundFiles && !options.allowEmpty && !signal.aborted) {
      // A shard may hold only quanta that could not run.
      log.log("WARNING", "Not one log or metadata file of the quanta of this shard is there.");
    }
    isDone = !signal.aborted;
  } catch (error) {
    throw traces.settle(error, changes);
  } finally {
    if (!isDone && run.summary.nSuccessful === 0) removeQuietly(part);
  }
  if (!isDone) {
    throw new InterruptedError(
      `Stopped by ${stopReason(signal).signal}; kept: ${run.summary.nSuccessful} scanned quanta ` +
        `in "${part}"`,
      stopReason(signal),
      { hint: "run the same command again to continue" },
    );
  }
  finish(part, options.chunkLogPath, before, run.summary);
  for (const path of earlier) if (path !== options.chunkLogPath) removeQuietly(path);
  return {
    ...run.summary,
    outputRun: graph.header.output_run,
    seconds: (performance.now() - startMs) / 1000,
  };
}

/** Refuses documents that can't be read while nothing is made. */
function checkForms(
  config: RepositoryConfig,
  graph: PredictedGraph,
  universe: DimensionUniverse,
  mockStorageClasses: boolean,
): void {
  const datastores = new DatastoreChain(config, universe, { mockStorageClasses });
  const types = new OutputTypes(graph.pipelineGraph(), universe);
  checkDocumentForms(
    graph.pipelineGraph(),
    (name) => datastores.plan(types.types[types.indexOf(name)], graph.header.output_run).first,
  );
}

/** What earlier scans of the shard left: a complete log, and those of processes that were killed. */
function earlierLogs(chunkLogPath: string): string[] {
  const isThere = fileIdentity(chunkLogPath) !== null;
  return [...(isThere ? [chunkLogPath] : []), ...foundParts(chunkLogPath)];
}

/** Tells whether a name leads to another file than before; null if to none. */
function versionOf(path: string): string | null {
  try {
    const { dev, ino, mtime } = Deno.statSync(path);
    return `${dev}:${ino}:${mtime?.getTime()}`;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw fileError("look at", path, error);
  }
}

/** Begins the process's own file, or goes on behind what was merged into it. */
function openPart(
  part: string,
  hasEarlier: boolean,
  index: GraphIndex,
  setup: CommonScannerSetup,
  makeHeader: () => Uint8Array,
): ChunkLogWriter {
  if (!hasEarlier) {
    const writer = ChunkLogWriter.create(part);
    writer.append(makeHeader());
    return writer;
  }
  const loaded = loadPart(part, index);
  setup.reuse = { table: loaded.table, wasProduced: loaded.wasProduced };
  return ChunkLogWriter.resume(part, loaded.soundSize);
}

function loadPart(part: string, index: GraphIndex): LoadedChunkLog {
  const loaded = loadChunkLogAt(part, index);
  if (loaded !== null) return loaded;
  throw new EnvironmentError(`Cannot continue chunk log "${part}": its header is damaged`, {
    hint: "run the same command again",
  });
}

/** Gives the complete log its name, unless another process was faster: its log is as good. */
function finish(
  part: string,
  chunkLogPath: string,
  before: string | null,
  summary: ShardCounts,
): void {
  const isOvertaken = () => {
    const now = versionOf(chunkLogPath);
    return now !== null && now !== before;
  };
  if (!isOvertaken()) {
    try {
      return renameDurably(part, chunkLogPath);
    } catch (error) {
      // The other one may have come just now, and removed the part that it had read.
      if (!(error instanceof NotFoundError) || !isOvertaken()) throw error;
    }
  }
  summary.wasOvertaken = true;
  removeQuietly(part);
}
