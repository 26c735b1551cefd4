/**
 * Log records as the butler prints them: `{levelname} {asctime} {name} {filename}:{lineno} - {message}`.
 * Source: format string of the reference's `ButlerLogRecords`.
 *
 * @module
 */

import { JsonCursor } from "../../base/json_text.ts";

/** The fields of a record that its text shows, the time as Python prints it. */
interface ShownFields {
  levelname: string;
  asctime: string;
  name: string;
  filename: string;
  lineno: string;
  message: string;
  levelno: number;
}

/** A record of a log. */
interface LogRecordView {
  /** As it is printed, without line end. */
  line: string;
  /** NaN if the record has none. */
  levelno: number;
  /** Where the record is in the text of the array. */
  range: [startByte: number, endByte: number];
}

/**
 * Calls back with each record of an array.
 *
 * @throws {SyntaxError} if it isn't an array of log records.
 */
export function forEachLogRecord(
  records: Uint8Array,
  each: (record: LogRecordView) => void,
): void {
  const cursor = new JsonCursor(records);
  cursor.beginArray();
  while (cursor.nextElement()) {
    cursor.kind(); // skips blanks
    const start = cursor.position;
    const f = readShownFields(cursor);
    each({
      line: lineOf(f),
      levelno: f.levelno,
      range: [start, cursor.position],
    });
  }
  cursor.finish();
}

/** A record as it is printed, without line end. */
export function lineOf(f: Omit<ShownFields, "levelno">): string {
  return `${f.levelname} ${f.asctime} ${f.name} ${f.filename}:${f.lineno} - ${f.message}`;
}

/** The same for whoever wants their text alone. */
export function forEachLogLine(records: Uint8Array, each: (line: string) => void): void {
  forEachLogRecord(records, ({ line }) => each(line));
}

function readShownFields(cursor: JsonCursor): ShownFields {
  const fields: ShownFields = {
    levelname: "",
    asctime: "",
    name: "",
    filename: "",
    lineno: "",
    message: "",
    levelno: NaN,
  };
  cursor.beginObject();
  while (cursor.nextMember()) {
    const key: string = cursor.key;
    switch (key) {
      case "levelname":
      case "name":
      case "filename":
      case "message":
        fields[key] = cursor.readString();
        break;
      case "asctime":
        fields.asctime = cursor.kind() === "number"
          ? pythonTime(cursor.readNumber())
          : pythonTimeText(cursor.readString());
        break;
      case "levelno":
        fields.levelno = cursor.readNumber();
        break;
      case "lineno":
        fields.lineno = String(cursor.readValue());
        break;
      default:
        cursor.skip();
    }
  }
  return fields;
}

const TIME =
  /^(\d{4}-\d{2}-\d{2})[Tt _](\d{2}:\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s?([Zz]|[+-]\d{2}(?::?\d{2})?)?$/;

/** The form that nearly all have, of which Python changes the zone alone. */
const USUAL_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.(?!000000)\d{6}Z$/;

/** A time as Python's `isoformat()` gives it: zero fractions left out, `Z` as `+00:00`. */
export function pythonTimeText(text: string): string {
  if (USUAL_TIME.test(text)) return `${text.slice(0, -1)}+00:00`;
  const match = TIME.exec(text);
  if (match === null) return text;
  const [, date, minutes, seconds = "00", fraction = "", zone = ""] = match;
  const micro = fraction.padEnd(6, "0").slice(0, 6);
  let offset = "";
  if (zone === "Z" || zone === "z") offset = "+00:00";
  else if (zone !== "") offset = `${zone.slice(0, 3)}:${zone.slice(3).replace(":", "") || "00"}`;
  return `${date}T${minutes}:${seconds}${micro === "000000" ? "" : `.${micro}`}${offset}`;
}

/** The same for seconds since 1970. */
function pythonTime(seconds: number): string {
  // Python reads numbers this large as milliseconds.
  if (Math.abs(seconds) > 2e10) seconds /= 1000;
  const micro = Math.round(seconds * 1e6);
  const whole = Math.floor(micro / 1e6);
  const date = new Date(whole * 1000);
  if (Number.isNaN(date.getTime())) return String(seconds);
  const fraction = String(micro - whole * 1e6).padStart(6, "0");
  return pythonTimeText(`${date.toISOString().slice(0, 19)}.${fraction}Z`);
}
