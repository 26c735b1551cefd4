import assert from "node:assert/strict";
import { underWay } from "./under_way.ts";

Deno.test("requests under way are counted by their share of each part of the time", () => {
  const requests = [{ t: 0, ms: 1000 }, { t: 0.5, ms: 1000 }, { t: 3.5, ms: 9000 }];
  assert.deepEqual(underWay(requests, 4, 4), [1.5, 0.5, 0, 0.5]);
});
