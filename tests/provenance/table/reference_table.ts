/**
 * The table of quanta by the writer of the package "hyparquet-writer", from one array of values a column: what
 * ours is compared with.
 *
 * @module
 */

import { ByteWriter, type ColumnSource, ParquetWriter, type SchemaElement } from "hyparquet-writer";
import { decodeUtf8, type JsonValue } from "../../../lib/base/json_text.ts";
import { UUID_SIZE } from "../../../lib/base/uuid.ts";
import type { GraphArrays } from "../../../lib/qg/predicted/graph_arrays.ts";
import { isBlocking, NOT_COUNTED } from "../../../lib/provenance/blockers.ts";
import { parseNatively } from "../../../lib/provenance/documents/native_json.ts";
import { attemptStatusName } from "../../../lib/provenance/quantum_status.ts";
import {
  EARLIER_COLUMN,
  ORIGIN_KEY,
  TABLE_COLUMNS,
  TABLE_VERSION,
  type TableColumn,
  type TableColumnName,
  type TableLayout,
  type TableOrigin,
} from "../../../lib/provenance/table/table_columns.ts";
import { earlierOf, type TableTexts } from "../../../lib/provenance/table/table_rows.ts";
import type { TableInput } from "../../../lib/provenance/table/table_writer.ts";

/** Most rows of a group: what is in memory at a time. */
const MAX_GROUP = 2 ** 16;
/** Tasks with fewer quanta share a group with the next, so that groups don't cost more than rows. */
const MIN_GROUP = 2 ** 12;

/** For the package: all rows of a column are one page. */
const ONE_PAGE = 0;

/** Columns whose ranges are told, for readers that skip groups by them. */
const STATISTICS = new Set<string>(["task", "status"]);

/**
 * Writes the table.
 *
 * @param emit Takes the bytes in their order; they are dead when it returns.
 * @throws {SyntaxError} if a data ID doesn't fit the layout.
 */
