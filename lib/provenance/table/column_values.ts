/**
 * Columns of a table of quanta as typed arrays: no object is made of any row. Of a million rows that is what
 * takes the time.
 *
 * @module
 */

import { UUID_SIZE } from "../../base/uuid.ts";
import type { ParquetCodec, ParquetPageHeader, ParquetReader } from "../../codec/parquet.ts";
import { IntegerNumbers } from "./integer_numbers.ts";
import { MAX_WIDTH, readDeltas, readHybrid } from "./packed_values.ts";
import type { TableType } from "./table_type.ts";

/** Text, or integer of a dimension: a number where that is exact. */
export type CodedValue = string | number | bigint | null;

/** A column of few different values. */
export interface CodedColumn {
  kind: "coded";
  /** For each row a place in `values`. */
  codes: Uint32Array;
  /** The last one is null. */
  values: readonly CodedValue[];
}

/** A column of numbers, times in microseconds; NaN for null. */
export interface NumberColumn {
  kind: "numbers";
  numbers: Float64Array | Int32Array;
}

/** A column of ids. */
export interface IdColumn {
  kind: "ids";
  /** Packed. */
  bytes: Uint8Array;
  /** Where the id of a row begins; -1 for null. */
  at: Int32Array;
}

/** One of these. */
export type ColumnValues = CodedColumn | NumberColumn | IdColumn;

/** What is known of a column before it is read. */
export interface ColumnForm {
  name: string;
  type: TableType;
  isNullable: boolean;
  nRows: number;
}

/** A page, its header read. */
interface Page {
  header: NonNullable<ParquetPageHeader["data_page_header_v2"]>;
  /** Behind the levels. */
  reader: ParquetReader;
  /** Whether each row has a value; null if all have. */
  has: Uint8Array | null;
}

const decoder = new TextDecoder();

/**
 * Decodes a column as this tool writes it: perhaps a dictionary, then one page. Keeps nothing of the bytes.
 *
 * @param bytes All of the column's bytes in a group.
 * @returns null if it is written in another way.
 * @throws {Error} if it is damaged.
 */
export function decodeColumn(
  parquet: ParquetCodec,
  bytes: Uint8Array<ArrayBuffer>,
  form: ColumnForm,
): ColumnValues | null {
  const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), offset: 0 };
  let header = parquet.readPageHeader(reader);
  let dictionary: CodedValue[] | null = null;
  if (header.type === "DICTIONARY_PAGE") {
    const end = reader.offset + header.compressed_page_size;
    const n = header.dictionary_page_header?.num_values ?? 0;
    dictionary = readDictionary(part(bytes, reader.offset, end), form.type, n);
    if (dictionary === null) return null;
    reader.offset = end;
    header = parquet.readPageHeader(reader);
  }
  const page = readPage(bytes, reader, header, form);
  if (page === null) return null;
  const isCoded = page.header.encoding === "RLE_DICTIONARY";
  if (dictionary !== null && isCoded) return readCodes(page, dictionary, form.nRows);
  if (isCoded) return null;
  switch (form.type) {
    case "id":
      return page.header.encoding === "PLAIN" ? readIds(page, form.nRows) : null;
    case "string":
      return page.header.encoding === "PLAIN" ? readStrings(page, form.nRows) : null;
    case "int64":
      return page.header.encoding === "PLAIN" ? readIntegers(page, form.nRows) : null;
    default: {
      const numbers = readNumbers(page, form.type);
      return numbers && { kind: "numbers", numbers };
    }
  }
}

function part(bytes: Uint8Array<ArrayBuffer>, start: number, end: number) {
  if (end > bytes.length) throw new Error("a page reaches beyond its column");
  return bytes.subarray(start, end);
}

