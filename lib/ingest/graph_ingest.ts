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
import type { Progress, Stage } from "../base/progress.ts";
import type { StageClock } from "../base/stage_clock.ts";
import { UUID_SIZE, uuidFromText } from "../base/uuid.ts";
import { selectRows } from "../butler/registry/dataset_batch.ts";
import {
  PROVENANCE_FORMATTER,
  PROVENANCE_STORAGE_CLASS,
} from "../butler/registry/provenance_dataset.ts";
import type { DatasetBatch, ProvenanceGuard } from "../butler/registry/registry.ts";
import { requireProvenance } from "../butler/registry/write/provenance_guard.ts";
import { type Targets, TargetState } from "../provenance/targets.ts";
import { failpoint } from "../storage/failpoints.ts";
import { fileIdentity } from "../storage/file_source.ts";
import { isRemoteUri } from "../storage/remote/storage_url.ts";
import { backedInCopies, carryOutCopies, graphRecords, requireCopies } from "./graph_copies.ts";
import { deleteMovedSource } from "./moved_source.ts";
import type { IngestContext, IngestStage, IngestSummary } from "./options.ts";
import type { DeleterClient } from "./originals/deleter_client.ts";
import type { MovedSource, PlacedGraph } from "./remote/placed_graph.ts";
import type { PreparedIngest } from "./prepared_ingest.ts";
import type { RowBatch } from "./row_batch.ts";
import { deleteRemoteOriginals } from "./remote_originals.ts";
import { ingestStages } from "./stages.ts";
import { TargetBatches, type UnproducedFile } from "./target_batches.ts";
import { absolutePath } from "../butler/datastore/datastore_path.ts";
import type { DeleterSetup, KeptFile } from "./originals/deleter_messages.ts";

/** Kept files named in the summary; the others are counted. */
const MAX_KEPT = 100;
/** Rows of the first transaction: a small one, so that deleting begins soon. */
const FIRST_BATCH_SIZE = 1000;

/** One ingest, checked and ready to run. */
export class GraphIngest {
  readonly #prepared: PreparedIngest;
  readonly #log: Log;
  readonly #progress: Progress;
  readonly #signal: AbortSignal;
  readonly #targets: Targets;
  readonly #counts: TargetCounts;
  readonly #kept: KeptFile[] = [];
  /** Whether another process registered a graph first. */
  isOvertaken = false;
  /** The graph in the datastore, once it is there. */
  #backing: Backing | null = null;
  #movedSource: MovedSource | null = null;
  #nKept = 0;
  #nForgotten = 0;
  #nIngested = 0;
  #nDeleted = 0;
  #nDirectories = 0;
  #deleteSeconds = 0;

  /** @throws {RefusedError} if nothing may be begun, but nothing was. */
  constructor(prepared: PreparedIngest, { log, progress, signal }: IngestContext) {
    this.#prepared = prepared;
    this.#log = log;
    this.#progress = progress;
    this.#signal = signal;
    this.#targets = prepared.targets;
    this.#counts = countTargets(prepared.targets);
    this.#checkResume();
  }

