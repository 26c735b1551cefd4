/**
 * Blocks on their way from the chunk log to the graph, copied as they are, in shares that threads may work
 * on side by side: where each goes follows from the sizes in the chunk table.
 *
 * @module
 */

import { EnvironmentError, InvalidQuantumGraphFileError } from "../base/errors.ts";
import type { ChunkTable } from "../chunks/table.ts";
import { NO_PROOFS } from "../provenance/originals/file_digests.ts";
import {
  DATASETS_MEMBER,
  LOGS_MEMBER,
  METADATA_MEMBER,
  QUANTA_FILES_MEMBER,
  QUANTA_MEMBER,
} from "../qg/member_names.ts";
import type { GraphIndex } from "../qg/predicted/graph_index.ts";
import { FILES_HEAD_SIZE, FILES_RECORD_SIZE } from "../qg/quanta_files.ts";
import { failpoint } from "../storage/failpoints.ts";
import { FileSource } from "../storage/file_source.ts";
import { RangeWriter } from "../storage/range_writer.ts";
import type { BlockPlaces, CopiedShare, CopyRange, CopyShare } from "./copy_share.ts";
import type { ShareRows } from "./scan/share_rows.ts";
import {
  CHUNK_PREFIX_SIZE,
  chunkSize,
  isChunkSound,
  readChunkPrefix,
} from "../chunks/chunk_format.ts";
import { Window } from "../chunks/framing.ts";
import { DatasetRole, ScanHead } from "../chunks/scan_head.ts";
import { fileError } from "../storage/file_errors.ts";

/**
 * Members that are made of chunks. A chunk has the blocks of quantum, metadata, log, datasets, in this order;
 * what it says of files has the same size for each.
 */
export const COPIED_MEMBERS = [
  QUANTA_MEMBER,
  METADATA_MEMBER,
  LOGS_MEMBER,
  DATASETS_MEMBER,
  QUANTA_FILES_MEMBER,
] as const;

/** Places that aren't known yet. */
export function makeBlockPlaces({ nDatasets, nQuanta }: GraphIndex): BlockPlaces {
  const offsets = (n: number) => new Float64Array(new SharedArrayBuffer(n * 8));
  const datasets = (n: number) => new Int32Array(new SharedArrayBuffer(n * 4)).fill(-1);
  return {
    datasetOffset: offsets(nDatasets),
    datasetSize: new Uint32Array(new SharedArrayBuffer(nDatasets * 4)),
    quantumOffset: offsets(nQuanta),
    metadataOffset: offsets(nQuanta),
    logOffset: offsets(nQuanta),
    metadataDataset: datasets(nQuanta),
    logDataset: datasets(nQuanta),
  };
}

/**
 * Divides the copying of all chunks into shares of as many quanta each, be it none.
 *
 * @param dataOffset Where the data of a member begin in the file.
 */
export function makeShares(
  nShares: number,
  base: Pick<
    CopyShare,
    "chunkLogPath" | "outputPath" | "draftPath" | "order" | "places"
  >,
  table: ChunkTable,
  dataOffset: (member: string) => number,
): CopyShare[] {
  const sizes = [table.quantumSize, table.metadataSize, table.logSize, table.datasetsSize];
  const ends = [0, 0, 0, 0];
  const filesAt = dataOffset(QUANTA_FILES_MEMBER) + FILES_HEAD_SIZE;
  const nQuanta = base.order.length;
  return Array.from({ length: nShares }, (_, i) => {
    const start = Math.floor(nQuanta * i / nShares);
    const end = Math.floor(nQuanta * (i + 1) / nShares);
    const ranges = sizes.map((size, m): CopyRange => {
      const offset = ends[m];
      for (let k = start; k < end; k++) ends[m] += size[base.order[k]];
      return {
        fileOffset: dataOffset(COPIED_MEMBERS[m]) + offset,
        offset,
        size: ends[m] - offset,
      };
    });
    const offset = start * FILES_RECORD_SIZE;
    ranges.push({
      fileOffset: filesAt + offset,
      offset,
      size: (end - start) * FILES_RECORD_SIZE,
    });
    return { ...base, chunkOffset: table.chunkOffset, start, end, ranges };
  });
}

/** Quanta between two messages on how far it is. */
const QUANTA_PER_REPORT = 2048;

/** Reads chunks at ascending offsets through one large window; each is valid until the next is read. */
export class ChunkWindow {
  readonly #name: string;
  readonly #window: Window;

  constructor(source: FileSource) {
    this.#name = source.name;
    this.#window = new Window(source, true);
  }

