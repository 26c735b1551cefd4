/** `trace` beside what follows from the graphs as the reference's reader gives them. */

import assert from "node:assert/strict";
import { expectProvgraph, fixturePath, RUN, runProvgraph } from "../support/fixtures.ts";
import { assertMatchesSchema } from "../support/json_schema.ts";
import { graphTruth } from "./graph_truth.ts";
import { assertOneError, copyOfFixture, removeUnpacked } from "./support.ts";

const MIXED = fixturePath("small-mixed", "provenance.qg");
const PREDICTED = fixturePath("small-mixed", "predicted.qg");

interface Node {
  kind: string;
  id: string;
  depth: number;
  n_not_shown: number;
  task?: string;
  dataset_type?: string;
  status?: string | null;
  produced?: boolean | null;
  run?: string;
  data_id: { [dimension: string]: unknown };
}

interface Traced {
  root: string;
  nodes: Node[];
  edges: { from: string; to: string; connection: string }[];
  n_beyond_limit: number;
  n_beyond_depth: number;
}

async function trace(source: string, ...args: string[]): Promise<Traced> {
  const { stdout } = await expectProvgraph(["trace", source, ...args, "--json"]);
  const traced = JSON.parse(stdout);
  assertMatchesSchema("trace", traced);
  return traced;
}

/** Who is next to whom, as the oracle's dump has it: data flows from key to values. */
function flow(fixture: string): Map<string, Set<string>> {
  const { quanta, init_quanta } = graphTruth(fixture);
  const next = new Map<string, Set<string>>();
  const add = (from: string, to: string) => {
    if (!next.has(from)) next.set(from, new Set());
    next.get(from)!.add(to);
  };
  for (const { quantum_id, inputs, outputs } of quanta) {
    for (const id of Object.values(inputs).flat()) add(id, quantum_id);
    for (const id of Object.values(outputs).flat()) add(quantum_id, id);
  }
  for (const { quantum_id, inputs, outputs } of Object.values(init_quanta)) {
    for (const id of inputs) add(id, quantum_id);
    for (const id of outputs) add(quantum_id, id);
  }
  return next;
}

function reversed(next: ReadonlyMap<string, ReadonlySet<string>>): Map<string, Set<string>> {
  const back = new Map<string, Set<string>>();
  for (const [from, all] of next) {
    for (const to of all) {
      if (!back.has(to)) back.set(to, new Set());
      back.get(to)!.add(from);
    }
  }
  return back;
}

/** All that can be reached, with the least number of steps. */
function reach(next: ReadonlyMap<string, ReadonlySet<string>>, root: string, depth = Infinity) {
  const found = new Map([[root, 0]]);
  const queue = [root];
  for (const id of queue) {
    const steps = found.get(id)!;
    if (steps === depth) continue;
    for (const to of next.get(id) ?? []) {
      if (found.has(to)) continue;
      found.set(to, steps + 1);
      queue.push(to);
    }
  }
  return found;
}

function depths({ nodes }: Traced): Map<string, number> {
  return new Map(nodes.map(({ id, depth }) => [id, depth]));
}

function sorted<T>(map: ReadonlyMap<string, T>): [string, T][] {
  return [...map].sort(([a], [b]) => a < b ? -1 : 1);
}

