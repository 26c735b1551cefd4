/**
 * POSIX files: a {@linkcode ByteSource} over one, and the whole of a small one for the scanners.
 * Everything is synchronous below, because that is two to five times as fast for warm files.
 *
 * @module
 */

import { EnvironmentError, UnusableFileError } from "../base/errors.ts";
import type { ByteSource } from "./byte_source.ts";
import { openRegularFile, requireRegularFile } from "./regular_file.ts";
import { checkRange, fileError, isAbsence, systemErrorText } from "./file_errors.ts";

/** Largest file that {@linkcode readWholeFile} takes unless told otherwise, in bytes. */
export const DEFAULT_MAX_FILE_SIZE = 2 ** 30;

/** A file as a byte source. Its size is that at the time of opening. */
export class FileSource implements ByteSource, Disposable {
  readonly name: string;
  #size: number;
  #file: Deno.FsFile | null;

  private constructor(name: string, file: Deno.FsFile, size: number) {
    this.name = name;
    this.#file = file;
    this.#size = size;
  }

  /**
   * Opens a regular file for reading.
   *
   * @param name What errors call it, where the file is a copy of something else.
   * @throws {NotFoundError} if nothing is there.
   * @throws {EnvironmentError} if it can't be opened or isn't a regular file.
   */
  static open(path: string, name: string = path): FileSource {
    const { file, info } = openRegularFile(path);
    return new FileSource(name, file, info.size);
  }

  get size(): number {
    return this.#size;
  }

  /**
   * What the system says of the opened file itself, whatever has become of its name.
   *
   * @throws {EnvironmentError} if it can't be asked.
   */
  info(): Deno.FileInfo {
    try {
      return this.#openFile().statSync();
    } catch (error) {
      if (error instanceof EnvironmentError) throw error;
      throw fileError("look at file", this.name, error);
    }
  }

  /** Looks at the size again, for a file that grows (chunk log), and returns it. */
  refreshSize(): number {
    try {
      this.#size = this.#openFile().statSync().size;
    } catch (error) {
      if (error instanceof EnvironmentError) throw error;
      throw new EnvironmentError(
        `Cannot look at file "${this.name}": ${systemErrorText(error)}`,
        { cause: error },
      );
    }
    return this.#size;
  }

