/** Exported tables beside what the reference's reader gives of the same graphs. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { parquetReadObjects } from "hyparquet";
import { caveatNames } from "../../lib/provenance/success_caveats.ts";
import { graphTruth, jsonLines } from "../cli/graph_truth.ts";
import {
  expectProvgraph,
  fixturePath,
  RUN,
  runProvgraph,
  temporaryDirectory,
  unpackFixture,
} from "../support/fixtures.ts";
import { GRAPH_FIXTURES, removeOurGraphs, withOurGraph } from "../support/our_graphs.ts";

type Row = Record<string, unknown>;

const TABLES = ["quanta", "attempts", "datasets", "edges", "resources"] as const;

async function readParquet(path: string): Promise<Row[]> {
  const bytes = Deno.readFileSync(path);
  return await parquetReadObjects({ file: bytes.buffer }) as Row[];
}

for (const fixture of GRAPH_FIXTURES) {
  Deno.test(`tables of ${fixture} have what the reference's reader gives`, async () => {
    await using work = await temporaryDirectory();
    await expectProvgraph(["export", fixturePath(fixture, "provenance.qg"), "tables"], {
      cwd: work.path,
    });
    const { quanta, datasets } = graphTruth(fixture);
    const tables: Record<string, Row[]> = {};
    for (const table of TABLES) {
      tables[table] = await readParquet(work.join(`tables/${table}.parquet`));
    }
    const byId = new Map(tables.quanta.map((row) => [row.quantum_id, row]));
    assert.equal(tables.quanta.length, quanta.length);
    for (const quantum of quanta) {
      const row = byId.get(quantum.quantum_id)!;
      const usage = quantum.attempts.at(-1)?.resource_usage ?? null;
      assert.equal(row.task, quantum.task_label);
      assert.equal(row.status, quantum.status);
      assert.equal(Number(row.attempts), quantum.attempts.length);
      assert.equal(row.exception ?? null, quantum.exception?.type_name ?? null);
      assert.equal(row.message ?? null, quantum.exception?.message ?? null);
      assert.equal(row.memory ?? null, usage?.memory ?? null);
      assert.equal(row.run_time ?? null, usage?.run_time ?? null);
      assert.deepEqual(
        caveatNames(Number(row.caveats ?? 0)),
        caveatNames(quantum.attempts.at(-1)?.caveats ?? 0),
      );
      for (const [dimension, value] of Object.entries(quantum.data_id)) {
        const found = row[dimension];
        assert.equal(typeof found === "bigint" ? Number(found) : found, value);
      }
    }
    assert.equal(tables.attempts.length, quanta.flatMap(({ attempts }) => attempts).length);
    assert.equal(
      tables.resources.length,
      quanta.filter(({ attempts }) => attempts.at(-1)?.resource_usage != null).length,
    );
    assert.deepEqual(
      tables.datasets.map((row) => `${row.dataset_id} ${row.produced}`).sort(),
      datasets.map((row) => `${row.dataset_id} ${row.produced}`).sort(),
    );
    const edges = quanta.flatMap((quantum) =>
      (["inputs", "outputs"] as const).flatMap((side) =>
        Object.entries(quantum[side]).flatMap(([connection, ids]) =>
          ids.map((id) => `${quantum.quantum_id} ${id} ${connection} ${side.slice(0, -1)}`)
        )
      )
    );
    assert.deepEqual(
      tables.edges.map((row) =>
        `${row.quantum_id} ${row.dataset_id} ${row.connection} ${row.direction}`
      ).sort(),
      edges.sort(),
    );
  });
}

Deno.test("CSV, ECSV and JSON lines have the rows of Parquet", async () => {
  await using work = await temporaryDirectory();
  const source = fixturePath("small-mixed", "provenance.qg");
  for (const file of ["q.parquet", "q.csv", "q.ecsv", "q.ndjson", "q.jsonl"]) {
    await expectProvgraph(["export", source, file], { cwd: work.path });
  }
  const rows = await readParquet(work.join("q.parquet"));
  const read = (name: string) => Deno.readTextFileSync(work.join(name));
  const lines = jsonLines<Row>(read("q.ndjson"));
  assert.equal(read("q.jsonl"), read("q.ndjson"));
  assert.deepEqual(lines.map(({ quantum_id }) => quantum_id), rows.map((row) => row.quantum_id));
  assert.deepEqual(
    lines.map(({ start }) => start && Date.parse(String(start))),
    rows.map((row) => row.start == null ? null : (row.start as Date).getTime()),
  );
  const names = Object.keys(rows[0]);
  assert.equal(read("q.csv").split("\n")[0], names.join(","));
  const ecsv = read("q.ecsv");
  assert.ok(ecsv.startsWith("# %ECSV 1.0\n# ---\n"));
  assert.equal(ecsv.match(/^# - \{name: /gm)!.length, names.length);
  assert.equal(
    ecsv.split("\n").filter((line) => line !== "" && line[0] !== "#").length,
    1 + rows.length,
  );
});

Deno.test("several sources become one table, and a chunk log has the rows of its graph", async () => {
  const work = await withOurGraph("small-mixed");
  const graph = (await expectAll(["ours.qg"])).sort();
  assert.deepEqual((await expectAll(["ours.qg.chunks"])).sort(), graph);
  const other = fixturePath("second-run", "provenance.qg");
  const both = await expectAll(["ours.qg", other]);
  const runs = new Set(both.map((line) => JSON.parse(line).run));
  assert.equal(runs.size, 2);
  assert.deepEqual(both.filter((line) => JSON.parse(line).run === RUN).length, graph.length);

  async function expectAll(sources: string[]): Promise<string[]> {
    const out = `out-${crypto.randomUUID()}.ndjson`;
    await expectProvgraph(["export", ...sources, out], { cwd: work.path });
    return Deno.readTextFileSync(work.join(out)).trimEnd().split("\n");
  }
});

const REFUSALS: [name: string, args: string[], message: RegExp][] = [
  ["no output", ["SOURCE"], /is the only argument/],
  ["an unknown table", ["SOURCE", "x.csv", "--table", "quantas"], /there is none/],
  ["two formats", ["SOURCE", "x.csv", "--format", "ecsv"], /its name says csv/],
  ["two tables for a file", ["SOURCE", "x.csv", "--table", "quanta,edges"], /name a directory/],
  ["a file that is there", ["SOURCE", "there.csv"], /it exists/],
  ["a file that is there in the directory", ["SOURCE", "d"], /quanta\.parquet": it exists/],
  ["the source itself", ["copy.qg", "copy.qg"], /copy\.qg/],
];
for (const [name, args, message] of REFUSALS) {
  Deno.test(`export refuses ${name} and leaves all as it is`, async () => {
    await using work = await temporaryDirectory();
    const source = fixturePath("small-mixed", "provenance.qg");
    Deno.copyFileSync(source, work.join("copy.qg"));
    Deno.writeTextFileSync(work.join("there.csv"), "mine\n");
    Deno.mkdirSync(work.join("d"));
    Deno.writeTextFileSync(work.join("d/quanta.parquet"), "mine\n");
    const words = args.map((word) => word === "SOURCE" ? source : word);
    const { code, stderr } = await runProvgraph(["export", ...words], { cwd: work.path });
    assert.equal(code, 2, stderr);
    assert.match(stderr, message);
    assert.deepEqual([...Deno.readDirSync(work.path)].map((entry) => entry.name).sort(), [
      "copy.qg",
      "d",
      "there.csv",
    ]);
    assert.equal(Deno.readTextFileSync(work.join("there.csv")), "mine\n");
  });
}

Deno.test.afterAll(removeOurGraphs);

/** Datasets of the RUN by their ids, and paths of their records, as SQL gives them. */
function registeredDatasets(repo: string): { ids: string[]; paths: Set<string> } {
  using database = new DatabaseSync(`${repo}/gen3.sqlite3`, { readOnly: true });
  const rows = database.prepare(
    `SELECT dataset.id AS id, path FROM dataset
     JOIN collection ON collection.collection_id = dataset.run_id
     LEFT JOIN file_datastore_records ON file_datastore_records.dataset_id = dataset.id
     WHERE collection.name = ?`,
  ).all(RUN) as { id: string; path: string | null }[];
  return {
    ids: [...new Set(rows.map(({ id }) => id.replaceAll("-", "")))].sort(),
    paths: new Set(rows.map(({ path }) => path).filter((path) => path !== null)),
  };
}