for (const source of [MIXED, PREDICTED]) {
  const isPlan = source === PREDICTED;
  Deno.test(`trace of a ${isPlan ? "predicted" : "provenance"} graph visits what the reference's graph connects`, async () => {
    const { quanta, datasets, init_quanta } = graphTruth("small-mixed");
    const down = flow("small-mixed");
    const up = reversed(down);
    const some = (label: string) => quanta.find(({ task_label }) => task_label === label)!;
    const roots = [
      some("calibrate").quantum_id,
      some("coadd").quantum_id,
      some("summarize").outputs.summary[0],
      datasets.find(({ dataset_type }) => dataset_type === "raw")!.dataset_id,
      datasets.find(({ dataset_type }) => dataset_type === "source_schema")!.dataset_id,
      init_quanta.consolidate.quantum_id,
    ];
    for (const root of roots) {
      for (const [flag, next] of [["--up", up], ["--down", down]] as const) {
        const traced = await trace(source, root, flag);
        assert.equal(traced.root, root);
        const reached = reach(next, root);
        assert.deepEqual(sorted(depths(traced)), sorted(reached), `${flag} ${root}`);
        const expected = [...reached.keys()].flatMap((id) =>
          [...next.get(id) ?? []].map((to) => flag === "--up" ? `${to} ${id}` : `${id} ${to}`)
        );
        assert.deepEqual(
          traced.edges.map(({ from, to }) => `${from} ${to}`).sort(),
          expected.sort(),
        );
      }
    }
  });

  Deno.test(`trace of a ${isPlan ? "predicted" : "provenance"} graph says what each node is`, async () => {
    const { quanta, datasets } = graphTruth("small-mixed");
    const raw = datasets.find(({ dataset_type, data_id }) =>
      dataset_type === "raw" && data_id.visit === 3 && data_id.detector === 1
    )!;
    const { nodes, edges } = await trace(source, "raw", "visit=3", "detector=1", "--down");
    assert.equal(nodes[0].id, raw.dataset_id);
    const quantumById = new Map(quanta.map((quantum) => [quantum.quantum_id, quantum]));
    const datasetById = new Map(datasets.map((dataset) => [dataset.dataset_id, dataset]));
    for (const node of nodes) {
      if (node.kind === "dataset") {
        const dataset = datasetById.get(node.id)!;
        assert.equal(node.dataset_type, dataset.dataset_type);
        assert.deepEqual(node.data_id, { ...dataset.data_id });
        assert.equal(node.run, dataset.run);
        assert.equal(node.produced, isPlan ? null : dataset.produced);
      } else {
        const quantum = quantumById.get(node.id)!;
        assert.equal(node.kind, "quantum");
        assert.equal(node.task, quantum.task_label);
        assert.equal(node.status, isPlan ? null : quantum.status);
        assert.deepEqual(node.data_id, { ...quantum.data_id });
      }
    }
    for (const { from, to, connection } of edges) {
      const ids = quantumById.get(from)?.outputs[connection] ??
        quantumById.get(to)?.inputs[connection];
      assert.ok(ids?.includes(quantumById.has(from) ? to : from), `${from} ${connection} ${to}`);
    }
  });
}

Deno.test("trace of a chunk log visits the same, and says what it doesn't know yet", async () => {
  await using work = await copyOfFixture("small-mixed", "before");
  await expectProvgraph(
    ["aggregate-graph", "predicted.qg", "repo", "-o", "provenance.qg", "--keep-chunks"],
    { cwd: work.path },
  );
  const log = work.join("provenance.qg.chunks");
  const isInit = new Set(
    Object.values(graphTruth("small-mixed").init_quanta).map(({ quantum_id }) => quantum_id),
  );
  for (const words of [["summarize"], ["raw", "visit=1", "detector=3", "--down"]]) {
    const expected = await trace(MIXED, ...words);
    const known = expected.nodes.filter(({ id }) => !isInit.has(id));
    const { nodes } = await trace(log, ...words);
    const byId = (a: Node, b: Node) => a.id < b.id ? -1 : 1;
    assert.deepEqual(
      nodes.filter(({ id }) => !isInit.has(id)).sort(byId),
      known.sort(byId),
      words.join(" "),
    );
  }
  // Cut behind the chunks of the first quanta: nobody downstream has been scanned.
  const bytes = Deno.readFileSync(log);
  Deno.writeFileSync(work.join("part.chunks"), bytes.slice(0, bytes.length / 2));
  const [first] = (await expectProvgraph(
    ["ls", work.join("part.chunks"), "quanta", "--fields", "quantum_id"],
  )).stdout.split("\n");
  const { nodes } = await trace(work.join("part.chunks"), first, "--down");
  const unknown = nodes.filter(({ kind, task }) => kind === "quantum" && task === "");
  assert.ok(unknown.length > 0);
  assert.ok(unknown.every(({ status }) => status === null));
});

