/**
 * Times as registries store them: nanoseconds of International Atomic Time, or UTC text in older
 * ones.
 *
 * @module
 */

/**
 * First day (UTC) from which TAI is ahead of UTC by so many seconds, newest first. No leap second
 * was announced after the last one; the next makes this table one line longer.
 *
 * Source: IERS Bulletin C.
 */
const LEAP_SECONDS: readonly (readonly [string, number])[] = [
  ["2017-01-01", 37],
  ["2015-07-01", 36],
  ["2012-07-01", 35],
  ["2009-01-01", 34],
  ["2006-01-01", 33],
  ["1999-01-01", 32],
  ["1997-07-01", 31],
  ["1996-01-01", 30],
  ["1994-07-01", 29],
  ["1993-07-01", 28],
  ["1992-07-01", 27],
  ["1991-01-01", 26],
  ["1990-01-01", 25],
  ["1988-01-01", 24],
  ["1985-07-01", 23],
  ["1983-07-01", 22],
  ["1982-07-01", 21],
  ["1981-07-01", 20],
  ["1980-01-01", 19],
  ["1979-01-01", 18],
  ["1978-01-01", 17],
  ["1977-01-01", 16],
  ["1976-01-01", 15],
  ["1975-01-01", 14],
  ["1974-01-01", 13],
  ["1973-01-01", 12],
  ["1972-07-01", 11],
  ["1972-01-01", 10],
];

/** Seconds by which TAI is ahead of UTC at a Unix time in microseconds; 10 before 1972. */
export function taiMinusUtcSeconds(unixMicroseconds: number): number {
  const milliseconds = unixMicroseconds / 1000;
  for (const [day, seconds] of LEAP_SECONDS) {
    if (milliseconds >= Date.parse(`${day}T00:00:00Z`)) return seconds;
  }
  return 10;
}

/**
 * Nanoseconds since 1970-01-01T00:00:00 TAI of a Unix time in microseconds.
 *
 * Source: `schema/butler-repository.md`, sections 2.1 and 3.1.
 */
export function taiNanoseconds(unixMicroseconds: number): bigint {
  return BigInt(Math.floor(unixMicroseconds)) * 1000n +
    BigInt(taiMinusUtcSeconds(unixMicroseconds)) * 1_000_000_000n;
}

/** A Unix time in microseconds as UTC text `YYYY-MM-DD HH:MM:SS.ffffff`. */
export function utcText(unixMicroseconds: number): string {
  const microseconds = Math.floor(unixMicroseconds);
  const withMillis = new Date(Math.floor(microseconds / 1000)).toISOString();
  const belowMillisecond = ((microseconds % 1000) + 1000) % 1000;
  return withMillis.slice(0, 10) + " " + withMillis.slice(11, 23) +
    belowMillisecond.toString().padStart(3, "0");
}
