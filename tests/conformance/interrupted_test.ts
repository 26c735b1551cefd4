/** What the reference left when it was killed: this tool finishes it (design, section 4). */

import { assertStateEqual } from "../support/compare.ts";
import { dumpState } from "../support/dump_state.ts";
import {
  expectedJson,
  fixtureArchives,
  fixturePath,
  RUN,
  unpackFixture,
} from "../support/fixtures.ts";
import {
  aggregate,
  assertGraph,
  assertIngested,
  assertNoLeftovers,
  assertState,
  CASES,
  ingest,
} from "./harness.ts";

const MIXED = CASES["small-mixed"];

/** Points at which the batch with the logs never written had been committed: they stay. */
const KEEPS_LOGS_NEVER_WRITTEN =
  /^batch-ingested-|^batch-(part-)?deleted-2$|^before-rmdir$|^mid-rmdir-4$|^promise-batch-deleted-2$/;

for (const archive of fixtureArchives("interrupted-ingest")) {
  Deno.test(`ingest-graph finishes the job when the reference was killed at ${archive}`, async () => {
    await using work = await unpackFixture("interrupted-ingest", archive);
    for (const turn of ["first", "second"]) {
      // After a move only the run says where the graph is now.
      await ingest(work, { batchSize: 20, flags: ["--output-run", RUN] });
      if (KEEPS_LOGS_NEVER_WRITTEN.test(archive)) {
        assertStateEqual(
          dumpState(work.repo),
          expectedJson("small-mixed", "ingested.state"),
          `${archive}, ${turn} run`,
        );
      } else {
        const before = archive.startsWith("promise-") ? "aggregated-promise" : "aggregated";
        assertIngested(work, MIXED, { before });
      }
      assertNoLeftovers(work);
    }
  });
}

for (const archive of fixtureArchives("interrupted-aggregate")) {
  Deno.test(`aggregate-graph finishes the job when the reference was killed at ${archive}`, async () => {
    await using work = await unpackFixture("interrupted-aggregate", archive);
    await Deno.copyFile(fixturePath("small-mixed", "predicted.qg"), work.join("predicted.qg"));
    await aggregate(work, MIXED);
    assertState(work, "small-mixed", "aggregated");
    await assertGraph(work, "small-mixed");
    assertNoLeftovers(work, "predicted.qg", "provenance.qg");
  });
}
