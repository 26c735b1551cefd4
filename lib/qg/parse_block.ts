/**
 * Reading what a block of a provenance graph holds.
 *
 * @module
 */

import { InvalidQuantumGraphFileError } from "../base/errors.ts";

/** A block, for those who hear that it can't be read. */
interface BlockPlace {
  /** Null if a caller above adds it. */
  graphName: string | null;
  /** Singular. */
  what: string;
  member: string;
  /** In the member, in bytes. */
  offset: number;
}

/**
 * Reads the text of a block.
 *
 * @param read Throws a `SyntaxError` if the text isn't what it should be.
 * @throws {InvalidQuantumGraphFileError} that says where, in its place.
 */
export function parseBlock<T>({ graphName, what, member, offset }: BlockPlace, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    const graph = graphName === null ? "" : ` "${graphName}"`;
    throw new InvalidQuantumGraphFileError(
      `Cannot use provenance graph${graph}: the ${what} at byte ${offset} of "${member}" can't be ` +
        `read: ${cause.message}`,
      { cause },
    );
  }
}
