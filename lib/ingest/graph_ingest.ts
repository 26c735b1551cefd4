/**
 * One ingest: everything checked first, then step by step what is left to do.
 *
 * @module
 */

import {
  ConflictingDatasetError,
  InterruptedError,
  RefusedError,
  stopReason,
} from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { nextTurn } from "../base/next_turn.ts";
import { dirname } from "../base/paths.ts";
import type { Progress, Stage } from "../base/progress.ts";
import type { StageClock } from "../base/stage_clock.ts";
import { UUID_SIZE, uuidFromText } from "../base/uuid.ts";
import type { DatasetType } from "../butler/dataset_ref.ts";
import { absolutePath, FileDatastore } from "../butler/datastore.ts";
import {
  PROVENANCE_FORMATTER,
  PROVENANCE_STORAGE_CLASS,
  RUN_PROVENANCE,
} from "../butler/provenance_dataset.ts";
import { type DatasetBatch, openRegistry, type Registry } from "../butler/registry.ts";
import { withRecords } from "../butler/record_fetch.ts";
import type { RepositoryConfig } from "../butler/repo_config.ts";
import { selectRows } from "../butler/dataset_batch.ts";
import { ProvenanceGraph } from "../qg/provenance_graph.ts";
import { removeLeftovers } from "../store/temporary_file.ts";
import { failpoint } from "../store/failpoints.ts";
import { fileIdentity, FileSource } from "../store/file_source.ts";
import type { Zstd } from "../store/zstd.ts";
import type { DeleterClient } from "./deleter_client.ts";
import { EmptyDirectories } from "./empty_directories.ts";
import { chooseGraph, type GraphChoice, ingestedPlan } from "./choose_graph.ts";
import type { IngestContext, IngestOptions, IngestStage, IngestSummary } from "./options.ts";
import { MAX_PATHS, RowBatch } from "./row_batch.ts";
import { ingestStages, type ReadingFigures, readingStages } from "./stages.ts";
import { Targets, TargetState } from "./targets.ts";
import {
  carryOutTransfer,
  deleteMovedSource,
  planTransfer,
  type TransferPlan,
} from "./transfer.ts";

/** Kept files named in the summary; the others are counted. */
const MAX_KEPT = 100;
/** Rows of the first transaction: a small one, so that deleting begins soon. */
const FIRST_BATCH_SIZE = 1000;
/** Quanta between two looks at the clock. */
const QUANTA_PER_LOOK = 1024;