/** Null if the page isn't the only one, or not of this version. */
function readPage(
  bytes: Uint8Array<ArrayBuffer>,
  { offset }: ParquetReader,
  { type, compressed_page_size: size, data_page_header_v2: header }: ParquetPageHeader,
  { isNullable, nRows }: ColumnForm,
): Page | null {
  if (type !== "DATA_PAGE_V2" || header === undefined || header.num_values !== nRows) return null;
  const content = part(bytes, offset, offset + size);
  const view = new DataView(content.buffer, content.byteOffset, content.length);
  const reader = { view, offset: header.repetition_levels_byte_length };
  const nLevels = header.definition_levels_byte_length;
  let has: Uint8Array | null = null;
  if (isNullable && header.num_nulls > 0) {
    has = new Uint8Array(nRows);
    const start = header.repetition_levels_byte_length;
    if (header.num_nulls < nRows) readHybrid(part(content, start, start + nLevels), 1, has);
  }
  reader.offset = header.repetition_levels_byte_length + nLevels;
  return { header, reader, has };
}

/** Texts that stand one after another, each behind its length. */
function textsOf(view: DataView, offset: number, n: number): string[] {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  // Decoded at once, which is ten times as quick; the places fit if every byte has become one letter.
  const whole = decoder.decode(bytes);
  const isPlain = whole.length === bytes.length;
  const texts = new Array<string>(n);
  for (let i = 0; i < n; i++) {
    const start = offset + 4;
    const end = start + view.getUint32(offset, true);
    if (end > bytes.length) throw new Error("a text reaches beyond its page");
    texts[i] = isPlain ? whole.slice(start, end) : decoder.decode(bytes.subarray(start, end));
    offset = end;
  }
  return texts;
}

function readDictionary(
  bytes: Uint8Array<ArrayBuffer>,
  type: TableType,
  n: number,
): CodedValue[] | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (type === "string") return textsOf(view, 0, n);
  if (type !== "int64") return null;
  return Array.from({ length: n }, (_, i) => plainInteger(view.getBigInt64(8 * i, true)));
}

/** As documents have it: a number where that is exact. */
function plainInteger(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** Null if codes are wider than any of ours. */
function readCodes(
  { header, reader, has }: Page,
  values: CodedValue[],
  nRows: number,
): CodedColumn | null {
  const nValues = nRows - header.num_nulls;
  const nullCode = values.length;
  const coded = (codes: Uint32Array): CodedColumn => ({
    kind: "coded",
    codes,
    values: [...values, null],
  });
  const present = new Uint32Array(nValues);
  if (nValues === 0) return coded(withNulls(present, has, nullCode));
  const width = reader.view.getUint8(reader.offset++);
  if (width > MAX_WIDTH) return null;
  if (width > 0) readHybrid(bytesBehind(reader), width, present);
  // Of as many bits all codes have a value.
  if (2 ** width > nullCode) checkCodes(present, nullCode);
  return coded(withNulls(present, has, nullCode));
}

/** @throws {Error} if a code is none of so many values. */
function checkCodes(codes: Uint32Array, nValues: number): void {
  let greatest = 0;
  for (let i = 0; i < codes.length; i++) if (codes[i] > greatest) greatest = codes[i];
  if (greatest >= nValues) throw new Error("a value that its dictionary doesn't have");
}

/** What stands behind the place of a reader. */
function bytesBehind({ view, offset }: ParquetReader): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + offset, view.byteLength - offset);
}

/** Texts without a dictionary: each is a value of its own. */
function readStrings({ header, reader, has }: Page, nRows: number): CodedColumn {
  const nValues = nRows - header.num_nulls;
  const values: CodedValue[] = textsOf(reader.view, reader.offset, nValues);
  const codes = new Uint32Array(nRows);
  for (let i = 0, next = 0; i < nRows; i++) {
    codes[i] = has === null || has[i] === 1 ? next++ : nValues;
  }
  return { kind: "coded", codes, values: [...values, null] };
}

/** Integers without a dictionary. */
function readIntegers({ header, reader, has }: Page, nRows: number): CodedColumn {
  const { view, offset } = reader;
  const nValues = nRows - header.num_nulls;
  if (offset + 8 * nValues > view.byteLength) throw new Error("integers reach beyond their page");
  const start = view.byteOffset + offset;
  const content = view.buffer.slice(start, start + 8 * nValues);
  const { codes, values } = numberIntegers(content);
  return { kind: "coded", codes: withNulls(codes, has, values.length), values: [...values, null] };
}

