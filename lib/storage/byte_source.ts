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
