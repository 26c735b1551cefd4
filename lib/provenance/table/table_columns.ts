/**
 * The columns of the member `quanta.parquet`: one row a quantum. What each means is told in
 * `schema/quantum-graph.md`, section 4.5.
 *
 * @module
 */

import { DimensionUniverse } from "../../butler/dimensions/dimensions.ts";
import type { PipelineGraph } from "../../qg/pipeline_graph.ts";
import type { DimensionGroup } from "../../butler/dimensions/dimension_group.ts";
import type { TableType } from "./table_type.ts";

/** Version of the columns' meaning; readers pass over tables of another. */
export const TABLE_VERSION = 1;

/** Key of the file's metadata under which {@linkcode TableOrigin} stands as JSON. */
export const ORIGIN_KEY = "provgraph";

/** What a table says of itself: of which blocks it is, and which columns are dimensions. */
export interface TableOrigin {
  version: number;
  /** Size and CRC-32 of the data of `quanta.mb`. */
  quanta: { size: number; crc32: number };
  dimensions: TableDimension[];
}

/** A dimension and its column. */
export interface TableDimension {
  name: string;
  /** Name of its column: that of the dimension, unless another column has it. */
  column: string;
  type: "int" | "string";
}

/** A column that every table has. */
export interface TableColumn {
  name: string;
  type: TableType;
  isNullable: boolean;
}

/** A column that tables of earlier releases don't have: texts of `earlier_attempts.ts`. */
export const EARLIER_COLUMN = {
  name: "earlier_attempts",
  type: "string",
  isNullable: true,
} as const satisfies TableColumn;

/** Columns that every table has but those of dimensions, which stand behind `task`, in their order. */
export const TABLE_COLUMNS = [
  { name: "quantum_id", type: "id", isNullable: false },
  { name: "task", type: "string", isNullable: false },
  { name: "status", type: "string", isNullable: false },
  { name: "attempts", type: "int32", isNullable: false },
  { name: "caveats", type: "int32", isNullable: true },
  { name: "exception", type: "string", isNullable: true },
  { name: "message", type: "string", isNullable: true },
  { name: "start", type: "time", isNullable: true },
  { name: "prep_time", type: "double", isNullable: true },
  { name: "init_time", type: "double", isNullable: true },
  { name: "run_time", type: "double", isNullable: true },
  { name: "run_time_cpu", type: "double", isNullable: true },
  { name: "memory", type: "double", isNullable: true },
  { name: "n_inputs", type: "int32", isNullable: false },
  { name: "n_outputs", type: "int32", isNullable: false },
  { name: "n_produced", type: "int32", isNullable: false },
  { name: "blocked_by", type: "id", isNullable: true },
  { name: "n_blockers", type: "int32", isNullable: true },
  { name: "n_blocked", type: "int32", isNullable: true },
  { name: "document_offset", type: "double", isNullable: false },
  { name: "document_size", type: "int32", isNullable: false },
] as const satisfies readonly TableColumn[];

/** Name of one of {@linkcode TABLE_COLUMNS}. */
export type TableColumnName = typeof TABLE_COLUMNS[number]["name"];

/** Dimensions of a graph's quanta, and which of them each task has. Plain data. */
export interface TableLayout {
  dimensions: TableDimension[];
  /** By task label: for each value of a data ID the number of its dimension. */
  tasks: Record<string, number[]>;
}

/** The layout of a pipeline's tables; null if the pipeline doesn't say what its dimensions are. */
export function tableLayout(pipeline: PipelineGraph): TableLayout | null {
  if (pipeline.dimensionsText === null) return null;
  const universe = DimensionUniverse.parse(pipeline.dimensionsText);
  const groups = new Map<string, DimensionGroup>();
  for (const { label, dimensions } of pipeline.tasks.values()) {
    groups.set(label, universe.group(dimensions));
  }
  const names = universe.group([...groups.values()].flatMap((group) => group.names)).names;
  const taken = new Set<string>([...TABLE_COLUMNS, EARLIER_COLUMN].map(({ name }) => name));
  const dimensions = names.map((name): TableDimension => ({
    name,
    column: taken.has(name) ? `dimension_${name}` : name,
    type: universe.keyType(name).type,
  }));
  const tasks: Record<string, number[]> = Object.create(null);
  for (const [label, { required, implied }] of groups) {
    tasks[label] = [...required, ...implied].map((name) => names.indexOf(name));
  }
  return { dimensions, tasks };
}
