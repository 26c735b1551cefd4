/** PROV-JSON documents beside what the reference's reader gives of the same graphs. */

import assert from "node:assert/strict";
import { graphTruth, type TrueDataset, type TrueQuantum } from "../cli/graph_truth.ts";
import {
  expectProvgraph,
  fixturePath,
  RUN,
  runProvgraph,
  temporaryDirectory,
} from "../support/fixtures.ts";
import { GRAPH_FIXTURES, removeOurGraphs, withOurGraph } from "../support/our_graphs.ts";

type Value = string | number | boolean | { $: string; type: string };
type Records = Record<string, Record<string, Value>>;
type Prov = Record<
  | "entity"
  | "activity"
  | "agent"
  | "used"
  | "wasGeneratedBy"
  | "wasAssociatedWith"
  | "wasInfluencedBy",
  Records
>;

async function exportProv(source: string, ...words: string[]): Promise<Prov> {
  await using work = await temporaryDirectory();
  await expectProvgraph(["export", source, ...words, work.join("prov.json")]);
  return JSON.parse(Deno.readTextFileSync(work.join("prov.json")));
}

/** What the truth says that a dataset or quantum was made from, as far as it came to be. */
class Ancestry {
  readonly quanta = new Map<string, TrueQuantum>();
  readonly initQuanta = new Set<string>();
  readonly datasets = new Map<string, TrueDataset>();
  readonly #byQuantum: ReadonlyMap<string, TrueQuantum>;
  readonly #byDataset: ReadonlyMap<string, TrueDataset>;
  readonly #inits: ReadonlyMap<string, readonly string[]>;

  constructor(fixture: string) {
    const { quanta, datasets, init_quanta } = graphTruth(fixture);
    this.#byQuantum = new Map(quanta.map((quantum) => [quantum.quantum_id, quantum]));
    this.#byDataset = new Map(datasets.map((dataset) => [dataset.dataset_id, dataset]));
    this.#inits = new Map(
      Object.values(init_quanta).map(({ quantum_id, inputs }) => [quantum_id, inputs]),
    );
  }

  addDataset(id: string): this {
    const dataset = this.#byDataset.get(id)!;
    if (!dataset.produced || this.datasets.has(id)) return this;
    this.datasets.set(id, dataset);
    for (const producer of dataset.producer) this.addQuantum(producer);
    return this;
  }

  addQuantum(id: string): this {
    const inputs = this.#inits.get(id);
    if (inputs !== undefined) {
      this.initQuanta.add(id);
      for (const input of inputs) this.addDataset(input);
      return this;
    }
    const quantum = this.#byQuantum.get(id)!;
    this.quanta.set(id, quantum);
    for (const input of Object.values(quantum.inputs).flat()) this.addDataset(input);
    return this;
  }
}

const uuid = (id: string) => `uuid:${id}`;
const plain = (value: Value) => typeof value === "object" ? Number(value.$) : value;
const sorted = (values: Iterable<string>) => [...values].sort();

function ofType(records: Records, type: string): string[] {
  return Object.entries(records)
    .filter(([, record]) => (record["prov:type"] as { $: string }).$ === `voprov:${type}`)
    .map(([id]) => id).sort();
}

function edges(records: Records): string[] {
  return Object.values(records).map((record) =>
    `${record["prov:activity"]} ${record["prov:entity"]} ${record["prov:role"]}`
  ).sort();
}

