/**
 * Interrupting a job, looking at what is left, and running it again.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  expectProvgraph,
  type ProcessResult,
  RUN,
  runProvgraph,
  type TemporaryDirectory,
} from "../support/fixtures.ts";
import { GRAPH, type Job, told, treeOf } from "./jobs.ts";
import { assertNothingLost, assertSameSnapshot, takeSnapshot } from "./snapshot.ts";

/** Processes at a time, beside those of other test files. */
const N_AT_ONCE = Math.min(4, navigator.hardwareConcurrency);
const MAX_SHOWN = 6;

/**
 * Works on all items, several at a time.
 *
 * @throws {Error} with the first few failures, when all items have had their turn.
 */
export async function forEachAtOnce<T>(
  items: readonly T[],
  work: (item: T, index: number) => Promise<void>,
  nAtOnce = N_AT_ONCE,
): Promise<void> {
  const failures: string[] = [];
  let next = 0;
  const run = async () => {
    while (next < items.length) {
      const index = next++;
      try {
        await work(items[index], index);
      } catch (error) {
        failures.push(error instanceof Error ? error.stack ?? error.message : String(error));
      }
    }
  };
  await Promise.all(Array.from({ length: nAtOnce }, run));
  if (failures.length === 0) return;
  const more = failures.length > MAX_SHOWN ? `\nand ${failures.length - MAX_SHOWN} more` : "";
  throw new Error(
    `${failures.length} of ${items.length} failed:\n` +
      failures.slice(0, MAX_SHOWN).join("\n\n") + more,
  );
}

/** Runs a job's command line with failpoints armed. */
export function runArmed(
  job: Pick<Job, "args">,
  work: TemporaryDirectory,
  failpoints: string,
): Promise<ProcessResult> {
  return runProvgraph(job.args, { cwd: work.path, env: { PROVGRAPH_FAILPOINTS: failpoints } });
}

/**
 * Runs the same command line again and checks that the outcome is that of an undisturbed run.
 *
 * @param what says which interruption this is.
 */
export async function assertFinishes(
  job: Job,
  work: TemporaryDirectory,
  what: string,
): Promise<void> {
  // A move that was complete, but for the end of the process, has taken the graph that is named.
  const isMoved = job.args.includes("move") && !exists(work.join(GRAPH));
  // So has an undo; there is nothing that could be undone any more.
  const isUndone = job.tool === "undo" && exists(work.join(GRAPH)) &&
    [...job.before.tree.keys()].every((path) =>
      !/^repo\/.*\.qg$/.test(path) || !exists(work.join(path))
    );
  const isAllDone = isMoved || isUndone;
  const result = await runProvgraph(job.args, { cwd: work.path });
  assert.equal(result.code, isAllDone ? 2 : job.code, `${what}, run again: ${told(result)}`);
  if (isMoved) {
    // The hint's command finds all done, and takes the lock of the process that was killed away.
    await expectProvgraph(["ingest-graph", "repo", "--output-run", RUN], { cwd: work.path });
  }
  // Who finds nothing to undo removes nothing either: it may be there, but is empty.
  const directory = `${work.repo}/${RUN}/run_provenance`;
  if (isUndone && exists(directory)) Deno.removeSync(directory);
  assertSameSnapshot(job, await takeSnapshot(work), job.after, what);
  if (job.followUp !== undefined) {
    await expectProvgraph(job.followUp, { cwd: work.path });
    assertSameSnapshot(job, await takeSnapshot(work), job.afterFollowUp!, `${what}, followed up`);
  }
}

/** Interrupts a job in a tree of its own, then checks what is left and what a rerun makes of it. */
export async function assertSurvives(
  job: Job,
  what: string,
  interrupt: (work: TemporaryDirectory) => Promise<void>,
): Promise<void> {
  await using work = await treeOf(job);
  await interrupt(work);
  await assertNothingLost(job, work, what);
  await assertFinishes(job, work, what);
}

/** Checks that no test has changed the tree from which others start. */
export async function assertMasterUntouched(job: Job): Promise<void> {
  assertSameSnapshot(job, await takeSnapshot(job.master), job.before, "tree to start from");
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
