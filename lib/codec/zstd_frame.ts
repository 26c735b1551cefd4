/**
 * The outside of a zstd frame: what its header says and how far it reaches, without decoding. So a
 * size is known and believed possible before memory is taken for it.
 *
 * Source: RFC 8878, section 3.1.1; `schema/quantum-graph.md`, section 3. Numbers are little-endian.
 *
 * @module
 */

/** Largest content of one block, in bytes. */
const MAX_BLOCK_SIZE = 131072;
const MAGIC = [0x28, 0xb5, 0x2f, 0xfd];
const DICTIONARY_MAGIC = [0x37, 0xa4, 0x30, 0xec];
const DICTIONARY_ID_SIZES = [0, 1, 2, 4];
const BLOCK_HEADER_SIZE = 3;
const CHECKSUM_SIZE = 4;
/** Block type of one byte repeated. */
const RLE_BLOCK = 1;
const RESERVED_BLOCK = 3;

/** What a frame header says. */
interface FrameHeader {
  /** Bytes of content, or null if the header doesn't say. */
  contentSize: number | null;
  /** Id of the dictionary needed, 0 if none is named (a raw one has none). */
  dictionaryId: number;
  /** Bytes of the header. */
  headerSize: number;
  /** A checksum of four bytes ends the frame. */
  hasChecksum: boolean;
}

/** Reads the header of a frame; a string says what is wrong with it. */
export function parseFrameHeader(frame: Uint8Array): FrameHeader | string {
  if (frame.length < 5) return `it has ${frame.length} bytes only`;
  if (MAGIC.some((byte, i) => frame[i] !== byte)) return "it does not begin with a zstd frame";
  const descriptor = frame[4];
  if ((descriptor & 8) !== 0) return "its zstd frame header uses a reserved bit";
  const isSingleSegment = (descriptor & 32) !== 0;
  const sizeFlag = descriptor >> 6;
  const idSize = DICTIONARY_ID_SIZES[descriptor & 3];
  const sizeSize = sizeFlag === 0 ? (isSingleSegment ? 1 : 0) : 1 << sizeFlag;
  const idStart = isSingleSegment ? 5 : 6;
  const headerSize = idStart + idSize + sizeSize;
  if (frame.length < headerSize) return "its zstd frame header is cut";
  const dictionaryId = little(frame, idStart, idSize);
  const value = little(frame, idStart + idSize, sizeSize);
  return {
    contentSize: sizeSize === 0 ? null : sizeSize === 2 ? value + 256 : value,
    dictionaryId,
    headerSize,
    hasChecksum: (descriptor & 4) !== 0,
  };
}

/**
 * Content size that a zstd frame header states, in bytes; null if it states none or the bytes aren't
 * a frame. Untrusted: compare it with a limit before memory is taken.
 */
export function frameContentSize(frame: Uint8Array): number | null {
  const header = parseFrameHeader(frame);
  return typeof header === "string" ? null : header.contentSize;
}

/** Where the first frame of `frame` ends and how much it can hold at most; or what is wrong. */
export function measureFrame(
  frame: Uint8Array,
  header: FrameHeader,
): { frameSize: number; maxContentSize: number } | string {
  let at = header.headerSize;
  let maxContentSize = 0;
  for (let isLast = false; !isLast;) {
    if (at + BLOCK_HEADER_SIZE > frame.length) {
      return `its zstd frame is cut at byte ${frame.length}`;
    }
    const block = little(frame, at, BLOCK_HEADER_SIZE);
    isLast = (block & 1) !== 0;
    const type = block >> 1 & 3;
    if (type === RESERVED_BLOCK) return `its zstd frame has a block of unknown type at byte ${at}`;
    at += BLOCK_HEADER_SIZE + (type === RLE_BLOCK ? 1 : block >> 3);
    maxContentSize += MAX_BLOCK_SIZE;
  }
  if (header.hasChecksum) at += CHECKSUM_SIZE;
  if (at > frame.length) return `its zstd frame is cut at byte ${frame.length}, expected ${at}`;
  return { frameSize: at, maxContentSize };
}

/** Id of a trained dictionary, 0 for a raw one. */
export function dictionaryId(dictionary: Uint8Array): number {
  return dictionary.length >= 8 && DICTIONARY_MAGIC.every((byte, i) => dictionary[i] === byte)
    ? little(dictionary, 4, 4)
    : 0;
}

/** Little-endian integer of up to 8 bytes; inexact above 2^53, which no limit lets through. */
function little(bytes: Uint8Array, at: number, width: number): number {
  let value = 0;
  for (let i = width - 1; i >= 0; i--) value = value * 256 + bytes[at + i];
  return value;
}
