/** Workers that die, each in its own way: the run names them, ends soon, and can be repeated. */

import assert from "node:assert/strict";
import { dumpGraph } from "../support/dump_graph.ts";
import {
  expectProvgraph,
  fixturePath,
  type ProcessResult,
  PROJECT,
  type TemporaryDirectory,
  unpackFixture,
} from "../support/fixtures.ts";
import { cutGraph } from "./cut_graph.ts";
import { assertSurvives, forEachAtOnce } from "./harness.ts";
import { AGGREGATE_JOBS, INGEST_JOBS, makeJob, told } from "./jobs.ts";
import { assertTidy } from "./snapshot.ts";

/** A run that takes longer than this hangs. */
const LIMIT_MS = 60_000;

/** Runs the tool with one role's workers going wrong. */
async function runBad(
  args: readonly string[],
  work: TemporaryDirectory,
  bad: string,
  flags: readonly string[] = [],
): Promise<ProcessResult> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "-A",
      ...flags,
      "--config",
      `${PROJECT}/deno.json`,
      `${PROJECT}/tests/crash/bad_main.ts`,
      ...args,
    ],
    cwd: work.path,
    env: { NO_COLOR: "1", PROVGRAPH_TEST_BAD_WORKER: bad },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const timer = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
  const { code, signal, stdout, stderr } = await child.output();
  clearTimeout(timer);
  const decoder = new TextDecoder();
  return { code, signal, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Ways to go wrong, and what the message says of them. */
const WAYS: readonly (readonly [how: string, cause: RegExp])[] = [
  ["rejects", /nobody handles this/],
  ["throws", /nobody catches this/],
  ["throws later", /nobody expects this/],
  ["closes itself", /it ended before its work was done/],
  ["exits", /it ended before its work was done/],
  ["missing", /Module not found/],
  ["unreadable", /nowhere is not defined/],
];

/** Workers and the message that finds them in the midst of their work. */
const ROLES: readonly (readonly [role: string, when: string, worker: string])[] = [
  ["scanner", "scan", "scanner-000"],
  ["scanner", "copy", "scanner-000"],
  ["ingester", "rows", "ingester"],
  ["writer", "append", "writer"],
  ["writer", "finish", "writer"],
  ["writer", "complete", "writer"],
  ["deleter", "delete", "deleter"],
];

/** Messages that come when other workers of the role have done their work. */
const LATE = ["copy", "finish", "complete"];

function assertNamed(result: ProcessResult, worker: string, cause: RegExp, what: string): void {
  assert.equal(result.code, 1, `${what}: ${told(result)}`);
  const line = result.stderr.split("\n").find((line) => line.startsWith("error: Cannot go on"));
  assert.ok(line !== undefined, `${what}: ${told(result)}`);
  assert.ok(line.includes(`worker "${worker}`), `${what}: ${line}`);
  assert.match(line, cause, `${what}: ${line}`);
}

for (const [role, when, worker] of ROLES) {
  Deno.test(`the run names its ${role}, stops and can be repeated when the worker dies at ${when}`, async () => {
    const jobs = role === "deleter" ? INGEST_JOBS : AGGREGATE_JOBS;
    using job = await makeJob(jobs[0]);
    await forEachAtOnce(WAYS, async ([how, cause]) => {
      // Such a worker doesn't get as far.
      if (LATE.includes(when) && (how === "missing" || how === "unreadable")) return;
      const what = `${role} ${how} at ${when}`;
      await assertSurvives(job, what, async (work) => {
        const result = await runBad(job.args, work, `${role}:${when}:${how}`);
        assertNamed(result, worker, cause, what);
        assertTidy(work, what);
      });
    });
  });
}

Deno.test("the run ends and can be repeated when a worker takes all memory", async () => {
  using job = await makeJob(AGGREGATE_JOBS[0]);
  await assertSurvives(job, "out of memory", async (work) => {
    const result = await runBad(job.args, work, "scanner:scan:takes all memory", [
      "--v8-flags=--max-old-space-size=120",
    ]);
    // The runtime ends the whole process then.
    assert.notEqual(result.code, 0, told(result));
    assert.notEqual(result.signal, "SIGKILL", "it hung");
  });
});

/** A tree with a graph of `n` quanta. */
async function withFewQuanta(
  n: number,
  body: (work: TemporaryDirectory, args: string[]) => Promise<void>,
): Promise<void> {
  await using work = await unpackFixture("small-mixed", "before");
  await cutGraph(fixturePath("small-mixed", "predicted.qg"), work.join("predicted.qg"), n);
  await body(work, ["aggregate-graph", "predicted.qg", "repo", "-o", "provenance.qg", "-j", "8"]);
}

/** Deaths at messages that come however few quanta there are; a silent one is the hardest to notice. */
const DEATHS: readonly (readonly [role: string, when: string, how: string])[] = [
  ["scanner", "setup", "closes itself"],
  ["scanner", "end", "closes itself"],
  ["ingester", "flush", "closes itself"],
  ["writer", "finish", "exits"],
  ["scanner", "init", "closes itself"],
  ["ingester", "setup", "rejects"],
  ["writer", "setup", "throws"],
  ["writer", "end", "closes itself"],
];

for (const n of [0, 1, 2]) {
  Deno.test(`both tools do their work when there are ${n} quanta for 8 scanners`, async () => {
    await withFewQuanta(n, async (work, args) => {
      await expectProvgraph(args, { cwd: work.path });
      const { quanta } = await dumpGraph(work.join("provenance.qg"));
      assert.equal(quanta.length, n);
      await expectProvgraph(["ingest-graph", "repo", "provenance.qg"], { cwd: work.path });
    });
  });

  Deno.test(`the run names the worker and can be repeated when it dies over ${n} quanta among 8 scanners`, async () => {
    await withFewQuanta(n, async (work, args) => {
      for (const [role, when, how] of n === 0 ? DEATHS : DEATHS.slice(0, 4)) {
        const what = `${role} ${how} at ${when} over ${n} quanta`;
        const result = await runBad(args, work, `${role}:${when}:${how}`);
        assertNamed(result, role, /./, what);
        assertTidy(work, what);
      }
      await expectProvgraph(args, { cwd: work.path });
      const { quanta } = await dumpGraph(work.join("provenance.qg"));
      assert.equal(quanta.length, n);
    });
  });
}
