/**
 * What a chunk of a chunk log looks like: prefix, head, body, checksums. What chunks mean is told in
 * `scan_head.ts`, every byte in `schema/chunk-log.md`.
 *
 * @module
 */

import { u32, writeLittleEndian } from "../base/bytes.ts";
import { crc32 } from "../base/crc32.ts";

/** First bytes of a chunk log: a name, and line ends that a text-mode copy would destroy. */
export const CHUNK_LOG_MAGIC: Uint8Array = new Uint8Array([
  0x89,
  0x50,
  0x47,
  0x43,
  0x4c,
  0x0d,
  0x0a,
  0x1a,
]);

/** Version of the format that this module writes; newer ones are refused. */
export const CHUNK_LOG_VERSION = 2;
/** Oldest version that is read. */
export const MIN_CHUNK_LOG_VERSION = 1;

/** Bytes before a chunk's head: marker, type, reserved, two lengths, two checksums. */
export const CHUNK_PREFIX_SIZE = 24;

/** Largest head or body; a larger length is damage. */
const MAX_PART = 0x7fffffff;

/** Marker that begins every chunk, so that reading can go on behind damage. */
export const MARKER = 0x6b434750; // "PGCk" in little-endian order

/** Types of chunks. Readers skip types that they don't know. */
export const ChunkType = { HEADER: 1, SCAN: 2, BLOCKED: 3, INIT: 4, INDEX: 5 } as const;

/** Where a chunk is. */
export interface ChunkPlace {
  type: number;
  /** Offset of the prefix in the file. */
  offset: number;
  headSize: number;
  bodySize: number;
}

/** Bytes of a chunk with head and body of the given sizes. */
export function chunkSize(headSize: number, bodySize: number): number {
  return CHUNK_PREFIX_SIZE + headSize + bodySize;
}

/**
 * Writes the prefix of a chunk whose head and body lie already behind it in `target`.
 *
 * @param offset Where the prefix goes in `target`.
 */
export function sealChunk(
  target: Uint8Array,
  offset: number,
  type: number,
  headSize: number,
  bodySize: number,
): void {
  writeLittleEndian(target, offset, 4, MARKER);
  writeLittleEndian(target, offset + 4, 4, type);
  writeLittleEndian(target, offset + 8, 4, headSize);
  writeLittleEndian(target, offset + 12, 4, bodySize);
  const data = target.subarray(
    offset + CHUNK_PREFIX_SIZE,
    offset + chunkSize(headSize, bodySize),
  );
  writeLittleEndian(target, offset + 16, 4, crc32(data));
  writeLittleEndian(target, offset + 20, 4, crc32(target.subarray(offset, offset + 20)));
}

/** Makes a whole chunk. */
export function makeChunk(
  type: number,
  head: Uint8Array,
  body: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const chunk = new Uint8Array(chunkSize(head.length, body.length));
  chunk.set(head, CHUNK_PREFIX_SIZE);
  chunk.set(body, CHUNK_PREFIX_SIZE + head.length);
  sealChunk(chunk, 0, type, head.length, body.length);
  return chunk;
}

/** Reads the prefix at `offset` of `bytes`; null if none is there or it is damaged. */
export function readChunkPrefix(
  bytes: Uint8Array,
  offset: number,
  fileOffset: number,
): ChunkPlace | null {
  if (offset + CHUNK_PREFIX_SIZE > bytes.length) return null;
  if (u32(bytes, offset) !== MARKER) return null;
  if (u32(bytes, offset + 20) !== crc32(bytes.subarray(offset, offset + 20))) return null;
  const headSize = u32(bytes, offset + 8);
  const bodySize = u32(bytes, offset + 12);
  if (headSize > MAX_PART || bodySize > MAX_PART) return null;
  return { type: u32(bytes, offset + 4), offset: fileOffset, headSize, bodySize };
}

/** Whether head and body of a whole chunk have the checksum that its prefix says. */
export function isChunkSound(chunk: Uint8Array): boolean {
  return u32(chunk, 16) === crc32(chunk.subarray(CHUNK_PREFIX_SIZE));
}
