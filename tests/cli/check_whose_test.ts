/** `check` and files that aren't what they seem: of other RUNs, in ZIP files, of another graph, moved. */

import assert from "node:assert/strict";
import { basename, dirname } from "node:path";
import { buildZip } from "../qg/support.ts";
import { RUN, type TemporaryDirectory } from "../support/fixtures.ts";
import { check, runHere } from "./check_support.ts";
import { copyOfFixture, removeUnpacked, replaceFile, sql } from "./support.ts";

/** Puts the content of every file of a dataset type into one ZIP file, as `butler ingest-zip` does. */
function zipUp(work: TemporaryDirectory, typeName: string): string[] {
  const find = (directory: string): string[] =>
    [...Deno.readDirSync(work.join("repo", directory))].flatMap(({ name, isDirectory }) =>
      isDirectory ? find(`${directory}/${name}`) : [`${directory}/${name}`]
    );
  const paths = find(`${RUN}/${typeName}`);
  const zip = "zips/0d5c/a.zip";
  Deno.mkdirSync(dirname(work.join("repo", zip)), { recursive: true });
  const members = paths.map((path) => ({
    name: `019f-${basename(path)}`,
    data: Deno.readFileSync(work.join("repo", path)),
  }));
  Deno.writeFileSync(work.join("repo", zip), buildZip(members));
  const statements = paths.map((path) =>
    `UPDATE file_datastore_records SET path = '${zip}#zip-path=019f-${basename(path)}' ` +
    `WHERE path = '${path}'`
  );
  sql(work, ...statements);
  Deno.removeSync(work.join("repo", RUN, typeName), { recursive: true });
  return members.map(({ name }) => name);
}

for (const typeName of ["warp", "warp_metadata", "calibrate_log", "calibrate_config"]) {
  Deno.test(`check finds ${typeName} in the ZIP file that its records name`, async () => {
    await using work = await copyOfFixture("small-mixed", "aggregated");
    const names = zipUp(work, typeName);
    assert.ok(names.length > 0);
    const graph = ["--graph", work.join("provenance.qg")];
    assert.deepEqual((await check(work.repo, "--run", RUN)).kinds, []);
    assert.deepEqual((await check(work.repo, "--run", RUN, ...graph)).kinds, []);
  });
}

