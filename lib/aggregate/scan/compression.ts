/**
 * How the blocks of a provenance graph are compressed.
 *
 * @module
 */

import { UsageError } from "../../base/errors.ts";

/** Names as those of the reference's configuration. */
export interface CompressionOptions {
  /** 1 to 22; null for that of {@linkcode compressionLevel}. */
  zstdLevel: number | null;
  zstdDictSize: number;
  zstdDictNInputs: number;
}

/**
 * The commands' own choice. The reference takes level 10: with it logs are 11 % and metadata 8 % smaller,
 * but compressing them takes five times as long and is more work than all the rest of a scan.
 */
export const DEFAULT_COMPRESSION: Readonly<CompressionOptions> = {
  zstdLevel: null,
  zstdDictSize: 32768,
  zstdDictNInputs: 512,
};

/** Up to so many quanta compression takes no time that anybody notices. */
const FEW_QUANTA = 5000;

/**
 * The level that a graph is compressed at. Level 1 is the quickest by far; level 3 takes half as long again, which
 * is a tenth of a second where quanta are few, and makes logs and metadata of such runs a tenth smaller. That is
 * more than what the reference's graph hasn't takes, the table of quanta and what tells original files.
 *
 * @param level That somebody has asked for, or null.
 */
export function compressionLevel(level: number | null, nQuanta: number): number {
  return level ?? (nQuanta <= FEW_QUANTA ? 3 : 1);
}

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
