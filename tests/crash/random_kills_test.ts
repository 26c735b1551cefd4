/** Kills the tools with SIGKILL at random moments, also again while they resume. */

import assert from "node:assert/strict";
import { spawnProvgraph, type TemporaryDirectory } from "../support/fixtures.ts";
import { assertMasterUntouched, assertSurvives, forEachAtOnce } from "./harness.ts";
import { AGGREGATE_JOBS, INGEST_JOBS, type Job, makeJob } from "./jobs.ts";
import { N_TURNS, Random, seedsOr } from "./random.ts";

/** For each job and seed this many single kills, and chains of three. */
const N_SINGLE = 3 * N_TURNS;
const N_CHAINS = N_TURNS;
const CHAIN_LENGTH = 3;
const SEEDS = seedsOr([20260701]);
/** Before this part of a run has passed, the program is only being loaded. */
const EARLIEST = 0.15;
/** Of the delay that was too long for a run: how much of it is tried next. */
const SHORTER = 0.8;

const JOBS = [
  AGGREGATE_JOBS.find(({ name }) => name === "aggregate-graph -o")!,
  AGGREGATE_JOBS.find(({ name }) => name === "aggregate-graph -o again after retries")!,
  INGEST_JOBS.find(({ name }) => name === "ingest-graph --transfer move")!,
  INGEST_JOBS.find(({ name }) => name === "ingest-graph --transfer copy")!,
];

/**
 * Kills the job in `work`.
 *
 * @returns whether it was killed.
 */
async function killAfter(job: Job, work: TemporaryDirectory, delayMs: number): Promise<boolean> {
  const child = spawnProvgraph(job.args, { cwd: work.path });
  const timer = setTimeout(() => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has just ended.
    }
  }, delayMs);
  const { signal } = await child.output();
  clearTimeout(timer);
  return signal === "SIGKILL";
}

/** A delay within an undisturbed run; under load runs take longer, and kills come early in them. */
function randomDelay(job: Job, random: Random): number {
  return job.durationMs * (EARLIEST + (1 - EARLIEST) * random.next());
}

for (const [spec, seed] of JOBS.flatMap((job) => SEEDS.map((seed) => [job, seed] as const))) {
  Deno.test(`${spec.name} ends as undisturbed when killed at random and run again (seed ${seed})`, async () => {
    const random = new Random(spec.name, seed);
    using job = await makeJob(spec);
    let nKills = 0;
    const chains = Array.from({ length: N_SINGLE + N_CHAINS }, (_, i) => {
      const length = i < N_SINGLE ? 1 : CHAIN_LENGTH;
      return Array.from({ length }, () => randomDelay(job, random));
    });
    await forEachAtOnce(chains, async (delays, i) => {
      for (let scale = 1;; scale *= SHORTER) {
        const scaled = delays.map((delay) => delay * scale);
        const what = `${spec.name}, chain ${i} of seed ${seed}, killed after ` +
          scaled.map((delay) => `${delay.toFixed(0)} ms`).join(", ");
        let isKilled = true;
        await assertSurvives(job, what, async (work) => {
          for (const delay of scaled) isKilled = await killAfter(job, work, delay) && isKilled;
        });
        if (isKilled) break;
      }
      nKills += delays.length;
    });
    assert.equal(nKills, N_SINGLE + N_CHAINS * CHAIN_LENGTH);
    await assertMasterUntouched(job);
  });
}
