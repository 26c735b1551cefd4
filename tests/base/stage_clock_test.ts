import assert from "node:assert/strict";
import { StageClock } from "../../lib/base/stage_clock.ts";

Deno.test("StageClock.seconds() sums each stage, also the one that is going on", () => {
  let ms = 500;
  const clock = new StageClock(["read", "write", "never"], () => ms);
  ms += 1000; // before any stage
  clock.enter("read");
  ms += 250;
  clock.enter("write");
  ms += 2000;
  clock.enter(null);
  ms += 4000; // between two stages
  clock.enter("read");
  ms += 500;
  assert.deepEqual(clock.seconds(), { read: 0.75, write: 2, never: 0 });
  ms += 1000;
  assert.deepEqual(clock.seconds(), { read: 1.75, write: 2, never: 0 });
});