export function referenceTable(input: TableInput, emit: (bytes: Uint8Array) => void): void {
  const writer = new ByteWriter(1 << 16);
  const flush = () => {
    emit(writer.getBytes());
    writer.index = 0;
  };
  const columns = allColumns(input.layout);
  const origin: TableOrigin = {
    version: TABLE_VERSION,
    quanta: input.quanta,
    dimensions: input.layout.dimensions,
  };
  const parquet = new ParquetWriter({
    writer: Object.assign(writer, { flush }),
    schema: [{ name: "quanta", num_children: columns.length }, ...columns.map(schemaElement)],
    codec: "UNCOMPRESSED",
    statistics: false,
    statisticsTruncateLength: Infinity,
    kvMetadata: [{ key: ORIGIN_KEY, value: JSON.stringify(origin) }],
    createdBy: "provgraph",
  });
  const inputs = countDistinctInputs(input.arrays);
  for (const rows of rowGroups(input.arrays)) {
    const columnData = groupColumns(input, inputs, rows);
    parquet.write({ columnData, rowGroupSize: rows.length, pageSize: ONE_PAGE });
  }
  parquet.finish();
  flush();
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

function schemaElement({ name, type, isNullable }: TableColumn): SchemaElement {
  const common = { name, repetition_type: isNullable ? "OPTIONAL" : "REQUIRED" } as const;
  switch (type) {
    case "id":
      return {
        ...common,
        type: "FIXED_LEN_BYTE_ARRAY",
        type_length: UUID_SIZE,
        logical_type: { type: "UUID" },
      };
    case "string":
      return { ...common, type: "BYTE_ARRAY", converted_type: "UTF8" };
    case "int32":
      return { ...common, type: "INT32" };
    case "int64":
      return { ...common, type: "INT64" };
    case "double":
      return { ...common, type: "DOUBLE" };
    case "time":
      return {
        ...common,
        type: "INT64",
        converted_type: "TIMESTAMP_MICROS",
        logical_type: { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "MICROS" },
      };
  }
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

/** The columns of some quanta. */
function groupColumns(
  { arrays, layout, rows: all, texts, blockers, documentOffset, documentSize }: TableInput,
  nInputs: Uint32Array,
  rows: Uint32Array,
): ColumnSource[] {
  const { quantumIds, taskLabels, taskIndex, outputStart } = arrays;
  const { numbers } = all;
  const textsOf = (q: number) => texts[all.collector[q] - 1];
  const column = <T>(value: (q: number) => T): T[] => Array.from(rows, value);
  const id = (q: number) => quantumIds.slice(q * UUID_SIZE, (q + 1) * UUID_SIZE);
  const double = (values: Float64Array) =>
    column((q) => Number.isFinite(values[q]) ? values[q] : null);
  const counted = (values: Int32Array, has: (q: number) => boolean) =>
    column((q) => has(q) && values[q] !== NOT_COUNTED ? values[q] : null);
  const dimensions = dimensionColumns({ arrays, layout, textsOf }, rows);
  const data: Record<TableColumnName, unknown[]> = {
    quantum_id: column(id),
    task: column((q) => taskLabels[taskIndex[q]]),
    status: column((q) => attemptStatusName(numbers.status[q])),
    attempts: column((q) => numbers.attempts[q]),
    caveats: column((q) => numbers.caveats[q] < 0 ? null : numbers.caveats[q]),
    exception: column((q) =>
      numbers.exception[q] === 0 ? null : textsOf(q).exceptions[numbers.exception[q] - 1]
    ),
    message: column((q) => {
      if (numbers.exception[q] === 0) return null;
      const start = numbers.messageStart[q];
      return decodeUtf8(textsOf(q).messages.subarray(start, start + numbers.messageSize[q]));
    }),
    start: column((q) => Number.isNaN(numbers.start[q]) ? null : BigInt(numbers.start[q])),
    prep_time: double(numbers.prepTime),
    init_time: double(numbers.initTime),
    run_time: double(numbers.runTime),
    run_time_cpu: double(numbers.cpuTime),
    memory: double(numbers.memory),
    n_inputs: column((q) => nInputs[q]),
    n_outputs: column((q) => outputStart[q + 1] - outputStart[q]),
    n_produced: column((q) => numbers.nProduced[q]),
    blocked_by: column((q) => blockers.first[q] < 0 ? null : id(blockers.first[q])),
    n_blockers: counted(blockers.nBlockers, (q) => blockers.first[q] >= 0),
    n_blocked: counted(blockers.nBlocked, (q) => isBlocking(numbers.status[q])),
    document_offset: column((q) => documentOffset[q]),
    document_size: column((q) => documentSize[q]),
  };
  const byName = new Map<string, unknown[]>([
    ...Object.entries(data),
    [EARLIER_COLUMN.name, column((q) => earlierOf(textsOf(q), q))],
    ...dimensions,
  ]);
  return allColumns(layout).map(({ name, type }): ColumnSource => ({
    name,
    data: byName.get(name)!,
    statistics: STATISTICS.has(name),
    ...(hasDictionary(type) ? {} : { encoding: encodingOf(type) }),
  }));
}

/** Columns of few values, as those of dimensions are, have them in a dictionary. */
function hasDictionary(type: TableColumn["type"]): boolean {
  return type === "string" || type === "int64";
}

/** Differences of long integers would take the writer most of its time, and are not much smaller. */
function encodingOf(type: TableColumn["type"]): "PLAIN" | "DELTA_BINARY_PACKED" {
  return type === "int32" ? "DELTA_BINARY_PACKED" : "PLAIN";
}

/** Values of data IDs by the columns of their dimensions; null where a task hasn't one. */
function dimensionColumns(
  { arrays, layout, textsOf }: Pick<TableInput, "arrays" | "layout"> & {
    textsOf: (q: number) => TableTexts;
  },
  rows: Uint32Array,
): Map<string, unknown[]> {
  const columns = layout.dimensions.map(() => new Array<unknown>(rows.length).fill(null));
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
      columns[numbers[k]][i] = typedValue(value, layout.dimensions[numbers[k]].type);
    });
  });
  return new Map(layout.dimensions.map(({ column }, k) => [column, columns[k]]));
}

function typedValue(value: JsonValue, type: "int" | "string"): unknown {
  if (value === null) return null;
  if (type === "string" && typeof value === "string") return value;
  if (type === "int" && Number.isInteger(value)) return BigInt(value as number);
  throw new SyntaxError("a data ID with a value of another type");
}
