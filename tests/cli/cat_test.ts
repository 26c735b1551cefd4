/** `cat` after each stage of the whole chain: the same bytes wherever the documents are. */

import assert from "node:assert/strict";
import { type JsonValue, parseJson } from "../../lib/base/json_text.ts";
import {
  copyOf,
  expectProvgraph,
  fixturePath,
  RUN,
  runProvgraph,
  type TemporaryDirectory,
  unpackFixture,
} from "../support/fixtures.ts";
import { assertOneError } from "./support.ts";

/** The chain's stages: aggregated with its chunk log, and ingested. */
interface Stages {
  aggregated: TemporaryDirectory;
  ingested: TemporaryDirectory;
}

let stages: Promise<Stages> | null = null;

function chain(): Promise<Stages> {
  return stages ??= (async () => {
    const aggregated = await unpackFixture("small-mixed", "before");
    await expectProvgraph(
      ["aggregate-graph", "predicted.qg", "repo", "-o", "provenance.qg", "--keep-chunks"],
      { cwd: aggregated.path },
    );
    const ingested = await copyOf(aggregated);
    await expectProvgraph(["ingest-graph", "repo", "provenance.qg", "-t", "copy"], {
      cwd: ingested.path,
    });
    return { aggregated, ingested };
  })();
}

async function cat(work: TemporaryDirectory, ...args: string[]): Promise<string> {
  return (await expectProvgraph(["cat", ...args], { cwd: work.path })).stdout;
}

/** The places that hold everything. */
async function places(): Promise<[name: string, work: TemporaryDirectory, source: string][]> {
  const { aggregated, ingested } = await chain();
  return [
    ["graph", aggregated, "provenance.qg"],
    ["repository before ingest-graph", aggregated, "repo"],
    ["repository after ingest-graph", ingested, "repo"],
  ];
}

/** calibrate, visit 1, detector 4: two failures, then success. */
const RETRIED = ["calibrate", "visit=1", "detector=4"];
/** calibrate, visit 3, detector 1: failed in all of its attempts. */
const FAILED = ["calibrate", "visit=3", "detector=1"];

Deno.test("cat --raw gives what the task wrote, byte for byte, wherever it is", async () => {
  const { aggregated } = await chain();
  const folder = `${aggregated.repo}/${RUN}/calibrate_metadata/20260701/g/OC-g/1`;
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  const written = Deno.readTextFileSync(`${folder}/${names.at(-1)}`);
  const id = JSON.parse(written.replace(/-?\b(?:NaN|Infinity)\b/g, "null"))
    .metadata.quantum.arrays.outputs[0];
  for (const [place, work, source] of await places()) {
    if (place.includes("before")) continue; // the registry doesn't know who made an output
    assert.equal(await cat(work, source, "metadata", id, "--raw"), written, place);
  }
  for (const token of ["NaN", "Infinity", "-Infinity", "1152921504606846977", "3.0", "ümläut"]) {
    assert.ok(written.includes(token), token);
  }
});

Deno.test("cat prints the same in every format from graph and repository, before and after", async () => {
  const commands = [
    ["log", ...RETRIED],
    ["log", ...RETRIED, "--attempt", "0", "--format", "json"],
    ["log", ...RETRIED, "--all-attempts", "--raw"],
    ["log", ...RETRIED, "--all-attempts", "--format", "ndjson"],
    ["metadata", ...RETRIED],
    ["metadata", ...RETRIED, "--attempt", "-2", "--format", "ndjson"],
    ["metadata", ...FAILED, "--all-attempts"],
    ["metadata", ...FAILED, "--all-attempts", "--raw"],
    ["config", "calibrate"],
    ["config", "calibrate", "--format", "json"],
    ["packages"],
  ];
  for (const command of commands) {
    const outputs = await Promise.all(
      (await places()).map(async ([place, work, source]) =>
        [place, await cat(work, source, ...command)] as const
      ),
    );
    const [, expected] = outputs[0];
    assert.ok(expected.length > 10);
    for (const [place, output] of outputs) {
      assert.equal(output, expected, `${command} from ${place}`);
    }
  }
});

