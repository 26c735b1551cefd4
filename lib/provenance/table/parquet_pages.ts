/**
 * Columns of a table as Parquet pages: one page a column and group, after its dictionary if it has one, nothing
 * compressed. The columns come as typed arrays: the package's own writer, whose encodings are used here, takes
 * arrays of objects and brings fifty modules with it, which cost a run of 10,000 quanta more than all its rows.
 *
 * @module
 */

import { ByteWriter } from "hyparquet-writer/src/bytewriter.js";
import { deltaBinaryPack } from "hyparquet-writer/src/delta.js";
import { serializeTCompactProtocol } from "hyparquet-writer/src/thrift.js";
import { encodeUtf8 } from "../../base/json_text.ts";
import { writeHybrid } from "./hybrid_writer.ts";

/** Rows of a column which have one value of few: texts, or integers of 64 bits. */
export interface CodedRows {
  kind: "coded";
  /** For each row a place in `distinct`; -1 for null. */
  codes: Int32Array;
  /** All different, in the order in which they come first. */
  distinct: readonly (string | number)[];
}

/** Values of those rows that have one; integers of 32 bits, of 64 bits, doubles, packed ids. */
interface PlainRows {
  kind: "plain";
  values: Int32Array | BigInt64Array | Float64Array | Uint8Array;
}

/** A column of a group of rows. */
export interface ColumnRows {
  rows: CodedRows | PlainRows;
  /** For each row 1, or 0 for null; null in a column that allows none. */
  levels: Uint8Array | null;
  /** All rows. */
  nRows: number;
}

/** What the end of a file tells of a column of a group, as the numbered fields of Parquet's structures. */
export interface ColumnPlace {
  /** Numbers of {@linkcode Encoding}. */
  encodings: number[];
  /** Bytes from the start of the file. */
  start: number;
  dataPage: number;
  dictionaryPage: number | null;
  size: number;
}

/** Numbers of encodings in Parquet. */
const Encoding = { PLAIN: 0, DELTA_BINARY_PACKED: 5, RLE_DICTIONARY: 8 } as const;

/** Numbers of kinds of pages in Parquet. */
export const PageType = { DICTIONARY: 2, DATA_V2: 3 } as const;

/** Of columns of texts and of long integers at most so many rows are looked at, to see what they are like. */
const SAMPLE_SIZE = 1000;
/** Share of different values in the sample's bytes, from which on a dictionary is not worth its making. */
const MAX_SAMPLE_SHARE = 0.9;
/** Bytes in front of each text. */
const TEXT_PREFIX = 4;
const INT64_SIZE = 8;

/** Appends a column. */
export function writeColumn(writer: ByteWriter, column: ColumnRows): ColumnPlace {
  const start = writer.offset;
  const { rows } = column;
  let dictionaryPage: number | null = null;
  let dataPage: number;
  const encodings: number[] = [];
  if (rows.kind === "coded" && hasDictionary(rows)) {
    dictionaryPage = start;
    encodings.push(Encoding.PLAIN, Encoding.RLE_DICTIONARY);
    writeDictionary(writer, rows.distinct);
    dataPage = writer.offset;
    writeDataPage(writer, column, Encoding.RLE_DICTIONARY, codesPage(rows.codes));
  } else {
    dataPage = start;
    const isDelta = rows.kind === "plain" && rows.values instanceof Int32Array;
    encodings.push(isDelta ? Encoding.DELTA_BINARY_PACKED : Encoding.PLAIN);
    const content = rows.kind === "coded" ? plainPage(rows) : valuesPage(rows.values);
    writeDataPage(writer, column, encodings[0], content);
  }
  return { encodings, start, dataPage, dictionaryPage, size: writer.offset - start };
}

/** Bytes of a value as an estimate: a text's letters count one each. */
function sizeOf(value: string | number): number {
  return typeof value === "string" ? value.length : INT64_SIZE;
}

