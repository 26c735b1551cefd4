/**
 * The datasets that a provenance graph is to back: metadata and logs of its quanta and configs of its
 * tasks. First all ids, as typed arrays; later, batch by batch, what a row of the registry needs.
 *
 * @module
 */

import { Grower } from "../base/grower.ts";
import { InvalidQuantumGraphFileError } from "../base/errors.ts";
import { PackedIdTable } from "../base/id_table.ts";
import { UUID_SIZE, uuidToText, writeUuidText } from "../base/uuid.ts";
import type { DatasetPlan, FileDatastore } from "../butler/datastore/datastore.ts";
import { dataIdFromCoordinate } from "../butler/dimensions/data_id.ts";
import { DimensionUniverse } from "../butler/dimensions/dimensions.ts";
import type { DimensionRecordSource } from "../butler/dimensions/record_source.ts";
import { QUANTA_MEMBER } from "../qg/member_names.ts";
import { parseBlock } from "../qg/parse_block.ts";
import { CONFIG_CONNECTION, type PipelineGraph } from "../qg/pipeline_graph.ts";
import type { ProvenanceGraph } from "../qg/provenance_graph.ts";
import { CoordinateList } from "./coordinate_list.ts";
import { readProduced } from "./documents/dataset.ts";
import { readInitQuanta } from "./documents/init_quanta.ts";
import { type QuantumFiles, readQuantumFiles } from "./documents/quantum_files.ts";
import type { OriginalKind, OriginalType } from "./originals/original_type.ts";
import { resolveGroup } from "./output_types.ts";
import { AttemptStatus } from "./quantum_status.ts";
import type { DataIdValue } from "../butler/dimensions/data_id_value.ts";
import type { DatasetType } from "../butler/dimensions/dataset_type.ts";

/** State of a target, in {@linkcode Targets.state}. */
export const TargetState = {
  /** Not in the registry. */
  ABSENT: 0,
  /** Registered, backed by its original file or by nothing. */
  ORIGINAL: 1,
  /** Registered, backed by the graph. */
  DONE: 2,
} as const;

/** Number of the quantum of a target that has none: a config. */
export const NO_QUANTUM = 0xffffffff;

/** Targets whose paths are kept: about 15 MB, which spares all of a middling run from being put together twice. */
const MAX_FIRST_PATHS = 2 ** 16;

interface TaskTypes {
  metadata: number;
  log: number;
}

/** Dataset types of the targets, as they are met. */
class TargetTypes {
  readonly types: DatasetType[] = [];
  readonly plans: DatasetPlan[] = [];
  readonly originalTypes: OriginalType[] = [];
  readonly universe: DimensionUniverse;
  readonly #run: string;
  readonly #pipeline: PipelineGraph;
  readonly #datastore: FileDatastore;
  readonly #graphUniverse: DimensionUniverse | null;

  constructor(
    run: string,
    pipeline: PipelineGraph,
    universe: DimensionUniverse,
    datastore: FileDatastore,
  ) {
    this.#run = run;
    this.#pipeline = pipeline;
    this.universe = universe;
    this.#datastore = datastore;
    const text = pipeline.dimensionsText;
    this.#graphUniverse = text === null ? null : DimensionUniverse.parse(text);
  }

