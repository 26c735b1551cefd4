/** SIGINT and SIGTERM in every phase: one stops in good order, two at once. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import type { FailpointName } from "../../lib/storage/failpoints.ts";
import {
  type ProcessResult,
  spawnProvgraph,
  type TemporaryDirectory,
} from "../support/fixtures.ts";
import { assertMasterUntouched, assertSurvives, forEachAtOnce, runArmed } from "./harness.ts";
import { AGGREGATE_JOBS, INGEST_JOBS, type JobSpec, makeJob, told } from "./jobs.ts";
import { assertTidy } from "./snapshot.ts";

function jobNamed(name: string): JobSpec {
  return [...AGGREGATE_JOBS, ...INGEST_JOBS].find((job) => job.name === name)!;
}

const AGGREGATE = jobNamed("aggregate-graph -o");
const MOVE = jobNamed("ingest-graph --transfer move");

/** From here on a command is complete, or will be before it looks for signals again. */
const TOO_LATE: readonly FailpointName[] = [
  "file.renamed",
  "finish.directory-synced",
  "finish.chunks-removed",
  "aggregate.before-unlock",
  "directories.before",
  "directories.one",
  "directories.done",
  "source.before-delete",
  "source.deleted",
];

/**
 * Without a graph to publish, what the ingester of a small run does is the last that there is to do: its scan
 * has ended by then, or ends while the signal is on its way.
 */
const TOO_LATE_WITHOUT_OUTPUT: readonly FailpointName[] = [
  ...TOO_LATE,
  "aggregate.types-registered",
  "aggregate.run-registered",
  "aggregate.chain-updated",
  "import.before-commit",
  "import.committed",
];

/** A signal that a worker raises takes a moment; on a busy machine the command may end before it. */
const N_TRIES = 4;

const SIGNALS = [["int", "SIGINT", 130], ["term", "SIGTERM", 143]] as const;

function assertStopped(
  result: ProcessResult,
  [, signal, code]: typeof SIGNALS[number],
  what: string,
): void {
  assert.equal(result.code, code, `${what}: ${told(result)}`);
  assert.match(result.stderr, new RegExp(`^error: Stopped by ${signal}; kept: .*\\d`, "m"), what);
  assert.match(result.stderr, /^to continue: provgraph (aggregate|ingest)-graph /m, what);
  assert.doesNotMatch(result.stderr, /\n {4}at /, what);
}

for (
  const [spec, tooLate] of [
    [AGGREGATE, TOO_LATE],
    [jobNamed("aggregate-graph without output"), TOO_LATE_WITHOUT_OUTPUT],
    [MOVE, TOO_LATE],
  ] as const
) {
  Deno.test(`${spec.name} finishes what is in hand and says how to continue when a signal comes`, async () => {
    using job = await makeJob(spec);
    const cases = [...job.passes.keys()].map((name, i) => ({ name, signal: SIGNALS[i % 2] }));
    await forEachAtOnce(cases, async ({ name, signal }) => {
      let nLeft = tooLate.includes(name) ? 1 : N_TRIES;
      for (let isLate = true; isLate && nLeft > 0; nLeft--) {
        const what = `${spec.name}, ${signal[1]} at ${name}, ${nLeft} tries left`;
        await assertSurvives(job, what, async (work) => {
          const result = await runArmed(job, work, `${name}=${signal[0]}`);
          isLate = result.code === 0;
          const mayBeLate = tooLate.includes(name) || nLeft > 1;
          if (!isLate || !mayBeLate) assertStopped(result, signal, what);
          assertTidy(work, what);
        });
      }
    });
    await assertMasterUntouched(job);
  });
}

/** Starts the tool, and sends it a signal as soon as its error output has a text. */
async function signalAfter(
  work: TemporaryDirectory,
  args: readonly string[],
  failpoints: string,
  signals: readonly (readonly [text: RegExp, signal: Deno.Signal])[],
): Promise<ProcessResult> {
  const child = spawnProvgraph(args, {
    cwd: work.path,
    env: { PROVGRAPH_FAILPOINTS: failpoints },
  });
  const decoder = new TextDecoder();
  let stderr = "";
  let next = 0;
  for await (const bytes of child.stderr) {
    stderr += decoder.decode(bytes, { stream: true });
    if (next < signals.length && signals[next][0].test(stderr)) child.kill(signals[next++][1]);
  }
  const { code, signal } = await child.status;
  await child.stdout.cancel();
  return { code, signal, stdout: "", stderr };
}

/** Places where a worker stands still for ever, so that the first signal can't end the command. */
const STALLS: readonly (readonly [JobSpec, FailpointName])[] = [
  [AGGREGATE, "chunks.before-append"],
  [AGGREGATE, "import.before-commit"],
  [AGGREGATE, "finish.half-written"],
  [MOVE, "delete.one"],
];

for (const [spec, name] of STALLS) {
  Deno.test(`${spec.name} ends at once when a second signal comes while it waits at ${name}`, async () => {
    using job = await makeJob(spec);
    const what = `${spec.name}, two signals at ${name}`;
    await assertSurvives(job, what, async (work) => {
      const result = await signalAfter(work, job.args, `${name}=stall`, [
        [/Caught SIGTERM/, "SIGINT"],
      ]);
      assert.equal(result.code, 130, `${what}: ${told(result)}`);
      assert.match(result.stderr, /^error: Ended by SIGINT$/m, what);
      assert.throws(() => Deno.lstatSync(work.join("provenance.qg.lock")), Deno.errors.NotFound);
    });
  });
}

Deno.test("ingest-graph ends at once when a second signal comes while it waits for a lock", async () => {
  using job = await makeJob(MOVE);
  await assertSurvives(job, "two signals at a locked database", async (work) => {
    const database = new DatabaseSync(`${work.repo}/gen3.sqlite3`);
    database.exec("BEGIN IMMEDIATE");
    const result = await signalAfter(work, job.args, "", [
      [/Dropping database records/, "SIGTERM"],
      [/Caught SIGTERM/, "SIGTERM"],
    ]);
    database.exec("ROLLBACK");
    database.close();
    assert.equal(result.code, 143, told(result));
  });
});
