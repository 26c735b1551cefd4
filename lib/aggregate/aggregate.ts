/**
 * `aggregate-graph`: checks everything that can be checked before anything is changed, then runs the
 * workers.
 *
 * @module
 */

import { concatBytes } from "../base/bytes.ts";
import { InterruptedError, stopReason, UsageError } from "../base/errors.ts";
import { nextTurn } from "../base/next_turn.ts";
import { StageClock } from "../base/stage_clock.ts";
import { compareUuids, UUID_SIZE, uuidFromText } from "../base/uuid.ts";
import { tellLeftOut } from "../butler/config/ignored_datastores.ts";
import { openRepositoryConfig } from "../butler/config/open_repo_config.ts";
import { makeHeaderChunk } from "../chunks/header.ts";
import { Zstd } from "../codec/zstd.ts";
import { requireOutputRun } from "../qg/header.ts";
import { tableLayout } from "../provenance/table/table_columns.ts";
import { makeTableRows } from "../provenance/table/table_rows.ts";
import type { GraphIndex } from "../qg/predicted/graph_index.ts";
import { PredictedGraph } from "../qg/predicted/predicted_graph.ts";
import { failpoint } from "../storage/failpoints.ts";
import { requireOpenFiles } from "../storage/open_files.ts";
import { removeLeftovers } from "../storage/temporary_file.ts";
import { chunkLogPathOf } from "../chunks/chunk_log_path.ts";
import type { AggregateCounts } from "./counts.ts";
import { WaitingScanner } from "./idle_scanner.ts";
import type {
  CommonScannerSetup,
  FoundChunkLog,
  ScannerRequest,
  WorkerRole,
  WriterSetup,
} from "./messages.ts";
import {
  AGGREGATE_STAGES,
  type AggregateContext,
  type AggregateOptions,
  type AggregateSummary,
} from "./options.ts";
import { fingerprintOf, openChunkLog, openIndex, prepareOutput, tidy } from "./output_files.ts";
import { checkRepository, refuseIfIngested } from "./preconditions.ts";
import { nothingFound, requireDatastore, requireRunFolder } from "./presence.ts";
import { tellProblem } from "./problems.ts";
import { readPackages } from "./read_packages.ts";
import { refuseOtherGraph } from "./right_run.ts";
import { AggregationFiles } from "./remote_files.ts";
import { RunTraces } from "./run_traces.ts";
import { checkCompression, compressionLevel } from "./scan/compression.ts";
import { checkCounts, indexGraphWith } from "./scan/index_graph.ts";
import { makeDictionary, templateElements } from "./scan/scan_setup.ts";
import { untilKnown } from "./scan/scan_files.ts";
import { mergeShards } from "./shards/shard_files.ts";
import { Supervisor } from "./supervisor.ts";
import { EarlyWorkers } from "./worker_pool.ts";
import { makeDocuments } from "./write/graph_members.ts";
import { describeSystemError } from "../storage/file_errors.ts";

/** Ingester and writer. */
const N_OTHER_WORKERS = 2;

/**
 * Aggregates a run.
 *
 * @throws {ProvgraphError} with the exit code that belongs to it. Anything that can be known to fail
 *   fails before the repository is changed.
 */
export async function aggregateGraph(
  options: AggregateOptions,
  context: AggregateContext,
): Promise<AggregateSummary> {
  try {
    return await aggregate(options, context);
  } catch (error) {
    throw describeSystemError(`aggregate "${options.graphPath}"`, error);
  }
}

