/**
 * Bytes at rest, read by range: the two-method interface that everything above depends on, so that a
 * file, a member of an archive, a remote object and a fake in memory are all alike.
 *
 * @module
 */

import { EnvironmentError } from "../base/errors.ts";

/** Something of fixed size that is read by byte range. */
export interface ByteSource {
  /** What errors call it: a path, a URL, or a path and a member. */
  readonly name: string;
  /** Size in bytes. */
  readonly size: number;
  /**
   * Reads exactly `length` bytes at `offset`. The result belongs to the caller.
   *
   * @throws {EnvironmentError} if fewer bytes are there: a short read is never silent.
   */
  read(offset: number, length: number): Promise<Uint8Array>;
  /** Releases what is held; a second call does nothing. */
  close(): void;
}

/**
 * Checks a range against a size before anything is allocated for it.
 *
 * @throws {EnvironmentError} if the range isn't inside `0..size`.
 */
export function checkRange(name: string, size: number, offset: number, length: number): void {
  if (
    !Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0 ||
    offset > size - length
  ) {
    throw new EnvironmentError(
      `Cannot read ${length} bytes at ${offset} of "${name}": it has ${size} bytes`,
    );
  }
}

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

/** Wraps a source and counts what is read from it: for tests and budgets. */
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
