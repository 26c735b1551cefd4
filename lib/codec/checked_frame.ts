/**
 * What is asked of a zstd frame before anything is allocated for its content: the same in every decoder.
 *
 * @module
 */

import { InvalidQuantumGraphFileError } from "../base/errors.ts";
import { dictionaryId, measureFrame, parseFrameHeader } from "./zstd_frame.ts";

/** A frame that may be decoded. */
interface CheckedFrame {
  /** Without what follows it; a view. */
  frame: Uint8Array;
  /** Bytes of its content. */
  contentSize: number;
}

/** What a decoder can do. */
interface FrameLimits {
  /** Null for none. */
  dictionary: Uint8Array | null;
  /** Largest content, in bytes. */
  maxSize: number;
  /** Largest content, frame and dictionary together, in bytes; Infinity if that doesn't matter. */
  maxTotal: number;
}

/**
 * Checks the frame at the start of `bytes`.
 *
 * @param what Names the document in errors.
 * @throws {InvalidQuantumGraphFileError} if it isn't a frame with content size, is cut, claims more than it
 *   can hold or may hold, or needs another dictionary.
 */
export function checkFrame(
  bytes: Uint8Array,
  what: string,
  { dictionary, maxSize, maxTotal }: FrameLimits,
): CheckedFrame {
  const header = parseFrameHeader(bytes);
  if (typeof header === "string") throw frameRefused(what, header);
  const { contentSize } = header;
  if (contentSize === null) throw frameRefused(what, "its zstd frame states no content size");
  const measure = measureFrame(bytes, header);
  if (typeof measure === "string") throw frameRefused(what, measure);
  const { frameSize, maxContentSize } = measure;
  if (contentSize > maxContentSize) {
    throw frameRefused(
      what,
      `its zstd frame of ${frameSize} bytes claims ${contentSize} bytes of content`,
    );
  }
  const limit = Math.min(maxSize, maxTotal - frameSize - (dictionary?.length ?? 0));
  if (contentSize > limit) {
    throw frameRefused(what, `it has ${contentSize} bytes, more than the ${limit} allowed`);
  }
  const ownId = dictionary === null ? 0 : dictionaryId(dictionary);
  if (header.dictionaryId !== 0 && header.dictionaryId !== ownId) {
    throw frameRefused(
      what,
      `it needs compression dictionary ${header.dictionaryId}, the file has ` +
        (dictionary === null ? "none" : ownId === 0 ? "one without an id" : `${ownId}`),
    );
  }
  return { frame: bytes.subarray(0, frameSize), contentSize };
}

/** The error of a frame that can't be decoded. */
function frameRefused(what: string, state: string): InvalidQuantumGraphFileError {
  return new InvalidQuantumGraphFileError(`Cannot decompress ${what}: ${state}`);
}

/** The error of data that no decoder takes. */
export function damagedFrame(what: string): InvalidQuantumGraphFileError {
  return frameRefused(what, "its zstd data are damaged, or need another compression dictionary");
}
