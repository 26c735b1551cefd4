/**
 * From a chunk log to a provenance graph: one pass over the chunks, blocks copied as they are.
 *
 * Order of effects: the whole file is written under a temporary name and synced; once everything it
 * names is registered it is renamed and its directory synced. So there is never a partial file under the
 * final name, nor a graph whose datasets the registry refused. Source: design notes, section 3.
 *
 * @module
 */

import { EnvironmentError, InvalidQuantumGraphFileError } from "../base/errors.ts";
import { idPlaces, sortIds, sortOffsets } from "../base/sort_ids.ts";
import { UUID_SIZE } from "../base/uuid.ts";
import type { ChunkTable } from "../provenance/chunk_table.ts";
import type { GraphIndex } from "../provenance/graph_index.ts";
import { DatasetRole, ScanHead } from "../provenance/scan_chunk.ts";
import {
  addressFileSize,
  addressHeaderSize,
  addressRowSize,
  writeAddressHeader,
  writeAddressRow,
} from "../qg/address_file.ts";
import {
  DATASETS_MEMBER,
  LOGS_MEMBER,
  METADATA_MEMBER,
  NODES_ADDRESS_MEMBER,
  NODES_FENCES_MEMBER,
  QUANTA_MEMBER,
} from "../qg/member_names.ts";
import { fenceCount, fenceRow } from "../qg/range_plan.ts";
import { CHUNK_PREFIX_SIZE, chunkSize, readChunkPrefix } from "../store/chunk_log.ts";
import { isChunkSound } from "../store/chunk_log.ts";
import { failpoint } from "../store/failpoints.ts";
import { renameDurably, temporaryPath } from "../store/durable_file.ts";
import { fileError, FileSource } from "../store/file_source.ts";
import { StoredZipWriter } from "../store/zip_writer.ts";
import type { GraphMember } from "./messages.ts";

/** All that goes into a graph. */
export interface FinishInput {
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
  /** Whether to give up; looked at between chunks and when all is written. */
  isStopped: () => boolean;
  /** Told now and then how many quanta have been copied. */
  onCopied: (nQuanta: number) => void;
}

const N_ADDRESSES = 4;
const ADDRESS_ROWS_PER_WRITE = 2048;
/** Small enough to be in the processor's cache until it is copied. */
const READ_SIZE = 1 << 20;
/** Quanta between two messages on how far it is. */
const QUANTA_PER_REPORT = 2048;

/** Reads chunks at ascending offsets through one large window; each is valid until the next is read. */
class ChunkWindow {
  readonly #source: FileSource;
  #buffer = new Uint8Array(READ_SIZE);
  #bytes = new Uint8Array(0);
  #start = 0;

  constructor(source: FileSource) {
    this.#source = source;
  }

