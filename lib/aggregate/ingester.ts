/**
 * What the ingester does: registers the outputs that scanners found, batch by batch, each batch one
 * transaction.
 *
 * @module
 */

import { ConflictingDatasetError } from "../base/errors.ts";
import { containsUuid, sortedIds } from "../base/sort_ids.ts";
import { UUID_SIZE } from "../base/uuid.ts";
import { DatastoreChain } from "../butler/datastore/datastore_chain.ts";
import { selectRows } from "../butler/registry/dataset_batch.ts";
import { openRegistry } from "../butler/registry/open.ts";
import type { DatasetBatch, Registry } from "../butler/registry/registry.ts";
import { OutputTypes } from "../provenance/output_types.ts";
import { PipelineGraph } from "../qg/pipeline_graph.ts";
import { failpoint } from "../storage/failpoints.ts";
import { WorkerLog } from "../storage/worker_log.ts";
import type { IngesterReply, IngesterSetup } from "./messages.ts";
import { type PackedRows, unpackRows } from "./scan/ingest_rows.ts";
import type { DataIdValue } from "../butler/dimensions/data_id_value.ts";

/** Sends progress to the supervisor. */
type IngesterProgress = (message: IngesterReply) => void;

/**
 * The one writer of the registry.
 *
 * After a commit its datasets are registered with their records, and the RUN is in the output chain;
 * before it, none of them. Dataset types and the RUN itself are registered just before the first batch:
 * they show nothing unfinished, and a run that is refused until then has changed nothing.
 */
export class Ingester {
  readonly #setup: IngesterSetup;
  readonly #registry: Registry;
  readonly #types: OutputTypes;
  /** By datastore, then by type. */
  readonly #formatters: string[][];
  readonly #progress: IngesterProgress;
  readonly #log: WorkerLog;
  #pending: PackedRows[] = [];
  #nPending = 0;
  #nIngested = 0;
  #nSkipped = 0;
  #isChainUpdated: boolean;
  #known: Uint8Array | null = null;
  #isPrepared = false;

  private constructor(
    setup: IngesterSetup,
    registry: Registry,
    types: OutputTypes,
    progress: IngesterProgress,
  ) {
    this.#setup = setup;
    this.#registry = registry;
    this.#types = types;
    this.#progress = progress;
    this.#log = WorkerLog.open(setup.workerLog, setup.name);
    this.#isChainUpdated = setup.outputChain === null;
    const chain = new DatastoreChain(setup.repository, registry.universe, setup);
    const plans = types.types.map((type) => chain.plan(type, setup.run));
    this.#formatters = chain.members.map(() => plans.map(({ first }) => first.formatter));
  }

  /** Opens the registry; nothing is changed before the first batch. */
  static async open(setup: IngesterSetup, progress: IngesterProgress): Promise<Ingester> {
    const registry = await openRegistry(setup.repository, {
      writeable: !setup.isDryRun,
      busyTimeoutMs: setup.busyTimeoutMs,
      log: { log: (_level, text) => progress({ kind: "progress", text }) },
    });
    const pipeline = PipelineGraph.parse(setup.pipelineGraphText, setup.graphPath);
    const types = new OutputTypes(pipeline, registry.universe);
    return new Ingester(setup, registry, types, progress);
  }

  /** Registers dataset types and RUN, once; a dry run changes nothing. */
  async #prepare(): Promise<void> {
    if (this.#isPrepared || this.#setup.isDryRun) return;
    this.#progress({ kind: "changing" });
    this.#log.log("VERBOSE", "Registering collections and dataset types.");
    if (this.#setup.registerDatasetTypes) {
      await this.#registry.registerDatasetTypes(this.#types.types);
    }
    failpoint("aggregate.types-registered");
    await this.#registry.registerCollection(this.#setup.run, "RUN");
    failpoint("aggregate.run-registered");
    this.#isPrepared = true;
  }

  /** Whether the run has failed meanwhile: what waits is not written any more. */
  get #hasFailed(): boolean {
    return Atomics.load(this.#setup.failFlag, 0) !== 0;
  }

