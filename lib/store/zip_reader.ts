/**
 * ZIP archives as sets of byte ranges: the directory is read once, from the tail; stored members are
 * then sources of their own. ZIP64 throughout; everything read is checked against the file before it
 * is used. ZIP numbers are little-endian.
 *
 * Source: format notes, section 1; platform notes, section 7; APPNOTE.TXT 6.3.
 *
 * @module
 */

import { crc32, inflateRawSync } from "node:zlib";
import { readLittleEndian } from "../base/bytes.ts";
import { InvalidQuantumGraphFileError } from "../base/errors.ts";
import { type ByteSource, checkRange } from "./byte_source.ts";

/** Bytes read from the end of the file at first: all of the directory of a quantum graph. */
const TAIL_SIZE = 65536;
/** End of central directory record without comment. */
const END_SIZE = 22;
const MAX_COMMENT_SIZE = 65535;
const END64_LOCATOR_SIZE = 20;
const END64_SIZE = 56;
const CENTRAL_ENTRY_SIZE = 46;
const LOCAL_HEADER_SIZE = 30;
const END_SIGNATURE = 0x06054b50;
const END64_LOCATOR_SIGNATURE = 0x07064b50;
const END64_SIGNATURE = 0x06064b50;
const CENTRAL_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;
const ZIP64_EXTRA = 0x0001;
/** Largest directory accepted: a quantum graph has ten members. */
const MAX_DIRECTORY_SIZE = 2 ** 24;
/** Flag bits that mean encryption of one kind or another: 0 classic, 6 strong, 13 masked headers. */
const ENCRYPTION_FLAGS = 1 | 1 << 6 | 1 << 13;
/** Members up to this size are read together with their local header, in one read. */
const JOINT_READ_SIZE = 65536;
/** Room left for a local extra field in such a read; a longer one costs a second read. */
const JOINT_EXTRA_SIZE = 64;
/** Largest member that is returned whole unless told otherwise. */
const DEFAULT_MAX_MEMBER_SIZE = 2 ** 30;
/** Piece in which a member's checksum is computed. */
const CHECK_PIECE_SIZE = 2 ** 20;

/** ZIP compression methods that can be read. */
const STORED = 0;
const DEFLATED = 8;

/** One member, as the central directory describes it. */
export interface ZipMember {
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
interface Entry extends ZipMember {
  nameBytes: Uint8Array;
  /** Where the next member or the directory begins: the member's data must end before it. */
  limit: number;
  /** Where the data begins, once the local header has been read. */
  dataOffset: number | null;
}

/** The directory of a ZIP archive and access to its members. */
export class ZipReader {
  readonly #source: ByteSource;
  readonly #entries: ReadonlyMap<string, Entry>;
  readonly #tail: Uint8Array;
  readonly #tailOffset: number;

  private constructor(
    source: ByteSource,
    entries: ReadonlyMap<string, Entry>,
    tail: Uint8Array,
    tailOffset: number,
  ) {
    this.#source = source;
    this.#entries = entries;
    this.#tail = tail;
    this.#tailOffset = tailOffset;
  }

  /**
   * Reads the directory: one read of at most 64 KiB, more only for a long comment or directory. The
   * source stays the caller's, who closes it.
   *
   * @throws {InvalidQuantumGraphFileError} if it isn't an archive, is cut, has a name twice, has
   * members that overlap or leave the file, or is encrypted.
   */
  static async open(source: ByteSource): Promise<ZipReader> {
    const tail = await readTail(source);
    const place = await locateDirectory(source, tail);
    const inTail = place.offset >= tail.offset;
    const bytes = inTail
      ? tail.bytes.subarray(place.offset - tail.offset, place.offset - tail.offset + place.size)
      : await source.read(place.offset, place.size);
    const entries = parseDirectory(source.name, bytes, place);
    return new ZipReader(source, entries, tail.bytes, tail.offset);
  }

  /** Members by name, in the order of the directory. */
  get members(): ReadonlyMap<string, ZipMember> {
    return this.#entries;
  }

  /**
   * Where a member's data begins in the archive. Reads the local header at the first call, unless
   * the tail has it: its extra field may differ from that in the directory.
   *
   * @throws {InvalidQuantumGraphFileError} if there is no such member or its header is damaged.
   */
  async dataOffset(name: string): Promise<number> {
    const entry = this.#entry(name);
    if (entry.dataOffset === null) {
      const length = LOCAL_HEADER_SIZE + entry.nameBytes.length;
      this.#acceptLocalHeader(entry, await this.#read(entry.headerOffset, length));
    }
    return entry.dataOffset!;
  }

