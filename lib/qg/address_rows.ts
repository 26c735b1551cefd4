/**
 * The layout of address files: sizes, writing, and checking rows without looking anything up
 * (`schema/quantum-graph.md`, section 4.2).
 *
 * ```text
 * byte 0            int_size
 * int_size bytes    n_rows, big-endian
 * int_size bytes    n_addresses, big-endian
 * n_rows x row      uuid(16) index(int_size) { offset(int_size) size(int_size) } x n_addresses
 * ```
 *
 * @module
 */

import { readBigEndian, writeBigEndian } from "../base/bytes.ts";
import { InvalidQuantumGraphFileError } from "../base/errors.ts";
import { compareUuids, UUID_SIZE } from "../base/uuid.ts";

/** Place of a block: relative to its member's data, length prefix included. Size 0 means absent. */
export interface Address {
  offset: number;
  size: number;
}

/** Bytes before the first row. */
export function addressHeaderSize(intSize: number): number {
  return 1 + 2 * intSize; // int_size itself, n_rows, n_addresses
}

/** Bytes of one row. */
export function addressRowSize(nAddresses: number, intSize: number): number {
  return UUID_SIZE + intSize * (1 + 2 * nAddresses); // uuid, index, (offset, size) a column
}

/** Bytes of a whole address file. */
export function addressFileSize(nRows: number, nAddresses: number, intSize: number): number {
  return addressHeaderSize(intSize) + nRows * addressRowSize(nAddresses, intSize);
}

/** Writes the header at `at` and returns the position behind it. */
export function writeAddressHeader(
  target: Uint8Array,
  at: number,
  intSize: number,
  nRows: number,
  nAddresses: number,
): number {
  target[at] = intSize;
  writeBigEndian(target, at + 1, intSize, nRows);
  writeBigEndian(target, at + 1 + intSize, intSize, nAddresses);
  return at + addressHeaderSize(intSize);
}

/**
 * Writes one row at `at` and returns the position behind it. Rows must be written in ascending order
 * of their UUIDs: readers search by bisection.
 *
 * @param index number of the row, from 0.
 * @param addresses `offset, size` of each column in turn; zeros where absent.
 * @throws {RangeError} if a number doesn't fit into `intSize` bytes.
 */
export function writeAddressRow(
  target: Uint8Array,
  at: number,
  intSize: number,
  id: Uint8Array,
  idOffset: number,
  index: number,
  addresses: ArrayLike<number>,
): number {
  for (let i = 0; i < UUID_SIZE; i++) target[at + i] = id[idOffset + i];
  at += UUID_SIZE;
  writeBigEndian(target, at, intSize, index);
  at += intSize;
  for (let i = 0; i < addresses.length; i++) {
    writeBigEndian(target, at, intSize, addresses[i]);
    at += intSize;
  }
  return at;
}

/**
 * Checks the first bytes of an address file and returns its number of rows.
 *
 * @param head at least the header, if the file is that long.
 * @param size size of the whole file in bytes.
 * @throws {InvalidQuantumGraphFileError} if something isn't as expected.
 */
export function checkAddressHeader(
  head: Uint8Array,
  size: number,
  nAddresses: number,
  intSize: number,
  name: string,
): number {
  const invalid = (state: string): InvalidQuantumGraphFileError =>
    new InvalidQuantumGraphFileError(`Cannot use address file "${name}": ${state}`);
  const headerSize = addressHeaderSize(intSize);
  if (size < 1 || head.length < 1) throw invalid("it is empty");
  if (head[0] !== intSize) throw invalid(`int_size is ${head[0]}, expected ${intSize}`);
  if (size < headerSize || head.length < headerSize) {
    throw invalid(`it has ${size} bytes, its header alone needs ${headerSize}`);
  }
  let nRows: number;
  let nColumns: number;
  try {
    nRows = readBigEndian(head, 1, intSize);
    nColumns = readBigEndian(head, 1 + intSize, intSize);
  } catch {
    throw invalid("a number in its header exceeds 2^53 - 1");
  }
  if (nColumns !== nAddresses) throw invalid(`it has ${nColumns} columns, expected ${nAddresses}`);
  const expected = addressFileSize(nRows, nAddresses, intSize);
  if (size !== expected) {
    throw invalid(`it has ${size} bytes, expected ${expected} for ${nRows} rows`);
  }
  return nRows;
}

/**
 * Checks the rows of an address file as they come: order, and that every range lies inside its
 * member. Counts what it sees.
 */
export class AddressChecker {
  /** Rows seen. */
  nRows = 0;
  /** Per column, rows that have an address in it. */
  readonly nPresent: number[];
  readonly #name: string;
  readonly #intSize: number;
  readonly #columns: readonly { name: string; size: number }[];
  readonly #last = new Uint8Array(UUID_SIZE);

  /**
   * @param name of the address file, for messages.
   * @param columns the member that each column points into, and its size in bytes.
   */
  constructor(name: string, intSize: number, columns: readonly { name: string; size: number }[]) {
    this.#name = name;
    this.#intSize = intSize;
    this.#columns = columns;
    this.nPresent = columns.map(() => 0);
  }

  /**
   * Checks whole rows.
   *
   * @throws {InvalidQuantumGraphFileError} at the first row that is wrong.
   */
  feed(bytes: Uint8Array): void {
    const rowSize = addressRowSize(this.#columns.length, this.#intSize);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let last: Uint8Array = this.#last;
    let lastAt = 0;
    for (let at = 0; at < bytes.length; at += rowSize) {
      const row = this.nRows++;
      if (row > 0 && compareUuids(last, lastAt, bytes, at) >= 0) {
        throw this.#error(`row ${row} is not greater than the one before`);
      }
      last = bytes;
      lastAt = at;
      this.#checkRanges(bytes, view, at + UUID_SIZE + this.#intSize, row);
    }
    if (last !== this.#last) this.#last.set(last.subarray(lastAt, lastAt + UUID_SIZE));
  }

  #checkRanges(bytes: Uint8Array, view: DataView, at: number, row: number): void {
    const intSize = this.#intSize;
    for (let column = 0; column < this.#columns.length; column++, at += 2 * intSize) {
      let offset: number;
      let size: number;
      try {
        offset = readInteger(bytes, view, at, intSize);
        size = readInteger(bytes, view, at + intSize, intSize);
      } catch {
        throw this.#error(`a number in row ${row} exceeds 2^53 - 1`);
      }
      if (size === 0) continue;
      const member = this.#columns[column];
      if (size < intSize || offset > member.size - size) {
        throw this.#error(
          `row ${row} points at ${size} bytes at ${offset} of "${member.name}", ` +
            `which has ${member.size}`,
        );
      }
      this.nPresent[column]++;
    }
  }

  #error(state: string): InvalidQuantumGraphFileError {
    return new InvalidQuantumGraphFileError(`Cannot use address file "${this.#name}": ${state}`);
  }
}

/** {@linkcode readBigEndian}, in two halves where the width is the usual one and the number small. */
function readInteger(bytes: Uint8Array, view: DataView, at: number, intSize: number): number {
  if (intSize === 8) {
    const high = view.getUint32(at);
    if (high < 2 ** 21) return high * 2 ** 32 + view.getUint32(at + 4);
  }
  return readBigEndian(bytes, at, intSize);
}
