/**
 * A source with a few ranges of it at hand, so that planned reads stand for several small ones.
 *
 * @module
 */

import type { ByteSource } from "../storage/byte_source.ts";
import { checkRange } from "../storage/file_errors.ts";
import type { ByteRange } from "./range_plan.ts";

/** Ranges kept; the oldest makes room. */
const MAX_RANGES = 4;

/** Bytes at hand. */
interface HeldRange {
  startByte: number;
  bytes: Uint8Array;
}

/** Serves reads that lie within a prefetched range from memory, all others from the source. */
export class PrefetchedSource implements ByteSource {
  readonly #inner: ByteSource;
  #ranges: HeldRange[] = [];
  #held: HeldRange[] = [];

  constructor(inner: ByteSource) {
    this.#inner = inner;
  }

  get name(): string {
    return this.#inner.name;
  }

  get size(): number {
    return this.#inner.size;
  }

  /** Reads a range, clipped to the source, in one go, unless it is at hand. */
  async prefetch(range: ByteRange): Promise<void> {
    const startByte = Math.max(0, range.startByte);
    const length = Math.min(range.endByte, this.size) - startByte;
    if (length <= 0 || this.#find(startByte, length) !== undefined) return;
    const bytes = await this.#inner.read(startByte, length);
    if (this.#ranges.length >= MAX_RANGES) this.#ranges.shift();
    this.#ranges.push({ startByte, bytes });
  }

  /** Reads ranges and keeps them until the next call; those of the call before are dropped. */
  async hold(ranges: readonly ByteRange[]): Promise<void> {
    this.#held = [];
    for (const { startByte, endByte } of ranges) {
      if (this.#find(startByte, endByte - startByte) !== undefined) continue;
      const bytes = await this.#inner.read(startByte, endByte - startByte);
      this.#held.push({ startByte, bytes });
    }
  }

  /** First byte from which on everything to the end of the source is at hand. */
  get tailStart(): number {
    let start = this.size;
    for (const { startByte, bytes } of this.#ranges) {
      if (startByte + bytes.length === this.size) start = Math.min(start, startByte);
    }
    return start;
  }

  read(offset: number, length: number): Promise<Uint8Array> {
    try {
      checkRange(this.name, this.size, offset, length);
    } catch (error) {
      return Promise.reject(error);
    }
    const range = this.#find(offset, length);
    if (range === undefined) return this.#inner.read(offset, length);
    const at = offset - range.startByte;
    return Promise.resolve(range.bytes.slice(at, at + length));
  }

  close(): void {
    this.#ranges = [];
    this.#held = [];
    this.#inner.close();
  }

  #find(offset: number, length: number): HeldRange | undefined {
    const holds = ({ startByte, bytes }: HeldRange) =>
      offset >= startByte && offset + length <= startByte + bytes.length;
    return this.#ranges.find(holds) ?? this.#held.find(holds);
  }
}
