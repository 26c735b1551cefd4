/**
 * Looking up UUIDs in address files, tables sorted by UUID that say where the blocks of a quantum or
 * dataset are (`schema/quantum-graph.md`, section 4.2). The layout is in `address_rows.ts`.
 *
 * @module
 */

import { readBigEndian } from "../base/bytes.ts";
import { InvalidQuantumGraphFileError } from "../base/errors.ts";
import { lowerBound } from "../base/sort_ids.ts";
import { compareUuids, UUID_SIZE } from "../base/uuid.ts";
import type { ByteSource } from "../storage/byte_source.ts";
import {
  type Address,
  addressHeaderSize,
  addressRowSize,
  checkAddressHeader,
} from "./address_rows.ts";
import { PASS_READ_SIZE } from "./multiblock.ts";
import { estimateRow, estimateRowByFences, PROBE_SIZE } from "./range_plan.ts";

/** One row as {@linkcode AddressFile.rows} gives it. Both arrays are reused by the next row. */
interface AddressRow {
  /** Number of the row, from 0; not the file's `index` column. */
  index: number;
  /** 16 bytes. */
  id: Uint8Array;
  /** `offset, size` of each column in turn. */
  addresses: Float64Array;
}

/** Options of {@linkcode AddressFile.open}. */
interface AddressFileOptions {
  /** Bytes of one probe, at least one row. */
  probeSize?: number;
  /** Packed ids of evenly spaced rows, or null: hints for the first probe (see `range_plan.ts`). */
  fences?: Uint8Array | null;
}

/** Rows that were read in one go. */
interface Probe {
  startRow: number;
  /** Behind the last row. */
  endRow: number;
  bytes: Uint8Array;
}

/** Probes kept: 8 MiB of them. */
const MAX_PROBES = 128;

/**
 * Looks up UUIDs in an address file of any size: memory is the probes kept, at most 8 MiB. Each probe
 * is one read; rows read before are never read again.
 */
export class AddressFile {
  /** Number of rows. */
  readonly nRows: number;
  readonly #source: ByteSource;
  readonly #nAddresses: number;
  readonly #intSize: number;
  readonly #rowSize: number;
  readonly #rowsPerProbe: number;
  readonly #fences: Uint8Array | null;
  /** Sorted by row, never overlapping. */
  #probes: Probe[] = [];

  private constructor(
    source: ByteSource,
    nAddresses: number,
    intSize: number,
    nRows: number,
    { probeSize = PROBE_SIZE, fences = null }: AddressFileOptions,
  ) {
    this.#source = source;
    this.#nAddresses = nAddresses;
    this.#intSize = intSize;
    this.#rowSize = addressRowSize(nAddresses, intSize);
    this.#rowsPerProbe = Math.max(1, Math.floor(probeSize / this.#rowSize));
    this.#fences = fences;
    this.nRows = nRows;
  }

