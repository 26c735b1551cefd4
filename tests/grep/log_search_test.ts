/** A search finds what reading every record finds. */

import assert from "node:assert/strict";
import { encodeUtf8 } from "../../lib/base/json_text.ts";
import { LogSearch } from "../../lib/grep/log_search.ts";

const RECORD = {
  name: "lsst.isr",
  asctime: "2026-07-01T12:34:56.000000Z",
  message: "Flux of 3 sources is negative\nsecond line",
  levelno: 30,
  levelname: "WARNING",
  filename: "isr.py",
  pathname: "/opt/isr.py",
  lineno: 12,
  funcName: null,
  process: 7,
  processName: "MainProcess",
  exc_info: null,
  MDC: {},
};
/** As the reference prints it. */
const LINE = "WARNING 2026-07-01T12:34:56+00:00 lsst.isr isr.py:12 - " + RECORD.message;

function found(text: string, source: string, more: { i?: boolean; level?: number } = {}) {
  const search = new LogSearch({
    source,
    isCaseIgnored: more.i ?? false,
    minLevel: more.level ?? null,
    nMost: 100,
  });
  return search.search(encodeUtf8(text));
}

const DOCUMENT = JSON.stringify({ attempts: [null, [], [RECORD, { ...RECORD, levelno: 10 }]] });

/** Pattern, options, number of records of {@linkcode DOCUMENT} that match. */
const CASES: readonly (readonly [
  pattern: string,
  more: { i?: boolean; level?: number },
  n: number,
])[] = [
  ["negative", {}, 2],
  ["negative", { level: 30 }, 1],
  ["NEGATIVE", {}, 0],
  ["NEGATIVE", { i: true }, 2],
  ["negative$", {}, 0],
  ["line$", {}, 2],
  // What is between the fields, and the time as it is printed.
  ["isr\\.py:12 - Flux", {}, 2],
  ["56\\+00:00 lsst", {}, 2],
  ["WARNING 2026", {}, 2],
  // Fields that are not printed.
  ["MainProcess", {}, 0],
  ["attempts", {}, 0],
];

for (const [pattern, more, n] of CASES) {
  Deno.test(`${pattern} ${JSON.stringify(more)} matches ${n} records`, () => {
    assert.equal(found(DOCUMENT, pattern, more).n, n);
  });
}

Deno.test("records come with their attempt, as they are printed", () => {
  assert.deepEqual(found(DOCUMENT, "Flux", { level: 30 }).records, [
    { attempt: 2, levelno: 30, line: LINE },
  ]);
});

/** Forms that JSON allows, or Python writes, and that the platform's parser or a plain search would miss. */
const FORMS: readonly (readonly [what: string, text: string])[] = [
  ["letters as codes", DOCUMENT.replaceAll("negative", "n\\u0065gative")],
  ["NaN beside it", DOCUMENT.replaceAll('"MDC":{}', '"MDC":{},"flux":NaN')],
  ["a time as a number", DOCUMENT.replaceAll(/"asctime":"[^"]*"/g, '"asctime":1782909296')],
  ["a line number beyond 2^53", DOCUMENT.replaceAll('"lineno":12', '"lineno":9007199254740993')],
  ["blanks", JSON.stringify(JSON.parse(DOCUMENT), null, 2)],
];

for (const [what, text] of FORMS) {
  Deno.test(`${what}: found all the same`, () => {
    const { n, records } = found(text, "negative");
    assert.equal(n, 2);
    assert.equal(records[0].attempt, 2);
    assert.match(records[0].line, /Flux of 3 sources is negative\nsecond line$/);
    if (what.startsWith("a line")) assert.match(records[0].line, /isr\.py:9007199254740993 - /);
    else assert.equal(records[0].line, LINE);
  });
}

Deno.test("what is no log is an error", () => {
  for (const text of ["", "{}", '{"attempts":[[1]]}', '{"attempts":[[{]]}']) {
    assert.throws(() => found(text, "."), SyntaxError);
  }
});

Deno.test("more records than are given are counted", () => {
  const text = JSON.stringify({ attempts: [Array(150).fill(RECORD)] });
  const { n, records } = found(text, "Flux");
  assert.deepEqual([n, records.length], [150, 100]);
});