Deno.test("cat reads a chunk log by ID and data ID, with the same bytes", async () => {
  const { aggregated } = await chain();
  const quantum = parse(await cat(aggregated, "provenance.qg", "quantum", ...RETRIED, "--raw"));
  const id = quantum.quantum_id as string;
  const log = (quantum.outputs as { _log: string[] })._log[0];
  const image = (quantum.outputs as { image: string[] }).image[0];
  for (
    const command of [
      ["quantum", id, "--raw"],
      ["quantum", image],
      ["log", id],
      ["log", log, "--attempt", "1"],
      ["metadata", image, "--all-attempts", "--raw"],
      ["dataset", image, "--raw"],
      ["header", "--raw"],
      ["log", ...RETRIED, "--all-attempts", "--raw"],
      ["dataset", "image", "visit=1", "detector=4"],
      ["config", "calibrate"],
    ]
  ) {
    assert.equal(
      await cat(aggregated, "provenance.qg.chunks", ...command),
      await cat(aggregated, "provenance.qg", ...command),
      command.join(" "),
    );
  }
  // One that is still being written: its last chunk is cut.
  const bytes = Deno.readFileSync(aggregated.join("provenance.qg.chunks"));
  Deno.writeFileSync(aggregated.join("growing.chunks"), bytes.slice(0, -40));
  assert.match(await cat(aggregated, "growing.chunks", "header"), /"graph_type": "provenance"/);
});

function parse(text: string): { [key: string]: JsonValue } {
  return parseJson(text) as { [key: string]: JsonValue };
}

Deno.test("cat quantum tells attempts, exceptions and datasets", async () => {
  const { ingested } = await chain();
  const text = await cat(ingested, "repo", "quantum", ...FAILED);
  assert.match(text, /^task +calibrate$/m);
  assert.match(text, /^status +FAILED$/m);
  assert.match(text, /^attempts +3$/m);
  assert.match(text, /ValueError: Deliberate failure[^\n]*:\n {7}with two lines\n/);
  assert.match(text, /^data ID +instrument=OracleCam detector=1 visit=3 /m);
  const name = "instrument=OracleCam detector=1 visit=3";
  assert.match(text, new RegExp(`^ {2}_log +[0-9a-f-]{36} {2}calibrate_log ${name}$`, "m"));
  assert.match(
    text,
    new RegExp(
      `^ {2}_metadata +[0-9a-f-]{36} {2}calibrate_metadata ${name} \\(not produced\\)$`,
      "m",
    ),
  );
  assert.match(text, new RegExp(`^ {2}\\w+ +[0-9a-f-]{36} {2}raw ${name}$`, "m"));
  const next = await cat(ingested, "repo", "quantum", "consolidate", "visit=3");
  assert.match(next, /source_detector instrument=OracleCam detector=1 visit=3 from calibrate$/m);
  const first = parse(await cat(ingested, "repo", "quantum", ...FAILED, "--attempt", "0", "--raw"));
  assert.equal(first.status, -1);
});

