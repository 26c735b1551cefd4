/**
 * JSON as Python's `json.dumps` writes it, to reproduce hashes and sort orders of the oracle's dumps
 * (`../shared/oracle/dump_state.py`, `dump_graph.py`, `read_back.py`).
 *
 * @module
 */

import { createHash } from "node:crypto";

/** A number that is a `float` in Python, written `1.0` where a plain number would be `1`. */
export class PythonFloat {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** What {@linkcode pythonJson} writes; plain numbers are Python integers. */
export type PythonValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | PythonFloat
  | readonly PythonValue[]
  | { readonly [key: string]: PythonValue };

/** How to write: {@linkcode CANONICAL} or {@linkcode SORT_KEY}. */
export interface PythonJsonStyle {
  itemSeparator: string;
  keySeparator: string;
  ensureAscii: boolean;
}

/** `json.dumps(x, sort_keys=True, separators=(",", ":"), ensure_ascii=False)`. */
export const CANONICAL: PythonJsonStyle = {
  itemSeparator: ",",
  keySeparator: ":",
  ensureAscii: false,
};

/** `json.dumps(x, sort_keys=True)`, by which `dump_state.py` sorts rows. */
export const SORT_KEY: PythonJsonStyle = {
  itemSeparator: ", ",
  keySeparator: ": ",
  ensureAscii: true,
};

/** Orders strings by code point as Python does; JavaScript's own order is that of UTF-16 units. */
export function compareCodePoints(a: string, b: string): number {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    // Surrogates stand for code points above every other unit.
    const isHighX = x >= 0xd800 && x < 0xe000;
    const isHighY = y >= 0xd800 && y < 0xe000;
    return isHighX === isHighY ? x - y : isHighX ? 1 : -1;
  }
  return a.length - b.length;
}

/** `repr(float)`: shortest digits that round-trip, exponent below 1e-4 and from 1e16. */
export function pythonFloatText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "Infinity" : "-Infinity";
  if (value === 0) return Object.is(value, -0) ? "-0.0" : "0.0";
  const [mantissa, exponentText] = Math.abs(value).toExponential().split("e");
  const sign = value < 0 ? "-" : "";
  const digits = mantissa.replace(".", "");
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= 16) {
    const fraction = digits.length > 1 ? `.${digits.slice(1)}` : "";
    const size = String(Math.abs(exponent)).padStart(2, "0");
    return `${sign}${digits[0]}${fraction}e${exponent < 0 ? "-" : "+"}${size}`;
  }
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  return `${sign}${whole}.${digits.slice(exponent + 1) || "0"}`;
}

const NOT_ASCII = /[\u007f-\uffff]/;

function stringText(text: string, ensureAscii: boolean): string {
  const json = JSON.stringify(text);
  if (!ensureAscii || !NOT_ASCII.test(json)) return json;
  return json.replace(
    /[\u007f-\uffff]/g,
    (c) => c === "\u007f" ? c : `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Writes a value with sorted keys. */
export function pythonJson(value: PythonValue, style: PythonJsonStyle = CANONICAL): string {
  if (value === null) return "null";
  if (value instanceof PythonFloat) return pythonFloatText(value.value);
  switch (typeof value) {
    case "boolean":
      return value ? "true" : "false";
    case "bigint":
      return value.toString();
    case "number":
      return Number.isSafeInteger(value) ? String(value) : pythonFloatText(value);
    case "string":
      return stringText(value, style.ensureAscii);
    default: {
      if (Array.isArray(value)) {
        return `[${value.map((v) => pythonJson(v, style)).join(style.itemSeparator)}]`;
      }
      const object = value as { readonly [key: string]: PythonValue };
      const members = Object.keys(object).sort(compareCodePoints).map((key) =>
        stringText(key, style.ensureAscii) + style.keySeparator + pythonJson(object[key], style)
      );
      return `{${members.join(style.itemSeparator)}}`;
    }
  }
}

/** Hexadecimal SHA-256. */
export function sha256(data: Uint8Array | string): string {
  return createHash("sha256").update(data).digest("hex");
}

/** SHA-256 of the canonical JSON, as the oracle's `digest`. */
export function digest(value: PythonValue): string {
  return sha256(pythonJson(value));
}

const FLOAT_TEXT = /^[+-]?(?:(?:\d+(?:_\d+)*)?\.?(?:\d+(?:_\d+)*)?(?:[eE][+-]?\d+(?:_\d+)*)?)$/;

/** `float(text)` of Python, or null where it raises. */
export function pythonFloatFromText(text: string): number | null {
  const plain = text
    .trim()
    .replace(/\p{Nd}/gu, (c) => String(decimalDigit(c)));
  const special = /^([+-]?)(inf|infinity|nan)$/i.exec(plain);
  if (special) {
    if (special[2].toLowerCase() === "nan") return NaN;
    return special[1] === "-" ? -Infinity : Infinity;
  }
  if (!FLOAT_TEXT.test(plain) || !/^[+-]?\.?\d/.test(plain)) return null;
  return Number(plain.replaceAll("_", ""));
}

/** Value of a decimal digit of any script: they come in runs of ten code points. */
function decimalDigit(digit: string): number {
  let start = digit.codePointAt(0)!;
  const code = start;
  while (code - start < 9 && /\p{Nd}/u.test(String.fromCodePoint(start - 1))) start--;
  return (code - start) % 10;
}
