/**
 * Some of the records of a log: by level, by what they say, the last ones. Records stay as they are
 * written.
 *
 * @module
 */

import { ByteBuilder } from "../../base/bytes.ts";
import { forEachLogRecord } from "../../sources/logs/log_text.ts";

/** Which records are wanted; each of these that is not null must fit. */
export interface LogFilter {
  /** Least level, as a number. */
  minLevel: number | null;
  /** Matches the record's text as it is printed. */
  pattern: RegExp | null;
  /** How many of the records that fit, counted from the end. */
  tail: number | null;
}

/**
 * The array of the records that fit.
 *
 * @param records JSON array of log records.
 * @throws {SyntaxError} if it isn't that.
 */
export function filterRecords(records: Uint8Array, filter: LogFilter): Uint8Array {
  const { minLevel, pattern, tail } = filter;
  const ranges: [startByte: number, endByte: number][] = [];
  forEachLogRecord(records, ({ line, levelno, range }) => {
    if (minLevel !== null && !(levelno >= minLevel)) return;
    if (pattern !== null && !pattern.test(line)) return;
    ranges.push(range);
  });
  const kept = tail === null ? ranges : ranges.slice(Math.max(0, ranges.length - tail));
  const out = new ByteBuilder();
  out.text("[");
  kept.forEach(([startByte, endByte], i) => {
    if (i > 0) out.text(",");
    out.bytes(records, startByte, endByte);
  });
  out.text("]");
  return out.take();
}
