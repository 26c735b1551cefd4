/**
 * What the chunks of a chunk log say about a quantum: a head of fixed layout, then the blocks of the
 * provenance graph, ready to be copied. Little-endian; byte map in `schema/chunk-log.md`.
 *
 * @module
 */

import { type ByteBuilder, writeBigEndian, writeLittleEndian } from "../base/bytes.ts";
import { InvalidChunkLogError } from "../base/errors.ts";
import { UUID_SIZE } from "../base/uuid.ts";
import { CHUNK_PREFIX_SIZE, sealChunk } from "../store/chunk_log.ts";
import { QUANTUM_PROOFS_SIZE } from "./file_digests.ts";
import type { GraphIndex } from "./graph_index.ts";

/** Bytes of the head before its list of datasets. */
export const SCAN_HEAD_SIZE = 72;
/** Bytes of one dataset in the head. */
export const DATASET_ENTRY_SIZE = 24;

/** What a dataset is to the quantum of a chunk. Numbers are part of the format. */
export const DatasetRole = { OTHER: 0, METADATA: 1, LOG: 2, INPUT: 3 } as const;

/** Identity of a file that was read; size -1 says that there was none. */
export interface FileIdentity {
  sizeBytes: number;
  mtimeNs: bigint;
}

/** Identity of a file that isn't there. */
export const NO_FILE: FileIdentity = { sizeBytes: -1, mtimeNs: 0n };

/** Flags of a scan chunk, each a reason to scan again: a log file that could not be used. */
export const BROKEN_LOG = 1;
/** See {@linkcode BROKEN_LOG}. */
export const BROKEN_METADATA = 2;
/** Flag: nothing said which outputs were written, so they were looked for; they may come later. */
export const LOOKED_FOR_OUTPUTS = 4;

/** One dataset block of a chunk. */
export interface ChunkDataset {
  /** 16 bytes. */
  id: Uint8Array;
  frame: Uint8Array;
  wasProduced: boolean;
  role: number;
}

/** A chunk to be written. Frames are compressed blocks without length prefix; null for none. */
export interface ScanChunk {
  /** 16 bytes; all zero for init quanta. */
  quantumId: Uint8Array;
  scanStatus: number;
  lastAttemptStatus: number;
  flags: number;
  log: FileIdentity;
  metadata: FileIdentity;
  /** Stamps and digests of log and metadata file, {@linkcode QUANTUM_PROOFS_SIZE} bytes; null for none. */
  proofs: Uint8Array | null;
  quantumFrame: Uint8Array | null;
  metadataFrame: Uint8Array | null;
  logFrame: Uint8Array | null;
  datasets: readonly ChunkDataset[];
}

/** Appends a sealed chunk. `intSize` is the width of the graph's length prefixes. */
export function appendScanChunk(
  out: ByteBuilder,
  type: number,
  intSize: number,
  chunk: ScanChunk,
): void {
  const proofsAt = SCAN_HEAD_SIZE + chunk.datasets.length * DATASET_ENTRY_SIZE;
  const headSize = proofsAt + (chunk.proofs?.length ?? 0);
  const start = out.skip(CHUNK_PREFIX_SIZE + headSize);
  const appendBlock = (frame: Uint8Array | null): number => {
    if (frame === null) return 0;
    const at = out.skip(intSize);
    writeBigEndian(out.view(at), 0, intSize, frame.length);
    out.bytes(frame);
    return intSize + frame.length;
  };
  const quantumSize = appendBlock(chunk.quantumFrame);
  const metadataSize = appendBlock(chunk.metadataFrame);
  const logSize = appendBlock(chunk.logFrame);
  const sizes = chunk.datasets.map((dataset) => appendBlock(dataset.frame));
  const bytes = out.view(start);
  const head = bytes.subarray(CHUNK_PREFIX_SIZE, CHUNK_PREFIX_SIZE + headSize);
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  head.set(chunk.quantumId, 0);
  head[16] = chunk.scanStatus;
  view.setInt8(17, chunk.lastAttemptStatus);
  head[18] = chunk.flags;
  view.setUint32(20, chunk.datasets.length, true);
  view.setUint32(28, quantumSize, true);
  view.setUint32(32, metadataSize, true);
  view.setUint32(36, logSize, true);
  view.setBigInt64(40, BigInt(chunk.log.sizeBytes), true);
  view.setBigInt64(48, chunk.log.mtimeNs, true);
  view.setBigInt64(56, BigInt(chunk.metadata.sizeBytes), true);
  view.setBigInt64(64, chunk.metadata.mtimeNs, true);
  chunk.datasets.forEach((dataset, i) => {
    const at = SCAN_HEAD_SIZE + i * DATASET_ENTRY_SIZE;
    head.set(dataset.id, at);
    writeLittleEndian(head, at + 16, 4, sizes[i]);
    head[at + 20] = dataset.wasProduced ? 1 : 0;
    head[at + 21] = dataset.role;
  });
  if (chunk.proofs !== null) head.set(chunk.proofs, proofsAt);
  sealChunk(bytes, 0, type, headSize, bytes.length - CHUNK_PREFIX_SIZE - headSize);
}

