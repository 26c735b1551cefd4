/**
 * The datasets that a provenance graph is to back: metadata and logs of its quanta and configs of its
 * tasks. First all ids, as typed arrays; later, batch by batch, what a row of the registry needs.
 * Source: design notes, section 4; behaviour notes, section 7.
 *
 * @module
 */

import { InvalidQuantumGraphFileError } from "../base/errors.ts";
import { UUID_SIZE, uuidToText, writeUuidText } from "../base/uuid.ts";
import { dataIdFromCoordinate, type DataIdValue } from "../butler/data_id.ts";
import type { DatasetType } from "../butler/dataset_ref.ts";
import type { DatasetPlan, DimensionRecordSource, FileDatastore } from "../butler/datastore.ts";
import { DimensionUniverse } from "../butler/dimensions.ts";
import { withRecords } from "../butler/record_fetch.ts";
import type { JsonValue } from "../base/json_text.ts";
import { resolveGroup } from "../provenance/output_types.ts";
import {
  parseInitQuantumSummaries,
  parseQuantumSummary,
  readProduced,
} from "../provenance/quantum_summary.ts";
import { AttemptStatus } from "../provenance/quantum_status.ts";
import { sortIds } from "../provenance/sort_ids.ts";
import { CONFIG_CONNECTION, type PipelineGraph } from "../qg/pipeline_graph.ts";
import type { ProvenanceGraph } from "../qg/provenance_graph.ts";
import { CoordinateList } from "./coordinate_list.ts";

/** State of a target, in {@linkcode Targets.state}. */
export const TargetState = {
  /** Not in the registry. */
  ABSENT: 0,
  /** Registered, backed by its original file or by nothing. */
  ORIGINAL: 1,
  /** Registered, backed by the graph. */
  DONE: 2,
} as const;

/** Everything about one target that is needed to register it and to find its original. */
export interface TargetRow {
  /** Number of the target. */
  target: number;
  typeIndex: number;
  /** Required, then implied values. */
  values: DataIdValue[];
  /** Path of the original as templates predict it; null if the datastore doesn't take it. */
  path: string | null;
}

interface TaskTypes {
  metadata: number;
  log: number;
}

/** All targets of a graph. Memory: 28 bytes a target, and the coordinates of the quanta. */
export class Targets {
  readonly types: DatasetType[] = [];
  readonly plans: DatasetPlan[] = [];
  /** Packed ids. */
  readonly ids: Uint8Array;
  /** 1 where the graph holds the content. */
  readonly produced: Uint8Array;
  /** One of {@linkcode TargetState}. */
  readonly state: Uint8Array;
  readonly n: number;
  readonly #order: Uint32Array;
  readonly #producedTypes = new Set<number>();
  readonly #universe: DimensionUniverse;
  readonly #typeIndex: Uint16Array;
  readonly #coordinateAt: Uint32Array;
  readonly #coordinates: CoordinateList;

  private constructor(
    universe: DimensionUniverse,
    types: DatasetType[],
    plans: DatasetPlan[],
    coordinates: CoordinateList,
    list: TargetList,
  ) {
    this.#universe = universe;
    this.types = types;
    this.plans = plans;
    this.#coordinates = coordinates;
    const { ids, produced, typeIndex, coordinateAt } = list.columns();
    this.#typeIndex = typeIndex;
    this.#coordinateAt = coordinateAt;
    this.ids = ids;
    this.produced = produced;
    this.n = list.n;
    for (let i = 0; i < this.n; i++) if (produced[i] === 1) this.#producedTypes.add(typeIndex[i]);
    this.state = new Uint8Array(this.n);
    this.#order = sortIds(ids, Uint32Array.from({ length: this.n }, (_, i) => i * UUID_SIZE));
  }

