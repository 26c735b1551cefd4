/**
 * What a compiled binary must be beyond what the tests of the command line say, which run on it as well.
 * `deno task test:binary` makes it and names it in PROVGRAPH_BINARY.
 */

import assert from "node:assert/strict";
import { assertGraph, assertIngested, assertState, CASES } from "../conformance/harness.ts";
import {
  expectProvgraph,
  fixturePath,
  PROJECT,
  provgraphCommand,
  runProvgraph,
  temporaryDirectory,
  unpackFixture,
} from "../support/fixtures.ts";
import { assertMatchesSchema } from "../support/json_schema.ts";

const BINARY = Deno.env.get("PROVGRAPH_BINARY") ?? assert.fail("PROVGRAPH_BINARY names no binary");
const CASE = "small-mixed";

/** Runs the source, with all that a developer's process has. */
async function runSource(args: readonly string[], cwd: string): Promise<void> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-A", `${PROJECT}/main.ts`, ...args],
    cwd,
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
}

Deno.test("binary, source and reference make the same graph and the same repository", async () => {
  await using ofBinary = await unpackFixture(CASE, "before");
  await using ofSource = await unpackFixture(CASE, "before");
  const aggregate = ["aggregate-graph", "predicted.qg", "repo", "-o", "out.qg"];
  await expectProvgraph(aggregate, { cwd: ofBinary.path });
  await runSource(aggregate, ofSource.path);
  for (const work of [ofBinary, ofSource]) {
    await assertGraph(work, CASE, { file: "out.qg" });
    assertState(work, CASE, "aggregated");
  }
  const ingest = ["ingest-graph", "repo", "out.qg"];
  await expectProvgraph(ingest, { cwd: ofBinary.path });
  await runSource(ingest, ofSource.path);
  for (const work of [ofBinary, ofSource]) assertIngested(work, CASES[CASE]);
});

Deno.test("--version of a binary tells the commit that it was made of", async () => {
  const { stdout } = await expectProvgraph(["--version", "--json"]);
  const version = JSON.parse(stdout);
  assertMatchesSchema("version", version);
  assert.equal(version.compiled, true);
  const { commit } = JSON.parse(Deno.readTextFileSync(`${PROJECT}/dist/build.json`));
  assert.equal(version.commit, commit);
});

for (
  const [what, args] of [
    ["a graph", (directory: string) => ["info", `${directory}/graph.qg`]],
    [
      "a repository",
      (directory: string) => ["aggregate-graph", "predicted.qg", directory, "--dry-run"],
    ],
  ] as const
) {
  Deno.test(`a binary says that ${what} can't be below /dev, and what to do`, async () => {
    const directory = Deno.makeTempDirSync({ dir: "/dev/shm" });
    try {
      Deno.writeTextFileSync(`${directory}/graph.qg`, "");
      Deno.writeTextFileSync(`${directory}/butler.yaml`, "");
      const { code, stderr } = await runProvgraph(args(directory));
      assert.equal(code, 1, stderr);
      const advice = "use another directory, or run the tool from source";
      const reason = `a binary may use no files below /dev, /proc and /sys; ${advice}`;
      assert.match(stderr, new RegExp(`^error: Cannot [^:]*: ${reason}$`, "m"));
    } finally {
      Deno.removeSync(directory, { recursive: true });
    }
  });
}

for (
  const [what, args, variables, message, hint] of [
    [
      "DIR",
      (directory: string) => ["self-test", directory],
      () => ({}),
      'Cannot make a temporary folder in "[^"]*": a binary may use no files below /dev, .*',
      "give a directory that can be written to: self-test DIR",
    ],
    [
      "TMPDIR",
      () => ["self-test"],
      (directory: string) => ({ TMPDIR: directory }),
      'Cannot make a temporary folder in "[^"]*": a binary may use no files below /dev, .*',
      "give a directory that can be written to: self-test DIR",
    ],
  ] as const
) {
  Deno.test(`self-test of a binary says what to do where ${what} is below /dev`, async () => {
    const directory = Deno.makeTempDirSync({ dir: "/dev/shm" });
    try {
      const { code, stderr } = await runProvgraph(args(directory), { env: variables(directory) });
      assert.equal(code, 1, stderr);
      assert.match(stderr, new RegExp(`^error: (?:${message})\nhint: (?:${hint})\n$`));
      assert.deepEqual([...Deno.readDirSync(directory)], []);
    } finally {
      Deno.removeSync(directory, { recursive: true });
    }
  });
}

Deno.test("a binary whose TMPDIR is below /dev works, or says that it must be another", async () => {
  const directory = Deno.makeTempDirSync({ dir: "/dev/shm" });
  try {
    const graph = fixturePath("small-mixed", "provenance.qg");
    const { code, stdout, stderr } = await runProvgraph(
      ["cat", graph, "log", "calibrate", "visit=1", "detector=4"],
      { env: { TMPDIR: directory } },
    );
    // Where the runtime lets its own files seem to be elsewhere.
    if (code === 0) return assert.notEqual(stdout, "");
    assert.equal(code, 1, stderr);
    assert.match(stderr, /^error: Cannot .*a binary may use no files below \/dev, /m);
    assert.match(stderr, /set TMPDIR to another directory, or unset it/);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

Deno.test("a binary leaves nothing in the temporary folder, and needs none", async () => {
  await using work = await temporaryDirectory();
  const env = { TMPDIR: work.join("tmp") };
  Deno.mkdirSync(env.TMPDIR);
  const { stdout } = await expectProvgraph(["self-test"], { env });
  assert.match(stdout, /^passed in/m);
  assert.deepEqual([...Deno.readDirSync(env.TMPDIR)], []);
  const without = { TMPDIR: work.join("nowhere") };
  await expectProvgraph(["self-test", work.path], { env: without });
  assert.deepEqual([...Deno.readDirSync(work.path)].map(({ name }) => name), ["tmp"]);
  // Where it can't be written to, the error says so.
  const refused = await runProvgraph(["self-test"], { env: without });
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /Cannot make a temporary folder/);
});

Deno.test("a binary works from wherever it is copied, under any name", async () => {
  await using work = await temporaryDirectory();
  const binary = work.join("a tool");
  // By another process: a fork of this one might hold the copy open for writing when it is started.
  assert.ok(new Deno.Command("cp", { args: [BINARY, binary] }).outputSync().success);
  assert.deepEqual(provgraphCommand(binary), [binary, []]);
  const { stdout } = await expectProvgraph(["self-test"], { binary });
  assert.match(stdout, /^passed in/m);
});

Deno.test("a binary reaches no host that it wasn't compiled for, and says so", async () => {
  const result = await runProvgraph(["cat", "http://192.0.2.1/graph.qg", "header"]);
  assert.notEqual(result.code, 0);
  assert.match(result.stderr, /192\.0\.2\.1.*compile/s);
  assert.equal(result.stdout, "");
});
