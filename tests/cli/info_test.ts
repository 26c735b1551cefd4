/** `info` beside the reference's dumps of the same graphs and repositories. */

import assert from "node:assert/strict";
import { unpackChain } from "../support/chain_state.ts";
import type { RepositoryState } from "../support/dump_state.ts";
import {
  expectedJson,
  expectProvgraph,
  fixturePath,
  readJsonGz,
  RUN,
  runProvgraph,
} from "../support/fixtures.ts";
import { assertMatchesSchema } from "../support/json_schema.ts";
import { graphTruth, type TrueQuantum } from "./graph_truth.ts";
import { assertOneError, copyOfFixture, removeUnpacked } from "./support.ts";

interface Info {
  kind: string;
  stage: string;
  run: string;
  n_quanta: number;
  n_scanned: number;
  statuses: Record<string, number>;
  tasks: { task: string; n_quanta: number; statuses: Record<string, number> | null }[];
  members: { name: string; size: number }[];
  dataset_types: { name: string; n_datasets: number; n_stored: number; n_backed: number }[];
  n_not_backed: number;
  graph: Info | null;
  ingested_runs: string[];
  [field: string]: unknown;
}

async function info(...args: string[]): Promise<Info> {
  const { stdout } = await expectProvgraph(["info", ...args, "--json"]);
  const parsed = JSON.parse(stdout);
  assertMatchesSchema("info", parsed);
  return parsed;
}

function countBy(quanta: readonly TrueQuantum[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status } of quanta) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

/** Datasets of the RUN in a state that the oracle dumped: by type, how many, and how many backed. */
function registered(
  state: RepositoryState,
): Map<string, [n: number, nStored: number, nBacked: number]> {
  const formatters = new Map(
    state.tables.file_datastore_records.map((row) => [row.dataset_id, String(row.formatter)]),
  );
  const counts = new Map<string, [number, number, number]>();
  for (const [table, rows] of Object.entries(state.tables)) {
    if (!table.startsWith("dataset_tags")) continue;
    for (const row of rows.filter(({ collection }) => collection === RUN)) {
      const name = String(row.dataset_type);
      const formatter = formatters.get(row.dataset_id);
      const [n, nStored, nBacked] = counts.get(name) ?? [0, 0, 0];
      const isBacked = formatter?.endsWith(".ProvenanceFormatter") && name !== "run_provenance";
      counts.set(name, [
        n + 1,
        nStored + (formatter === undefined ? 0 : 1),
        nBacked + (isBacked ? 1 : 0),
      ]);
    }
  }
  return counts;
}

for (const fixture of ["small-mixed", "small-failed", "medium"]) {
  Deno.test(`info --count of ${fixture} counts quanta as the reference reads them`, async () => {
    const path = fixturePath(fixture, "provenance.qg");
    const found = await info(path, "--count");
    const { quanta } = graphTruth(fixture);
    const header =
      (expectedJson(fixture, "provenance.graph") as { header: Record<string, unknown> })
        .header;
    assert.equal(found.kind, "provenance_graph");
    assert.equal(found.size, Deno.statSync(path).size);
    for (const key of ["inputs", "output", "n_quanta", "n_datasets"]) {
      assert.deepEqual(found[key], header[key], key);
    }
    assert.equal(found.run, header.output_run);
    // What `make_repo.py` writes; the oracle's dump leaves it out.
    assert.deepEqual([found.user, found.command], ["oracle", "make_repo"]);
    assert.match(String(found.timestamp), /^2026-11-22T\d\d:\d\d:\d\d\.\d{6}$/);
    for (const { task, n_quanta, statuses } of found.tasks) {
      const own = quanta.filter(({ task_label }) => task_label === task);
      assert.equal(n_quanta, own.length);
      assert.deepEqual(statuses, countBy(own));
    }
    const names = found.members.map(({ name }) => name);
    assert.deepEqual(names.slice(-2), ["logs.mb", "nodes.addr"]);
    const sizes = found.members.reduce((sum, { size }) => sum + size, 0);
    assert.ok(sizes > 0.9 * Number(found.size) && sizes < Number(found.size));
  });
}

Deno.test("info of a predicted graph and of a chunk log", async () => {
  const predicted = await info(fixturePath("small-mixed", "predicted.qg"), "--count");
  assert.equal(predicted.kind, "predicted_graph");
  assert.equal(predicted.n_quanta, 53);
  assert.ok(predicted.tasks.every(({ statuses }) => statuses === null));

  await using work = await copyOfFixture("small-mixed", "before");
  await expectProvgraph(
    ["aggregate-graph", "predicted.qg", "repo", "-o", "provenance.qg", "--keep-chunks"],
    { cwd: work.path },
  );
  const log = await info(work.join("provenance.qg.chunks"), "--count");
  const { quanta } = graphTruth("small-mixed");
  assert.equal(log.kind, "chunk_log");
  assert.equal(log.n_scanned, quanta.length);
  assert.deepEqual(log.statuses, countBy(quanta));
  assert.equal(log.n_stale_bytes, 0);
  assert.deepEqual(
    log.tasks.find(({ task }) => task === "warp")!.statuses,
    countBy(quanta.filter(({ task_label }) => task_label === "warp")),
  );
});

