/**
 * Writes the table of quanta as Parquet, a row group at a time. A module of its own, loaded when a table is
 * written.
 *
 * The rows stand by task, and within a task in the order of the predicted graph, so that the same run
 * makes the same table, but for places of documents, which follow the order of scanning. Nothing is
 * compressed: columns of few values have dictionaries, and ids and times don't get smaller.
 *
 * @module
 */

import { decodeUtf8, type JsonValue } from "../../base/json_text.ts";
import type { GraphArrays } from "../../qg/predicted/graph_arrays.ts";
import { type Blockers, isBlocking, NOT_COUNTED } from "../blockers.ts";
import { parseNatively } from "../documents/native_json.ts";
import { attemptStatusName } from "../quantum_status.ts";
import {
  CodedColumn,
  doubles,
  ids,
  integers,
  numberedTexts,
  rareTexts,
  times,
} from "./row_columns.ts";
import type { ColumnRows } from "./parquet_pages.ts";
import { ParquetTable } from "./parquet_table.ts";
import {
  EARLIER_COLUMN,
  ORIGIN_KEY,
  TABLE_COLUMNS,
  TABLE_VERSION,
  type TableColumn,
  type TableColumnName,
  type TableLayout,
  type TableOrigin,
} from "./table_columns.ts";
import { earlierOf, type TableRows, type TableTexts } from "./table_rows.ts";

/** All that a table is made of. */
export interface TableInput {
  arrays: GraphArrays;
  layout: TableLayout;
  rows: TableRows;
  /** Of each collector, in the order of their numbers. */
  texts: readonly TableTexts[];
  blockers: Blockers;
  /** Where the document of each quantum is in `quanta.mb`. */
  documentOffset: Float64Array;
  documentSize: Uint32Array;
  quanta: TableOrigin["quanta"];
}

/** Most rows of a group: what is in memory at a time. */
const MAX_GROUP = 2 ** 16;
/** Tasks with fewer quanta share a group with the next, so that groups don't cost more than rows. */
const MIN_GROUP = 2 ** 12;

/** Columns whose ranges are told, for readers that skip groups by them. */
const STATISTICS = new Set<string>(["task", "status"]);

/**
 * Writes the table.
 *
 * @param emit Takes the bytes in their order; they are dead when it returns.
 * @throws {SyntaxError} if a data ID doesn't fit the layout.
 */
export function writeTable(input: TableInput, emit: (bytes: Uint8Array) => void): void {
  const columns = allColumns(input.layout);
  const origin: TableOrigin = {
    version: TABLE_VERSION,
    quanta: input.quanta,
    dimensions: input.layout.dimensions,
  };
  const table = new ParquetTable(columns, STATISTICS, emit);
  const inputs = countDistinctInputs(input.arrays);
  for (const rows of rowGroups(input.arrays)) {
    const byName = groupColumns(input, inputs, rows);
    table.write(rows.length, columns.map(({ name }) => byName.get(name)!));
  }
  table.finish(ORIGIN_KEY, JSON.stringify(origin));
}

/** Columns of a table, those of dimensions behind the task. */
function allColumns(layout: TableLayout): TableColumn[] {
  const dimensions = layout.dimensions.map(({ column, type }): TableColumn => ({
    name: column,
    type: type === "int" ? "int64" : "string",
    isNullable: true,
  }));
  const [id, task, ...others] = TABLE_COLUMNS;
  return [id, task, ...dimensions, ...others, EARLIER_COLUMN];
}

/** Quanta of each group: by task, in the order of the graph. */
function* rowGroups({ nQuanta, taskIndex, taskLabels }: GraphArrays): Generator<Uint32Array> {
  const starts = new Uint32Array(taskLabels.length + 1);
  for (let q = 0; q < nQuanta; q++) starts[taskIndex[q] + 1]++;
  for (let t = 0; t < taskLabels.length; t++) starts[t + 1] += starts[t];
  const order = new Uint32Array(nQuanta);
  const next = starts.slice();
  for (let q = 0; q < nQuanta; q++) order[next[taskIndex[q]]++] = q;
  let first = 0;
  for (let t = 0; t < taskLabels.length; t++) {
    const end = starts[t + 1];
    const isLast = end === nQuanta;
    if (!isLast && end - first < MIN_GROUP) continue;
    for (; first < end; first = Math.min(end, first + MAX_GROUP)) {
      yield order.subarray(first, Math.min(end, first + MAX_GROUP));
    }
    if (isLast) return;
  }
}

