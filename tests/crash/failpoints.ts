/**
 * Kills at failpoints, as tests of each job.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type FailpointName, FAILPOINTS } from "../../lib/storage/failpoints.ts";
import { assertMasterUntouched, assertSurvives, forEachAtOnce, runArmed } from "./harness.ts";
import { type Job, type JobSpec, makeJob, told } from "./jobs.ts";

/** Failpoints of the tools that ingest; all others are those of the tools that aggregate. */
export function isOfIngest(name: FailpointName): boolean {
  return /^(ingest|forget|transfer|backed|delete|directories|source|undo)\./.test(name);
}

/** A failpoint and the pass at which it strikes. */
interface Strike {
  name: FailpointName;
  pass: number;
}

function strikesOf(job: Job): Strike[] {
  const strikes: Strike[] = [];
  for (const [name, nPasses] of job.passes) {
    if (job.strikes !== undefined && !job.strikes.test(name)) continue;
    const passes = job.isThorough ? new Set([1, Math.ceil(nPasses / 2), nPasses]) : [1];
    for (const pass of passes) strikes.push({ name, pass });
  }
  return strikes;
}

async function killAtEach(job: Job, strikes: readonly Strike[]): Promise<void> {
  await forEachAtOnce(strikes, async ({ name, pass }) => {
    const what = `${job.name}, killed at ${name}:${pass}`;
    await assertSurvives(job, what, async (work) => {
      const result = await runArmed(job, work, `${name}:${pass}=kill`);
      // How scans are grouped depends on timing, and so does how often a place is passed.
      if (pass > 1 && result.code === 0) return;
      assert.equal(result.signal, "SIGKILL", `${what}: ${told(result)}`);
    });
  });
}

/**
 * Tests that each job ends as undisturbed after a kill at each of its failpoints.
 *
 * @param isExpected tells failpoints at which one of the jobs, at least, must be killed.
 */
export function testKills(
  specs: readonly JobSpec[],
  isExpected: (name: FailpointName) => boolean,
): void {
  const struck = new Set<FailpointName>();
  for (const spec of specs) {
    Deno.test(`${spec.name} ends as undisturbed when killed at a failpoint and run again`, async () => {
      using job = await makeJob(spec);
      const strikes = strikesOf(job);
      assert.ok(strikes.length > 0);
      for (const { name } of strikes) struck.add(name);
      await killAtEach(job, strikes);
      await assertMasterUntouched(job);
    });
  }
  Deno.test("some job is killed at every failpoint of these tools", () => {
    const expected = FAILPOINTS.filter(isExpected);
    assert.ok(expected.length > 0);
    assert.deepEqual(expected.filter((name) => !struck.has(name)), []);
  });
}
