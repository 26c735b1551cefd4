/**
 * The directory of a ZIP archive: found from the end of the file, checked against the file before
 * it is believed. ZIP64 throughout. ZIP numbers are little-endian.
 *
 * Source: `schema/quantum-graph.md`, sections 1 and 2; APPNOTE.TXT 6.3, sections 4.3 and 4.5.
 *
 * @module
 */

import { readLittleEndian, u16, u32 } from "../base/bytes.ts";
import { InvalidQuantumGraphFileError } from "../base/errors.ts";
import type { ByteSource } from "../storage/byte_source.ts";

/** Bytes read from the end of the file at first: all of the directory of a quantum graph. */
const TAIL_SIZE = 65536;
/** End of central directory record without comment. */
const END_SIZE = 22;
const MAX_COMMENT_SIZE = 65535;
const END64_LOCATOR_SIZE = 20;
const END64_SIZE = 56;
const CENTRAL_ENTRY_SIZE = 46;
/** Local header without name and extra field. */
export const LOCAL_HEADER_SIZE = 30;
const END_SIGNATURE = 0x06054b50;
const END64_LOCATOR_SIGNATURE = 0x07064b50;
const END64_SIGNATURE = 0x06064b50;
const CENTRAL_SIGNATURE = 0x02014b50;
/** First four bytes of a local header. */
export const LOCAL_SIGNATURE = 0x04034b50;
const ZIP64_EXTRA = 0x0001;
/** Largest directory accepted: a quantum graph has ten members. */
const MAX_DIRECTORY_SIZE = 2 ** 24;
/** Flag bits that mean encryption of one kind or another: 0 classic, 6 strong, 13 masked headers. */
export const ENCRYPTION_FLAGS = 1 | 1 << 6 | 1 << 13;
/** ZIP compression method of members that can be read by range. */
export const STORED = 0;

/** One member, as the central directory describes it. */
export interface ZipMember {
  /** Name, unique in the archive. */
  name: string;
  /** Bytes of content. */
  size: number;
  /** Bytes in the archive; equal to `size` if stored. */
  compressedSize: number;
  /** CRC-32 of the content. */
  crc32: number;
  /** Where the local header is in the archive. */
  headerOffset: number;
  /** Compression method: 0 stored, 8 deflated; others can't be read. */
  method: number;
}

/** A member and what is needed to check its local header. */
export interface ZipEntry extends ZipMember {
  /** The name as it is in the archive, to compare with the local header. */
  nameBytes: Uint8Array;
  /** Where the next member or the directory begins: the member's data must end before it. */
  limit: number;
  /** Where the data begins, once the local header has been read. */
  dataOffset: number | null;
}

/** What {@linkcode readDirectory} returns. */
export interface ZipDirectory {
  /** Members by name, in the order of the directory. */
  entries: Map<string, ZipEntry>;
  /** The last bytes of the archive, as read on the way. */
  tail: Uint8Array;
  /** Where in the archive `tail` begins. */
  tailOffset: number;
}

/**
 * Reads the directory: one read of at most 64 KiB, more only for a long comment or directory.
 *
 * @throws {InvalidQuantumGraphFileError} as `ZipReader.open`.
 */
export async function readDirectory(source: ByteSource): Promise<ZipDirectory> {
  const tail = await readTail(source);
  const place = await locateDirectory(source, tail);
  const inTail = place.offset - tail.offset;
  const bytes = inTail >= 0
    ? tail.bytes.subarray(inTail, inTail + place.size)
    : await source.read(place.offset, place.size);
  const entries = parseDirectory(source.name, bytes, place);
  return { entries, tail: tail.bytes, tailOffset: tail.offset };
}

/** The last bytes of a file and what the end record in them says. */
interface Tail {
  /** Where in the file `bytes` begins. */
  offset: number;
  bytes: Uint8Array;
  /** Where in `bytes` the end record begins. */
  end: number;
}