  /**
   * Head and body of the chunk at `offset`, checked.
   *
   * @throws {EnvironmentError} if it is damaged or can't be read.
   */
  read(offset: number): { head: ScanHead; body: Uint8Array } {
    const place = readChunkPrefix(this.#window.view(offset, CHUNK_PREFIX_SIZE), 0, offset);
    if (place === null) throw this.#damaged(offset);
    const chunk = this.#window.view(offset, chunkSize(place.headSize, place.bodySize));
    if (!isChunkSound(chunk)) throw this.#damaged(offset);
    const bodyStart = CHUNK_PREFIX_SIZE + place.headSize;
    return {
      head: new ScanHead(chunk.subarray(CHUNK_PREFIX_SIZE, bodyStart), `"${this.#name}"`),
      body: chunk.subarray(bodyStart),
    };
  }

  #damaged(offset: number): EnvironmentError {
    return new EnvironmentError(
      `Cannot finish graph from "${this.#name}": the chunk at ${offset} is damaged`,
      { hint: "run the same command again: the quantum is scanned anew" },
    );
  }
}

/**
 * Copies the blocks of a share to their places in the file, and notes the places.
 *
 * @param rows Makes the rows of the table that aren't made yet.
 * @param isStopped Whether to give up; looked at between chunks.
 * @param onCopied Told now and then how many quanta have been copied.
 * @returns null if it was given up.
 * @throws {EnvironmentError} if anything can't be read or written.
 */
export function copyShare(
  share: CopyShare,
  index: GraphIndex,
  rows: ShareRows,
  isStopped: () => boolean,
  onCopied: (nQuanta: number) => void,
): CopiedShare | null {
  try {
    using file = Deno.openSync(share.draftPath, { write: true });
    return copyChunks(file, share, index, rows, isStopped, onCopied);
  } catch (error) {
    throw graphError(share.outputPath, error);
  }
}

/** What is told of an error when a graph was being written. */
export function graphError(outputPath: string, error: unknown): unknown {
  return error instanceof EnvironmentError || error instanceof InvalidQuantumGraphFileError
    ? error
    : fileError("write graph", outputPath, error);
}

function copyChunks(
  file: Deno.FsFile,
  share: CopyShare,
  index: GraphIndex,
  rows: ShareRows,
  isStopped: () => boolean,
  onCopied: (nQuanta: number) => void,
): CopiedShare | null {
  using chunkLog = FileSource.open(share.chunkLogPath);
  const chunks = new ChunkWindow(chunkLog);
  const { order, start, end, chunkOffset, places } = share;
  const [quanta, metadata, logs, datasets, files] = share.ranges.map(({ fileOffset, size }, m) =>
    new RangeWriter(file, share.outputPath, COPIED_MEMBERS[m], fileOffset, size)
  );
  const [quantaStart, metadataStart, logsStart, datasetsStart] = share.ranges
    .map(({ offset }) => offset);
  for (let n = start; n < end; n++) {
    if (isStopped()) return null;
    if ((n - start) % QUANTA_PER_REPORT === 0) onCopied(n - start);
    const q = order[n];
    const { head, body } = chunks.read(chunkOffset[q]);
    const { quantumSize, metadataSize, logSize } = head;
    const logAt = quantumSize + metadataSize;
    const datasetsAt = logAt + logSize;
    places.quantumOffset[q] = quantaStart + quanta.nDone;
    if (metadataSize > 0) places.metadataOffset[q] = metadataStart + metadata.nDone;
    if (logSize > 0) places.logOffset[q] = logsStart + logs.nDone;
    placeDatasets(places, index, head, q, datasetsStart + datasets.nDone);
    quanta.write(body.subarray(0, quantumSize));
    metadata.write(body.subarray(quantumSize, logAt));
    logs.write(body.subarray(logAt, datasetsAt));
    datasets.write(body.subarray(datasetsAt));
    files.write(head.proofs ?? NO_PROOFS);
    rows.addChunk(q, head, body.subarray(0, quantumSize));
  }
  failpoint("finish.half-written");
  return {
    crcs: [quanta, metadata, logs, datasets, files].map((writer) => writer.finish()),
    texts: rows.take(),
  };
}

/**
 * Notes the places of a chunk's dataset blocks.
 *
 * @param q The quantum, or -1 for the init quanta.
 * @param offset Where the blocks begin in the data of their member.
 */
export function placeDatasets(
  places: BlockPlaces,
  index: GraphIndex,
  head: ScanHead,
  q: number,
  offset: number,
): void {
  const { nDatasets } = head;
  for (let i = 0; i < nDatasets; i++) {
    const d = head.findDataset(index, q, i);
    const size = head.datasetSize(i);
    places.datasetOffset[d] = offset;
    places.datasetSize[d] = size;
    offset += size;
    if (q < 0) continue;
    const role = head.datasetRole(i);
    if (role === DatasetRole.METADATA) places.metadataDataset[q] = d;
    else if (role === DatasetRole.LOG) places.logDataset[q] = d;
  }
}