/** Head of a chunk as read. Sizes include the length prefix; 0 says that there is no such block. */
export class ScanHead {
  readonly #head: Uint8Array;
  readonly #view: DataView;

  /**
   * @throws {InvalidChunkLogError} if the head's length doesn't fit its counts.
   */
  constructor(head: Uint8Array, where: string) {
    this.#head = head;
    this.#view = new DataView(head.buffer, head.byteOffset, head.length);
    const proofsSize = head.length < SCAN_HEAD_SIZE ? -1 : head.length - this.#proofsAt;
    if (proofsSize !== 0 && proofsSize !== QUANTUM_PROOFS_SIZE) {
      throw new InvalidChunkLogError(
        `Cannot read chunk of ${where}: its head has ${head.length} bytes, which doesn't fit`,
      );
    }
  }

  /** 16 bytes. */
  get quantumId(): Uint8Array {
    return this.#head.subarray(0, UUID_SIZE);
  }
  get scanStatus(): number {
    return this.#head[16];
  }
  get lastAttemptStatus(): number {
    return this.#view.getInt8(17);
  }
  get flags(): number {
    return this.#head[18];
  }
  get nDatasets(): number {
    return this.#view.getUint32(20, true);
  }
  get quantumSize(): number {
    return this.#view.getUint32(28, true);
  }
  get metadataSize(): number {
    return this.#view.getUint32(32, true);
  }
  get logSize(): number {
    return this.#view.getUint32(36, true);
  }
  get log(): FileIdentity {
    return this.#identity(40);
  }
  get metadata(): FileIdentity {
    return this.#identity(56);
  }
  /** Stamps and digests of log and metadata file, a view; null if the chunk has none. */
  get proofs(): Uint8Array | null {
    const at = this.#proofsAt;
    return this.#head.length === at ? null : this.#head.subarray(at);
  }
  get #proofsAt(): number {
    return SCAN_HEAD_SIZE + this.nDatasets * DATASET_ENTRY_SIZE;
  }
  #identity(at: number): FileIdentity {
    return {
      sizeBytes: Number(this.#view.getBigInt64(at, true)),
      mtimeNs: this.#view.getBigInt64(at + 8, true),
    };
  }
  /** 16 bytes. */
  datasetId(i: number): Uint8Array {
    const at = SCAN_HEAD_SIZE + i * DATASET_ENTRY_SIZE;
    return this.#head.subarray(at, at + UUID_SIZE);
  }
  /**
   * Number of a dataset in the graph's index, or -1.
   *
   * @param q The quantum, if it is known: its outputs mostly stand in the order of the graph, and need
   *   no search then.
   */
  findDataset(index: GraphIndex, q: number, i: number): number {
    const at = SCAN_HEAD_SIZE + i * DATASET_ENTRY_SIZE;
    if (q >= 0) {
      const d = index.outputAt(q, i, this.#head, at);
      if (d >= 0) return d;
    }
    return index.findDataset(this.#head, at);
  }
  datasetSize(i: number): number {
    return this.#view.getUint32(SCAN_HEAD_SIZE + i * DATASET_ENTRY_SIZE + 16, true);
  }
  wasProduced(i: number): boolean {
    return this.#head[SCAN_HEAD_SIZE + i * DATASET_ENTRY_SIZE + 20] !== 0;
  }
  datasetRole(i: number): number {
    return this.#head[SCAN_HEAD_SIZE + i * DATASET_ENTRY_SIZE + 21];
  }
  /** Bytes of all dataset blocks together; they lie behind the other three blocks. */
  get datasetsSize(): number {
    let size = 0;
    const { nDatasets } = this;
    for (let i = 0; i < nDatasets; i++) size += this.datasetSize(i);
    return size;
  }
}
