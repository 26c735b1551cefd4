/** `ingest-graph --in-place`: another order of effects, the same end. */

import assert from "node:assert/strict";
import { runProvgraph, unpackFixture } from "../support/fixtures.ts";
import { assertIngested, CASES } from "./harness.ts";

const IN_PLACE = ["ingest-graph", "repo", "provenance.qg", "--batch-size", "20", "--in-place"];

for (const name of ["small-ok", "small-mixed", "small-failed"]) {
  for (const archive of ["aggregated", "aggregated-promise"]) {
    Deno.test(`ingest-graph --in-place gives the state of the reference when ${name} is ${archive}`, async () => {
      await using work = await unpackFixture(name, archive);
      const { code, stderr } = await runProvgraph(IN_PLACE, { cwd: work.path });
      assert.equal(code, 0, stderr);
      assertIngested(work, CASES[name]);
    });
  }
}
