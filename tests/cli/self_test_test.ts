/** `--version` and `self-test`: what to ask for on a machine one doesn't know. */

import assert from "node:assert/strict";
import { join } from "node:path";
import {
  expectProvgraph,
  IS_BINARY,
  PROJECT,
  runProvgraph,
  spawnProvgraph,
  temporaryDirectory,
} from "../support/fixtures.ts";
import { assertMatchesSchema } from "../support/json_schema.ts";
import { assertOneError } from "./support.ts";

Deno.test("--version tells all versions, as text and as JSON", async () => {
  const { version } = JSON.parse(Deno.readTextFileSync(join(PROJECT, "deno.json")));
  const { stdout } = await expectProvgraph(["--version"]);
  assert.ok(stdout.startsWith(`provgraph ${version}\n`), stdout);
  for (const name of ["commit", "Deno", "SQLite", "zstd", "chunk log format", "manager datasets"]) {
    assert.match(stdout, new RegExp(`^${name} +\\S`, "m"));
  }
  assert.equal((await expectProvgraph(["-V"])).stdout, stdout);
  const json = JSON.parse((await expectProvgraph(["--version", "--json"])).stdout);
  assertMatchesSchema("version", json);
  assert.equal(json.version, version);
  // Registries of both generations are known (`schema/butler-repository.md`, section 2.3).
  assert.deepEqual(json.managers.datasets, ["1.0", "2.0"]);
  assert.equal(json.compiled, IS_BINARY);
});

Deno.test(
  "--version from source tells the commit that is checked out",
  { ignore: IS_BINARY },
  async () => {
    const git = await new Deno.Command("git", {
      args: ["rev-parse", "HEAD"],
      cwd: PROJECT,
      stderr: "null",
    }).output().catch(() => null);
    const commit = git?.success ? new TextDecoder().decode(git.stdout).trim() : "unknown";
    const { stdout } = await expectProvgraph(["--version", "--json"]);
    assert.equal(JSON.parse(stdout).commit, commit);
  },
);

Deno.test("self-test passes, says what it did, and leaves nothing", async () => {
  await using work = await temporaryDirectory();
  const env = { TMPDIR: work.path };
  const text = await expectProvgraph(["self-test"], { env });
  const steps = [
    "simulate",
    "scan",
    "aggregate-graph",
    "cat",
    "ingest-graph",
    "cat again",
    "check",
  ];
  for (const step of steps) {
    assert.match(text.stdout, new RegExp(`^ok  ${step} +\\d+\\.\\d\\d s`, "m"));
  }
  assert.match(text.stdout, /^passed in \d+\.\d s\n$/m);
  assert.equal(text.stderr, "");
  assert.deepEqual([...Deno.readDirSync(work.path)], []);
  // In a directory of one's choice, whatever the environment says about repositories.
  const json = await expectProvgraph(["self-test", work.path, "--json"], {
    env: { ...env, DAF_BUTLER_REPOSITORY_INDEX: "/nowhere", DAF_BUTLER_CONFIG_PATH: "/nowhere" },
  });
  const lines = json.stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  for (const line of lines) assertMatchesSchema("self-test", line);
  assert.deepEqual(lines.slice(0, -1).map((line) => line.name), steps);
  assert.equal(lines.at(-1).passed, true);
  assert.deepEqual([...Deno.readDirSync(work.path)], []);
});

Deno.test("self-test ended by a signal removes its folder, too", async () => {
  await using work = await temporaryDirectory();
  const child = spawnProvgraph(["self-test", work.path]);
  // The first step is told when the next one begins.
  const reader = child.stdout.getReader();
  await reader.read();
  child.kill("SIGTERM");
  while (!(await reader.read()).done);
  assert.equal((await child.status).code, 143);
  await child.stderr.cancel();
  assert.deepEqual([...Deno.readDirSync(work.path)], []);
});

Deno.test("self-test says where it can't work", async () => {
  const result = await runProvgraph(["self-test", "/nowhere/at/all"]);
  assert.equal(result.code, 1);
  assertOneError(
    result,
    /Cannot make a temporary folder in "\/nowhere\/at\/all".*\nhint: give a dir/,
  );
});