  #checkResume(): void {
    const { choice, plan, options } = this.#prepared;
    const { nOriginal, nAbsent } = this.#counts;
    const hasBegun = choice.registered !== null || plan.how === "in place" || nAbsent > 0 ||
      nOriginal === 0;
    if (options.resume && !hasBegun) {
      throw new RefusedError(
        `Cannot resume ingesting into RUN "${choice.run}": nothing has been begun there`,
        { hint: "leave out --resume to begin" },
      );
    }
  }

  /** Carries out all steps that are left. */
  async run(deleter: DeleterClient, clock: StageClock<IngestStage>): Promise<void> {
    const { registry, choice, options, places } = this.#prepared;
    using watch = this.#progress.watch(() => this.#stages(deleter, clock));
    const enter = (stage: IngestStage) => {
      clock.enter(stage);
      watch.update();
    };
    if (choice.registered === null) {
      enter("forget");
      if (!options.inPlace) await this.#forget();
      await this.#stopIfAsked();
      enter("transfer");
      await this.#ingestGraph();
    }
    enter("reingest");
    const backing = this.#backing ??= registeredBacking(this.#prepared);
    deleter.setUp(this.#deleterSetup(backing.placed));
    // Whatever a killed process was about to put there is of no use any more.
    places.removeLeftovers(this.#templateTarget());
    if (choice.registered !== null) await this.#completeCopies(backing);
    await registry.registerDatasetTypes(this.#targets.typesToRegister());
    await this.#reingest(deleter, backing, enter);
    if (options.transfer === "move" && choice.given !== null) {
      failpoint("source.before-delete");
      const others = this.#prepared.copies.map(({ plan }) => plan.target);
      const targets = [backing.placed.path, ...others];
      this.#movedSource = isRemoteUri(choice.given)
        ? await places.deleteMoved(choice.given, this.#prepared.verified.source, targets)
        : await deleteMovedSource(choice.given, targets, places);
      failpoint("source.deleted");
    }
  }

  /** Looks at every original as {@linkcode run} would, and changes nothing. */
  async rehearse(deleter: DeleterClient, clock: StageClock<IngestStage>): Promise<void> {
    using watch = this.#progress.watch(() => this.#stages(deleter, clock));
    clock.enter("delete");
    watch.update();
    deleter.setUp(this.#deleterSetup(this.#prepared.verified.placed));
    const batches = await TargetBatches.begin(this.#prepared);
    while (await batches.next(this.#prepared.options.batchSize)) {
      batches.rows.clear();
      this.#noteUnrecorded(batches.takeUnproduced());
      await this.#stopIfAskedAfter(deleter);
      for (const originals of await batches.takeOriginals()) await deleter.delete(originals);
    }
    await this.#noteDeleted(deleter);
    await this.#deleteRemote(null);
  }

  /** What a deleter must know of the graph that has the content of originals. */
  #deleterSetup({ path, stamp }: PlacedGraph): DeleterSetup {
    const { config, options, verified } = this.#prepared;
    return {
      root: config.datastore.root,
      // Of one in a remote store: the copy on this machine that was checked.
      graph: "dev" in stamp ? { path, stamp } : { path: verified.path, stamp: verified.stamp },
      types: this.#targets.originalTypes,
      isDryRun: options.isDryRun,
    };
  }

  /** Absolute path at which the file template puts the graph. */
  #templateTarget(): string {
    const { config, templatePath, choice } = this.#prepared;
    return absolutePath(config.datastore.root, templatePath(choice.run));
  }

  /** Puts the graph that was checked into the datastore and registers it, unless somebody was faster. */
  async #ingestGraph(): Promise<void> {
    const { registry, plan, copies, verified, config, provenanceType, places } = this.#prepared;
    this.#log.log("INFO", "Ingesting the provenance quantum graph.");
    places.removeLeftovers(this.#templateTarget());
    const placed = { path: plan.target, stamp: await places.carryOut(plan, verified.source) };
    failpoint("transfer.done");
    await carryOutCopies(copies, places, verified.source, () => failpoint("transfer.done"));
    await registry.registerDatasetTypes([provenanceType]);
    failpoint("ingest.type-registered");
    const backing = this.#backing = {
      id: uuidFromText(verified.graph.header.provenance_dataset_id),
      recordPath: plan.graphRecordPath,
      checksum: config.datastore.checksum ? verified.checksum() : null,
      placed,
    };
    await places.require(placed);
    await requireCopies(copies, places);
    try {
      await registry.ingestDatasets(this.#graphBatch(backing), { provenance: null });
    } catch (error) {
      this.isOvertaken = error instanceof ConflictingDatasetError;
      throw error;
    }
    failpoint("backed.committed");
  }

  /** Puts a registered graph into datastores of the chain that take it and don't have it yet. */
  async #completeCopies(backing: Backing): Promise<void> {
    const { registry, copies, verified, places } = this.#prepared;
    if (copies.every(({ isRegistered }) => isRegistered)) return;
    await carryOutCopies(copies, places, verified.source, () => failpoint("transfer.done"));
    await requireCopies(copies, places);
    await registry.ingestDatasets(this.#graphBatch(backing), guardOf(backing));
    failpoint("backed.committed");
  }

  async #forget(): Promise<void> {
    this.#log.log(
      "INFO",
      "Dropping database records for metadata/log/config datasets backed by their original files.",
    );
    const { registry, choice, options } = this.#prepared;
    const targets = this.#targets;
    await this.#prepared.requireUnchanged();
    let batch: number[] = [];
    const flush = async () => {
      const ids = new Uint8Array(batch.length * UUID_SIZE);
      batch.forEach((target, i) => ids.set(targets.id(target), i * UUID_SIZE));
      await this.#stopIfAsked();
      try {
        this.#nForgotten += await registry.forgetDatasets(ids, choice.run);
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
      if (batch.length >= options.batchSize) await flush();
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

  #graphBatch({ id, recordPath, checksum, placed: { stamp } }: Backing): DatasetBatch {
    return {
      run: this.#prepared.choice.run,
      n: 1,
      ids: id,
      typeIndex: new Uint16Array(1),
      types: [this.#prepared.provenanceType],
      values: [],
      paths: [recordPath],
      formatters: [PROVENANCE_FORMATTER],
      storageClasses: [PROVENANCE_STORAGE_CLASS],
      fileSize: stamp.size,
      checksum,
      datastore: this.#prepared.datastore,
      others: graphRecords(this.#prepared.copies, stamp.size, this.#checksum),
    };
  }

  readonly #checksum = (): string => this.#prepared.verified.checksum();

  async #reingest(
    deleter: DeleterClient,
    backing: Backing,
    enter: (stage: IngestStage) => void,
  ): Promise<void> {
    const { options } = this.#prepared;
    this.#log.log(
      "INFO",
      "Re-ingesting metadata/log/config datasets with provenance graph backing and deleting their " +
        "original files.",
    );
    const batches = await TargetBatches.begin(this.#prepared);
    let maxRows = Math.min(FIRST_BATCH_SIZE, options.batchSize);
    while (await batches.next(maxRows)) {
      maxRows = options.batchSize;
      this.#noteUnrecorded(batches.takeUnproduced());
      await this.#stopIfAskedAfter(deleter);
      const { n } = batches.rows;
      if (n > 0) {
        await this.#back(batches.rows, backing);
        this.#nIngested += n;
        failpoint("backed.committed");
      }
      // The transaction is durable: only now may the originals go.
      const originals = await batches.takeOriginals();
      if (originals.length > 0) await this.#requireBacking(backing);
      for (const each of originals) await deleter.delete(each);
    }
    enter("delete");
    await this.#noteDeleted(deleter);
    await this.#deleteRemote(backing);
    this.#log.log(
      "INFO",
      `Re-ingested ${this.#nIngested} metadata/log/config datasets (${this.#counts.nDone} had ` +
        `already been processed, ${this.#counts.nNotProduced} were not produced) and deleted ` +
        `${this.#nDeleted} original files.`,
    );
    await this.#stopIfAskedAfter(deleter);
    enter("tidy");
    failpoint("directories.before");
    const { nRemoved, notEmpty } = await batches.removeDirectories();
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
  async #back(rows: RowBatch, backing: Backing): Promise<void> {
    const { registry, choice, plan, options, datastore, copies } = this.#prepared;
    const taken = rows.targets;
    const backed: DatasetBatch = {
      ...rows.take(choice.run, plan.backedRecordPath, backing.placed.stamp.size),
      checksum: backing.checksum,
      datastore,
    };
    const batch = backedInCopies(backed, taken, this.#targets, copies, this.#checksum);
    const guard = guardOf(backing);
    const rest = options.inPlace
      ? selectRows(batch, await registry.rewriteRecords(batch, guard))
      : batch;
    if (rest.n > 0) await registry.ingestDatasets(rest, guard);
  }

  /**
   * Looks once more, right before originals are deleted, whether the RUN's graph is the one that was
   * checked, in the registry and in the datastore.
   *
   * @throws {ProvgraphError} with exit code 1 if it isn't.
   */
  async #requireBacking(backing: Backing): Promise<void> {
    const { registry, choice: { run }, copies, places } = this.#prepared;
    requireProvenance(await registry.findRunProvenance(run), { run }, guardOf(backing));
    await places.require(backing.placed);
    await requireCopies(copies, places);
  }

  /**
   * Deletes originals in remote stores.
   *
   * @param backing Null in a dry run.
   */
  async #deleteRemote(backing: Backing | null): Promise<void> {
    const startMs = performance.now();
    const nBefore = this.#nDeleted;
    await deleteRemoteOriginals(this.#prepared, {
      stopIfAsked: () => this.#stopIfAsked(),
      beforeBatch: async () => {
        await this.#stopIfAsked();
        if (backing !== null) await this.#requireBacking(backing);
      },
      onDeleted: (n) => {
        this.#nDeleted += n;
      },
      keep: (path, reason) => this.#keep(path, reason),
    });
    if (this.#nDeleted > nBefore) this.#deleteSeconds += (performance.now() - startMs) / 1000;
  }

  /** Waits for the deleter, and tells which files stay. */
  async #noteDeleted(deleter: DeleterClient): Promise<void> {
    const { nDeleted, seconds, kept } = await deleter.finish();
    this.#nDeleted = nDeleted;
    this.#deleteSeconds = seconds;
    for (const { path, reason } of kept) this.#keep(path, reason);
  }

  /** Files of datasets that the graph says were not produced: their content is nowhere else. */
  #noteUnrecorded(files: readonly UnproducedFile[]): void {
    for (const { path, file } of files) {
      if (fileIdentity(file) !== null) {
        this.#keep(path, "is not recorded in the provenance graph");
      }
    }
  }

  #keep(path: string, reason: string): void {
    this.#nKept++;
    if (this.#kept.length < MAX_KEPT) this.#kept.push({ path, reason });
    this.#log.log("WARNING", `Original file '${path}' stays: it ${reason}.`);
  }

  /** What is being done. */
  #stages(deleter: DeleterClient, clock: StageClock<IngestStage>): Stage[] {
    const { nAbsent, nOriginal } = this.#counts;
    const { choice, options } = this.#prepared;
    const isForgetting = choice.registered === null && !options.inPlace;
    return ingestStages({
      stage: clock.stage ?? "check",
      forget: isForgetting ? { nDone: this.#nForgotten, nTotal: nOriginal } : null,
      ingest: { nDone: this.#nIngested, nTotal: nAbsent + nOriginal },
      delete: {
        nDone: Math.max(deleter.nDeleted, this.#nDeleted),
        queue: { ...deleter.queue, unit: "batches" },
      },
    });
  }

  /** Numbers of what was done; in a dry run, of what would be. */
  summary(): Omit<IngestSummary, "seconds" | "stageSeconds"> {
    const { nAbsent, nOriginal, nDone, nNotProduced } = this.#counts;
    const { choice, options: { isDryRun }, plan } = this.#prepared;
    const isFirst = choice.registered === null;
    return {
      run: choice.run,
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
      graphPath: plan.target,
      movedSource: this.#movedSource === null
        ? null
        : { path: choice.given!, ...this.#movedSource },
      workSeconds: { delete: this.#deleteSeconds },
    };
  }
}

/** The graph that backs datasets, as it is registered. */
interface Backing {
  id: Uint8Array;
  recordPath: string;
  /** What records say, null if the datastore keeps none. */
  checksum: string | null;
  placed: PlacedGraph;
}

/** The graph that was registered before: the file that was checked. */
function registeredBacking({ choice, verified, config }: PreparedIngest): Backing {
  const { id, record } = choice.registered!;
  return {
    id,
    recordPath: record.path,
    checksum: config.datastore.checksum ? verified.checksum() : null,
    placed: verified.placed,
  };
}

function guardOf({ id, recordPath, placed }: Backing): ProvenanceGuard {
  return { provenance: { id, path: recordPath, fileSize: placed.stamp.size } };
}

/** How many targets are in which state. */
interface TargetCounts {
  nAbsent: number;
  nOriginal: number;
  nDone: number;
  nNotProduced: number;
}

function countTargets({ n, produced, state }: Targets): TargetCounts {
  const counts = { nAbsent: 0, nOriginal: 0, nDone: 0, nNotProduced: 0 };
  for (let target = 0; target < n; target++) {
    if (produced[target] === 0) counts.nNotProduced++;
    else if (state[target] === TargetState.DONE) counts.nDone++;
    else if (state[target] === TargetState.ORIGINAL) counts.nOriginal++;
    else counts.nAbsent++;
  }
  return counts;
}
