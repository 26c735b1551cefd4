/**
 * The table of quanta in a graph, read by ranges: the end of the member, then the columns asked for of a
 * row group at a time. Needs neither Deno nor a package: what reads Parquet is handed to the graph.
 *
 * @module
 */

import { readLittleEndian } from "../../base/bytes.ts";
import { UUID_SIZE, uuidToText } from "../../base/uuid.ts";
import { InvalidQuantumGraphFileError } from "../../base/errors.ts";
import { parseJson } from "../../base/json_text.ts";
import type { ParquetCodec, ParquetFile, ParquetMetadata } from "../../codec/parquet.ts";
import type { QuantaTableMember, TabledGraph } from "../../qg/quanta_table_member.ts";
import type { ByteSource } from "../../storage/byte_source.ts";
import {
  type CodedColumn,
  type CodedValue,
  type ColumnForm,
  type ColumnValues,
  decodeColumn,
  type IdColumn,
  type NumberColumn,
  valuesOf,
} from "./column_values.ts";
import {
  EARLIER_COLUMN,
  ORIGIN_KEY,
  TABLE_COLUMNS,
  TABLE_VERSION,
  type TableColumn,
  type TableDimension,
  type TableOrigin,
} from "./table_columns.ts";
import type { TableType } from "./table_type.ts";

/** Bytes read first, from the end of the member: the description of most tables. */
const TAIL_SIZE = 1 << 16;
/** Longest description that is read: that of a thousand groups of a hundred columns. */
const MAX_FOOTER = 1 << 25;
/** Most rows of a group, for what was written by somebody else. */
const MAX_GROUP = 1 << 20;

/** Values of some columns, for consecutive rows. */
export interface TableBatch {
  /** Number of the first row. */
  start: number;
  nRows: number;
  /**
   * By column. Strings, numbers, `bigint` for int64 and for times (microseconds), ids as 16 bytes;
   * null or undefined where there is none.
   */
  columns: Record<string, ArrayLike<unknown>>;
}

/** Values of some columns for consecutive rows, in typed arrays. */
export class ValuesBatch {
  /** Number of the first row. */
  readonly start: number;
  readonly nRows: number;
  readonly #columns: ReadonlyMap<string, ColumnValues>;

  constructor(start: number, nRows: number, columns: ReadonlyMap<string, ColumnValues>) {
    this.start = start;
    this.nRows = nRows;
    this.#columns = columns;
  }

  /**
   * Gives the memory of all columns back, for those who are done with them: left to the collector, that of
   * many batches would be in use at a time. Nothing of the batch can be read any more.
   */
  release(): void {
    for (const column of this.#columns.values()) {
      const arrays = column.kind === "coded"
        ? [column.codes]
        : column.kind === "ids"
        ? [column.bytes, column.at]
        : [column.numbers];
      for (const { buffer } of arrays) if (buffer instanceof ArrayBuffer) buffer.transfer(0);
    }
  }

  /** Whether a column was read. */
  has(name: string): boolean {
    return this.#columns.has(name);
  }

  /** A column of texts, or of a dimension. @throws {RangeError} if it is another one, or wasn't read. */
  coded(name: string): CodedColumn {
    const column = this.#columns.get(name);
    if (column?.kind === "coded") return column;
    throw new RangeError(`Cannot read column "${name}" as one of few values`);
  }

  /** A column of numbers or times. @throws {RangeError} likewise. */
  numbers(name: string): NumberColumn["numbers"] {
    const column = this.#columns.get(name);
    if (column?.kind === "numbers") return column.numbers;
    throw new RangeError(`Cannot read column "${name}" as numbers`);
  }

  /** What gives the value of a row, of any column: ids as text; undefined for a column that wasn't read. */
  value(name: string): (row: number) => CodedValue | undefined {
    const column = this.#columns.get(name);
    switch (column?.kind) {
      case "coded":
        return (row) => column.values[column.codes[row]];
      case "numbers":
        return (row) => Number.isNaN(column.numbers[row]) ? null : column.numbers[row];
      case "ids":
        return (row) => {
          const at = column.at[row];
          return at < 0 ? null : uuidToText(column.bytes.subarray(at, at + UUID_SIZE));
        };
      default:
        return () => undefined;
    }
  }

  /** A column of ids. @throws {RangeError} likewise. */
  ids(name: string): IdColumn {
    const column = this.#columns.get(name);
    if (column?.kind === "ids") return column;
    throw new RangeError(`Cannot read column "${name}" as ids`);
  }
}