/** Numbers little-endian integers of 64 bits in the order in which they are met. */
function numberIntegers(content: ArrayBufferLike): { codes: Uint32Array; values: CodedValue[] } {
  const halves = new Int32Array(content);
  const n = halves.length / 2;
  const numbers = new IntegerNumbers();
  const long = new Map<bigint, number>();
  const values: CodedValue[] = [];
  const numberOf = (low: number, high: number): number => {
    const isExact = high >= -SAFE_HIGH && high < SAFE_HIGH;
    const value = isExact ? high * 2 ** 32 + (low >>> 0) : BigInt(high) << 32n | BigInt(low >>> 0);
    const next = values.length;
    const number = typeof value === "number" ? numbers.of(value, next) : long.get(value) ?? next;
    if (number < next) return number;
    if (typeof value === "bigint") long.set(value, next);
    values.push(value);
    return next;
  };
  const codes = new Uint32Array(n);
  let [low, high, code] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    // Neighbours mostly agree.
    if (i === 0 || halves[2 * i] !== low || halves[2 * i + 1] !== high) {
      low = halves[2 * i];
      high = halves[2 * i + 1];
      code = numberOf(low, high);
    }
    codes[i] = code;
  }
  return { codes, values };
}

/** High halves of integers that are exact as numbers. */
const SAFE_HIGH = 2 ** 21;

/** A code for each row: that of null where it has no value. */
function withNulls(codes: Uint32Array, has: Uint8Array | null, nullCode: number): Uint32Array {
  if (has === null) return codes;
  const all = new Uint32Array(has.length);
  if (nullCode > 0) all.fill(nullCode);
  if (isMostlyRuns(codes.length, has.length)) copyRuns(all, codes, has);
  else {
    for (let row = 0, next = 0; row < all.length; row++) {
      if (has[row] === 1) all[row] = codes[next++];
    }
  }
  return all;
}

/** Whether rows with a value, or without one, are so few that most stand together. */
function isMostlyRuns(nValues: number, nRows: number): boolean {
  return Math.min(nValues, nRows - nValues) * ROWS_OF_A_RUN < nRows;
}

/** As many rows are copied one by one in the time that a run of them takes. */
const ROWS_OF_A_RUN = 32;

/** Puts values into the rows that have one, those that stand together at once. */
function copyRuns(
  all: Float64Array | Uint32Array,
  values: Float64Array | Int32Array | Uint32Array,
  has: Uint8Array,
): void {
  for (let row = 0, next = 0; row < has.length;) {
    const from = has.indexOf(1, row);
    if (from < 0) break;
    const to = has.indexOf(0, from);
    row = to < 0 ? has.length : to;
    all.set(values.subarray(next, next + row - from), from);
    next += row - from;
  }
}

function readIds({ header, reader, has }: Page, nRows: number): IdColumn {
  const { view, offset } = reader;
  const length = (nRows - header.num_nulls) * UUID_SIZE;
  if (offset + length > view.byteLength) throw new Error("ids reach beyond their page");
  const bytes = new Uint8Array(view.buffer, view.byteOffset + offset, length).slice();
  const at = new Int32Array(nRows);
  if (has === null) {
    for (let i = 0; i < nRows; i++) at[i] = i * UUID_SIZE;
    return { kind: "ids", bytes, at };
  }
  for (let i = 0, next = 0; i < nRows; i++) {
    if (has[i] === 0) at[i] = -1;
    else {
      at[i] = next;
      next += UUID_SIZE;
    }
  }
  return { kind: "ids", bytes, at };
}

/** A number for each row, NaN without a value; null for an encoding or a type that isn't ours. */
function readNumbers(
  { header, reader, has }: Page,
  type: TableType,
): Float64Array | Int32Array | null {
  const n = header.num_values - header.num_nulls;
  if (header.encoding === "DELTA_BINARY_PACKED" && type === "int32") {
    const integers = new Int32Array(n);
    if (!readDeltas(bytesBehind(reader), integers)) return null;
    return has === null ? integers : spread(integers, has);
  }
  if (header.encoding !== "PLAIN") return null;
  const { view, offset } = reader;
  if (view.byteLength - offset < n * (type === "int32" ? 4 : 8)) {
    throw new Error("a page is too short");
  }
  if (type === "int32") {
    const integers = Int32Array.from({ length: n }, (_, i) => view.getInt32(offset + 4 * i, true));
    return has === null ? integers : spread(integers, has);
  }
  return type === "double"
    ? readDoubles(bytesBehind(reader).subarray(0, 8 * n), header.num_values, has)
    : readTimes(reader, header.num_values, has);
}

