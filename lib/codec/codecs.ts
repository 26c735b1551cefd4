/**
 * What readers and writers of graphs ask of compression. Readers are handed an implementation, so that
 * they work where there is neither Deno nor Node.
 *
 * @module
 */

import type { ByteBuilder } from "../base/bytes.ts";
import type { ParquetCodec } from "./parquet.ts";

/** Compresses with one dictionary and level. */
export interface ZstdCompressor {
  /**
   * One frame with content size, of any input up to 2 GiB, also an empty one. The input isn't
   * changed; the result owns its buffer, so it can be transferred.
   */
  compress(data: Uint8Array): Uint8Array<ArrayBuffer>;
  /** Appends the same frame to `out`; `data` may not be a view of it. */
  compressInto(data: Uint8Array, out: ByteBuilder): void;
}

/** Decompresses with one dictionary; frames made without it are read as well. */
export interface ZstdDecompressor {
  /**
   * The content of the frame at the start of `frame`; bytes after it are ignored, as the reference
   * does. The result owns its buffer.
   *
   * @param what names the document in errors (`block at 1234 of "quanta.mb"`).
   * @param maxSize largest content accepted, in bytes; default and upper bound 2 GiB.
   * @throws {InvalidQuantumGraphFileError} if it isn't a frame with content size, is cut, damaged or
   * too large, or needs another dictionary.
   */
  decompress(frame: Uint8Array, what: string, maxSize?: number): Uint8Array<ArrayBuffer>;
}

/** Everything that reading a graph takes: {@linkcode ZstdDecompressor}s, and inflating ZIP members. */
export interface GraphCodecs {
  /** Loads what reading many documents takes; decompressors made before use it from then on. */
  prepare(): Promise<void>;
  /**
   * What decompresses with one dictionary.
   *
   * @param dictionary raw or trained; null or zero-length: none. Untrusted, of any size.
   */
  decompressor(dictionary: Uint8Array | null): ZstdDecompressor;
  /** See {@linkcode Inflate}. */
  readonly inflate: Inflate;
  /** What reads Parquet, loaded when it is wanted; without it tables in graphs are passed over. */
  parquet?(): Promise<ParquetCodec>;
}

/**
 * Content of "deflated" bytes of a ZIP archive.
 *
 * @param maxSize Largest content accepted, in bytes.
 * @throws {Error} if the bytes are damaged or the content is larger.
 */
export type Inflate = (bytes: Uint8Array, maxSize: number) => Uint8Array<ArrayBuffer>;
