/**
 * The pipeline graph: tasks, their connections, dataset types, and where the text of the dimension
 * universe is (`schema/quantum-graph.md`, section 6). The text itself is copied from graph to
 * graph, never written again; this module only reads it.
 *
 * @module
 */

import { InvalidQuantumGraphFileError } from "../base/errors.ts";
import { decodeJsonString, decodeUtf8, JsonCursor } from "../base/json_text.ts";

/** Dataset type of the run's package versions; the pipeline graph never lists it. */
export const PACKAGES_DATASET_TYPE = "packages";
/** Storage class of {@linkcode PACKAGES_DATASET_TYPE}. */
const PACKAGES_STORAGE_CLASS = "Packages";
/** Connection name of a quantum's task metadata. */
export const METADATA_CONNECTION = "_metadata";
/** Connection name of a quantum's log. */
export const LOG_CONNECTION = "_log";
/** Connection name of an init quantum's config. */
export const CONFIG_CONNECTION = "_config";

/** What joins a task's connection to a dataset type, named as on the wire. */
interface PipelineEdge {
  /** Parent dataset type, or `parent.component` for inputs. */
  dataset_type_name: string;
  /** The task's storage class, which may differ from the registry's. */
  storage_class: string;
  /** Dimensions as the connection declares them, sorted by name. */
  raw_dimensions: string[];
  is_calibration: boolean;
}

/** A task of the pipeline. Maps go from connection name to dataset type name, in the graph's order. */
interface PipelineTask {
  readonly label: string;
  /** Python path of the task class. */
  readonly taskClass: string;
  /** Expanded dimensions, sorted by name: not the order of data coordinates (section 6.1). */
  readonly dimensions: readonly string[];
  /** Regular inputs; values may be `parent.component`. */
  readonly inputs: ReadonlyMap<string, string>;
  readonly prerequisiteInputs: ReadonlyMap<string, string>;
  /** Regular outputs without log and metadata. */
  readonly outputs: ReadonlyMap<string, string>;
  readonly initInputs: ReadonlyMap<string, string>;
  /** Init outputs without the config. */
  readonly initOutputs: ReadonlyMap<string, string>;
  readonly metadataDatasetType: string;
  /** Null if the task doesn't save logs. */
  readonly logDatasetType: string | null;
  readonly configDatasetType: string;
  /** Every edge by connection name, with `_metadata`, `_log` and `_config`. */
  readonly edges: ReadonlyMap<string, PipelineEdge>;
  /** The task's configuration as Python override script; decoded on each call. */
  configText(): string;
}

/** A dataset type as the registry has it. */
interface PipelineDatasetType {
  readonly name: string;
  /** Expanded dimensions in the order of the universe; null in an unresolved graph. */
  readonly dimensions: readonly string[] | null;
  /** Storage class of the registry; null in an unresolved graph. */
  readonly storageClass: string | null;
  readonly isCalibration: boolean;
}

/** A parsed pipeline graph; it keeps the document's bytes for config texts and the universe. */
export class PipelineGraph {
  /** Tasks by label, in pipeline order. */
  readonly tasks: ReadonlyMap<string, PipelineTask>;
  /** Parent dataset types by name, inputs included, `packages` not. */
  readonly datasetTypes: ReadonlyMap<string, PipelineDatasetType>;
  readonly #text: Uint8Array;
  readonly #dimensionsRange: [number, number] | null;

  private constructor(
    text: Uint8Array,
    tasks: ReadonlyMap<string, PipelineTask>,
    datasetTypes: ReadonlyMap<string, PipelineDatasetType>,
    dimensionsRange: [number, number] | null,
  ) {
    this.#text = text;
    this.tasks = tasks;
    this.datasetTypes = datasetTypes;
    this.#dimensionsRange = dimensionsRange;
  }

