/** Attempts before the last one in a table of quanta. */

import assert from "node:assert/strict";
import type { Attempt } from "../../../lib/provenance/documents/quantum.ts";
import { earlierText, readEarlier } from "../../../lib/provenance/table/earlier_attempts.ts";

const FAILED: Attempt = {
  status: -1,
  caveats: null,
  exception: { typeName: "lsst.FitError", message: "chi2 is nan\nat visit 7" },
  usage: {
    memory: 2 ** 31,
    start: "2026-07-15T12:34:56.000001Z",
    prepTime: 0.5,
    initTime: Infinity,
    runTime: 12.25,
    cpuSeconds: NaN,
  },
};
const KILLED: Attempt = { status: -1, caveats: null, exception: null, usage: null };

Deno.test("a table tells of earlier attempts what columns tell of the last", () => {
  const [failed, killed] = readEarlier(earlierText([FAILED, KILLED])!);
  const start = Date.UTC(2026, 6, 15, 12, 34, 56) * 1000 + 1;
  assert.deepEqual(failed, {
    status: -1,
    caveats: null,
    exception: "lsst.FitError",
    message: "chi2 is nan",
    start,
    prepTime: 0.5,
    initTime: NaN,
    runTime: 12.25,
    cpuTime: NaN,
    memory: 2 ** 31,
  });
  assert.equal(killed.exception, null);
  assert.ok(Number.isNaN(killed.start) && Number.isNaN(killed.memory));
});

Deno.test("of a quantum that was tried hundreds of times the document tells", () => {
  assert.equal(readEarlier(earlierText(new Array(100).fill(KILLED))!).length, 100);
  assert.equal(earlierText(new Array(101).fill(KILLED)), null);
});

for (const text of ["{}", "[1]", '[{"status":"FAILED"}]', "[{}", '[{"exception":1}]']) {
  Deno.test(`${text} is no text of attempts`, () => {
    assert.throws(() => readEarlier(text), SyntaxError);
  });
}