function assertIsTruth(found: Prov, truth: Ancestry): void {
  const ids = [...truth.quanta.keys(), ...truth.initQuanta];
  assert.deepEqual(sorted(Object.keys(found.activity)), sorted(ids.map(uuid)));
  assert.deepEqual(
    ofType(found.entity, "DatasetEntity"),
    sorted([...truth.datasets.keys()].map(uuid)),
  );
  for (const [id, quantum] of truth.quanta) {
    const record = found.activity[uuid(id)];
    const last = quantum.attempts.at(-1)!;
    assert.equal(record["voprov:name"], quantum.task_label);
    assert.equal(record["provgraph:status"], quantum.status);
    assert.equal(record["provgraph:attempts"], quantum.attempts.length);
    assert.equal(record["provgraph:exception"], last.exception?.type_name);
    assert.equal(record["voprov:comment"], last.exception?.message);
    for (const [dimension, value] of Object.entries(quantum.data_id)) {
      assert.equal(plain(record[`dim:${dimension}`]), value);
    }
    const usage = last.resource_usage;
    assert.equal(record["provgraph:memory"] && plain(record["provgraph:memory"]), usage?.memory);
    if (usage === null) continue;
    const start = Date.parse(String(record["prov:startTime"]));
    assert.equal(start, Date.parse(String(usage.start)));
    const seconds = Number(usage.prep_time) + Number(usage.init_time) + Number(usage.run_time);
    const end = Date.parse(String(record["prov:endTime"]));
    assert.ok(Math.abs((end - start) / 1e3 - seconds) < 2e-3, `${end - start} ms, ${seconds} s`);
  }
  for (const [id, dataset] of truth.datasets) {
    const record = found.entity[uuid(id)];
    assert.equal(record["voprov:name"], dataset.dataset_type);
    assert.equal(record["provgraph:run"], dataset.run);
  }
  const used = [...truth.quanta.values()].flatMap(({ quantum_id, inputs }) =>
    Object.entries(inputs).flatMap(([connection, list]) =>
      list.filter((id) => truth.datasets.has(id))
        .map((id) => `${uuid(quantum_id)} ${uuid(id)} ${connection}`)
    )
  );
  const isOfQuantum = (line: string) => truth.quanta.has(line.split(" ")[0].slice(5));
  assert.deepEqual(edges(found.used).filter(isOfQuantum), used.sort());
  const made = [...truth.datasets.values()].flatMap(({ dataset_id, producer }) =>
    producer.map((id) => `${uuid(id)} ${uuid(dataset_id)}`)
  );
  assert.deepEqual(
    edges(found.wasGeneratedBy).map((line) => line.split(" ").slice(0, 2).join(" ")),
    made.sort(),
  );
}

for (const fixture of GRAPH_FIXTURES) {
  Deno.test(`ancestries in ${fixture} are those that the reference's reader gives`, async () => {
    const { quanta, datasets } = graphTruth(fixture);
    const path = fixturePath(fixture, "provenance.qg");
    const labels = new Set(quanta.map(({ task_label }) => task_label));
    for (const label of labels) {
      for (const status of ["SUCCESSFUL", "FAILED"]) {
        const one = quanta.find((q) => q.task_label === label && q.status === status);
        if (one === undefined) continue;
        const truth = new Ancestry(fixture).addQuantum(one.quantum_id);
        assertIsTruth(await exportProv(path, one.quantum_id), truth);
      }
      const of = quanta.findLast((q) => q.task_label === label && q.status === "SUCCESSFUL");
      const made = datasets.find((dataset) =>
        dataset.produced && dataset.producer[0] === of?.quantum_id
      );
      if (made === undefined) continue;
      const truth = new Ancestry(fixture).addDataset(made.dataset_id);
      assertIsTruth(await exportProv(path, made.dataset_id), truth);
    }
  });
}

Deno.test("every name in a document is one that it has, or of a namespace that it declares", async () => {
  const { quanta } = graphTruth("small-mixed");
  const { quantum_id } = quanta.findLast(({ status }) => status === "SUCCESSFUL")!;
  const found = await exportProv(fixturePath("small-mixed", "provenance.qg"), quantum_id) as
    & Prov
    & { prefix: Record<string, string> };
  const { prefix, ...kinds } = found;
  const known = new Set(
    [found.entity, found.activity, found.agent].flatMap((records) => Object.keys(records)),
  );
  const isDeclared = (text: string) => text.slice(0, text.indexOf(":")) in prefix;
  for (const records of Object.values(kinds)) {
    for (const [id, record] of Object.entries(records)) {
      assert.ok(id.startsWith("_:") || isDeclared(id), id);
      for (const [attribute, value] of Object.entries(record)) {
        assert.ok(isDeclared(attribute), attribute);
        const isReference = /^prov:(?:activity|entity|agent|influence[er])$|^voprov:descriptor$/
          .test(attribute);
        if (isReference) assert.ok(known.has(typeof value === "object" ? value.$ : String(value)));
      }
    }
  }
  assert.equal(prefix.voprov, "http://www.ivoa.net/documents/ProvenanceDM/index.html#");
  assert.equal(Object.keys(found.agent).length, 1);
  assert.equal(
    Object.keys(found.wasAssociatedWith).length,
    Object.keys(found.activity).length,
  );
  for (const kind of ["Activity", "Usage", "Generation", "Dataset"]) {
    assert.ok(ofType(found.entity, `${kind}Description`).length > 0, kind);
  }
  assert.ok(prefix.task.includes(encodeURIComponent(RUN)));
});