/** Consecutive rows that are stored together. */
export interface TableGroup {
  /** Its number. */
  index: number;
  start: number;
  nRows: number;
  /** Least and greatest task and status, by code units; null where that isn't told. */
  ranges: Record<"task" | "status", [least: string, greatest: string] | null>;
}

/** An open table. It reads from the graph's source, which is the graph's to close. */
export class QuantaTable {
  readonly nRows: number;
  readonly dimensions: readonly TableDimension[];
  readonly groups: readonly TableGroup[];
  readonly #name: string;
  readonly #parquet: ParquetCodec;
  readonly #file: ParquetFile;
  readonly #metadata: ParquetMetadata;
  readonly #columns: ReadonlySet<string>;

  private constructor(
    { parquet, source }: QuantaTableMember,
    file: ParquetFile,
    metadata: ParquetMetadata,
    dimensions: readonly TableDimension[],
  ) {
    this.#name = source.name;
    this.#parquet = parquet;
    this.#file = file;
    this.#metadata = metadata;
    this.dimensions = dimensions;
    this.nRows = Number(metadata.num_rows);
    this.#columns = new Set(metadata.schema.slice(1).map(({ name }) => name));
    this.groups = groupsOf(metadata);
  }

  /**
   * The table of a graph; null if it has none that counts: of another version, of other blocks than those
   * in the graph, or damaged where it describes itself. Then one passes over the blocks. Reads the end of
   * the member.
   */
  static async open(graph: TabledGraph): Promise<QuantaTable | null> {
    const member = await graph.quantaTable();
    if (member === null) return null;
    const { source, parquet } = member;
    const file = await openParquet(source);
    if (file === null) return null;
    let metadata: ParquetMetadata;
    try {
      metadata = await parquet.parquetMetadataAsync(file, { initialFetchSize: TAIL_SIZE });
    } catch (error) {
      if (error instanceof InvalidQuantumGraphFileError) throw error;
      return null;
    }
    const origin = originOf(metadata);
    const counts = origin !== null && origin.version === TABLE_VERSION &&
      origin.quanta.size === member.quanta.size && origin.quanta.crc32 === member.quanta.crc32 &&
      Number(metadata.num_rows) === graph.header.n_quanta && isReadable(metadata, origin);
    return counts ? new QuantaTable(member, file, metadata, origin.dimensions) : null;
  }

  /** Column of a dimension; null if no task has it. */
  dimensionColumn(name: string): string | null {
    return this.dimensions.find((dimension) => dimension.name === name)?.column ?? null;
  }

  /** Whether it tells of attempts before the last. Tables of earlier releases don't. */
  get hasEarlierAttempts(): boolean {
    const { name } = EARLIER_COLUMN;
    return this.#columns.has(name) && this.dimensions.every(({ column }) => column !== name);
  }