async function aggregate(
  options: AggregateOptions,
  context: AggregateContext,
): Promise<AggregateSummary> {
  const { log, signal } = context;
  const startMs = performance.now();
  const clock = new StageClock(AGGREGATE_STAGES);
  clock.enter("predicted_read");
  checkCompression(options);
  if (options.chunkLogs.length > 0 && options.outputPath === null) {
    throw new UsageError("Cannot merge chunk logs: there is no graph to make of them", {
      hint: "give --output PATH as well, or leave out --chunks",
    });
  }
  const isWriting = options.outputPath !== null;
  // First, so that what is refused at once is refused without workers.
  const config = await openRepositoryConfig(options.repository, context.env);
  tellLeftOut(config, log);
  requireOpenFiles(options.graphPath, options.nScanners + N_OTHER_WORKERS, options.nScanners > 1);
  const makeWorker = (role: WorkerRole): Worker => {
    const worker = context.makeWorker(role);
    const preparation: ScannerRequest = { kind: "prepare", graphPath: options.graphPath };
    if (role === "scanner") worker.postMessage(preparation);
    return worker;
  };
  // The writer is made when the scanners are at work: making one holds this thread up.
  using early = new EarlyWorkers(makeWorker, [
    "ingester",
    ...new Array<WorkerRole>(options.nScanners).fill("scanner"),
  ]);
  log.log("INFO", "Reading predicted quantum graph.");
  const zstd = await Zstd.load();
  using graph = await PredictedGraph.open(options.graphPath, zstd);
  const run = requireOutputRun(graph.header, options.graphPath);
  graph.verifyStructure();
  using stored = await AggregationFiles.open(config, context.env);
  await requireDatastore(config, stored, options.allowEmpty);
  using _lock = options.outputPath === null ? null : prepareOutput(options.outputPath);
  failpoint("aggregate.locked");
  if (options.outputPath !== null) {
    removeLeftovers(options.outputPath, true);
    removeLeftovers(chunkLogPathOf(options.outputPath), true);
  }
  const fingerprint = fingerprintOf(graph);
  const remembered = openIndex(graph, fingerprint, options);
  // While this thread asks the registry; but shards that are to be merged come into the chunk log first.
  const reading = remembered === null || options.chunkLogs.length > 0
    ? null
    : readWithScanner(chunkLogPathOf(options.outputPath!), remembered, early);
  const known = await checkRepository(config, graph, options, context);
  log.log("INFO", "Analyzing predicted graph.");
  const index = remembered === null
    ? await indexWithScanners(graph, early)
    : checkCounts(remembered, graph);
  const isWritingGraph = isWriting && !options.isIncomplete;
  const chunkLogPath = isWriting ? chunkLogPathOf(options.outputPath!) : null;
  using traces = new RunTraces(chunkLogPath);
  const zstdLevel = compressionLevel(options.zstdLevel, index.nQuanta);
  const scanner: CommonScannerSetup = {
    graphPath: options.graphPath,
    repository: config,
    universeText: known.universe.text,
    dimensionRows: graph.dimensionRecords(templateElements(config, known.universe)),
    index: index.arrays,
    indexSeed: index.seed,
    known: markKnown(index, known.ids),
    knownOutside: knownOutsideIndex(graph, known.ids),
    reuse: null,
    mockStorageClasses: options.mockStorageClasses,
    isIncomplete: options.isIncomplete,
    isWriting,
    promiseIngestGraph: options.promiseIngestGraph,
    readAhead: options.readAhead,
    nScanners: options.nScanners,
    zstdLevel,
    dictionary: new Uint8Array(0),
    remote: null,
  };
  // Where execution goes on, it may have begun just now.
  if (!options.allowEmpty && !options.isIncomplete) {
    await requireRunFolder(config, graph, index, { scanner, stored });
  }
  const merged = options.chunkLogs.length > 0
    ? mergeShards(index, fingerprint, options, zstd, log)
    : null;
  const chunkLog = isWriting ? openChunkLog(index, fingerprint, options, log, await reading) : null;
  clock.enter("dictionary");
  scanner.reuse = chunkLog && { table: chunkLog.table, wasProduced: chunkLog.wasProduced };
  try {
    await refuseOtherGraph({
      config,
      graph,
      index,
      known,
      scanner,
      options,
      files: stored.files,
    });
    scanner.dictionary = chunkLog?.header.dictionary ??
      await makeDictionary(
        scanner,
        index,
        isWriting ? options : { ...options, zstdDictSize: 0 },
        stored.files,
      );
    scanner.remote = await stored.knowledge(index, options.isIncomplete, chunkLog?.table ?? null);
  } catch (error) {
    throw traces.settle(error, null);
  }
  clock.enter("start");
  const supervisor = new Supervisor({
    index,
    makeWorker: (role) => early.take(role),
    nScanners: options.nScanners,
    scanner,
    writer: !isWriting ? null : {
      chunkLogPath: chunkLogPath!,
      resumeSize: chunkLog?.soundSize ?? -1,
      headerChunk: chunkLog !== null ? null : makeHeaderChunk({
        fingerprint,
        graphHeaderText: graph.headerText,
        dictionary: scanner.dictionary,
        pipelineGraphFrame: zstd.compressor(null, zstdLevel)
          .compress(graph.pipelineGraphText),
      }),
      index: index.arrays,
      indexSeed: index.seed,
      contentKey: graph.contentKey,
      reuse: chunkLog?.table ?? null,
      isWritingGraph,
      quantaTable: isWritingGraph ? planTable(graph, index) : null,
    },
    ingester: {
      graphPath: options.graphPath,
      pipelineGraphText: graph.pipelineGraphText,
      repository: config,
      mockStorageClasses: options.mockStorageClasses,
      run,
      outputChain: options.updateOutputChain ? graph.header.output : null,
      inputs: graph.header.inputs,
      registerDatasetTypes: options.registerDatasetTypes,
      batchSize: options.ingestBatchSize,
      isDryRun: options.isDryRun,
      busyTimeoutMs: options.busyTimeoutMs,
    },
    isWritingGraph,
    workerLogs: options.workerLogs,
    progress: (level, text) => log.log(level, `${text} [after ${elapsed(startMs)}s]`),
    onProblem: (problem) => tellProblem(problem, options.isStrict, log),
  });
  // All of the above may have been one turn of the event loop, in which signals aren't noticed.
  await nextTurn();
  if (signal.aborted) throw interrupted(supervisor.counts, null, options, signal);
  using watch = context.progress.watch(() => supervisor.stages());
  const stop = () => {
    log.log("WARNING", `Caught ${stopReason(signal).signal}; finishing what is in hand.`);
    supervisor.stop();
  };
  signal.addEventListener("abort", stop);
  let isDone = false;
  let foundNothing = false;
  try {
    log.log("VERBOSE", "Starting workers.");
    await supervisor.start();
    clock.enter("scan");
    watch.update();
    // While the scanners have enough to do.
    const packages = isWritingGraph
      ? await untilKnown(stored.files, () => readPackages(config, graph, known, stored.files))
      : null;
    if (packages !== null && packages.problem !== null) supervisor.addProblem(packages.problem);
    const documents = packages === null ? [] : makeDocuments(
      graph,
      scanner.dictionary,
      zstd.compressor(scanner.dictionary, zstdLevel),
      packages.text,
    );
    await supervisor.scan();
    if (signal.aborted) {
      await Promise.all([supervisor.flushIngester(), supervisor.keepChunkLog()]);
      throw interrupted(supervisor.counts, chunkLogPath, options, signal);
    }
    // Files of a disk or store that went away meanwhile looked absent.
    await requireDatastore(config, stored, options.allowEmpty);
    if (!supervisor.hasFoundFiles && index.nQuanta > 0 && !options.allowEmpty) {
      // An ingest-graph that runs meanwhile registers its graph, then deletes the files.
      await refuseIfIngested(config, run, options, context);
      const nothing = nothingFound(config, run, supervisor.counts.nScanned);
      // Where execution goes on, it may have begun just now.
      if (!options.isIncomplete) throw nothing;
      log.log("WARNING", `${nothing.message}: it has not begun, or its files can't be seen`);
      foundNothing = true;
    }
    clock.enter("finish");
    watch.update();
    log.log(
      "INFO",
      `Scanning complete after ${elapsed(startMs)}s; waiting for workers to finish.`,
    );
    // Side by side; but a graph gets its name only when all that it names is registered.
    const ends = [
      isWritingGraph
        ? supervisor.finishGraph(
          options.outputPath!,
          documents,
          graph.header.int_size,
        )
        : supervisor.keepChunkLog(),
      // An ingest-graph that ran meanwhile has deleted logs and metadata: the scan saw too little.
      refuseIfIngested(config, run, options, context).then(() => supervisor.flushIngester()),
    ];
    watch.update();
    await Promise.all(ends);
    if (isWritingGraph) {
      if (signal.aborted) {
        await supervisor.keepChunkLog();
        throw interrupted(supervisor.counts, chunkLogPath, options, signal);
      }
      await supervisor.publishGraph(options.keepChunks);
    }
    isDone = true;
  } catch (error) {
    // Only then it is known what was changed.
    await supervisor.shutDown();
    throw traces.settle(error, supervisor.changes);
  } finally {
    signal.removeEventListener("abort", stop);
    await supervisor.shutDown();
    if (!isDone && isWritingGraph) tidy(options.outputPath!);
  }
  failpoint("aggregate.before-unlock");
  return {
    ...supervisor.counts,
    outputRun: run,
    seconds: (performance.now() - startMs) / 1000,
    stageSeconds: clock.seconds(),
    isIncomplete: options.isIncomplete,
    foundNothing,
    outputPath: isWritingGraph ? options.outputPath : null,
    chunkLogPath: options.isIncomplete || options.keepChunks ? chunkLogPath : null,
    merged,
  };
}

