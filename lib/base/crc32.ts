/**
 * CRC-32 as ZIP archives have it. `node:zlib` computes it a hundred times faster but takes 20 ms to load,
 * so a thread that only checks a few small members or chunks does without.
 *
 * @module
 */

import { nodeZlib } from "./node_modules.ts";

/** After as many bytes, `node:zlib` has paid for its loading. */
const N_BYTES_SLOW = 2 ** 23;

/** For each distance from the end of eight bytes, the effect of every value. */
const TABLES: readonly Uint32Array[] = makeTables();

let nBytesSlow = 0;
let native: ((data: Uint8Array, value: number) => number) | null = null;

/**
 * CRC-32 of bytes.
 *
 * @param value CRC-32 of what comes before them.
 * @returns an unsigned integer of 32 bits.
 */
export function crc32(data: Uint8Array, value = 0): number {
  if (native === null) {
    nBytesSlow += data.length;
    if (nBytesSlow <= N_BYTES_SLOW) return slowCrc32(data, value);
    native = nodeZlib().crc32;
  }
  return native(data, value);
}

function makeTables(): Uint32Array[] {
  const first = Uint32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >>> 1 : 0xedb88320 ^ (crc >>> 1);
    return crc;
  });
  const tables = [first];
  while (tables.length < 8) {
    tables.push(tables[tables.length - 1].map((crc) => (crc >>> 8) ^ first[crc & 0xff]));
  }
  return tables;
}

/** The same without help, eight bytes at a time. */
export function slowCrc32(data: Uint8Array, value = 0): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = TABLES;
  const n = data.length;
  let crc = ~value;
  let i = 0;
  for (; i + 8 <= n; i += 8) {
    crc ^= data[i] | data[i + 1] << 8 | data[i + 2] << 16 | data[i + 3] << 24;
    crc = t7[crc & 0xff] ^ t6[crc >>> 8 & 0xff] ^ t5[crc >>> 16 & 0xff] ^ t4[crc >>> 24] ^
      t3[data[i + 4]] ^ t2[data[i + 5]] ^ t1[data[i + 6]] ^ t0[data[i + 7]];
  }
  for (; i < n; i++) crc = t0[(crc ^ data[i]) & 0xff] ^ crc >>> 8;
  return ~crc >>> 0;
}