  /**
   * Reads and checks the header, with the first rows in the same read.
   *
   * @param source the member's data.
   * @param nAddresses columns expected: 1 for `quanta.addr`, 4 for `nodes.addr`.
   * @param intSize `int_size` of the graph's header.
   * @throws {InvalidQuantumGraphFileError} if header and size don't fit each other and what is
   * expected.
   */
  static async open(
    source: ByteSource,
    nAddresses: number,
    intSize: number,
    options: AddressFileOptions = {},
  ): Promise<AddressFile> {
    const { probeSize = PROBE_SIZE } = options;
    const headerSize = addressHeaderSize(intSize);
    const head = await source.read(0, Math.min(source.size, Math.max(probeSize, headerSize)));
    const nRows = checkAddressHeader(head, source.size, nAddresses, intSize, source.name);
    const file = new AddressFile(source, nAddresses, intSize, nRows, options);
    const nFirst = Math.floor((head.length - headerSize) / file.#rowSize);
    if (nFirst > 0) {
      const probe = { startRow: 0, endRow: nFirst, bytes: head.subarray(headerSize) };
      file.#checkOrder(probe);
      file.#probes.push(probe);
    }
    return file;
  }

  /**
   * Takes the rows from a place of the file to its end, which the source has at hand already: with
   * the largest id known, the first guess of a look-up is good.
   *
   * @param offset in the file; clipped to the rows that aren't known yet.
   */
  async preloadFrom(offset: number): Promise<void> {
    const known = this.#probes.at(-1)?.endRow ?? 0;
    const row = Math.ceil((offset - addressHeaderSize(this.#intSize)) / this.#rowSize);
    const from = Math.max(known, row);
    if (from >= this.nRows) return;
    const nRows = this.nRows - from;
    const bytes = await this.#source.read(
      addressHeaderSize(this.#intSize) + from * this.#rowSize,
      nRows * this.#rowSize,
    );
    this.#insert({ startRow: from, endRow: this.nRows, bytes });
  }

  /** The addresses of an id, null if the file has no row for it. */
  async find(id: Uint8Array): Promise<Address[] | null> {
    const place = await this.#lowerBound(id);
    if (place === null) return null;
    const at = (place.row - place.probe.startRow) * this.#rowSize;
    if (compareUuids(place.probe.bytes, at, id, 0) !== 0) return null;
    return this.#addresses(place.probe.bytes, at, place.row);
  }

  /**
   * Rows whose id begins with the given hexadecimal digits, in order, at most `limit`.
   *
   * @param prefixHex 1 to 32 digits without dashes, either case.
   * @throws {SyntaxError} if it isn't that.
   */
  async findPrefix(
    prefixHex: string,
    limit: number,
  ): Promise<{ id: Uint8Array; addresses: Address[] }[]> {
    const digits = prefixHex.toLowerCase();
    if (!/^[0-9a-f]{1,32}$/.test(digits)) {
      throw new SyntaxError(
        `Cannot search for "${prefixHex.slice(0, 80)}": it is no part of a UUID`,
      );
    }
    const first = bytesOfHex(digits.padEnd(32, "0"));
    const last = bytesOfHex(digits.padEnd(32, "f"));
    const found: { id: Uint8Array; addresses: Address[] }[] = [];
    const place = await this.#lowerBound(first);
    if (place === null) return found;
    let { row, probe } = place;
    while (found.length < limit) {
      if (row === probe.endRow) {
        if (row === this.nRows) break;
        probe = await this.#probeAt(row, this.nRows, row);
      }
      const at = (row - probe.startRow) * this.#rowSize;
      if (compareUuids(probe.bytes, at, last, 0) > 0) break;
      found.push({
        id: probe.bytes.slice(at, at + UUID_SIZE),
        addresses: this.#addresses(probe.bytes, at, row),
      });
      row++;
    }
    return found;
  }

  /**
   * All rows in order, with large reads; nothing is kept.
   *
   * @throws {InvalidQuantumGraphFileError} at the first row that isn't greater than the one before.
   */
  async *rows(): AsyncGenerator<AddressRow> {
    const intSize = this.#intSize;
    const rowSize = this.#rowSize;
    const headerSize = addressHeaderSize(intSize);
    const rowsPerRead = Math.max(1, Math.floor(PASS_READ_SIZE / rowSize));
    const id = new Uint8Array(UUID_SIZE);
    const addresses = new Float64Array(2 * this.#nAddresses);
    const row: AddressRow = { index: 0, id, addresses };
    for (let start = 0; start < this.nRows; start += rowsPerRead) {
      const nRows = Math.min(rowsPerRead, this.nRows - start);
      const bytes = await this.#source.read(headerSize + start * rowSize, nRows * rowSize);
      for (let i = 0; i < nRows; i++) {
        const at = i * rowSize;
        if (start + i > 0 && compareUuids(id, 0, bytes, at) >= 0) throw this.#unsorted(start + i);
        id.set(bytes.subarray(at, at + UUID_SIZE));
        for (let column = 0; column < addresses.length; column++) {
          addresses[column] = this.#integer(
            bytes,
            at + UUID_SIZE + intSize * (1 + column),
            start + i,
          );
        }
        row.index = start + i;
        yield row;
      }
    }
  }

  /** First row whose id is not less than the given one, null if there is none. */
  async #lowerBound(id: Uint8Array): Promise<{ row: number; probe: Probe } | null> {
    for (let nTries = 0;; nTries++) {
      // Last probe that begins at or before the id.
      const next = lowerBound(
        this.#probes.length,
        (probe) => compareUuids(this.#probes[probe].bytes, 0, id, 0) <= 0,
      );
      const before = this.#probes[next - 1];
      const after = this.#probes[next];
      if (before !== undefined && this.#compareLast(before, id) >= 0) {
        return { row: this.#searchIn(before, id), probe: before };
      }
      const startRow = before?.endRow ?? 0;
      const endRow = after?.startRow ?? this.nRows;
      if (startRow === endRow) {
        return after === undefined ? null : { row: after.startRow, probe: after };
      }
      let row = nTries === 0 && this.#fences !== null
        ? estimateRowByFences(this.#fences, this.nRows, id)
        : -1;
      if (row < startRow || row >= endRow) {
        row = estimateRow({
          id,
          startRow,
          endRow,
          lowerKey: before === undefined ? null : this.#lastKey(before),
          upperKey: after === undefined ? null : after.bytes.subarray(0, UUID_SIZE),
          nTries,
        });
      }
      await this.#probeAt(startRow, endRow, row - Math.floor(this.#rowsPerProbe / 2));
    }
  }

  /** Reads a probe that begins near `wantedStart`, inside the unread rows `startRow..endRow`. */
  async #probeAt(startRow: number, endRow: number, wantedStart: number): Promise<Probe> {
    const from = Math.max(startRow, Math.min(wantedStart, endRow - this.#rowsPerProbe));
    let to = Math.min(endRow, from + this.#rowsPerProbe);
    let index = 0;
    while (index < this.#probes.length && this.#probes[index].startRow < from) index++;
    const known = this.#probes[index];
    if (known !== undefined) {
      if (known.startRow === from) return known;
      to = Math.min(to, known.startRow);
    }
    const bytes = await this.#source.read(
      addressHeaderSize(this.#intSize) + from * this.#rowSize,
      (to - from) * this.#rowSize,
    );
    const probe = { startRow: from, endRow: to, bytes };
    this.#insert(probe);
    return probe;
  }

  /** Keeps a probe, unless another look-up has read some of its rows in the meantime. */
  #insert(probe: Probe): void {
    this.#checkOrder(probe);
    if (this.#probes.length >= MAX_PROBES) {
      this.#probes = [probe];
      return;
    }
    let index = this.#probes.findIndex((other) => other.endRow > probe.startRow);
    if (index < 0) index = this.#probes.length;
    const left = this.#probes[index - 1];
    const right = this.#probes[index];
    if (right !== undefined && right.startRow < probe.endRow) return;
    if (left !== undefined && compareUuids(this.#lastKey(left), 0, probe.bytes, 0) >= 0) {
      throw this.#unsorted(probe.startRow);
    }
    if (right !== undefined && compareUuids(this.#lastKey(probe), 0, right.bytes, 0) >= 0) {
      throw this.#unsorted(right.startRow);
    }
    this.#probes.splice(index, 0, probe);
  }

  #searchIn(probe: Probe, id: Uint8Array): number {
    const isBefore = (row: number) => compareUuids(probe.bytes, row * this.#rowSize, id, 0) < 0;
    return probe.startRow + lowerBound(probe.endRow - probe.startRow, isBefore);
  }

  #lastKey(probe: Probe): Uint8Array {
    const at = (probe.endRow - probe.startRow - 1) * this.#rowSize;
    return probe.bytes.subarray(at, at + UUID_SIZE);
  }

  #compareLast(probe: Probe, id: Uint8Array): number {
    return compareUuids(
      probe.bytes,
      (probe.endRow - probe.startRow - 1) * this.#rowSize,
      id,
      0,
    );
  }

  #checkOrder(probe: Probe): void {
    const nRows = probe.endRow - probe.startRow;
    for (let i = 1; i < nRows; i++) {
      if (compareUuids(probe.bytes, (i - 1) * this.#rowSize, probe.bytes, i * this.#rowSize) >= 0) {
        throw this.#unsorted(probe.startRow + i);
      }
    }
  }

  #unsorted(row: number): InvalidQuantumGraphFileError {
    return new InvalidQuantumGraphFileError(
      `Cannot use address file "${this.#source.name}": row ${row} is not greater than the one before`,
    );
  }

  #addresses(bytes: Uint8Array, at: number, row: number): Address[] {
    const addresses: Address[] = [];
    let from = at + UUID_SIZE + this.#intSize;
    for (let column = 0; column < this.#nAddresses; column++) {
      const offset = this.#integer(bytes, from, row);
      const size = this.#integer(bytes, from + this.#intSize, row);
      addresses.push({ offset, size });
      from += 2 * this.#intSize;
    }
    return addresses;
  }

  #integer(bytes: Uint8Array, at: number, row: number): number {
    try {
      return readBigEndian(bytes, at, this.#intSize);
    } catch (cause) {
      throw new InvalidQuantumGraphFileError(
        `Cannot use address file "${this.#source.name}": a number in row ${row} exceeds 2^53 - 1`,
        { cause },
      );
    }
  }
}

function bytesOfHex(digits: string): Uint8Array {
  const bytes = new Uint8Array(digits.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}
