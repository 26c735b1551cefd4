/** What `--json` prints: JSON and nothing else, as the schemas say, at every verbosity. */

import assert from "node:assert/strict";
import {
  expectProvgraph,
  fixturePath,
  type ProcessResult,
  runProvgraph,
} from "../support/fixtures.ts";
import { assertMatchesSchema } from "../support/json_schema.ts";
import { copyOfFixture, removeUnpacked, replaceFile } from "./support.ts";

const AGGREGATE = ["aggregate-graph", "predicted.qg", "repo", "-j", "2", "--json"];
const RUN = "u/oracle/out/20260701T000000Z";

function linesOf(result: ProcessResult, schema: string): Record<string, unknown>[] {
  assert.match(result.stdout, /\n$/);
  const lines = result.stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  for (const line of lines) assertMatchesSchema(schema, line);
  return lines;
}

Deno.test("aggregate-graph and ingest-graph print their summaries", async () => {
  await using work = await copyOfFixture("small-mixed", "before");
  const inWork = { cwd: work.path };
  // Numbers of the reference's own run of this fixture.
  const expected = {
    run: RUN,
    n_quanta: 53,
    quanta_by_status: {
      ABORTED: 0,
      UNKNOWN: 0,
      ABORTED_SUCCESS: 1,
      FAILED: 6,
      BLOCKED: 23,
      SUCCESSFUL: 23,
    },
    n_ingested: 91,
  };
  for (const verbosity of [["-q", "--dry-run"], ["--log-level", "TRACE", "-o", "out.qg"]]) {
    const result = await expectProvgraph([...AGGREGATE, ...verbosity], inWork);
    const lines = linesOf(result, "aggregate-graph");
    assert.equal(lines.length, 1);
    const [summary] = lines;
    assert.equal(summary.dry_run, verbosity[0] === "-q");
    assert.deepEqual(pick(summary, expected), expected);
    assert.equal(result.stderr === "", verbosity[0] === "-q");
  }
  const again = await expectProvgraph([...AGGREGATE, "-q", "--incomplete"], inWork);
  const [incomplete] = linesOf(again, "aggregate-graph");
  assert.deepEqual(pick(incomplete, { incomplete: 1, n_ingested: 0, output: 0 }), {
    incomplete: true,
    n_ingested: 0,
    output: null,
  });
  const result = await expectProvgraph(["ingest-graph", "repo", "out.qg", "--json", "-v"], inWork);
  const [ingest] = linesOf(result, "ingest-graph");
  const done = { run: RUN, already_done: false, n_forgotten: 55, n_ingested: 55, n_kept: 0 };
  assert.deepEqual(pick(ingest, done), done);
  const rest = ["ingest-graph", "repo", "--output-run", RUN, "--json"];
  const [nothing] = linesOf(await expectProvgraph(rest, inWork), "ingest-graph");
  assert.deepEqual(pick(nothing, { already_done: 0, n_ingested: 0, n_skipped: 0 }), {
    already_done: true,
    n_ingested: 0,
    n_skipped: 55,
  });
});

Deno.test("a broken file is a line of its own, and exit code 3", async () => {
  await using work = await copyOfFixture("small-mixed", "before");
  const directory = work.join(`repo/${RUN}/calibrate_metadata`);
  const path = firstFile(directory);
  replaceFile(path, '{"quantum": ');
  const result = await runProvgraph(AGGREGATE, { cwd: work.path });
  assert.equal(result.code, 3, result.stderr);
  const lines = linesOf(result, "aggregate-graph");
  assert.deepEqual(lines.map(({ message_type }) => message_type), ["problem", "summary"]);
  assert.equal(work.join(`repo/${lines[0].path}`), path);
  assert.equal(lines[0].broken, true);
  assert.equal(lines[0].task_label, "calibrate");
  assert.equal(lines[1].n_broken_files, 1);
});

