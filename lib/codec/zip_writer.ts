/**
 * ZIP archives of stored members whose sizes are known before the first byte: every data offset is
 * known at once and the members may be written side by side. Headers hold sizes and checksums, so
 * there are no data descriptors. ZIP numbers are little-endian.
 *
 * Source: `schema/quantum-graph.md`, sections 1 and 2; APPNOTE.TXT 6.3.
 *
 * @module
 */

import { writeLittleEndian } from "../base/bytes.ts";
import { RangeWriter, writeAt } from "../storage/range_writer.ts";

const LOCAL_HEADER_SIZE = 30;
const CENTRAL_ENTRY_SIZE = 46;
const END_SIZE = 22;
const END64_SIZE = 56;
const END64_LOCATOR_SIZE = 20;
const EXTRA_HEADER_SIZE = 4;
/** From here on a 32-bit field says "see the ZIP64 extra field" instead of a value. */
const MAX_U32 = 0xffffffff;
const MAX_U16 = 0xffff;
/** Version needed to extract: 2.0, and 4.5 for ZIP64. */
const VERSION_PLAIN = 20;
const VERSION_ZIP64 = 45;
/** Made by: Unix (3), version 4.5. */
const MADE_BY = 3 << 8 | VERSION_ZIP64;
/** Mode of a member when unpacked: a regular file, rw-r--r--. */
const EXTERNAL_ATTRIBUTES = 0o100644 * 0x10000;
/** 1980-01-01: the archive doesn't depend on when it is written. */
const DOS_DATE = 1 << 5 | 1;
/** Flag bit 11: names are UTF-8. */
const UTF8_FLAG = 1 << 11;

/** A member before it is written. */
export interface PlannedMember {
  /** Flat name, at most 65 535 bytes of UTF-8. */
  name: string;
  /** Bytes of content, exactly. */
  size: number;
}

interface Member extends PlannedMember {
  /** Whether its size was not known when it was planned: then its local header has room for any. */
  isOpen: boolean;
  nameBytes: Uint8Array;
  headerOffset: number;
  dataOffset: number;
  data: RangeWriter;
  /** Known when all data are written. */
  crc: number;
}

/**
 * Writes one archive into an open, empty file.
 *
 * On disk: data only, until {@linkcode StoredZipWriter.finish} adds the headers and the directory;
 * before that the file isn't an archive, which a crash therefore leaves under its temporary name.
 * Memory: 256 KiB a member.
 */
export class StoredZipWriter {
  readonly #file: Deno.FsFile;
  readonly #fileName: string;
  readonly #members = new Map<string, Member>();
  #dataEnd = 0;

  /**
   * Lays the members out one after another, in the order given.
   *
   * @param fileName what errors call the file.
   * @throws {RangeError} if a name occurs twice or is too long, or a size isn't possible.
   */
  constructor(file: Deno.FsFile, members: readonly PlannedMember[], fileName = "archive") {
    this.#file = file;
    this.#fileName = fileName;
    this.plan(members);
  }

  /**
   * Lays out more members, behind all others.
   *
   * @throws {RangeError} as the constructor.
   */
  plan(members: readonly PlannedMember[]): void {
    for (const { name, size } of members) {
      if (!Number.isSafeInteger(size) || size < 0) {
        throw new RangeError(`Cannot plan member "${name}": its size is ${size}`);
      }
      this.#add(name, size, false);
    }
  }

  /**
   * Begins a member of which it is not known how large it will be, behind all others. Before anything else is
   * planned it must end, by {@linkcode StoredZipWriter.end}.
   *
   * @throws {RangeError} if a name occurs twice or is too long.
   */
  begin(name: string): void {
    this.#add(name, 0, true);
  }

  /** Ends a member of {@linkcode StoredZipWriter.begin}: it has what was written. */
  end(name: string): void {
    const member = this.#member(name);
    member.size = member.data.cutOff();
    this.#dataEnd = member.dataOffset + member.size;
  }

