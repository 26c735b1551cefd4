/** `ls` beside what the reference's reader gives of the same graphs. */

import assert from "node:assert/strict";
import { caveatNames } from "../../lib/provenance/success_caveats.ts";
import { dumpState } from "../support/dump_state.ts";
import { expectProvgraph, fixturePath, RUN, runProvgraph } from "../support/fixtures.ts";
import { editPredicted } from "../support/edit_predicted.ts";
import { serveFiles } from "../support/http_server.ts";
import { assertMatchesSchema } from "../support/json_schema.ts";
import { graphTruth, jsonLines, type TrueDataset, type TrueQuantum } from "./graph_truth.ts";
import { assertOneError, copyOfFixture, removeUnpacked } from "./support.ts";

interface Row {
  quantum_id: string;
  dataset_id: string;
  dataset_type: string;
  task: string;
  status: string | null;
  data_id: { [dimension: string]: unknown };
  [field: string]: unknown;
}

const MIXED = fixturePath("small-mixed", "provenance.qg");

async function ls(source: string, kind: string, ...args: string[]): Promise<Row[]> {
  const { stdout } = await expectProvgraph(["ls", source, kind, "--json", ...args]);
  const rows = jsonLines<Row>(stdout);
  for (const row of rows) if (!args.includes("--fields")) assertMatchesSchema("ls", row);
  return rows;
}

function ids(rows: readonly { quantum_id: string }[]): string[] {
  return rows.map(({ quantum_id }) => quantum_id).sort();
}

function expectedRow(quantum: TrueQuantum): { [field: string]: unknown } {
  const last = quantum.attempts.at(-1);
  const usage = last?.resource_usage ?? null;
  const count = (edges: { [connection: string]: string[] }) => Object.values(edges).flat().length;
  return {
    message_type: "quantum",
    quantum_id: quantum.quantum_id,
    task: quantum.task_label,
    status: quantum.status,
    data_id: { ...quantum.data_id },
    attempts: quantum.attempts.length,
    caveats: caveatNames(last?.caveats ?? 0),
    exception: quantum.exception?.type_name ?? null,
    message: quantum.exception?.message ?? null,
    memory: usage?.memory ?? null,
    start: usage?.start ?? null,
    prep_time: usage?.prep_time ?? null,
    init_time: usage?.init_time ?? null,
    run_time: usage?.run_time ?? null,
    run_time_cpu: usage?.run_time_cpu ?? null,
    n_inputs: count(quantum.inputs),
    n_outputs: count(quantum.outputs),
  };
}

for (const fixture of ["small-mixed", "small-failed", "small-ok", "medium"]) {
  Deno.test(`ls quanta of ${fixture} gives every field of every quantum as the reference reads it`, async () => {
    const rows = await ls(fixturePath(fixture, "provenance.qg"), "quanta");
    const expected = graphTruth(fixture).quanta;
    assert.equal(rows.length, expected.length);
    const byId = new Map(rows.map((row) => [row.quantum_id, row]));
    for (const quantum of expected) {
      assert.deepEqual(byId.get(quantum.quantum_id), expectedRow(quantum));
    }
  });

  Deno.test(`ls datasets of ${fixture} gives every dataset as the reference reads it`, async () => {
    const rows = await ls(fixturePath(fixture, "provenance.qg"), "datasets");
    const byId = new Map(rows.map((row) => [row.dataset_id, row]));
    const expected = graphTruth(fixture).datasets;
    assert.equal(rows.length, expected.length);
    for (const dataset of expected) {
      assert.deepEqual(byId.get(dataset.dataset_id), {
        message_type: "dataset",
        dataset_id: dataset.dataset_id,
        dataset_type: dataset.dataset_type,
        data_id: { ...dataset.data_id },
        run: dataset.run,
        produced: dataset.produced,
        producer: dataset.producer[0] ?? null,
        n_consumers: dataset.consumers.length,
        path: null,
      });
    }
  });
}

