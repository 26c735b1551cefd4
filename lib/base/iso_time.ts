/**
 * Dates and times to the microsecond, as Python's `datetime` has them. JavaScript's `Date` knows only
 * milliseconds, so it is used for whole seconds alone.
 *
 * @module
 */

// What both Python's isoformat() writes and the reference's models read: no basic or week dates, no
// offset of hours alone, nothing between time and offset.
const PATTERN =
  /^(\d{4})-(\d{2})-(\d{2})(?:[Tt _](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?([Zz]|[+-]\d{2}:?\d{2})?)?$/;

/** First instant that Python's `datetime` knows: 0001-01-01, in microseconds since 1970. */
export const FIRST_TIME = -62135596800e6;
/** First instant that it doesn't know any more: 10000-01-01, in microseconds since 1970. */
export const END_OF_TIME = 253402300800e6;

/**
 * Parses an ISO 8601 date and time as the reference's models do. One without offset is taken as UTC.
 * Digits of the fraction beyond the sixth are dropped.
 *
 * @returns microseconds since 1970, exact until the year 2255; null if the text isn't a time. With an
 *   offset the instant may lie up to a day outside the years that Python knows.
 */
export function parseIsoTime(text: string): number | null {
  const plain = parsePlainTime(text);
  if (plain !== null) return plain;
  const match = PATTERN.exec(text);
  if (match === null) return null;
  const [year, month, day, hour, minute, second] = [1, 2, 3, 4, 5, 6].map((i) =>
    Number(match[i] ?? 0)
  );
  if (year < 1 || month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59) {
    return null;
  }
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCDate() !== day || date.getUTCMonth() !== month - 1) return null;
  const fraction = Number((match[7] ?? "0").padEnd(6, "0").slice(0, 6));
  let offsetMinutes = 0;
  const zone = match[8];
  if (zone !== undefined && zone !== "Z" && zone !== "z") {
    const digits = zone.slice(1).replace(":", "").padEnd(4, "0");
    const hours = Number(digits.slice(0, 2));
    if (hours > 23 || Number(digits.slice(2)) > 59) return null;
    offsetMinutes = (hours * 60 + Number(digits.slice(2))) * (zone[0] === "-" ? -1 : 1);
  }
  const seconds = date.getTime() / 1000 + hour * 3600 + minute * 60 + second - offsetMinutes * 60;
  return seconds * 1e6 + fraction;
}

/** The form that nearly all times have, `2026-07-15T12:34:56.123456`, perhaps with a zero offset. */
const PLAIN = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(?:Z|\+00:00)?$/;
/** Lengths of its whole seconds, of its part that the engine's own parser takes, and of that with all digits. */
const SECONDS_LENGTH = 19;
const MILLISECONDS_LENGTH = 23;
const PLAIN_LENGTH = 26;

/** Value of a text of that form; null for all others. */
function parsePlainTime(text: string): number | null {
  if (!PLAIN.test(text)) return null;
  // Ends of months, years before 100 and hour 24 are left to the other way; no time is NaN.
  if (text < "0100" || text.slice(8, 10) > "28" || text.slice(11, 13) > "23") return null;
  const milliseconds = Date.parse(`${text.slice(0, MILLISECONDS_LENGTH)}Z`);
  if (Number.isNaN(milliseconds)) return null;
  return milliseconds * 1e3 + Number(text.slice(MILLISECONDS_LENGTH, PLAIN_LENGTH));
}

/**
 * Whether the bytes of a range are a time in the form that logs have: `2026-07-15T12:34:56`, with up
 * to six digits of fraction and an offset or not. False says nothing: {@linkcode parseIsoTime} decides.
 */
export function isPlainIsoTime(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < 19) return false;
  const two = (at: number): number => {
    const high = bytes[at] - 48;
    const low = bytes[at + 1] - 48;
    return high >= 0 && high <= 9 && low >= 0 && low <= 9 ? high * 10 + low : 100;
  };
  const century = two(start);
  const month = two(start + 5);
  const day = two(start + 8);
  const isDate = century >= 1 && century < 100 && two(start + 2) < 100 && month >= 1 &&
    month <= 12 && day >= 1 && day <= 28 && bytes[start + 4] === 0x2d && bytes[start + 7] === 0x2d;
  const isTime = bytes[start + 10] === 0x54 && bytes[start + 13] === 0x3a &&
    bytes[start + 16] === 0x3a && two(start + 11) <= 23 && two(start + 14) <= 59 &&
    two(start + 17) <= 59;
  if (!isDate || !isTime) return false;
  let at = start + 19;
  if (at < end && bytes[at] === 0x2e) {
    at++;
    const first = at;
    while (at < end && bytes[at] >= 48 && bytes[at] <= 57) at++;
    if (at === first) return false;
  }
  if (at === end) return true;
  if (bytes[at] === 0x5a) return at + 1 === end;
  return (bytes[at] === 0x2b || bytes[at] === 0x2d) && at + 6 === end && bytes[at + 3] === 0x3a &&
    two(at + 1) <= 23 && two(at + 4) <= 59;
}

/**
 * UTC text with `Z`, six digits of fraction or none when it is zero (`schema/quantum-graph.md`,
 * section 8.4).
 *
 * @throws {RangeError} outside the years 1 to 9999, which no reader would understand.
 */
export function formatIsoTime(microseconds: number): string {
  if (!(microseconds >= FIRST_TIME && microseconds < END_OF_TIME)) {
    throw new RangeError(`Cannot write time: ${microseconds} µs lies outside the years 1 to 9999`);
  }
  const fraction = ((microseconds % 1e6) + 1e6) % 1e6;
  const seconds = (microseconds - fraction) / 1e6;
  const text = new Date(seconds * 1000).toISOString().slice(0, 19);
  return fraction === 0 ? `${text}Z` : `${text}.${String(fraction).padStart(6, "0")}Z`;
}

/** An offset at the end of a time. */
const OFFSET = /[+-]\d{2}:?\d{2}$/;

/**
 * A time as Python's models write back what they read from a text: without offset if it has none, in the
 * local time of its offset, else as {@linkcode formatIsoTime}.
 *
 * @param text A time that {@linkcode parseIsoTime} understands.
 * @throws {RangeError} as {@linkcode formatIsoTime}.
 */
export function normalIsoTime(text: string): string {
  if (parsePlainTime(text) !== null) {
    // It has that form already, but for digits that are zero and the name of a zero offset.
    const end = text.startsWith(".000000", SECONDS_LENGTH) ? SECONDS_LENGTH : PLAIN_LENGTH;
    return text.length === PLAIN_LENGTH ? text.slice(0, end) : `${text.slice(0, end)}Z`;
  }
  const microseconds = parseIsoTime(text)!;
  const offset = OFFSET.exec(text.slice(10))?.[0] ?? "";
  const digits = offset.replace(":", "");
  const minutes = (Number(digits.slice(1, 3)) * 60 + Number(digits.slice(3))) *
    (offset[0] === "-" ? -1 : 1);
  const local = formatIsoTime(microseconds + minutes * 60e6);
  const isUtc = /[Zz]$/.test(text) || (offset !== "" && minutes === 0);
  if (isUtc) return local;
  const zone = offset === "" ? "" : `${offset.slice(0, 3)}:${digits.slice(3)}`;
  return local.slice(0, -1) + zone;
}

/** JSON text of a floating-point number as Python writes it: integral values end in `.0`. */
export function floatText(value: number): string {
  const text = String(value);
  return Number.isInteger(value) && !text.includes("e") ? `${text}.0` : text;
}