/** Whether a dictionary halves the bytes: first of a sample, then of all rows. */
function hasDictionary({ codes, distinct }: CodedRows): boolean {
  const prefix = typeof distinct[0] === "string" ? TEXT_PREFIX : 0;
  const nSample = Math.min(codes.length, SAMPLE_SIZE);
  const seen = new Uint8Array(distinct.length);
  let sampleBytes = 0;
  let sampleDistinct = 0;
  for (let i = 0; i < nSample; i++) {
    const at = nSample === 1 ? 0 : Math.floor(i * (codes.length - 1) / (nSample - 1));
    const code = codes[at];
    if (code < 0) continue;
    const size = sizeOf(distinct[code]) + prefix;
    sampleBytes += size;
    if (seen[code] === 0) sampleDistinct += size;
    seen[code] = 1;
  }
  if (sampleBytes === 0 || sampleDistinct / sampleBytes > MAX_SAMPLE_SHARE) return false;
  let plainBytes = 0;
  let nValues = 0;
  for (const code of codes) {
    if (code < 0) continue;
    nValues++;
    plainBytes += sizeOf(distinct[code]) + prefix;
  }
  const width = Math.ceil(Math.log2(distinct.length));
  let bytes = Math.ceil(nValues * width / 8);
  for (const value of distinct) bytes += sizeOf(value) + prefix;
  return 2 * bytes <= plainBytes;
}

function writeDictionary(writer: ByteWriter, distinct: CodedRows["distinct"]): void {
  const content = new ByteWriter();
  for (const value of distinct) appendPlain(content, value);
  const size = content.offset;
  serializeTCompactProtocol(writer, {
    field_1: PageType.DICTIONARY,
    field_2: size,
    field_3: size,
    field_7: { field_1: distinct.length, field_2: Encoding.PLAIN },
  });
  writer.appendBytes(content.getBytes());
}

/** @throws {RangeError} if a number isn't an integer of 64 bits. */
function appendPlain(content: ByteWriter, value: string | number): void {
  if (typeof value === "number") {
    if (value < -(2 ** 63) || value >= 2 ** 63) {
      throw new RangeError(`Cannot write ${value}: it needs more than 64 bits`);
    }
    content.appendInt64(BigInt(value));
    return;
  }
  const bytes = encodeUtf8(value);
  content.appendUint32(bytes.length);
  content.appendBytes(bytes);
}

/** Which of the dictionary's values each row has, of those rows that have one. */
function codesPage(codes: Int32Array): ByteWriter {
  const present = codes.filter((code) => code >= 0);
  let max = 0;
  for (const code of present) if (code > max) max = code;
  const width = Math.ceil(Math.log2(max + 1));
  const content = new ByteWriter();
  content.appendUint8(width);
  writeHybrid(content, present, width);
  return content;
}

function plainPage({ codes, distinct }: CodedRows): ByteWriter {
  const content = new ByteWriter();
  for (const code of codes) if (code >= 0) appendPlain(content, distinct[code]);
  return content;
}

/** Values as they lie in memory, which is little-endian wherever this runs, or the differences of integers. */
function valuesPage(values: PlainRows["values"]): ByteWriter {
  if (values instanceof Int32Array) {
    const content = new ByteWriter();
    deltaBinaryPack(content, values, "INT32");
    return content;
  }
  const content = new ByteWriter(values.byteLength);
  content.appendBytes(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return content;
}

function writeDataPage(
  writer: ByteWriter,
  { levels, nRows }: ColumnRows,
  encoding: number,
  content: ByteWriter,
): void {
  const levelContent = new ByteWriter();
  let nNulls = 0;
  if (levels !== null) {
    writeHybrid(levelContent, levels, 1);
    for (const level of levels) if (level === 0) nNulls++;
  }
  const size = levelContent.offset + content.offset;
  serializeTCompactProtocol(writer, {
    field_1: PageType.DATA_V2,
    field_2: size,
    field_3: size,
    field_8: {
      field_1: nRows,
      field_2: nNulls,
      field_3: nRows,
      field_4: encoding,
      field_5: levelContent.offset,
      field_6: 0,
    },
  });
  writer.appendBytes(levelContent.getBytes());
  writer.appendBytes(content.getBytes());
}
