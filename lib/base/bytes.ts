/**
 * Integers of 1 to 8 bytes at a place in a byte array. Offsets and sizes are plain numbers: decoding
 * checks once that the value is a safe integer.
 *
 * @module
 */

/**
 * Reads a big-endian unsigned integer of `width` bytes (1 to 16).
 *
 * @throws {RangeError} if the value exceeds 2^53 - 1 or the bytes aren't there.
 */
export function readBigEndian(bytes: Uint8Array, offset: number, width: number): number {
  if (offset < 0 || offset + width > bytes.length) {
    throw new RangeError(
      `Cannot read ${width}-byte integer at ${offset}: only ${bytes.length} bytes`,
    );
  }
  let value = 0;
  for (let i = 0; i < width; i++) value = value * 256 + bytes[offset + i];
  if (!Number.isSafeInteger(value)) {
    throw new RangeError(`Cannot use integer at ${offset}: larger than 2^53 - 1`);
  }
  return value;
}

/** Writes a big-endian unsigned integer of `width` bytes. */
export function writeBigEndian(
  bytes: Uint8Array,
  offset: number,
  width: number,
  value: number,
): void {
  if (width === 8) {
    // The usual width: two halves in whole-number arithmetic.
    const high = Math.floor(value / 2 ** 32);
    const low = value - high * 2 ** 32;
    for (let i = 0; i < 4; i++) {
      bytes[offset + i] = high >>> (24 - 8 * i);
      bytes[offset + 4 + i] = low >>> (24 - 8 * i);
    }
    return;
  }
  for (let i = width - 1; i >= 0; i--) {
    bytes[offset + i] = value % 256;
    value = Math.floor(value / 256);
  }
  if (value !== 0) throw new RangeError(`Cannot write integer: it needs more than ${width} bytes`);
}

/**
 * Reads a little-endian unsigned integer of `width` bytes (1 to 8).
 *
 * @throws {RangeError} as {@linkcode readBigEndian}.
 */
export function readLittleEndian(bytes: Uint8Array, offset: number, width: number): number {
  if (offset < 0 || offset + width > bytes.length) {
    throw new RangeError(
      `Cannot read ${width}-byte integer at ${offset}: only ${bytes.length} bytes`,
    );
  }
  let value = 0;
  for (let i = width - 1; i >= 0; i--) value = value * 256 + bytes[offset + i];
  if (!Number.isSafeInteger(value)) {
    throw new RangeError(`Cannot use integer at ${offset}: larger than 2^53 - 1`);
  }
  return value;
}

/** Writes a little-endian unsigned integer of `width` bytes. */
export function writeLittleEndian(
  bytes: Uint8Array,
  offset: number,
  width: number,
  value: number,
): void {
  if (width === 4 && value < 2 ** 32) {
    for (let i = 0; i < 4; i++) bytes[offset + i] = value >>> (8 * i);
    return;
  }
  for (let i = 0; i < width; i++) {
    bytes[offset + i] = value % 256;
    value = Math.floor(value / 256);
  }
  if (value !== 0) throw new RangeError(`Cannot write integer: it needs more than ${width} bytes`);
}

/** Unsigned little-endian integer of 16 bits; the bytes are there. */
export function u16(bytes: Uint8Array, at: number): number {
  return bytes[at] | bytes[at + 1] << 8;
}

/** Unsigned little-endian integer of 32 bits; the bytes are there. */
export function u32(bytes: Uint8Array, at: number): number {
  return (u16(bytes, at) | u16(bytes, at + 2) << 16) >>> 0;
}

/** Whether two arrays hold the same bytes. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a === b || (a.length === b.length && a.every((byte, i) => byte === b[i]));
}

/** Joins byte arrays into a new one that owns its buffer. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const part of parts) length += part.length;
  const result = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

const encoder = new TextEncoder();
/** Characters up to which a text is faster copied one by one than by a call of the runtime. */
const SHORT_TEXT = 256;

/** Bytes put together piece by piece in one growing buffer that is used again and again. */
export class ByteBuilder {
  #bytes = new Uint8Array(16384);
  #length = 0;

  /** Bytes written since the last {@linkcode reset}. */
  get length(): number {
    return this.#length;
  }

  /** Starts over; views handed out before become invalid. */
  reset(): void {
    this.#length = 0;
  }

  #reserve(size: number): void {
    if (this.#length + size <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + size));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }

  /** Appends UTF-8 of a text. */
  text(text: string): void {
    this.#reserve(text.length * 3);
    if (text.length <= SHORT_TEXT && this.#ascii(text)) return;
    this.#length += encoder.encodeInto(text, this.#bytes.subarray(this.#length)).written;
  }

  /** Appends a text of ASCII characters; false, appending nothing, if it has others. */
  #ascii(text: string): boolean {
    const bytes = this.#bytes;
    const start = this.#length;
    for (let i = 0; i < text.length; i++) {
      const c = text.charCodeAt(i);
      if (c >= 0x80) return false;
      bytes[start + i] = c;
    }
    this.#length += text.length;
    return true;
  }

  /** Appends bytes `start` to `end` of `source`. */
  bytes(source: Uint8Array, start = 0, end = source.length): void {
    this.#reserve(end - start);
    this.#bytes.set(source.subarray(start, end), this.#length);
    this.#length += end - start;
  }

  /** Appends `size` zero bytes, to be filled through {@linkcode view}; returns where they begin. */
  skip(size: number): number {
    this.#reserve(size);
    const start = this.#length;
    this.#bytes.fill(0, start, start + size);
    this.#length += size;
    return start;
  }

  /** View of what was written from `start` on, valid until the next {@linkcode reset}. */
  view(start = 0): Uint8Array {
    return this.#bytes.subarray(start, this.#length);
  }

  /** Copy of what was written, in a buffer of its own. */
  take(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }
}