  /**
   * Reads all quanta of a graph once.
   *
   * @param onQuantum Called for each of them.
   * @throws {InvalidQuantumGraphFileError} if a document can't be read, or counts don't agree with the
   *   header.
   * @throws {RefusedError} if the repository's dimensions aren't those of the graph.
   */
  static async read(
    graph: ProvenanceGraph,
    pipeline: PipelineGraph,
    universe: DimensionUniverse,
    datastore: FileDatastore,
    onQuantum: () => void = () => {},
  ): Promise<Targets> {
    const graphUniverse = pipeline.dimensionsText === null
      ? null
      : DimensionUniverse.parse(pipeline.dimensionsText);
    const types: DatasetType[] = [];
    const plans: DatasetPlan[] = [];
    const addType = (name: string): number => {
      const type = pipeline.datasetTypes.get(name);
      if (type?.dimensions == null || type.storageClass === null) {
        throw new InvalidQuantumGraphFileError(
          `Cannot use provenance graph: its pipeline doesn't define dataset type "${name}"`,
        );
      }
      const full: DatasetType = {
        name,
        group: resolveGroup(name, type.dimensions, universe, graphUniverse),
        storageClass: type.storageClass,
        isCalibration: type.isCalibration,
      };
      types.push(full);
      plans.push(datastore.plan(full, graph.header.output_run));
      return types.length - 1;
    };
    const taskTypes = new Map<string, TaskTypes>();
    for (const [label, task] of pipeline.tasks) {
      taskTypes.set(label, {
        metadata: addType(task.metadataDatasetType),
        log: task.logDatasetType === null ? -1 : addType(task.logDatasetType),
      });
    }
    const coordinates = new CoordinateList();
    const list = new TargetList();
    const failedLogs: number[] = [];
    let nQuanta = 0;
    for await (const block of graph.blocks("quanta.mb")) {
      const quantum = parseQuantumSummary(block.text);
      if (!taskTypes.has(quantum.taskLabel)) {
        throw new InvalidQuantumGraphFileError(
          `Cannot use provenance graph: quantum ${quantum.quantumId} belongs to task ` +
            `"${quantum.taskLabel}", which its pipeline doesn't have`,
        );
      }
      nQuanta++;
      onQuantum();
      const status = quantum.lastStatus;
      const typesOfTask = taskTypes.get(quantum.taskLabel)!;
      const hasMetadata = status === AttemptStatus.SUCCESSFUL ||
        status === AttemptStatus.ABORTED_SUCCESS;
      const at = coordinates.add(quantum.dataCoordinate);
      list.add(quantum.metadataId, typesOfTask.metadata, hasMetadata, at);
      // A failed quantum "has" a log by its status, but may have died without one.
      if (status === AttemptStatus.FAILED && quantum.logId !== null) failedLogs.push(list.n);
      list.add(quantum.logId, typesOfTask.log, status === AttemptStatus.SUCCESSFUL, at);
    }
    if (nQuanta !== graph.header.n_quanta) {
      throw new InvalidQuantumGraphFileError(
        `Cannot use provenance graph: it holds ${nQuanta} quanta, its header says ` +
          `${graph.header.n_quanta}`,
      );
    }
    const empty = coordinates.add([]);
    for (const init of parseInitQuantumSummaries(await graph.initQuantaText())) {
      const task = pipeline.tasks.get(init.taskLabel);
      const id = init.outputs.get(CONFIG_CONNECTION);
      if (task === undefined || id === undefined) continue;
      list.add(id, addType(task.configDatasetType), true, empty);
    }
    for (const target of failedLogs) {
      const id = list.id(target);
      const node = await graph.find(id);
      if (node === null || node.dataset.size === 0) {
        throw new InvalidQuantumGraphFileError(
          `Cannot use provenance graph: it has no block of dataset ${uuidToText(id)}`,
        );
      }
      list.setProduced(target, readProduced(await graph.readDataset(node.dataset)));
    }
    return new Targets(universe, types, plans, coordinates, list);
  }

  /** Id of a target: 16 bytes, a view. */
  id(target: number): Uint8Array {
    return this.ids.subarray(target * UUID_SIZE, (target + 1) * UUID_SIZE);
  }