/** The table of quanta that the graph is to have; null for none. */
function planTable(graph: PredictedGraph, { nQuanta }: GraphIndex): WriterSetup["quantaTable"] {
  const layout = nQuanta === 0 ? null : tableLayout(graph.pipelineGraph());
  return layout && { layout, rows: makeTableRows(nQuanta) };
}

/** Index of a graph, read by scanners that wait for their set-up. */
async function indexWithScanners(graph: PredictedGraph, early: EarlyWorkers): Promise<GraphIndex> {
  using readers = new DisposableStack();
  return await indexGraphWith(
    early.waiting("scanner").map((worker) => readers.use(new WaitingScanner(worker))),
    graph,
  );
}

/** Chunk log of an earlier run, read by a scanner that waits for its set-up; null if it can't. */
async function readWithScanner(
  path: string,
  index: GraphIndex,
  early: EarlyWorkers,
): Promise<FoundChunkLog | null> {
  using scanner = new WaitingScanner(early.waiting("scanner")[0]);
  return await scanner.readChunkLog(path, index);
}

function interrupted(
  counts: AggregateCounts,
  chunkLogPath: string | null,
  options: AggregateOptions,
  signal: AbortSignal,
): InterruptedError {
  const reason = stopReason(signal);
  const kept = [`${counts.nIngested} datasets registered in this run`];
  if (chunkLogPath !== null) {
    kept.push(`${counts.nScanned} scanned quanta in "${chunkLogPath}"`);
  }
  return new InterruptedError(
    `Stopped by ${reason.signal}; kept: ${kept.join(", ")}`,
    reason,
    {
      hint: "run the same command again to continue" +
        (options.resume ? "" : ", without --no-resume"),
    },
  );
}

function elapsed(startMs: number): string {
  return ((performance.now() - startMs) / 1000).toFixed(1);
}

function markKnown(index: GraphIndex, ids: Uint8Array): Uint8Array {
  const known = new Uint8Array(new SharedArrayBuffer(index.nDatasets));
  for (let at = 0; at < ids.length; at += UUID_SIZE) {
    const d = index.findDataset(ids, at);
    if (d >= 0) known[d] = 1;
  }
  return known;
}

/**
 * Registered outputs of the init quantum that the index leaves out: one, or none.
 *
 * @param ids Packed, in any order.
 */
function knownOutsideIndex(graph: PredictedGraph, ids: Uint8Array): Uint8Array {
  const outside: Uint8Array[] = [];
  for (const quantum of graph.initQuanta()) {
    if (quantum.taskLabel !== "") continue;
    for (const [{ idText }] of quantum.outputs.values()) outside.push(uuidFromText(idText));
  }
  const known = outside.filter((id) => {
    for (let at = 0; at < ids.length; at += UUID_SIZE) {
      if (compareUuids(ids, at, id, 0) === 0) return true;
    }
    return false;
  });
  return concatBytes(known.sort((a, b) => compareUuids(a, 0, b, 0)));
}