Deno.test("a repository's tables are those of the graph in it, and its registered datasets", async () => {
  await using work = await unpackFixture("small-mixed", "ingested");
  await expectProvgraph(["export", "repo", "ours", "--run", RUN, "--format", "ndjson"], {
    cwd: work.path,
  });
  const graph = fixturePath("small-mixed", "provenance.qg");
  await expectProvgraph(["export", graph, "theirs", "--format", "ndjson"], { cwd: work.path });
  const rows = (path: string) => jsonLines<Row>(Deno.readTextFileSync(work.join(path)));
  for (const table of ["quanta", "attempts", "edges", "resources"]) {
    const wanted = rows(`theirs/${table}.ndjson`);
    assert.ok(wanted.length > 0);
    assert.deepEqual(rows(`ours/${table}.ndjson`), wanted, table);
  }
  const { ids, paths } = registeredDatasets(work.repo);
  const datasets = rows("ours/datasets.ndjson");
  assert.deepEqual(
    [...new Set(datasets.map(({ dataset_id }) => String(dataset_id).replaceAll("-", "")))].sort(),
    ids,
  );
  assert.deepEqual(new Set(datasets.map(({ path }) => path).filter((path) => path != null)), paths);
  assert.ok(datasets.every(({ run }) => run === RUN));
});

Deno.test("a repository without the graph has its registered datasets alone", async () => {
  await using work = await unpackFixture("small-mixed", "aggregated");
  await expectProvgraph(["export", "repo", "d.ndjson", "--table", "datasets", "--run", RUN], {
    cwd: work.path,
  });
  const datasets = jsonLines<Row>(Deno.readTextFileSync(work.join("d.ndjson")));
  assert.equal(
    new Set(datasets.map(({ dataset_id }) => dataset_id)).size,
    registeredDatasets(work.repo).ids.length,
  );
  const { code } = await runProvgraph(["export", "repo", "q.csv", "--run", RUN], {
    cwd: work.path,
  });
  assert.notEqual(code, 0);
  assert.ok(![...Deno.readDirSync(work.path)].some(({ name }) => name === "q.csv"));
});
