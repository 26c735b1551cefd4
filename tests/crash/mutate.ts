/** Damaging bytes at random, blindly and with malice. @module */

import { concatBytes } from "../../lib/base/bytes.ts";
import { encodeUtf8 } from "../../lib/base/json_text.ts";
import type { Random } from "./random.ts";

/** Names that try to lead somewhere else. */
export const NASTY_NAMES = [
  "../../../../../../etc/passwd",
  "/etc/passwd",
  "..",
  ".",
  "",
  "a/../../b",
  "a//b",
  "%2e%2e%2f%2e%2e%2fb",
  "\\u0000",
  "..\\\\..\\\\b",
  "\\ud800",
  "\u00e4".repeat(300),
  "~root",
  "file:///etc/passwd",
  "__proto__",
  "constructor",
];

/** Values that are JSON, or what Python takes for it. */
const NASTY_VALUES = [
  "1e999",
  "-0",
  "0.1e-400",
  "9".repeat(400),
  "18446744073709551616",
  "-9223372036854775809",
  "NaN",
  "-Infinity",
  "null",
  "true",
  "1.5",
  "[]",
  "{}",
  '""',
  '{"quantum":{"outputs":[]}}',
];

/** Pieces that are none. */
const NASTY_PIECES = [
  "[".repeat(200_000),
  '{"a":'.repeat(100_000),
  '"\\u12"',
  '"\\x"',
  '"',
  "}",
  "]",
  ",",
  "01",
  "\u0000",
  "\ufeff",
];

const BYTES = [0, 1, 0x22, 0x2c, 0x30, 0x5b, 0x5d, 0x7b, 0x7d, 0x7f, 0x80, 0xc3, 0xfe, 0xff];

/** A copy with one to four places damaged. */
export function mutate(bytes: Uint8Array, random: Random): Uint8Array<ArrayBuffer> {
  let result = bytes.slice();
  for (let n = 1 + random.below(4); n > 0; n--) result = mutateOnce(result, random);
  return result;
}

function mutateOnce(bytes: Uint8Array<ArrayBuffer>, random: Random): Uint8Array<ArrayBuffer> {
  const at = random.below(bytes.length + 1);
  const length = Math.min(1 + random.below(random.pick([4, 64, 4096])), bytes.length - at);
  switch (random.below(9)) {
    case 0:
      if (at < bytes.length) bytes[at] ^= 1 << random.below(8);
      return bytes;
    case 1:
      if (at < bytes.length) bytes[at] = random.pick(BYTES);
      return bytes;
    case 2: // an integer of either byte order, large, small or negative
      for (let i = 0; i < random.pick([1, 2, 4, 8]) && at + i < bytes.length; i++) {
        bytes[at + i] = random.pick([0, 0xff, 0x7f, 0x80]);
      }
      return bytes;
    case 3:
      return bytes.slice(0, at);
    case 4: // a stretch is missing
      return concatBytes([bytes.subarray(0, at), bytes.subarray(at + length)]);
    case 5: // a stretch is there twice
      return concatBytes([bytes.subarray(0, at + length), bytes.subarray(at)]);
    case 6: // noise
      for (let i = 0; i < length; i++) bytes[at + i] = random.below(256);
      return bytes;
    case 7: // a stretch from elsewhere
      bytes.copyWithin(at, random.below(bytes.length + 1), random.below(bytes.length + 1));
      return bytes;
    default:
      return bytes;
  }
}

/** A copy of JSON text with some values exchanged for nasty ones. */
export function mutateJson(text: Uint8Array, random: Random): Uint8Array<ArrayBuffer> {
  let result = new TextDecoder().decode(text);
  for (let n = 1 + random.below(3); n > 0; n--) {
    const isString = random.next() < 0.6;
    const pattern = !isString ? /-?\d[\d.eE+-]*|true|null/g : random.next() < 0.8 // more values than keys: without a key most documents are refused
      ? /"[^"\\]*"(?!\s*:)/g
      : /"[^"\\]*"/g;
    const values = [...result.matchAll(pattern)];
    if (values.length === 0) continue;
    const { index, 0: value } = random.pick(values);
    const nasty = nastyValue(isString, values.map(([text]) => text), random);
    result = result.slice(0, index) + nasty + result.slice(index + value.length);
  }
  return encodeUtf8(result);
}

function nastyValue(isString: boolean, others: readonly string[], random: Random): string {
  const way = random.next();
  if (way < 0.05) return random.pick(NASTY_PIECES);
  if (way < 0.25) return random.pick(others);
  if (isString && way < 0.7) return `"${random.pick(NASTY_NAMES)}"`;
  return random.pick(NASTY_VALUES);
}