for (const archive of ["aggregated", "aggregated-promise", "ingested"]) {
  Deno.test(`info of a RUN that is ${archive} counts what the reference's state has`, async () => {
    await using work = await copyOfFixture("small-mixed", archive);
    const found = await info(work.repo, "--run", RUN);
    const state = expectedJson("small-mixed", `${archive}.state`) as unknown as RepositoryState;
    const stages: Record<string, string> = {
      "aggregated": "registered",
      "aggregated-promise": "promised",
      "ingested": "ingested",
    };
    assert.equal(found.stage, stages[archive]);
    assert.equal(found.n_not_backed, 0);
    assert.equal(found.graph === null, archive !== "ingested");
    const counts = found.dataset_types
      .map(({ name, n_datasets, n_stored, n_backed }) => [name, [n_datasets, n_stored, n_backed]]);
    assert.deepEqual(
      counts,
      [...registered(state)].sort(([a], [b]) => a < b ? -1 : 1),
    );
    const repository = await info(work.repo);
    assert.deepEqual(repository.ingested_runs, archive === "ingested" ? [RUN] : []);
  });
}

/** What the reference had come to when it was killed; see the names in its `index.json`. */
const INTERRUPTED: [archive: string, stage: string][] = [
  ["opened", "registered"],
  ["forget-batch-1", "registered"],
  ["forgotten", "promised"],
  ["graph-moved", "promised"],
  ["graph-ingested", "half_ingested"],
  ["promise-graph-ingested", "half_ingested"],
  ["batch-deleted-1", "half_ingested"],
  ["batch-ingested-1", "half_ingested"],
  ["batch-part-deleted-2", "half_ingested"],
  ["batch-ingested-2", "half_ingested"],
  ["batch-ingested-3", "ingested"],
  ["before-rmdir", "ingested"],
];

for (const [archive, stage] of INTERRUPTED) {
  Deno.test(`info says how far an ingest came that was killed: ${archive}`, async () => {
    await using work = await copyOfFixture("interrupted-ingest", archive);
    const found = await info(work.repo, "--run", RUN);
    const state = readJsonGz(
      fixturePath("interrupted-ingest", `${archive}.state.json.gz`),
    ) as unknown as RepositoryState;
    assert.equal(found.stage, stage);
    const nBacked = found.dataset_types.reduce((sum, { n_backed }) => sum + n_backed, 0);
    const trueBacked = [...registered(state).values()].reduce((sum, [, , n]) => sum + n, 0);
    assert.equal(nBacked, trueBacked);
    assert.equal(found.n_not_backed > 0, stage === "half_ingested");
  });
}

Deno.test("info of a repository with a chain of datastores tells all places of files", async () => {
  await using work = await unpackChain("file-file");
  const places = [work.repo, `${work.repo}/second`];
  const found = await info(work.repo);
  assert.deepEqual(found.datastore_roots, places);
  assert.equal(found.datastore_root, places[0]);
  const { stdout } = await expectProvgraph(["info", work.repo]);
  const lines = places.map((place, i) => `${(i === 0 ? "datastore" : "").padEnd(18)}${place}\n`);
  assert.ok(stdout.includes(`\n${lines.join("")}universe`), stdout);
});

Deno.test("info prints what people need, and finds nothing of what isn't there", async () => {
  const { stdout } = await expectProvgraph(["info", fixturePath("small-mixed", "provenance.qg")]);
  assert.match(stdout, /^provenance graph {2}.*provenance\.qg\n/);
  assert.match(stdout, /^RUN {15}u\/oracle\/out\/20260701T000000Z$/m);
  assert.match(stdout, /^calibrate {8}16$/m);
  assert.match(stdout, /^logs\.mb +\d+$/m);
  await using work = await copyOfFixture("interrupted-aggregate", "run-registered");
  assert.equal((await info(work.repo, "--run", RUN)).stage, "none");
  for (const run of ["u/nobody", "u/oracle/out"]) {
    const result = await runProvgraph(["info", work.repo, "--run", run]);
    assert.equal(result.code, 2);
    assertOneError(result, /Cannot (?:find RUN|use collection) "u\/(?:nobody|oracle\/out)"/);
  }
});

Deno.test.afterAll(removeUnpacked);