  /** Takes rows; writes a batch when more than the batch size are waiting. */
  async add(rows: PackedRows): Promise<void> {
    this.#pending.push(rows);
    this.#nPending += rows.n;
    if (this.#nPending > this.#setup.batchSize) await this.#writePending();
  }

  /** Writes what is left. */
  async flush(): Promise<{ nIngested: number; nSkipped: number }> {
    if (!this.#hasFailed) {
      await this.#prepare();
      await this.#writePending();
      await this.#updateChain();
    }
    return { nIngested: this.#nIngested, nSkipped: this.#nSkipped };
  }

  async #writePending(): Promise<void> {
    if (this.#nPending === 0 || this.#hasFailed) return;
    await this.#prepare();
    const start = performance.now();
    let batch = this.#batch(this.#pending);
    this.#pending = [];
    this.#nPending = 0;
    if (this.#known !== null) batch = this.#withoutKnown(batch);
    if (!this.#setup.isDryRun && batch.n > 0) batch = await this.#import(batch);
    this.#nIngested += batch.n;
    failpoint("import.committed");
    await this.#updateChain();
    const seconds = (performance.now() - start) / 1000;
    this.#log.log("VERBOSE", `Ingested ${batch.n} datasets in ${seconds.toFixed(3)} s.`);
    this.#progress({ kind: "committed", nDatasets: batch.n, seconds });
  }

  /** Imports a batch; somebody else may have registered part of it meanwhile. */
  async #import(batch: DatasetBatch): Promise<DatasetBatch> {
    try {
      await this.#registry.importDatasets(batch);
      return batch;
    } catch (error) {
      if (!(error instanceof ConflictingDatasetError)) throw error;
      this.#known = sortedIds(await this.#registry.datasetIds(this.#setup.run));
      const rest = this.#withoutKnown(batch);
      if (rest.n === batch.n) throw await this.#explained(batch, error);
      this.#progress({
        kind: "progress",
        text: "Some outputs have been ingested by another process; going on with the others.",
      });
      if (rest.n === 0) return rest;
      try {
        await this.#registry.importDatasets(rest);
      } catch (second) {
        if (!(second instanceof ConflictingDatasetError)) throw second;
        throw await this.#explained(rest, second);
      }
      return rest;
    }
  }

  async #explained(
    batch: DatasetBatch,
    error: ConflictingDatasetError,
  ): Promise<ConflictingDatasetError> {
    const reason = await this.#registry.explainConflict(batch);
    if (reason === null) return error;
    return new ConflictingDatasetError(
      `Cannot ingest outputs into RUN "${this.#setup.run}": ${reason}`,
      {
        cause: error,
        hint:
          "another quantum graph has written to this RUN: aggregate with that graph, or process into " +
          "another RUN",
      },
    );
  }

  #batch(parts: readonly PackedRows[]): DatasetBatch {
    const n = parts.reduce((sum, part) => sum + part.n, 0);
    const ids = new Uint8Array(n * UUID_SIZE);
    const typeIndex = new Uint16Array(n);
    const values: DataIdValue[] = [];
    const paths: (string | null)[] = [];
    const otherPaths: (string | null)[][] = this.#formatters.slice(1).map(() => []);
    let at = 0;
    for (const packed of parts) {
      const part = unpackRows(packed);
      ids.set(part.ids, at * UUID_SIZE);
      typeIndex.set(part.typeIndex, at);
      for (const value of part.values) values.push(value);
      for (const path of part.paths) paths.push(path);
      otherPaths.forEach((all, i) => {
        for (const path of part.otherPaths[i] ?? []) all.push(path);
      });
      at += part.n;
    }
    const types = [...this.#types.types];
    return {
      run: this.#setup.run,
      n,
      ids,
      typeIndex,
      types,
      values,
      paths,
      formatters: this.#formatters[0],
      storageClasses: types.map((type) => type.storageClass),
      fileSize: -1,
      others: otherPaths.map((paths, i) => ({
        datastore: i + 1,
        paths,
        formatters: this.#formatters[i + 1],
        fileSize: -1,
      })),
    };
  }

  #withoutKnown(batch: DatasetBatch): DatasetBatch {
    const known = this.#known;
    const rows = Uint32Array.from({ length: batch.n }, (_, row) => row)
      .filter((row) => known === null || !containsUuid(known, batch.ids, row * UUID_SIZE));
    this.#nSkipped += batch.n - rows.length;
    return selectRows(batch, rows);
  }

  async #updateChain(): Promise<void> {
    if (this.#isChainUpdated || this.#setup.isDryRun) return;
    const { outputChain, run, inputs } = this.#setup;
    this.#log.log("INFO", `Updating output collection ${outputChain} to include ${run}.`);
    if (outputChain !== null) await this.#registry.updateOutputChain(outputChain, run, inputs);
    this.#isChainUpdated = true;
    failpoint("aggregate.chain-updated");
  }

  /** Closes the registry. */
  async close(): Promise<void> {
    await this.#registry[Symbol.asyncDispose]();
    this.#log[Symbol.dispose]();
  }
}
