import assert from "node:assert/strict";
import { hasOddTimes, latestStart } from "../../lib/report/odd_times.ts";

const BUILT = "2026-07-15T00:00:00.000000";
const micros = (iso: string) => Date.parse(iso) * 1000;
const SOUND = {
  startMicros: micros("2026-07-16T00:00:00Z"),
  prepSeconds: 0.5,
  initSeconds: 0,
  runSeconds: 86_400,
};

for (
  const [name, change, expected] of [
    ["an ordinary attempt", {}, false],
    ["an attempt of which only the start is known", {
      prepSeconds: NaN,
      initSeconds: NaN,
      runSeconds: NaN,
    }, false],
    ["an attempt of which no start is known", { startMicros: null }, false],
    ["a run that ends before it starts", { runSeconds: -8964 }, true],
    ["an initialisation that ends before it starts", { initSeconds: -1.001 }, true],
    ["a clock that was put right by less than a second", { initSeconds: -0.999 }, false],
    ["a run of 73 years", { runSeconds: 73 * 366 * 86_400 }, true],
    ["a start at the beginning of Unix time", { startMicros: 0 }, true],
    ["a start in 2099", { startMicros: micros("2099-01-01T00:00:00Z") }, true],
  ] as const
) {
  Deno.test(`hasOddTimes() says ${expected ? "yes" : "no"} to ${name}`, () => {
    assert.equal(hasOddTimes({ ...SOUND, ...change }, latestStart(BUILT)), expected);
  });
}

Deno.test("hasOddTimes() knows no latest start when the graph doesn't say when it was built", () => {
  const late = { ...SOUND, startMicros: micros("2099-01-01T00:00:00Z") };
  assert.equal(hasOddTimes(late, latestStart("")), false);
});
