/**
 * JSON as Python writes it: `NaN`, `Infinity` and `-Infinity` are numbers, integers have any size,
 * `1.0` is not `1`. Documents are carried as bytes; {@linkcode JsonCursor} finds places in them and
 * checks them on the way, so that text can be spliced without being parsed and written again.
 *
 * @module
 */

/** A value decoded by {@linkcode parseJson}. Integers beyond 2^53 are `bigint`. */
export type JsonValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | JsonValue[]
  | { [key: string]: JsonValue };

/** What kind of value starts at the cursor. */
export type JsonKind = "object" | "array" | "string" | "number" | "true" | "false" | "null";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
/**
 * Levels that the reference's readers take: 200, and an empty one inside
 * (`schema/quantum-graph.md`, section 8.5).
 */
const MAX_DEPTH = 201;
/** Digits of the longest integer that they take. */
const MAX_DIGITS = 4300;

/** Characters of a number that is read digit by digit. */
const MAX_EXACT_DIGITS = 15;
const POWERS_OF_TEN = Array.from({ length: MAX_EXACT_DIGITS }, (_, i) => Number(`1e${i}`));

const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** Ten times as fast as the strict one; puts {@linkcode REPLACEMENT} in the place of what isn't UTF-8. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
/** A letter that texts may have as well. */
const REPLACEMENT = "\ufffd";
const encoder = new TextEncoder();

const NOT_UTF8 = "Cannot parse JSON: the text is not UTF-8";
const KEY_SLOTS = 8192;
/** Longer keys are decoded each time. */
const MAX_KNOWN_KEY = 64;

/** A short ASCII key met before. */
interface Key {
  readonly text: string;
  /** Its bytes with the closing quote. */
  readonly bytes: DataView;
  /** The key that was met next the last time: documents of one kind have theirs in one order. */
  next: Key | null;
}

/**
 * Short ASCII keys met before, found by hash, so that a key costs no decoding. Two keys of one slot would
 * push each other out again and again, so a second slot is tried.
 */
class KeyTable {
  readonly #keys: (Key | undefined)[] = new Array(KEY_SLOTS);

  /** The key of a range of at most {@linkcode MAX_KNOWN_KEY} bytes of ASCII that a quote follows. */
  get(source: Uint8Array, start: number, end: number, hash: number): Key {
    const slot = hash & (KEY_SLOTS - 1);
    const known = this.#keys[slot];
    if (known !== undefined && isKey(known, source, start, end)) return known;
    const other = this.#keys[slot ^ 1];
    if (other !== undefined && isKey(other, source, start, end)) return other;
    const bytes = source.slice(start, end + 1);
    const text = decoder.decode(bytes.subarray(0, end - start));
    const key: Key = { text, bytes: viewOf(bytes), next: null };
    this.#keys[known === undefined ? slot : slot ^ 1] = key;
    return key;
  }
}

function isKey({ bytes }: Key, source: Uint8Array, start: number, end: number): boolean {
  if (bytes.byteLength - 1 !== end - start) return false;
  for (let at = start; at < end; at++) if (bytes.getUint8(at - start) !== source[at]) return false;
  return true;
}

const keys = new KeyTable();

/**
 * Walks through JSON text in UTF-8, checking syntax as strictly as the reference's readers do:
 * no raw control characters in strings, no lone surrogate escapes, no leading zeros, no trailing
 * commas, no integers of more than 4300 digits, no more than 200 levels
 * (`schema/quantum-graph.md`, section 8.5). Whether it is UTF-8 is told by {@linkcode
 * JsonCursor.finish}.
 *
 * Members and elements are visited like this; each turn of a loop must consume exactly one value:
 *
 * ```ts ignore
 * cursor.beginObject();
 * while (cursor.nextMember()) {
 *   if (cursor.key === "version") version = cursor.readNumber();
 *   else cursor.skip();
 * }
 * ```
 */
export class JsonCursor {
  /** The text; ranges are positions in it. */
  readonly bytes: Uint8Array;
  /** Position of the next unread byte. */
  position: number;
  /** Key of the member that {@linkcode nextMember} arrived at. */
  key = "";
  #isUtf8 = true;
  readonly #end: number;
  readonly #maxDepth: number;
  #view: DataView | null = null;
  /** The last key that was read; null for one that isn't in the table. */
  #lastKey: Key | null = null;
  #fresh = false;
  #depth = 0;

