/**
 * Bytes at rest, read by range: the two-method interface that everything above depends on, so that a
 * file, a member of an archive, a remote object and a fake in memory are all alike.
 *
 * @module
 */

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
