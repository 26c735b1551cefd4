/** `check-downstream` beside what the reference does with the same graphs and repositories. */

import assert from "node:assert/strict";
import { parse, stringify } from "yaml";
import { checkDownstream } from "../../lib/check/repository/downstream.ts";
import { FakeS3 } from "../support/fake_s3.ts";
import { moveToStore } from "../support/s3_repository.ts";
import {
  expectProvgraph,
  PROJECT,
  RUN,
  runProvgraph,
  type TemporaryDirectory,
} from "../support/fixtures.ts";
import { assertMatchesSchema } from "../support/json_schema.ts";
import { extractTarGz } from "../support/tar.ts";
import { jsonLines } from "./graph_truth.ts";
import { assertOneError, copyOfFixture, removeUnpacked } from "./support.ts";

const FOLDER = `${PROJECT}/testdata/downstream`;
const GRAPH = `${FOLDER}/downstream.qg`;
const LATE_GRAPH = `${FOLDER}/downstream-late.qg`;

/** Task to outcome (`success` or an exception) to number of quanta, by state. */
const EXPECTED: Record<string, Record<string, Record<string, number>>> = JSON.parse(
  Deno.readTextFileSync(`${FOLDER}/expected.json`),
);

interface Need {
  task: string;
  n_quanta: number;
  n_pending_quanta: number;
  n_pending_inputs: number;
  n_gone: number;
  n_backed_quanta: number;
  samples: { quantum_id: string; path: string | null }[];
}

async function check(
  graph: string,
  work: TemporaryDirectory,
  code: number,
): Promise<{ needs: Map<string, Need>; summary: Record<string, unknown> }> {
  const { stdout } = await expectProvgraph(
    ["check-downstream", graph, work.repo, "--run", RUN, "--json"],
    { code },
  );
  const lines = jsonLines<{ message_type: string } & Need>(stdout);
  for (const line of lines) assertMatchesSchema("check-downstream", line);
  const summary = lines.pop() as unknown as Record<string, unknown>;
  assert.equal(summary.safe, code === 0);
  return { needs: new Map(lines.map((need) => [need.task, need])), summary };
}

/** Quanta of each task that the reference could not execute. */
function failures(state: string): Record<string, number> {
  return Object.fromEntries(
    Object.entries(EXPECTED[state])
      .map(([task, counts]) => [task, counts.FileNotFoundError ?? 0] as const)
      .filter(([, n]) => n > 0),
  );
}