Deno.test("simulate and check print JSON that their schemas allow", async () => {
  await using work = await copyOfFixture("small-mixed", "before");
  const inWork = { cwd: work.path };
  const args = ["simulate", "new", "--visits", "1", "--detectors", "2", "--json"];
  const [made] = linesOf(await expectProvgraph(args, inWork), "simulate");
  assert.equal(typeof made.n_quanta, "number");
  assert.equal(made.graph, work.join("new/predicted.qg"));
  const check = await expectProvgraph(["check", "new/predicted.qg", "--json"], inWork);
  const [whole] = linesOf(check, "check");
  assert.equal(whole.n_problems, 0);
  const bytes = Deno.readFileSync(work.join("new/predicted.qg"));
  bytes[Math.floor(bytes.length / 2)] ^= 0xff;
  replaceFile(work.join("bad.qg"), bytes);
  const bad = await runProvgraph(["check", "bad.qg", "--json", "--read-data"], inWork);
  assert.equal(bad.code, 3);
  const lines = linesOf(bad, "check");
  assert.equal(lines[0].message_type, "problem");
  assert.equal(lines.at(-1)!.message_type, "summary");
});

Deno.test("cat prints JSON that its schema allows, and nothing of another shape is allowed", async () => {
  const graph = fixturePath("small-mixed", "provenance.qg");
  const quantum = ["calibrate", "visit=1", "detector=3"];
  const documents = [
    ["header"],
    ["packages"],
    ["config", "calibrate"],
    ["quantum", ...quantum],
    ["dataset", "source_detector", ...quantum.slice(1)],
    ["log", ...quantum],
    ["log", ...quantum, "--all-attempts"],
    ["metadata", ...quantum],
  ];
  for (const words of documents) {
    const { stdout } = await expectProvgraph(["cat", graph, ...words, "--json"]);
    // Python's tokens for numbers that JSON can't write.
    const value = JSON.parse(stdout.replaceAll(/(?<=[:,[])(?:NaN|-?Infinity)(?=[,}\]])/g, "0"));
    assertMatchesSchema("cat", value, words.join(" "));
  }
  for (const value of [{}, [{}], { attempts: 1 }, { dataset_id: "x" }, null, "text"]) {
    assert.throws(() => assertMatchesSchema("cat", value), assert.AssertionError);
  }
});

Deno.test("each worker has a log file named as the reference names it", async () => {
  await using work = await copyOfFixture("small-mixed", "before");
  const args = ["aggregate-graph", "predicted.qg", "repo", "-j", "2", "-o", "out.qg", "-q"];
  const logs = ["--worker-log-dir", "logs/deep", "--worker-log-level", "debug"];
  await expectProvgraph([...args, ...logs], { cwd: work.path });
  const names = [...Deno.readDirSync(work.join("logs/deep"))].map(({ name }) => name).sort();
  const expected = ["ingester", "scanner-000", "scanner-001", "supervisor", "writer"];
  assert.deepEqual(names, expected.map((name) => `${name}.log`));
  const texts = names.map((name) => Deno.readTextFileSync(work.join(`logs/deep/${name}`)));
  for (const [i, text] of texts.entries()) {
    const lines = text.trimEnd().split("\n");
    for (const line of lines) {
      assert.match(line, /^(DEBUG|VERBOSE|INFO) \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3} \S/);
    }
    assert.ok(lines[0].includes(`${expected[i]} runs in process `));
  }
  const scanned = (texts[1] + texts[2]).match(/^DEBUG .* Quantum [0-9a-f-]{36}: [A-Z_]+\.$/gm);
  assert.equal(scanned?.length, 53);
  // A second run appends; by default single quanta are not told.
  await expectProvgraph([...args, ...logs.slice(0, 2)], { cwd: work.path });
  for (const [i, name] of names.entries()) {
    const text = Deno.readTextFileSync(work.join(`logs/deep/${name}`));
    assert.ok(text.startsWith(texts[i]));
    assert.doesNotMatch(text.slice(texts[i].length), /^DEBUG/m);
    assert.match(text.slice(texts[i].length), /^VERBOSE/m);
  }
  const bad = await runProvgraph([...args, "--worker-log-level", "LOUD"], { cwd: work.path });
  assert.equal(bad.code, 2);
  const refused = await runProvgraph(
    [...args, "--worker-log-dir", "predicted.qg"],
    { cwd: work.path },
  );
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /Cannot write --worker-log-dir "predicted.qg": it is /);
});

function pick(
  object: Record<string, unknown>,
  like: Record<string, unknown>,
): Record<string, unknown> {
  return Object.fromEntries(Object.keys(like).map((key) => [key, object[key]]));
}

function firstFile(directory: string): string {
  for (const { name, isDirectory } of Deno.readDirSync(directory)) {
    const path = `${directory}/${name}`;
    return isDirectory ? firstFile(path) : path;
  }
  throw new Error(`no file in ${directory}`);
}

Deno.test.afterAll(removeUnpacked);
