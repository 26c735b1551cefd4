/** At which level a graph is compressed. */

import assert from "node:assert/strict";
import { compressionLevel } from "../../lib/aggregate/scan/compression.ts";

for (
  const [asked, nQuanta, level] of [
    [null, 0, 3],
    [null, 5000, 3],
    [null, 5001, 1],
    [null, 1e6, 1],
    [1, 10, 1],
    [10, 1e6, 10],
  ] as [asked: number | null, nQuanta: number, level: number][]
) {
  Deno.test(`${nQuanta} quanta, level ${asked ?? "not asked for"}: compressed at ${level}`, () => {
    assert.equal(compressionLevel(asked, nQuanta), level);
  });
}
