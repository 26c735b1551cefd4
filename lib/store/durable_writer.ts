/**
 * Files written from start to end that are complete or absent.
 *
 * @module
 */

import { encodeUtf8 } from "../base/json_text.ts";
import { linkTarget } from "./durable_file.ts";
import { fileError } from "./system_errors.ts";
import { removeLeftovers, TemporaryFile } from "./temporary_file.ts";

/** Bytes gathered before they are written. */
const BUFFER_SIZE = 1 << 16;

/**
 * A new file under a temporary name beside its final one. Until {@linkcode commit} nothing is at the
 * final path but what was there before; without it the temporary file is removed on disposal.
 */
export class DurableWriter implements Disposable {
  readonly #temporary: TemporaryFile;
  readonly #buffer = new Uint8Array(BUFFER_SIZE);
  #nBuffered = 0;

  private constructor(temporary: TemporaryFile) {
    this.#temporary = temporary;
  }

  /**
   * Begins a file; its directory must be there. What killed processes left of it goes. Of a symbolic link
   * that which it leads to is replaced, and the link stays.
   *
   * @throws {EnvironmentError} or NotFoundError if the system refuses.
   */
  static create(path: string): DurableWriter {
    const target = linkTarget(path);
    removeLeftovers(target, false);
    return new DurableWriter(TemporaryFile.create(target));
  }

  /** Appends. @throws {EnvironmentError} if the system refuses. */
  write(content: Uint8Array | string): void {
    const bytes = typeof content === "string" ? encodeUtf8(content) : content;
    if (this.#nBuffered + bytes.length > BUFFER_SIZE) this.#flush();
    if (bytes.length > BUFFER_SIZE) return this.#writeAll(bytes);
    this.#buffer.set(bytes, this.#nBuffered);
    this.#nBuffered += bytes.length;
  }

  /** Makes the content durable, then gives it its final name, replacing what is there. */
  commit(): void {
    this.#flush();
    try {
      this.#temporary.file.syncSync();
    } catch (error) {
      throw fileError("make durable file", this.#temporary.finalPath, error);
    }
    this.#temporary.publish();
  }

  [Symbol.dispose](): void {
    this.#temporary[Symbol.dispose]();
  }

  #flush(): void {
    this.#writeAll(this.#buffer.subarray(0, this.#nBuffered));
    this.#nBuffered = 0;
  }

  #writeAll(bytes: Uint8Array): void {
    const { file, finalPath } = this.#temporary;
    try {
      for (let done = 0; done < bytes.length;) done += file.writeSync(bytes.subarray(done));
    } catch (error) {
      throw fileError("write file", finalPath, error);
    }
  }
}
