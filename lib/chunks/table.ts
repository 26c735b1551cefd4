/**
 * Where the chunk of each quantum is in a chunk log, as typed arrays on shared memory: the writer fills
 * them, scanners look there for chunks that still hold. Memory: 82 bytes a quantum.
 *
 * @module
 */

import { InvalidChunkLogError } from "../base/errors.ts";
import { compareUuids, UUID_SIZE, uuidToText } from "../base/uuid.ts";
import { type ChunkDamage, type ReadChunk, readChunks } from "./framing.ts";
import { FileSource } from "../storage/file_source.ts";
import { keptStampAt } from "../provenance/originals/file_digests.ts";
import type { GraphIndex } from "../qg/predicted/graph_index.ts";
import { type ChunkLogHeader, parseChunkLogHeader } from "./header.ts";
import { chunkSize, ChunkType } from "./chunk_format.ts";
import { FILE_PROOF_SIZE } from "../provenance/originals/proof_sizes.ts";
import { DatasetRole, ScanHead } from "./scan_head.ts";

/** The table, plain data. Sizes are bytes of whole blocks with length prefix. */
export interface ChunkTable {
  /** Offset of the chunk's prefix, or -1. */
  chunkOffset: Float64Array;
  /** Bytes of the whole chunk. */
  chunkSize: Uint32Array;
  scanStatus: Uint8Array;
  lastAttemptStatus: Int8Array;
  /** Four values a quantum: size and mtime (ns) of the log, then of the metadata. */
  identities: BigInt64Array;
  /** Two values a quantum: stamps of log and metadata, 0 where there is none (`file_digests.ts`). */
  stamps: BigInt64Array;
  quantumSize: Uint32Array;
  metadataSize: Uint32Array;
  logSize: Uint32Array;
  datasetsSize: Uint32Array;
}

/** An empty table for `nQuanta` quanta. */
export function makeChunkTable(nQuanta: number): ChunkTable {
  const shared = (width: number) => new SharedArrayBuffer(nQuanta * width);
  return {
    chunkOffset: new Float64Array(shared(8)).fill(-1),
    chunkSize: new Uint32Array(shared(4)),
    scanStatus: new Uint8Array(shared(1)),
    lastAttemptStatus: new Int8Array(shared(1)),
    identities: new BigInt64Array(shared(32)),
    stamps: new BigInt64Array(shared(16)),
    quantumSize: new Uint32Array(shared(4)),
    metadataSize: new Uint32Array(shared(4)),
    logSize: new Uint32Array(shared(4)),
    datasetsSize: new Uint32Array(shared(4)),
  };
}

/**
 * Enters a chunk; a later one of the same quantum replaces an earlier one.
 *
 * @param size Bytes of the whole chunk.
 * @returns the quantum.
 * @throws {InvalidChunkLogError} if the chunk belongs to no quantum of the graph.
 */
export function enterChunk(
  table: ChunkTable,
  index: GraphIndex,
  offset: number,
  size: number,
  head: ScanHead,
): number {
  const q = quantumOfChunk(index, head);
  if (q < 0) {
    throw new InvalidChunkLogError(
      `Cannot use chunk at ${offset}: quantum ${uuidToText(head.quantumId)} is not in the graph`,
    );
  }
  table.chunkOffset[q] = offset;
  table.chunkSize[q] = size;
  table.scanStatus[q] = head.scanStatus;
  table.lastAttemptStatus[q] = head.lastAttemptStatus;
  const { log, metadata } = head;
  table.identities[q * 4] = BigInt(log.sizeBytes);
  table.identities[q * 4 + 1] = log.mtimeNs;
  table.identities[q * 4 + 2] = BigInt(metadata.sizeBytes);
  table.identities[q * 4 + 3] = metadata.mtimeNs;
  const { proofs } = head;
  table.stamps[q * 2] = proofs === null ? 0n : keptStampAt(proofs, 0);
  table.stamps[q * 2 + 1] = proofs === null ? 0n : keptStampAt(proofs, FILE_PROOF_SIZE);
  table.quantumSize[q] = head.quantumSize;
  table.metadataSize[q] = head.metadataSize;
  table.logSize[q] = head.logSize;
  table.datasetsSize[q] = head.datasetsSize;
  return q;
}

/** A quantum is found by the producer of its first dataset: so ids of quanta need no table. */
function quantumOfChunk(index: GraphIndex, head: ScanHead): number {
  if (head.nDatasets === 0) return -1;
  const d = head.findDataset(index, -1, 0);
  const q = d < 0 ? -1 : index.arrays.producer[d];
  if (q < 0 || q >= index.nQuanta) return -1;
  return compareUuids(index.arrays.quantumIds, q * UUID_SIZE, head.quantumId, 0) === 0 ? q : -1;
}