/** One ingest, checked and ready to run. */
export class GraphIngest implements AsyncDisposable {
  readonly #options: IngestOptions;
  readonly #config: RepositoryConfig;
  readonly #registry: Registry;
  readonly #log: Log;
  readonly #progress: Progress;
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
  #deleteSeconds = 0;
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
    this.#progress = context.progress;
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
        name: RUN_PROVENANCE,
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
      const isFirst = choice.recordPath === null;
      const figures: ReadingFigures = {
        verified: isFirst ? { nDone: 0, nTotal: graph.nBlockBytes } : null,
        quanta: { nDone: 0, nTotal: graph.header.n_quanta },
        isVerified: false,
        isRead: false,
      };
      using watch = context.progress.watch(() => readingStages(figures));
      // Soon the only copy of what the originals hold, so every byte is checked before they go.
      if (isFirst) {
        await graph.verifyBlocks((nBytes) => {
          figures.verified!.nDone += nBytes;
          watch.update();
        });
      }
      figures.isVerified = true;
      watch.update();
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
        () => {
          if (++figures.quanta.nDone % QUANTA_PER_LOOK === 0) watch.update();
        },
      );
      figures.isRead = true;
      watch.update();
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
  async run(deleter: DeleterClient, clock: StageClock<IngestStage>): Promise<void> {
    const registry = this.#registry;
    using watch = this.#progress.watch(() => this.#stages(deleter, clock));
    const enter = (stage: IngestStage) => {
      clock.enter(stage);
      watch.update();
    };
    const { recordPath } = this.#choice;
    if (recordPath === null) {
      enter("forget");
      if (!this.#options.inPlace) await this.#forget();
      await this.#stopIfAsked();
      enter("transfer");
      this.#log.log("INFO", "Ingesting the provenance quantum graph.");
      carryOutTransfer(this.#plan);
      failpoint("transfer.done");
      await registry.registerDatasetTypes([this.#provenanceType]);
      failpoint("ingest.type-registered");
      await registry.ingestDatasets(this.#graphBatch());
      failpoint("backed.committed");
    }
    enter("reingest");
    // Whatever a killed process was about to put there is of no use any more.
    removeLeftovers(this.#templateTarget, false);
    await registry.registerDatasetTypes(this.#targets.typesToRegister());
    await this.#reingest(deleter, enter);
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

  async #reingest(deleter: DeleterClient, enter: (stage: IngestStage) => void): Promise<void> {
    this.#log.log(
      "INFO",
      "Re-ingesting metadata/log/config datasets with provenance graph backing and deleting their " +
        "original files.",
    );
    const targets = this.#targets;
    const directories = new EmptyDirectories(this.#config.datastore.root);
    const records = await this.#registry.dimensionRecordSource();
    const fileSize = Deno.statSync(this.#plan.target).size;
    const batch = new RowBatch(targets);
    let next = 0;
    let maxRows = Math.min(FIRST_BATCH_SIZE, this.#options.batchSize);
    // Goes on where it was left when a record had to be fetched.
    const fill = () => {
      for (; next < targets.n && batch.n < maxRows && batch.nPaths < MAX_PATHS; next++) {
        const path = targets.path(next, records);
        if (path !== null) {
          directories.add(path, this.#runPath, targets.types[targets.typeIndex(next)].name);
        }
        if (targets.produced[next] === 0) {
          if (path !== null) this.#noteUnrecorded(path);
          continue;
        }
        if (targets.state[next] !== TargetState.DONE) batch.add(next);
        if (path !== null) batch.addPath(path);
      }
    };
    while (next < targets.n) {
      await withRecords(fill);
      maxRows = this.#options.batchSize;
      await this.#stopIfAskedAfter(deleter);
      const { n } = batch;
      if (n > 0) {
        await this.#back(batch.take(this.#choice.run, this.#plan.backedRecordPath, fileSize));
        this.#nIngested += n;
        failpoint("backed.committed");
      }
      // The transaction is durable: only now may the originals go.
      const paths = batch.takePaths();
      if (paths.length > 0) await deleter.delete(paths);
    }
    enter("delete");
    const deleted = await deleter.finish();
    this.#nDeleted = deleted.nDeleted;
    this.#deleteSeconds = deleted.seconds;
    for (const path of deleted.newer) this.#keep(path, "is newer than the provenance graph");
    this.#log.log(
      "INFO",
      `Re-ingested ${this.#nIngested} metadata/log/config datasets (${this.#counts.nDone} had ` +
        `already been processed, ${this.#counts.nNotProduced} were not produced) and deleted ` +
        `${this.#nDeleted} original files.`,
    );
    await this.#stopIfAskedAfter(deleter);
    enter("tidy");
    failpoint("directories.before");
    const { nRemoved, notEmpty } = await directories.remove();
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

  /** Registers datasets backed by the graph, or lets those that are registered be backed by it. */
  async #back(batch: DatasetBatch): Promise<void> {
    const rest = this.#options.inPlace
      ? selectRows(batch, await this.#registry.rewriteRecords(batch))
      : batch;
    if (rest.n > 0) await this.#registry.ingestDatasets(rest);
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

  /** What is being done. */
  #stages(deleter: DeleterClient, clock: StageClock<IngestStage>): Stage[] {
    const { nAbsent, nOriginal } = this.#counts;
    const isForgetting = this.#choice.recordPath === null && !this.#options.inPlace;
    return ingestStages({
      stage: clock.stage ?? "check",
      forget: isForgetting ? { nDone: this.#nForgotten, nTotal: nOriginal } : null,
      ingest: { nDone: this.#nIngested, nTotal: nAbsent + nOriginal },
      delete: { nDone: deleter.nDeleted, queue: { ...deleter.queue, unit: "batches" } },
    });
  }

  /** Numbers of what was done; in a dry run, of what would be. */
  summary(): Omit<IngestSummary, "seconds" | "stageSeconds"> {
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
      workSeconds: { delete: this.#deleteSeconds },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#graph.close();
    await this.#registry[Symbol.asyncDispose]();
  }
}

/** Asks the registry which targets it has, and whether the graph backs them. */
async function findStates(
  targets: Targets,
  registry: Registry,
  run: string,
  plan: TransferPlan,
): Promise<void> {
  const typeNames = targets.types.map((type) => type.name);
  const setStates = async (batches: AsyncIterable<Uint8Array>, isBacked: boolean) => {
    for await (const ids of batches) {
      for (let at = 0; at < ids.length; at += UUID_SIZE) {
        const target = targets.find(ids, at);
        if (target < 0) continue;
        // A record without its dataset is nothing.
        if (!isBacked) targets.state[target] = TargetState.ORIGINAL;
        else if (targets.state[target] === TargetState.ORIGINAL) {
          targets.state[target] = TargetState.DONE;
        }
      }
    }
  };
  await setStates(registry.runDatasetIds(run, typeNames), false);
  await setStates(registry.datasetIdsStoredAt(plan.backedRecordPath), true);
}
