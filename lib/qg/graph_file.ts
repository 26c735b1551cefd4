/**
 * What opening a predicted and a provenance graph have in common: the dictionary is looked for before
 * the header, which may need it (format notes, section 2).
 *
 * @module
 */

import { InvalidQuantumGraphFileError } from "../base/errors.ts";
import type { ZipMember, ZipReader } from "../store/zip_reader.ts";
import type { Zstd, ZstdDecompressor } from "../store/zstd.ts";
import { documentLimit } from "./document_limits.ts";
import { DICTIONARY_MEMBER, HEADER_MEMBER } from "./member_names.ts";

/** Largest decoded header, in bytes. */
export const MAX_HEADER_SIZE: number = documentLimit(HEADER_MEMBER, new Map());
/** Largest compression dictionary, in bytes: the usual one has 32 KiB. */
export const MAX_DICTIONARY_SIZE = 2 ** 24;

/** The compression dictionary of a graph and a decompressor that uses it. */
export async function readDictionary(
  zip: ZipReader,
  path: string,
  zstd: Zstd,
): Promise<{ dictionary: Uint8Array | null; decompressor: ZstdDecompressor }> {
  requireMember(zip, HEADER_MEMBER, path);
  const bytes = zip.members.has(DICTIONARY_MEMBER)
    ? await zip.readMember(DICTIONARY_MEMBER, { maxSize: MAX_DICTIONARY_SIZE })
    : null;
  const dictionary = bytes === null || bytes.length === 0 ? null : bytes;
  return { dictionary, decompressor: zstd.decompressor(dictionary) };
}

/** Decodes a header frame, the first use of a dictionary: one that can't be used shows here. */
export function decodeHeader(
  frame: Uint8Array,
  path: string,
  decompressor: ZstdDecompressor,
): Uint8Array {
  try {
    return decompressor.decompress(frame, `"${path}: ${HEADER_MEMBER}"`, MAX_HEADER_SIZE);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new InvalidQuantumGraphFileError(
      `Cannot read "${path}": its compression dictionary is damaged`,
      { cause },
    );
  }
}

/** Members with the bytes that each takes in the archive, in the order of the file. */
export function memberSizes(
  members: ReadonlyMap<string, ZipMember>,
): { name: string; sizeBytes: number }[] {
  return [...members.values()]
    .sort((a, b) => a.headerOffset - b.headerOffset)
    .map(({ name, compressedSize }) => ({ name, sizeBytes: compressedSize }));
}

/**
 * Checks that a graph has a member.
 *
 * @throws {InvalidQuantumGraphFileError} if it hasn't.
 */
export function requireMember(zip: ZipReader, name: string, path: string): void {
  if (!zip.members.has(name)) {
    throw new InvalidQuantumGraphFileError(
      `Cannot use "${path}" as a quantum graph: it has no member "${name}"`,
    );
  }
}
