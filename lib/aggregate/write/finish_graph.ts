/**
 * From a chunk log to a provenance graph. Its file is laid out at once, as all sizes are known;
 * the blocks are copied by others, in shares; then come the addresses of the blocks.
 *
 * Order of effects: the whole file is written under a temporary name and synced; once everything it
 * names is registered it is renamed and its directory synced. So there is never a partial file under the
 * final name, nor a graph whose datasets the registry refused.
 *
 * @module
 */

import { idPlaces, sortIds, sortOffsets } from "../../base/sort_ids.ts";
import { UUID_SIZE } from "../../base/uuid.ts";
import type { ChunkTable } from "../../chunks/table.ts";
import { StoredZipWriter } from "../../codec/zip_writer.ts";
import { findBlockers } from "../../provenance/blockers.ts";
import type { TableLayout } from "../../provenance/table/table_columns.ts";
import type { TableRows } from "../../provenance/table/table_rows.ts";
import type { TableInput, writeTable } from "../../provenance/table/table_writer.ts";
import { CHECKED_BLOCKS_SIZE, checkedBlocksText } from "../../qg/checked_blocks.ts";
import {
  CHECKED_BLOCKS_MEMBER,
  DATASETS_MEMBER,
  LOGS_MEMBER,
  METADATA_MEMBER,
  NODES_ADDRESS_MEMBER,
  NODES_FENCES_MEMBER,
  QUANTA_FILES_MEMBER,
  QUANTA_MEMBER,
  QUANTA_TABLE_MEMBER,
} from "../../qg/member_names.ts";
import type { GraphIndex } from "../../qg/predicted/graph_index.ts";
import { filesHead, filesMemberSize } from "../../qg/quanta_files.ts";
import { fenceCount, fenceRow } from "../../qg/range_plan.ts";
import { failpoint } from "../../storage/failpoints.ts";
import { FileSource } from "../../storage/file_source.ts";
import { TemporaryFile } from "../../storage/temporary_file.ts";
import {
  ChunkWindow,
  COPIED_MEMBERS,
  graphError,
  makeBlockPlaces,
  makeShares,
  placeDatasets,
} from "../copy_blocks.ts";
import type { BlockPlaces, CopiedShare, CopyShare } from "../copy_share.ts";
import type { GraphMember } from "../messages.ts";
import {
  addressFileSize,
  addressHeaderSize,
  addressRowSize,
  writeAddressHeader,
  writeAddressRow,
} from "../../qg/address_rows.ts";

/** All that goes into a graph. */
interface FinishInput {
  index: GraphIndex;
  chunkLogPath: string;
  table: ChunkTable;
  /** Offset of the chunk of the init quanta. */
  initChunkOffset: number;
  /** Datasets of the index in the order of their ids. */
  datasetOrder: Uint32Array;
  /** The members that are no blocks or addresses of them, in their order. */
  documents: readonly GraphMember[];
  /** Width of integers in bytes. */
  intSize: number;
  outputPath: string;
  /** What makes the table of quanta; null if there is to be none. */
  quantaTable: TableRecipe | null;
}

/** How a table of quanta is made. */
interface TableRecipe {
  layout: TableLayout;
  /** Filled in by the scanners. */
  rows: TableRows;
  write: typeof writeTable;
}

const N_ADDRESSES = 4;
const ADDRESS_ROWS_PER_WRITE = 2048;

/** A graph that is being written under its temporary name. */
export class GraphDraft {
  /** What has to be copied before {@linkcode finish}, each by whoever has time. */
  readonly shares: readonly CopyShare[];
  readonly #input: FinishInput;
  readonly #temporary: TemporaryFile;
  readonly #zip: StoredZipWriter;
  readonly #places: BlockPlaces;
  /** Dataset blocks of the init quanta. */
  readonly #initBlocks: Uint8Array;
  readonly #nRows: number;
  readonly #nFences: number;

  /**
   * Creates the file, lays it out and writes the documents.
   *
   * @param nShares Number of shares.
   * @throws {EnvironmentError} if anything can't be read or written; no file is left in the way.
   */
  static create(input: FinishInput, nShares: number): GraphDraft {
    let temporary: TemporaryFile | null = null;
    try {
      temporary = TemporaryFile.create(input.outputPath);
      failpoint("finish.created");
      return new GraphDraft(input, temporary, nShares);
    } catch (error) {
      temporary?.[Symbol.dispose]();
      throw graphError(input.outputPath, error);
    }
  }