Deno.test("a document is cut by steps and by number, and says where", async () => {
  const { quanta } = graphTruth("small-ok");
  const { quantum_id, inputs } = quanta.findLast(({ task_label }) => task_label === "coadd")!;
  const path = fixturePath("small-ok", "provenance.qg");
  await using work = await temporaryDirectory();
  for (
    const [options, nDatasets] of [
      [["--depth", "1"], new Set(Object.values(inputs).flat()).size],
      [["--limit", "2"], 1],
    ] as const
  ) {
    const file = work.join(`${nDatasets}.json`);
    const { stderr } = await expectProvgraph(["export", path, quantum_id, file, ...options]);
    assert.match(stderr, new RegExp(`Not all is written: \\d+ more beyond ${options.join(" ")}`));
    const found: Prov = JSON.parse(Deno.readTextFileSync(file));
    assert.equal(Object.keys(found.activity).length, 1);
    assert.equal(ofType(found.entity, "DatasetEntity").length, nDatasets);
    const isCut = (record: Record<string, Value>) => Number(record["provgraph:not_visited"]) > 0;
    const [activity] = Object.values(found.activity);
    assert.equal(isCut(activity), options[0] === "--limit");
    assert.ok(Object.values(found.entity).some(isCut));
  }
});

Deno.test("a chunk log and a label with a data ID give the document of the graph", async () => {
  const work = await withOurGraph("small-mixed");
  const { quanta } = graphTruth("small-mixed");
  const { quantum_id, data_id } = quanta.findLast(({ task_label, status }) =>
    task_label === "coadd" && status === "SUCCESSFUL"
  )!;
  const terms = Object.entries(data_id).map(([name, value]) => `${name}=${value}`);
  const graph = await exportProv(work.join("ours.qg"), quantum_id);
  assert.deepEqual(await exportProv(work.join("ours.qg"), "coadd", ...terms), graph);
  const log = await exportProv(work.join("ours.qg.chunks"), quantum_id);
  assert.deepEqual(edges(log.wasGeneratedBy), edges(graph.wasGeneratedBy));
  for (const [id, record] of Object.entries(log.activity)) {
    // Of init quanta a chunk log knows the ID alone.
    if ("voprov:name" in record) assert.deepEqual(record, graph.activity[id]);
  }
});

const BLOCKED = graphTruth("small-mixed").quanta.find(({ status }) => status === "BLOCKED")!;
const MISSING = graphTruth("small-mixed").datasets.find(({ produced }) => !produced)!;

const REFUSALS: [name: string, args: string[], message: RegExp][] = [
  ["a blocked quantum", [BLOCKED.quantum_id, "x.json"], /it was blocked, never attempted/],
  ["what was not produced", [MISSING.dataset_id, "x.json"], /it was not produced/],
  ["no ID", ["x.json"], /provenance of all of/],
  ["an ID that isn't there", [crypto.randomUUID(), "x.json"], /no node has that ID|Cannot find/],
  ["another name", [BLOCKED.quantum_id, "x.txt", "--format", "prov-json"], /doesn't end with/],
  ["two formats", [BLOCKED.quantum_id, "x.json", "--format", "csv"], /its name says prov-json/],
  ["a table", [BLOCKED.quantum_id, "x.json", "--table", "quanta"], /leave --table out/],
  ["tables with steps", ["x.csv", "--depth", "3"], /it is for PROV-JSON/],
  ["a file that is there", [BLOCKED.quantum_id, "there.json"], /it exists/],
];
for (const [name, args, message] of REFUSALS) {
  Deno.test(`export of PROV-JSON refuses ${name} and leaves all as it is`, async () => {
    await using work = await temporaryDirectory();
    Deno.writeTextFileSync(work.join("there.json"), "mine\n");
    const source = fixturePath("small-mixed", "provenance.qg");
    const { code, stderr } = await runProvgraph(["export", source, ...args], { cwd: work.path });
    assert.ok(code === 2 || name.includes("isn't there"), stderr);
    assert.notEqual(code, 0);
    assert.match(stderr, message);
    assert.deepEqual([...Deno.readDirSync(work.path)].map((entry) => entry.name), ["there.json"]);
    assert.equal(Deno.readTextFileSync(work.join("there.json")), "mine\n");
  });
}

Deno.test("a plan has no provenance yet", async () => {
  await using work = await temporaryDirectory();
  const source = fixturePath("small-mixed", "predicted.qg");
  const { code, stderr } = await runProvgraph(
    ["export", source, BLOCKED.quantum_id, work.join("x.json")],
  );
  assert.equal(code, 2);
  assert.match(stderr, /nothing has been run yet/);
});

Deno.test.afterAll(removeOurGraphs);