Deno.test("check-downstream names before ingest-graph what fails after it", async () => {
  await using work = await copyOfFixture("small-ok", "aggregated");
  const { needs, summary } = await check(GRAPH, work, 3);
  const pending = [...needs.values()].map(({ task, n_pending_quanta }) => [task, n_pending_quanta]);
  assert.deepEqual(Object.fromEntries(pending), failures("ingested"));
  assert.ok(
    [...needs.values()].every(({ n_gone, samples }) => n_gone === 0 && samples.length === 3),
  );
  assert.equal(needs.get("gatherMetadata")!.n_pending_inputs, 16);
  for (const { path } of [...needs.values()].flatMap(({ samples }) => samples)) {
    assert.ok(Deno.statSync(`${work.repo}/${path}`).isFile);
  }
  assert.equal(summary.ingested, false);

  const text = await runProvgraph(["check-downstream", GRAPH, work.repo, "--run", RUN]);
  assert.equal(text.code, 3);
  assert.match(text.stdout, /^not safe: 24 quanta of .*downstream\.qg" still read files/);
  assert.match(text.stdout, /^readLog +calibrate_log +16 +16 +0 +16 +0$/m);
});

Deno.test("check-downstream counts files that are gone after ingest-graph", async () => {
  await using work = await copyOfFixture("small-ok", "ingested");
  const { needs, summary } = await check(GRAPH, work, 3);
  const failed = failures("ingested");
  for (const { task, n_pending_quanta, n_gone, n_pending_inputs } of needs.values()) {
    assert.equal(n_pending_quanta, failed[task]);
    assert.equal(n_gone, n_pending_inputs);
  }
  assert.equal(summary.ingested, true);
});

Deno.test("check-downstream finds a graph safe that was built after ingest-graph", async () => {
  await using work = await copyOfFixture("small-ok", "ingested");
  const { needs } = await check(LATE_GRAPH, work, 0);
  assert.deepEqual(failures("built-after-ingest"), {});
  const nQuanta = (task: string) => EXPECTED["built-after-ingest"][task].success;
  for (const { task, n_backed_quanta, n_quanta } of needs.values()) {
    assert.equal(n_backed_quanta, nQuanta(task));
    assert.equal(n_quanta, 0);
  }
});

Deno.test("check-downstream finds it safe when all that reads has succeeded, not before", async () => {
  await using work = await copyOfFixture("small-ok", "aggregated");
  extractTarGz(`${FOLDER}/executed.tar.gz`, work.path);
  // Executed, but nobody has told the registry.
  await check(GRAPH, work, 3);
  const metadata = `${work.repo}/u/oracle/next/20260703T000000Z/gatherMetadata_metadata`;
  const kept = `${work.path}/kept`;
  Deno.renameSync(metadata, kept);
  await expectProvgraph(["aggregate-graph", GRAPH, work.repo, "--incomplete"]);
  const { needs } = await check(GRAPH, work, 3);
  assert.equal(needs.get("gatherMetadata")!.n_pending_quanta, 4);
  assert.equal(needs.get("readLog")!.n_pending_quanta, 0);
  assert.equal(needs.get("readLog")!.n_quanta, 16);

  Deno.renameSync(kept, metadata);
  const graph = work.join("next.qg");
  await expectProvgraph(["aggregate-graph", GRAPH, work.repo, "-o", graph]);
  assert.equal((await check(GRAPH, work, 0)).needs.get("gatherMetadata")!.n_pending_quanta, 0);
  await expectProvgraph(["ingest-graph", work.repo, graph]);
  const { summary } = await check(GRAPH, work, 0);
  assert.equal(summary.downstream_ingested, true);
});

Deno.test("check-downstream finds a graph safe that takes nothing of the RUN", async () => {
  await using work = await copyOfFixture("second-run", "before");
  const { needs, summary } = await check(`${work.path}/predicted.qg`, work, 0);
  // It reads metadata, but of its own RUN.
  assert.equal(needs.size, 0);
  assert.notEqual(summary.downstream_run, RUN);
});

Deno.test("check-downstream refuses what it can't compare", async () => {
  await using work = await copyOfFixture("small-ok", "aggregated");
  const cases: [args: string[], message: RegExp][] = [
    [[GRAPH, work.repo, "--run", "u/nobody"], /Cannot find RUN "u\/nobody"/],
    [
      [GRAPH, work.repo, "--run", "u/oracle/out"],
      /it is a CHAINED collection\nhint: its members are/,
    ],
    [[work.join("none.qg"), work.repo, "--run", RUN], /none\.qg/],
    [[work.join("provenance.qg"), work.repo, "--run", RUN], /it is a provenance graph/],
  ];
  for (const [args, message] of cases) {
    const result = await runProvgraph(["check-downstream", ...args]);
    assert.equal(result.code, 2, args.join(" "));
    assertOneError(result, message);
  }
});

Deno.test.afterAll(removeUnpacked);

/** Quanta and inputs that fail after an ingest, and files that are gone, in all. */
async function gone(
  work: TemporaryDirectory,
  env = Deno.env as { get(name: string): string | undefined },
) {
  const { needs } = await checkDownstream(
    { graphPath: GRAPH, repository: work.repo, run: RUN },
    env,
  );
  const sum = (key: "nPendingInputs" | "nGone") => needs.reduce((n, need) => n + need[key], 0);
  return { nPendingInputs: sum("nPendingInputs"), nGone: sum("nGone") };
}

Deno.test({
  name: "check-downstream counts files that are gone from a remote store",
  // Connections stay open for later requests.
  sanitizeResources: false,
  sanitizeOps: false,
  fn: async () => {
    for (const [state, isGone] of [["ingested", true], ["aggregated", false]] as const) {
      await using work = await copyOfFixture("small-ok", state);
      const before = await gone(work);
      await using store = new FakeS3();
      moveToStore(work, store);
      const found = await gone(work, store.env);
      assert.deepEqual(found, before);
      assert.equal(found.nGone, isGone ? found.nPendingInputs : 0);
      assert.ok(found.nPendingInputs > 0);
    }
  },
});

Deno.test("check-downstream looks into each datastore of a chain", async () => {
  await using work = await copyOfFixture("small-ok", "ingested");
  const path = `${work.repo}/butler.yaml`;
  const { datastore, ...config } = parse(Deno.readTextFileSync(path));
  const member = (name: string, root: string, table: string) => ({
    ...datastore,
    ...{ name, root, records: { table } },
  });
  config.datastore = {
    cls: "lsst.daf.butler.datastores.chainedDatastore.ChainedDatastore",
    datastores: [
      member("FileDatastore@<butlerRoot>", "<butlerRoot>", "file_datastore_records"),
      member("second", "<butlerRoot>/second", "second_datastore_records"),
    ],
  };
  Deno.removeSync(path);
  Deno.writeTextFileSync(path, stringify(config));
  const { nGone, nPendingInputs } = await gone(work);
  assert.ok(nGone > 0);
  assert.equal(nGone, nPendingInputs);
});
