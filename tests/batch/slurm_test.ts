/**
 * The scripts of `schema/batch.md` in a real Slurm: a job array, of which one task is killed and
 * requeued and one loses its node while its process lives on, and a job that merges. Where Slurm can't
 * run, the reason is printed and the same scripts run as plain processes, in the same trouble.
 */

import assert from "node:assert/strict";
import { assertGraph, assertState } from "../conformance/harness.ts";
import { provgraphCommand, type TemporaryDirectory, unpackFixture } from "../support/fixtures.ts";
import { writeSnippets } from "./document.ts";
import { eventually, run, Slurm } from "./slurm.ts";

const CASE = "small-mixed";
const N_SHARDS = 4;
/** The task that is killed in the midst of its work, and the one that loses its node. */
const KILLED = 0;
const LOST = 1;

/**
 * What stands for the tool: it marks each start, kills the first process of one task with half a chunk
 * written, and holds the first one of another until the test lets it go.
 */
const WRAPPER = `#!/bin/bash
attempt=\${SLURM_RESTART_COUNT:-0}
mark=\${SLURM_ARRAY_TASK_ID:-merge}.$attempt
echo "\${SLURMD_NODENAME:-here}" > "$MARKS/started.$mark.tmp"
mv "$MARKS/started.$mark.tmp" "$MARKS/started.$mark"
if [ "$mark" = ${KILLED}.0 ]; then export PROVGRAPH_FAILPOINTS=chunks.half-appended:3=kill; fi
if [ "$mark" = ${LOST}.0 ]; then
  until [ -e "$MARKS/go" ]; do sleep 0.1; done
fi
COMMAND "$@"
code=$?
echo $code > "$MARKS/ended.$mark.tmp"
mv "$MARKS/ended.$mark.tmp" "$MARKS/ended.$mark"
exit $code
`;

/** A fixture with the scripts beside it, and what they find in the environment. */
async function prepare(): Promise<{ work: TemporaryDirectory; env: Record<string, string> }> {
  const work = await unpackFixture(CASE, "before");
  writeSnippets(work.path, "scan.sh", "merge.sh", "submit.sh");
  const [command, args] = provgraphCommand();
  const quoted = [command, ...args].map((word) => `'${word}'`).join(" ");
  Deno.writeTextFileSync(work.join("provgraph"), WRAPPER.replace("COMMAND", quoted), {
    mode: 0o755,
  });
  Deno.mkdirSync(work.join("marks"));
  return {
    work,
    env: {
      PROVGRAPH: work.join("provgraph"),
      GRAPH: work.join("predicted.qg"),
      REPO: work.repo,
      SHARDS: work.join("shards"),
      OUTPUT: work.join("out.qg"),
      N_SHARDS: String(N_SHARDS),
      MARKS: work.join("marks"),
    },
  };
}

function readMark(work: TemporaryDirectory, name: string): string | null {
  try {
    return Deno.readTextFileSync(work.join("marks", name)).trim();
  } catch {
    return null;
  }
}

/** What the merge has said. */
function mergeLog(work: TemporaryDirectory): string {
  const [name] = [...Deno.readDirSync(work.path)].map((entry) => entry.name)
    .filter((file) => /^slurm-\d+\.out$/.test(file));
  return Deno.readTextFileSync(work.join(name ?? assert.fail("the merge has said nothing")));
}

async function assertMerged(work: TemporaryDirectory, log: string): Promise<void> {
  // All quanta that succeeded come from the shards, none was compressed twice.
  assert.match(log, /Merged \d+ chunk logs with 24 quanta; \d+ chunks .* 0 were compressed anew/);
  assert.match(log, /24 taken from the chunk log/);
  await assertGraph(work, CASE, { file: "out.qg" });
  assertState(work, CASE, "aggregated");
  const shards = [...Deno.readDirSync(work.join("shards"))].map(({ name }) => name);
  assert.deepEqual(
    shards.filter((name) => !name.endsWith(".dictionary")).sort(),
    Array.from({ length: N_SHARDS }, (_, i) => `${i}.chunks`),
  );
}