  /** Those of some columns that the table has. */
  known(columns: Iterable<string>): string[] {
    return [...columns].filter((name) => this.#columns.has(name));
  }

  /**
   * Reads columns, a group at a time. Memory: those of one group.
   *
   * @param wants Whether a group is wanted; all are by default.
   * @throws {InvalidQuantumGraphFileError} if the table is damaged.
   */
  async *read(
    columns: readonly string[],
    wants: (group: TableGroup) => boolean = () => true,
  ): AsyncGenerator<TableBatch> {
    const unknown = columns.find((name) => !this.#columns.has(name));
    if (unknown !== undefined) throw new RangeError(`Cannot read column "${unknown}"`);
    for (const group of this.groups) {
      if (group.nRows > 0 && wants(group)) yield await this.#readGroup(columns, group);
    }
  }

  /**
   * Reads columns as {@linkcode QuantaTable.read} does, into typed arrays.
   *
   * @throws {InvalidQuantumGraphFileError} if the table is damaged.
   */
  async *readValues(
    columns: readonly string[],
    wants: (group: TableGroup) => boolean = () => true,
  ): AsyncGenerator<ValuesBatch> {
    for (const group of this.groups) {
      if (group.nRows === 0 || !wants(group)) continue;
      const values = await this.#decoded(columns, group);
      const others = columns.filter((name) => !values.has(name));
      if (others.length > 0) {
        const batch = await this.#readGroup(others, group);
        for (const name of others) {
          values.set(name, valuesOf(batch.columns[name], this.#typeOf(name)));
        }
      }
      yield new ValuesBatch(group.start, group.nRows, values);
    }
  }

  /** The columns of a group that are written as this tool writes them; neighbours are read at once. */
  async #decoded(
    columns: readonly string[],
    { index, nRows }: TableGroup,
  ): Promise<Map<string, ColumnValues>> {
    const chunks = columnChunks(this.#metadata, index, new Set(columns), this.#file.byteLength)
      .sort((a, b) => a.start - b.start);
    const values = new Map<string, ColumnValues>();
    for (let first = 0; first < chunks.length;) {
      let next = first + 1;
      let { end } = chunks[first];
      for (; next < chunks.length && chunks[next].start - end <= MAX_GAP; next++) {
        end = Math.max(end, chunks[next].end);
      }
      const from = chunks[first].start;
      const bytes = new Uint8Array(await this.#file.slice(from, end));
      for (; first < next; first++) {
        const { name, isNullable, physicalType, start, end } = chunks[first];
        const form: ColumnForm = { name, type: this.#typeOf(name), isNullable, nRows };
        if (PHYSICAL_TYPES[form.type] !== physicalType) continue;
        const found = this.#checked(() =>
          decodeColumn(this.#parquet, bytes.subarray(start - from, end - from), form)
        );
        if (found !== null) values.set(name, found);
      }
      // Left to the collector, those of several groups would be in memory at a time.
      bytes.buffer.transfer(0);
    }
    return values;
  }

  #typeOf(name: string): TableType {
    const column = TABLE_COLUMNS.find((known) => known.name === name);
    if (column !== undefined) return column.type;
    if (name === EARLIER_COLUMN.name && this.hasEarlierAttempts) return EARLIER_COLUMN.type;
    const dimension = this.dimensions.find((known) => known.column === name);
    if (dimension === undefined) throw new RangeError(`Cannot read column "${name}"`);
    return dimension.type === "int" ? "int64" : "string";
  }

  /** @throws {InvalidQuantumGraphFileError} for whatever goes wrong. */
  #checked<T>(body: () => T): T {
    try {
      return body();
    } catch (cause) {
      throw this.#damaged(cause);
    }
  }

  #damaged(cause: unknown): Error {
    if (cause instanceof InvalidQuantumGraphFileError) return cause;
    return new InvalidQuantumGraphFileError(
      `Cannot read "${this.#name}": it is damaged: ${(cause as Error).message}`,
      { cause, hint: "provgraph check FILE tells what else is damaged" },
    );
  }

  async #readGroup(columns: readonly string[], { start, nRows }: TableGroup): Promise<TableBatch> {
    const read: Record<string, ArrayLike<unknown>> = Object.create(null);
    try {
      await this.#parquet.parquetRead({
        file: this.#file,
        metadata: this.#metadata,
        columns: [...columns],
        rowStart: start,
        rowEnd: start + nRows,
        onChunk: ({ columnName, columnData, rowStart }) => {
          const before = read[columnName];
          if (before === undefined && rowStart === start) read[columnName] = columnData;
          else read[columnName] = [...Array.from(before ?? []), ...Array.from(columnData)];
        },
        parsers: {
          uuidFromBytes: (bytes) => bytes,
          timestampFromMicroseconds: (micros) => micros,
        },
      });
      for (const name of columns) {
        if (read[name]?.length !== nRows) throw new Error(`column ${name} is too short`);
      }
    } catch (cause) {
      throw this.#damaged(cause);
    }
    return { start, nRows, columns: read };
  }
}

/** How each type is stored. */
const PHYSICAL_TYPES: Record<TableType, string> = {
  id: "FIXED_LEN_BYTE_ARRAY",
  string: "BYTE_ARRAY",
  int32: "INT32",
  int64: "INT64",
  double: "DOUBLE",
  time: "INT64",
};
/** Bytes between columns that are read rather than asked for twice. */
const MAX_GAP = 1 << 15;

/** Where a column of a group is. */
interface ColumnChunk {
  name: string;
  isNullable: boolean;
  physicalType: string;
  start: number;
  end: number;
}

