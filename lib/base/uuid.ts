/**
 * UUIDs: 16 bytes inside the tool, text only at its edges. Order is that of the bytes, which is the
 * order as unsigned 128-bit integers (`schema/quantum-graph.md`, section 4.2).
 *
 * @module
 */

/** Bytes of one UUID. */
export const UUID_SIZE = 16;

const HEX: string[] = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, "0"));

/** Codes of the two digits of each byte. */
const HIGH = Uint8Array.from(HEX, (digits) => digits.charCodeAt(0));
const LOW = Uint8Array.from(HEX, (digits) => digits.charCodeAt(1));
const DASH = 0x2d;

/** Value of an ASCII hexadecimal digit, or -1. */
function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const lower = code | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

/** Text form, lower case with dashes, of the 16 bytes at `offset`. */
export function uuidToText(bytes: Uint8Array, offset = 0): string {
  const b = bytes;
  const at = offset;
  // All codes at once: a text put together of pieces takes six times as long.
  // deno-fmt-ignore
  return String.fromCharCode(
    HIGH[b[at]], LOW[b[at]], HIGH[b[at + 1]], LOW[b[at + 1]],
    HIGH[b[at + 2]], LOW[b[at + 2]], HIGH[b[at + 3]], LOW[b[at + 3]], DASH,
    HIGH[b[at + 4]], LOW[b[at + 4]], HIGH[b[at + 5]], LOW[b[at + 5]], DASH,
    HIGH[b[at + 6]], LOW[b[at + 6]], HIGH[b[at + 7]], LOW[b[at + 7]], DASH,
    HIGH[b[at + 8]], LOW[b[at + 8]], HIGH[b[at + 9]], LOW[b[at + 9]], DASH,
    HIGH[b[at + 10]], LOW[b[at + 10]], HIGH[b[at + 11]], LOW[b[at + 11]],
    HIGH[b[at + 12]], LOW[b[at + 12]], HIGH[b[at + 13]], LOW[b[at + 13]],
    HIGH[b[at + 14]], LOW[b[at + 14]], HIGH[b[at + 15]], LOW[b[at + 15]],
  );
}

/** 32 lower-case hexadecimal digits of the 16 bytes at `offset`, as SQLite registries store them. */
export function uuidToHex(bytes: Uint8Array, offset = 0): string {
  let text = "";
  for (let i = 0; i < UUID_SIZE; i++) text += HEX[bytes[offset + i]];
  return text;
}

/**
 * Parses a UUID with or without dashes, in either case (`schema/quantum-graph.md`, section 3).
 *
 * @throws {SyntaxError} if the text isn't a UUID.
 */
export function uuidFromText(text: string): Uint8Array {
  const bytes = new Uint8Array(UUID_SIZE);
  if (!writeUuidText(text, bytes, 0)) {
    throw new SyntaxError(`Cannot parse UUID: "${text.slice(0, 80)}" is not one`);
  }
  return bytes;
}

/** Parses a UUID into `target` at `offset`; false if the text isn't one (target then undefined). */
export function writeUuidText(text: string, target: Uint8Array, offset: number): boolean {
  const length = text.length;
  if (length !== 36 && length !== 32) return false;
  let at = 0;
  for (let i = 0; i < UUID_SIZE; i++) {
    if (length === 36 && (i === 4 || i === 6 || i === 8 || i === 10)) {
      if (text.charCodeAt(at++) !== 45) return false;
    }
    const high = hexDigit(text.charCodeAt(at++));
    const low = hexDigit(text.charCodeAt(at++));
    if (high < 0 || low < 0) return false;
    target[offset + i] = high << 4 | low;
  }
  return true;
}

/** Whether the text is a complete UUID. */
export function isUuidText(text: string): boolean {
  return writeUuidText(text, new Uint8Array(UUID_SIZE), 0);
}

/** Compares the UUIDs at two places: negative, zero or positive. */
export function compareUuids(
  a: Uint8Array,
  aOffset: number,
  b: Uint8Array,
  bOffset: number,
): number {
  for (let i = 0; i < UUID_SIZE; i++) {
    const difference = a[aOffset + i] - b[bOffset + i];
    if (difference !== 0) return difference;
  }
  return 0;
}
