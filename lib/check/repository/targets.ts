/**
 * The datasets that a provenance graph backs, or is to back, compared with what registry and datastore
 * say of them. One pass over the addresses, one over the quanta; nothing is kept of a quantum.
 * Source: `schema/butler-repository.md`, section 6.
 *
 * @module
 */

import { IdList } from "../../base/id_list.ts";
import type { JsonValue } from "../../base/json_text.ts";
import { findRow } from "../../base/sort_ids.ts";
import { UUID_SIZE, uuidFromText, uuidToText } from "../../base/uuid.ts";
import type { DatasetPlan, FileDatastore } from "../../butler/datastore/datastore.ts";
import { dataIdFromCoordinate } from "../../butler/dimensions/data_id.ts";
import { DimensionUniverse } from "../../butler/dimensions/dimensions.ts";
import { withRecords } from "../../butler/dimensions/record_fetch.ts";
import type { DimensionRecordSource } from "../../butler/dimensions/record_source.ts";
import { readProduced } from "../../provenance/documents/dataset.ts";
import { readInitQuanta } from "../../provenance/documents/init_quanta.ts";
import { quantumFileIds, quantumStatus, readQuantum } from "../../provenance/documents/quantum.ts";
import { resolveGroup } from "../../provenance/output_types.ts";
import { AttemptStatus } from "../../provenance/quantum_status.ts";
import { CONFIG_CONNECTION } from "../../qg/pipeline_graph.ts";
import type { ProvenanceGraph } from "../../qg/provenance_graph.ts";
import type { DatasetType } from "../../butler/dimensions/dataset_type.ts";

/** How a dataset is stored, by its record; bits of {@linkcode RegisteredTargets.state}. */
export const Stored = {
  /** Backed by the RUN's own graph. */
  GRAPH: 1,
  /** By a file of its own, or by another graph. */
  ELSEWHERE: 2,
  /** The record's file is there. */
  FILE_THERE: 4,
  /** The graph has a row for it. */
  IN_GRAPH: 8,
  HAS_LOG: 16,
  HAS_METADATA: 32,
  /** A quantum or init quantum of the graph names it. */
  NAMED: 64,
} as const;

/** Registered datasets of the types concerned, ascending by id. Memory: 17 bytes each. */
export class RegisteredTargets {
  readonly #list = new IdList();
  #state = new Uint8Array(64);

