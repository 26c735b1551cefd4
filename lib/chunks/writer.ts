/**
 * Appending chunks to a chunk log.
 *
 * @module
 */

import { EnvironmentError } from "../base/errors.ts";
import { linkTarget, removeIfPresent } from "../storage/durable_file.ts";
import { failpoint, isFailpointDue } from "../storage/failpoints.ts";
import { systemErrorText } from "../storage/file_errors.ts";
import { openRegularFile } from "../storage/regular_file.ts";
import { infoAt, keepOwnerAndMode } from "../storage/temporary_file.ts";
import { CHUNK_LOG_MAGIC } from "./chunk_format.ts";

/**
 * Appends chunks to a file. After `append` returns the bytes are with the operating system; after
 * `sync` they are on the disk. A process killed in between leaves a torn tail, which the next reader
 * cuts off.
 */
export class ChunkLogWriter implements Disposable {
  readonly path: string;
  readonly #file: Deno.FsFile;
  #isOpen = true;
  #size: number;

  private constructor(path: string, file: Deno.FsFile, size: number) {
    this.path = path;
    this.#file = file;
    this.#size = size;
  }

  /**
   * Creates the file anew with its magic bytes. One that is there loses its name and is not written to: it
   * may have other names. Its mode and owner stay, or else are those of `model`, if that is there: what is
   * private must not be readable on its way.
   */
  static create(path: string, model: string = path): ChunkLogWriter {
    const file = attempt(path, () => {
      const target = linkTarget(path);
      const info = infoAt(target) ?? infoAt(model);
      removeIfPresent(target);
      const mode = info === null ? {} : { mode: 0o600 };
      const created = Deno.openSync(target, { write: true, createNew: true, ...mode });
      if (info !== null) keepOwnerAndMode(info, target);
      return created;
    });
    return ChunkLogWriter.begin(path, file);
  }

  /** Begins a log in an empty file, opened for writing by somebody who closes it, with the magic bytes. */
  static begin(path: string, file: Deno.FsFile): ChunkLogWriter {
    const writer = new ChunkLogWriter(path, file, 0);
    failpoint("chunks.created");
    writer.append(CHUNK_LOG_MAGIC);
    return writer;
  }

  /** Goes on behind the last sound chunk, at `size`; what follows is cut off. */
  static resume(path: string, size: number): ChunkLogWriter {
    const { file } = openRegularFile(path, { action: "continue chunk log", write: true });
    attempt(path, () => {
      file.truncateSync(size);
      failpoint("chunks.continued");
      file.seekSync(size, Deno.SeekMode.Start);
    });
    return new ChunkLogWriter(path, file, size);
  }

  /** Bytes in the file. */
  get size(): number {
    return this.#size;
  }

  /**
   * Appends whole chunks.
   *
   * @returns the offset in the file where they begin.
   * @throws {EnvironmentError} if the bytes can't be written.
   */
  append(bytes: Uint8Array): number {
    const offset = this.#size;
    attempt(this.path, () => {
      let at = 0;
      if (isFailpointDue("chunks.half-appended")) {
        at = this.#file.writeSync(bytes.subarray(0, bytes.length >> 1));
      }
      failpoint("chunks.half-appended");
      while (at < bytes.length) at += this.#file.writeSync(bytes.subarray(at));
    });
    this.#size += bytes.length;
    return offset;
  }

  /** Waits until everything appended is on the disk. */
  sync(): void {
    attempt(this.path, () => {
      this.#file.syncDataSync();
      failpoint("chunks.synced");
    });
  }

  /** Closes the file; a second call does nothing. */
  [Symbol.dispose](): void {
    if (this.#isOpen) this.#file.close();
    this.#isOpen = false;
  }
}

function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw new EnvironmentError(
      `Cannot write chunk log "${path}": ${systemErrorText(error)}`,
      { cause: error, hint: "mend the cause and run the same command again; nothing is lost" },
    );
  }
}
