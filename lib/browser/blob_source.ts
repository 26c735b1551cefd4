/**
 * A file that was dropped on a page, or a `Blob`, as a byte source.
 *
 * @module
 */

import { EnvironmentError } from "../base/errors.ts";
import type { ByteSource } from "../storage/byte_source.ts";
import { checkRange } from "../storage/file_errors.ts";

/** Bytes of a `File` or `Blob`; nothing is read before it is asked for. */
export class BlobSource implements ByteSource {
  readonly name: string;
  readonly #blob: Blob;

  constructor(blob: Blob) {
    this.#blob = blob;
    this.name = "name" in blob && typeof blob.name === "string" ? blob.name : "dropped file";
  }

  get size(): number {
    return this.#blob.size;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    checkRange(this.name, this.size, offset, length);
    try {
      return new Uint8Array(await this.#blob.slice(offset, offset + length).arrayBuffer());
    } catch (cause) {
      throw new EnvironmentError(`Cannot read "${this.name}": the browser can't read it any more`, {
        cause,
        hint: "it was changed, moved or removed: open it again",
      });
    }
  }

  close(): void {}
}
