/** Effects that fail: I/O errors, full and read-only disks, a locked database. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import type { FailpointName } from "../../lib/storage/failpoints.ts";
import {
  copyTree,
  type ProcessResult,
  runProvgraph,
  type TemporaryDirectory,
  temporaryDirectory,
} from "../support/fixtures.ts";
import {
  assertFinishes,
  assertMasterUntouched,
  assertSurvives,
  forEachAtOnce,
  runArmed,
} from "./harness.ts";
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
import { SmallDisk } from "./small_disk.ts";
import { assertNothingLost, assertTidy, treeOf as pathsOf } from "./snapshot.ts";

function jobNamed(name: string): JobSpec {
  return [...AGGREGATE_JOBS, ...INGEST_JOBS].find((job) => job.name === name)!;
}

const AGGREGATE = jobNamed("aggregate-graph -o");
const MOVE = jobNamed("ingest-graph --transfer move");
const COPY = jobNamed("ingest-graph --transfer copy");

/** One error, in words, that names what it is about; nothing of the program's inside. */
function assertClearError(result: ProcessResult, what: string, pattern = /./): void {
  assert.equal(result.code, 1, `${what}: ${told(result)}`);
  const errors = result.stderr.split("\n").filter((line) => line.startsWith("error: "));
  assert.equal(errors.length, 1, `${what}: ${told(result)}`);
  assert.match(errors[0], /^error: Cannot .*".+"/, what);
  assert.match(errors[0], pattern, `${what}: ${told(result)}`);
  assert.doesNotMatch(result.stderr, /\n {4}at |undefined|\[object/, what);
}

/** Failpoints that only some modes pass, with the mode in which they fail here. */
const FAULT_JOBS = [
  AGGREGATE,
  jobNamed("aggregate-graph -o after --incomplete"),
  MOVE,
  COPY,
];

/** Ways to fail, by turns. */
const ACTIONS = [["eio", /Input\/output error/], ["enospc", /No space left on device/]] as const;

{
  const done = new Set<FailpointName>();
  for (const spec of FAULT_JOBS) {
    Deno.test(`${spec.name} says what failed, loses nothing and finishes later when an effect fails`, async () => {
      using job = await makeJob(spec);
      const names = [...job.passes.keys()].filter((name) => !done.has(name));
      for (const name of names) done.add(name);
      const faults = names.map((name, i) => ({ name, action: ACTIONS[i % ACTIONS.length] }));
      await forEachAtOnce(faults, async ({ name, action: [action, pattern] }) => {
        const what = `${spec.name}, ${action} at ${name}`;
        await assertSurvives(job, what, async (work) => {
          assertClearError(await runArmed(job, work, `${name}=${action}`), what, pattern);
          assertTidy(work, what);
        });
      });
      await assertMasterUntouched(job);
    });
  }
}

/** Why small disks can't be mounted here, or null. */
const noDisk = await SmallDisk.mount(4096).then(async (disk) => {
  if (typeof disk === "string") return disk;
  await disk[Symbol.asyncDispose]();
  return null;
});

/** A test on a small disk; its name says so if it has to be skipped. */
function testOnDisk(
  name: string,
  sizeBytes: number,
  body: (disk: SmallDisk) => Promise<void>,
): void {
  const reason = noDisk === null ? "" : ` (skipped: ${noDisk})`;
  Deno.test({
    name: name + reason,
    ignore: noDisk !== null,
    fn: async () => {
      const disk = await SmallDisk.mount(sizeBytes);
      if (typeof disk === "string") throw new Error(disk);
      await using _disk = disk;
      await body(disk);
    },
  });
}

const MEBIBYTE = 2 ** 20;

/** A job whose graph lies on the disk, beside the repository by a link. */
async function withOutputOn(
  disk: SmallDisk,
  body: (job: Job, work: TemporaryDirectory, args: string[]) => Promise<void>,
): Promise<void> {
  using job = await makeJob(AGGREGATE);
  await using work = await treeOf(job);
  const args = job.args.map((arg) => arg === GRAPH ? `${disk.path}/${GRAPH}` : arg);
  await body(job, work, args);
}

/** Brings the graph home, so that the working directory can be compared. */
async function assertSameAfterMove(
  job: Job,
  work: TemporaryDirectory,
  disk: SmallDisk,
  what: string,
): Promise<void> {
  assert.deepEqual([...Deno.readDirSync(disk.path)].map(({ name }) => name), [GRAPH], what);
  Deno.copyFileSync(`${disk.path}/${GRAPH}`, work.join(GRAPH));
  await assertNothingLost(job, work, what);
  await assertFinishes(job, work, what);
}

/** Sizes at which the disk is full at the first chunk, among the chunks, and while finishing. */
for (
  const [stage, sizeBytes] of [["first", 4096 * 3], ["chunks", 4096 * 20], ["graph", 0]] as const
) {
  testOnDisk(
    `aggregate-graph names the file and continues later when the disk is full at its ${stage}`,
    MEBIBYTE,
    (disk) =>
      withOutputOn(disk, async (job, work, args) => {
        if (sizeBytes === 0) {
          // A whole chunk log, and no room for a graph beside it.
          await runProvgraph(args, {
            cwd: work.path,
            env: { PROVGRAPH_FAILPOINTS: "finish.created=kill" },
          });
          const { size } = Deno.statSync(`${disk.path}/${GRAPH}.chunks`);
          await disk.remount(`size=${Math.ceil(size * 1.25 / 4096) * 4096 + 4096 * 3}`);
        } else {
          await disk.remount(`size=${sizeBytes}`);
        }
        const what = `full at its ${stage}`;
        const result = await runProvgraph(args, { cwd: work.path });
        assertClearError(result, what, /No space left on device/);
        assert.match(result.stderr, sizeBytes === 0 ? /provenance\.qg"/ : /\.chunks"/, what);
        const left = [...Deno.readDirSync(disk.path)].map(({ name }) => name);
        assert.deepEqual(left, [`${GRAPH}.chunks`], what);
        await disk.remount(`size=${MEBIBYTE}`);
        const again = await runProvgraph(args, { cwd: work.path });
        assert.equal(again.code, 0, told(again));
        await assertSameAfterMove(job, work, disk, what);
      }),
  );
}

/** Moves a job's repository to the disk and leaves a link in its place. */
function moveRepository(work: TemporaryDirectory, disk: SmallDisk): void {
  copyTree(work.repo, `${disk.path}/repo`);
  Deno.removeSync(work.repo, { recursive: true });
  Deno.symlinkSync(`${disk.path}/repo`, work.repo);
}

/** Brings it back. */
function returnRepository(work: TemporaryDirectory, disk: SmallDisk): void {
  Deno.removeSync(work.repo);
  copyTree(`${disk.path}/repo`, work.repo);
}

/** Spare bytes with which registering types, importing, forgetting or backing datasets just fails. */
for (
  const [spec, spareBytes] of [
    [AGGREGATE, 0],
    [AGGREGATE, 320_000],
    [AGGREGATE, 370_000],
    [MOVE, 0],
    [MOVE, 50_000],
    [COPY, 0],
    [COPY, 150_000],
  ] as const
) {
  testOnDisk(
    `${spec.name} says that the disk is full, changes nothing by halves and finishes later when the repository has ${spareBytes} bytes left`,
    8 * MEBIBYTE,
    async (disk) => {
      using job = await makeJob(spec);
      await using work = await treeOf(job);
      moveRepository(work, disk);
      disk.fill("filler", spareBytes);
      const what = `${spec.name} on a full disk`;
      assertClearError(
        await runProvgraph(job.args, { cwd: work.path }),
        what,
        /full|free|No space left/,
      );
      assertTidy(work, what);
      Deno.removeSync(`${disk.path}/filler`);
      const again = await runProvgraph(job.args, { cwd: work.path });
      assert.equal(again.code, 0, told(again));
      returnRepository(work, disk);
      await assertFinishes(job, work, what);
    },
  );
}

for (const spec of [AGGREGATE, MOVE, COPY]) {
  testOnDisk(
    `${spec.name} says so and changes nothing when the repository can't be written`,
    8 * MEBIBYTE,
    async (disk) => {
      using job = await makeJob(spec);
      await using work = await treeOf(job);
      moveRepository(work, disk);
      await disk.remount("ro");
      const what = `${spec.name} on a read-only disk`;
      assertClearError(await runProvgraph(job.args, { cwd: work.path }), what);
      await disk.remount("rw");
      returnRepository(work, disk);
      if (spec.tool === "ingest") {
        const tree = [...pathsOf(work)];
        assert.deepEqual(tree, [...job.before.tree], what);
      }
      await assertFinishes(job, work, what);
    },
  );
}

testOnDisk(
  "aggregate-graph says so and changes nothing when the output's directory can't be written",
  MEBIBYTE,
  (disk) =>
    withOutputOn(disk, async (job, work, args) => {
      await disk.remount("ro");
      assertClearError(await runProvgraph(args, { cwd: work.path }), "read-only output");
      assert.deepEqual([...pathsOf(work)], [...job.before.tree]);
      await assertFinishes(job, work, "read-only output");
    }),
);

Deno.test("aggregate-graph says so and changes nothing when the output's directory is a file", async () => {
  using job = await makeJob(AGGREGATE);
  await using work = await treeOf(job);
  await using aside = await temporaryDirectory();
  Deno.writeTextFileSync(aside.join("file"), "");
  const args = job.args.map((arg) => arg === GRAPH ? aside.join("file", GRAPH) : arg);
  const result = await runProvgraph(args, { cwd: work.path });
  assert.notEqual(result.code, 0);
  assert.match(result.stderr, /^error: Cannot .*".+"/m);
  assert.deepEqual([...pathsOf(work)], [...job.before.tree]);
});

/** `EXCLUSIVE` keeps readers out too. */
for (const lock of ["IMMEDIATE", "EXCLUSIVE"]) {
  for (const spec of [AGGREGATE, MOVE]) {
    Deno.test(`${spec.name} gives up after --busy-timeout and finishes later when the database has a lock ${lock}`, async () => {
      using job = await makeJob(spec);
      const what = `${spec.name}, database locked ${lock}`;
      await assertSurvives(job, what, async (work) => {
        const database = new DatabaseSync(`${work.repo}/gen3.sqlite3`);
        database.exec(`BEGIN ${lock}`);
        try {
          const result = await runProvgraph([...job.args, "--busy-timeout", "1"], {
            cwd: work.path,
          });
          assertClearError(result, what, /another process holds a lock/);
          assert.match(result.stderr, /gen3\.sqlite3"/, what);
        } finally {
          database.exec("ROLLBACK");
          database.close();
        }
        assertTidy(work, what);
      });
    });
  }
}