Deno.test("trace goes as far as --depth says and shows no more than --limit, and tells", async () => {
  const down = flow("small-mixed");
  const root = graphTruth("small-mixed").datasets
    .find(({ dataset_type }) => dataset_type === "raw")!.dataset_id;
  for (const depth of [0, 1, 2, 3]) {
    const traced = await trace(MIXED, root, "--down", "--depth", String(depth));
    assert.deepEqual(sorted(depths(traced)), sorted(reach(down, root, depth)));
    const beyond = traced.nodes.filter((node) => node.depth === depth)
      .reduce((sum, { id }) => sum + (down.get(id)?.size ?? 0), 0);
    assert.equal(traced.n_beyond_depth, beyond);
  }
  const all = reach(down, root);
  const result = await expectProvgraph(
    ["trace", MIXED, root, "--down", "--limit", "5", "--json"],
  );
  const capped: Traced = JSON.parse(result.stdout);
  assert.equal(capped.nodes.length, 5);
  assert.ok(capped.n_beyond_limit > 0);
  // The nearest ones.
  assert.deepEqual(
    capped.nodes.map(({ depth }) => depth),
    [...all.values()].sort((a, b) => a - b).slice(0, 5),
  );
  assert.match(result.stderr, /Not all is shown: \d+ more beyond --limit 5/);
});

Deno.test("trace draws trees, DOT and Mermaid", async () => {
  const words = ["consolidate", "visit=1", "--depth", "2"];
  const { nodes, edges } = await trace(MIXED, ...words);
  const tree = (await expectProvgraph(["trace", MIXED, ...words])).stdout.split("\n");
  assert.match(
    tree[0],
    /^quantum consolidate instrument=OracleCam visit=1 SUCCESSFUL {2}[0-9a-f-]{36}$/,
  );
  assert.match(tree[1], /^├─ source_detector instrument=OracleCam detector=\d visit=1 /);
  assert.match(tree[2], /^│ {2}└─ quantum calibrate .* SUCCESSFUL/);
  assert.match(tree[3], /^│ {5}└─ \.\.\. \d more$/);
  for (const { id } of nodes) assert.ok(tree.some((line) => line.endsWith(id)), id);

  const dot = (await expectProvgraph(["trace", MIXED, ...words, "--format", "dot"])).stdout;
  assert.match(dot, /^digraph trace \{\n/);
  assert.equal(dot.match(/ -> /g)!.length, edges.length);
  for (const { from, to } of edges) {
    assert.ok(
      dot.includes(`"${from}" -> "${to}" [label="tables"]`) ||
        dot.includes(`"${from}" -> "${to}" [label="table"]`),
    );
  }
  const mermaid = (await expectProvgraph(["trace", MIXED, ...words, "--format", "mermaid"])).stdout;
  assert.match(mermaid, /^flowchart LR\n {2}n0\["quantum consolidate instrument=OracleCam visit=1/);
  assert.equal(mermaid.match(/-->/g)!.length, edges.length);
});

Deno.test("trace unfolds nothing twice", async () => {
  const { stdout } = await expectProvgraph(["trace", MIXED, "summarize"]);
  const shown = stdout.split("\n").filter((line) => !line.includes("(see above)"))
    .flatMap((line) => /quantum .*([0-9a-f-]{36})$/.exec(line)?.[1] ?? []);
  assert.equal(new Set(shown).size, shown.length);
  assert.ok(shown.length > 10);
});

Deno.test("trace reads an ingested RUN, and says why it can't before", async () => {
  await using ingested = await copyOfFixture("small-mixed", "ingested");
  const words = ["calibrate", "visit=1", "detector=1"];
  assert.deepEqual(
    await trace(ingested.repo, ...words, "--run", RUN),
    await trace(MIXED, ...words),
  );
  await using aggregated = await copyOfFixture("small-mixed", "aggregated");
  const cases: [args: string[], message: RegExp][] = [
    [[aggregated.repo, ...words, "--run", RUN], /holds no run_provenance yet/],
    [[MIXED, "nothing", "visit=1"], /Cannot find dataset type "nothing"/],
    [[MIXED, "00000000-0000-7000-8000-000000000000"], /no node has that ID/],
    [[PREDICTED, "00000000-0000-7000-8000-000000000000"], /Cannot find "00000000/],
    [[MIXED, "019f"], /Cannot tell what "019f" means/],
    [[MIXED, ...words, "--up", "--down"], /--up excludes --down/],
  ];
  for (const [args, message] of cases) {
    const result = await runProvgraph(["trace", ...args]);
    assert.equal(result.code, 2, args.join(" "));
    assertOneError(result, message);
  }
});

Deno.test.afterAll(removeUnpacked);
