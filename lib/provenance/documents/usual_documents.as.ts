// deno-lint-ignore-file
// @ts-nocheck: AssemblyScript, which its own compiler checks.
/**
 * Checks log records and task metadata in the form that nearly all have, sixteen bytes at a time. For
 * all others, right or wrong, the answer is 0: `log_records.ts` and `task_metadata.ts` read these, and
 * say what is wrong. `deno task wasm` compiles this to `usual_documents.wasm`, used by
 * `usual_documents.ts`.
 *
 * Positions are addresses. A function is given where something must begin and returns where it ends, or
 * 0. Nothing matches at address 0, so each may be given what the one before it returned. Behind the
 * document lie zeros, which end everything.
 *
 * @module
 */

/** Texts to compare with: a length, and at 8 from 8 to 24 bytes. Zeros lie before them. */
export const TEXTS: usize = 64;
export const TEXT_SIZE: usize = 32;
/** For each wanted value of the section "quantum", the start and end of a scalar and of an array. */
export const VALUES: usize = 2048;
export const VALUE_SIZE: usize = 16;
/** Where {@linkcode digest} leaves its result, and the bytes of it. */
export const DIGEST: usize = 3072;
export const DIGEST_SIZE: usize = 16;
/** Where the document begins. */
export const DOCUMENT: usize = 4096;

/** Texts, in the order of `TEXTS` in `usual_documents.ts`. */
const enum Text {
  NAME,
  ASCTIME,
  MESSAGE,
  LEVELNO,
  LEVELNAME,
  FILENAME,
  PATHNAME,
  LINENO,
  FUNC_NAME,
  PROCESS,
  PROCESS_NAME,
  EXC_INFO,
  MDC,
  SCALARS,
  ARRAYS,
  METADATA,
  QUANTUM,
  FAILURE,
  FIRST_WANTED,
}

/** What the values of an object's members are. */
const enum Kind {
  STRING,
  SCALAR,
  ARRAY,
}

const N_WANTED: usize = 9;
/** Levels of nested metadata; deeper ones are left to others. */
const MAX_LEVEL: i32 = 60;
/** Digits of integers that are surely no problem. */
const MAX_DIGITS: usize = 18;
/** Length of numbers that surely fit a float. */
const MAX_NUMBER_LENGTH: usize = 300;

const QUOTE: u8 = 0x22;
const COMMA: u8 = 0x2c;
const COLON: u8 = 0x3a;
const OPEN_BRACKET: u8 = 0x5b;
const BACKSLASH: u8 = 0x5c;
const CLOSE_BRACKET: u8 = 0x5d;
const OPEN_BRACE: u8 = 0x7b;
const CLOSE_BRACE: u8 = 0x7d;

// Words as they are loaded, the last character first.
const NULL: u32 = 0x6c6c756e;
const TRUE: u32 = 0x65757274;
/** `false` without its first character. */
const ALSE: u32 = 0x65736c61;
const NAN: u32 = 0x4e614e;
const INFINITY: u64 = 0x7974696e69666e49;

/** A log record with the usual keys in the usual order. */
export function record(at: usize): usize {
  at = string(text(at, Text.NAME));
  at = time(text(at, Text.ASCTIME));
  at = string(text(at, Text.MESSAGE));
  at = integer(text(at, Text.LEVELNO));
  at = string(text(at, Text.LEVELNAME));
  at = string(text(at, Text.FILENAME));
  at = string(text(at, Text.PATHNAME));
  at = integer(text(at, Text.LINENO));
  at = stringOrNull(text(at, Text.FUNC_NAME));
  at = integer(text(at, Text.PROCESS));
  at = string(text(at, Text.PROCESS_NAME));
  const excInfo = text(at, Text.EXC_INFO);
  if (excInfo != 0) at = stringOrNull(excInfo);
  return character(members(text(at, Text.MDC), Kind.STRING, false), CLOSE_BRACE);
}

/** Task metadata as a whole document; what is wanted of its section "quantum" is noted. */
export function metadata(at: usize): usize {
  memory.fill(VALUES, 0, N_WANTED * VALUE_SIZE);
  hasQuantum = false;
  return tree(at, 0, false);
}

let hasQuantum: bool = false;

/** Whether the last metadata had a section "quantum". */
export function hadQuantum(): bool {
  return hasQuantum;
}

/**
 * An object of scalars, arrays and more of its kind.
 *
 * @param level 0 for the whole, 1 for sections of tasks and for "quantum", 2 for what is in these.
 */