  /**
   * Reads exactly `length` bytes at `offset` into a new array.
   *
   * @throws {EnvironmentError} if the range isn't in the file, or reading fails or ends early.
   */
  readSync(offset: number, length: number): Uint8Array<ArrayBuffer> {
    checkRange(this.name, this.#size, offset, length);
    const bytes = new Uint8Array(length);
    this.readInto(bytes, offset);
    return bytes;
  }

  /**
   * Fills `target` with the bytes at `offset`, so that a sequential pass can reuse one buffer.
   *
   * @throws {EnvironmentError} as {@linkcode FileSource.readSync}.
   */
  readInto(target: Uint8Array, offset: number): void {
    const length = target.length;
    checkRange(this.name, this.#size, offset, length);
    const file = this.#openFile();
    let done = 0;
    try {
      if (length > 0) file.seekSync(offset, Deno.SeekMode.Start);
      while (done < length) {
        const n = file.readSync(done === 0 ? target : target.subarray(done));
        if (n === null || n === 0) break;
        done += n;
      }
    } catch (error) {
      throw new EnvironmentError(
        `Cannot read ${length} bytes at ${offset} of "${this.name}": ${systemErrorText(error)}`,
        { cause: error },
      );
    }
    if (done < length) {
      throw new EnvironmentError(
        `Cannot read ${length} bytes at ${offset} of "${this.name}": the file ends after ${done} of them`,
        { hint: "The file was cut while it was being read, so run the command again" },
      );
    }
  }

  read(offset: number, length: number): Promise<Uint8Array> {
    try {
      return Promise.resolve(this.readSync(offset, length));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  close(): void {
    this.#file?.close();
    this.#file = null;
  }

  /** As {@linkcode FileSource.close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  #openFile(): Deno.FsFile {
    if (this.#file === null) {
      throw new EnvironmentError(`Cannot read file "${this.name}": it has been closed`);
    }
    return this.#file;
  }
}

/** A buffer that grows with what is put into it and is used again and again. */
export class ReusableBuffer {
  #bytes: Uint8Array<ArrayBuffer>;
  readonly #keepBytes: number;

  /**
   * @param keepBytes a buffer grown beyond this is given back when the next need is below it, so
   * that one giant file doesn't cost its memory for the rest of the run.
   */
  constructor(initialBytes = 2 ** 16, keepBytes = 2 ** 26) {
    this.#bytes = new Uint8Array(initialBytes);
    this.#keepBytes = keepBytes;
  }

  /** The buffer, of at least `length` bytes; whatever an earlier call returned may be overwritten. */
  atLeast(length: number): Uint8Array<ArrayBuffer> {
    const have = this.#bytes.length;
    if (have < length || (have > this.#keepBytes && length <= this.#keepBytes)) {
      this.#bytes = new Uint8Array(
        length > this.#keepBytes ? length : Math.max(2 ** 16, 2 ** Math.ceil(Math.log2(length))),
      );
    }
    return this.#bytes;
  }

  /** As {@linkcode ReusableBuffer.atLeast}, keeping the first `used` bytes. */
  grown(length: number, used: number): Uint8Array<ArrayBuffer> {
    const old = this.#bytes;
    if (old.length >= length) return old;
    const bytes = this.atLeast(Math.max(length, 2 * old.length));
    bytes.set(old.subarray(0, used));
    return bytes;
  }
}

/** What tells a file from what was at its path before. */
export interface FileVersion {
  /** Bytes. */
  size: number;
  /**
   * Time of last modification, nanoseconds since 1970. The runtime passes on whole milliseconds
   * only (Deno 2.9, also through `node:fs` with `bigint`), so the last six digits are zero.
   */
  mtimeNs: bigint;
  /**
   * Time of last change, milliseconds since 1970, which programs can't set; null if not told. The
   * runtime passes on whole seconds (Deno 2.9).
   */
  ctimeMs: number | null;
  /** Number of the file in its file system; null if not told. */
  inode: number | null;
  /** In a remote store: number of its strong entity tag; absent otherwise. */
  tag?: bigint;
  /** When it was looked at, by this host's clock, milliseconds since 1970. */
  seenMs: number;
}

/** Content and version of a file that was read whole; its size is that of the content. */
export interface WholeFile extends FileVersion {
  /** The content: a view of the reused buffer, valid until the buffer is used again. */
  bytes: Uint8Array<ArrayBuffer>;
}

/**
 * Reads a whole file into a reused buffer: the scanners' hot path.
 *
 * The time is taken before the content is read, so a file replaced in between carries an identity
 * that is too old and is read again later, never one that is too new.
 *
 * @returns null if nothing is there (no such file, or a path through something not a directory).
 * @throws {EnvironmentError} for anything else, as absence must be known and never guessed: no
 * permission, I/O error. An {@linkcode UnusableFileError} if it is no regular file, or larger than
 * `maxSize` bytes.
 */
export function readWholeFile(
  path: string,
  buffer: ReusableBuffer,
  maxSize: number = DEFAULT_MAX_FILE_SIZE,
): WholeFile | null {
  let file: Deno.FsFile | null = null;
  try {
    // By path and before opening: opening a FIFO would wait for a writer for ever.
    const info = Deno.statSync(path);
    requireRegularFile(path, info);
    if (info.size > maxSize) throw tooLarge(path, info.size, maxSize);
    file = Deno.openSync(path);
    // One byte more than the size, so that one call both fills it and shows the end.
    let bytes = buffer.atLeast(info.size + 1);
    let done = 0;
    for (;;) {
      const n = file.readSync(done === 0 ? bytes : bytes.subarray(done));
      if (n === null || n === 0) break;
      done += n;
      if (done === info.size) break;
      if (done > maxSize) throw tooLarge(path, done, maxSize);
      if (done === bytes.length) bytes = buffer.grown(done * 2, done);
    }
    return { ...versionOf(info), bytes: bytes.subarray(0, done), size: done };
  } catch (error) {
    if (error instanceof EnvironmentError) throw error;
    if (isAbsence(error)) return null;
    throw fileError("read file", path, error);
  } finally {
    file?.close();
  }
}

/** The version of a file as {@linkcode readWholeFile} gives it, without reading it. */
export function fileIdentity(path: string): FileVersion | null {
  try {
    return versionOf(Deno.statSync(path));
  } catch (error) {
    if (isAbsence(error)) return null;
    throw fileError("look at file", path, error);
  }
}

/** The version of a file that the system has told about. */
export function versionOf({ size, mtime, ctime, ino }: Deno.FileInfo): FileVersion {
  return {
    size,
    mtimeNs: BigInt(mtime?.getTime() ?? 0) * 1_000_000n,
    ctimeMs: ctime?.getTime() ?? null,
    inode: ino,
    seenMs: Date.now(),
  };
}

/**
 * Whether there is a regular file at a path, without opening it.
 *
 * @throws {UnusableFileError} if something else is there, which no one can have written as a file.
 * @throws {EnvironmentError} if the system doesn't tell, as absence must be known.
 */
export function hasRegularFile(path: string): boolean {
  try {
    requireRegularFile(path, Deno.statSync(path));
    return true;
  } catch (error) {
    if (error instanceof EnvironmentError) throw error;
    if (isAbsence(error)) return false;
    throw fileError("look at file", path, error);
  }
}

function tooLarge(path: string, size: number, maxSize: number): UnusableFileError {
  return new UnusableFileError(
    "read file",
    path,
    `it has ${size} bytes, more than the ${maxSize} allowed`,
  );
}