/** Doubles from wherever they stand. */
function readDoubles(bytes: Uint8Array, nRows: number, has: Uint8Array | null): Float64Array {
  const isWhole = has === null || !isMostlyRuns(bytes.length / 8, nRows);
  const numbers = new Float64Array(isWhole ? bytes.length / 8 : nRows);
  const target = new Uint8Array(numbers.buffer);
  if (isWhole) {
    target.set(bytes);
    return has === null ? numbers : spread(numbers, has);
  }
  let next = 0;
  for (let row = 0; row < nRows;) {
    const found = has.indexOf(1, row);
    const from = found < 0 ? nRows : found;
    numbers.fill(NaN, row, from);
    const end = has.indexOf(0, from);
    row = end < 0 ? nRows : end;
    const size = 8 * (row - from);
    target.set(bytes.subarray(next, next + size), 8 * from);
    next += size;
  }
  if (next !== bytes.length) throw new Error("levels that don't fit the values");
  return numbers;
}

/** Integers of 64 bits, which are exact up to 2^53 as times are. */
function readTimes(
  { view, offset }: ParquetReader,
  nRows: number,
  has: Uint8Array | null,
): Float64Array {
  const start = view.byteOffset + offset;
  const nBytes = (view.byteLength - offset) & ~7;
  const content = view.buffer.slice(start, start + nBytes);
  const numbers = new Float64Array(content);
  // Little-endian: the low half of an integer first; each is replaced by its number.
  const halves = new Int32Array(content);
  for (let i = 0; i < numbers.length; i++) {
    numbers[i] = halves[2 * i + 1] * 2 ** 32 + (halves[2 * i] >>> 0);
  }
  if (has === null) return numbers.length === nRows ? numbers : numbers.subarray(0, nRows);
  return spread(numbers, has);
}

/** One number for each row, NaN without a value. */
function spread(numbers: Float64Array | Int32Array, has: Uint8Array): Float64Array {
  const all = new Float64Array(has.length).fill(NaN);
  if (isMostlyRuns(numbers.length, has.length)) copyRuns(all, numbers, has);
  else {
    for (let row = 0, next = 0; row < all.length; row++) {
      if (has[row] === 1) all[row] = numbers[next++];
    }
  }
  return all;
}

/** The same of values that came one by one. */
export function valuesOf(values: ArrayLike<unknown>, type: TableType): ColumnValues {
  const n = values.length;
  if (type === "id") {
    const bytes = new Uint8Array(n * UUID_SIZE);
    const at = new Int32Array(n);
    for (let i = 0; i < n; i++) {
      const id = values[i] as Uint8Array | null | undefined;
      at[i] = id == null ? -1 : i * UUID_SIZE;
      if (id != null) bytes.set(id, at[i]);
    }
    return { kind: "ids", bytes, at };
  }
  if (type !== "string" && type !== "int64") {
    return {
      kind: "numbers",
      numbers: Float64Array.from(values, (value) => value == null ? NaN : Number(value)),
    };
  }
  const codeOf = new Map<unknown, number>();
  const distinct: CodedValue[] = [];
  const codes = new Uint32Array(n);
  for (let i = 0; i < n; i++) {
    const value = values[i] ?? null;
    let code = codeOf.get(value);
    if (code === undefined && value !== null) {
      codeOf.set(value, code = distinct.length);
      distinct.push(typeof value === "bigint" ? plainInteger(value) : value as CodedValue);
    }
    codes[i] = code ?? NULL_CODE;
  }
  for (let i = 0; i < n; i++) if (codes[i] === NULL_CODE) codes[i] = distinct.length;
  return { kind: "coded", codes, values: [...distinct, null] };
}

/** Until it is known how many values there are. */
const NULL_CODE = 2 ** 32 - 1;
