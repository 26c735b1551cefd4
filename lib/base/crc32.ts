/**
 * CRC-32 as ZIP archives have it. A runtime may have it a hundred times faster (`node:zlib`, which takes
 * 20 ms to load); a thread that only checks a few small members or chunks does without.
 *
 * @module
 */

/** After as many bytes, a native function has paid for its loading. */
const N_BYTES_SLOW = 2 ** 23;

/** The polynomial of CRC-32 without its highest term. */
const POLYNOMIAL = 0xedb88320;

/** For each distance from the end of eight bytes, the effect of every value. */
const [T0, T1, T2, T3, T4, T5, T6, T7] = makeTables();

let nBytesSlow = 0;
type Crc32 = (data: Uint8Array, value: number) => number;
let loadNative: (() => Crc32) | null = null;
let native: Crc32 | null = null;

/** Offers a quicker function to {@linkcode crc32}, which loads it once that pays. */
export function offerNativeCrc32(load: () => Crc32): void {
  loadNative = load;
}

/**
 * CRC-32 of bytes.
 *
 * @param value CRC-32 of what comes before them.
 * @returns an unsigned integer of 32 bits.
 */
export function crc32(data: Uint8Array, value = 0): number {
  if (native === null) {
    nBytesSlow += data.length;
    if (nBytesSlow <= N_BYTES_SLOW || loadNative === null) return slowCrc32(data, value);
    native = loadNative();
  }
  return native(data, value);
}

/** Signed, as the operators on bits give: other numbers would be no small integers to the engine. */
function makeTables(): Int32Array[] {
  const first = Int32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >>> 1 : POLYNOMIAL ^ (crc >>> 1);
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
  const nInWords = data.length - data.length % 8;
  return ~crcOfBytes(data, nInWords, crcOfWords(data, nInWords, ~value)) >>> 0;
}

// Functions of their own: code made for a running loop knows nothing of what comes after it, and was
// thrown away at the end of each call.
function crcOfWords(data: Uint8Array, end: number, start: number): number {
  let crc = start;
  for (let i = 0; i < end; i += 8) {
    crc ^= data[i] | data[i + 1] << 8 | data[i + 2] << 16 | data[i + 3] << 24;
    crc = T7[crc & 0xff] ^ T6[crc >>> 8 & 0xff] ^ T5[crc >>> 16 & 0xff] ^ T4[crc >>> 24] ^
      T3[data[i + 4]] ^ T2[data[i + 5]] ^ T1[data[i + 6]] ^ T0[data[i + 7]];
  }
  return crc;
}

function crcOfBytes(data: Uint8Array, from: number, start: number): number {
  let crc = start;
  for (let i = from; i < data.length; i++) crc = T0[(crc ^ data[i]) & 0xff] ^ crc >>> 8;
  return crc;
}

/** The polynomial 1, whose lowest term is bit 31 as in all of them here. */
const ONE = 0x80000000;

/**
 * CRC-32 of bytes of which only the CRC-32 of two parts is known.
 *
 * @param secondSize Bytes of the second part.
 */
export function combineCrc32(first: number, second: number, secondSize: number): number {
  // Every byte behind the first part multiplies its remainder by x^8.
  let power = ONE;
  let square = ONE >>> 8;
  for (let n = secondSize; n > 0; n = Math.floor(n / 2)) {
    if (n % 2 === 1) power = multiplyModulo(power, square);
    square = multiplyModulo(square, square);
  }
  return (multiplyModulo(first, power) ^ second) >>> 0;
}

/** Product of two polynomials over GF(2), modulo that of CRC-32. */
function multiplyModulo(a: number, b: number): number {
  let product = 0;
  for (let bit = ONE; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= b;
    b = (b & 1) === 0 ? b >>> 1 : POLYNOMIAL ^ (b >>> 1);
  }
  return product >>> 0;
}