/** How many datasets each quantum reads, each once. */
function countDistinctInputs({ nQuanta, consumers }: GraphArrays): Uint32Array {
  const counts = new Uint32Array(nQuanta);
  for (const q of consumers) if (q < nQuanta) counts[q]++;
  return counts;
}

/** The columns of some quanta, by name. */
function groupColumns(
  { arrays, layout, rows: all, texts, blockers, documentOffset, documentSize }: TableInput,
  nInputs: Uint32Array,
  rows: Uint32Array,
): Map<string, ColumnRows> {
  const { quantumIds, taskLabels, taskIndex, outputStart } = arrays;
  const { numbers } = all;
  const textsOf = (q: number) => texts[all.collector[q] - 1];
  const hasFailed = (q: number) => numbers.exception[q] !== 0;
  const isBlocked = (q: number) => blockers.first[q] >= 0;
  const finite = (values: Float64Array) => doubles(rows, values, Number.isFinite);
  const counted = (values: Int32Array, has: (q: number) => boolean) =>
    integers(rows, (q) => values[q], (q) => has(q) && values[q] !== NOT_COUNTED);
  const data: Record<TableColumnName, ColumnRows> = {
    quantum_id: ids(rows, quantumIds, (q) => q),
    task: numberedTexts(rows, taskIndex, (number) => taskLabels[number]),
    status: numberedTexts(rows, numbers.status, attemptStatusName),
    attempts: integers(rows, (q) => numbers.attempts[q]),
    caveats: integers(rows, (q) => numbers.caveats[q], (q) => numbers.caveats[q] >= 0),
    exception: rareTexts(
      rows,
      (q) => hasFailed(q) ? textsOf(q).exceptions[numbers.exception[q] - 1] : null,
    ),
    message: rareTexts(rows, (q) => {
      if (!hasFailed(q)) return null;
      const start = numbers.messageStart[q];
      return decodeUtf8(textsOf(q).messages.subarray(start, start + numbers.messageSize[q]));
    }),
    start: times(rows, numbers.start),
    prep_time: finite(numbers.prepTime),
    init_time: finite(numbers.initTime),
    run_time: finite(numbers.runTime),
    run_time_cpu: finite(numbers.cpuTime),
    memory: finite(numbers.memory),
    n_inputs: integers(rows, (q) => nInputs[q]),
    n_outputs: integers(rows, (q) => outputStart[q + 1] - outputStart[q]),
    n_produced: integers(rows, (q) => numbers.nProduced[q]),
    blocked_by: ids(rows, quantumIds, (q) => blockers.first[q], isBlocked),
    n_blockers: counted(blockers.nBlockers, isBlocked),
    n_blocked: counted(blockers.nBlocked, (q) => isBlocking(numbers.status[q])),
    document_offset: doubles(rows, documentOffset),
    document_size: integers(rows, (q) => documentSize[q]),
  };
  return new Map([
    ...Object.entries(data),
    [EARLIER_COLUMN.name, rareTexts(rows, (q) => earlierOf(textsOf(q), q))],
    ...dimensionColumns({ arrays, layout, textsOf }, rows),
  ]);
}

/** Values of data IDs by the columns of their dimensions; null where a task hasn't one. */
function dimensionColumns(
  { arrays, layout, textsOf }: Pick<TableInput, "arrays" | "layout"> & {
    textsOf: (q: number) => TableTexts;
  },
  rows: Uint32Array,
): Map<string, ColumnRows> {
  const columns = layout.dimensions.map(() => new CodedColumn(rows.length));
  const { coordinateStart, coordinates, taskLabels, taskIndex } = arrays;
  rows.forEach((q, i) => {
    const numbers = layout.tasks[taskLabels[taskIndex[q]]];
    const values = textsOf(q).coordinates.get(q) ??
      // Copied, as the decoder of texts takes no shared memory.
      parseNatively(coordinates.slice(coordinateStart[q], coordinateStart[q + 1]));
    if (!Array.isArray(values) || numbers === undefined || values.length !== numbers.length) {
      throw new SyntaxError("a data ID that has not the dimensions of its task");
    }
    values.forEach((value, k) => {
      columns[numbers[k]].set(i, typedValue(value, layout.dimensions[numbers[k]].type));
    });
  });
  return new Map(layout.dimensions.map(({ column }, k) => [column, columns[k].take()]));
}

function typedValue(value: JsonValue, type: "int" | "string"): string | number | null {
  if (value === null) return null;
  if (type === "string" && typeof value === "string") return value;
  if (type === "int" && Number.isInteger(value)) return value as number;
  throw new SyntaxError("a data ID with a value of another type");
}