  private constructor(input: FinishInput, temporary: TemporaryFile, nShares: number) {
    this.#input = input;
    this.#temporary = temporary;
    const { index, table, documents, chunkLogPath, outputPath } = input;
    this.#nRows = countRows(index);
    this.#nFences = fenceCount(this.#nRows);
    using chunkLog = FileSource.open(chunkLogPath);
    const init = new ChunkWindow(chunkLog).read(input.initChunkOffset);
    this.#initBlocks = init.body;
    const initBlocksAt = sum(table.datasetsSize);
    const zip = this.#zip = new StoredZipWriter(temporary.file, [
      ...documents.map(({ name, bytes }) => ({ name, size: bytes.length })),
      { name: QUANTA_MEMBER, size: sum(table.quantumSize) },
      { name: DATASETS_MEMBER, size: initBlocksAt + init.body.length },
      { name: METADATA_MEMBER, size: sum(table.metadataSize) },
      { name: LOGS_MEMBER, size: sum(table.logSize) },
      { name: QUANTA_FILES_MEMBER, size: filesMemberSize(index.nQuanta) },
      { name: CHECKED_BLOCKS_MEMBER, size: CHECKED_BLOCKS_SIZE },
    ], outputPath);
    for (const { name, bytes } of documents) zip.write(name, bytes);
    const places = this.#places = makeBlockPlaces(index);
    placeDatasets(places, index, init.head, -1, initBlocksAt);
    const order = new Uint32Array(new SharedArrayBuffer(index.nQuanta * 4));
    order.set(sortOffsets(table.chunkOffset));
    this.shares = makeShares(
      nShares,
      { chunkLogPath, outputPath, draftPath: temporary.path, order, places },
      table,
      (member) => zip.dataOffset(member),
    );
  }

  /**
   * Writes all the rest, and puts the file on the disk.
   *
   * @param copied What has become of the shares, in their order.
   * @param isStopped Whether to give up, asked when all is written.
   * @param progress Told of each stage.
   * @returns bytes of the file, which is complete and durable until {@linkcode publish} gives it its
   *   final name; null if it was given up, and no file is left.
   * @throws {EnvironmentError} if anything can't be read or written; no file is left in the way.
   */
  finish(
    copied: readonly (CopiedShare | null)[],
    isStopped: () => boolean,
    progress: (text: string) => void,
  ): number | null {
    try {
      const isCopied = copied.every((share) => share !== null);
      const size = isCopied ? this.#finish(copied, progress) : null;
      if (size === null || isStopped()) {
        this.#temporary[Symbol.dispose]();
        return null;
      }
      return size;
    } catch (error) {
      this.#temporary[Symbol.dispose]();
      throw graphError(this.#input.outputPath, error);
    }
  }

  /**
   * Gives the complete graph its final name.
   *
   * @throws {EnvironmentError} or NotFoundError if the system refuses.
   */
  publish(): void {
    this.#temporary.publish();
    failpoint("finish.directory-synced");
  }

  #finish(copied: readonly CopiedShare[], progress: (text: string) => void): number {
    const { index, table, intSize, datasetOrder } = this.#input;
    const zip = this.#zip;
    zip.write(QUANTA_FILES_MEMBER, filesHead());
    this.shares.forEach(({ ranges }, i) => {
      ranges.forEach(({ size }, m) => zip.skip(COPIED_MEMBERS[m], size, copied[i].crcs[m]));
    });
    zip.write(DATASETS_MEMBER, this.#initBlocks);
    zip.write(CHECKED_BLOCKS_MEMBER, checkedBlocksText((name) => zip.seal(name)));
    this.#writeTable(copied, progress);
    progress("Writing the address file of the provenance graph.");
    const nRows = this.#nRows;
    const nFences = this.#nFences;
    zip.plan([
      { name: NODES_ADDRESS_MEMBER, size: addressFileSize(nRows, N_ADDRESSES, intSize) },
      ...(nFences === 0 ? [] : [{ name: NODES_FENCES_MEMBER, size: nFences * UUID_SIZE }]),
    ]);
    const fences = new Uint8Array(nFences * UUID_SIZE);
    let nFencesSet = 0;
    const emit = (rows: Uint8Array) => zip.write(NODES_ADDRESS_MEMBER, rows);
    writeAddresses(
      { index, datasetOrder, places: this.#places, table, intSize, nRows },
      emit,
      (row, ids, at) => {
        if (nFencesSet === nFences || row !== fenceRow(nFencesSet, nFences, nRows)) return;
        fences.set(ids.subarray(at, at + UUID_SIZE), nFencesSet++ * UUID_SIZE);
      },
    );
    if (nFences > 0) zip.write(NODES_FENCES_MEMBER, fences);
    const size = zip.finish();
    failpoint("finish.written");
    this.#temporary.file.syncSync();
    failpoint("finish.synced");
    return size;
  }

  /** The table of quanta, or none where a document has no place in one: readers do without. */
  #writeTable(copied: readonly CopiedShare[], progress: (text: string) => void): void {
    const { index, table: chunks, quantaTable: recipe } = this.#input;
    const texts = copied.map((share) => share.texts);
    if (recipe === null || !texts.every((text) => text !== null)) return;
    progress("Writing the table of quanta.");
    const { layout, rows } = recipe;
    const input: TableInput = {
      arrays: index.arrays,
      layout,
      rows,
      texts,
      blockers: findBlockers(
        index.arrays,
        rows.numbers.status,
        undefined,
        index.arrays.quantumIds,
      ),
      documentOffset: this.#places.quantumOffset,
      documentSize: chunks.quantumSize,
      quanta: this.#zip.seal(QUANTA_MEMBER),
    };
    this.#zip.begin(QUANTA_TABLE_MEMBER);
    recipe.write(input, (bytes) => this.#zip.write(QUANTA_TABLE_MEMBER, bytes));
    this.#zip.end(QUANTA_TABLE_MEMBER);
  }
}

function sum(sizes: Uint32Array): number {
  return sizes.reduce((total, size) => total + size, 0);
}

/** Every dataset of the index has a block: the index has none that only `packages` would explain. */
function countRows(index: GraphIndex): number {
  return index.nDatasets + index.nQuanta;
}

/** What the rows of the address file are made of. */
interface AddressInput extends Pick<FinishInput, "index" | "datasetOrder" | "table" | "intSize"> {
  places: BlockPlaces;
  nRows: number;
}

/**
 * Writes header and rows in ascending order of ids, datasets and quanta merged.
 *
 * @param onRow Told the id of each row.
 */
function writeAddresses(
  { index, datasetOrder: datasets, table, intSize, places, nRows }: AddressInput,
  emit: (bytes: Uint8Array) => void,
  onRow: (row: number, ids: Uint8Array, at: number) => void,
): void {
  const header = new Uint8Array(addressHeaderSize(intSize));
  writeAddressHeader(header, 0, intSize, nRows, N_ADDRESSES);
  emit(header);
  const { datasetIds, quantumIds, producer } = index.arrays;
  const { nDatasets, nQuanta } = index;
  const quanta = sortIds(quantumIds, idPlaces(nQuanta));
  const rows = new Uint8Array(ADDRESS_ROWS_PER_WRITE * addressRowSize(N_ADDRESSES, intSize));
  const columns = new Float64Array(2 * N_ADDRESSES);
  let at = 0;
  let di = 0;
  let qi = 0;
  for (let row = 0; row < nRows; row++) {
    columns.fill(0);
    const takeQuantum = qi < nQuanta && (di >= nDatasets ||
      isBefore(quantumIds, quanta[qi] * UUID_SIZE, datasetIds, datasets[di] * UUID_SIZE));
    if (takeQuantum) {
      const q = quanta[qi++];
      columns[2] = places.quantumOffset[q];
      columns[3] = table.quantumSize[q];
      setLog(columns, q, table, places);
      setMetadata(columns, q, table, places);
      onRow(row, quantumIds, q * UUID_SIZE);
      at = writeAddressRow(rows, at, intSize, quantumIds, q * UUID_SIZE, row, columns);
    } else {
      const d = datasets[di++];
      columns[0] = places.datasetOffset[d];
      columns[1] = places.datasetSize[d];
      const q = producer[d];
      if (q >= 0 && q < nQuanta) {
        if (places.logDataset[q] === d) setLog(columns, q, table, places);
        if (places.metadataDataset[q] === d) setMetadata(columns, q, table, places);
      }
      onRow(row, datasetIds, d * UUID_SIZE);
      at = writeAddressRow(rows, at, intSize, datasetIds, d * UUID_SIZE, row, columns);
    }
    if (at === rows.length) {
      emit(rows);
      at = 0;
    }
  }
  emit(rows.subarray(0, at));
}

function setLog(columns: Float64Array, q: number, table: ChunkTable, places: BlockPlaces): void {
  columns[4] = places.logOffset[q];
  columns[5] = table.logSize[q];
}

function setMetadata(
  columns: Float64Array,
  q: number,
  table: ChunkTable,
  places: BlockPlaces,
): void {
  columns[6] = places.metadataOffset[q];
  columns[7] = table.metadataSize[q];
}

function isBefore(a: Uint8Array, aAt: number, b: Uint8Array, bAt: number): boolean {
  for (let i = 0; i < UUID_SIZE; i++) {
    if (a[aAt + i] !== b[bAt + i]) return a[aAt + i] < b[bAt + i];
  }
  return false;
}
