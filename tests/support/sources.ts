/** Sources of bytes that only tests need: in memory, and counting. */

import type { ByteSource } from "../../lib/storage/byte_source.ts";
import { checkRange } from "../../lib/storage/file_errors.ts";

/** A source over bytes in memory. Reads are copies. */
export class MemorySource implements ByteSource {
  readonly name: string;
  readonly #bytes: Uint8Array;

  /** The bytes aren't copied. */
  constructor(bytes: Uint8Array, name = "memory") {
    this.#bytes = bytes;
    this.name = name;
  }

  get size(): number {
    return this.#bytes.length;
  }

  read(offset: number, length: number): Promise<Uint8Array> {
    try {
      checkRange(this.name, this.#bytes.length, offset, length);
    } catch (error) {
      return Promise.reject(error);
    }
    return Promise.resolve(this.#bytes.slice(offset, offset + length));
  }

  close(): void {}
}

/** Wraps a source and counts what is read from it. */
export class CountingSource implements ByteSource {
  readonly #inner: ByteSource;
  /** Reads so far. */
  nReads = 0;
  /** Bytes asked for so far. */
  nBytes = 0;

  /** Closing closes `inner`. */
  constructor(inner: ByteSource) {
    this.#inner = inner;
  }

  get name(): string {
    return this.#inner.name;
  }

  get size(): number {
    return this.#inner.size;
  }

  read(offset: number, length: number): Promise<Uint8Array> {
    this.nReads++;
    this.nBytes += length;
    return this.#inner.read(offset, length);
  }

  close(): void {
    this.#inner.close();
  }
}