  /** JSON text of the dimension universe, null if the graph has none. */
  get dimensionsText(): string | null {
    if (this.#dimensionsRange === null) return null;
    return decodeUtf8(this.#text.subarray(...this.#dimensionsRange));
  }

  /**
   * Parses the decoded text of `pipeline_graph.json.zst`. The text must not be changed afterwards.
   *
   * @throws {InvalidQuantumGraphFileError} if it isn't JSON or lacks what is needed.
   */
  static parse(text: Uint8Array, fileName: string): PipelineGraph {
    try {
      return PipelineGraph.#parse(text);
    } catch (cause) {
      if (!(cause instanceof SyntaxError)) throw cause;
      throw new InvalidQuantumGraphFileError(
        `Cannot read pipeline graph of "${fileName}": ${cause.message}`,
        { cause },
      );
    }
  }

  static #parse(text: Uint8Array): PipelineGraph {
    const tasks = new Map<string, PipelineTask>();
    const datasetTypes = new Map<string, PipelineDatasetType>();
    let dimensionsRange: [number, number] | null = null;
    const cursor = new JsonCursor(text);
    cursor.beginObject();
    while (cursor.nextMember()) {
      switch (cursor.key) {
        case "tasks":
          tasks.clear();
          cursor.beginObject();
          while (cursor.nextMember()) {
            const label = cursor.key;
            tasks.set(label, readTask(cursor, label));
          }
          break;
        case "dataset_types":
          datasetTypes.clear();
          cursor.beginObject();
          while (cursor.nextMember()) {
            const name = cursor.key;
            datasetTypes.set(name, readDatasetType(cursor, name));
          }
          break;
        case "dimensions":
          dimensionsRange = cursor.takeNull() ? null : cursor.skipRange();
          break;
        default:
          cursor.skip();
      }
    }
    cursor.finish();
    for (const task of tasks.values()) {
      for (const name of producedBy(task)) {
        if (!datasetTypes.has(name)) {
          throw new SyntaxError(
            `dataset_types has no "${name}", which task "${task.label}" produces`,
          );
        }
      }
    }
    return new PipelineGraph(text, tasks, datasetTypes, dimensionsRange);
  }

  /**
   * Dataset types that some task produces, each once: per task in pipeline order its init outputs,
   * config, regular outputs, metadata and log; `packages` last.
   */
  outputDatasetTypes(): PipelineDatasetType[] {
    const result = new Map<string, PipelineDatasetType>();
    for (const task of this.tasks.values()) {
      for (const name of producedBy(task)) {
        result.set(name, this.datasetTypes.get(name)!);
      }
    }
    result.delete(PACKAGES_DATASET_TYPE);
    result.set(PACKAGES_DATASET_TYPE, {
      name: PACKAGES_DATASET_TYPE,
      dimensions: [],
      storageClass: PACKAGES_STORAGE_CLASS,
      isCalibration: false,
    });
    return [...result.values()];
  }
}

function* producedBy(task: PipelineTask): Generator<string> {
  yield* task.initOutputs.values();
  yield task.configDatasetType;
  yield* task.outputs.values();
  yield task.metadataDatasetType;
  if (task.logDatasetType !== null) yield task.logDatasetType;
}

function readTask(cursor: JsonCursor, label: string): PipelineTask {
  let taskClass = "";
  let dimensions: string[] = [];
  let inputs = new Map<string, PipelineEdge>();
  let prerequisiteInputs = new Map<string, PipelineEdge>();
  let outputs = new Map<string, PipelineEdge>();
  let initInputs = new Map<string, PipelineEdge>();
  let initOutputs = new Map<string, PipelineEdge>();
  let metadata: PipelineEdge | null = null;
  let log: PipelineEdge | null = null;
  let config: PipelineEdge | null = null;
  let configRange: [number, number] | null = null;
  const text = cursor.bytes;

  cursor.beginObject();
  while (cursor.nextMember()) {
    switch (cursor.key) {
      case "task_class":
        taskClass = cursor.readString();
        break;
      case "dimensions":
        dimensions = readStrings(cursor);
        break;
      case "inputs":
        inputs = readEdges(cursor);
        break;
      case "prerequisite_inputs":
        prerequisiteInputs = readEdges(cursor);
        break;
      case "outputs":
        outputs = readEdges(cursor);
        break;
      case "metadata_output":
        metadata = readEdge(cursor);
        break;
      case "log_output":
        log = cursor.takeNull() ? null : readEdge(cursor);
        break;
      case "config_str":
        if (cursor.kind() !== "string") cursor.fail("expected a string for config_str");
        configRange = cursor.skipRange();
        break;
      case "init":
        [initInputs, initOutputs, config] = readInit(cursor);
        break;
      default:
        cursor.skip();
    }
  }
  if (metadata === null) throw new SyntaxError(`task "${label}" has no metadata_output`);
  if (config === null) throw new SyntaxError(`task "${label}" has no config_output`);

  const edges = new Map<string, PipelineEdge>();
  for (const group of [inputs, prerequisiteInputs, outputs, initInputs, initOutputs]) {
    for (const [connection, edge] of group) edges.set(connection, edge);
  }
  edges.set(METADATA_CONNECTION, metadata);
  if (log !== null) edges.set(LOG_CONNECTION, log);
  edges.set(CONFIG_CONNECTION, config);
  return {
    label,
    taskClass,
    dimensions,
    inputs: datasetTypeNames(inputs),
    prerequisiteInputs: datasetTypeNames(prerequisiteInputs),
    outputs: datasetTypeNames(outputs),
    initInputs: datasetTypeNames(initInputs),
    initOutputs: datasetTypeNames(initOutputs),
    metadataDatasetType: metadata.dataset_type_name,
    logDatasetType: log?.dataset_type_name ?? null,
    configDatasetType: config.dataset_type_name,
    edges,
    configText: () => configRange === null ? "" : decodeJsonString(text, ...configRange),
  };
}

function readInit(
  cursor: JsonCursor,
): [Map<string, PipelineEdge>, Map<string, PipelineEdge>, PipelineEdge | null] {
  let inputs = new Map<string, PipelineEdge>();
  let outputs = new Map<string, PipelineEdge>();
  let config: PipelineEdge | null = null;
  cursor.beginObject();
  while (cursor.nextMember()) {
    if (cursor.key === "inputs") inputs = readEdges(cursor);
    else if (cursor.key === "outputs") outputs = readEdges(cursor);
    else if (cursor.key === "config_output") config = readEdge(cursor);
    else cursor.skip();
  }
  return [inputs, outputs, config];
}

function datasetTypeNames(edges: ReadonlyMap<string, PipelineEdge>): Map<string, string> {
  const names = new Map<string, string>();
  for (const [connection, edge] of edges) names.set(connection, edge.dataset_type_name);
  return names;
}

function readDatasetType(cursor: JsonCursor, name: string): PipelineDatasetType {
  let dimensions: string[] | null = null;
  let storageClass: string | null = null;
  let isCalibration = false;
  cursor.beginObject();
  while (cursor.nextMember()) {
    switch (cursor.key) {
      case "dimensions":
        dimensions = cursor.takeNull() ? null : readStrings(cursor);
        break;
      case "storage_class":
        storageClass = cursor.takeNull() ? null : cursor.readString();
        break;
      case "is_calibration":
        isCalibration = cursor.readBoolean();
        break;
      default:
        cursor.skip();
    }
  }
  return { name, dimensions, storageClass, isCalibration };
}

function readEdges(cursor: JsonCursor): Map<string, PipelineEdge> {
  const edges = new Map<string, PipelineEdge>();
  cursor.beginObject();
  while (cursor.nextMember()) {
    const connection = cursor.key;
    edges.set(connection, readEdge(cursor));
  }
  return edges;
}

function readEdge(cursor: JsonCursor): PipelineEdge {
  const edge: PipelineEdge = {
    dataset_type_name: "",
    storage_class: "",
    raw_dimensions: [],
    is_calibration: false,
  };
  cursor.beginObject();
  while (cursor.nextMember()) {
    switch (cursor.key) {
      case "dataset_type_name":
        edge.dataset_type_name = cursor.readString();
        break;
      case "storage_class":
        edge.storage_class = cursor.readString();
        break;
      case "raw_dimensions":
        edge.raw_dimensions = readStrings(cursor);
        break;
      case "is_calibration":
        edge.is_calibration = cursor.readBoolean();
        break;
      default:
        cursor.skip();
    }
  }
  if (edge.dataset_type_name === "") cursor.fail("dataset_type_name is missing before");
  return edge;
}

function readStrings(cursor: JsonCursor): string[] {
  const values: string[] = [];
  cursor.beginArray();
  while (cursor.nextElement()) values.push(cursor.readString());
  return values;
}
