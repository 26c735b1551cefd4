/**
 * Address rows against the blocks they point at, both ways: every address is the place of a block, and
 * every block has the rows it needs. Source: `schema/quantum-graph.md`, sections 4.1 and 4.2.
 *
 * @module
 */

import { readBigEndian } from "../../base/bytes.ts";
import { compareUuids, UUID_SIZE, uuidToText } from "../../base/uuid.ts";
import { PASS_READ_SIZE } from "../../qg/multiblock.ts";
import {
  type Archive,
  blockPlace,
  type BlockTable,
  type FileReport,
  findBlock,
} from "./archive.ts";
import { addressHeaderSize, addressRowSize, checkAddressHeader } from "../../qg/address_rows.ts";

/** A column of an address file, and which rows point at each block. Memory: 4 or 8 bytes a block. */
export interface AddressColumn {
  table: BlockTable;
  /**
   * Row whose id the block is about, -1 for none. For logs and metadata: the quantum's row.
   */
  ownerRow: Int32Array;
  /** For logs and metadata, the row of the dataset; null for other columns. */
  datasetRow: Int32Array | null;
  /** Whether every block must be filed under a dataset too: not if a task saves no log. */
  needsDatasetRow: boolean;
}

/** Under how many ids the blocks of a column are filed. */
export type Filing = "one id" | "quantum and dataset" | "quantum and perhaps dataset";

/** Makes a column. */
export function addressColumn(table: BlockTable, filing: Filing): AddressColumn {
  return {
    table,
    ownerRow: new Int32Array(table.nBlocks).fill(-1),
    datasetRow: filing === "one id" ? null : new Int32Array(table.nBlocks).fill(-1),
    needsDatasetRow: filing === "quantum and dataset",
  };
}

/** What a pass over an address file found. */
export interface AddressRows {
  nRows: number;
  /** Packed ids in the order of the file, if they were asked for. */
  ids: Uint8Array | null;
  /** Whether the ids ascend, so that {@linkcode findRow} works. */
  isSorted: boolean;
  /** Per column, rows that have an address in it. */
  nPresent: number[];
}

/** What {@linkcode checkAddresses} works on. */
interface AddressCheck {
  archive: Archive;
  /** Member that holds the address file. */
  member: string;
  /** In the order of the file; null where the member is missing or unreadable. */
  columns: readonly (AddressColumn | null)[];
  /** Keep the ids: 16 bytes a row. */
  keepIds: boolean;
  /** Called with every row's id, valid during the call. */
  onRow?: (row: number, id: Uint8Array) => void;
  /** Whether a row may have no address. */
  mayBeEmpty?: (id: Uint8Array) => boolean;
}

/** Columns of `nodes.addr` that say what a row is about. */
const DATASET_COLUMN = 0;
const QUANTUM_COLUMN = 1;

/**
 * Checks all rows and reports every problem.
 *
 * @returns null, reported, if the address file as a whole is unusable.
 */
export async function checkAddresses(
  check: AddressCheck,
  report: FileReport,
): Promise<AddressRows | null> {
  const { archive, member, columns } = check;
  if (!archive.zip.members.has(member)) return null;
  const intSize = archive.header.int_size;
  const headerSize = addressHeaderSize(intSize);
  let source: Awaited<ReturnType<typeof archive.zip.memberSource>>;
  let nRows: number;
  try {
    source = await archive.zip.memberSource(member);
    const head = await source.read(0, Math.min(source.size, headerSize));
    nRows = checkAddressHeader(head, source.size, columns.length, intSize, source.name);
  } catch (error) {
    report.addError("address-header", member, error);
    return null;
  }
  const rowSize = addressRowSize(columns.length, intSize);
  const result: AddressRows = {
    nRows,
    ids: check.keepIds ? new Uint8Array(nRows * UUID_SIZE) : null,
    isSorted: true,
    nPresent: columns.map(() => 0),
  };
  const rows = new RowChecker(check, report, result);
  const rowsPerRead = Math.max(1, Math.floor(PASS_READ_SIZE / rowSize));
  for (let first = 0; first < nRows; first += rowsPerRead) {
    const n = Math.min(rowsPerRead, nRows - first);
    const bytes = await source.read(headerSize + first * rowSize, n * rowSize);
    for (let i = 0; i < n; i++) rows.check(first + i, bytes, i * rowSize);
  }
  for (const column of columns) if (column !== null) checkBlocks(column, report);
  return result;
}

/** Checks row by row. */
class RowChecker {
  readonly #check: AddressCheck;
  readonly #report: FileReport;
  readonly #result: AddressRows;
  readonly #last = new Uint8Array(UUID_SIZE);
  readonly #addresses: Float64Array;
  readonly #place: (row: number) => string;