/** Where the central directory is. */
interface DirectoryPlace {
  offset: number;
  size: number;
  nEntries: number;
}

async function readTail(source: ByteSource): Promise<Tail> {
  if (source.size < END_SIZE) {
    throw notAnArchive(source.name, `it has ${source.size} bytes only`);
  }
  // The second size is that of the end record with the longest comment possible.
  for (const wanted of [TAIL_SIZE, END_SIZE + MAX_COMMENT_SIZE]) {
    const length = Math.min(wanted, source.size);
    const offset = source.size - length;
    const bytes = await source.read(offset, length);
    for (let end = length - END_SIZE; end >= 0; end--) {
      if (bytes[end] !== 0x50 || u32(bytes, end) !== END_SIGNATURE) continue;
      if (end + END_SIZE + u16(bytes, end + 20) === length) return { offset, bytes, end };
    }
    if (offset === 0) break;
  }
  throw notAnArchive(source.name, "no end of central directory record at its end");
}

async function locateDirectory(source: ByteSource, tail: Tail): Promise<DirectoryPlace> {
  const { bytes, end } = tail;
  const [disk, directoryDisk] = [u16(bytes, end + 4), u16(bytes, end + 6)];
  const [nHere, nEntries] = [u16(bytes, end + 8), u16(bytes, end + 10)];
  const place = { nEntries, size: u32(bytes, end + 12), offset: u32(bytes, end + 16) };
  let limit = tail.offset + end;
  const locator = end - END64_LOCATOR_SIZE;
  if (locator >= 0 && u32(bytes, locator) === END64_LOCATOR_SIGNATURE) {
    const at = u64(source.name, bytes, locator + 8);
    if (at > tail.offset + locator - END64_SIZE) {
      throw notAnArchive(source.name, `its ZIP64 end record is said to be at byte ${at}`);
    }
    const record = at >= tail.offset
      ? bytes.subarray(at - tail.offset, at - tail.offset + END64_SIZE)
      : await source.read(at, END64_SIZE);
    if (u32(record, 0) !== END64_SIGNATURE) {
      throw notAnArchive(source.name, `no ZIP64 end record at byte ${at}`);
    }
    if (u32(record, 16) !== 0 || u32(record, 20) !== 0) {
      throw notAnArchive(source.name, "it is one of several volumes");
    }
    place.nEntries = u64(source.name, record, 32);
    place.size = u64(source.name, record, 40);
    place.offset = u64(source.name, record, 48);
    limit = at;
  } else if (disk !== 0 || directoryDisk !== 0 || nHere !== nEntries) {
    throw notAnArchive(source.name, "it is one of several volumes");
  }
  if (place.offset > limit - place.size) {
    throw notAnArchive(
      source.name,
      `its directory of ${place.size} bytes at ${place.offset} passes byte ${limit}`,
    );
  }
  if (place.size > MAX_DIRECTORY_SIZE || place.nEntries * CENTRAL_ENTRY_SIZE > place.size) {
    throw notAnArchive(
      source.name,
      `its directory claims ${place.nEntries} members in ${place.size} bytes`,
    );
  }
  return place;
}