  /** Types of which the graph backs at least one dataset. */
  typesToRegister(): DatasetType[] {
    return this.types.filter((_, i) => this.#producedTypes.has(i));
  }

  /** Number of the target with the id at `offset`, or -1. */
  find(ids: Uint8Array, offset: number): number {
    let low = 0;
    let high = this.n;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const target = this.#order[middle];
      const at = target * UUID_SIZE;
      let difference = 0;
      for (let i = 0; i < UUID_SIZE && difference === 0; i++) {
        difference = this.ids[at + i] - ids[offset + i];
      }
      if (difference === 0) return target;
      if (difference < 0) low = middle + 1;
      else high = middle;
    }
    return -1;
  }

  /** All targets with data ID and path, in the order of the graph; configs come last. */
  async *rows(records: DimensionRecordSource): AsyncGenerator<TargetRow> {
    for (let target = 0; target < this.n; target++) {
      const coordinate = this.#coordinates.get(this.#coordinateAt[target]);
      yield await withRecords(() =>
        this.#row(target, this.#typeIndex[target], coordinate, records)
      );
    }
  }

  #row(
    target: number,
    typeIndex: number,
    coordinate: readonly JsonValue[],
    records: DimensionRecordSource,
  ): TargetRow {
    const type = this.types[typeIndex];
    const values = dataIdFromCoordinate(
      type.group,
      this.#universe,
      coordinate,
      `dataset ${uuidToText(this.id(target))}`,
    );
    const plan = this.plans[typeIndex];
    return {
      target,
      typeIndex,
      values,
      path: plan.accepts(values) ? plan.path(values, records, uuidToText(this.id(target))) : null,
    };
  }
}

/** Growing columns of targets. */
class TargetList {
  #ids = new Uint8Array(1024 * UUID_SIZE);
  #produced = new Uint8Array(1024);
  #typeIndex = new Uint16Array(1024);
  #coordinateAt = new Uint32Array(1024);
  n = 0;

  add(idText: string | null, typeIndex: number, produced: boolean, coordinateAt: number): void {
    if (idText === null) return;
    if (typeIndex < 0) {
      throw new InvalidQuantumGraphFileError(
        `Cannot use provenance graph: dataset ${idText} is a log, but its task saves none`,
      );
    }
    if (this.n === this.#produced.length) this.#grow();
    if (!writeUuidText(idText, this.#ids, this.n * UUID_SIZE)) {
      throw new InvalidQuantumGraphFileError(
        `Cannot use provenance graph: dataset id "${idText.slice(0, 80)}" is no UUID`,
      );
    }
    this.#typeIndex[this.n] = typeIndex;
    this.#coordinateAt[this.n] = coordinateAt;
    this.#produced[this.n++] = produced ? 1 : 0;
  }

  #grow(): void {
    const ids = new Uint8Array(this.#ids.length * 2);
    ids.set(this.#ids);
    this.#ids = ids;
    const produced = new Uint8Array(this.#produced.length * 2);
    produced.set(this.#produced);
    this.#produced = produced;
    const typeIndex = new Uint16Array(this.#typeIndex.length * 2);
    typeIndex.set(this.#typeIndex);
    this.#typeIndex = typeIndex;
    const coordinateAt = new Uint32Array(this.#coordinateAt.length * 2);
    coordinateAt.set(this.#coordinateAt);
    this.#coordinateAt = coordinateAt;
  }

  id(target: number): Uint8Array {
    return this.#ids.subarray(target * UUID_SIZE, (target + 1) * UUID_SIZE);
  }

  setProduced(target: number, produced: boolean): void {
    this.#produced[target] = produced ? 1 : 0;
  }

  columns(): {
    ids: Uint8Array;
    produced: Uint8Array;
    typeIndex: Uint16Array;
    coordinateAt: Uint32Array;
  } {
    return {
      ids: this.#ids.subarray(0, this.n * UUID_SIZE),
      produced: this.#produced.subarray(0, this.n),
      typeIndex: this.#typeIndex,
      coordinateAt: this.#coordinateAt,
    };
  }
}