  /** Position of a type that is new. */
  add(name: string, kind: OriginalKind, label: string): number {
    const type = this.#pipeline.datasetTypes.get(name);
    if (type?.dimensions == null || type.storageClass === null) {
      throw new InvalidQuantumGraphFileError(
        `Cannot use provenance graph: its pipeline doesn't define dataset type "${name}"`,
      );
    }
    const full: DatasetType = {
      name,
      group: resolveGroup(name, type.dimensions, this.universe, this.#graphUniverse),
      storageClass: type.storageClass,
      isCalibration: type.isCalibration,
    };
    this.types.push(full);
    this.originalTypes.push({ kind, label });
    this.plans.push(this.#datastore.plan(full, this.#run));
    return this.types.length - 1;
  }
}

/** All targets of a graph. Memory: 36 to 44 bytes a target, the coordinates of the quanta, and
 * some paths. */
export class Targets {
  readonly types: DatasetType[] = [];
  readonly plans: DatasetPlan[] = [];
  /** What datasets of each of the types are to their tasks. */
  readonly originalTypes: OriginalType[];
  /** Packed ids. */
  readonly ids: Uint8Array;
  /** 1 where the graph holds the content. */
  readonly produced: Uint8Array;
  /** One of {@linkcode TargetState}. */
  state: Uint8Array;
  /** Number of each target's quantum in the order of `quanta.mb`, or {@linkcode NO_QUANTUM}. */
  readonly quantum: Uint32Array;
  readonly n: number;
  readonly #table: PackedIdTable;
  readonly #producedTypes = new Set<number>();
  readonly #universe: DimensionUniverse;
  readonly #typeIndex: Uint16Array;
  readonly #coordinateAt: Uint32Array;
  readonly #coordinates: CoordinateList;
  readonly #list: TargetList;
  #recorded: ReadonlyMap<number, string> = new Map();
  /** Paths of the first targets: they are wanted before anything is changed, and again. */
  #firstPaths: (readonly string[])[] = [];
  /** The data ID of the last row: a quantum's metadata and log share theirs. */
  #lastValues: DataIdValue[] = [];
  #lastCoordinateAt = -1;
  #lastGroupKey = "";

  private constructor(
    types: Pick<TargetTypes, "universe" | "types" | "plans" | "originalTypes">,
    coordinates: CoordinateList,
    list: TargetList,
  ) {
    this.originalTypes = types.originalTypes;
    this.#universe = types.universe;
    this.types = types.types;
    this.plans = types.plans;
    this.#coordinates = coordinates;
    this.#list = list;
    const { ids, produced, typeIndex, coordinateAt, quantum } = list.columns();
    this.quantum = quantum;
    this.#typeIndex = typeIndex;
    this.#coordinateAt = coordinateAt;
    this.ids = ids;
    this.produced = produced;
    this.n = list.n;
    for (let i = 0; i < this.n; i++) if (produced[i] === 1) this.#producedTypes.add(typeIndex[i]);
    this.state = new Uint8Array(this.n);
    this.#table = new PackedIdTable(ids);
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
    try {
      return await Targets.#read(graph, pipeline, universe, datastore, onQuantum);
    } catch (error) {
      throw unusable(graph.name, error);
    }
  }

  static async #read(
    graph: ProvenanceGraph,
    pipeline: PipelineGraph,
    universe: DimensionUniverse,
    datastore: FileDatastore,
    onQuantum: () => void,
  ): Promise<Targets> {
    const types = new TargetTypes(graph.header.output_run, pipeline, universe, datastore);
    const taskTypes = new Map<string, TaskTypes>();
    for (const [label, task] of pipeline.tasks) {
      taskTypes.set(label, {
        metadata: types.add(task.metadataDatasetType, "metadata", label),
        log: task.logDatasetType === null ? -1 : types.add(task.logDatasetType, "log", label),
      });
    }
    const coordinates = new CoordinateList();
    const list = new TargetList();
    const failedLogs: number[] = [];
    let nQuanta = 0;
    await graph.forEachBlock("quanta.mb", (text, offset) => {
      const quantum = readTargets(text, offset);
      const typesOfTask = taskTypes.get(quantum.taskLabel);
      if (typesOfTask === undefined) {
        throw new InvalidQuantumGraphFileError(
          `Cannot use provenance graph: quantum ${quantum.quantumId} belongs to task ` +
            `"${quantum.taskLabel}", which its pipeline doesn't have`,
        );
      }
      onQuantum();
      const { status } = quantum;
      const hasMetadata = status === AttemptStatus.SUCCESSFUL ||
        status === AttemptStatus.ABORTED_SUCCESS;
      const at = coordinates.add(quantum.dataCoordinate);
      list.add(quantum.metadataId, typesOfTask.metadata, hasMetadata, at, nQuanta);
      // A failed quantum "has" a log by its status, but may have died without one.
      if (status === AttemptStatus.FAILED && quantum.logId !== null) failedLogs.push(list.n);
      list.add(quantum.logId, typesOfTask.log, status === AttemptStatus.SUCCESSFUL, at, nQuanta);
      nQuanta++;
    });
    if (nQuanta !== graph.header.n_quanta) {
      throw new InvalidQuantumGraphFileError(
        `Cannot use provenance graph: it holds ${nQuanta} quanta, its header says ` +
          `${graph.header.n_quanta}`,
      );
    }
    const empty = coordinates.add([]);
    for (const init of readInitQuanta(await graph.initQuantaText())) {
      const task = pipeline.tasks.get(init.taskLabel);
      const id = init.outputs.get(CONFIG_CONNECTION);
      if (task === undefined || id === undefined) continue;
      const type = types.add(task.configDatasetType, "config", init.taskLabel);
      list.add(id, type, true, empty, NO_QUANTUM);
    }
    for (const target of failedLogs) {
      list.setProduced(target, await wasProduced(graph, list.id(target)));
    }
    return new Targets(types, coordinates, list);
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
    return this.#table.find(ids, offset);
  }

  /** Position in `types` of a target's dataset type. */
  typeIndex(target: number): number {
    return this.#typeIndex[target];
  }

  /**
   * Data ID of a target: required, then implied values. The array belongs to this object.
   *
   * @throws {RefusedError} if the graph has none that fits the dataset type.
   */
  dataId(target: number): readonly DataIdValue[] {
    const { group } = this.types[this.#typeIndex[target]];
    const at = this.#coordinateAt[target];
    if (at !== this.#lastCoordinateAt || group.key !== this.#lastGroupKey) {
      this.#lastValues = dataIdFromCoordinate(
        group,
        this.#universe,
        this.#coordinates.get(at),
        () => `dataset ${uuidToText(this.id(target))}`,
      );
      this.#lastCoordinateAt = at;
      this.#lastGroupKey = group.key;
    }
    return this.#lastValues;
  }

  /** The same targets, whose states are shared, with the plans of another datastore. */
  withPlans(plans: DatasetPlan[]): Targets {
    const { types, originalTypes } = this;
    const other = new Targets(
      { universe: this.#universe, types, plans, originalTypes },
      this.#coordinates,
      this.#list,
    );
    other.state = this.state;
    return other;
  }

  /** Whether the datastore takes a target. */
  isTaken(target: number): boolean {
    return this.plans[this.#typeIndex[target]].accepts(this.dataId(target));
  }

  /** Takes paths of originals, by target, that records name and templates don't predict. */
  noteRecorded(paths: ReadonlyMap<number, string>): void {
    this.#recorded = paths;
    this.#firstPaths = [];
  }

  /**
   * Paths at which a target's original may be: what its record named, if that was odd; what templates of
   * today's releases predict, then those of older ones if they differ. None if the datastore doesn't take
   * it.
   *
   * @param records Called from within `withRecords()`.
   * @throws {RefusedError} as {@linkcode dataId}, or if a record that the template needs is missing.
   */
  paths(target: number, records: DimensionRecordSource): readonly string[] {
    if (target >= MAX_FIRST_PATHS) return this.#pathsOf(target, records);
    return this.#firstPaths[target] ??= this.#pathsOf(target, records);
  }

  #pathsOf(target: number, records: DimensionRecordSource): string[] {
    const recorded = this.#recorded.get(target);
    const odd = recorded === undefined ? [] : [recorded];
    const values = this.dataId(target);
    const plan = this.plans[this.#typeIndex[target]];
    if (!plan.accepts(values)) return odd;
    const idText = plan.usesId ? uuidToText(this.id(target)) : undefined;
    const path = plan.path(values, records, idText);
    const older = plan.isRenamed ? plan.olderPath(values, records, idText) : null;
    return older === null ? [...odd, path] : [...odd, path, older];
  }
}

async function wasProduced(graph: ProvenanceGraph, id: Uint8Array): Promise<boolean> {
  const node = await graph.find(id);
  if (node === null || node.dataset.size === 0) {
    throw new InvalidQuantumGraphFileError(
      `Cannot use provenance graph: it has no block of dataset ${uuidToText(id)}`,
    );
  }
  return readProduced(await graph.readDataset(node.dataset));
}

/** A quantum, or where in the graph it can't be read. */
function readTargets(text: Uint8Array, offset: number): QuantumFiles {
  // Who reads all targets adds the name of the graph.
  const place = { graphName: null, what: "quantum", member: QUANTA_MEMBER, offset };
  return parseBlock(place, () => readQuantumFiles(text));
}

/** What is wrong with a graph, with its name; anything else stays what it is. */
function unusable(graphName: string, error: unknown): unknown {
  const what = `Cannot use provenance graph "${graphName}"`;
  if (error instanceof SyntaxError) {
    return new InvalidQuantumGraphFileError(`${what}: ${error.message}`, { cause: error });
  }
  const unnamed = "Cannot use provenance graph:";
  if (!(error instanceof InvalidQuantumGraphFileError) || !error.message.startsWith(unnamed)) {
    return error;
  }
  const state = error.message.slice(unnamed.length);
  return new InvalidQuantumGraphFileError(`${what}:${state}`, {
    cause: error,
    hint: `provgraph check "${graphName}" --read-data says what is damaged`,
  });
}

/** Growing columns of targets. */
class TargetList {
  readonly #ids = new Grower<Uint8Array>(Uint8Array, 1024 * UUID_SIZE);
  readonly #produced = new Grower<Uint8Array>(Uint8Array);
  readonly #typeIndex = new Grower<Uint16Array>(Uint16Array);
  readonly #coordinateAt = new Grower<Uint32Array>(Uint32Array);
  readonly #quantum = new Grower<Uint32Array>(Uint32Array);
  n = 0;

  add(
    idText: string | null,
    typeIndex: number,
    produced: boolean,
    coordinateAt: number,
    quantum: number,
  ): void {
    if (idText === null) return;
    if (typeIndex < 0) {
      throw new InvalidQuantumGraphFileError(
        `Cannot use provenance graph: dataset ${idText} is a log, but its task saves none`,
      );
    }
    const target = this.n;
    const ids = this.#ids.reach((target + 1) * UUID_SIZE - 1);
    if (!writeUuidText(idText, ids, target * UUID_SIZE)) {
      throw new InvalidQuantumGraphFileError(
        `Cannot use provenance graph: dataset id "${idText.slice(0, 80)}" is no UUID`,
      );
    }
    this.#typeIndex.reach(target)[target] = typeIndex;
    this.#coordinateAt.reach(target)[target] = coordinateAt;
    this.#quantum.reach(target)[target] = quantum;
    this.#produced.reach(target)[target] = produced ? 1 : 0;
    this.n++;
  }

  /** Valid until the next is added. */
  id(target: number): Uint8Array {
    return this.#ids.array.subarray(target * UUID_SIZE, (target + 1) * UUID_SIZE);
  }

  setProduced(target: number, produced: boolean): void {
    this.#produced.array[target] = produced ? 1 : 0;
  }

  columns(): {
    ids: Uint8Array;
    produced: Uint8Array;
    typeIndex: Uint16Array;
    coordinateAt: Uint32Array;
    quantum: Uint32Array;
  } {
    return {
      ids: this.#ids.array.subarray(0, this.n * UUID_SIZE),
      produced: this.#produced.array.subarray(0, this.n),
      typeIndex: this.#typeIndex.array,
      coordinateAt: this.#coordinateAt.array,
      quantum: this.#quantum.array,
    };
  }
}
