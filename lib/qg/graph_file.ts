/**
 * What opening a predicted and a provenance graph have in common: the dictionary is looked for before
 * the header, which may need it (`schema/quantum-graph.md`, section 3).
 *
 * @module
 */

import { InvalidQuantumGraphFileError, RefusedError } from "../base/errors.ts";
import type { GraphCodecs, Inflate, ZstdDecompressor } from "../codec/codecs.ts";
import { ZipReader } from "../codec/zip_reader.ts";
import type { ByteSource } from "../storage/byte_source.ts";
import { documentLimit } from "./document_limits.ts";
import { DICTIONARY_MEMBER, HEADER_MEMBER } from "./member_names.ts";
import type { ZipMember } from "../codec/zip_directory.ts";

/** Largest decoded header, in bytes. */
export const MAX_HEADER_SIZE: number = documentLimit(HEADER_MEMBER, new Map());
/** Largest compression dictionary, in bytes: the usual one has 32 KiB. */
const MAX_DICTIONARY_SIZE = 2 ** 24;
/** First bytes of a graph in the format of releases before v30, a file of pickles: `qgraph4`. */
const OLD_MAGIC = [0x71, 0x67, 0x72, 0x61, 0x70, 0x68];
/** First byte of a plain pickle, as the very first releases wrote graphs. */
const PICKLE_MARK = 0x80;

/**
 * The refusal of a file that is a quantum graph in an old format; null if it is none.
 *
 * Source: `graph/graph.py` of pipe_base (`MAGIC_BYTES`), tried with release 30.2026.4300.
 */
export async function oldFormatError(source: ByteSource): Promise<RefusedError | null> {
  const first = await source.read(0, Math.min(source.size, OLD_MAGIC.length));
  const isOld = first.length === OLD_MAGIC.length &&
    OLD_MAGIC.every((byte, i) => first[i] === byte);
  if (!isOld && !(first[0] === PICKLE_MARK && /\.(?:qgraph|pickle)$/.test(source.name))) {
    return null;
  }
  return new RefusedError(
    `Cannot read "${source.name}": it is a quantum graph in the old format (.qgraph), which only ` +
      "Python reads",
    { hint: "write it anew as .qg: pipetask qgraph -b REPO -g OLD.qgraph -q NEW.qg" },
  );
}

/**
 * Opens the archive of a graph.
 *
 * @throws {RefusedError} if it is a graph in an old format.
 * @throws {InvalidQuantumGraphFileError} as `ZipReader.open()`.
 */
export async function openArchive(
  source: ByteSource,
  inflate: Inflate | null = null,
): Promise<ZipReader> {
  try {
    return await ZipReader.open(source, inflate);
  } catch (error) {
    if (!(error instanceof InvalidQuantumGraphFileError)) throw error;
    throw await oldFormatError(source) ?? error;
  }
}

/** The compression dictionary of a graph and a decompressor that uses it. */
export async function readDictionary(
  zip: ZipReader,
  path: string,
  zstd: GraphCodecs,
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