  /**
   * @param start First byte of the text.
   * @param end Half-open end of the text.
   * @param maxDepth Levels of objects and arrays that are allowed: fewer than the readers' own limit
   *   for text that is to be put inside another document.
   */
  constructor(bytes: Uint8Array, start = 0, end = bytes.length, maxDepth = MAX_DEPTH) {
    this.bytes = bytes;
    this.position = start;
    this.#end = end;
    this.#maxDepth = maxDepth;
  }

  /** Error about the present position. */
  fail(what: string): never {
    throw new SyntaxError(`Cannot parse JSON: ${what} at byte ${this.position}`);
  }

  #blanks(): number {
    const bytes = this.bytes;
    let at = this.position;
    while (at < this.#end) {
      const c = bytes[at];
      if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) {
        this.position = at;
        return c;
      }
      at++;
    }
    this.position = at;
    return -1;
  }

  /** Kind of the value that comes next; nothing is consumed but blanks. */
  kind(): JsonKind {
    const c = this.#blanks();
    switch (c) {
      case OPEN_BRACE:
        return "object";
      case OPEN_BRACKET:
        return "array";
      case QUOTE:
        return "string";
      case 0x74:
        return "true";
      case 0x66:
        return "false";
      case 0x6e:
        return "null";
      case -1:
        return this.fail("unexpected end");
      default:
        return "number";
    }
  }

  /** Enters an object. */
  beginObject(): void {
    if (this.#blanks() !== OPEN_BRACE) this.fail("expected an object");
    this.position++;
    this.#fresh = true;
    if (++this.#depth > this.#maxDepth) this.fail("nested too deeply");
  }

  /** Goes to the value of the next member and sets `key`; false at the end of the object. */
  nextMember(): boolean {
    if (!this.#toKey()) return false;
    this.key = this.#readKey();
    this.#colon();
    return true;
  }

  /** {@linkcode nextMember} without decoding the key. */
  #nextMemberUnread(): boolean {
    if (!this.#toKey()) return false;
    this.#skipString();
    this.#colon();
    return true;
  }

  /** Goes to the quote of the next key, or behind the object's end: then false. */
  #toKey(): boolean {
    let c = this.#blanks();
    if (c === CLOSE_BRACE) {
      this.position++;
      this.#fresh = false;
      this.#depth--;
      return false;
    }
    if (!this.#fresh) {
      if (c !== COMMA) this.fail("expected ',' or '}'");
      this.position++;
      c = this.#blanks();
    }
    this.#fresh = false;
    if (c !== QUOTE) this.fail("expected a key");
    return true;
  }

  #colon(): void {
    if (this.#blanks() !== COLON) this.fail("expected ':'");
    this.position++;
  }

  /** Enters an array. */
  beginArray(): void {
    if (this.#blanks() !== OPEN_BRACKET) this.fail("expected an array");
    this.position++;
    this.#fresh = true;
    if (++this.#depth > this.#maxDepth) this.fail("nested too deeply");
  }

  /** Goes to the next element; false at the end of the array. */
  nextElement(): boolean {
    const c = this.#blanks();
    if (c === CLOSE_BRACKET) {
      this.position++;
      this.#fresh = false;
      this.#depth--;
      return false;
    }
    if (!this.#fresh) {
      if (c !== COMMA) this.fail("expected ',' or ']'");
      this.position++;
      if (this.#blanks() === CLOSE_BRACKET) this.fail("expected a value");
    }
    this.#fresh = false;
    return true;
  }

  #readKey(): string {
    const start = this.position + 1;
    const expected = this.#lastKey === null ? null : this.#lastKey.next;
    if (expected !== null) {
      this.position = start;
      if (this.#skipText(expected.bytes)) {
        this.#lastKey = expected;
        return expected.text;
      }
      this.position = start - 1;
    }
    const bytes = this.bytes;
    let hash = 0;
    for (let at = start; at < this.#end; at++) {
      const c = bytes[at];
      if (c === QUOTE) {
        if (at - start > MAX_KNOWN_KEY) break;
        this.position = at + 1;
        const key = keys.get(bytes, start, at, Math.imul(hash, 0x9e3779b1) >>> 12);
        if (this.#lastKey !== null) this.#lastKey.next = key;
        this.#lastKey = key;
        return key.text;
      }
      if (c === BACKSLASH || c < 0x20 || c >= 0x80) break;
      hash = (Math.imul(hash, 31) + c) | 0;
    }
    this.#lastKey = null;
    return this.readString();
  }

  /** Skips a string and checks it. Leaves the cursor behind its closing quote. */
  #skipString(): void {
    const bytes = this.bytes;
    const end = this.#end;
    const view = this.#view ??= viewOf(bytes);
    let at = this.position + 1;
    for (;;) {
      while (at + 4 <= end && areFourPlain(view.getInt32(at, true))) at += 4;
      if (at >= end) {
        this.position = at;
        this.fail("unterminated string");
      }
      const c = bytes[at];
      if (c === QUOTE) break;
      if (c === BACKSLASH) {
        const escape = bytes[at + 1];
        if (escape === 0x75) {
          const unit = this.#hex4(at + 2);
          if (unit >= 0xd800 && unit <= 0xdfff) {
            const isPair = unit < 0xdc00 && bytes[at + 6] === BACKSLASH && bytes[at + 7] === 0x75;
            const low = isPair ? this.#hex4(at + 8) : 0;
            if (low < 0xdc00 || low > 0xdfff) {
              this.position = at;
              this.fail("lone surrogate");
            }
            at += 12;
          } else {
            at += 6;
          }
        } else {
          switch (escape) {
            case QUOTE:
            case BACKSLASH:
            case 0x2f:
            case 0x62:
            case 0x66:
            case 0x6e:
            case 0x72:
            case 0x74:
              at += 2;
              break;
            default:
              this.position = at;
              this.fail("invalid escape");
          }
        }
        continue;
      }
      if (c < 0x20) {
        this.position = at;
        this.fail("control character in a string");
      }
      at += c < 0x80 ? 1 : this.#utf8Length(at, c);
    }
    this.position = at + 1;
  }

  /** Bytes of the UTF-8 sequence that begins with `c`; 1 and a note if it isn't one. */
  #utf8Length(at: number, c: number): number {
    const bytes = this.bytes;
    const isNext = (byte: number) => (byte & 0xc0) === 0x80;
    const second = bytes[at + 1];
    if (c >= 0xc2 && c < 0xe0 && isNext(second)) return 2;
    if (c >= 0xe0 && c < 0xf0 && isNext(second) && isNext(bytes[at + 2])) {
      // No overlong forms, no surrogates.
      if ((c !== 0xe0 || second >= 0xa0) && (c !== 0xed || second < 0xa0)) return 3;
    }
    if (c >= 0xf0 && c < 0xf5 && isNext(second) && isNext(bytes[at + 2]) && isNext(bytes[at + 3])) {
      if ((c !== 0xf0 || second >= 0x90) && (c !== 0xf4 || second < 0x90)) return 4;
    }
    this.#isUtf8 = false;
    return 1;
  }

  #hex4(at: number): number {
    let value = 0;
    for (let i = 0; i < 4; i++) {
      const c = this.bytes[at + i];
      const lower = c | 32;
      let digit: number;
      if (c >= 48 && c <= 57) digit = c - 48;
      else if (lower >= 97 && lower <= 102) digit = lower - 87;
      else {
        this.position = at;
        return this.fail("invalid \\u escape");
      }
      value = value << 4 | digit;
    }
    if (at + 4 > this.#end) this.fail("unterminated string");
    return value;
  }

  #literal(text: string): void {
    for (let i = 0; i < text.length; i++) {
      if (this.position + i >= this.#end || this.bytes[this.position + i] !== text.charCodeAt(i)) {
        this.fail("unexpected character");
      }
    }
    this.position += text.length;
  }

  #digits(): void {
    const start = this.position;
    while (this.position < this.#end) {
      const c = this.bytes[this.position];
      if (c < 48 || c > 57) break;
      this.position++;
    }
    if (this.position === start) this.fail("expected a digit");
  }

  #skipNumber(): void {
    const bytes = this.bytes;
    let c = bytes[this.position];
    if (c === 0x4e) return this.#literal("NaN");
    if (c === 0x49) return this.#literal("Infinity");
    if (c === 0x2d) {
      this.position++;
      c = this.position < this.#end ? bytes[this.position] : -1;
      if (c === 0x49) return this.#literal("Infinity");
    }
    if (c === 48) this.position++;
    else {
      const first = this.position;
      this.#digits();
      if (this.position - first > MAX_DIGITS) this.fail("number out of range");
    }
    if (this.position < this.#end && bytes[this.position] === 0x2e) {
      this.position++;
      this.#digits();
    }
    if (this.position < this.#end && (bytes[this.position] | 32) === 0x65) {
      this.position++;
      const sign = bytes[this.position];
      if (sign === 0x2b || sign === 0x2d) this.position++;
      this.#digits();
    }
  }

  /** Skips one value of any kind, checking it. */
  skip(): void {
    const c = this.#blanks();
    switch (c) {
      case QUOTE:
        return this.#skipString();
      case OPEN_BRACE:
        this.beginObject();
        while (this.#nextMemberUnread()) this.skip();
        return;
      case OPEN_BRACKET:
        this.beginArray();
        while (this.nextElement()) this.skip();
        return;
      case 0x74:
        return this.#literal("true");
      case 0x66:
        return this.#literal("false");
      case 0x6e:
        return this.#literal("null");
      case -1:
        return this.fail("unexpected end");
      default:
        return this.#skipNumber();
    }
  }

  /** Skips one value and returns its half-open byte range, blanks around it excluded. */
  skipRange(): [startByte: number, endByte: number] {
    this.#blanks();
    const start = this.position;
    this.skip();
    return [start, this.position];
  }

  /**
   * Skips text that is just as given; false, consuming nothing, if it is another.
   *
   * @param text ASCII characters other than NUL. So as numbers eight of them are none of those that equal
   *   others, or not themselves.
   */
  #skipText(text: DataView): boolean {
    const view = this.#view ??= viewOf(this.bytes);
    const at = this.position;
    const length = text.byteLength;
    if (length > this.#end - at) return false;
    if (length < 8) {
      for (let i = 0; i < length; i++) if (text.getInt8(i) !== view.getInt8(at + i)) return false;
    } else {
      const last = length - 8;
      for (let i = 0; i < last; i += 8) {
        if (text.getFloat64(i, true) !== view.getFloat64(at + i, true)) return false;
      }
      if (text.getFloat64(last, true) !== view.getFloat64(at + last, true)) return false;
    }
    this.position = at + length;
    return true;
  }

  /** Whether so many more levels may be entered here. */
  hasRoom(nLevels: number): boolean {
    return this.#depth + nLevels <= this.#maxDepth;
  }

  /** Reads a string. */
  readString(): string {
    if (this.#blanks() !== QUOTE) this.fail("expected a string");
    const start = this.position;
    this.#skipString();
    return decodeJsonString(this.bytes, start, this.position);
  }

  /** Reads a number as JavaScript number (large integers are rounded). */
  readNumber(): number {
    if (this.kind() !== "number") this.fail("expected a number");
    const start = this.position;
    this.#skipNumber();
    return numberAt(this.bytes, start, this.position);
  }

  /** Reads a boolean. */
  readBoolean(): boolean {
    const kind = this.kind();
    if (kind !== "true" && kind !== "false") this.fail("expected true or false");
    this.skip();
    return kind === "true";
  }

  /** Consumes `null` if that comes next, and says whether it did. */
  takeNull(): boolean {
    if (this.#blanks() !== 0x6e) return false;
    this.#literal("null");
    return true;
  }

  /** Reads one value of any kind, integers beyond 2^53 as `bigint`. */
  readValue(): JsonValue {
    switch (this.kind()) {
      case "object": {
        const result: { [key: string]: JsonValue } = Object.create(null);
        this.beginObject();
        while (this.nextMember()) {
          const key = this.key;
          result[key] = this.readValue();
        }
        return result;
      }
      case "array": {
        const result: JsonValue[] = [];
        this.beginArray();
        while (this.nextElement()) result.push(this.readValue());
        return result;
      }
      case "string":
        return this.readString();
      case "true":
      case "false":
        return this.readBoolean();
      case "null":
        this.skip();
        return null;
      case "number": {
        const start = this.position;
        this.#skipNumber();
        return numberFromText(asciiText(this.bytes, start, this.position));
      }
    }
  }

  /** Checks that only blanks are left, and that the text is UTF-8. */
  finish(): void {
    if (this.#blanks() !== -1) this.fail("unexpected text behind the document");
    if (!this.#isUtf8) throw new SyntaxError(NOT_UTF8);
  }
}

/** Whether the number at a range is written as an integer: digits and a sign, nothing else. */
export function isIntegerText(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const c = bytes[at];
    if ((c < 48 || c > 57) && c !== 0x2d) return false;
  }
  return true;
}

/** Value of the number at a range (large integers are rounded). */
export function numberAt(bytes: Uint8Array, start: number, end: number): number {
  const isNegative = bytes[start] === 0x2d;
  let digits = 0;
  let pointAt = -1;
  // So few digits, and the power of ten below them, are exact as numbers, so their quotient is the nearest.
  const isShort = end - start <= MAX_EXACT_DIGITS;
  for (let at = isNegative ? start + 1 : start; isShort && at < end; at++) {
    const c = bytes[at];
    if (c >= 48 && c <= 57) digits = digits * 10 + c - 48;
    else if (c === 0x2e && pointAt < 0) pointAt = at;
    else return Number(asciiText(bytes, start, end));
  }
  if (!isShort) return Number(asciiText(bytes, start, end));
  const value = pointAt < 0 ? digits : digits / POWERS_OF_TEN[end - pointAt - 1];
  return isNegative ? -value : value;
}

/**
 * Whether four bytes are ASCII and none a quote, backslash or control character. As each is below 0x80,
 * a sum sets its highest bit unless the byte is the one looked for (or, for the third, below 0x20).
 */
function areFourPlain(word: number): boolean {
  const notQuote = (word ^ 0x22222222) + 0x7f7f7f7f;
  const notBackslash = (word ^ 0x5c5c5c5c) + 0x7f7f7f7f;
  const notControl = word + 0x60606060;
  return (notQuote & notBackslash & notControl & ~word & 0x80808080) === (0x80808080 | 0);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function asciiText(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i]);
  return text;
}

function numberFromText(text: string): number | bigint {
  const value = Number(text);
  if (Number.isSafeInteger(value) || !/^-?\d+$/.test(text)) return value;
  return BigInt(text);
}

/**
 * Decodes the JSON string whose quotes are the first and last byte of the range.
 *
 * @throws {SyntaxError} if the bytes aren't UTF-8.
 */
export function decodeJsonString(bytes: Uint8Array, start: number, end: number): string {
  const inner = bytes.subarray(start + 1, end - 1);
  if (inner.indexOf(BACKSLASH) >= 0) return JSON.parse(decodeUtf8(bytes.subarray(start, end)));
  return decodeUtf8(inner);
}

/**
 * Decodes UTF-8 strictly.
 *
 * @throws {SyntaxError} if the bytes aren't UTF-8.
 */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    const text = decoder.decode(bytes);
    return text.includes(REPLACEMENT) ? strictDecoder.decode(bytes) : text;
  } catch {
    throw new SyntaxError(NOT_UTF8);
  }
}

/** UTF-8 bytes of a text. */
export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

/**
 * Parses a whole document. Objects have no prototype; integers beyond 2^53 become `bigint`.
 *
 * @throws {SyntaxError} if it isn't JSON in the sense of this module.
 */
export function parseJson(document: Uint8Array | string): JsonValue {
  const cursor = new JsonCursor(typeof document === "string" ? encodeUtf8(document) : document);
  const value = cursor.readValue();
  cursor.finish();
  return value;
}

/** Writes a value compactly; `bigint` as integer, non-finite numbers as Python's tokens. */
export function stringifyJson(value: JsonValue): string {
  switch (typeof value) {
    case "bigint":
      return value.toString();
    case "number":
      if (Number.isNaN(value)) return "NaN";
      if (!Number.isFinite(value)) return value > 0 ? "Infinity" : "-Infinity";
      return JSON.stringify(value);
    case "object":
      if (value === null) return "null";
      if (Array.isArray(value)) return `[${value.map(stringifyJson).join(",")}]`;
      return `{${
        Object.entries(value).map(([k, v]) => `${JSON.stringify(k)}:${stringifyJson(v)}`).join(",")
      }}`;
    default:
      return JSON.stringify(value);
  }
}
