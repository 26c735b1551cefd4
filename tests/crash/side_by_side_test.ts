/** Two processes on one run at once: one is refused, or both end in the same right state. */

import assert from "node:assert/strict";
import {
  type ProcessResult,
  runProvgraph,
  type TemporaryDirectory,
  unpackFixture,
} from "../support/fixtures.ts";
import { dumpGraph } from "../support/dump_graph.ts";
import { assertGraphEqual } from "../support/compare.ts";
import {
  AGGREGATE_JOBS,
  GRAPH,
  INGEST_JOBS,
  type Job,
  type JobSpec,
  makeJob,
  told,
  treeOf,
} from "./jobs.ts";
import { N_TURNS, Random, seedsOr } from "./random.ts";
import { assertSameSnapshot, assertTidy, takeSnapshot } from "./snapshot.ts";

const SEEDS = seedsOr([20260701]);
const OTHER = "other.qg";

function jobNamed(name: string): JobSpec {
  return [...AGGREGATE_JOBS, ...INGEST_JOBS].find((job) => job.name === name)!;
}

/** Starts two command lines, one of them up to twice the job's time later, and waits for both. */
async function runPair(
  work: TemporaryDirectory,
  job: Job,
  random: Random,
  first: readonly string[],
  second: readonly string[],
): Promise<[ProcessResult, ProcessResult]> {
  // Every other time as close together as can be.
  const delayMs = Math.max(0, random.next() * 4 - 2) * job.durationMs;
  const isFirstLate = random.next() < 0.5;
  const run = async (args: readonly string[], isLate: boolean) => {
    if (isLate) await new Promise<void>((resolve) => setTimeout(resolve, delayMs));
    return await runProvgraph(args, { cwd: work.path, isProcess: true });
  };
  return await Promise.all([run(first, isFirstLate), run(second, !isFirstLate)]);
}

function assertOutcome(
  results: readonly ProcessResult[],
  allowed: readonly (readonly [code: number, text: RegExp])[],
  what: string,
): void {
  for (const result of results) {
    assert.doesNotMatch(result.stderr, /\n {4}at /, what);
    if (result.code === 0) continue;
    assert.ok(
      allowed.some(([code, text]) => result.code === code && text.test(result.stderr)),
      `${what}: ${told(result)}`,
    );
  }
  assert.ok(results.some(({ code }) => code === 0), `${what}: ${results.map(told).join("\n")}`);
}

/** What a pair is checked for when both have ended. */
type Check = (work: TemporaryDirectory, job: Job, results: ProcessResult[]) => Promise<void>;

function testPair(
  name: string,
  spec: JobSpec,
  second: (args: readonly string[]) => string[],
  allowed: readonly (readonly [code: number, text: RegExp])[],
  check: Check,
): void {
  for (const seed of SEEDS) {
    Deno.test(`${name} (seed ${seed})`, async () => {
      const random = new Random(name, seed);
      using job = await makeJob(spec);
      for (let turn = 0; turn < N_TURNS; turn++) {
        await using work = await treeOf(job);
        const what = `${name}, turn ${turn}`;
        const results = await runPair(work, job, random, job.args, second(job.args));
        assertOutcome(results, allowed, what);
        assertTidy(work, what);
        await check(work, job, results);
      }
    });
  }
}

const asUndisturbed: Check = async (work, job) => {
  assertSameSnapshot(job, await takeSnapshot(work), job.after, job.name);
};

const LOCKED = [1, /Cannot lock ".*provenance\.qg": process \d+ on host/] as const;
const RUN_LOCKED = [1, /only one process may do at a time: .* process \d+ on host/] as const;
const MOVED_AWAY = [2, /Cannot (find|ingest|transfer) .*provenance\.qg/] as const;
const INGESTED = [2, /it holds run_provenance/] as const;

/** The graph under the other name says the same as the one that the job writes; then it is taken away. */
async function assertOtherGraph(work: TemporaryDirectory, expected: unknown): Promise<void> {
  assertGraphEqual(await dumpGraph(work.join(OTHER)), expected, OTHER);
  Deno.removeSync(work.join(OTHER));
}

function withOutput(args: readonly string[], output: string): string[] {
  return args.map((arg) => arg === GRAPH ? output : arg);
}

testPair(
  "one of two aggregators with one output is refused, or comes later",
  jobNamed("aggregate-graph -o"),
  (args) => [...args],
  [LOCKED],
  asUndisturbed,
);

testPair(
  "two aggregators with two outputs both succeed",
  jobNamed("aggregate-graph -o"),
  (args) => withOutput(args, OTHER),
  [],
  async (work, job, results) => {
    assert.deepEqual(results.map(({ code }) => code), [0, 0]);
    await assertOtherGraph(work, await dumpGraph(work.join(GRAPH)));
    await asUndisturbed(work, job, results);
  },
);

testPair(
  "two aggregators without output both succeed",
  jobNamed("aggregate-graph without output"),
  (args) => [...args, "--incomplete"],
  [],
  async (work, job, results) => {
    assert.deepEqual(results.map(({ code }) => code), [0, 0]);
    await asUndisturbed(work, job, results);
  },
);

for (const transfer of ["move", "copy", "symlink", "hardlink"]) {
  testPair(
    `one of two ingest-graph --transfer ${transfer} is refused, or comes later`,
    jobNamed(`ingest-graph --transfer ${transfer}`),
    (args) => [...args],
    transfer === "move" ? [RUN_LOCKED, MOVED_AWAY] : [RUN_LOCKED],
    asUndisturbed,
  );
}

for (
  const name of [
    "ingest-graph --transfer move",
    "ingest-graph --transfer move of promised datasets",
    "ingest-graph --transfer copy",
  ]
) {
  const spec = jobNamed(name);
  const fixture = name.includes("promised") || name.includes("copy")
    ? "small-failed"
    : "small-mixed";
  testPair(
    `an aggregator beside ${name} is refused, or sees everything`,
    {
      ...spec,
      lay: async (work) => {
        // Both graphs are needed: one to aggregate, one to ingest.
        await spec.lay(work);
        await using before = await unpackFixture(fixture, "before");
        Deno.copyFileSync(before.join("predicted.qg"), work.join("predicted.qg"));
      },
    },
    () => ["aggregate-graph", "predicted.qg", "repo", "-o", OTHER, "-j", "1"],
    [INGESTED],
    async (work, job, [, aggregated]) => {
      if (aggregated.code === 0) {
        const run = await dumpGraph(findGraph(work));
        await assertOtherGraph(work, run);
      } else {
        assert.throws(() => Deno.lstatSync(work.join(OTHER)), Deno.errors.NotFound);
        // What was scanned stays, as when any run ends before its time.
        try {
          Deno.removeSync(work.join(`${OTHER}.chunks`));
        } catch (error) {
          if (!(error instanceof Deno.errors.NotFound)) throw error;
        }
      }
      await asUndisturbed(work, job, []);
    },
  );
}

/** The ingested graph. */
function findGraph(work: TemporaryDirectory): string {
  const visit = (folder: string): string | null => {
    for (const entry of Deno.readDirSync(folder)) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory) {
        const found = visit(path);
        if (found !== null) return found;
      } else if (path.endsWith(".qg")) return path;
    }
    return null;
  };
  return visit(work.repo)!;
}
