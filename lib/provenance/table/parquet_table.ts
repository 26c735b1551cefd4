/**
 * A Parquet file that is written a group of rows at a time: what stands around the pages of
 * `parquet_pages.ts`. Field numbers are those of the format's `parquet.thrift`.
 *
 * @module
 */

import { ByteWriter } from "hyparquet-writer/src/bytewriter.js";
import { serializeTCompactProtocol } from "hyparquet-writer/src/thrift.js";
import { encodeUtf8 } from "../../base/json_text.ts";
import { UUID_SIZE } from "../../base/uuid.ts";
import { type ColumnPlace, type ColumnRows, PageType, writeColumn } from "./parquet_pages.ts";
import type { TableColumn } from "./table_columns.ts";
import type { TableType } from "./table_type.ts";

/** "PAR1", at the start and at the end. */
const MAGIC = 0x31524150;

const PhysicalType = { INT32: 1, INT64: 2, DOUBLE: 5, BYTE_ARRAY: 6, FIXED: 7 } as const;

const PHYSICAL_TYPES: Record<TableType, number> = {
  id: PhysicalType.FIXED,
  string: PhysicalType.BYTE_ARRAY,
  int32: PhysicalType.INT32,
  int64: PhysicalType.INT64,
  double: PhysicalType.DOUBLE,
  time: PhysicalType.INT64,
};

/** Of `ConvertedType`, what readers before logical types know. */
const UTF8 = 0;
const TIMESTAMP_MICROS = 10;

/** A structure for the package: fields by number; those that are undefined are left out. */
type Fields = { [key: `field_${number}`]: unknown };

/** Writes one file. */
export class ParquetTable {
  readonly #columns: readonly TableColumn[];
  readonly #ranged: ReadonlySet<string>;
  readonly #emit: (bytes: Uint8Array) => void;
  readonly #writer = new ByteWriter(1 << 16);
  readonly #groups: Fields[] = [];
  #nRows = 0;

  /**
   * @param ranged Columns of texts without null whose least and greatest value are told, for readers that
   *   skip groups by them.
   * @param emit Takes the bytes in their order; they are dead when it returns.
   */
  constructor(
    columns: readonly TableColumn[],
    ranged: ReadonlySet<string>,
    emit: (bytes: Uint8Array) => void,
  ) {
    this.#columns = columns;
    this.#ranged = ranged;
    this.#emit = emit;
    this.#writer.appendUint32(MAGIC);
  }

  /** Writes a group of rows: all columns, in their order. */
  write(nRows: number, columns: readonly ColumnRows[]): void {
    const start = this.#writer.offset;
    const chunks = columns.map((column, i) => {
      const place = writeColumn(this.#writer, column);
      return { field_2: BigInt(place.start), field_3: this.#columnFields(i, column, place) };
    });
    const size = BigInt(this.#writer.offset - start);
    this.#groups.push({ field_1: chunks, field_2: size, field_3: BigInt(nRows), field_6: size });
    this.#nRows += nRows;
    this.#flush();
  }

  #columnFields(i: number, { rows, nRows }: ColumnRows, place: ColumnPlace): Fields {
    const { name, type } = this.#columns[i];
    const size = BigInt(place.size);
    const isRanged = this.#ranged.has(name) && rows.kind === "coded";
    return {
      field_1: PHYSICAL_TYPES[type],
      field_2: place.encodings,
      field_3: [name],
      field_4: 0, // uncompressed
      field_5: BigInt(nRows),
      field_6: size,
      field_7: size,
      field_9: BigInt(place.dataPage),
      field_11: place.dictionaryPage === null ? undefined : BigInt(place.dictionaryPage),
      field_12: isRanged ? rangeFields(rows.distinct) : undefined,
      field_13: isRanged ? pageCounts(place) : undefined,
    };
  }

  /** Writes the end, with a text that readers find under a key. */
  finish(key: string, value: string): void {
    const writer = this.#writer;
    const start = writer.offset;
    const columns = this.#columns;
    serializeTCompactProtocol(writer, {
      field_1: 2, // version
      field_2: [{ field_4: "quanta", field_5: columns.length }, ...columns.map(schemaFields)],
      field_3: BigInt(this.#nRows),
      field_4: this.#groups,
      field_5: [{ field_1: key, field_2: value }],
      field_6: "provgraph",
      field_7: columns.map(() => ({ field_1: {} })), // ordered as their types are
    });
    writer.appendUint32(writer.offset - start);
    writer.appendUint32(MAGIC);
    this.#flush();
  }

  #flush(): void {
    this.#emit(this.#writer.getBytes());
    this.#writer.index = 0;
  }
}

function schemaFields({ name, type, isNullable }: TableColumn): Fields {
  return {
    field_1: PHYSICAL_TYPES[type],
    field_2: type === "id" ? UUID_SIZE : undefined,
    field_3: isNullable ? 1 : 0,
    field_4: name,
    field_6: type === "string" ? UTF8 : type === "time" ? TIMESTAMP_MICROS : undefined,
    field_10: logicalType(type),
  };
}

function logicalType(type: TableType): Fields | undefined {
  if (type === "id") return { field_14: {} };
  if (type !== "time") return undefined;
  return { field_8: { field_1: true, /* UTC */ field_2: { field_2: {} /* microseconds */ } } };
}

/** Least and greatest of some texts, by their bytes in UTF-8. */
function rangeFields(distinct: readonly (string | number)[]): Fields {
  const texts = distinct.map((value) => encodeUtf8(String(value))).sort(compareBytes);
  return { field_3: 0n, field_5: texts.at(-1), field_6: texts[0] };
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return a.length - b.length;
}

/** How many pages there are of each kind and encoding. */
function pageCounts({ encodings }: ColumnPlace): Fields[] {
  return encodings.map((encoding, i) => ({
    field_1: i === encodings.length - 1 ? PageType.DATA_V2 : PageType.DICTIONARY,
    field_2: encoding,
    field_3: 1,
  }));
}