function tree(at: usize, level: i32, isQuantum: bool): usize {
  at = members(text(at, Text.SCALARS), Kind.SCALAR, isQuantum);
  at = members(text(at, Text.ARRAYS), Kind.ARRAY, isQuantum);
  at = text(at, Text.METADATA);
  if (at == 0 || level == MAX_LEVEL) return 0;
  if (load<u8>(at) == CLOSE_BRACE) return character(at + 1, CLOSE_BRACE);
  while (true) {
    // A failure of the task is wanted word for word.
    if (level == 1 && text(at, Text.FAILURE) != 0) return 0;
    const isNextQuantum = level == 0 && text(at, Text.QUANTUM) != 0;
    if (isNextQuantum && hasQuantum) return 0;
    hasQuantum = hasQuantum || isNextQuantum;
    at = tree(key(at), level + 1, isNextQuantum);
    if (at == 0) return 0;
    const c = load<u8>(at++);
    if (c == CLOSE_BRACE) return character(at, CLOSE_BRACE);
    if (c != COMMA) return 0;
  }
}

/** Members whose values are of one kind, and the end of their object. */
function members(at: usize, kind: Kind, isQuantum: bool): usize {
  if (load<u8>(at) == CLOSE_BRACE) return at + 1;
  while (at != 0) {
    const start = key(at);
    const end = kind == Kind.STRING
      ? string(start)
      : kind == Kind.SCALAR
      ? scalar(start)
      : array(start);
    if (isQuantum && end != 0) note(at, start, end, kind == Kind.SCALAR ? 0 : 8);
    at = end;
    const c = load<u8>(at++);
    if (c == CLOSE_BRACE) return at;
    if (c != COMMA) return 0;
  }
  return 0;
}

/** An array of nothing but strings, or of none. */
function array(at: usize): usize {
  at = character(at, OPEN_BRACKET);
  if (at == 0) return 0;
  if (load<u8>(at) == CLOSE_BRACKET) return at + 1;
  const areStrings = load<u8>(at) == QUOTE;
  while (at != 0) {
    if ((load<u8>(at) == QUOTE) != areStrings) return 0;
    at = scalar(at);
    const c = load<u8>(at++);
    if (c == CLOSE_BRACKET) return at;
    if (c != COMMA) return 0;
  }
  return 0;
}

/** Remembers a value if its key is a wanted one. */
function note(key: usize, start: usize, end: usize, offset: usize): void {
  for (let i: usize = 0; i < N_WANTED; i++) {
    if (text(key, Text.FIRST_WANTED + <i32> i) == 0) continue;
    store<u32>(VALUES + i * VALUE_SIZE + offset, <u32> start);
    store<u32>(VALUES + i * VALUE_SIZE + offset + 4, <u32> end);
    return;
  }
}

function scalar(at: usize): usize {
  const c = load<u8>(at);
  if (c == QUOTE) return string(at);
  const word = load<u32>(at);
  if (word == TRUE || word == NULL) return at + 4;
  if (c == 0x66) return load<u32>(at + 1) == ALSE ? at + 5 : 0;
  return number(at);
}

function stringOrNull(at: usize): usize {
  return load<u32>(at) == NULL ? at + 4 : string(at);
}

function character(at: usize, expected: u8): usize {
  return load<u8>(at) == expected ? at + 1 : 0;
}

/** One of the texts. */
function text(at: usize, index: i32): usize {
  const own = TEXTS + <usize> index * TEXT_SIZE;
  const length: usize = load<u32>(own);
  const last = length - 8;
  for (let i: usize = 0; i < last; i += 8) {
    if (load<u64>(at + i) != load<u64>(own + 8 + i)) return 0;
  }
  return load<u64>(at + last) == load<u64>(own + 8 + last) ? at + length : 0;
}

/** A key without escapes, and its colon. */
function key(at: usize): usize {
  if (load<u8>(at) != QUOTE) return 0;
  const end = quoteBehind(at + 1, false);
  return end == 0 ? 0 : character(end + 1, COLON);
}

function string(at: usize): usize {
  if (load<u8>(at) != QUOTE) return 0;
  const end = quoteBehind(at + 1, true);
  return end == 0 ? 0 : end + 1;
}

