/**
 * Chunks of a chunk log as they come, read by ranges: while a run goes on, through kills and restarts.
 *
 * @module
 */

import { u32 } from "../base/bytes.ts";
import { InvalidChunkLogError } from "../base/errors.ts";
import {
  CHUNK_LOG_MAGIC,
  CHUNK_PREFIX_SIZE,
  type ChunkPlace,
  chunkSize,
  ChunkType,
  isChunkSound,
  MARKER,
  readChunkPrefix,
} from "../chunks/chunk_format.ts";
import { type ChunkLogHeader, parseChunkLogHeader } from "../chunks/header.ts";
import type { GrowingBytes } from "./growing_bytes.ts";

/** Bytes of a read; a larger chunk is one read of its own. */
const WINDOW_SIZE = 1 << 20;
/** Largest chunk that a page reads. */
const MAX_CHUNK_SIZE = 2 ** 28;

/** A chunk with its bytes, which are valid until the next one comes. */
export interface GrownChunk {
  place: ChunkPlace;
  head: Uint8Array;
  body: Uint8Array;
}

/** Where reading stands. */
export interface GrownState {
  /** Bytes up to the end of the last sound chunk. */
  nRead: number;
  /** Bytes of the file when it was looked at last. */
  size: number;
  /** Bytes that are no sound chunk, though chunks follow. */
  nDamaged: number;
}

/** Reads a chunk log from its beginning, again and again what is new. */
export class GrowingLog {
  readonly name: string;
  readonly #bytes: GrowingBytes;
  #header: ChunkLogHeader | null = null;
  #at = 0;
  #size = 0;
  #nDamaged = 0;
  /** Where the last sound chunk is, and its prefix: another one there says that the log was begun anew. */
  #last: { offset: number; prefix: Uint8Array } | null = null;

  constructor(bytes: GrowingBytes) {
    this.#bytes = bytes;
    this.name = `chunk log "${bytes.name}"`;
  }

