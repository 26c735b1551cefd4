/**
 * Writing of one range of a file in order, while others write other ranges, also through files of their
 * own: each write says where it goes.
 *
 * @module
 */

import { combineCrc32, crc32 } from "../base/crc32.ts";
import { EnvironmentError } from "../base/errors.ts";
import { systemErrorText } from "./file_errors.ts";

/** Bytes gathered before they are written. */
const BUFFER_SIZE = 2 ** 18;

/**
 * Writes all bytes at an offset.
 *
 * @param fileName what errors call the file.
 * @throws {EnvironmentError} if the system refuses.
 */
export function writeAt(
  file: Deno.FsFile,
  fileName: string,
  offset: number,
  data: Uint8Array,
): void {
  try {
    file.seekSync(offset, Deno.SeekMode.Start);
    for (let done = 0; done < data.length;) {
      done += file.writeSync(done === 0 ? data : data.subarray(done));
    }
  } catch (cause) {
    throw new EnvironmentError(
      `Cannot write ${data.length} bytes at ${offset} of "${fileName}": ${systemErrorText(cause)}`,
      { cause },
    );
  }
}

/** One range, written from its beginning. Memory: 256 KiB, or the range if that is smaller. */
export class RangeWriter {
  readonly #file: Deno.FsFile;
  readonly #fileName: string;
  readonly #name: string;
  readonly #offset: number;
  #size: number;
  #nDone = 0;
  /** The last `#nBuffered` of the bytes done are here; allocated with the first small write. */
  #buffer: Uint8Array | null = null;
  #nBuffered = 0;
  #crc = 0;

  /**
   * @param fileName what errors call the file.
   * @param name of the member that the range is of, for errors.
   * @param offset Where the range begins in the file.
   */
  constructor(file: Deno.FsFile, fileName: string, name: string, offset: number, size: number) {
    this.#file = file;
    this.#fileName = fileName;
    this.#name = name;
    this.#offset = offset;
    this.#size = size;
  }

  /** Bytes done so far, whoever wrote them. */
  get nDone(): number {
    return this.#nDone;
  }

  /**
   * The next bytes. They are copied or written before it returns.
   *
   * @throws {RangeError} if the range would become longer than its size.
   * @throws {EnvironmentError} if the file can't be written.
   */
  write(data: Uint8Array): void {
    this.#requireRoom(data.length);
    if (this.#nBuffered + data.length > BUFFER_SIZE) this.#flush();
    if (data.length >= BUFFER_SIZE) {
      this.#crc = crc32(data, this.#crc);
      writeAt(this.#file, this.#fileName, this.#offset + this.#nDone, data);
    } else {
      this.#buffer ??= new Uint8Array(Math.min(BUFFER_SIZE, this.#size));
      this.#buffer.set(data, this.#nBuffered);
      this.#nBuffered += data.length;
    }
    this.#nDone += data.length;
  }

  /**
   * Counts in the next bytes, which somebody else writes.
   *
   * @param crc Their CRC-32.
   * @throws {RangeError} as {@linkcode write}.
   */
  skip(size: number, crc: number): void {
    this.#requireRoom(size);
    this.#flush();
    this.#crc = combineCrc32(this.#crc, crc, size);
    this.#nDone += size;
  }

  #requireRoom(size: number): void {
    if (size <= this.#size - this.#nDone) return;
    throw new RangeError(
      `Cannot write member "${this.#name}": ${this.#nDone + size} bytes, expected ${this.#size}`,
    );
  }

  /** Ends the range where it is: it has the size that was written. Returns that. */
  cutOff(): number {
    return this.#size = this.#nDone;
  }

  /**
   * Writes what is buffered.
   *
   * @returns CRC-32 of the whole range.
   * @throws {RangeError} if bytes are missing.
   * @throws {EnvironmentError} if the file can't be written.
   */
  finish(): number {
    if (this.#nDone !== this.#size) {
      throw new RangeError(
        `Cannot finish member "${this.#name}": ${this.#nDone} bytes, expected ${this.#size}`,
      );
    }
    this.#flush();
    this.#buffer = null;
    return this.#crc;
  }

  #flush(): void {
    if (this.#nBuffered === 0) return;
    const data = this.#buffer!.subarray(0, this.#nBuffered);
    this.#crc = crc32(data, this.#crc);
    writeAt(this.#file, this.#fileName, this.#offset + this.#nDone - this.#nBuffered, data);
    this.#nBuffered = 0;
  }
}