/** The quotation mark that ends a string, or 0. */
function quoteBehind(at: usize, mayEscape: bool): usize {
  const quotes = i8x16.splat(QUOTE);
  const backslashes = i8x16.splat(BACKSLASH);
  const blanks = i8x16.splat(0x20);
  while (true) {
    const bytes = v128.load(at);
    // Signed, so bytes from 0x80 are less than a blank as well.
    const special = i8x16.bitmask(
      v128.or(
        v128.or(i8x16.eq(bytes, quotes), i8x16.eq(bytes, backslashes)),
        i8x16.lt_s(bytes, blanks),
      ),
    );
    if (special == 0) {
      at += 16;
      continue;
    }
    at += ctz(special);
    const c = load<u8>(at);
    if (c == QUOTE) return at;
    const length = c == BACKSLASH ? (mayEscape ? escapeLength(at) : 0) : utf8Length(at, c);
    if (length == 0) return 0;
    at += length;
  }
}

/** Length of an escape sequence; 0 for a wrong one, and for surrogates. */
function escapeLength(at: usize): usize {
  switch (load<u8>(at + 1)) {
    case QUOTE:
    case BACKSLASH:
    case 0x2f:
    case 0x62:
    case 0x66:
    case 0x6e:
    case 0x72:
    case 0x74:
      return 2;
    case 0x75: {
      for (let i: usize = 2; i < 6; i++) {
        const lower = load<u8>(at + i) | 32;
        if (!isDigit(load<u8>(at + i)) && (lower < 0x61 || lower > 0x66)) return 0;
      }
      // \ud8 to \udf
      return (load<u8>(at + 2) | 32) == 0x64 && load<u8>(at + 3) > 0x37 ? 0 : 6;
    }
    default:
      return 0;
  }
}

/** Length of a UTF-8 sequence outside ASCII; 0 if it is none. */
function utf8Length(at: usize, first: u8): usize {
  const second = load<u8>(at + 1);
  if (first >= 0xc2 && first < 0xe0) return isNext(second) ? 2 : 0;
  if (!isNext(second) || !isNext(load<u8>(at + 2))) return 0;
  // Neither overlong nor a surrogate.
  if (first == 0xe0) return second >= 0xa0 ? 3 : 0;
  if (first == 0xed) return second < 0xa0 ? 3 : 0;
  if (first > 0xe0 && first < 0xf0) return 3;
  if (!isNext(load<u8>(at + 3))) return 0;
  if (first == 0xf0) return second >= 0x90 ? 4 : 0;
  if (first == 0xf4) return second < 0x90 ? 4 : 0;
  return first > 0xf0 && first < 0xf4 ? 4 : 0;
}

function isNext(byte: u8): bool {
  return (byte & 0xc0) == 0x80;
}

function isDigit(c: u8): bool {
  return c - 0x30 < 10;
}

function digits(at: usize): usize {
  const start = at;
  while (isDigit(load<u8>(at))) at++;
  return at == start ? 0 : at;
}

/** Digits without a leading zero, with or without a sign. */
function wholePart(at: usize): usize {
  if (load<u8>(at) == 0x2d) at++;
  return load<u8>(at) == 0x30 ? at + 1 : digits(at);
}

function integer(at: usize): usize {
  const end = wholePart(at);
  if (end == 0 || end - at > MAX_DIGITS) return 0;
  const c = load<u8>(end);
  return c == 0x2e || (c | 32) == 0x65 ? 0 : end;
}

function number(start: usize): usize {
  const at = load<u8>(start) == 0x2d ? start + 1 : start;
  const c = load<u8>(at);
  if (c == 0x49) return load<u64>(at) == INFINITY ? at + 8 : 0;
  if (c == 0x4e) return at == start && (load<u32>(at) & 0xffffff) == NAN ? at + 3 : 0;
  let end = wholePart(start);
  if (end == 0) return 0;
  if (load<u8>(end) == 0x2e) {
    end = digits(end + 1);
    if (end == 0) return 0;
  }
  if ((load<u8>(end) | 32) == 0x65) {
    const sign = load<u8>(end + 1);
    end = digits(sign == 0x2b || sign == 0x2d ? end + 2 : end + 1);
  }
  return end - start > MAX_NUMBER_LENGTH ? 0 : end;
}

/** `"2026-07-15T12:34:56.123456Z"`, with fewer digits at the end or none. */
function time(at: usize): usize {
  if (at == 0) return 0;
  const month = two(at + 6);
  const day = two(at + 9);
  if (
    load<u8>(at) != QUOTE || two(at + 1) - 1 >= 99 || two(at + 3) >= 100 ||
    load<u8>(at + 5) != 0x2d || month - 1 >= 12 || load<u8>(at + 8) != 0x2d || day == 0 ||
    day > daysOf(month) || load<u8>(at + 11) != 0x54 || two(at + 12) >= 24 ||
    load<u8>(at + 14) != COLON || two(at + 15) >= 60 || load<u8>(at + 17) != COLON ||
    two(at + 18) >= 60
  ) return 0;
  at += 20;
  if (load<u8>(at) == 0x2e) {
    at = digits(at + 1);
    if (at == 0) return 0;
  }
  return character(load<u8>(at) == 0x5a ? at + 1 : at, QUOTE);
}

