/**
 * Append-only file of checksummed chunks: the working form of a provenance graph and the tool's
 * memory across restarts. This module knows framing only; what chunks mean is told in
 * `provenance/scan_chunk.ts`, every byte in `schema/chunk-log.md`.
 *
 * @module
 */

import { u32, writeLittleEndian } from "../base/bytes.ts";
import { crc32 } from "../base/crc32.ts";
import { EnvironmentError, InvalidChunkLogError } from "../base/errors.ts";
import { linkTarget, removeIfPresent } from "./durable_file.ts";
import { failpoint, isFailpointDue } from "./failpoints.ts";
import type { FileSource } from "./file_source.ts";
import { openRegularFile } from "./regular_file.ts";
import { infoAt, keepOwnerAndMode } from "./temporary_file.ts";

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
const MARKER = 0x6b434750; // "PGCk" in little-endian order

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

/** A stretch of the file in memory, which moves on by large reads. */
class Window {
  readonly #source: FileSource;
  readonly #isReused: boolean;
  #buffer = new Uint8Array(0);
  #bytes = new Uint8Array(0);
  #start = 0;

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

/**
 * Appends chunks to a file. After `append` returns the bytes are with the operating system; after
 * `sync` they are on the disk. A process killed in between leaves a torn tail, which the next reader
 * cuts off.
 */
export class ChunkLogWriter implements Disposable {
  readonly path: string;
  readonly #file: Deno.FsFile;
  #isOpen = true;
  #size: number;

  private constructor(path: string, file: Deno.FsFile, size: number) {
    this.path = path;
    this.#file = file;
    this.#size = size;
  }

  /**
   * Creates the file anew with its magic bytes. One that is there loses its name and is not written to: it
   * may have other names. Its mode and owner stay, or else are those of `model`, if that is there: what is
   * private must not be readable on its way.
   */
  static create(path: string, model: string = path): ChunkLogWriter {
    const file = attempt(path, () => {
      const target = linkTarget(path);
      const info = infoAt(target) ?? infoAt(model);
      removeIfPresent(target);
      const mode = info === null ? {} : { mode: 0o600 };
      const created = Deno.openSync(target, { write: true, createNew: true, ...mode });
      if (info !== null) keepOwnerAndMode(info, target);
      return created;
    });
    return ChunkLogWriter.begin(path, file);
  }

  /** Begins a log in an empty file, opened for writing by somebody who closes it, with the magic bytes. */
  static begin(path: string, file: Deno.FsFile): ChunkLogWriter {
    const writer = new ChunkLogWriter(path, file, 0);
    failpoint("chunks.created");
    writer.append(CHUNK_LOG_MAGIC);
    return writer;
  }

  /** Goes on behind the last sound chunk, at `size`; what follows is cut off. */
  static resume(path: string, size: number): ChunkLogWriter {
    const { file } = openRegularFile(path, { action: "continue chunk log", write: true });
    attempt(path, () => {
      file.truncateSync(size);
      failpoint("chunks.continued");
      file.seekSync(size, Deno.SeekMode.Start);
    });
    return new ChunkLogWriter(path, file, size);
  }

  /** Bytes in the file. */
  get size(): number {
    return this.#size;
  }

  /**
   * Appends whole chunks.
   *
   * @returns the offset in the file where they begin.
   * @throws {EnvironmentError} if the bytes can't be written.
   */
  append(bytes: Uint8Array): number {
    const offset = this.#size;
    attempt(this.path, () => {
      let at = 0;
      if (isFailpointDue("chunks.half-appended")) {
        at = this.#file.writeSync(bytes.subarray(0, bytes.length >> 1));
      }
      failpoint("chunks.half-appended");
      while (at < bytes.length) at += this.#file.writeSync(bytes.subarray(at));
    });
    this.#size += bytes.length;
    return offset;
  }

  /** Waits until everything appended is on the disk. */
  sync(): void {
    attempt(this.path, () => {
      this.#file.syncDataSync();
      failpoint("chunks.synced");
    });
  }

  /** Closes the file; a second call does nothing. */
  [Symbol.dispose](): void {
    if (this.#isOpen) this.#file.close();
    this.#isOpen = false;
  }
}

function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw new EnvironmentError(
      `Cannot write chunk log "${path}": ${error instanceof Error ? error.message : error}`,
      { cause: error, hint: "mend the cause and run the same command again; nothing is lost" },
    );
  }
}

/** Whether head and body of a whole chunk have the checksum that its prefix says. */
export function isChunkSound(chunk: Uint8Array): boolean {
  return u32(chunk, 16) === crc32(chunk.subarray(CHUNK_PREFIX_SIZE));
}