/** What an existing chunk log holds. */
export interface LoadedChunkLog {
  header: ChunkLogHeader;
  table: ChunkTable;
  /** One byte a dataset of the graph, on shared memory: 1 if a chunk in the table has it as produced. */
  wasProduced: Uint8Array;
  /** Quanta that have a chunk in the table. */
  nChunks: number;
  /** Bytes up to the end of the last sound chunk. */
  soundSize: number;
  damages: ChunkDamage[];
}

/** What passing over a chunk log tells besides its chunks. */
export type ChunkLogPass = Pick<LoadedChunkLog, "header" | "soundSize" | "damages">;

/**
 * Passes over the scan chunks of a whole chunk log, in the order of the file. Damaged ones are left out.
 *
 * @param onChunk Told the quantum and head of each sound chunk, the offset of its prefix, and its bytes
 *   altogether. The head is valid during the call only.
 * @returns null if it holds no sound header, as when its writer was killed at once.
 * @throws {InvalidChunkLogError} if it is no chunk log, or one of another version.
 */
export function visitChunkLog(
  source: FileSource,
  index: GraphIndex,
  onChunk: (q: number, head: ScanHead, offset: number, size: number) => void,
): ChunkLogPass | null {
  const damages: ChunkDamage[] = [];
  let header: ChunkLogHeader | null = null;
  let soundSize = 0;
  for (const chunk of readChunks(source, (damage) => damages.push(damage), { isReused: true })) {
    soundSize = chunk.offset + chunkSize(chunk.head.length, chunk.body.length);
    if (chunk.type === ChunkType.HEADER) {
      header ??= parseChunkLogHeader(chunk.head, chunk.body, source.name);
    } else if (chunk.type === ChunkType.SCAN || chunk.type === ChunkType.BLOCKED) {
      // Without the header nothing says which graph the chunks belong to.
      if (header === null) return null;
      const head = headThatFits(chunk, source.name);
      const q = head === null ? -1 : quantumOfChunk(index, head);
      if (head !== null && q >= 0) onChunk(q, head, chunk.offset, soundSize - chunk.offset);
      else {
        damages.push({
          startByte: chunk.offset,
          endByte: soundSize,
          reason: head === null
            ? "the sizes in its head don't fit"
            : `quantum ${uuidToText(head.quantumId)} is not in the graph`,
          isTornTail: false,
        });
      }
    }
  }
  return header === null ? null : { header, soundSize, damages };
}

/**
 * Reads a whole chunk log into a table. Damaged chunks are left out, and those of quanta with broken
 * files: they are scanned again.
 *
 * @returns null if it holds no sound header, as when its writer was killed at once.
 * @throws {InvalidChunkLogError} if it is no chunk log, or one of another version.
 */
export function loadChunkLog(source: FileSource, index: GraphIndex): LoadedChunkLog | null {
  const table = makeChunkTable(index.nQuanta);
  const wasProduced = new Uint8Array(new SharedArrayBuffer(index.nDatasets));
  const seen = new Uint8Array(index.nQuanta);
  let nChunks = 0;
  const pass = visitChunkLog(source, index, (q, head, offset, size) => {
    if (head.flags === 0) {
      enterChunk(table, index, offset, size, head);
      const { nDatasets } = head;
      for (let i = 0; i < nDatasets; i++) {
        if (head.datasetRole(i) === DatasetRole.INPUT) continue;
        const d = head.findDataset(index, q, i);
        if (d >= 0) wasProduced[d] = head.wasProduced(i) ? 1 : 0;
      }
      nChunks += 1 - seen[q];
      seen[q] = 1;
    } else {
      // What was wrong with its files is told by scanning it again, never forgotten.
      table.chunkOffset[q] = -1;
      nChunks -= seen[q];
      seen[q] = 0;
    }
  });
  return pass === null ? null : { ...pass, table, wasProduced, nChunks };
}

/** As {@linkcode loadChunkLog}, of the file at a path. */
export function loadChunkLogAt(path: string, index: GraphIndex): LoadedChunkLog | null {
  using source = FileSource.open(path);
  return loadChunkLog(source, index);
}

/** Head of a chunk, or null if it doesn't describe its body. */
function headThatFits(chunk: ReadChunk, fileName: string): ScanHead | null {
  try {
    const head = new ScanHead(chunk.head, `"${fileName}"`);
    const size = head.quantumSize + head.metadataSize + head.logSize + head.datasetsSize;
    return size === chunk.body.length ? head : null;
  } catch (error) {
    if (error instanceof InvalidChunkLogError) return null;
    throw error;
  }
}
