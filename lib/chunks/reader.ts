/**
 * Chunks and blocks of a chunk log, also while it grows. There is no index: a pass reads the prefix and
 * the head of every chunk and skips the bodies.
 *
 * @module
 */

import { readBigEndian } from "../base/bytes.ts";
import { InvalidChunkLogError } from "../base/errors.ts";
import { IdList } from "../base/id_list.ts";
import { sortIds } from "../base/sort_ids.ts";
import { compareUuids, UUID_SIZE } from "../base/uuid.ts";
import type { ZstdDecompressor } from "../codec/codecs.ts";
import type { Zstd } from "../codec/zstd.ts";
import { documentLimit } from "../qg/document_limits.ts";
import { parseHeader, type QuantumGraphHeader } from "../qg/header.ts";
import { PIPELINE_GRAPH_MEMBER } from "../qg/member_names.ts";
import { PipelineGraph } from "../qg/pipeline_graph.ts";
import type { FileSource } from "../storage/file_source.ts";
import { readChunks } from "./framing.ts";
import { type ChunkLogHeader, parseChunkLogHeader } from "./header.ts";
import {
  CHUNK_LOG_MAGIC,
  CHUNK_PREFIX_SIZE,
  type ChunkPlace,
  chunkSize,
  ChunkType,
  isChunkSound,
  readChunkPrefix,
} from "./chunk_format.ts";
import { ScanHead } from "./scan_head.ts";

/** Bytes read at each chunk: prefix and, for nearly all quanta, the whole head. */
const PEEK_SIZE = 1024;
/** Position of the quantum's block in the body of a chunk. */
export const QUANTUM = 0;
/** Position of the metadata's block. */
export const METADATA = 1;
/** Position of the log's block. */
export const LOG = 2;

/** Head and body of a chunk. */
export interface ScanChunkBytes {
  head: ScanHead;
  body: Uint8Array;
}

/** An open chunk log. */
export class ChunkLogReader {
  /** Kind and name, for messages. */
  readonly name: string;
  /** Header of the predicted graph. */
  readonly graphHeader: QuantumGraphHeader;
  /** Its text. */
  readonly graphHeaderText: Uint8Array;
  /** Bytes before the first chunk of a quantum. */
  readonly nHeaderBytes: number;
  readonly #source: FileSource;
  readonly #header: ChunkLogHeader;
  readonly #decompressor: ZstdDecompressor;
  readonly #plainDecompressor: ZstdDecompressor;
  #pipeline: PipelineGraph | null = null;

