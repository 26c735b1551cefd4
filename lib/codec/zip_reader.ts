/**
 * ZIP archives as sets of byte ranges: the directory is read once, from the tail; stored members are
 * then sources of their own. ZIP64 throughout; everything read is checked against the file before it
 * is used. ZIP numbers are little-endian.
 *
 * Source: `schema/quantum-graph.md`, sections 1 and 2; APPNOTE.TXT 6.3.
 *
 * @module
 */

import { u16, u32 } from "../base/bytes.ts";
import { crc32 } from "../base/crc32.ts";
import type { InvalidQuantumGraphFileError } from "../base/errors.ts";
import type { ByteSource } from "../storage/byte_source.ts";
import { checkRange } from "../storage/file_errors.ts";
import type { Inflate } from "./codecs.ts";
import {
  ENCRYPTION_FLAGS,
  LOCAL_HEADER_SIZE,
  LOCAL_SIGNATURE,
  memberError,
  readDirectory,
  STORED,
  type ZipDirectory,
  type ZipEntry,
  type ZipMember,
} from "./zip_directory.ts";

/** Members up to this size are read together with their local header, in one read. */
const JOINT_READ_SIZE = 65536;
/** Room left for a local extra field in such a read; a longer one costs a second read. */
const JOINT_EXTRA_SIZE = 64;
/** Largest member that is returned whole unless told otherwise. */
const DEFAULT_MAX_MEMBER_SIZE = 2 ** 30;
/** Piece in which a member's checksum is computed. */
const CHECK_PIECE_SIZE = 2 ** 20;
/** ZIP compression method. */
const DEFLATED = 8;

/** The directory of a ZIP archive and access to its members. */
export class ZipReader {
  readonly #source: ByteSource;
  readonly #directory: ZipDirectory;
  readonly #inflateRaw: Inflate | null;

  private constructor(source: ByteSource, directory: ZipDirectory, inflate: Inflate | null) {
    this.#source = source;
    this.#directory = directory;
    this.#inflateRaw = inflate;
  }

  /**
   * Reads the directory: one read of at most 64 KiB, more only for a long comment or directory. The
   * source stays the caller's, who closes it.
   *
   * @param inflate Reads members that are not stored; without it they are refused.
   * @throws {InvalidQuantumGraphFileError} if it isn't an archive, is cut, has a name twice, has
   * members that overlap or leave the file, or is encrypted.
   */
  static async open(source: ByteSource, inflate: Inflate | null = null): Promise<ZipReader> {
    return new ZipReader(source, await readDirectory(source), inflate);
  }

  /** Members by name, in the order of the directory. */
  get members(): ReadonlyMap<string, ZipMember> {
    return this.#directory.entries;
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
   * @param onRead Told the bytes of each piece.
   * @throws {InvalidQuantumGraphFileError} as {@linkcode ZipReader.readMember}.
   */
  async checkMember(name: string, onRead: (nBytes: number) => void = () => {}): Promise<void> {
    const entry = this.#entry(name);
    if (entry.method !== STORED) {
      await this.readMember(name);
      onRead(entry.size);
      return;
    }
    const start = await this.dataOffset(name);
    let crc = 0;
    for (let at = 0; at < entry.size; at += CHECK_PIECE_SIZE) {
      const length = Math.min(CHECK_PIECE_SIZE, entry.size - at);
      crc = crc32(await this.#read(start + at, length), crc);
      onRead(length);
    }
    this.#compareCrc(entry, crc);
  }

  /** The member's bytes as they are in the archive, a copy. */
  async #readStored(entry: ZipEntry): Promise<Uint8Array> {
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

  #inflate(entry: ZipEntry, bytes: Uint8Array): Uint8Array {
    if (entry.method !== DEFLATED || this.#inflateRaw === null) {
      throw this.#error(entry.name, `ZIP method ${entry.method} is not supported`);
    }
    let content: Uint8Array;
    try {
      content = this.#inflateRaw(bytes, entry.size);
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
  #acceptLocalHeader(entry: ZipEntry, bytes: Uint8Array): number {
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

  #compareCrc(entry: ZipEntry, found: number): void {
    if (found !== entry.crc32) {
      throw this.#error(
        entry.name,
        `its CRC-32 is ${hex32(found)}, expected ${hex32(entry.crc32)}`,
      );
    }
  }

  async #read(offset: number, length: number): Promise<Uint8Array> {
    const { tail, tailOffset } = this.#directory;
    const inTail = offset - tailOffset;
    return inTail >= 0
      ? tail.slice(inTail, inTail + length)
      : await this.#source.read(offset, length);
  }

  #entry(name: string): ZipEntry {
    const entry = this.#directory.entries.get(name);
    if (entry === undefined) throw this.#error(name, "there is no such member");
    return entry;
  }

  #error(name: string, state: string, cause?: unknown): InvalidQuantumGraphFileError {
    return memberError(this.#source.name, name, state, cause);
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

function hex32(value: number): string {
  return value.toString(16).padStart(8, "0");
}
