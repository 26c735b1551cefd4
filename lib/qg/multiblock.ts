/**
 * Multi-block files: blocks with their length before them, one after another
 * (`schema/quantum-graph.md`, section 4.1). Integers are big-endian, `int_size` bytes wide.
 *
 * @module
 */

import { readBigEndian } from "../base/bytes.ts";
import { InvalidQuantumGraphFileError } from "../base/errors.ts";
import type { ByteSource } from "../storage/byte_source.ts";
import type { Address } from "./address_rows.ts";

/** Bytes read at once in a sequential pass. */
export const PASS_READ_SIZE = 1 << 20;

/** Largest block that is read: more than any zstd frame the codecs take. */
const MAX_BLOCK_SIZE = 2 ** 31;

const ZSTD_MAGIC = [0x28, 0xb5, 0x2f, 0xfd];

/** Where a block is, and its payload. */
export interface BlockFrame {
  /** Offset of the length prefix, relative to the member's data. */
  offset: number;
  /** Size with the length prefix, as in address files. */
  size: number;
  /** The payload, one zstd frame. A view that is valid until the next step of the pass. */
  frame: Uint8Array;
}

/**
 * Checks an address against a member before anything is allocated.
 *
 * @param what what the block is, for the message ("log", "block 12 of ...").
 * @throws {InvalidQuantumGraphFileError} if the range isn't inside the member.
 */
export function checkAddress(
  address: Address,
  memberSize: number,
  intSize: number,
  memberName: string,
  what: string,
): void {
  const { offset, size } = address;
  if (
    !Number.isSafeInteger(offset) || !Number.isSafeInteger(size) || offset < 0 || size < intSize ||
    size > MAX_BLOCK_SIZE || offset > memberSize - size
  ) {
    throw new InvalidQuantumGraphFileError(
      `Cannot read ${what} in "${memberName}": its address is ${size} bytes at ${offset}, ` +
        `the member has ${memberSize}`,
    );
  }
}

/**
 * The payload of a block that was read whole, after checking its embedded length.
 *
 * @throws {InvalidQuantumGraphFileError} if the length differs from the block's size.
 */
export function blockPayload(
  block: Uint8Array,
  intSize: number,
  memberName: string,
  what: string,
): Uint8Array {
  const length = blockLength(block, 0, intSize);
  if (length !== block.length - intSize) {
    throw new InvalidQuantumGraphFileError(
      `Cannot read ${what} in "${memberName}": the block says ${describeLength(length)}, ` +
        `its address ${block.length - intSize}`,
    );
  }
  return block.subarray(intSize);
}

/**
 * Whether bytes look like one whole block: the length before them fits, and a zstd frame follows.
 */
export function isWholeBlock(block: Uint8Array, intSize: number): boolean {
  return block.length > intSize + ZSTD_MAGIC.length &&
    blockLength(block, 0, intSize) === block.length - intSize &&
    ZSTD_MAGIC.every((byte, i) => block[intSize + i] === byte);
}

/**
 * Passes over all blocks in the order of the file, with large reads. Memory: one read, or the largest
 * block.
 *
 * @param source the member's data.
 * @throws {InvalidQuantumGraphFileError} if a block runs past the end of the member.
 */
export async function* multiblockFrames(
  source: ByteSource,
  intSize: number,
  what: string,
): AsyncGenerator<BlockFrame> {
  const pass = new MultiblockPass(source.size, intSize, source.name, what);
  for (;;) {
    const request = pass.request();
    if (request === null) return;
    yield* pass.feed(await source.read(request.offset, request.length));
  }
}

/**
 * The deciding half of a sequential pass: says which bytes to read, and finds the blocks in them. Who
 * performs the reads may do so with or without waiting.
 *
 * ```ts ignore
 * for (let r = pass.request(); r !== null; r = pass.request()) {
 *   for (const block of pass.feed(read(r.offset, r.length))) use(block);
 * }
 * ```
 */
export class MultiblockPass {
  readonly #memberSize: number;
  readonly #intSize: number;
  readonly #memberName: string;
  readonly #what: string;
  /** Start of the next block. */
  #position = 0;
  /** Bytes wanted from there. */
  #wanted = PASS_READ_SIZE;

  /**
   * @param memberSize Where the pass ends: the end of a block, or of the member.
   * @param startByte Where it begins: the start of a block.
   */
  constructor(
    memberSize: number,
    intSize: number,
    memberName: string,
    what: string,
    startByte = 0,
  ) {
    this.#memberSize = memberSize;
    this.#position = startByte;
    this.#intSize = intSize;
    this.#memberName = memberName;
    this.#what = what;
  }

  /** The range to read next, null at the end of the member. All blocks fed must be consumed first. */
  request(): { offset: number; length: number } | null {
    const left = this.#memberSize - this.#position;
    if (left === 0) return null;
    return { offset: this.#position, length: Math.min(left, this.#wanted) };
  }

  /** Yields the blocks that are complete in the bytes of the last request, as views of them. */
  *feed(bytes: Uint8Array): Generator<BlockFrame> {
    const intSize = this.#intSize;
    let at = 0;
    this.#wanted = PASS_READ_SIZE;
    while (at < bytes.length) {
      const left = this.#memberSize - this.#position;
      if (left < intSize) {
        throw this.#truncated(`${left} bytes are left, too few for a length`);
      }
      if (bytes.length - at < intSize) return;
      const length = blockLength(bytes, at, intSize);
      if (!(length <= left - intSize)) {
        throw this.#truncated(
          `the block says ${describeLength(length)}, only ${left - intSize} are left`,
        );
      }
      if (length > MAX_BLOCK_SIZE - intSize) {
        throw this.#truncated(`the block has ${length} bytes, more than can be read`);
      }
      const size = intSize + length;
      if (bytes.length - at < size) {
        this.#wanted = Math.max(PASS_READ_SIZE, size);
        return;
      }
      const offset = this.#position;
      const frame = bytes.subarray(at + intSize, at + size);
      at += size;
      this.#position += size;
      yield { offset, size, frame };
    }
  }

  #truncated(state: string): InvalidQuantumGraphFileError {
    return new InvalidQuantumGraphFileError(
      `Cannot read ${this.#what} at byte ${this.#position} of "${this.#memberName}": ${state}`,
    );
  }
}

/** Embedded length, NaN if it is beyond 2^53. */
function blockLength(bytes: Uint8Array, at: number, intSize: number): number {
  try {
    return readBigEndian(bytes, at, intSize);
  } catch {
    return NaN;
  }
}

function describeLength(length: number): string {
  return Number.isNaN(length) ? "more than 2^53 bytes" : `${length} bytes`;
}
