/**
 * What the chunks of a chunk log say about a quantum: a head of fixed layout, then the blocks of the
 * provenance graph, ready to be copied. Little-endian; byte map in `schema/chunk-log.md`.
 *
 * @module
 */

import { type ByteBuilder, writeBigEndian, writeLittleEndian } from "../base/bytes.ts";
import { DATASET_ENTRY_SIZE, type FileIdentity, SCAN_HEAD_SIZE } from "./scan_head.ts";
import { CHUNK_PREFIX_SIZE, sealChunk } from "./chunk_format.ts";

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
