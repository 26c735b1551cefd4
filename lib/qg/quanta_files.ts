/**
 * The optional member `quanta.files`: for each quantum what tells the log and metadata files that the
 * graph's text was taken from. Layout: `schema/quantum-graph.md`, section 8.6. What the records mean is
 * told in `provenance/file_digests.ts`.
 *
 * @module
 */

import type { ByteSource } from "../store/byte_source.ts";

/** Version of the layout and the algorithm of its digests. */
const VERSION = 1;
/** Bytes before the records: version, 0, size of a record (u16 each, big-endian), 0 (u16). */
export const FILES_HEAD_SIZE = 8;
/** Bytes of a record. */
export const FILES_RECORD_SIZE = 48;

/** Bytes of the member. */
export function filesMemberSize(nQuanta: number): number {
  return FILES_HEAD_SIZE + nQuanta * FILES_RECORD_SIZE;
}

/** The bytes before the records. */
export function filesHead(): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(0, VERSION, 0, 0, 0, FILES_RECORD_SIZE, 0, 0);
}

/** Records in the order of the blocks of `quanta.mb`. Memory: what is read at a time. */
export class QuantaFiles {
  readonly #source: ByteSource;

  private constructor(source: ByteSource) {
    this.#source = source;
  }

  /** Null if the member is of another version, or has not one record for each quantum. */
  static async open(source: ByteSource, nQuanta: number): Promise<QuantaFiles | null> {
    if (source.size !== filesMemberSize(nQuanta)) return null;
    const head = await source.read(0, FILES_HEAD_SIZE);
    return filesHead().every((byte, i) => byte === head[i]) ? new QuantaFiles(source) : null;
  }

  /** Records of `n` quanta from number `first` on. */
  read(first: number, n: number): Promise<Uint8Array> {
    return this.#source.read(FILES_HEAD_SIZE + first * FILES_RECORD_SIZE, n * FILES_RECORD_SIZE);
  }
}
