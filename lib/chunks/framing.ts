/**
 * Append-only file of checksummed chunks: the working form of a provenance graph and the tool's
 * memory across restarts. This module reads a file of them; one chunk is in `chunk_format.ts`.
 *
 * @module
 */

import { u32 } from "../base/bytes.ts";
import { InvalidChunkLogError } from "../base/errors.ts";
import type { FileSource } from "../storage/file_source.ts";
import {
  CHUNK_LOG_MAGIC,
  CHUNK_PREFIX_SIZE,
  type ChunkPlace,
  chunkSize,
  isChunkSound,
  MARKER,
  readChunkPrefix,
} from "./chunk_format.ts";

/** A chunk as {@linkcode readChunks} yields it. */
export interface ReadChunk extends ChunkPlace {
  head: Uint8Array;
  body: Uint8Array;
}

/** What is wrong with a stretch of a chunk log. */
export interface ChunkDamage {
  startByte: number;
  /** Half-open end; the file's size for a torn tail. */
  endByte: number;
  reason: string;
  /** Whether nothing sound follows, as after a killed process: the tail is cut off silently. */
  isTornTail: boolean;
}

const WINDOW_SIZE = 1 << 22;
/** Small enough that what was read is still in the processor's cache when it is looked at. */
const REUSED_WINDOW_SIZE = 1 << 20;

/** A stretch of a file in memory, which moves on by large reads. */
export class Window {
  readonly #source: FileSource;
  readonly #isReused: boolean;
  #buffer = new Uint8Array(0);
  #bytes = new Uint8Array(0);
  #start = 0;

  /** @param isReused Whether all is read into one buffer: what was given is valid until the next is asked for. */
  constructor(source: FileSource, isReused: boolean) {
    this.#source = source;
    this.#isReused = isReused;
  }

  #holds(at: number, length: number): boolean {
    return at >= this.#start && at + length <= this.#start + this.#bytes.length;
  }

  #move(at: number, length: number): void {
    const least = this.#isReused ? REUSED_WINDOW_SIZE : WINDOW_SIZE;
    const size = Math.min(Math.max(length, least), this.#source.size - at);
    this.#start = at;
    if (!this.#isReused) {
      this.#bytes = this.#source.readSync(at, size);
      return;
    }
    if (this.#buffer.length < size) this.#buffer = new Uint8Array(size);
    this.#bytes = this.#buffer.subarray(0, size);
    this.#source.readInto(this.#bytes, at);
  }

  /** The bytes of a range, which must be in the file. */
  view(at: number, length: number): Uint8Array {
    if (!this.#holds(at, length)) this.#move(at, length);
    return this.#bytes.subarray(at - this.#start, at - this.#start + length);
  }

  /** Whatever is in memory from `at` on: `least` bytes if the file has them. */
  rest(at: number, least: number): Uint8Array {
    if (!this.#holds(at, Math.min(least, this.#source.size - at))) this.#move(at, least);
    return this.#bytes.subarray(at - this.#start);
  }
}

/**
 * Reads all sound chunks of a file in order. Damage is reported and skipped: reading goes on at the
 * next sound chunk. Time linear in the size of the file, whatever is in it; memory 4 MiB or the largest
 * chunk.
 *
 * @param onDamage Called for each damaged stretch, a torn tail included.
 * @param options.isReused Whether all chunks are read into one buffer, so that each is valid only until
 *   the next one is asked for.
 * @throws {InvalidChunkLogError} if the file doesn't begin with the magic bytes. One that ends within
 *   them was cut off at birth: it holds no chunk.
 */
export function* readChunks(
  source: FileSource,
  onDamage: (damage: ChunkDamage) => void,
  { isReused = false }: { isReused?: boolean } = {},
): Generator<ReadChunk> {
  const size = source.size;
  const magic = source.readSync(0, Math.min(CHUNK_LOG_MAGIC.length, size));
  if (magic.some((byte, i) => byte !== CHUNK_LOG_MAGIC[i])) {
    throw new InvalidChunkLogError(
      `Cannot read chunk log "${source.name}": it doesn't begin with the magic bytes`,
      { hint: "give another --output, or move the file away" },
    );
  }
  const window = new Window(source, isReused);
  const prefixAt = (position: number): ChunkPlace | null => {
    if (position + CHUNK_PREFIX_SIZE > size) return null;
    const place = readChunkPrefix(window.view(position, CHUNK_PREFIX_SIZE), 0, position);
    // A length is believed only when the file has that many bytes: before anything is read by it.
    if (place === null || position + chunkSize(place.headSize, place.bodySize) > size) return null;
    return place;
  };
  let at = magic.length;
  let damageStart = at < CHUNK_LOG_MAGIC.length && at > 0 ? 0 : -1;
  let reason = "the file ends within its magic bytes";
  while (at < size) {
    const place = prefixAt(at);
    if (place === null) {
      if (damageStart < 0) {
        damageStart = at;
        reason = "no sound chunk begins here";
      }
      at = nextMarker(at + 1, size, window);
      continue;
    }
    const wholeSize = chunkSize(place.headSize, place.bodySize);
    const chunk = window.view(at, wholeSize);
    if (!isChunkSound(chunk)) {
      if (damageStart < 0) {
        damageStart = at;
        reason = "checksum mismatch";
      }
      at += wholeSize;
      continue;
    }
    if (damageStart >= 0) {
      onDamage({ startByte: damageStart, endByte: at, reason, isTornTail: false });
      damageStart = -1;
    }
    const bodyStart = CHUNK_PREFIX_SIZE + place.headSize;
    yield {
      ...place,
      head: chunk.subarray(CHUNK_PREFIX_SIZE, bodyStart),
      body: chunk.subarray(bodyStart),
    };
    at += wholeSize;
  }
  if (damageStart >= 0) {
    onDamage({ startByte: damageStart, endByte: size, reason, isTornTail: true });
  }
}

/** Where the next marker is, or the end of the file. */
function nextMarker(from: number, size: number, window: Window): number {
  let at = from;
  while (at + CHUNK_PREFIX_SIZE <= size) {
    const bytes = window.rest(at, CHUNK_PREFIX_SIZE);
    let i = bytes.indexOf(MARKER & 0xff);
    while (i >= 0 && i + 4 <= bytes.length) {
      if (u32(bytes, i) === MARKER) return at + i;
      i = bytes.indexOf(MARKER & 0xff, i + 1);
    }
    at += bytes.length - 3; // a marker may straddle the end of the window
  }
  return size;
}
