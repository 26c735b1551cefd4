import assert from "node:assert/strict";
import {
  END_OF_TIME,
  FIRST_TIME,
  floatText,
  formatIsoTime,
  isPlainIsoTime,
  normalIsoTime,
  parseIsoTime,
} from "../../lib/base/iso_time.ts";

Deno.test("parseIsoTime() gives microseconds since 1970", () => {
  const cases: [text: string, microseconds: number][] = [
    ["1970-01-01T00:00:00Z", 0],
    ["1970-01-01", 0],
    ["1970-01-01T00:00", 0],
    ["1970-01-01 00:00:00.000001", 1],
    ["1970-01-01_00:00:00,5z", 500_000],
    ["1969-12-31T23:59:59.999999Z", -1],
    ["2026-11-22T15:28:07.772212Z", 1795361287_772212],
    ["2026-11-22T15:28:07.772212+00:00", 1795361287_772212],
    ["2026-11-22T15:28:07.7722129999", 1795361287_772212],
    ["2026-11-22T15:28:07.7", 1795361287_700000],
    ["2026-11-22T16:58:07+01:30", 1795361287_000000],
    ["2026-11-22T03:28:07-1200", 1795361287_000000],
    ["2024-02-29T00:00:00Z", Date.UTC(2024, 1, 29) * 1000],
    ["0001-01-01T00:00:00Z", FIRST_TIME],
    ["0001-01-01T00:00:00+10:00", FIRST_TIME - 36000e6],
    ["0099-12-31", Date.parse("0099-12-31T00:00:00Z") * 1000],
    ["9999-12-31T23:59:59Z", END_OF_TIME - 1e6],
  ];
  for (const [text, microseconds] of cases) assert.equal(parseIsoTime(text), microseconds, text);
});

Deno.test("parseIsoTime() returns null when the text isn't a time", () => {
  for (
    const text of [
      "",
      "now",
      "2026",
      "2026-11",
      "2026-1-2",
      "20261122T152807Z",
      "2026-11-22T",
      "2026-11-22T15",
      "2026-11-22Z",
      "2026-11-22T15:28:07.Z",
      "2026-11-22T15:28:07 Z",
      "2026-11-22T15:28:07+05",
      "2026-11-22T15:28:07+24:00",
      "2026-11-22T15:28:07+01:60",
      "2026-11-22T24:00:00Z",
      "2026-11-22T23:60:00Z",
      "2026-11-22T23:59:60Z",
      "2026-00-22",
      "2026-13-22",
      "2026-11-00",
      "2026-11-31",
      "2026-02-29",
      "1900-02-29",
      "0000-01-01",
      "10000-01-01",
      "+2026-11-22",
      " 2026-11-22",
      "2026-11-22\n",
      "2026-11-22T15:28:07Zx",
      "２026-11-22",
    ]
  ) assert.equal(parseIsoTime(text), null, text);
});

Deno.test("isPlainIsoTime() takes usual times, and nothing that parseIsoTime() refuses", () => {
  const isPlain = (text: string) => {
    const bytes = new TextEncoder().encode(`"${text}"`);
    return isPlainIsoTime(bytes, 1, bytes.length - 1);
  };
  const usual = [
    "2026-11-22T15:28:07.772212Z",
    "2026-11-22T15:28:07+00:00",
    "2026-11-22T15:28:07.7",
  ];
  for (const text of usual) assert.ok(isPlain(text), text);
  // Each character of a time in turn replaced by each that could matter, or left out.
  for (const text of [...usual, "1999-12-28T23:59:59-23:59"]) {
    for (let i = 0; i < text.length; i++) {
      for (const c of ["", "0", "1", "2", "3", "6", "9", "-", ":", ".", "T", "Z", " ", "x"]) {
        const other = text.slice(0, i) + c + text.slice(i + 1);
        if (isPlain(other)) assert.notEqual(parseIsoTime(other), null, other);
      }
    }
  }
});

Deno.test("formatIsoTime() writes what parseIsoTime() reads", () => {
  const cases: [microseconds: number, text: string][] = [
    [0, "1970-01-01T00:00:00Z"],
    [1, "1970-01-01T00:00:00.000001Z"],
    [-1, "1969-12-31T23:59:59.999999Z"],
    [1795361287_772000, "2026-11-22T15:28:07.772000Z"],
    [1795361287_000000, "2026-11-22T15:28:07Z"],
    [FIRST_TIME, "0001-01-01T00:00:00Z"],
    [END_OF_TIME - 1e6, "9999-12-31T23:59:59Z"],
  ];
  for (const [microseconds, text] of cases) {
    assert.equal(formatIsoTime(microseconds), text);
    assert.equal(parseIsoTime(text), microseconds);
  }
  for (let i = 0; i < 1000; i++) {
    const microseconds = i * 7919_123457 - 3e12;
    assert.equal(parseIsoTime(formatIsoTime(microseconds)), microseconds);
  }
});

Deno.test("formatIsoTime() throws when no reader would understand the year", () => {
  for (const time of [FIRST_TIME - 1e6, END_OF_TIME, NaN, Infinity]) {
    assert.throws(() => formatIsoTime(time), RangeError);
  }
});

Deno.test("floatText() writes floats that stay floats", () => {
  for (
    const [value, text] of [
      [0, "0.0"],
      [-3, "-3.0"],
      [0.1, "0.1"],
      [1e-7, "1e-7"],
      [1e21, "1e+21"],
      [186773504, "186773504.0"],
      [0.000313, "0.000313"],
    ] as const
  ) {
    assert.equal(floatText(value), text);
    assert.equal(Number(text), value);
  }
});

// As the reference's model writes a start that it has read from a metadata file.
for (
  const [text, expected] of [
    ["2026-07-15T12:34:56.123456", "2026-07-15T12:34:56.123456"],
    ["2026-07-15T12:34:56.000000", "2026-07-15T12:34:56"],
    ["2026-07-15T12:34:56.120000", "2026-07-15T12:34:56.120000"],
    ["2026-07-15T12:34:56.123456Z", "2026-07-15T12:34:56.123456Z"],
    ["2026-07-15T12:34:56.123456+00:00", "2026-07-15T12:34:56.123456Z"],
    ["2026-07-15T12:34:56.000000+00:00", "2026-07-15T12:34:56Z"],
    ["2026-12-31T12:34:56.000000Z", "2026-12-31T12:34:56Z"],
    ["2026-07-15T12:34:56.123456+02:00", "2026-07-15T12:34:56.123456+02:00"],
    ["2026-07-15T12:34:56+00:00", "2026-07-15T12:34:56Z"],
    ["2026-07-15T12:34:56-0330", "2026-07-15T12:34:56-03:30"],
    ["2026-07-15 12:34:56.5Z", "2026-07-15T12:34:56.500000Z"],
    ["2026-07-15", "2026-07-15T00:00:00"],
    ["2026-07-15T12:34:56.000001-00:00", "2026-07-15T12:34:56.000001Z"],
    ["0001-01-01T00:30:00+02:00", "0001-01-01T00:30:00+02:00"],
  ] as const
) {
  Deno.test(`normalIsoTime() keeps the zone of ${text}, or that it has none`, () => {
    assert.equal(normalIsoTime(text), expected);
    assert.equal(parseIsoTime(normalIsoTime(text)), parseIsoTime(text));
  });
}
