/**
 * How the blocks of a provenance graph are compressed.
 *
 * @module
 */

import { UsageError } from "../../base/errors.ts";

/** Names as those of the reference's configuration. */
export interface CompressionOptions {
  zstdLevel: number;
  zstdDictSize: number;
  zstdDictNInputs: number;
}

/**
 * The commands' own choice. The reference takes level 10: with it logs are 11 % and metadata 8 % smaller,
 * but compressing them takes five times as long and is more work than all the rest of a scan. Level 3,
 * 1 to 2 % smaller than this, takes half as long again.
 */
export const DEFAULT_COMPRESSION: Readonly<CompressionOptions> = {
  zstdLevel: 1,
  zstdDictSize: 32768,
  zstdDictNInputs: 512,
};

/** Largest dictionary: the compressor's memory holds two of them, digested. */
const MAX_DICTIONARY_SIZE = 128 * 1024;

/**
 * Checks what the command line can't know.
 *
 * @throws {UsageError} if the dictionary is too large.
 */
export function checkCompression({ zstdDictSize }: CompressionOptions): void {
  if (zstdDictSize <= MAX_DICTIONARY_SIZE) return;
  throw new UsageError(
    `Cannot use a dictionary of ${zstdDictSize} bytes: the most is ${MAX_DICTIONARY_SIZE}`,
    { hint: "leave out --zstd-dict-size; 32768 is about the best for real runs" },
  );
}
