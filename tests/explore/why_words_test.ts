/** The explorer's page says of a quantum what the command says. */

import assert from "node:assert/strict";
import { whyWords } from "../../lib/explore/page/model/why_words.ts";
import { openSource } from "../../lib/sources/open_source.ts";
import { graphTruth } from "../cli/graph_truth.ts";
import { expectProvgraph, fixturePath } from "../support/fixtures.ts";

const STATUSES = ["FAILED", "SUCCESSFUL", "BLOCKED"];

for (const fixture of ["small-mixed", "small-failed"]) {
  for (const status of STATUSES) {
    const quantum = graphTruth(fixture).quanta.find((each) => each.status === status);
    if (quantum === undefined) continue;
    Deno.test(`the page explains a quantum of ${fixture} that is ${status} as the command does`, async () => {
      const path = fixturePath(fixture, "provenance.qg");
      await using source = await openSource(path, null, Deno.env, Deno.cwd());
      const { stdout } = await expectProvgraph(["why", path, quantum.quantum_id]);
      assert.equal(await whyWords(source, quantum.quantum_id), stdout);
    });
  }
}
