/**
 * `ingest-graph`: makes a provenance graph the `run_provenance` of its RUN and the backing of the
 * RUN's metadata, log and config datasets.
 *
 * Order of effects, which is what makes every interruption resumable:
 *
 * 1. while `run_provenance` is absent: forget the datasets that the graph will back (files stay);
 * 2. put the graph into the datastore, durably, the source still there; register it;
 * 3. batch by batch: register datasets backed by the graph in one transaction, then delete originals;
 * 4. remove directories that became empty;
 * 5. delete the source of a move.
 *
 * Content is at every moment in the originals or in the registered graph. Which step is next follows
 * from the repository alone. Source: design notes, section 4.
 *
 * @module
 */

import { dirname, isAbsolute, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import {
  ConflictingDatasetError,
  InterruptedError,
  InvalidQuantumGraphFileError,
  NotFoundError,
  RefusedError,
  stopReason,
  UsageError,
} from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { nextTurn } from "../base/next_turn.ts";
import { UUID_SIZE, uuidFromText } from "../base/uuid.ts";
import type { DataIdValue } from "../butler/data_id.ts";
import type { DatasetType } from "../butler/dataset_ref.ts";
import { absolutePath, FileDatastore } from "../butler/datastore.ts";
import { type DatasetBatch, openRegistry, type Registry } from "../butler/registry.ts";
import { loadRepositoryConfig, type RepositoryConfig } from "../butler/repo_config.ts";
import { ProvenanceGraph } from "../qg/provenance_graph.ts";
import { removeLeftovers } from "../store/durable_file.ts";
import { failpoint } from "../store/failpoints.ts";
import { describeSystemError, fileIdentity, FileSource } from "../store/file_source.ts";
import { Zstd } from "../store/zstd.ts";
import { DeleterClient, type DeleterFactory } from "./deleter_client.ts";
import { EmptyDirectories } from "./empty_directories.ts";
import { Targets, TargetState } from "./targets.ts";
import {
  carryOutTransfer,
  deleteMovedSource,
  isSameFile,
  pathInside,
  planTransfer,
  type TransferMode,
  type TransferPlan,
} from "./transfer.ts";

export type { TransferMode } from "./transfer.ts";

/** Name of the dataset type of provenance graphs. */
export const PROVENANCE_DATASET_TYPE = "run_provenance";
const PROVENANCE_STORAGE_CLASS = "ProvenanceQuantumGraph";
/** Formatter that records of the graph, and of all that it backs, name. */
export const PROVENANCE_FORMATTER = "lsst.pipe.base.quantum_graph.formatter.ProvenanceFormatter";
/** Kept files named in the summary; the others are counted. */
const MAX_KEPT = 100;

/** Options of an ingest; names as on the command line. */
export interface IngestOptions {
  repository: string;
  /** Null: the graph is in the repository already. */
  graphPath: string | null;
  outputRun: string | null;
  transfer: TransferMode;
  /** Datasets in one transaction. */
  batchSize: number;
  /** Whether to refuse a RUN in which nothing was begun. */
  resume: boolean;
  isDryRun: boolean;
  /** How long to wait for a lock of the database, milliseconds; undefined leaves it to the registry. */
  busyTimeoutMs?: number;
}

/** What an ingest needs of its surroundings. */
export interface IngestContext {
  makeWorker: DeleterFactory;
  env: { get(name: string): string | undefined };
  log: Log;
  /** Aborted to stop: the batch in hand is finished. */
  signal: AbortSignal;
}

/** What an ingest came to. */
export interface IngestSummary {
  run: string;
  /** Whether there was nothing left to do. */
  isAlreadyDone: boolean;
  nForgotten: number;
  nIngested: number;
  /** Datasets that were backed by the graph before. */
  nAlreadyDone: number;
  nNotProduced: number;
  nFilesDeleted: number;
  nDirectoriesDeleted: number;
  /** Original files that stay because their content is not in the graph. */
  nKept: number;
  /** The first of them, relative to the datastore's root. */
  keptFiles: string[];
  /** Where the graph is now. */
  graphPath: string;
  seconds: number;
}

/**
 * Ingests a graph, or finishes what an earlier process began.
 *
 * @throws {ProvgraphError} with the exit code that belongs to it. Whatever can be known to fail fails
 *   before anything is changed.
 */
export async function ingestGraph(
  options: IngestOptions,
  context: IngestContext,
): Promise<IngestSummary> {
  try {
    return await ingest(options, context);
  } catch (error) {
    const graph = options.graphPath ?? `of RUN ${options.outputRun}`;
    throw describeSystemError(`ingest graph "${graph}" into "${options.repository}"`, error);
  }
}

async function ingest(options: IngestOptions, context: IngestContext): Promise<IngestSummary> {
  const startMs = performance.now();
  const config = loadRepositoryConfig(options.repository, context.env);
  const zstd = await Zstd.load();
  for (let round = 0;; round++) {
    await using ingest = await GraphIngest.prepare(options, config, zstd, context);
    if (!options.isDryRun) {
      using deleter = DeleterClient.start(
        context.makeWorker,
        config.datastore.root,
        ingest.graphMtimeMs,
      );
      const tell = () => {
        const { signal } = stopReason(context.signal);
        context.log.log("WARNING", `Caught ${signal}; finishing the batch in hand.`);
      };
      context.signal.addEventListener("abort", tell);
      try {
        await ingest.run(deleter);
      } catch (error) {
        // Another process registered the graph between our look and our first step: look again.
        if (error instanceof ConflictingDatasetError && ingest.isOvertaken && round === 0) continue;
        throw error;
      } finally {
        context.signal.removeEventListener("abort", tell);
      }
    }
    return ingest.summary((performance.now() - startMs) / 1000);
  }
}

/** The graph that is to be ingested, and what the registry knows of it. */
interface GraphChoice {
  run: string;
  /** Absolute path of the file to read. */
  path: string;
  /** Record of `run_provenance`, null while it isn't registered. */
  recordPath: string | null;
  /** Path as given, if the file is there. */
  given: string | null;
}

/** One ingest, checked and ready to run. */
class GraphIngest implements AsyncDisposable {
  readonly #options: IngestOptions;
  readonly #config: RepositoryConfig;
  readonly #registry: Registry;
  readonly #log: Log;
  readonly #signal: AbortSignal;
  /** Whether another process registered the graph first. */
  isOvertaken = false;
  readonly #choice: GraphChoice;
  readonly #graph: ProvenanceGraph;
  readonly #targets: Targets;
  readonly #plan: TransferPlan;
  readonly #provenanceType: DatasetType;
  /** The RUN as file templates write it. */
  readonly #runPath: string;
  /** Absolute path at which the file template puts the graph. */
  readonly #templateTarget: string;
  readonly graphMtimeMs: number;
  readonly #kept: string[] = [];
  #nKept = 0;
  #nForgotten = 0;
  #nIngested = 0;
  #nDeleted = 0;
  #nDirectories = 0;
  readonly #counts: { nAbsent: number; nOriginal: number; nDone: number; nNotProduced: number };

  private constructor(
    options: IngestOptions,
    config: RepositoryConfig,
    registry: Registry,
    context: IngestContext,
    choice: GraphChoice,
    graph: ProvenanceGraph,
    targets: Targets,
    plan: TransferPlan,
    provenanceType: DatasetType,
    templatePath: string,
  ) {
    this.#runPath = dirname(dirname(templatePath));
    this.#templateTarget = absolutePath(config.datastore.root, templatePath);
    this.#options = options;
    this.#config = config;
    this.#registry = registry;
    this.#log = context.log;
    this.#signal = context.signal;
    this.#choice = choice;
    this.#graph = graph;
    this.#targets = targets;
    this.#plan = plan;
    this.#provenanceType = provenanceType;
    this.graphMtimeMs = Deno.statSync(choice.path).mtime?.getTime() ?? 0;
    const counts = { nAbsent: 0, nOriginal: 0, nDone: 0, nNotProduced: 0 };
    for (let target = 0; target < targets.n; target++) {
      if (targets.produced[target] === 0) counts.nNotProduced++;
      else if (targets.state[target] === TargetState.DONE) counts.nDone++;
      else if (targets.state[target] === TargetState.ORIGINAL) counts.nOriginal++;
      else counts.nAbsent++;
    }
    this.#counts = counts;
  }

  /** Reads graph and registry and checks everything; changes nothing. */
  static async prepare(
    options: IngestOptions,
    config: RepositoryConfig,
    zstd: Zstd,
    context: IngestContext,
  ): Promise<GraphIngest> {
    const { log } = context;
    const registry = await openRegistry(config, {
      writeable: !options.isDryRun,
      busyTimeoutMs: options.busyTimeoutMs,
    });
    let graph: ProvenanceGraph | null = null;
    try {
      const datastore = new FileDatastore(config, registry.universe, { mockStorageClasses: true });
      const provenanceType: DatasetType = {
        name: PROVENANCE_DATASET_TYPE,
        group: registry.universe.group([]),
        storageClass: PROVENANCE_STORAGE_CLASS,
        isCalibration: false,
      };
      await registry.checkDatasetType(provenanceType);
      const templatePath = (run: string) =>
        datastore.plan(provenanceType, run).path([], { column: () => undefined });
      const choice = await chooseGraph(options, config, registry, templatePath, zstd);
      log.log(
        "INFO",
        choice.recordPath === null
          ? "Reading the pre-ingest provenance graph."
          : "Reading the already-ingested provenance graph.",
      );
      graph = await ProvenanceGraph.open(FileSource.open(choice.path), zstd);
      await graph.verifyStructure();
      // Soon the only copy of what the originals hold, so every byte is checked before they go.
      if (choice.recordPath === null) await graph.verifyBlocks();
      const plan = choice.recordPath === null
        ? planTransfer(
          options.transfer,
          choice.path,
          config.datastore.root,
          templatePath(choice.run),
        )
        : ingestedPlan(choice, config);
      log.log("INFO", `Querying for existing datasets in '${choice.run}'.`);
      const targets = await Targets.read(
        graph,
        await graph.pipelineGraph(),
        registry.universe,
        datastore,
      );
      for (const type of targets.types) await registry.checkDatasetType(type);
      await findStates(targets, registry, choice.run, plan);
      const ingest = new GraphIngest(
        options,
        config,
        registry,
        context,
        choice,
        graph,
        targets,
        plan,
        provenanceType,
        templatePath(choice.run),
      );
      ingest.#checkResume();
      return ingest;
    } catch (error) {
      graph?.close();
      await registry[Symbol.asyncDispose]();
      throw error;
    }
  }

  #checkResume(): void {
    const { nOriginal, nAbsent } = this.#counts;
    const hasBegun = this.#choice.recordPath !== null || this.#plan.how === "in place" ||
      nAbsent > 0 || nOriginal === 0;
    if (this.#options.resume && !hasBegun) {
      throw new RefusedError(
        `Cannot resume ingesting into RUN "${this.#choice.run}": nothing has been begun there`,
        { hint: "leave out --resume to begin" },
      );
    }
  }

  /** Carries out all steps that are left. */
  async run(deleter: DeleterClient): Promise<void> {
    const registry = this.#registry;
    const { recordPath } = this.#choice;
    if (recordPath === null) {
      await this.#forget();
      await this.#stopIfAsked();
      this.#log.log("INFO", "Ingesting the provenance quantum graph.");
      carryOutTransfer(this.#plan);
      failpoint("transfer.done");
      await registry.registerDatasetTypes([this.#provenanceType]);
      failpoint("ingest.type-registered");
      await registry.ingestDatasets(this.#graphBatch());
      failpoint("backed.committed");
    }
    // Whatever a killed process was about to put there is of no use any more.
    removeLeftovers(this.#templateTarget, false);
    await registry.registerDatasetTypes(this.#targets.typesToRegister());
    await this.#reingest(deleter);
    if (this.#options.transfer === "move" && this.#choice.given !== null) {
      failpoint("source.before-delete");
      deleteMovedSource(this.#choice.given, this.#plan.target);
      failpoint("source.deleted");
    }
  }

  async #forget(): Promise<void> {
    this.#log.log(
      "INFO",
      "Dropping database records for metadata/log/config datasets backed by their original files.",
    );
    const targets = this.#targets;
    let batch: number[] = [];
    const flush = async () => {
      const ids = new Uint8Array(batch.length * UUID_SIZE);
      batch.forEach((target, i) => ids.set(targets.id(target), i * UUID_SIZE));
      await this.#stopIfAsked();
      try {
        this.#nForgotten += await this.#registry.forgetDatasets(ids, this.#choice.run);
      } catch (error) {
        this.isOvertaken = error instanceof ConflictingDatasetError;
        throw error;
      }
      failpoint("forget.committed");
      for (const target of batch) targets.state[target] = TargetState.ABSENT;
      batch = [];
    };
    for (let target = 0; target < targets.n; target++) {
      if (targets.produced[target] === 0 || targets.state[target] === TargetState.ABSENT) continue;
      batch.push(target);
      if (batch.length >= this.#options.batchSize) await flush();
    }
    if (batch.length > 0) await flush();
    this.#log.log(
      "INFO",
      `Removed database records for ${this.#nForgotten} metadata/log/config datasets, while ` +
        `${targets.n - this.#nForgotten} were already absent.`,
    );
  }

  /** Between two batches. Signals are noticed only when the event loop gets a turn. */
  async #stopIfAsked(): Promise<void> {
    await nextTurn();
    if (!this.#signal.aborted) return;
    const reason = stopReason(this.#signal);
    throw new InterruptedError(
      `Stopped by ${reason.signal}; kept: ${this.#nForgotten} datasets forgotten, ` +
        `${this.#nIngested} ingested, ${this.#nDeleted} original files deleted`,
      reason,
      { hint: "run the same command again to continue" },
    );
  }

  /** Lets the deleter finish what it was given before stopping. */
  async #stopIfAskedAfter(deleter: DeleterClient): Promise<void> {
    await nextTurn();
    if (!this.#signal.aborted) return;
    this.#nDeleted = (await deleter.finish()).nDeleted;
    await this.#stopIfAsked();
  }

  #graphBatch(): DatasetBatch {
    return {
      run: this.#choice.run,
      n: 1,
      ids: uuidFromText(this.#graph.header.provenance_dataset_id),
      typeIndex: new Uint16Array(1),
      types: [this.#provenanceType],
      values: [],
      paths: [this.#plan.graphRecordPath],
      formatters: [PROVENANCE_FORMATTER],
      storageClasses: [PROVENANCE_STORAGE_CLASS],
      fileSize: Deno.statSync(this.#plan.target).size,
    };
  }

  async #reingest(deleter: DeleterClient): Promise<void> {
    this.#log.log(
      "INFO",
      "Re-ingesting metadata/log/config datasets with provenance graph backing and deleting their " +
        "original files.",
    );
    const targets = this.#targets;
    const directories = new EmptyDirectories(this.#config.datastore.root);
    const records = await this.#registry.dimensionRecordSource();
    const fileSize = Deno.statSync(this.#plan.target).size;
    const batch = new RowBatch();
    const flush = async () => {
      await this.#stopIfAskedAfter(deleter);
      const { n } = batch;
      if (n > 0) {
        await this.#registry.ingestDatasets(
          batch.take(targets, this.#choice.run, this.#plan.backedRecordPath, fileSize),
        );
        this.#nIngested += n;
        failpoint("backed.committed");
      }
      // The transaction is durable: only now may the originals go.
      const paths = batch.takePaths();
      if (paths.length > 0) await deleter.delete(paths);
    };
    for await (const row of targets.rows(records)) {
      const { target, typeIndex, path } = row;
      if (path !== null) directories.add(path, this.#runPath, targets.types[typeIndex].name);
      if (targets.produced[target] === 0) {
        if (path !== null) this.#noteUnrecorded(path);
        continue;
      }
      if (targets.state[target] !== TargetState.DONE) {
        batch.add(row);
      }
      if (path !== null) batch.addPath(path);
      if (batch.n >= this.#options.batchSize || batch.nPaths >= MAX_PATHS) await flush();
    }
    await flush();
    const deleted = await deleter.finish();
    this.#nDeleted = deleted.nDeleted;
    for (const path of deleted.newer) this.#keep(path, "is newer than the provenance graph");
    this.#log.log(
      "INFO",
      `Re-ingested ${this.#nIngested} metadata/log/config datasets (${this.#counts.nDone} had ` +
        `already been processed, ${this.#counts.nNotProduced} were not produced) and deleted ` +
        `${this.#nDeleted} original files.`,
    );
    await this.#stopIfAskedAfter(deleter);
    failpoint("directories.before");
    const { nRemoved, notEmpty } = directories.remove();
    failpoint("directories.done");
    this.#nDirectories = nRemoved;
    this.#log.log("INFO", `Deleted ${nRemoved} directories that became empty.`);
    for (const directory of notEmpty) {
      this.#log.log(
        "WARNING",
        `Directory '${directory}' was not deleted because it has files in it.`,
      );
    }
  }

  /** A file of a dataset that the graph says was not produced: its content is nowhere else. */
  #noteUnrecorded(path: string): void {
    if (fileIdentity(absolutePath(this.#config.datastore.root, path)) !== null) {
      this.#keep(path, "is not recorded in the provenance graph");
    }
  }

  #keep(path: string, reason: string): void {
    this.#nKept++;
    if (this.#kept.length < MAX_KEPT) this.#kept.push(path);
    this.#log.log("WARNING", `Original file '${path}' stays: it ${reason}.`);
  }

  /** Numbers of what was done; in a dry run, of what would be. */
  summary(seconds: number): IngestSummary {
    const { nAbsent, nOriginal, nDone, nNotProduced } = this.#counts;
    const isFirst = this.#choice.recordPath === null;
    const { isDryRun } = this.#options;
    return {
      run: this.#choice.run,
      isAlreadyDone: !isFirst && nAbsent + nOriginal === 0 && this.#nDeleted === 0 &&
        this.#nDirectories === 0,
      nForgotten: isDryRun && isFirst ? nOriginal : this.#nForgotten,
      nIngested: isDryRun ? nAbsent + nOriginal : this.#nIngested,
      nAlreadyDone: nDone,
      nNotProduced,
      nFilesDeleted: this.#nDeleted,
      nDirectoriesDeleted: this.#nDirectories,
      nKept: this.#nKept,
      keptFiles: this.#kept,
      graphPath: this.#plan.target,
      seconds,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#graph.close();
    await this.#registry[Symbol.asyncDispose]();
  }
}

/** Paths that wait for their batch to be committed. */
const MAX_PATHS = 20_000;

/** Rows of the next transaction, and the originals that may be deleted after it. */
class RowBatch {
  n = 0;
  #targets: number[] = [];
  #types: number[] = [];
  #values: DataIdValue[][] = [];
  #paths: string[] = [];

  get nPaths(): number {
    return this.#paths.length;
  }

  add(row: { target: number; typeIndex: number; values: DataIdValue[] }): void {
    this.n++;
    this.#targets.push(row.target);
    this.#types.push(row.typeIndex);
    this.#values.push(row.values);
  }

  addPath(path: string): void {
    this.#paths.push(path);
  }

  takePaths(): string[] {
    const paths = this.#paths;
    this.#paths = [];
    return paths;
  }

  take(targets: Targets, run: string, recordPath: string, fileSize: number): DatasetBatch {
    const ids = new Uint8Array(this.n * UUID_SIZE);
    this.#targets.forEach((target, i) => ids.set(targets.id(target), i * UUID_SIZE));
    const batch: DatasetBatch = {
      run,
      n: this.n,
      ids,
      typeIndex: Uint16Array.from(this.#types),
      types: targets.types,
      values: this.#values.flatMap((values, i) =>
        values.slice(0, targets.types[this.#types[i]].group.required.length)
      ),
      paths: new Array(this.n).fill(recordPath),
      formatters: targets.types.map(() => PROVENANCE_FORMATTER),
      storageClasses: targets.types.map((type) => type.storageClass),
      fileSize,
    };
    this.n = 0;
    this.#targets = [];
    this.#types = [];
    this.#values = [];
    return batch;
  }
}

/** Finds out which file is the graph and whether it is registered. */
async function chooseGraph(
  options: IngestOptions,
  config: RepositoryConfig,
  registry: Registry,
  templatePath: (run: string) => string,
  zstd: Zstd,
): Promise<GraphChoice> {
  const { root } = config.datastore;
  const { graphPath, outputRun } = options;
  if (graphPath === null && outputRun === null) {
    throw new UsageError(
      "Cannot ingest: neither a graph nor --output-run is given",
      {
        hint: "give the graph file, or --output-run RUN to finish with the graph already ingested",
      },
    );
  }
  const given = graphPath === null ? null : resolve(graphPath);
  const isThere = given !== null && fileIdentity(given) !== null;
  if (given !== null && isThere) {
    const header = await readHeader(given, zstd);
    const run = header.output_run;
    if (outputRun !== null && outputRun !== run) {
      throw new RefusedError(
        `Cannot ingest graph "${graphPath}": it is of RUN "${run}", not of "${outputRun}"`,
        { hint: `give --output-run "${run}" or leave the option out` },
      );
    }
    await requireRun(registry, run, config);
    const found = await registry.findRunProvenance(run);
    if (found === null) return { run, path: given, recordPath: null, given };
    const path = recordedFile(found.record.path, root);
    await requireSameGraph(given, path, run, zstd);
    return { run, path, recordPath: found.record.path, given };
  }
  if (outputRun === null) {
    throw new NotFoundError(
      `Cannot find graph "${graphPath}": no such file`,
      { hint: "if it has been ingested already, give --output-run RUN instead" },
    );
  }
  await requireRun(registry, outputRun, config);
  const found = await registry.findRunProvenance(outputRun);
  if (found !== null) {
    const path = recordedFile(found.record.path, root);
    return { run: outputRun, path, recordPath: found.record.path, given: null };
  }
  // A move that was cut between file and database leaves the graph where the template puts it.
  const path = absolutePath(root, templatePath(outputRun));
  if (fileIdentity(path) === null) {
    throw new NotFoundError(
      `Cannot find the provenance graph of RUN "${outputRun}" in "${config.argument}": ` +
        "none is registered" + (graphPath === null ? "" : `, and "${graphPath}" doesn't exist`),
      { hint: "give the graph file that aggregate-graph wrote" },
    );
  }
  const { output_run: run } = await readHeader(path, zstd);
  if (run !== outputRun) {
    throw new RefusedError(`Cannot use graph "${path}": it is of RUN "${run}", not "${outputRun}"`);
  }
  return { run, path, recordPath: null, given: null };
}

async function readHeader(path: string, zstd: Zstd): Promise<ProvenanceGraph["header"]> {
  using graph = await ProvenanceGraph.open(FileSource.open(path), zstd);
  if (graph.header.provenance_dataset_id === "") {
    throw new InvalidQuantumGraphFileError(
      `Cannot ingest graph "${path}": its header has no provenance_dataset_id`,
    );
  }
  return graph.header;
}

async function requireRun(
  registry: Registry,
  run: string,
  config: RepositoryConfig,
): Promise<void> {
  const collection = await registry.findCollection(run);
  if (collection === null) {
    throw new NotFoundError(
      `Cannot ingest into RUN "${run}" of "${config.argument}": no such collection`,
      { hint: "run aggregate-graph first" },
    );
  }
  if (collection.type !== "RUN") {
    throw new RefusedError(`Cannot ingest into "${run}": it is a ${collection.type} collection`);
  }
}

/** Absolute path of a record, which is relative to the root or a `file:` URI. */
function recordedFile(recordPath: string, root: string): string {
  if (recordPath.startsWith("file:")) return fileURLToPath(recordPath);
  return isAbsolute(recordPath) ? recordPath : absolutePath(root, recordPath);
}

/** The given graph must be the registered one: by identity, else by its header and size. */
async function requireSameGraph(
  given: string,
  registered: string,
  run: string,
  zstd: Zstd,
): Promise<void> {
  if (isSameFile(given, registered)) return;
  const [a, b] = [await readHeader(given, zstd), await readHeader(registered, zstd)];
  const sizes = [Deno.statSync(given).size, Deno.statSync(registered).size];
  if (a.provenance_dataset_id === b.provenance_dataset_id && sizes[0] === sizes[1]) return;
  throw new RefusedError(
    `Cannot ingest graph "${given}": RUN "${run}" has another provenance graph already, ` +
      `"${registered}"`,
    { hint: `give --output-run "${run}" without a graph to finish with that one` },
  );
}

/** The transfer of a graph that is in the datastore already. */
function ingestedPlan(choice: GraphChoice, config: RepositoryConfig): TransferPlan {
  const { root } = config.datastore;
  const backedRecordPath = pathInside(root, choice.path);
  if (backedRecordPath === null) {
    throw new RefusedError(
      `Cannot back datasets by "${choice.path}": it lies outside the datastore "${root}"`,
      {
        hint: "remove run_provenance from the RUN with the butler and ingest it with another mode",
      },
    );
  }
  return {
    source: choice.path,
    target: choice.path,
    graphRecordPath: choice.recordPath!,
    backedRecordPath,
    how: "in place",
    linkText: null,
    deleteSource: false,
  };
}

/** Asks the registry which targets it has, and whether the graph backs them. */
async function findStates(
  targets: Targets,
  registry: Registry,
  run: string,
  plan: TransferPlan,
): Promise<void> {
  const names = targets.types.map((type) => type.name);
  for await (const batch of registry.runRecords(run, names)) {
    for (let i = 0; i < batch.n; i++) {
      const target = targets.find(batch.ids, i * UUID_SIZE);
      if (target < 0) continue;
      const path = batch.paths[i];
      targets.state[target] = path === plan.backedRecordPath
        ? TargetState.DONE
        : TargetState.ORIGINAL;
    }
  }
}
