/**
 * The texts of blocks between being put together and being compressed. Blocks of several quanta are
 * compressed one kind after the other: quantum by quantum the same work takes up to a third longer,
 * because each kind needs other parts of the dictionary and of the compressor in the processor's cache.
 *
 * @module
 */

import { ByteBuilder } from "../base/bytes.ts";
import type { ZstdCompressor } from "../codec/codecs.ts";
import type { Zstd } from "../codec/zstd.ts";
import { appendScanChunk, type ScanChunk } from "./scan_chunk.ts";

/** Kinds of blocks, in the order in which they are compressed. */
export const BlockKind = { LOG: 0, METADATA: 1, QUANTUM: 2, DATASET: 3 } as const;

/**
 * Highest level at which the blocks of quanta and datasets are compressed. Most of what they say is in
 * the dictionary: at level 3 those of quanta are 5 % smaller than at 10, those of datasets 4 % larger
 * (of the whole graph 1 %), in half the time, and no level makes them smaller by more.
 */
const MAX_SMALL_BLOCK_LEVEL = 3;

/** Compressors of one dictionary for both sorts of blocks. */
export interface BlockCompressors {
  /** For logs and metadata. */
  large: ZstdCompressor;
  /** For quanta and datasets. */
  small: ZstdCompressor;
}

/** @param level The user's wish. */
export function blockCompressors(
  zstd: Zstd,
  dictionary: Uint8Array,
  level: number,
): BlockCompressors {
  return {
    large: zstd.compressor(dictionary, level),
    small: zstd.compressor(dictionary, Math.min(level, MAX_SMALL_BLOCK_LEVEL)),
  };
}

/** Bytes of text that wait; more would leave the cache before they are compressed. */
const STAGE_SIZE = 2 ** 18;

/** All of a chunk but its blocks. */
export interface ChunkSubject extends
  Pick<
    ScanChunk,
    "quantumId" | "scanStatus" | "lastAttemptStatus" | "flags" | "log" | "metadata" | "proofs"
  > {
  /** A `ChunkType`. */
  type: number;
}

/** Where a block is: first its text, then its frame. Half-open. */
interface Block {
  start: number;
  end: number;
}

interface StagedDataset {
  id: Uint8Array;
  wasProduced: boolean;
  role: number;
  block: Block;
}

interface StagedChunk {
  subject: ChunkSubject;
  quantum: Block | null;
  metadata: Block | null;
  log: Block | null;
  datasets: StagedDataset[];
}

/** What is staged for chunks that aren't written yet. */
export class BlockStage {
  readonly #compressors: readonly ZstdCompressor[];
  readonly #intSize: number;
  readonly #text = new ByteBuilder();
  readonly #frames = new ByteBuilder();
  #staged: StagedChunk[] = [];
  readonly #blocks: Block[][] = [[], [], [], []];

  /** @param intSize Width of the length prefixes of blocks, in bytes. */
  constructor({ large, small }: BlockCompressors, intSize: number) {
    this.#compressors = [large, large, small, small];
    this.#intSize = intSize;
  }

  /** Whether enough waits to be compressed. */
  get isFull(): boolean {
    return this.#text.length >= STAGE_SIZE;
  }

  /** Begins a chunk; blocks that are added from now on belong to it. */
  begin(subject: ChunkSubject): void {
    this.#staged.push({ subject, quantum: null, metadata: null, log: null, datasets: [] });
  }

  /**
   * Adds the quantum's, metadata or log block of the chunk.
   *
   * @param write Appends its text and nothing else.
   */
  add(kind: 0 | 1 | 2, write: (out: ByteBuilder) => void): void {
    const chunk = this.#staged[this.#staged.length - 1];
    const block = this.#write(kind, write);
    if (kind === BlockKind.QUANTUM) chunk.quantum = block;
    else if (kind === BlockKind.METADATA) chunk.metadata = block;
    else chunk.log = block;
  }

  /** Adds a dataset's block; see {@linkcode add}. */
  addDataset(
    id: Uint8Array,
    wasProduced: boolean,
    role: number,
    write: (out: ByteBuilder) => void,
  ): void {
    const block = this.#write(BlockKind.DATASET, write);
    this.#staged[this.#staged.length - 1].datasets.push({ id, wasProduced, role, block });
  }

  #write(kind: number, write: (out: ByteBuilder) => void): Block {
    const start = this.#text.length;
    write(this.#text);
    const block = { start, end: this.#text.length };
    this.#blocks[kind].push(block);
    return block;
  }

  /**
   * Compresses all that waits and appends its chunks, in the order in which they were begun.
   *
   * @returns seconds that compression took.
   */
  flush(chunks: ByteBuilder): number {
    if (this.#staged.length === 0) return 0;
    const startMs = performance.now();
    const text = this.#text.view();
    const frames = this.#frames;
    frames.reset();
    this.#blocks.forEach((blocks, kind) => {
      const compressor = this.#compressors[kind];
      for (const block of blocks) {
        const start = frames.length;
        compressor.compressInto(text.subarray(block.start, block.end), frames);
        block.start = start;
        block.end = frames.length;
      }
      blocks.length = 0;
    });
    const seconds = (performance.now() - startMs) / 1000;
    const bytes = frames.view();
    const frame = (block: Block | null) =>
      block === null ? null : bytes.subarray(block.start, block.end);
    for (const { subject, quantum, metadata, log, datasets } of this.#staged) {
      appendScanChunk(chunks, subject.type, this.#intSize, {
        quantumId: subject.quantumId,
        scanStatus: subject.scanStatus,
        lastAttemptStatus: subject.lastAttemptStatus,
        flags: subject.flags,
        log: subject.log,
        metadata: subject.metadata,
        proofs: subject.proofs,
        quantumFrame: frame(quantum),
        metadataFrame: frame(metadata),
        logFrame: frame(log),
        datasets: datasets.map(({ id, wasProduced, role, block }) => ({
          id,
          wasProduced,
          role,
          frame: bytes.subarray(block.start, block.end),
        })),
      });
    }
    this.#staged = [];
    this.#text.reset();
    return seconds;
  }
}
