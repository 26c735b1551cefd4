/** Kills the tools at every failpoint, in every mode in which it is passed. */

import assert from "node:assert/strict";
import { type FailpointName, FAILPOINTS } from "../../lib/store/failpoints.ts";
import { assertMasterUntouched, assertSurvives, forEachAtOnce, runArmed } from "./harness.ts";
import {
  AGGREGATE_JOBS,
  INGEST_JOBS,
  type Job,
  makeJob,
  SHARD_JOBS,
  told,
  UNDO_JOBS,
} from "./jobs.ts";

/** Failpoints that some mode passes. */
const passed = new Set<FailpointName>();

/** A failpoint and the pass at which it strikes. */
interface Strike {
  name: FailpointName;
  pass: number;
}

function strikesOf(job: Job): Strike[] {
  const strikes: Strike[] = [];
  for (const [name, nPasses] of job.passes) {
    const passes = job.isThorough ? new Set([1, Math.ceil(nPasses / 2), nPasses]) : [1];
    for (const pass of passes) strikes.push({ name, pass });
  }
  return strikes;
}

for (const spec of [...AGGREGATE_JOBS, ...SHARD_JOBS, ...INGEST_JOBS, ...UNDO_JOBS]) {
  Deno.test(`${spec.name} ends as undisturbed when killed at a failpoint and run again`, async () => {
    using job = await makeJob(spec);
    for (const name of job.passes.keys()) passed.add(name);
    await forEachAtOnce(strikesOf(job), async ({ name, pass }) => {
      const what = `${spec.name}, killed at ${name}:${pass}`;
      await assertSurvives(job, what, async (work) => {
        const result = await runArmed(job, work, `${name}:${pass}=kill`);
        // How scans are grouped depends on timing, and so does how often a place is passed.
        if (pass > 1 && result.code === 0) return;
        assert.equal(result.signal, "SIGKILL", `${what}: ${told(result)}`);
      });
    });
    await assertMasterUntouched(job);
  });
}

Deno.test("every failpoint is passed in some mode", () => {
  assert.deepEqual(FAILPOINTS.filter((name) => !passed.has(name)), []);
});