  private constructor(
    source: FileSource,
    header: ChunkLogHeader,
    nHeaderBytes: number,
    zstd: Zstd,
  ) {
    this.#source = source;
    this.name = `chunk log "${source.name}"`;
    this.#header = header;
    this.nHeaderBytes = nHeaderBytes;
    this.graphHeaderText = header.graphHeaderText;
    this.graphHeader = parseHeader(header.graphHeaderText, source.name, "predicted");
    this.#plainDecompressor = zstd.decompressor(null);
    this.#decompressor = zstd.decompressor(
      header.dictionary.length === 0 ? null : header.dictionary,
    );
  }

  /**
   * Opens a chunk log; the source is closed with it, also when opening fails.
   *
   * @throws {InvalidChunkLogError} if it isn't one, or has no sound header.
   */
  static open(source: FileSource, zstd: Zstd): ChunkLogReader {
    try {
      const first = source.size < CHUNK_LOG_MAGIC.length + CHUNK_PREFIX_SIZE
        ? null
        : readPlace(source, CHUNK_LOG_MAGIC.length);
      const chunk = first === null || first.type !== ChunkType.HEADER
        ? null
        : readChunk(source, first);
      if (first === null || chunk === null) {
        throw new InvalidChunkLogError(
          `Cannot read chunk log "${source.name}": it has no sound header`,
        );
      }
      const header = parseChunkLogHeader(chunk.head, chunk.body, source.name);
      const nBytes = CHUNK_LOG_MAGIC.length + chunkSize(first.headSize, first.bodySize);
      return new ChunkLogReader(source, header, nBytes, zstd);
    } catch (error) {
      source.close();
      throw error;
    }
  }

  /** Path. */
  get path(): string {
    return this.#source.name;
  }

  /** Bytes of the file when it was opened. */
  get sizeBytes(): number {
    return this.#source.size;
  }

  /** Bytes of the chunks with the index of the predicted graph, which follow the header. */
  nIndexBytes(): number {
    const start = this.nHeaderBytes;
    let end = start;
    while (end + CHUNK_PREFIX_SIZE <= this.#source.size) {
      const place = readPlace(this.#source, end);
      if (place === null || place.type !== ChunkType.INDEX) break;
      end += chunkSize(place.headSize, place.bodySize);
    }
    return end - start;
  }

  /** The pipeline graph. Parsed once. */
  pipelineGraph(): PipelineGraph {
    return this.#pipeline ??= PipelineGraph.parse(
      this.#plainDecompressor.decompress(
        this.#header.pipelineGraphFrame,
        `pipeline graph of ${this.name}`,
        documentLimit(PIPELINE_GRAPH_MEMBER, new Map()),
      ),
      this.#source.name,
    );
  }

  /** Chunks that count, in order: the last of each quantum. Memory: 29 bytes a chunk. */
  *liveChunks(): Generator<{ place: ChunkPlace; head: ScanHead }> {
    const ids = new IdList();
    for (const { head } of this.heads()) ids.push(head.quantumId);
    const idAt = Uint32Array.from({ length: ids.n }, (_, i) => i * UUID_SIZE);
    const order = sortIds(ids.bytes, idAt);
    const isLive = new Uint8Array(ids.n);
    // The sort keeps the order of equal ids, so that the last of them is the latest.
    order.forEach((i, k) => {
      const next = k + 1 < order.length ? order[k + 1] : -1;
      const isLast = next < 0 ||
        compareUuids(ids.bytes, i * UUID_SIZE, ids.bytes, next * UUID_SIZE) !== 0;
      if (isLast) isLive[i] = 1;
    });
    let i = 0;
    for (const chunk of this.heads()) {
      // What was appended meanwhile is left to the next pass.
      if (i >= isLive.length) return;
      if (isLive[i++] === 1) yield chunk;
    }
  }

  /** Heads of all chunks in order. A damaged prefix makes it read everything, to find what follows. */
  *heads(): Generator<{ place: ChunkPlace; head: ScanHead }> {
    const source = this.#source;
    let at = CHUNK_LOG_MAGIC.length;
    while (at + CHUNK_PREFIX_SIZE <= source.size) {
      const peek = source.readSync(at, Math.min(PEEK_SIZE, source.size - at));
      const place = readChunkPrefix(peek, 0, at);
      if (place === null) return yield* this.#headsBehindDamage(at);
      const end = at + chunkSize(place.headSize, place.bodySize);
      if (end > source.size) return; // being written, or cut off
      if (isScan(place)) {
        const size = place.headSize;
        const head = CHUNK_PREFIX_SIZE + size <= peek.length
          ? peek.subarray(CHUNK_PREFIX_SIZE, CHUNK_PREFIX_SIZE + size)
          : source.readSync(at + CHUNK_PREFIX_SIZE, size);
        yield { place, head: new ScanHead(head, this.name) };
      }
      at = end;
    }
  }

  *#headsBehindDamage(from: number): Generator<{ place: ChunkPlace; head: ScanHead }> {
    for (const chunk of readChunks(this.#source, () => {})) {
      if (chunk.offset < from || !isScan(chunk)) continue;
      yield { place: chunk, head: new ScanHead(chunk.head, this.name) };
    }
  }

  /**
   * A whole chunk.
   *
   * @throws {InvalidChunkLogError} if its checksum doesn't match.
   */
  read(place: ChunkPlace): ScanChunkBytes {
    const chunk = readChunk(this.#source, place);
    if (chunk === null) {
      throw new InvalidChunkLogError(
        `Cannot read chunk at ${place.offset} of ${this.name}: its checksum doesn't match`,
        { hint: "run aggregate-graph again: it scans the quantum anew" },
      );
    }
    return { head: new ScanHead(chunk.head, this.name), body: chunk.body };
  }

  /** The chunk that begins at an offset. @throws {InvalidChunkLogError} if there is none. */
  readAt(offset: number): ScanChunkBytes {
    const place = readPlace(this.#source, offset);
    if (place !== null) return this.read(place);
    throw new InvalidChunkLogError(`Cannot read chunk at ${offset} of ${this.name}: there is none`);
  }

  /** Text of a block: {@linkcode QUANTUM}, {@linkcode METADATA} or {@linkcode LOG}; null for none. */
  block({ head, body }: ScanChunkBytes, which: number): Uint8Array | null {
    const sizes = [head.quantumSize, head.metadataSize, head.logSize];
    if (sizes[which] === 0) return null;
    let at = 0;
    for (let i = 0; i < which; i++) at += sizes[i];
    return this.#decode(body, at, sizes[which]);
  }

  /** Texts of the blocks of a chunk's datasets, in the order of its head. */
  *datasets({ head, body }: ScanChunkBytes): Generator<Uint8Array> {
    let at = head.quantumSize + head.metadataSize + head.logSize;
    for (let i = 0; i < head.nDatasets; i++) {
      yield this.#decode(body, at, head.datasetSize(i));
      at += head.datasetSize(i);
    }
  }

  /** Text of the block of one of a chunk's datasets. */
  dataset({ head, body }: ScanChunkBytes, position: number): Uint8Array {
    let at = head.quantumSize + head.metadataSize + head.logSize;
    for (let i = 0; i < position; i++) at += head.datasetSize(i);
    return this.#decode(body, at, head.datasetSize(position));
  }

  /** Closes the file. */
  close(): void {
    this.#source.close();
  }

  #decode(body: Uint8Array, at: number, size: number): Uint8Array {
    const intSize = this.graphHeader.int_size;
    if (
      size <= intSize || at + size > body.length ||
      readBigEndian(body, at, intSize) !== size - intSize
    ) {
      throw new InvalidChunkLogError(`Cannot read block of ${this.name}: its size doesn't fit`);
    }
    return this.#decompressor.decompress(
      body.subarray(at + intSize, at + size),
      `block of ${this.name}`,
    );
  }
}

function isScan({ type }: ChunkPlace): boolean {
  return type === ChunkType.SCAN || type === ChunkType.BLOCKED || type === ChunkType.INIT;
}

function readPlace(source: FileSource, at: number): ChunkPlace | null {
  const place = readChunkPrefix(source.readSync(at, CHUNK_PREFIX_SIZE), 0, at);
  return place === null || at + chunkSize(place.headSize, place.bodySize) > source.size
    ? null
    : place;
}

/** A whole chunk, or null if its checksum doesn't match. */
function readChunk(
  source: FileSource,
  { offset, headSize, bodySize }: ChunkPlace,
): { head: Uint8Array; body: Uint8Array } | null {
  const chunk = source.readSync(offset, chunkSize(headSize, bodySize));
  if (!isChunkSound(chunk)) return null;
  const bodyStart = CHUNK_PREFIX_SIZE + headSize;
  return { head: chunk.subarray(CHUNK_PREFIX_SIZE, bodyStart), body: chunk.subarray(bodyStart) };
}