/** Those columns of a group whose place is one that the file has. */
function columnChunks(
  { row_groups, schema }: ParquetMetadata,
  group: number,
  names: ReadonlySet<string>,
  fileSize: number,
): ColumnChunk[] {
  const chunks: ColumnChunk[] = [];
  for (const { meta_data } of row_groups[group].columns) {
    const name = meta_data?.path_in_schema[0];
    if (meta_data === undefined || name === undefined || !names.has(name)) continue;
    const element = schema.find((candidate) => candidate.name === name)!;
    const { dictionary_page_offset, data_page_offset, total_compressed_size } = meta_data;
    const start = Number(dictionary_page_offset ?? data_page_offset);
    const end = start + Number(total_compressed_size);
    const isId = meta_data.type !== "FIXED_LEN_BYTE_ARRAY" || element.type_length === UUID_SIZE;
    if (!(start >= 0 && start < end && end <= fileSize && isId)) continue;
    const isNullable = element.repetition_type === "OPTIONAL";
    chunks.push({ name, isNullable, physicalType: meta_data.type, start, end });
  }
  return chunks;
}

/** The source with its end at hand; null if the description there is too long, or there is none. */
async function openParquet(source: ByteSource): Promise<ParquetFile | null> {
  const tailStart = Math.max(0, source.size - TAIL_SIZE);
  const tail = await source.read(tailStart, source.size - tailStart);
  if (tail.length < 12) return null;
  if (readLittleEndian(tail, tail.length - 8, 4) > MAX_FOOTER) return null;
  return {
    byteLength: source.size,
    slice: async (startByte, endByte = source.size) => {
      const bytes = startByte >= tailStart
        ? tail.slice(startByte - tailStart, endByte - tailStart)
        : await source.read(startByte, endByte - startByte);
      const isWhole = bytes.byteOffset === 0 && bytes.length === bytes.buffer.byteLength;
      return (isWhole ? bytes.buffer : bytes.slice().buffer) as ArrayBuffer;
    },
  };
}

function originOf(metadata: ParquetMetadata): TableOrigin | null {
  const text = metadata.key_value_metadata?.find(({ key }) => key === ORIGIN_KEY)?.value;
  if (text === undefined) return null;
  let value: unknown;
  try {
    value = parseJson(text);
  } catch {
    return null;
  }
  const origin = value as Partial<TableOrigin> | null;
  const isOrigin = typeof origin?.version === "number" && typeof origin.quanta?.size === "number" &&
    typeof origin.quanta.crc32 === "number" && Array.isArray(origin.dimensions) &&
    origin.dimensions.every((dimension) =>
      typeof dimension?.name === "string" && typeof dimension.column === "string" &&
      (dimension.type === "int" || dimension.type === "string")
    );
  return isOrigin ? origin as TableOrigin : null;
}

/** Whether all columns are there, as they are written: not compressed, in groups of bounded size. */
function isReadable(metadata: ParquetMetadata, { dimensions }: TableOrigin): boolean {
  const columns = new Set(metadata.schema.slice(1).map(({ name }) => name));
  const wanted: readonly Pick<TableColumn, "name">[] = TABLE_COLUMNS;
  return wanted.every(({ name }) => columns.has(name)) &&
    dimensions.every(({ column }) => columns.has(column)) &&
    metadata.row_groups.every((group) =>
      Number(group.num_rows) <= MAX_GROUP && group.columns.length === columns.size &&
      group.columns.every((column) => column.meta_data?.codec === "UNCOMPRESSED")
    );
}

/** Beyond it, code units and code points stand in another order. */
const SURROGATES = /[\ud800-\uffff]/;

/** Whether a group may have a row with one of these values: no only if that is certain. */
export function mayHave(
  { ranges }: TableGroup,
  column: "task" | "status",
  values: readonly string[],
): boolean {
  const range = ranges[column];
  if (range === null || [...range, ...values].some((text) => SURROGATES.test(text))) return true;
  return values.some((value) => range[0] <= value && value <= range[1]);
}

function groupsOf(metadata: ParquetMetadata): TableGroup[] {
  let start = 0;
  return metadata.row_groups.map(({ num_rows, columns }, index) => {
    const nRows = Number(num_rows);
    const range = (name: string): [string, string] | null => {
      const column = columns.find((candidate) => candidate.meta_data?.path_in_schema[0] === name);
      const { min_value, max_value } = column?.meta_data?.statistics ?? {};
      return typeof min_value === "string" && typeof max_value === "string"
        ? [min_value, max_value]
        : null;
    };
    const group = { index, start, nRows, ranges: { task: range("task"), status: range("status") } };
    start += nRows;
    return group;
  });
}