Deno.test("check misses a dataset if the ZIP file that its record names has no such member", async () => {
  await using work = await copyOfFixture("small-mixed", "aggregated");
  const [name] = zipUp(work, "warp");
  sql(work, `UPDATE file_datastore_records SET path = path || '~' WHERE path LIKE '%${name}'`);
  const { problems } = await check(work.repo, "--run", RUN);
  assert.deepEqual(problems.map(({ kind }) => kind), ["registered-without-file"]);
  assert.match(problems[0].what, /#zip-path=019f-.*~" isn't there/);
});

Deno.test("check lets files be that a record of another RUN names", async () => {
  await using work = await copyOfFixture("small-mixed", "aggregated");
  const path = `${RUN}/warp/borrowed.json`;
  replaceFile(work.join("repo", path), "{}");
  assert.deepEqual((await check(work.repo, "--run", RUN)).kinds, ["file-without-record"]);
  sql(
    work,
    `UPDATE file_datastore_records SET path = '${path}' WHERE dataset_id IN (SELECT d.id FROM ` +
      "dataset d JOIN collection c ON c.collection_id = d.run_id WHERE c.name = 'inputs/run1' LIMIT 1)",
  );
  assert.deepEqual((await check(work.repo, "--run", RUN)).kinds, []);
});

Deno.test("check doesn't say to aggregate what was aggregated with a promise", async () => {
  await using work = await copyOfFixture("small-mixed", "aggregated-promise");
  replaceFile(work.join("repo", RUN, "warp", "partial.json"), "{}");
  const { problems } = await check(work.repo, "--run", RUN);
  assert.deepEqual(problems.map(({ kind }) => kind), ["promised-ingest", "file-without-record"]);
  assert.deepEqual(problems.map(({ advice }) => advice), ["ingest", null]);
});

Deno.test("check says that nothing is there when the RUN's files are not, and advises no pruning", async () => {
  await using work = await copyOfFixture("small-mixed", "aggregated");
  Deno.renameSync(work.join("repo", RUN), work.join("elsewhere"));
  for (const more of [[], ["--graph", work.join("provenance.qg")]]) {
    const { problems } = await check(work.repo, "--run", RUN, ...more);
    assert.deepEqual(problems.map(({ kind }) => kind), ["no-file-there"]);
    assert.match(problems[0].what, /not one of the \d+ files .* perhaps a disk isn't mounted/);
    assert.equal(problems[0].command, null);
  }
});

Deno.test("check can't say anything when the datastore's root isn't there", async () => {
  await using work = await copyOfFixture("small-mixed", "aggregated");
  const config = work.join("repo", "butler.yaml");
  replaceFile(
    config,
    `${Deno.readTextFileSync(config)}\ndatastore:\n  root: ${work.join("unmounted")}\n`,
  );
  const { code, stderr } = await runHere(["check", work.repo, "--run", RUN]);
  assert.equal(code, 1, stderr);
  assert.match(
    stderr,
    /^error: Cannot check datastore ".*unmounted": there is no such directory$/m,
  );
  assert.match(stderr, /^hint: mount its disk, or check datastore\.root/m);
});

/** Commands that are given a graph by its name. */
const READERS: [command: string, ...args: string[]][] = [
  ["cat", "GRAPH", "header"],
  ["ls", "GRAPH", "quanta"],
  ["info", "GRAPH"],
  ["check", "GRAPH"],
  ["provenance-report", "GRAPH"],
  ["trace", "GRAPH", "isr"],
];

for (const [command, ...args] of READERS) {
  Deno.test(`${command} says what may have become of a graph that was moved`, async () => {
    await using work = await copyOfFixture("small-mixed", "aggregated");
    const graph = work.join("provenance.qg");
    const ingested = await runHere(["-q", "ingest-graph", work.repo, graph]);
    assert.equal(ingested.code, 0, ingested.stderr);
    const words = args.map((word) => word === "GRAPH" ? graph : word);
    const { code, stderr } = await runHere(["-q", command, ...words]);
    assert.equal(code, 2, stderr);
    assert.match(stderr, /^error: Cannot open graph ".*provenance\.qg": no such file$/m);
    assert.match(
      stderr,
      /^hint: if ingest-graph moved it into a repository, it is the run_provenance of its RUN there/m,
    );
  });

  Deno.test(`${command} says that a graph is unfinished when only its chunk log is there`, async () => {
    await using work = await copyOfFixture("small-mixed", "aggregated");
    const graph = work.join("out.qg");
    Deno.writeTextFileSync(`${graph}.chunks`, "");
    const words = args.map((word) => word === "GRAPH" ? graph : word);
    const { code, stderr } = await runHere(["-q", command, ...words]);
    assert.equal(code, 2, stderr);
    assert.match(
      stderr,
      /^error: .*out\.qg": it isn't there yet; its chunk log .* was interrupted$/m,
    );
    assert.match(
      stderr,
      /^hint: the same aggregate-graph goes on with it; give ".*out\.qg\.chunks"/m,
    );
  });
}

Deno.test("ingest-graph names the RUNs that have a graph when the one given was moved", async () => {
  await using work = await copyOfFixture("small-mixed", "aggregated");
  const graph = work.join("provenance.qg");
  const args = ["-q", "ingest-graph", work.repo, graph];
  assert.equal((await runHere(args)).code, 0);
  const { code, stderr } = await runHere(args);
  assert.equal(code, 2, stderr);
  assert.match(stderr, new RegExp(`that of RUN "${RUN}" is ".*"; .*give --output-run RUN instead`));
  const words = ["-q", "ingest-graph", work.repo, "--output-run", RUN];
  assert.equal((await runHere(words)).code, 0);
});

Deno.test.afterAll(removeUnpacked);