/** Days that a month always has. */
function daysOf(month: u32): u32 {
  if (month == 2) return 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/** Value of two digits; 100 or more if they are none. */
function two(at: usize): u32 {
  const high = load<u8>(at);
  const low = load<u8>(at + 1);
  return isDigit(high) && isDigit(low) ? <u32> (high - 0x30) * 10 + <u32> (low - 0x30) : 200;
}

// Of XXH64.
const PRIME_1: u64 = 0x9e3779b185ebca87;
const PRIME_2: u64 = 0xc2b2ae3d27d4eb4f;
const PRIME_3: u64 = 0x165667b19e3779f9;
const PRIME_4: u64 = 0x85ebca77c2b2ae63;
const PRIME_5: u64 = 0x27d4eb2f165667c5;
const STRIPE: usize = 32;

/**
 * XXH64 of the document with seed 0, then with seed 1, each big-endian: both in one pass, as the first
 * multiplication of each word is the same.
 */
export function digest(size: usize): void {
  let a: u64 = PRIME_5;
  let b: u64 = PRIME_5 + 1;
  let at = DOCUMENT;
  const end = DOCUMENT + size;
  if (size >= STRIPE) {
    let a1: u64 = PRIME_1 + PRIME_2, a2: u64 = PRIME_2, a3: u64 = 0, a4: u64 = 0 - PRIME_1;
    let b1: u64 = a1 + 1, b2: u64 = a2 + 1, b3: u64 = 1, b4: u64 = a4 + 1;
    for (; at + STRIPE <= end; at += STRIPE) {
      let word = load<u64>(at) * PRIME_2;
      a1 = rotl<u64>(a1 + word, 31) * PRIME_1;
      b1 = rotl<u64>(b1 + word, 31) * PRIME_1;
      word = load<u64>(at, 8) * PRIME_2;
      a2 = rotl<u64>(a2 + word, 31) * PRIME_1;
      b2 = rotl<u64>(b2 + word, 31) * PRIME_1;
      word = load<u64>(at, 16) * PRIME_2;
      a3 = rotl<u64>(a3 + word, 31) * PRIME_1;
      b3 = rotl<u64>(b3 + word, 31) * PRIME_1;
      word = load<u64>(at, 24) * PRIME_2;
      a4 = rotl<u64>(a4 + word, 31) * PRIME_1;
      b4 = rotl<u64>(b4 + word, 31) * PRIME_1;
    }
    a = merged(a1, a2, a3, a4);
    b = merged(b1, b2, b3, b4);
  }
  store<u64>(DIGEST, bswap<u64>(finished(a + size, at, end)));
  store<u64>(DIGEST, bswap<u64>(finished(b + size, at, end)), 8);
}

function mixed(lane: u64): u64 {
  return rotl<u64>(lane * PRIME_2, 31) * PRIME_1;
}

function merged(v1: u64, v2: u64, v3: u64, v4: u64): u64 {
  let hash = rotl<u64>(v1, 1) + rotl<u64>(v2, 7) + rotl<u64>(v3, 12) + rotl<u64>(v4, 18);
  hash = (hash ^ mixed(v1)) * PRIME_1 + PRIME_4;
  hash = (hash ^ mixed(v2)) * PRIME_1 + PRIME_4;
  hash = (hash ^ mixed(v3)) * PRIME_1 + PRIME_4;
  return (hash ^ mixed(v4)) * PRIME_1 + PRIME_4;
}

/** What is left behind the last stripe, and the finish. */
function finished(hash: u64, at: usize, end: usize): u64 {
  for (; at + 8 <= end; at += 8) {
    hash = rotl<u64>(hash ^ mixed(load<u64>(at)), 27) * PRIME_1 + PRIME_4;
  }
  if (at + 4 <= end) {
    hash = rotl<u64>(hash ^ (<u64> load<u32>(at) * PRIME_1), 23) * PRIME_2 + PRIME_3;
    at += 4;
  }
  for (; at < end; at++) hash = rotl<u64>(hash ^ (<u64> load<u8>(at) * PRIME_5), 11) * PRIME_1;
  hash = (hash ^ hash >> 33) * PRIME_2;
  hash = (hash ^ hash >> 29) * PRIME_3;
  return hash ^ hash >> 32;
}