async function throughSlurm(slurm: Slurm): Promise<void> {
  const prepared = await prepare();
  await using work = prepared.work;
  const options = { cwd: work.path, env: { ...prepared.env, ...slurm.env } };
  const submitted = await run("bash", ["submit.sh"], options);
  assert.equal(submitted.code, 0, submitted.stderr);
  const [, merge] = /Submitted batch job (\d+)/.exec(submitted.stdout) ??
    assert.fail(submitted.stdout);
  const array = String(Number(merge) - 1);

  const lost = await eventually("the held task", () => readMark(work, `started.${LOST}.0`));
  await eventually("the end of the killed task", async () => {
    const state = await slurm.stateOf(`${array}_${KILLED}`);
    return state?.startsWith("FAILED") ? state : null;
  });
  // It has left half of a chunk, in a file of its own.
  const parts = [...Deno.readDirSync(work.join("shards"))].filter(({ name }) =>
    name.startsWith(`${KILLED}.chunks.part-`)
  );
  assert.equal(parts.length, 1);
  const requeued = await run("scontrol", ["requeue", `${array}_${KILLED}`], options);
  assert.equal(requeued.code, 0, requeued.stderr);
  slurm.loseNode(lost);

  const other = await eventually(
    "the lost task elsewhere",
    () => readMark(work, `started.${LOST}.1`),
  );
  assert.notEqual(other, lost);
  // The process on the lost node goes on as well: two of them scan one shard.
  assert.equal(readMark(work, `ended.${LOST}.0`), null);
  Deno.writeTextFileSync(work.join("marks", "go"), "");
  for (const mark of [`${LOST}.0`, `${LOST}.1`, `${KILLED}.1`, "2.0", "3.0"]) {
    assert.equal(
      await eventually(`the end of ${mark}`, () => readMark(work, `ended.${mark}`)),
      "0",
    );
  }
  assert.equal(
    await eventually("the end of the merge", async () => {
      const state = await slurm.stateOf(merge);
      return /^(COMPLETED|FAILED)/.test(state ?? "") ? state : null;
    }),
    "COMPLETED 0:0",
  );
  await assertMerged(work, mergeLog(work));
}

async function asProcesses(): Promise<void> {
  const prepared = await prepare();
  await using work = prepared.work;
  const task = (i: number, attempt: number) =>
    run("bash", ["scan.sh"], {
      cwd: work.path,
      env: {
        ...prepared.env,
        SLURM_ARRAY_TASK_ID: String(i),
        SLURM_RESTART_COUNT: String(attempt),
        SLURM_CPUS_PER_TASK: "2",
      },
    });
  const lost = task(LOST, 0);
  assert.notEqual((await task(KILLED, 0)).code, 0);
  const others = [task(LOST, 1), task(KILLED, 1), task(2, 0), task(3, 0)];
  Deno.writeTextFileSync(work.join("marks", "go"), "");
  for (const { code, stderr } of await Promise.all([lost, ...others])) {
    assert.equal(code, 0, stderr);
  }
  const { code, stderr } = await run("bash", ["merge.sh"], {
    cwd: work.path,
    env: { ...prepared.env, SLURM_CPUS_PER_TASK: "2" },
  });
  assert.equal(code, 0, stderr);
  await assertMerged(work, stderr);
}

Deno.test("shards as jobs, one killed and requeued, one on a lost node: as one process", async () => {
  const slurm = await Slurm.start();
  if (typeof slurm === "string") {
    console.log(`Slurm can't run here: ${slurm}\nThe same scripts run as plain processes.`);
    return await asProcesses();
  }
  await using _slurm = slurm;
  await throughSlurm(slurm);
});

Deno.test("shards as plain processes, one killed, one twice at once: as one process", asProcesses);
