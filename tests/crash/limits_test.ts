/**
 * Limits of the system met in the middle of anything: one message, exit code 1, no stack, nothing half
 * done that the same command doesn't finish.
 */

import assert from "node:assert/strict";
import { fixturePath, PROJECT, type TemporaryDirectory } from "../support/fixtures.ts";
import { copyOfFixture, removeUnpacked } from "../cli/support.ts";

interface Ended {
  code: number;
  stderr: string;
}

/** Runs the tool as a process that has limits as `prlimit` words them. */
async function runLimited(
  limits: string,
  args: string[],
  work: TemporaryDirectory,
): Promise<Ended> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-code-cache",
      "--preload",
      `${PROJECT}/tests/crash/limit_self.ts`,
      `${PROJECT}/main.ts`,
      "-q",
      ...args,
    ],
    cwd: work.path,
    env: { PROVGRAPH_TEST_LIMITS: limits },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  return { code, stderr: new TextDecoder().decode(stderr) };
}

const AGGREGATE = ["aggregate-graph", "predicted.qg", "repo", "-o", "new.qg", "-j", "2"];
const SCAN = ["scan", "predicted.qg", "repo", "--shard", "0/1", "--chunks", "a.chunks", "-j", "2"];
const INGEST = ["ingest-graph", "repo", "provenance.qg", "--transfer", "copy"];
const HTML = ["report", "provenance.qg", "--html", "r.html"];

const KEPT = "\nsafe: what was done stays, and nothing is lost\n";

/** Limits, command, what is said. */
const LIMITED: [limits: string, args: string[], said: RegExp][] = [
  ["--fsize=8000", [...AGGREGATE, "--dry-run"], /^error: Cannot write .*File too large.*\nhint: /],
  ["--fsize=60000", [...AGGREGATE, "--dry-run"], /^error: Cannot write .*File too large.*\nhint: /],
  // Whoever writes first: the registry or the chunk log.
  ["--fsize=60000", AGGREGATE, /^error: Cannot .*(?:disk I\/O error|File too large).*\nhint: /],
  ["--fsize=8000", SCAN, /^error: Cannot write .*File too large.*\nhint: /],
  ["--fsize=8000", INGEST, /^error: Cannot .* registry ".*": disk I\/O error\nhint: .*ulimit -f/],
  [
    "--fsize=8000",
    HTML,
    /^error: Cannot write file ".*r\.html": File too large.*\nhint: .*ulimit -f/,
  ],
  [
    "--nofile=20",
    HTML,
    /^error: Cannot .*(Too many open files|Failed reading).*\nhint: .*ulimit -n/,
  ],
  ["--nofile=30", AGGREGATE, /^error: Cannot start 4 workers: .*\nhint: .*ulimit -n.*--processes/],
  ["--nofile=60", AGGREGATE, /^error: Cannot start 4 workers: .*\nhint: .*ulimit -n.*--processes/],
  ["--nofile=30", SCAN, /^error: Cannot start 2 workers: .*\nhint: .*ulimit -n/],
  ["--nofile=30", INGEST, /^error: Cannot start 2 workers: .*\nhint: .*ulimit -n 1024\n/],
];

for (const [limits, args, said] of LIMITED) {
  Deno.test({
    name: `one message and exit code 1, then done without the limit: ${limits} ${args.join(" ")}`,
    ignore: Deno.build.os !== "linux",
    fn: async () => {
      await using work = await copyOfFixture("small-mixed", "aggregated");
      Deno.copyFileSync(fixturePath("small-mixed", "predicted.qg"), work.join("predicted.qg"));
      const { code, stderr } = await runLimited(limits, args, work);
      // A command that writes says, between message and hint, what became of people's data.
      assert.equal(stderr.includes(KEPT), args !== HTML, stderr);
      const told = stderr.replace(KEPT, "\n");
      assert.match(told, said);
      assert.equal(code, 1);
      assert.ok(told.split("\n").length <= 3, stderr);
      assert.doesNotMatch(stderr, /--debug|panic|\bat /);
      const names = [...Deno.readDirSync(work.path)].map(({ name }) => name);
      assert.deepEqual(names.filter((name) => /\.(tmp|lock|part)\b/.test(name)), []);
      const again = await runLimited("--nofile=1024", args, work);
      assert.ok(again.code === 0 || again.code === 3, again.stderr);
    },
  });
}

Deno.test.afterAll(async () => {
  await removeUnpacked();
});