Deno.test("ls quanta finds what --task, --status, --exception and --where single out", async () => {
  const { quanta } = graphTruth("small-mixed");
  const at = (quantum: TrueQuantum, dimension: string) => Number(quantum.data_id[dimension] ?? NaN);
  const seconds = (quantum: TrueQuantum) =>
    Number(quantum.attempts.at(-1)?.resource_usage?.run_time ?? NaN);
  const cases: [args: string[], fits: (quantum: TrueQuantum) => boolean][] = [
    [["--status", "FAILED"], (q) => q.status === "FAILED"],
    [
      ["--status", "failed,BLOCKED", "--status", "ABORTED_SUCCESS"],
      (q) => ["FAILED", "BLOCKED", "ABORTED_SUCCESS"].includes(q.status),
    ],
    [["--task", "calibrate", "--status", "BLOCKED"], () => false],
    [["--task", "warp", "--task", "coadd"], (q) => ["warp", "coadd"].includes(q.task_label)],
    [["--exception", "ValueError"], (q) => q.exception?.type_name === "ValueError"],
    [
      ["--exception", "OracleAlgorithmError"],
      (q) => q.exception?.type_name === "oracle_tasks.OracleAlgorithmError",
    ],
    [
      ["--exception", "oracle_tasks.OracleAlgorithmError"],
      (q) => q.exception?.type_name === "oracle_tasks.OracleAlgorithmError",
    ],
    [["--exception", "Error"], () => false],
    [
      ["--where", "visit=1 and detector in (1,2)"],
      (q) => at(q, "visit") === 1 && [1, 2].includes(at(q, "detector")),
    ],
    [["--where", "visit in (1..3)"], (q) => at(q, "visit") >= 1 && at(q, "visit") <= 3],
    [["--where", "visit in (1..4:2)"], (q) => [1, 3].includes(at(q, "visit"))],
    [["--where", "not (visit > 1)"], (q) => at(q, "visit") === 1],
    [
      ["--where", "detector = 1 or patch != 0"],
      (q) => at(q, "detector") === 1 || (q.data_id.patch !== undefined && at(q, "patch") !== 0),
    ],
    [["--where", "band='r'"], (q) => q.data_id.band === "r"],
    [["--where", "attempts >= 2"], (q) => q.attempts.length >= 2],
    [["--where", "run_time > 0.01"], (q) => seconds(q) > 0.01],
    [["--where", "run_time <= 0.01"], (q) => seconds(q) <= 0.01],
  ];
  for (const [args, fits] of cases) {
    const rows = await ls(MIXED, "quanta", ...args);
    assert.deepEqual(ids(rows), ids(quanta.filter(fits)), args.join(" "));
  }
  const found = cases.filter(([, fits]) => quanta.some(fits)).length;
  assert.ok(found >= cases.length - 2, "most cases find something");
});

Deno.test("ls datasets finds what --task, --type and --where single out", async () => {
  const { datasets, quanta, init_quanta } = graphTruth("small-mixed");
  const writers = new Map(quanta.map((q) => [q.quantum_id, q.task_label]));
  for (const [label, init] of Object.entries(init_quanta)) writers.set(init.quantum_id, label);
  const cases: [args: string[], fits: (dataset: TrueDataset) => boolean][] = [
    [["--task", "calibrate"], (d) => writers.get(d.producer[0]) === "calibrate"],
    [["--type", "image,warp"], (d) => ["image", "warp"].includes(d.dataset_type)],
    [["--task", "warp", "--type", "image"], () => false],
    [["--where", "produced = false"], (d) => !d.produced],
    [["--where", "htm7 != 254018"], (d) => "htm7" in d.data_id && d.data_id.htm7 !== 254018],
    [["--where", "run = 'inputs/run1'"], (d) => d.run === "inputs/run1"],
    [["--where", "n_consumers > 1"], (d) => d.consumers.length > 1],
  ];
  for (const [args, fits] of cases) {
    const rows = await ls(MIXED, "datasets", ...args);
    const expected = datasets.filter(fits);
    assert.deepEqual(
      rows.map((row) => row.dataset_id).sort(),
      expected.map((dataset) => dataset.dataset_id).sort(),
      args.join(" "),
    );
  }
});