  #add(name: string, size: number, isOpen: boolean): void {
    const nameBytes = new TextEncoder().encode(name);
    if (nameBytes.length === 0 || nameBytes.length > MAX_U16 || this.#members.has(name)) {
      throw new RangeError(`Cannot plan member "${name}": its name is empty, too long or taken`);
    }
    const headerOffset = this.#dataEnd;
    const dataOffset = headerOffset + LOCAL_HEADER_SIZE + nameBytes.length +
      localExtra(size, isOpen).length;
    this.#members.set(name, {
      name,
      size,
      isOpen,
      nameBytes,
      headerOffset,
      dataOffset,
      data: new RangeWriter(
        this.#file,
        this.#fileName,
        name,
        dataOffset,
        isOpen ? Number.MAX_SAFE_INTEGER : size,
      ),
      crc: 0,
    });
    this.#dataEnd = dataOffset + size;
  }

  /**
   * Where a member's data begins in the file.
   *
   * @throws {RangeError} if no such member was planned.
   */
  dataOffset(name: string): number {
    return this.#member(name).dataOffset;
  }

  /**
   * Appends to a member. The data are copied or written before it returns.
   *
   * @throws {RangeError} if no such member was planned or it would become longer than planned.
   * @throws {EnvironmentError} if the file can't be written.
   */
  write(name: string, data: Uint8Array): void {
    this.#member(name).data.write(data);
  }

  /**
   * Counts in the next bytes of a member, which somebody else writes to their place in the file.
   *
   * @param crc Their CRC-32.
   * @throws {RangeError} as {@linkcode StoredZipWriter.write}.
   */
  skip(name: string, size: number, crc: number): void {
    this.#member(name).data.skip(size, crc);
  }

  /**
   * Size and CRC-32 of a member all of whose data are written.
   *
   * @throws {RangeError} if no such member was planned or data are missing.
   * @throws {EnvironmentError} if the file can't be written.
   */
  seal(name: string): { size: number; crc32: number } {
    const member = this.#member(name);
    return { size: member.size, crc32: member.data.finish() };
  }

  /**
   * Writes what is buffered, the headers and the directory. After it the file is a complete archive;
   * making it durable (fsync, rename) is the caller's.
   *
   * @returns the size of the file.
   * @throws {RangeError} if a member is shorter than planned.
   * @throws {EnvironmentError} if the file can't be written.
   */
  finish(): number {
    for (const member of this.#members.values()) member.crc = member.data.finish();
    for (const member of this.#members.values()) {
      this.#writeAt(member.headerOffset, localHeader(member));
    }
    const entries = [...this.#members.values()].map(centralEntry);
    const directorySize = entries.reduce((sum, entry) => sum + entry.length, 0);
    const tail = [...entries, endRecords(entries.length, directorySize, this.#dataEnd)];
    let at = this.#dataEnd;
    for (const bytes of tail) {
      this.#writeAt(at, bytes);
      at += bytes.length;
    }
    return at;
  }

  #writeAt(offset: number, data: Uint8Array): void {
    writeAt(this.#file, this.#fileName, offset, data);
  }

  #member(name: string): Member {
    const member = this.#members.get(name);
    if (member === undefined) {
      throw new RangeError(`Cannot write member "${name}": it was not planned`);
    }
    return member;
  }
}

/** A record filled field by field. */
class Record {
  readonly bytes: Uint8Array;
  #at = 0;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
  }

  put(width: number, value: number): this {
    writeLittleEndian(this.bytes, this.#at, width, value);
    this.#at += width;
    return this;
  }

  append(data: Uint8Array): this {
    this.bytes.set(data, this.#at);
    this.#at += data.length;
    return this;
  }
}

/** ZIP64 extra field (id 1) with these numbers, 8 bytes each; nothing for none. */
function zip64Extra(values: readonly number[]): Uint8Array {
  if (values.length === 0) return new Uint8Array(0);
  const record = new Record(EXTRA_HEADER_SIZE + 8 * values.length);
  record.put(2, 1).put(2, 8 * values.length);
  for (const value of values) record.put(8, value);
  return record.bytes;
}

/** A local header needs both sizes, or neither. */
function localExtra(size: number, isOpen: boolean): Uint8Array {
  return zip64Extra(isOpen || size >= MAX_U32 ? [size, size] : []);
}

function nameFlags(nameBytes: Uint8Array): number {
  return nameBytes.some((byte) => byte > 127) ? UTF8_FLAG : 0;
}

function localHeader(member: Member): Uint8Array {
  const { nameBytes, size, isOpen, crc } = member;
  const extra = localExtra(size, isOpen);
  const headerSize = extra.length > 0 ? MAX_U32 : size;
  return new Record(LOCAL_HEADER_SIZE + nameBytes.length + extra.length)
    .put(4, 0x04034b50)
    .put(2, extra.length > 0 ? VERSION_ZIP64 : VERSION_PLAIN)
    .put(2, nameFlags(nameBytes))
    .put(2, 0) // method: stored
    .put(2, 0) // time: midnight
    .put(2, DOS_DATE)
    .put(4, crc)
    .put(4, headerSize) // compressed
    .put(4, headerSize) // uncompressed
    .put(2, nameBytes.length)
    .put(2, extra.length)
    .append(nameBytes)
    .append(extra).bytes;
}

function centralEntry(member: Member): Uint8Array {
  const { nameBytes, size, crc, headerOffset } = member;
  const extra = zip64Extra([
    ...(size >= MAX_U32 ? [size, size] : []),
    ...(headerOffset >= MAX_U32 ? [headerOffset] : []),
  ]);
  return new Record(CENTRAL_ENTRY_SIZE + nameBytes.length + extra.length)
    .put(4, 0x02014b50)
    .put(2, MADE_BY)
    .put(2, extra.length > 0 ? VERSION_ZIP64 : VERSION_PLAIN)
    .put(2, nameFlags(nameBytes))
    .put(2, 0) // method: stored
    .put(2, 0) // time: midnight
    .put(2, DOS_DATE)
    .put(4, crc)
    .put(4, Math.min(size, MAX_U32)) // compressed
    .put(4, Math.min(size, MAX_U32)) // uncompressed
    .put(2, nameBytes.length)
    .put(2, extra.length)
    .put(2, 0) // comment
    .put(2, 0) // disk
    .put(2, 0) // internal attributes
    .put(4, EXTERNAL_ATTRIBUTES)
    .put(4, Math.min(headerOffset, MAX_U32))
    .append(nameBytes)
    .append(extra).bytes;
}

/** The end record, with the ZIP64 one and its locator before it if a number needs them. */
function endRecords(nEntries: number, size: number, offset: number): Uint8Array {
  const isZip64 = nEntries >= MAX_U16 || size >= MAX_U32 || offset >= MAX_U32;
  const record = new Record(END_SIZE + (isZip64 ? END64_SIZE + END64_LOCATOR_SIZE : 0));
  if (isZip64) {
    record
      .put(4, 0x06064b50)
      .put(8, END64_SIZE - 12) // bytes after this field
      .put(2, MADE_BY)
      .put(2, VERSION_ZIP64)
      .put(4, 0) // this disk
      .put(4, 0) // disk of the directory
      .put(8, nEntries) // on this disk
      .put(8, nEntries)
      .put(8, size)
      .put(8, offset);
    record
      .put(4, 0x07064b50)
      .put(4, 0) // disk of the ZIP64 end record
      .put(8, offset + size)
      .put(4, 1); // disks
  }
  return record
    .put(4, 0x06054b50)
    .put(2, 0) // this disk
    .put(2, 0) // disk of the directory
    .put(2, Math.min(nEntries, MAX_U16)) // on this disk
    .put(2, Math.min(nEntries, MAX_U16))
    .put(4, Math.min(size, MAX_U32))
    .put(4, Math.min(offset, MAX_U32))
    .put(2, 0).bytes; // comment
}