  /**
   * The content of a member. One read if the member is small, else two.
   *
   * @param options.maxSize largest content accepted, in bytes; default 1 GiB.
   * @param options.checkCrc compare the checksum (default true).
   * @throws {InvalidQuantumGraphFileError} if there is no such member, or it is too large, damaged or
   * compressed by a method other than deflate.
   */
  async readMember(
    name: string,
    { maxSize = DEFAULT_MAX_MEMBER_SIZE, checkCrc = true }: {
      maxSize?: number;
      checkCrc?: boolean;
    } = {},
  ): Promise<Uint8Array> {
    const entry = this.#entry(name);
    if (entry.size > maxSize) {
      throw this.#error(name, `it has ${entry.size} bytes, more than the ${maxSize} allowed`);
    }
    const stored = await this.#readStored(entry);
    const content = entry.method === STORED ? stored : this.#inflate(entry, stored);
    if (checkCrc) this.#compareCrc(entry, crc32(content));
    return content;
  }

  /**
   * A stored member as a source of its own, with offsets relative to its data. It reads from the
   * archive's source; closing it does nothing.
   *
   * @throws {InvalidQuantumGraphFileError} if there is no such member, or it isn't stored.
   */
  async memberSource(name: string): Promise<ByteSource> {
    const entry = this.#entry(name);
    this.requireStored(name);
    const offset = await this.dataOffset(name);
    return new MemberSource(this.#source, `${this.#source.name}: ${name}`, offset, entry.size);
  }

  /**
   * Refuses a member that can't be read by range.
   *
   * @throws {InvalidQuantumGraphFileError} if there is no such member, or it isn't stored.
   */
  requireStored(name: string): void {
    const { method } = this.#entry(name);
    if (method !== STORED) {
      throw this.#error(
        name,
        `it is compressed (ZIP method ${method}), expected stored (method 0)`,
      );
    }
  }

  /**
   * Compares the checksum of a member, reading it in pieces of 1 MiB (deflated ones at once).
   *
   * @throws {InvalidQuantumGraphFileError} as {@linkcode ZipReader.readMember}.
   */
  async checkMember(name: string): Promise<void> {
    const entry = this.#entry(name);
    if (entry.method !== STORED) {
      await this.readMember(name);
      return;
    }
    const start = await this.dataOffset(name);
    let crc = 0;
    for (let at = 0; at < entry.size; at += CHECK_PIECE_SIZE) {
      const length = Math.min(CHECK_PIECE_SIZE, entry.size - at);
      crc = crc32(await this.#read(start + at, length), crc);
    }
    this.#compareCrc(entry, crc);
  }

  /** The member's bytes as they are in the archive, a copy. */
  async #readStored(entry: Entry): Promise<Uint8Array> {
    const size = entry.compressedSize;
    if (entry.dataOffset === null && size <= JOINT_READ_SIZE) {
      const start = entry.headerOffset;
      const length = LOCAL_HEADER_SIZE + entry.nameBytes.length + JOINT_EXTRA_SIZE + size;
      const bytes = await this.#read(start, Math.min(length, entry.limit - start));
      const dataStart = this.#acceptLocalHeader(entry, bytes) - start;
      if (dataStart + size <= bytes.length) return bytes.slice(dataStart, dataStart + size);
    }
    return await this.#read(await this.dataOffset(entry.name), size);
  }

