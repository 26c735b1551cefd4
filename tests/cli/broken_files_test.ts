/**
 * One bad file stops one thing: whatever stands in the place of a log, metadata or output, the quanta that
 * have nothing to do with it are aggregated, it is named with the reason, and the exit code is 3.
 */

import assert from "node:assert/strict";
import { assertGraphEqual, assertStateEqual } from "../support/compare.ts";
import { dumpGraph } from "../support/dump_graph.ts";
import { dumpState, type RepositoryState } from "../support/dump_state.ts";
import { expectedJson, RUN, type TemporaryDirectory } from "../support/fixtures.ts";
import { assertMatchesSchema } from "../support/json_schema.ts";
import { runHere, runPrinted } from "./check_support.ts";
import { copyOfFixture, removeUnpacked, replaceFile, row } from "./support.ts";

const CASE = "small-mixed";

function aggregate(work: TemporaryDirectory, ...options: string[]) {
  const args = [work.join("predicted.qg"), work.repo, "--output", work.join("out.qg"), "-j", "1"];
  return runHere(["aggregate-graph", ...args, ...options]);
}

function* filesBelow(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (isDirectory) yield* filesBelow(`${folder}/${name}`);
    else yield `${folder}/${name}`;
  }
}

/** First file of a dataset type. */
function fileOf(work: TemporaryDirectory, type: string): string {
  return [...filesBelow(`${work.repo}/${RUN}/${type}`)].sort()[0];
}