  /** Where reading stands. */
  get state(): GrownState {
    return { nRead: this.#at, size: this.#size, nDamaged: this.#nDamaged };
  }

  /** The header; null before it was read. */
  get header(): ChunkLogHeader | null {
    return this.#header;
  }

  /**
   * Reads the header alone.
   *
   * @throws {InvalidChunkLogError} if the file has none yet, or is no chunk log.
   */
  async readHeader(): Promise<void> {
    const start = CHUNK_LOG_MAGIC.length;
    let { bytes } = await this.#bytes.read(0, WINDOW_SIZE);
    const place = readChunkPrefix(bytes, start, start);
    if (place?.type === ChunkType.HEADER) {
      const end = start + chunkSize(place.headSize, place.bodySize);
      if (end > bytes.length && end <= MAX_CHUNK_SIZE) {
        bytes = (await this.#bytes.read(0, end)).bytes;
      }
      const chunk = bytes.subarray(start, end);
      if (bytes.length >= end && isChunkSound(chunk)) {
        const bodyStart = CHUNK_PREFIX_SIZE + place.headSize;
        const head = chunk.subarray(CHUNK_PREFIX_SIZE, bodyStart);
        this.#header = parseChunkLogHeader(head, chunk.subarray(bodyStart), this.#bytes.name);
        return;
      }
    }
    throw new InvalidChunkLogError(`Cannot read ${this.name}: it has no sound header`, {
      hint: "aggregate-graph has just begun, or the file is no chunk log",
    });
  }

  /**
   * Reads what is new.
   *
   * @param onChunk Called with each sound chunk behind the header, in order.
   * @returns false if the log was begun anew: everything that was read before is void, and the caller makes
   *   another reader.
   * @throws {InvalidChunkLogError} if it is no chunk log, or of another version.
   */
  async readNew(onChunk: (chunk: GrownChunk) => void | Promise<void>): Promise<boolean> {
    for (;;) {
      const start = this.#last?.offset ?? 0;
      const skip = this.#at - start;
      const { bytes, size } = await this.#bytes.read(start, skip + WINDOW_SIZE);
      this.#size = size;
      if (size < this.#at || !this.#isSame(bytes)) return false;
      const window = bytes.subarray(skip);
      const before = this.#at;
      const needed = await this.#take(window, onChunk);
      if (needed > window.length && needed <= size - this.#at) {
        if (needed > MAX_CHUNK_SIZE) {
          throw new InvalidChunkLogError(
            `Cannot read chunk at ${this.#at} of ${this.name}: it has ${needed} bytes`,
          );
        }
        const { bytes: whole } = await this.#bytes.read(this.#at, needed);
        await this.#take(whole, onChunk);
      }
      if (this.#at === before && needed === 0 && window.length === WINDOW_SIZE && before > 0) {
        // Nothing but damage, and more behind it; a prefix may lie across the end of the window.
        this.#at += WINDOW_SIZE - CHUNK_PREFIX_SIZE;
        this.#nDamaged += WINDOW_SIZE - CHUNK_PREFIX_SIZE;
        continue;
      }
      if (this.#at === before || this.#at >= size) return true;
    }
  }

  #isSame(bytes: Uint8Array): boolean {
    return this.#last === null || this.#last.prefix.every((byte, i) => bytes[i] === byte);
  }

  /** Takes the sound chunks from the start of a window; returns the bytes that the next one needs. */
  async #take(
    window: Uint8Array,
    onChunk: (chunk: GrownChunk) => void | Promise<void>,
  ): Promise<number> {
    let at = 0;
    if (this.#at === 0) {
      if (window.length < CHUNK_LOG_MAGIC.length) return 0; // cut off at birth
      if (CHUNK_LOG_MAGIC.some((byte, i) => window[i] !== byte)) {
        throw new InvalidChunkLogError(
          `Cannot read ${this.name}: it doesn't begin with the magic bytes`,
        );
      }
      at = CHUNK_LOG_MAGIC.length;
    }
    const base = this.#at;
    for (;;) {
      const place = readChunkPrefix(window, at, base + at);
      if (place === null) {
        const next = this.#behindDamage(window, at + 1);
        if (next === null) return 0;
        this.#nDamaged += next - at;
        at = next;
        this.#at = base + at;
        continue;
      }
      const size = chunkSize(place.headSize, place.bodySize);
      if (at + size > window.length) return size;
      const chunk = window.subarray(at, at + size);
      at += size;
      if (!isChunkSound(chunk)) this.#nDamaged += size;
      else await this.#accept(place, chunk, onChunk);
      this.#at = base + at;
    }
  }

  async #accept(
    place: ChunkPlace,
    chunk: Uint8Array,
    onChunk: (chunk: GrownChunk) => void | Promise<void>,
  ): Promise<void> {
    this.#last = { offset: place.offset, prefix: chunk.slice(0, CHUNK_PREFIX_SIZE) };
    const bodyStart = CHUNK_PREFIX_SIZE + place.headSize;
    const head = chunk.subarray(CHUNK_PREFIX_SIZE, bodyStart);
    const body = chunk.subarray(bodyStart);
    if (place.type === ChunkType.HEADER) {
      this.#header ??= parseChunkLogHeader(head, body, this.#bytes.name);
    } else if (this.#header === null) {
      throw new InvalidChunkLogError(`Cannot read ${this.name}: it has no sound header`);
    } else await onChunk({ place, head, body });
  }

  /** Where the next sound prefix begins in a window; null if there is none: a tail that is being written. */
  #behindDamage(window: Uint8Array, from: number): number | null {
    for (let i = from; i + CHUNK_PREFIX_SIZE <= window.length; i++) {
      if (window[i] !== (MARKER & 0xff) || u32(window, i) !== MARKER) continue;
      if (readChunkPrefix(window, i, 0) !== null) return i;
    }
    return null;
  }

  /**
   * Head and body of a chunk that was read before.
   *
   * @throws {InvalidChunkLogError} if it isn't there any more.
   */
  async chunkAt(offset: number, size: number): Promise<GrownChunk> {
    const { bytes } = await this.#bytes.read(offset, size);
    const place = readChunkPrefix(bytes, 0, offset);
    if (
      place === null || chunkSize(place.headSize, place.bodySize) !== bytes.length ||
      !isChunkSound(bytes)
    ) {
      throw new InvalidChunkLogError(
        `Cannot read chunk at ${offset} of ${this.name}: it has changed meanwhile`,
        { hint: "reload the page" },
      );
    }
    const bodyStart = CHUNK_PREFIX_SIZE + place.headSize;
    return {
      place,
      head: bytes.subarray(CHUNK_PREFIX_SIZE, bodyStart),
      body: bytes.subarray(bodyStart),
    };
  }
}
