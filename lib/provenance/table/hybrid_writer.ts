/**
 * Small integers as Parquet writes them: runs of equal ones, and groups of eight packed ones. `readHybrid()` of
 * `packed_values.ts` reads them. The package's own writer looks for runs in a loop that the engine compiles
 * and throws away again for every run.
 *
 * @module
 */

import type { ByteWriter } from "hyparquet-writer/src/bytewriter.js";

/** Fewer equal values are packed with their neighbours. */
const MIN_RUN = 8;
const GROUP = 8;

/**
 * Appends integers from 0 on.
 *
 * @param width Bits that each needs, up to 24.
 */
export function writeHybrid(
  writer: ByteWriter,
  values: Uint8Array | Int32Array,
  width: number,
): void {
  let packedFrom = 0;
  for (let at = 0; at < values.length;) {
    const end = runEnd(values, at);
    if (end - at < MIN_RUN) {
      at += GROUP;
      continue;
    }
    writePacked(writer, values, packedFrom, at, width);
    writer.appendVarInt(end - at << 1);
    for (let bit = 0; bit < width; bit += 8) writer.appendUint8(values[at] >> bit & 0xff);
    packedFrom = at = end;
  }
  writePacked(writer, values, packedFrom, values.length, width);
}

/** Where the run ends that begins at a place. */
function runEnd(values: Uint8Array | Int32Array, start: number): number {
  const value = values[start];
  let end = start + 1;
  while (end < values.length && values[end] === value) end++;
  return end;
}

/** Groups of eight; the last one is filled up with zeros. */
function writePacked(
  writer: ByteWriter,
  values: Uint8Array | Int32Array,
  start: number,
  end: number,
  width: number,
): void {
  if (start >= end) return;
  const nGroups = Math.ceil((end - start) / GROUP);
  writer.appendVarInt(nGroups << 1 | 1);
  const packed = new Uint8Array(nGroups * width);
  let bits = 0;
  let nBits = 0;
  let at = 0;
  for (let i = start; i < end; i++) {
    bits |= values[i] << nBits;
    for (nBits += width; nBits >= 8; nBits -= 8) {
      packed[at++] = bits & 0xff;
      bits >>>= 8;
    }
  }
  if (nBits > 0) packed[at] = bits;
  writer.appendBytes(packed);
}