  /** Appends one; ids must come ascending. */
  add(id: Uint8Array, state: number): void {
    if (this.#list.n === this.#state.length) {
      const larger = new Uint8Array(this.#state.length * 2);
      larger.set(this.#state);
      this.#state = larger;
    }
    this.#state[this.#list.n] = state;
    this.#list.push(id);
  }

  get n(): number {
    return this.#list.n;
  }
  get ids(): Uint8Array {
    return this.#list.bytes;
  }
  get state(): Uint8Array {
    return this.#state;
  }

  /** Number of a dataset, or -1. */
  find(id: Uint8Array): number {
    return findRow(this.ids, id);
  }

  /** Id of a dataset as text. */
  idText(i: number): string {
    return uuidToText(this.ids, i * UUID_SIZE);
  }

  /** Notes for each dataset what `nodes.addr` has for it: both are sorted. */
  async mergeNodes(graph: ProvenanceGraph): Promise<void> {
    const ids = this.ids;
    let i = 0;
    for await (const node of graph.nodes()) {
      while (i < this.n && compare(ids, i, node.id) < 0) i++;
      if (i === this.n) return;
      if (compare(ids, i, node.id) !== 0) continue;
      this.#state[i] |= (node.dataset.size > 0 ? Stored.IN_GRAPH : 0) |
        (node.log.size > 0 ? Stored.HAS_LOG : 0) |
        (node.metadata.size > 0 ? Stored.HAS_METADATA : 0);
    }
  }
}

function compare(ids: Uint8Array, i: number, id: Uint8Array): number {
  for (let k = 0; k < UUID_SIZE; k++) {
    const difference = ids[i * UUID_SIZE + k] - id[k];
    if (difference !== 0) return difference;
  }
  return 0;
}

/** A dataset that the graph may back. */
export interface GraphTarget {
  /** 16 bytes. */
  id: Uint8Array;
  kind: "metadata" | "log" | "config";
  /** Label of the task. */
  label: string;
  typeName: string;
  /** Whether the graph has its content. */
  hasContent: boolean;
  /** Predicted paths of the original, relative to the root; none if the datastore doesn't take it. */
  paths: string[];
  /** Whether the datastore takes it: one of a chain may leave it to others. */
  isTaken: boolean;
}

/** Reads the targets of a graph one by one. */
export class GraphTargets {
  readonly #graph: ProvenanceGraph;
  readonly #universe: DimensionUniverse;
  readonly #records: DimensionRecordSource;
  readonly #plans = new Map<string, DatasetPlan>();
  readonly #isInChain: boolean;
  /** Names of the dataset types concerned. */
  readonly typeNames: ReadonlySet<string>;

  private constructor(
    graph: ProvenanceGraph,
    universe: DimensionUniverse,
    records: DimensionRecordSource,
    plans: Map<string, DatasetPlan>,
    isInChain: boolean,
  ) {
    this.#isInChain = isInChain;
    this.#graph = graph;
    this.#universe = universe;
    this.#records = records;
    this.#plans = plans;
    this.typeNames = new Set(plans.keys());
  }

  /**
   * Reads the pipeline of a graph.
   *
   * @param isInChain whether other datastores take what this one doesn't.
   * @throws {InvalidQuantumGraphFileError} if it can't be read.
   * @throws {RefusedError} if the repository's dimensions aren't those of the graph.
   */
  static async open(
    graph: ProvenanceGraph,
    universe: DimensionUniverse,
    datastore: FileDatastore,
    records: DimensionRecordSource,
    isInChain = false,
  ): Promise<GraphTargets> {
    const pipeline = await graph.pipelineGraph();
    const graphUniverse = pipeline.dimensionsText === null
      ? null
      : DimensionUniverse.parse(pipeline.dimensionsText);
    const plans = new Map<string, DatasetPlan>();
    for (const task of pipeline.tasks.values()) {
      for (const name of [task.metadataDatasetType, task.logDatasetType, task.configDatasetType]) {
        const type = name === null ? undefined : pipeline.datasetTypes.get(name);
        if (name === null || type?.dimensions == null || type.storageClass === null) continue;
        const full: DatasetType = {
          name,
          group: resolveGroup(name, type.dimensions, universe, graphUniverse),
          storageClass: type.storageClass,
          isCalibration: type.isCalibration,
        };
        plans.set(name, datastore.plan(full, graph.header.output_run));
      }
    }
    return new GraphTargets(graph, universe, records, plans, isInChain);
  }

  /**
   * All targets in the order of the graph, configs last.
   *
   * @throws {InvalidQuantumGraphFileError} or SyntaxError if a block can't be read.
   */
  async *read(): AsyncGenerator<GraphTarget> {
    const pipeline = await this.#graph.pipelineGraph();
    for await (const block of this.#graph.blocks("quanta.mb")) {
      const quantum = readQuantum(block.text);
      const task = pipeline.tasks.get(quantum.taskLabel);
      if (task === undefined) continue;
      const status = quantumStatus(quantum);
      const hasMetadata = status === AttemptStatus.SUCCESSFUL ||
        status === AttemptStatus.ABORTED_SUCCESS;
      const { metadataId, logId } = quantumFileIds(quantum);
      const { dataCoordinate, taskLabel: label } = quantum;
      if (metadataId !== null) {
        const id = uuidFromText(metadataId);
        const typeName = task.metadataDatasetType;
        yield await withRecords(() =>
          this.#target(id, ["metadata", label], typeName, hasMetadata, dataCoordinate)
        );
      }
      if (logId !== null && task.logDatasetType !== null) {
        const id = uuidFromText(logId);
        const hasLog = status === AttemptStatus.SUCCESSFUL ||
          (status === AttemptStatus.FAILED && await this.#isProduced(id));
        const typeName = task.logDatasetType;
        yield await withRecords(() =>
          this.#target(id, ["log", label], typeName, hasLog, dataCoordinate)
        );
      }
    }
    for (const init of readInitQuanta(await this.#graph.initQuantaText())) {
      const task = pipeline.tasks.get(init.taskLabel);
      const id = init.outputs.get(CONFIG_CONNECTION);
      if (task === undefined || id === undefined) continue;
      const typeName = task.configDatasetType;
      yield await withRecords(() =>
        this.#target(uuidFromText(id), ["config", init.taskLabel], typeName, true, [])
      );
    }
  }

  /** A failed quantum "has" a log by its status, but may have died without one. */
  async #isProduced(id: Uint8Array): Promise<boolean> {
    const node = await this.#graph.find(id);
    if (node === null || node.dataset.size === 0) return false;
    return readProduced(await this.#graph.readDataset(node.dataset));
  }

  #target(
    id: Uint8Array,
    [kind, label]: [kind: GraphTarget["kind"], label: string],
    typeName: string,
    hasContent: boolean,
    coordinate: readonly JsonValue[],
  ): GraphTarget {
    const plan = this.#plans.get(typeName);
    const paths: string[] = [];
    if (plan !== undefined) {
      const idText = uuidToText(id);
      const { group } = plan.type;
      const values = dataIdFromCoordinate(group, this.#universe, coordinate, `dataset ${idText}`);
      if (plan.accepts(values)) {
        paths.push(plan.path(values, this.#records, idText));
        // Releases before kept colons and other characters in names; their files are still there.
        const older = plan.olderPath(values, this.#records, idText);
        if (older !== null) paths.push(older);
      }
    }
    const isTaken = !this.#isInChain || paths.length > 0;
    return { id, kind, label, typeName, hasContent, paths, isTaken };
  }
}