  #load(at: number, length: number): Uint8Array {
    if (at < this.#start || at + length > this.#start + this.#bytes.length) {
      const size = Math.max(length, Math.min(READ_SIZE, this.#source.size - at));
      if (this.#buffer.length < size) this.#buffer = new Uint8Array(size);
      this.#bytes = this.#buffer.subarray(0, size);
      this.#source.readInto(this.#bytes, at);
      this.#start = at;
    }
    return this.#bytes.subarray(at - this.#start, at - this.#start + length);
  }

  /** Head and body of the chunk at `offset`, checked. */
  read(offset: number): { head: ScanHead; body: Uint8Array } {
    const place = readChunkPrefix(this.#load(offset, CHUNK_PREFIX_SIZE), 0, offset);
    if (place === null) throw this.#damaged(offset);
    const chunk = this.#load(offset, chunkSize(place.headSize, place.bodySize));
    if (!isChunkSound(chunk)) throw this.#damaged(offset);
    const bodyStart = CHUNK_PREFIX_SIZE + place.headSize;
    return {
      head: new ScanHead(chunk.subarray(CHUNK_PREFIX_SIZE, bodyStart), `"${this.#source.name}"`),
      body: chunk.subarray(bodyStart),
    };
  }

  #damaged(offset: number): EnvironmentError {
    return new EnvironmentError(
      `Cannot finish graph from "${this.#source.name}": the chunk at ${offset} is damaged`,
      { hint: "run the same command again: the quantum is scanned anew" },
    );
  }
}

/**
 * Writes the provenance graph under its temporary name.
 *
 * @param progress Told of each stage.
 * @returns bytes of the file, which is complete and durable until {@linkcode publishGraph} gives it its
 *   final name; null if it was given up, and no file is left.
 * @throws {EnvironmentError} if anything can't be read or written; no file is left in the way.
 */
export function writeGraph(
  input: FinishInput,
  progress: (text: string) => void,
): number | null {
  const temporary = temporaryPath(input.outputPath);
  let size: number;
  try {
    using file = Deno.openSync(temporary, {
      write: true,
      read: true,
      create: true,
      truncate: true,
    });
    failpoint("finish.created");
    size = writeMembers(input, file, progress);
    failpoint("finish.written");
    file.syncSync();
    failpoint("finish.synced");
    stopIfAsked(input);
  } catch (error) {
    try {
      Deno.removeSync(temporary);
    } catch {
      // The first error is the one that matters.
    }
    if (error instanceof GivenUp) return null;
    throw error instanceof EnvironmentError || error instanceof InvalidQuantumGraphFileError
      ? error
      : fileError("write graph", input.outputPath, error);
  }
  return size;
}

/**
 * Gives the graph that {@linkcode writeGraph} wrote its final name.
 *
 * @throws {EnvironmentError} or NotFoundError if the system refuses.
 */
export function publishGraph(outputPath: string): void {
  renameDurably(temporaryPath(outputPath), outputPath);
  failpoint("finish.directory-synced");
}

/** Ends the writing of a graph; never leaves this module. */
class GivenUp extends Error {}

function stopIfAsked(input: FinishInput): void {
  if (input.isStopped()) throw new GivenUp();
}

function writeMembers(
  input: FinishInput,
  file: Deno.FsFile,
  progress: (text: string) => void,
): number {
  const { index, table, intSize, documents } = input;
  using chunkLog = FileSource.open(input.chunkLogPath);
  const chunks = new ChunkWindow(chunkLog);
  const initDatasetsSize = chunks.read(input.initChunkOffset).head.datasetsSize;
  const sum = (sizes: Uint32Array) => sizes.reduce((total, size) => total + size, 0);
  const nRows = countRows(index);
  const nFences = fenceCount(nRows);
  const zip = new StoredZipWriter(file, [
    ...documents.map(({ name, bytes }) => ({ name, size: bytes.length })),
    { name: QUANTA_MEMBER, size: sum(table.quantumSize) },
    { name: DATASETS_MEMBER, size: sum(table.datasetsSize) + initDatasetsSize },
    { name: METADATA_MEMBER, size: sum(table.metadataSize) },
    { name: LOGS_MEMBER, size: sum(table.logSize) },
    { name: NODES_ADDRESS_MEMBER, size: addressFileSize(nRows, N_ADDRESSES, intSize) },
    ...(nFences === 0 ? [] : [{ name: NODES_FENCES_MEMBER, size: nFences * UUID_SIZE }]),
  ], input.outputPath);
  for (const { name, bytes } of documents) zip.write(name, bytes);

  const addresses = new Addresses(index, input.datasetOrder);
  const byOffset = sortOffsets(table.chunkOffset);
  progress("Copying blocks into the provenance graph.");
  for (let n = 0; n < byOffset.length; n++) {
    const q = byOffset[n];
    stopIfAsked(input);
    if (n % QUANTA_PER_REPORT === 0) input.onCopied(n);
    const { head, body } = chunks.read(table.chunkOffset[q]);
    const metadataAt = head.quantumSize;
    const logAt = metadataAt + head.metadataSize;
    const datasetsAt = logAt + head.logSize;
    zip.write(QUANTA_MEMBER, body.subarray(0, metadataAt));
    zip.write(METADATA_MEMBER, body.subarray(metadataAt, logAt));
    zip.write(LOGS_MEMBER, body.subarray(logAt, datasetsAt));
    zip.write(DATASETS_MEMBER, body.subarray(datasetsAt));
    addresses.addQuantum(q, head);
    addresses.addDatasets(head, q);
  }
  failpoint("finish.half-written");
  const init = chunks.read(input.initChunkOffset);
  zip.write(DATASETS_MEMBER, init.body);
  addresses.addDatasets(init.head, -1);
  progress("Writing the address file of the provenance graph.");
  const fences = new Uint8Array(nFences * UUID_SIZE);
  let nFencesSet = 0;
  const emit = (rows: Uint8Array) => zip.write(NODES_ADDRESS_MEMBER, rows);
  addresses.write(intSize, nRows, table, emit, (row, ids, at) => {
    if (nFencesSet === nFences || row !== fenceRow(nFencesSet, nFences, nRows)) return;
    fences.set(ids.subarray(at, at + UUID_SIZE), nFencesSet++ * UUID_SIZE);
  });
  if (nFences > 0) zip.write(NODES_FENCES_MEMBER, fences);
  return zip.finish();
}

/** Every dataset of the index has a block: the index has none that only `packages` would explain. */
function countRows(index: GraphIndex): number {
  return index.nDatasets + index.nQuanta;
}

/** Where each block is. Memory: 12 bytes a dataset, 32 a quantum. */
class Addresses {
  readonly #index: GraphIndex;
  readonly #datasetOrder: Uint32Array;
  readonly #datasetOffset: Float64Array;
  readonly #datasetSize: Uint32Array;
  readonly #quantumOffset: Float64Array;
  readonly #metadataOffset: Float64Array;
  readonly #logOffset: Float64Array;
  readonly #metadataDataset: Int32Array;
  readonly #logDataset: Int32Array;
  #ends = { quanta: 0, datasets: 0, metadata: 0, logs: 0 };

  constructor(index: GraphIndex, datasetOrder: Uint32Array) {
    const { nDatasets, nQuanta } = index;
    this.#index = index;
    this.#datasetOrder = datasetOrder;
    this.#datasetOffset = new Float64Array(nDatasets);
    this.#datasetSize = new Uint32Array(nDatasets);
    this.#quantumOffset = new Float64Array(nQuanta);
    this.#metadataOffset = new Float64Array(nQuanta);
    this.#logOffset = new Float64Array(nQuanta);
    this.#metadataDataset = new Int32Array(nQuanta).fill(-1);
    this.#logDataset = new Int32Array(nQuanta).fill(-1);
  }

  addQuantum(q: number, head: ScanHead): void {
    const ends = this.#ends;
    this.#quantumOffset[q] = ends.quanta;
    ends.quanta += head.quantumSize;
    if (head.metadataSize > 0) this.#metadataOffset[q] = ends.metadata;
    ends.metadata += head.metadataSize;
    if (head.logSize > 0) this.#logOffset[q] = ends.logs;
    ends.logs += head.logSize;
  }

  addDatasets(head: ScanHead, q: number): void {
    const { nDatasets } = head;
    for (let i = 0; i < nDatasets; i++) {
      const d = head.findDataset(this.#index, q, i);
      const size = head.datasetSize(i);
      this.#datasetOffset[d] = this.#ends.datasets;
      this.#datasetSize[d] = size;
      this.#ends.datasets += size;
      if (q < 0) continue;
      const role = head.datasetRole(i);
      if (role === DatasetRole.METADATA) this.#metadataDataset[q] = d;
      else if (role === DatasetRole.LOG) this.#logDataset[q] = d;
    }
  }

  /**
   * Writes header and rows in ascending order of ids, datasets and quanta merged.
   *
   * @param onRow Told the id of each row.
   */
  write(
    intSize: number,
    nRows: number,
    table: ChunkTable,
    emit: (bytes: Uint8Array) => void,
    onRow: (row: number, ids: Uint8Array, at: number) => void,
  ): void {
    const header = new Uint8Array(addressHeaderSize(intSize));
    writeAddressHeader(header, 0, intSize, nRows, N_ADDRESSES);
    emit(header);
    const { datasetIds, quantumIds, producer } = this.#index.arrays;
    const { nDatasets, nQuanta } = this.#index;
    const datasets = this.#datasetOrder;
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
        columns[2] = this.#quantumOffset[q];
        columns[3] = table.quantumSize[q];
        this.#setLog(columns, q, table);
        this.#setMetadata(columns, q, table);
        onRow(row, quantumIds, q * UUID_SIZE);
        at = writeAddressRow(rows, at, intSize, quantumIds, q * UUID_SIZE, row, columns);
      } else {
        const d = datasets[di++];
        columns[0] = this.#datasetOffset[d];
        columns[1] = this.#datasetSize[d];
        const q = producer[d];
        if (q >= 0 && q < nQuanta) {
          if (this.#logDataset[q] === d) this.#setLog(columns, q, table);
          if (this.#metadataDataset[q] === d) this.#setMetadata(columns, q, table);
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

  #setLog(columns: Float64Array, q: number, table: ChunkTable): void {
    columns[4] = this.#logOffset[q];
    columns[5] = table.logSize[q];
  }

  #setMetadata(columns: Float64Array, q: number, table: ChunkTable): void {
    columns[6] = this.#metadataOffset[q];
    columns[7] = table.metadataSize[q];
  }
}

function isBefore(a: Uint8Array, aAt: number, b: Uint8Array, bAt: number): boolean {
  for (let i = 0; i < UUID_SIZE; i++) {
    if (a[aAt + i] !== b[bAt + i]) return a[aAt + i] < b[bAt + i];
  }
  return false;
}
