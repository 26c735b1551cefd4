/** `check-storage` of directories and repositories on disks; `tests/remote` has it on servers. */

import assert from "node:assert/strict";
import { temporaryDirectory } from "../support/fixtures.ts";
import { assertMatchesSchema } from "../support/json_schema.ts";
import { runHere } from "./check_support.ts";
import { copyOfFixture } from "./support.ts";

/** Names and states of the steps, from JSON lines that are all as the schema says. */
function statesIn(stdout: string): [string, string][] {
  const lines = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  for (const line of lines) assertMatchesSchema("check-storage", line);
  return lines.filter((line) => line.message_type === "step").map((
    { name, state },
  ) => [name, state]);
}

Deno.test("a directory can be used, and is as it was afterwards", async () => {
  await using work = await temporaryDirectory();
  Deno.writeTextFileSync(work.join("mine"), "mine");
  const { code, stdout, stderr } = await runHere(["check-storage", work.path, "--json"]);
  assert.equal(code, 0, stderr);
  assert.deepEqual(statesIn(stdout), [
    ["configuration", "ok"],
    ["reach", "ok"],
    ["clock", "ok"],
    ["list", "ok"],
    ["write", "ok"],
    ["read-range", "ok"],
    ["conditional-write", "ok"],
    ["delete", "ok"],
  ]);
  assert.deepEqual([...Deno.readDirSync(work.path)].map(({ name }) => name), ["mine"]);
  const text = await runHere(["check-storage", `file://${work.path}`]);
  assert.match(text.stdout, /^ok +write /m);
  assert.match(text.stdout, /^nothing to mend\n$/m);
});

Deno.test("--no-write writes nothing, and reads a file that is there by a range", async () => {
  await using work = await temporaryDirectory();
  Deno.writeFileSync(work.join("large"), new Uint8Array(100_000));
  Deno.chmodSync(work.path, 0o555);
  const args = ["check-storage", work.path, "--no-write", "--json"];
  const { code, stdout } = await runHere(args);
  Deno.chmodSync(work.path, 0o755);
  assert.equal(code, 0);
  assert.deepEqual(statesIn(stdout).slice(4), [
    ["write", "skipped"],
    ["read-range", "ok"],
    ["conditional-write", "skipped"],
    ["delete", "skipped"],
  ]);
});

Deno.test("of a repository the roots of its datastores are checked", async () => {
  await using work = await copyOfFixture("small-mixed", "before");
  for (const argument of [work.repo, `${work.repo}/butler.yaml`]) {
    const { code, stdout } = await runHere(["check-storage", argument, "--json"]);
    assert.equal(code, 0);
    const { places } = JSON.parse(stdout.trimEnd().split("\n").at(-1)!);
    assert.deepEqual(places, [work.repo]);
  }
});

Deno.test("a root that isn't there has to be mended, and the rest is skipped", async () => {
  await using work = await copyOfFixture("small-mixed", "before");
  const config = `${work.repo}/butler.yaml`;
  const text = Deno.readTextFileSync(config);
  Deno.writeTextFileSync(config, text.replace(/^( +root: ).*$/m, `$1${work.join("gone")}`));
  const { code, stdout } = await runHere(["check-storage", work.repo]);
  assert.equal(code, 3);
  assert.match(stdout, /^mend +reach +there is no directory ".*gone"\n +hint: /m);
  assert.match(stdout, /^skipped +write /m);
  assert.match(stdout, /^1 to mend$/m);
});

for (
  const [argument, message] of [
    ["nothing-of-that-name", /neither|it is no directory; as a repository/],
    ["gs://bucket/x", /scheme "gs" is not supported\nhint: use the store's S3 interface/],
    ["https://host/x", /scheme "https" is not supported\nhint: for a WebDAV server give davs/],
  ] as const
) {
  Deno.test(`what is no place is refused: ${argument}`, async () => {
    const { code, stdout, stderr } = await runHere(["check-storage", argument]);
    assert.equal(code, 2, stdout);
    assert.match(stderr, message);
  });
}

Deno.test("a place without keys has to be mended, with the variables that give them", async () => {
  const { code, stdout } = await runHere(["check-storage", "s3://bucket/x"]);
  assert.equal(code, 3);
  assert.match(stdout, /^mend +configuration +Cannot find S3 credentials.*\n +hint: export/m);
});
