/**
 * Quanta and datasets as rows that go by one after another, whatever holds them: for lists, counts and
 * comparisons. Nothing is sorted, and no more than a row is in memory.
 *
 * @module
 */

import { RefusedError } from "../base/errors.ts";
import type { JsonValue } from "../base/json_text.ts";
import { DimensionUniverse } from "../butler/dimensions/dimensions.ts";
import { type DatasetDocument, readDataset } from "../provenance/documents/dataset.ts";
import { PACKAGES_DATASET_TYPE, type PipelineGraph } from "../qg/pipeline_graph.ts";
import type { DimensionGroup } from "../butler/dimensions/dimension_group.ts";

/** What can be listed. */
export type RowKind = "quanta" | "datasets";

/** A dataset as far as its holder knows it. */
export interface DatasetRow {
  /** UUID. */
  datasetId: string;
  /** Name of its dataset type. */
  typeName: string;
  /** Values of required, then implied dimensions; a registry gives the required ones alone. */
  dataCoordinate: JsonValue[];
  /** RUN that it is in. */
  run: string;
  /** Whether it was written; null if only a plan is known. */
  produced: boolean | null;
  /** Quantum or init quantum that was to write it; null for an overall input, or if not known. */
  producer: string | null;
  /** Quanta that were to read it; null if not known. */
  nConsumers: number | null;
  /** Path of the datastore's record; null without one, or if not known. */
  path: string | null;
}

/** Which datasets are wanted, so that others need not be read. */
export interface DatasetWish {
  /** Dataset types; null for all. */
  types: ReadonlySet<string> | null;
  /** Whether data IDs are to have the values of implied dimensions. */
  withImplied: boolean;
}

/** Dimensions of what is listed. */
export interface RowDimensions {
  /** Where the dimensions are defined. */
  readonly universe: DimensionUniverse;
  /** By task label, or by dataset type. */
  readonly groups: ReadonlyMap<string, DimensionGroup>;
}

/**
 * Which quanta are wanted, as far as a table of them can tell. A source may leave out those that it knows not
 * to be wanted, and need not: who wished still looks at each that comes.
 */
export interface QuantumWish {
  /** Labels of tasks; empty for all. */
  tasks: readonly string[];
  /** Names of statuses of the last attempt; empty for all. */
  statuses: readonly string[];
  /** Dimensions and fields that {@linkcode mayFit} asks for; each one of {@linkcode WISH_FIELDS}. */
  names: readonly string[];
  /** Whether a quantum with these values may be wanted. */
  mayFit(value: (name: string) => WishValue): boolean;
}

/** A value of a quantum; null or undefined if it has none. */
export type WishValue = string | number | bigint | null | undefined;

/** Fields besides dimensions that a wish may ask for. Those of attempts are of the last one. */
export const WISH_FIELDS: readonly string[] = [
  "quantum_id",
  "task",
  "status",
  "attempts",
  "exception",
  "memory",
  "prep_time",
  "init_time",
  "run_time",
  "run_time_cpu",
  "n_inputs",
  "n_outputs",
];

/** Fields that a table has as documents do: the bit set of caveats, too. */
export const TABLED_FIELDS: readonly string[] = [...WISH_FIELDS, "caveats"];

/** Quanta by task and status of their last attempt. */
export type StatusCounts = Map<string, Record<string, number>>;

/** A place that rows are read from, in the order in which they are stored. */
export interface RowSource {
  /** Whether nothing has been run yet: quanta have no attempts, datasets are only predicted. */
  readonly isPlan: boolean;

  /**
   * JSON texts of all quanta, but perhaps of those that aren't wished for.
   *
   * @throws {RefusedError} if it doesn't know quanta.
   */
  quanta(wish?: QuantumWish): AsyncIterable<Uint8Array>;

  /**
   * Values of the quanta that may be wished for, in the order in which these are stored; null, or no such
   * method, where no table has them, or they are more than `most`.
   *
   * @param names Dimensions, and fields of {@linkcode TABLED_FIELDS}.
   * @internal
   */
  quantumValues?(
    wish: QuantumWish,
    names: readonly string[],
    most: number,
  ): Promise<WishValue[][] | null>;

  /** Counts quanta without passing over them; null if that can't be done. */
  countStatuses?(): Promise<StatusCounts | null>;

  /** All datasets that are wished for, each once. */
  datasets(wish: DatasetWish): AsyncIterable<DatasetRow>;

  /** Dimensions of quanta, by task, or of datasets, by type. */
  rowDimensions(kind: RowKind): Promise<RowDimensions>;

  /** Types of the datasets that a task writes; null if there is no such task. */
  outputTypes(label: string): Promise<string[] | null>;

  /** Labels of all tasks, in the order of the pipeline. */
  taskLabels(): Promise<string[]>;
}

/** Counts quanta, one more if not told how many. */
export function countStatus(counts: StatusCounts, task: string, status: string, n = 1): void {
  let statuses = counts.get(task);
  if (statuses === undefined) counts.set(task, statuses = {});
  statuses[status] = (statuses[status] ?? 0) + n;
}

/** Dimensions of a graph's tasks or dataset types. @throws {RefusedError} if it has no universe. */
export function pipelineDimensions(
  pipeline: PipelineGraph,
  kind: RowKind,
  where: string,
): RowDimensions {
  if (pipeline.dimensionsText === null) {
    throw new RefusedError(`Cannot list data IDs of ${where}: it has no dimension universe`);
  }
  const universe = DimensionUniverse.parse(pipeline.dimensionsText);
  const groups = new Map<string, DimensionGroup>();
  if (kind === "quanta") {
    for (const { label, dimensions } of pipeline.tasks.values()) {
      groups.set(label, universe.group(dimensions));
    }
  } else {
    for (const { name, dimensions } of pipeline.datasetTypes.values()) {
      if (dimensions !== null) groups.set(name, universe.group(dimensions));
    }
    groups.set(PACKAGES_DATASET_TYPE, universe.group([]));
  }
  return { universe, groups };
}

/** Types that a task of a pipeline writes, those of its init quantum included; null for no task. */
export function outputTypesOf(pipeline: PipelineGraph, label: string): string[] | null {
  const task = pipeline.tasks.get(label);
  if (task === undefined) return null;
  const { outputs, initOutputs, metadataDatasetType, logDatasetType, configDatasetType } = task;
  return [
    ...outputs.values(),
    ...initOutputs.values(),
    metadataDatasetType,
    ...(logDatasetType === null ? [] : [logDatasetType]),
    configDatasetType,
  ];
}

/** Reads a ProvenanceDataset as a row. @throws {SyntaxError} if it isn't one. */
export function readDatasetRow(text: Uint8Array): DatasetRow {
  return datasetRow(readDataset(text));
}

/** A ProvenanceDataset as a row. */
export function datasetRow({ consumers, ...dataset }: DatasetDocument): DatasetRow {
  return { ...dataset, nConsumers: consumers.length, path: null };
}

/** A data ID as an object, in the order required, implied. */
export function dataIdObject(
  group: DimensionGroup | undefined,
  values: readonly JsonValue[],
): { [dimension: string]: JsonValue } {
  const names = group === undefined ? [] : [...group.required, ...group.implied];
  const dataId: { [dimension: string]: JsonValue } = Object.create(null);
  values.forEach((value, i) => dataId[names[i] ?? `value_${i}`] = value);
  return dataId;
}