Deno.test("ls lists the same quanta and datasets of graph, chunk log, URL and ingested RUN", async () => {
  const work = await copyOfFixture("small-mixed", "before");
  await using _ = work;
  await expectProvgraph(
    ["aggregate-graph", "predicted.qg", "repo", "-o", "provenance.qg", "--keep-chunks"],
    { cwd: work.path },
  );
  const byId = (a: Row, b: Row) =>
    (a.quantum_id ?? a.dataset_id) < (b.quantum_id ?? b.dataset_id) ? -1 : 1;
  const graph = await ls(work.join("provenance.qg"), "quanta");
  assert.equal(graph.length, graphTruth("small-mixed").quanta.length);
  const log = await ls(work.join("provenance.qg.chunks"), "quanta");
  assert.deepEqual(log.sort(byId), [...graph].sort(byId));
  const datasets = await ls(work.join("provenance.qg"), "datasets");
  const logged = await ls(work.join("provenance.qg.chunks"), "datasets");
  assert.deepEqual(logged.sort(byId), datasets.sort(byId));
  await using server = serveFiles(work.path);
  assert.deepEqual(await ls(`${server.url}/provenance.qg`, "quanta"), graph);

  await expectProvgraph(["ingest-graph", "repo", "provenance.qg"], { cwd: work.path });
  assert.deepEqual(await ls(work.repo, "quanta", "--run", RUN), graph);
});

Deno.test("ls datasets of a RUN gives what the registry holds, with its records", async () => {
  const work = await copyOfFixture("small-ok", "aggregated");
  await using _ = work;
  const rows = await ls(work.repo, "datasets", "--run", RUN);
  const truth = graphTruth("small-ok").datasets.filter(({ run, produced }) =>
    run === RUN && produced
  );
  // The registry has packages besides, which provenance graphs leave out.
  const own = rows.filter(({ dataset_type }) => dataset_type !== "packages");
  assert.equal(rows.length, own.length + 1);
  assert.deepEqual(
    own.map((row) => row.dataset_id).sort(),
    truth.map((dataset) => dataset.dataset_id).sort(),
  );
  const paths = new Set(dumpState(work.repo).files.map(({ path }) => path));
  for (const row of rows) assert.ok(paths.has(row.path as string), String(row.path));
  const some = await ls(work.repo, "datasets", "--run", RUN, "--where", "band = 'r' and visit = 2");
  assert.deepEqual(
    some.map((row) => row.dataset_id).sort(),
    truth.filter(({ data_id }) => data_id.band === "r" && data_id.visit === 2)
      .map((dataset) => dataset.dataset_id).sort(),
  );
});

Deno.test("ls of a predicted graph has the same quanta and datasets, without what happened", async () => {
  const { quanta, datasets } = graphTruth("small-mixed");
  const predicted = fixturePath("small-mixed", "predicted.qg");
  const rows = await ls(predicted, "quanta");
  assert.deepEqual(ids(rows), ids(quanta));
  assert.ok(rows.every((row) => row.status === null && row.attempts === null));
  const listed = await ls(predicted, "datasets");
  const byId = new Map(datasets.map((dataset) => [dataset.dataset_id, dataset]));
  assert.equal(listed.length, datasets.length + 1, "packages besides");
  for (const row of listed.filter(({ dataset_type }) => dataset_type !== "packages")) {
    const dataset = byId.get(row.dataset_id)!;
    assert.deepEqual(row.data_id, { ...dataset.data_id });
    assert.equal(row.producer, dataset.producer[0] ?? null);
    assert.equal(row.n_consumers, dataset.consumers.length);
  }
  const refused = await runProvgraph(["ls", predicted, "quanta", "--status", "FAILED"]);
  assert.equal(refused.code, 2);
  assertOneError(refused, /Cannot list quanta of predicted graph .* they have not been run/);
});

