/**
 * Files written from start to end that are complete or absent.
 *
 * @module
 */

import { encodeUtf8 } from "../base/json_text.ts";
import { dirname } from "../base/paths.ts";
import { removeLeftovers, renameDurably, temporaryPath } from "./durable_file.ts";
import { fileError } from "./file_source.ts";

/** Bytes gathered before they are written. */
const BUFFER_SIZE = 1 << 16;

/**
 * A new file under a temporary name beside its final one. Until {@linkcode commit} nothing is at the
 * final path but what was there before; without it the temporary file is removed on disposal.
 */
export class DurableWriter implements Disposable {
  readonly #path: string;
  readonly #temporary: string;
  #file: Deno.FsFile | null;
  readonly #buffer = new Uint8Array(BUFFER_SIZE);
  #nBuffered = 0;

  private constructor(path: string, temporary: string, file: Deno.FsFile) {
    this.#path = path;
    this.#temporary = temporary;
    this.#file = file;
  }

  /**
   * Begins a file, and makes the directories that lead to it. What killed processes left of it goes.
   *
   * @throws {EnvironmentError} if the system refuses.
   */
  static create(path: string): DurableWriter {
    const temporary = temporaryPath(path);
    try {
      Deno.mkdirSync(dirname(path), { recursive: true });
      removeLeftovers(path, false);
      const file = Deno.openSync(temporary, { write: true, create: true, truncate: true });
      return new DurableWriter(path, temporary, file);
    } catch (error) {
      throw fileError("create file", path, error);
    }
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
      this.#file!.syncSync();
    } catch (error) {
      throw fileError("make durable file", this.#temporary, error);
    }
    this.#file!.close();
    this.#file = null;
    renameDurably(this.#temporary, this.#path);
  }

  [Symbol.dispose](): void {
    if (this.#file === null) return;
    this.#file.close();
    this.#file = null;
    try {
      Deno.removeSync(this.#temporary);
    } catch {
      // The error that led here says more.
    }
  }

  #flush(): void {
    this.#writeAll(this.#buffer.subarray(0, this.#nBuffered));
    this.#nBuffered = 0;
  }

  #writeAll(bytes: Uint8Array): void {
    try {
      for (let done = 0; done < bytes.length;) done += this.#file!.writeSync(bytes.subarray(done));
    } catch (error) {
      throw fileError("write file", this.#temporary, error);
    }
  }
}