Deno.test("cat finds quanta and datasets by prefix, and lists what an ambiguous one may mean", async () => {
  const { aggregated } = await chain();
  const id = parse(await cat(aggregated, "provenance.qg", "quantum", ...RETRIED, "--raw"))
    .quantum_id as string;
  for (const prefix of [id.toUpperCase(), id.replaceAll("-", ""), id.slice(0, 30)]) {
    assert.match(await cat(aggregated, "provenance.qg", "quantum", prefix), new RegExp(id));
  }
  for (const source of ["provenance.qg", "provenance.qg.chunks", "repo"]) {
    const result = await runProvgraph(["cat", source, "log", "0"], { cwd: aggregated.path });
    assert.equal(result.code, 2);
    assertOneError(result, /more than 10 fit\n(?: {2}[0-9a-f-]{36} {2}.*\n){10}/);
  }
  const partial = await runProvgraph(["cat", "provenance.qg", "log", "calibrate", "visit=1"], {
    cwd: aggregated.path,
  });
  assertOneError(
    partial,
    /4 fit\n(?: {2}[0-9a-f-]{36} {2}calibrate \{instrument: 'OracleCam'.*\n){4}/,
  );
});

Deno.test("cat says why there is no document", async () => {
  const { aggregated, ingested } = await chain();
  const raw = fixturePath("small-mixed", "predicted.qg");
  const quantum = parse(await cat(aggregated, "provenance.qg", "quantum", ...RETRIED, "--raw"));
  const input = (quantum.inputs as { raw: string[] }).raw[0];
  const zero = "00000000-0000-0000-0000-000000000000";
  const cases: [TemporaryDirectory, string[], RegExp][] = [
    [
      aggregated,
      ["provenance.qg", "log", "calibrate", "visit=3", "detector=3"],
      /FAILED and ended without writing a log/,
    ],
    [
      aggregated,
      ["provenance.qg", "log", "calibrate", "visit=2", "detector=4"],
      /ABORTED_SUCCESS, that is, it ended before its log/,
    ],
    [aggregated, ["provenance.qg", "log", "summarize"], /it was blocked/],
    [aggregated, ["provenance.qg", "log", ...RETRIED, "--attempt", "3"], /there are 3[^]*0 to 2/],
    [aggregated, ["provenance.qg", "log", ...RETRIED, "--attempt=-4"], /there are 3/],
    [aggregated, ["provenance.qg", "log", input], /overall input/],
    [aggregated, ["provenance.qg", "log", zero], /no node has that ID/],
    [aggregated, ["provenance.qg", "log", "nothing", "visit=1"], /task "nothing"[^]*calibrate/],
    [aggregated, ["provenance.qg", "log", "calibrate", "tract=1"], /dimensions are instrument/],
    [aggregated, ["provenance.qg", "config"], /which config/],
    [aggregated, ["provenance.qg", "dataset", quantum.quantum_id as string], /it is a quantum/],
    [aggregated, ["provenance.qg.chunks", "packages"], /chunk logs don't have it/],
    [aggregated, ["provenance.qg.chunks", "log", "calibrate", "tract=1"], /dimensions are instr/],
    [aggregated, ["provenance.qg.chunks", "log", "nothing", "visit=1"], /task "nothing"/],
    [aggregated, ["repo", "quantum", ...RETRIED], /holds no run_provenance yet[^]*ingest-graph/],
    [aggregated, ["repo", "header"], /no RUN holds "run_provenance"/],
    [
      aggregated,
      ["repo", "log", quantum.quantum_id as string],
      /Cannot find[^]*before ingest-graph/,
    ],
    [aggregated, ["repo", "--run", "inputs", "packages"], /CHAINED/],
    [aggregated, ["repo", "--run", "nope", "packages"], /Cannot find RUN "nope"/],
    [aggregated, ["repo", "log", "nothing", "visit=1"], /task "nothing"/],
    [aggregated, [raw, "log", ...RETRIED], /planned, not what happened/],
    [
      ingested,
      ["repo", "log", "calibrate", "visit=x", "detector=1", "instrument=OracleCam"],
      /is an integer/,
    ],
    [ingested, ["repo", "dataset", zero], /Cannot find/],
    [ingested, ["nowhere", "header"], /nowhere/],
  ];
  for (const [work, args, message] of cases) {
    const result = await runProvgraph(["cat", ...args], { cwd: work.path });
    assert.equal(result.code, 2, `${args.join(" ")}\n${result.stdout}${result.stderr}`);
    assertOneError(result, message);
  }
});

Deno.test("cat reads what a predicted graph has", async () => {
  const { aggregated } = await chain();
  assert.equal(
    await cat(aggregated, "predicted.qg", "config", "calibrate"),
    await cat(aggregated, "provenance.qg", "config", "calibrate"),
  );
  assert.match(await cat(aggregated, "predicted.qg", "header"), /"graph_type": "predicted"/);
  const quantum = parse(await cat(aggregated, "predicted.qg", "quantum", ...RETRIED, "--raw"));
  assert.equal(quantum.task_label, "calibrate");
  assert.equal(
    quantum.quantum_id,
    parse(await cat(aggregated, "provenance.qg", "quantum", ...RETRIED, "--raw")).quantum_id,
  );
});

Deno.test("cat reads a graph that the reference wrote, with a trained dictionary", async () => {
  const { aggregated } = await chain();
  for (const name of ["provenance.qg", "provenance-with-dictionary.qg"]) {
    assert.equal(
      await cat(aggregated, fixturePath("small-mixed", name), "log", ...RETRIED),
      await cat(aggregated, "provenance.qg", "log", ...RETRIED),
    );
  }
});

Deno.test.afterAll(async () => {
  const { aggregated, ingested } = await chain();
  aggregated[Symbol.dispose]();
  ingested[Symbol.dispose]();
});
