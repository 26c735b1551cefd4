import assert from "node:assert/strict";
import {
  compareCodePoints,
  pythonFloatFromText,
  pythonFloatText,
  pythonJson,
  SORT_KEY,
} from "./python_json.ts";
import { logFingerprint, metadataFingerprint, normalTime } from "./payload_hashes.ts";
import { parseJson } from "../../lib/base/json_text.ts";

// Right-hand sides of all tables here were printed by Python 3.13 with the reference's models.

Deno.test("pythonFloatText() writes what repr() does when given floats of every size", () => {
  const cases: [number, string][] = [
    [1, "1.0"],
    [-0, "-0.0"],
    [1e-9, "1e-09"],
    [1.25e-7, "1.25e-07"],
    [0.0001, "0.0001"],
    [0.00001, "1e-05"],
    [1e16, "1e+16"],
    [123456789012345680, "1.2345678901234568e+17"],
    [1152921504606846977, "1.152921504606847e+18"],
    [9007199254740993, "9007199254740992.0"],
    [186773504, "186773504.0"],
    [1.5e300, "1.5e+300"],
    [5e-324, "5e-324"],
    [1 / 3, "0.3333333333333333"],
    [100000, "100000.0"],
    [-12.5, "-12.5"],
    [NaN, "NaN"],
    [-Infinity, "-Infinity"],
  ];
  for (const [value, text] of cases) assert.equal(pythonFloatText(value), text);
});

Deno.test("pythonFloatFromText() takes what float() takes", () => {
  const cases: [string, number | null][] = [
    ["12", 12],
    ["nan", NaN],
    ["Infinity", Infinity],
    ["-inf", -Infinity],
    ["iNf", Infinity],
    ["1_000", 1000],
    ["1__0", null],
    ["_1", null],
    [" 7 ", 7],
    ["\u2003 3\n", 3],
    ["abc", null],
    ["0x10", null],
    ["١٢", 12],
    ["+5.", 5],
    [".5", 0.5],
    [".", null],
    ["", null],
    ["1e5", 1e5],
    ["e5", null],
    ["1e", null],
  ];
  for (const [text, value] of cases) assert.equal(pythonFloatFromText(text), value, text);
});

Deno.test("pythonJson() sorts keys by code point when some are outside the basic plane", () => {
  assert.equal(
    pythonJson({ "\u{1f600}": 1, "\uff5e": "é\u2028\u0001", a: [true, null, 2n ** 60n] }),
    '{"a":[true,null,1152921504606846976],"\uff5e":"é\u2028\\u0001","\u{1f600}":1}',
  );
  assert.equal(pythonJson(["é\u{1f600}"], SORT_KEY), '["\\u00e9\\ud83d\\ude00"]');
  assert.ok(compareCodePoints("ab", "abc") < 0);
});

Deno.test("normalTime() writes times as the reference does when it has read them", () => {
  const cases: [string | number, string][] = [
    ["2026-11-22T15:28:07.772212Z", "2026-11-22T15:28:07.772212Z"],
    ["2026-11-22T15:28:07.000000Z", "2026-11-22T15:28:07Z"],
    ["2026-11-22T15:28:07", "2026-11-22T15:28:07"],
    ["2026-11-22 15:28:07.5+02:00", "2026-11-22T15:28:07.500000+02:00"],
    ["2026-11-22T15:28:07.100000+00:00", "2026-11-22T15:28:07.100000Z"],
    ["2026-11-22T15:28:07-05:30", "2026-11-22T15:28:07-05:30"],
    ["2026-11-22T15:28:07+0200", "2026-11-22T15:28:07+02:00"],
    ["2026-11-22T15:28:07.7722125Z", "2026-11-22T15:28:07.772212Z"],
    ["2026-11-22T15:28Z", "2026-11-22T15:28:00Z"],
    ["2026-11-22", "2026-11-22T00:00:00"],
    ["2026-11-22t15:28:07z", "2026-11-22T15:28:07Z"],
    ["1795361287.5", "2026-11-22T15:28:07.500000Z"],
    [1795361287.772212, "2026-11-22T15:28:07.772212Z"],
    [1795361287, "2026-11-22T15:28:07Z"],
    [1795361287772, "2026-11-22T15:28:07.772000Z"],
    [-1.5, "1969-12-31T23:59:58.500000Z"],
  ];
  for (const [value, text] of cases) assert.equal(normalTime(value), text);
});

Deno.test("metadataFingerprint() equals itself when numbers are written in another form", () => {
  const one = parseJson(
    '{"scalars":{"a":1,"b":true,"c":"12","d":null,"e":1152921504606846977},"arrays":{"x":["1","2"],"y":[1,"b"],"z":[]}}'
      .replace('[1,"b"]', '["1","b"]'),
  );
  const other = parseJson(
    '{"metadata":{},"scalars":{"e":1.152921504606847e18,"d":NaN,"c":12.0,"b":1.0,"a":1.0},"arrays":{"y":["1","b"],"x":[1.0,2.0],"z":[]}}',
  );
  assert.deepEqual(metadataFingerprint(one), metadataFingerprint(other));
  assert.notDeepEqual(metadataFingerprint(one), metadataFingerprint(parseJson("{}")));
});

Deno.test("logFingerprint() equals itself when defaults are written out", () => {
  const record =
    '{"name":"n","asctime":"2026-11-22T15:28:07.0Z","message":"m","levelno":20,"levelname":"INFO","filename":"f","pathname":"p","lineno":3,"process":2,"processName":"P","MDC":{"b":"1","a":"2"}}';
  const full = record.replace('"MDC"', '"funcName":null,"exc_info":null,"MDC"').replace(".0Z", "Z");
  assert.deepEqual(
    logFingerprint(parseJson(`[${record}]`)),
    logFingerprint(parseJson(`[${full}]`)),
  );
  assert.throws(() => logFingerprint(parseJson('[{"name":"n"}]')));
});