Deno.test("ls counts a dataset once that a quantum takes under two names", async () => {
  await using work = await copyOfFixture("small-mixed", "before");
  const from = fixturePath("small-mixed", "predicted.qg");
  const to = work.join("twice.qg");
  const nChanged = await editPredicted(from, to, {
    quanta: (text) =>
      text.replace(/"inputs":\{("[^"]*":)(\[\{.*?\}\])/, (found, _name, list) => {
        return found.replace('"inputs":{', `"inputs":{"again":${list},`);
      }),
  });
  assert.ok(nChanged > 0);
  const counts = async (source: string) => {
    const rows = await ls(source, "quanta");
    return rows.map(({ n_inputs }) => n_inputs);
  };
  assert.deepEqual(await counts(to), await counts(from));
});

Deno.test("ls prints lines that can be typed on, chosen fields between tabs, and no more than asked", async () => {
  const { stdout } = await expectProvgraph([
    "ls",
    MIXED,
    "quanta",
    "--where",
    "visit=3 and detector=1",
  ]);
  assert.match(
    stdout,
    /^quantum ID.*\n[0-9a-f-]{36} {2}calibrate {2}FAILED {2}instrument=OracleCam detector=1 visit=3 {2}ValueError\n$/,
  );
  const fields = await expectProvgraph(
    ["ls", MIXED, "quanta", "--fields", "status,task,message", "--where", "visit=3 and detector=1"],
  );
  assert.match(fields.stdout, /^FAILED\tcalibrate\tDeliberate failure [^\t\n]*: with two lines\n$/);
  assert.equal((await ls(MIXED, "quanta", "--limit", "3")).length, 3);
  assert.equal((await ls(MIXED, "quanta", "--limit", "0")).length, 0);
  assert.deepEqual(
    await ls(MIXED, "quanta", "--limit", "1", "--fields", "task"),
    [{ message_type: "quantum", task: "calibrate" }],
  );
});

Deno.test("ls says at which column an expression can't be understood", async () => {
  const cases: [where: string, message: RegExp][] = [
    ["visit=", /expected a value at column 7\n {2}visit=\n {2} {6}\^\n/],
    ["visit=1 nad band='r'", /expected and, or, or the end at column 9\n/],
    [
      "visti=1",
      /there is no dimension or field "visti" at column 1\n(?:.*\n)*hint: names are .*visit/,
    ],
    ["band=r", /expected a value at column 6\n(?:.*\n)*hint: strings are quoted: 'r'/],
    ["visit='1'", /visit is an integer, '1' is not at column 7/],
    ["visit in (1..'x')", /visit is an integer, 'x' is not at column 14/],
    ["(visit=1", /expected \) at column 9/],
    ["visit ~ 1", /"~" means nothing here at column 7/],
    ["band='r", /a string is not closed at column 6/],
    ["", /expected a dimension, a field, not or \( at column 1/],
  ];
  for (const [where, message] of cases) {
    const result = await runProvgraph(["ls", MIXED, "quanta", "--where", where]);
    assert.equal(result.code, 2, where);
    assertOneError(result, message);
  }
});

Deno.test("ls refuses what the source doesn't have", async () => {
  const cases: [args: string[], message: RegExp][] = [
    [["quanta", "--task", "isr"], /Cannot find task "isr"(?:.*\n)*hint: its tasks are calibrate/],
    [["datasets", "--type", "isr"], /Cannot find dataset type "isr"/],
    [["quanta", "--status", "OK"], /Cannot use --status "OK"/],
    [["quanta", "--fields", "nope"], /Cannot print field "nope"/],
    [["quanta", "--type", "image"], /Cannot list quanta by dataset type/],
    [["datasets", "--status", "FAILED"], /Cannot list datasets by status/],
  ];
  for (const [args, message] of cases) {
    const result = await runProvgraph(["ls", MIXED, ...args]);
    assert.equal(result.code, 2, args.join(" "));
    assertOneError(result, message);
  }
});

Deno.test.afterAll(removeUnpacked);
