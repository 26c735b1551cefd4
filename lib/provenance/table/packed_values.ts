/**
 * The two packings of small integers that tables of quanta have: runs and bits of Parquet's "RLE/bit-packing
 * hybrid", and differences in bits (`DELTA_BINARY_PACKED`). As the package reads them, but without asking for
 * each byte through a `DataView`, and runs at once.
 *
 * @module
 */

/** Widest values, in bits, that are read here: with a byte more they fit 32 bits. */
export const MAX_WIDTH = 24;

/**
 * Reads values of the hybrid encoding, as many as `output` has.
 *
 * @param bytes Only those of the values; what stands behind the last one is ignored.
 * @param width Bits of a value, from 1 to {@linkcode MAX_WIDTH}.
 * @throws {Error} if there are fewer.
 */
export function readHybrid(
  bytes: Uint8Array,
  width: number,
  output: Uint8Array | Uint32Array,
): void {
  const n = output.length;
  const place = { at: 0 };
  for (let seen = 0; seen < n;) {
    const header = readVarint(bytes, place);
    const length = Math.floor(header / 2);
    const most = n - seen;
    if (header % 2 === 1) {
      const count = Math.min(length * 8, most);
      unpack(bytes, place.at, width, output, { from: seen, to: seen + count });
      place.at += length * width;
      seen += count;
    } else {
      const count = Math.min(length, most);
      let value = 0;
      for (let shift = 0; shift < width; shift += 8) {
        if (place.at >= bytes.length) throw tooShort();
        value |= bytes[place.at++] << shift;
      }
      output.fill(value, seen, seen + count);
      seen += count;
    }
  }
}

/** Reads values that stand bit by bit, the lowest first. */
function unpack(
  bytes: Uint8Array,
  start: number,
  width: number,
  output: Uint8Array | Uint32Array | Int32Array,
  { from, to }: { from: number; to: number },
): void {
  if (start + Math.ceil((to - from) * width / 8) > bytes.length) throw tooShort();
  const mask = (1 << width) - 1;
  let at = start;
  let bits = 0;
  let nBits = 0;
  for (let i = from; i < to; i++) {
    while (nBits < width) {
      bits |= bytes[at++] << nBits;
      nBits += 8;
    }
    output[i] = bits & mask;
    bits >>>= width;
    nBits -= width;
  }
}

/**
 * Reads integers by their differences, as many as `output` has.
 *
 * @param bytes Only those of the values.
 * @returns false if differences are wider than {@linkcode MAX_WIDTH}, or it is divided into blocks that
 *   Parquet doesn't know.
 * @throws {Error} if there are fewer.
 */
export function readDeltas(bytes: Uint8Array, output: Int32Array): boolean {
  const n = output.length;
  if (n === 0) return true;
  const place = { at: 0 };
  const blockSize = readVarint(bytes, place);
  const nParts = readVarint(bytes, place);
  readVarint(bytes, place);
  let value = readZigZag(bytes, place) | 0;
  const partSize = blockSize / nParts;
  if (!(partSize > 0) || partSize % 8 !== 0) return false;
  output[0] = value;
  for (let seen = 1; seen < n;) {
    const least = readZigZag(bytes, place);
    const widths = place.at;
    place.at += nParts;
    for (let part = 0; part < nParts && seen < n; part++) {
      const width = bytes[widths + part];
      if (!(width <= MAX_WIDTH)) return false;
      const to = Math.min(seen + partSize, n);
      if (width === 0 && least === 0) output.fill(value, seen, to);
      else value = addDifferences(bytes, place.at, { width, least, value }, output, seen, to);
      seen = to;
      place.at += partSize * width / 8;
    }
  }
  return true;
}

/** Reads a part of them; the last one. */
function addDifferences(
  bytes: Uint8Array,
  start: number,
  { width, least, value }: { width: number; least: number; value: number },
  output: Int32Array,
  from: number,
  to: number,
): number {
  unpack(bytes, start, width, output, { from, to });
  for (let i = from; i < to; i++) output[i] = value = value + least + output[i] | 0;
  return value;
}

/** Seven bits a byte, the lowest first; differences of integers of 32 bits take 33. */
function readVarint(bytes: Uint8Array, place: { at: number }): number {
  let value = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    if (place.at >= bytes.length) throw tooShort();
    const byte = bytes[place.at++];
    value += (byte & 127) * 2 ** shift;
    if (byte < 128) return value;
  }
  throw new Error("an integer of more than 35 bits");
}

/** Signs alternate: 0, -1, 1, -2. */
function readZigZag(bytes: Uint8Array, place: { at: number }): number {
  const value = readVarint(bytes, place);
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

function tooShort(): Error {
  return new Error("values reach beyond their page");
}