  constructor(check: AddressCheck, report: FileReport, result: AddressRows) {
    this.#check = check;
    this.#report = report;
    this.#result = result;
    this.#addresses = new Float64Array(2 * check.columns.length);
    this.#place = (row) => `${check.member}, row ${row}`;
  }

  check(row: number, bytes: Uint8Array, at: number): void {
    const { columns, onRow } = this.#check;
    const { ids, nPresent } = this.#result;
    const id = bytes.subarray(at, at + UUID_SIZE);
    if (row > 0 && compareUuids(this.#last, 0, id, 0) >= 0) {
      this.#result.isSorted = false;
      this.#report.add(
        "address-order",
        this.#place(row),
        `${uuidToText(id)} is not greater than the id before it`,
      );
    }
    this.#last.set(id);
    ids?.set(id, row * UUID_SIZE);
    onRow?.(row, id);
    if (!this.#readNumbers(row, bytes, at)) return;
    let isEmpty = true;
    for (let i = 0; i < columns.length; i++) {
      const size = this.#addresses[2 * i + 1];
      if (size === 0) continue;
      isEmpty = false;
      nPresent[i]++;
      if (columns[i] !== null) this.#checkAddress(row, id, i);
    }
    if (isEmpty && this.#check.mayBeEmpty?.(id) !== true) {
      this.#report.add("empty-row", this.#place(row), `${uuidToText(id)} has no address`);
    }
  }

  /** Reads index and addresses; false, reported, if a number is no offset at all. */
  #readNumbers(row: number, bytes: Uint8Array, at: number): boolean {
    const intSize = this.#check.archive.header.int_size;
    let from = at + UUID_SIZE;
    try {
      const index = readBigEndian(bytes, from, intSize);
      if (index !== row) {
        this.#report.add("address-index", this.#place(row), `it says it is row ${index}`);
      }
    } catch {
      this.#report.add("address-index", this.#place(row), "its number exceeds 2^53 - 1");
    }
    for (let i = 0; i < this.#addresses.length; i++) {
      from += intSize;
      try {
        this.#addresses[i] = readBigEndian(bytes, from, intSize);
      } catch {
        this.#report.add("address-range", this.#place(row), "an offset or size exceeds 2^53 - 1");
        return false;
      }
    }
    return true;
  }

  #checkAddress(row: number, id: Uint8Array, i: number): void {
    const column = this.#check.columns[i]!;
    const { table } = column;
    const offset = this.#addresses[2 * i];
    const size = this.#addresses[2 * i + 1];
    const address = () =>
      `${uuidToText(id)} points at ${size} bytes at ${offset} of ${table.member}`;
    const memberSize = this.#check.archive.zip.members.get(table.member)!.size;
    if (offset > memberSize - size) {
      this.#report.add(
        "address-range",
        this.#place(row),
        `${address()}, which has ${memberSize}`,
      );
      return;
    }
    const block = findBlock(table, offset);
    if (block < 0 || table.offsets[block + 1] - offset !== size) {
      // Behind damaged framing nothing is known of blocks, so nothing can be said of addresses.
      if (table.isWhole || offset < table.offsets[table.nBlocks]) {
        this.#report.add("address-target", this.#place(row), `${address()}, where no block is`);
      }
      return;
    }
    const isDataset = column.datasetRow !== null && this.#addresses[2 * QUANTUM_COLUMN + 1] === 0 &&
      this.#addresses[2 * DATASET_COLUMN + 1] > 0;
    const target = isDataset ? column.datasetRow! : column.ownerRow;
    if (target[block] < 0) {
      target[block] = row;
      return;
    }
    this.#report.add(
      "shared-block",
      this.#place(row),
      `${address()}, as row ${target[block]} does already`,
    );
  }
}

/** Reports blocks that lack a row: readers of the whole member would take them for live. */
function checkBlocks(column: AddressColumn, report: FileReport): void {
  const { table, ownerRow, datasetRow, needsDatasetRow } = column;
  for (let block = 0; block < table.nBlocks; block++) {
    const hasOwner = ownerRow[block] >= 0;
    const hasDataset = datasetRow !== null && datasetRow[block] >= 0;
    if (hasOwner && (hasDataset || !needsDatasetRow)) continue;
    const place = blockPlace(table, block);
    if (!hasOwner && !hasDataset) report.add("orphan-block", place, "no address points at it");
    else {
      const missing = hasOwner ? "dataset" : "quantum";
      report.add("unfiled-block", place, `it has no address under its ${missing}`);
    }
  }
}