function parseDirectory(
  source: string,
  bytes: Uint8Array,
  place: DirectoryPlace,
): Map<string, ZipEntry> {
  const entries = new Map<string, ZipEntry>();
  const decoder = new TextDecoder();
  let at = 0;
  for (let i = 0; i < place.nEntries; i++) {
    if (at + CENTRAL_ENTRY_SIZE > bytes.length || u32(bytes, at) !== CENTRAL_SIGNATURE) {
      throw notAnArchive(source, `no directory entry ${i} at byte ${place.offset + at}`);
    }
    const nameStart = at + CENTRAL_ENTRY_SIZE;
    const extraStart = nameStart + u16(bytes, at + 28);
    const commentStart = extraStart + u16(bytes, at + 30);
    const next = commentStart + u16(bytes, at + 32);
    if (next > bytes.length) {
      throw notAnArchive(source, `directory entry ${i} passes the end of the directory`);
    }
    const nameBytes = bytes.slice(nameStart, extraStart);
    const name = decoder.decode(nameBytes);
    const entry: ZipEntry = {
      name,
      nameBytes,
      method: u16(bytes, at + 10),
      crc32: u32(bytes, at + 16),
      compressedSize: u32(bytes, at + 20),
      size: u32(bytes, at + 24),
      headerOffset: u32(bytes, at + 42),
      limit: place.offset,
      dataOffset: null,
    };
    applyZip64Extra(source, entry, bytes.subarray(extraStart, commentStart));
    const problem = entries.has(name)
      ? "its name occurs twice"
      : (u16(bytes, at + 8) & ENCRYPTION_FLAGS) !== 0
      ? "it is encrypted"
      : entry.method === STORED && entry.size !== entry.compressedSize
      ? `it is stored, but its sizes are ${entry.size} and ${entry.compressedSize}`
      : null;
    if (problem !== null) throw memberError(source, name, problem);
    entries.set(name, entry);
    at = next;
  }
  setLimits(source, [...entries.values()], place.offset);
  return entries;
}

/** Takes from the ZIP64 extra field those numbers that don't fit the entry, in their fixed order. */
function applyZip64Extra(source: string, entry: ZipEntry, extra: Uint8Array): void {
  const wanted = (["size", "compressedSize", "headerOffset"] as const)
    .filter((key) => entry[key] === 0xffffffff);
  if (wanted.length === 0) return;
  for (let at = 0; at + 4 <= extra.length;) {
    const length = u16(extra, at + 2);
    const end = at + 4 + length;
    if (u16(extra, at) === ZIP64_EXTRA) {
      if (end > extra.length || length < wanted.length * 8) break;
      wanted.forEach((key, i) => entry[key] = u64(source, extra, at + 4 + 8 * i));
      return;
    }
    at = end;
  }
  throw memberError(source, entry.name, "its ZIP64 extra field is missing or too short");
}

/** Gives every entry the place of what follows it, and refuses overlaps and places outside. */
function setLimits(source: string, entries: ZipEntry[], directoryOffset: number): void {
  entries.sort((a, b) => a.headerOffset - b.headerOffset);
  entries.forEach((entry, i) => {
    if (i + 1 < entries.length) entry.limit = entries[i + 1].headerOffset;
    const least = LOCAL_HEADER_SIZE + entry.nameBytes.length + entry.compressedSize;
    if (entry.headerOffset > directoryOffset - least) {
      throw memberError(
        source,
        entry.name,
        `its ${entry.compressedSize} bytes at ${entry.headerOffset} pass the directory at ${directoryOffset}`,
      );
    }
    if (entry.headerOffset > entry.limit - least) {
      throw memberError(source, entry.name, `it overlaps with "${entries[i + 1].name}"`);
    }
  });
}

function u64(source: string, bytes: Uint8Array, at: number): number {
  try {
    return readLittleEndian(bytes, at, 8);
  } catch (cause) {
    throw notAnArchive(source, "a size or offset in its directory exceeds 2^53 - 1", cause);
  }
}

function notAnArchive(
  source: string,
  state: string,
  cause?: unknown,
): InvalidQuantumGraphFileError {
  return new InvalidQuantumGraphFileError(`Cannot read ZIP archive "${source}": ${state}`, {
    cause,
    hint: "The file is damaged, incomplete, or not a quantum graph",
  });
}

/** The error for one member of the archive called `source`. */
export function memberError(
  source: string,
  name: string,
  state: string,
  cause?: unknown,
): InvalidQuantumGraphFileError {
  return new InvalidQuantumGraphFileError(
    `Cannot read member "${name}" of "${source}": ${state}`,
    { cause },
  );
}