  #inflate(entry: Entry, bytes: Uint8Array): Uint8Array {
    if (entry.method !== DEFLATED) {
      throw this.#error(entry.name, `ZIP method ${entry.method} is not supported`);
    }
    let content: Uint8Array;
    try {
      // At least 1: zero would mean no limit.
      content = inflateRawSync(bytes, { maxOutputLength: Math.max(entry.size, 1) });
    } catch (cause) {
      throw this.#error(entry.name, "its deflated data are damaged", cause);
    }
    if (content.length !== entry.size) {
      throw this.#error(
        entry.name,
        `it inflates to ${content.length} bytes, expected ${entry.size}`,
      );
    }
    return content;
  }

  /** Checks a local header (and the name after it) and keeps where the data begins. */
  #acceptLocalHeader(entry: Entry, bytes: Uint8Array): number {
    if (u32(bytes, 0) !== LOCAL_SIGNATURE) {
      throw this.#error(entry.name, `no local header at byte ${entry.headerOffset}`);
    }
    const nameLength = u16(bytes, 26);
    const extraLength = u16(bytes, 28);
    if ((u16(bytes, 6) & ENCRYPTION_FLAGS) !== 0) throw this.#error(entry.name, "it is encrypted");
    const name = bytes.subarray(LOCAL_HEADER_SIZE, LOCAL_HEADER_SIZE + entry.nameBytes.length);
    if (
      nameLength !== entry.nameBytes.length ||
      name.some((byte, i) => byte !== entry.nameBytes[i]) ||
      u16(bytes, 8) !== entry.method
    ) {
      throw this.#error(
        entry.name,
        `its local header at byte ${entry.headerOffset} does not match the directory`,
      );
    }
    const start = entry.headerOffset + LOCAL_HEADER_SIZE + nameLength + extraLength;
    if (start + entry.compressedSize > entry.limit) {
      throw this.#error(
        entry.name,
        `its data end at byte ${start + entry.compressedSize}, after byte ${entry.limit}, ` +
          "where something else begins",
      );
    }
    entry.dataOffset = start;
    return start;
  }

  #compareCrc(entry: Entry, found: number): void {
    if (found !== entry.crc32) {
      throw this.#error(
        entry.name,
        `its CRC-32 is ${hex32(found)}, expected ${hex32(entry.crc32)}`,
      );
    }
  }

  async #read(offset: number, length: number): Promise<Uint8Array> {
    const inTail = offset - this.#tailOffset;
    return inTail >= 0
      ? this.#tail.slice(inTail, inTail + length)
      : await this.#source.read(offset, length);
  }

  #entry(name: string): Entry {
    const entry = this.#entries.get(name);
    if (entry === undefined) throw this.#error(name, "there is no such member");
    return entry;
  }

  #error(name: string, state: string, cause?: unknown): InvalidQuantumGraphFileError {
    return new InvalidQuantumGraphFileError(
      `Cannot read member "${name}" of "${this.#source.name}": ${state}`,
      { cause },
    );
  }
}

/** A range of another source. */
class MemberSource implements ByteSource {
  readonly name: string;
  readonly size: number;
  readonly #source: ByteSource;
  readonly #offset: number;

  constructor(source: ByteSource, name: string, offset: number, size: number) {
    this.#source = source;
    this.name = name;
    this.#offset = offset;
    this.size = size;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    checkRange(this.name, this.size, offset, length);
    return await this.#source.read(this.#offset + offset, length);
  }

  close(): void {}
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
): Map<string, Entry> {
  const entries = new Map<string, Entry>();
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
    const entry: Entry = {
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
    if (problem !== null) throw badMember(source, name, problem);
    entries.set(name, entry);
    at = next;
  }
  setLimits(source, [...entries.values()], place.offset);
  return entries;
}

/** Takes from the ZIP64 extra field those numbers that don't fit the entry, in their fixed order. */
function applyZip64Extra(source: string, entry: Entry, extra: Uint8Array): void {
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
  throw badMember(source, entry.name, "its ZIP64 extra field is missing or too short");
}

/** Gives every entry the place of what follows it, and refuses overlaps and places outside. */
function setLimits(source: string, entries: Entry[], directoryOffset: number): void {
  entries.sort((a, b) => a.headerOffset - b.headerOffset);
  entries.forEach((entry, i) => {
    if (i + 1 < entries.length) entry.limit = entries[i + 1].headerOffset;
    const least = LOCAL_HEADER_SIZE + entry.nameBytes.length + entry.compressedSize;
    if (entry.headerOffset > directoryOffset - least) {
      throw badMember(
        source,
        entry.name,
        `its ${entry.compressedSize} bytes at ${entry.headerOffset} pass the directory at ${directoryOffset}`,
      );
    }
    if (entry.headerOffset > entry.limit - least) {
      throw badMember(source, entry.name, `it overlaps with "${entries[i + 1].name}"`);
    }
  });
}

function u16(bytes: Uint8Array, at: number): number {
  return bytes[at] | bytes[at + 1] << 8;
}

function u32(bytes: Uint8Array, at: number): number {
  return (u16(bytes, at) | u16(bytes, at + 2) << 16) >>> 0;
}

function u64(source: string, bytes: Uint8Array, at: number): number {
  try {
    return readLittleEndian(bytes, at, 8);
  } catch (cause) {
    throw notAnArchive(source, "a size or offset in its directory exceeds 2^53 - 1", cause);
  }
}

function hex32(value: number): string {
  return value.toString(16).padStart(8, "0");
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

function badMember(source: string, name: string, state: string): InvalidQuantumGraphFileError {
  return new InvalidQuantumGraphFileError(
    `Cannot read member "${name}" of "${source}": ${state}`,
  );
}