/** What can stand in a file's place; made at a path where nothing is. */
const STAND_INS: Record<string, { make: (path: string) => Disposable | void; reason: RegExp }> = {
  "a directory": {
    make: (path) => Deno.mkdirSync(path),
    reason: /it is a directory, not a regular/,
  },
  "a FIFO": {
    make: (path) => void new Deno.Command("mkfifo", { args: [path] }).outputSync(),
    reason: /it is a FIFO, not a regular file/,
  },
  "a socket": {
    make: (path) => {
      // Paths of sockets are short.
      const at = Deno.makeTempDirSync({ prefix: "pg-" });
      const listener = Deno.listen({ transport: "unix", path: `${at}/s` });
      Deno.renameSync(`${at}/s`, path);
      return {
        [Symbol.dispose]: () => {
          listener.close();
          Deno.removeSync(at, { recursive: true });
        },
      };
    },
    reason: /it is a socket, not a regular file/,
  },
  "a circle of links": {
    make: (path) => Deno.symlinkSync(path.replace(/.*\//, ""), path),
    reason: /symbolic links lead in a circle/,
  },
  "more than a gigabyte": {
    make: (path) => {
      using file = Deno.createSync(path);
      file.truncateSync(1_100_000_000);
    },
    reason: /it has 1100000000 bytes, more than the 1073741824 allowed/,
  },
  "an empty file": {
    make: (path) => Deno.writeTextFileSync(path, ""),
    reason: /is empty \(0 bytes\)/,
  },
  "NUL bytes": {
    make: (path) => Deno.writeFileSync(path, new Uint8Array(2642)),
    reason: /holds only NUL bytes, 2642 of them: the file system lost its content/,
  },
  "text that ends in NUL bytes": {
    make: (path) => {
      const bytes = new Uint8Array(4096);
      bytes.set(new TextEncoder().encode('{"scalars": {'));
      Deno.writeFileSync(path, bytes);
    },
    reason: /its last 4083 of 4096 bytes are NUL: the file system lost them/,
  },
};

/** What can't be told of outputs, of which nothing is read. */
const CONTENT_ONLY = /gigabyte|empty|NUL/;

for (const [name, { make, reason }] of Object.entries(STAND_INS)) {
  for (const type of ["warp_log", "calibrate_metadata", "calibrate_config", "packages"]) {
    // Nothing is read of outputs.
    const isUnread = type.endsWith("_config") && CONTENT_ONLY.test(name);
    // A document of packages that is too large has another bound.
    const isOther = type === "packages" && name === "more than a gigabyte";
    // The logging of a task that says nothing leaves an empty log, as it does for the reference.
    const isSound = type === "warp_log" && name === "an empty file";
    if (isUnread || isOther || isSound) continue;
    Deno.test(`${name} in the place of ${type} is one broken file`, async () => {
      await using work = await copyOfFixture(CASE, "before");
      const path = fileOf(work, type);
      Deno.removeSync(path);
      using _made = make(path) ?? null;
      const { code, stderr, stdout } = await aggregate(work, "--json");
      assert.equal(code, 3, stderr);
      assert.match(stderr, reason);
      assert.ok(stderr.includes(path.slice(work.repo.length + 1)), "named");
      assert.match(stderr, /WARNING: To mend it, .* provgraph aggregate-graph .*out\.qg/);
      const summary = JSON.parse(stdout.trim().split("\n").at(-1)!);
      assertMatchesSchema("aggregate-graph", summary);
      assert.equal(summary.n_broken_files, 1, stderr);
      assert.equal(summary.nothing_found, false);
    });
  }
}

Deno.test("with --strict what is no file ends the aggregation with 1, and is named", async () => {
  await using work = await copyOfFixture(CASE, "before");
  const path = fileOf(work, "warp_log");
  Deno.removeSync(path);
  Deno.mkdirSync(path);
  const { code, stderr } = await aggregate(work, "--strict");
  assert.equal(code, 1, stderr);
  assert.match(stderr, /error: Cannot use file ".*warp_log.*: it is a directory/);
});

/** Metadata file of a calibrate quantum whose successors ran, see the graph's expected content. */
const EARLY = "calibrate_metadata";

Deno.test("behind metadata that can't be read, what ran counts by its own files", async () => {
  await using work = await copyOfFixture(CASE, "before");
  await using whole = await copyOfFixture(CASE, "before");
  const sound = await aggregate(whole, "--json");
  const soundSummary = JSON.parse(sound.stdout);
  const broken = [...filesBelow(`${work.repo}/${RUN}/${EARLY}`)].sort();
  const kept = new Map(broken.map((path) => [path, Deno.readFileSync(path)]));
  for (const path of broken) replaceFile(path, "");
  const { code, stderr, stdout } = await aggregate(work, "--json");
  assert.equal(code, 3, stderr);
  const summary = JSON.parse(stdout.trim().split("\n").at(-1)!);
  assert.equal(summary.n_unreadable, broken.length);
  assert.ok(summary.n_behind_unreadable > 0);
  const { SUCCESSFUL, FAILED, BLOCKED } = summary.quanta_by_status;
  const before = soundSummary.quanta_by_status;
  // All that went before they broke goes on; only they themselves are failed now.
  assert.equal(
    SUCCESSFUL + summary.quanta_by_status.ABORTED_SUCCESS,
    before.SUCCESSFUL + before.ABORTED_SUCCESS - broken.length,
  );
  assert.equal(FAILED, before.FAILED + broken.length);
  assert.equal(BLOCKED, before.BLOCKED);
  // Of what is registered, no more is missing than the broken files.
  assert.equal(summary.n_ingested, soundSummary.n_ingested - broken.length);
  assert.match(
    stderr,
    new RegExp(`${broken.length} quanta count as FAILED because their metadata`),
  );

  // The command that is printed mends it, once the files are back.
  for (const [path, bytes] of kept) replaceFile(path, bytes);
  const command = /before ingest-graph: (.*)/.exec(stderr)![1];
  const mended = await runPrinted(command);
  assert.equal(mended.code, 0, mended.stderr);
  assertGraphEqual(await dumpGraph(work.join("out.qg")), expectedJson(CASE, "provenance.graph"));
  assertStateEqual(
    dumpState(work.repo),
    expectedJson(CASE, "aggregated.state") as unknown as RepositoryState,
    "state",
  );
});

Deno.test("behind metadata that can't be read, what left nothing is blocked", async () => {
  await using work = await copyOfFixture(CASE, "before");
  for (const path of [...filesBelow(`${work.repo}/${RUN}/${EARLY}`)]) replaceFile(path, "");
  for (const path of [...filesBelow(`${work.repo}/${RUN}`)]) {
    if (/\/(warp|coadd|consolidate)\w*_(log|metadata)\//.test(path)) Deno.removeSync(path);
  }
  const { code, stdout, stderr } = await aggregate(work, "--json");
  assert.equal(code, 3, stderr);
  const summary = JSON.parse(stdout.trim().split("\n").at(-1)!);
  assert.equal(summary.n_behind_unreadable, 0);
  const graph = await runHere(["check", work.join("out.qg"), "--read-data"]);
  assert.equal(graph.code, 0, graph.stdout);
  const { stdout: failed } = await runHere([
    "ls",
    work.join("out.qg"),
    "quanta",
    "--status",
    "FAILED",
    "--fields",
    "task",
  ]);
  assert.deepEqual([...new Set(failed.trim().split("\n"))], ["calibrate"]);
});

Deno.test("--incomplete registers what ran behind metadata that can't be read", async () => {
  await using work = await copyOfFixture(CASE, "before");
  for (const path of [...filesBelow(`${work.repo}/${RUN}/${EARLY}`)]) replaceFile(path, "");
  const { code, stdout, stderr } = await aggregate(work, "--json", "--incomplete");
  assert.equal(code, 3, stderr);
  const summary = JSON.parse(stdout.trim().split("\n").at(-1)!);
  assert.ok(summary.n_behind_unreadable > 0);
  assert.match(stderr, /quanta count as not done because their metadata can't be read/);
});

/** Removes all logs and metadata of a run. */
function removeDocuments(work: TemporaryDirectory): void {
  for (const path of [...filesBelow(`${work.repo}/${RUN}`)]) {
    if (/_(log|metadata)\//.test(path)) Deno.removeSync(path);
  }
}

Deno.test("a run that has left nothing is recorded when that is said to be so", async () => {
  await using work = await copyOfFixture(CASE, "before");
  removeDocuments(work);
  const { code, stdout, stderr } = await aggregate(work, "--json", "--allow-empty");
  assert.equal(code, 0, stderr);
  const { quanta_by_status } = JSON.parse(stdout);
  assert.equal(quanta_by_status.FAILED + quanta_by_status.BLOCKED, 53);
});

Deno.test("a run that goes on may have left nothing yet, which is said with exit code 3", async () => {
  await using work = await copyOfFixture(CASE, "before");
  Deno.removeSync(`${work.repo}/${RUN}`, { recursive: true });
  const { code, stdout, stderr } = await aggregate(work, "--json", "--incomplete");
  assert.equal(code, 3, stderr);
  assert.match(stderr, /WARNING: .*not one has a log or metadata file.*has not begun/);
  assert.equal(JSON.parse(stdout).nothing_found, true);
  const allowed = await aggregate(work, "--incomplete", "--allow-empty");
  assert.equal(allowed.code, 0, allowed.stderr);
});

Deno.test("a shard none of whose quanta left a file says so and goes on", async () => {
  await using work = await copyOfFixture(CASE, "before");
  removeDocuments(work);
  const chunks = work.join("0.chunks");
  const args = ["scan", work.join("predicted.qg"), work.repo, "--shard", "0/4", "--chunks", chunks];
  const { code, stderr } = await runHere([...args, "-j", "1"]);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /WARNING: Not one log or metadata file of the quanta of this shard/);
});

Deno.test("another graph's quantum that is met after a commit ends the run with 1, and no more comes", async () => {
  await using work = await copyOfFixture(CASE, "before");
  const path = [...filesBelow(`${work.repo}/${RUN}/calibrate_metadata`)].sort().at(-1)!;
  replaceFile(path, Deno.readTextFileSync(path).replace(/("outputs":\s*\[\s*")019f/, "$1019e"));
  const { code, stderr } = await aggregate(work, "--ingest-batch-size", "1");
  assert.match(stderr, /not the one that was executed/);
  const said = /by then (\d+) datasets are registered/.exec(stderr)?.[1] ?? "0";
  const query =
    "SELECT count(*) AS n FROM dataset d JOIN collection c ON c.collection_id = d.run_id " +
    `WHERE c.name = '${RUN}'`;
  assert.equal(row(work, query).n, Number(said), stderr);
  assert.equal(code, said === "0" ? 2 : 1);
  assert.throws(() => Deno.statSync(work.join("out.qg.chunks")), Deno.errors.NotFound);
});

Deno.test.afterAll(removeUnpacked);
