/** The table of quanta in graphs, beside what the reference's reader gives of the same runs. */

import assert from "node:assert/strict";
import { uuidToText } from "../../../lib/base/uuid.ts";
import { parseIsoTime } from "../../../lib/base/iso_time.ts";
import { Zstd } from "../../../lib/codec/zstd.ts";
import {
  mayHave,
  QuantaTable,
  type TableGroup,
} from "../../../lib/provenance/table/quanta_table.ts";
import { ProvenanceGraph } from "../../../lib/qg/provenance_graph.ts";
import { FileSource } from "../../../lib/storage/file_source.ts";
import { graphTruth, type TrueQuantum } from "../../cli/graph_truth.ts";
import { expectProvgraph, fixturePath, unpackFixture } from "../../support/fixtures.ts";
import { GRAPH_FIXTURES, removeOurGraphs, withOurGraph } from "../../support/our_graphs.ts";

type Row = Record<string, unknown>;

/** All rows of a table, ids as text. */
async function readRows(path: string): Promise<{ table: QuantaTable; rows: Row[] }> {
  using graph = await ProvenanceGraph.open(FileSource.open(path), await Zstd.load());
  const table = await QuantaTable.open(graph);
  assert.ok(table !== null, "no table that counts");
  const rows: Row[] = [];
  const names = [...COLUMNS, ...table.dimensions.map(({ column }) => column)];
  for await (const { nRows, columns } of table.read(names)) {
    for (let i = 0; i < nRows; i++) {
      rows.push(Object.fromEntries(names.map((name) => [name, shown(columns[name][i])])));
    }
  }
  for (const row of rows) {
    const address = { offset: Number(row.document_offset), size: Number(row.document_size) };
    const text = new TextDecoder().decode(await graph.readQuantum(address));
    assert.ok(text.includes(`"quantum_id":"${row.quantum_id}"`), `another document: ${text}`);
  }
  return { table, rows };
}

const COLUMNS = [
  "quantum_id",
  "task",
  "status",
  "attempts",
  "caveats",
  "exception",
  "message",
  "start",
  "prep_time",
  "init_time",
  "run_time",
  "run_time_cpu",
  "memory",
  "n_inputs",
  "n_outputs",
  "n_produced",
  "blocked_by",
  "n_blockers",
  "n_blocked",
  "document_offset",
  "document_size",
];

function shown(value: unknown): unknown {
  if (value instanceof Uint8Array) return uuidToText(value);
  return typeof value === "bigint" ? Number(value) : value ?? null;
}

/** Whether it left no metadata, so that what is behind it never ran. */
function hasFailed({ status }: TrueQuantum): boolean {
  return !["SUCCESSFUL", "BLOCKED", "ABORTED_SUCCESS"].includes(status);
}

/** What the failed quanta upstream of each quantum are, by a search for each: from near to far. */
function blockersOf(quanta: readonly TrueQuantum[]): Map<string, string[]> {
  const producers = new Map<string, TrueQuantum>();
  for (const quantum of quanta) {
    for (const id of Object.values(quantum.outputs).flat()) producers.set(id, quantum);
  }
  const found = new Map<string, string[]>();
  for (const quantum of quanta) {
    const failed = new Set<string>();
    const seen = new Set<TrueQuantum>([quantum]);
    for (const next of quantum.status === "BLOCKED" ? seen : []) {
      for (const id of Object.values(next.inputs).flat()) {
        const producer = producers.get(id);
        if (producer?.status === "BLOCKED") seen.add(producer);
        else if (producer !== undefined && hasFailed(producer)) failed.add(producer.quantum_id);
      }
    }
    found.set(quantum.quantum_id, [...failed]);
  }
  return found;
}

function expectedRow(quantum: TrueQuantum, produced: ReadonlySet<string>): Row {
  const last = quantum.attempts.at(-1);
  const usage = last?.resource_usage ?? null;
  const ids = (edges: { [connection: string]: string[] }) => Object.values(edges).flat();
  return {
    quantum_id: quantum.quantum_id,
    task: quantum.task_label,
    status: quantum.status,
    attempts: quantum.attempts.length,
    caveats: last?.caveats ?? null,
    exception: quantum.exception?.type_name ?? null,
    message: quantum.exception?.message.split("\n")[0] ?? null,
    start: usage === null ? null : parseIsoTime(usage.start as string),
    prep_time: usage?.prep_time ?? null,
    init_time: usage?.init_time ?? null,
    run_time: usage?.run_time ?? null,
    run_time_cpu: usage?.run_time_cpu ?? null,
    memory: usage?.memory ?? null,
    n_inputs: new Set(ids(quantum.inputs)).size,
    n_outputs: ids(quantum.outputs).length,
    n_produced: ids(quantum.outputs).filter((id) => produced.has(id)).length,
  };
}

for (const fixture of GRAPH_FIXTURES) {
  Deno.test(`the table of ${fixture} says what the reference's reader does`, async () => {
    const work = await withOurGraph(fixture);
    const truth = graphTruth(fixture);
    const { table, rows } = await readRows(work.join("ours.qg"));
    const produced = new Set(
      truth.datasets.filter((dataset) => dataset.produced).map(({ dataset_id }) => dataset_id),
    );
    const byId = new Map(rows.map((row) => [row.quantum_id, row]));
    const blockers = blockersOf(truth.quanta);
    assert.equal(rows.length, truth.quanta.length);
    for (const quantum of truth.quanta) {
      const { blocked_by, n_blockers, n_blocked, document_offset, document_size, ...row } = byId
        .get(quantum.quantum_id)!;
      void [document_offset, document_size];
      const dimensions = Object.fromEntries(
        table.dimensions.map(({ name, column }) => [column, quantum.data_id[name] ?? null]),
      );
      assert.deepEqual(row, { ...expectedRow(quantum, produced), ...dimensions });
      const upstream = blockers.get(quantum.quantum_id)!;
      assert.equal(n_blockers, upstream.length === 0 ? null : upstream.length);
      assert.equal(blocked_by === null, upstream.length === 0);
      assert.ok(blocked_by === null || upstream.includes(blocked_by as string));
      const behind = [...blockers.values()].filter((ids) => ids.includes(quantum.quantum_id));
      assert.equal(n_blocked, hasFailed(quantum) ? behind.length : null);
    }
  });
}

Deno.test("quanta of an earlier run have the rows that they get when they are scanned", async () => {
  using work = await unpackFixture("small-mixed", "before");
  const args = ["aggregate-graph", "predicted.qg", "repo", "-o", "again.qg", "-j", "2"];
  await expectProvgraph([...args, "--incomplete"], { cwd: work.path });
  await expectProvgraph(args, { cwd: work.path });
  const rows = async (path: string) =>
    (await readRows(path)).rows.map(({ document_offset, ...row }) => {
      void document_offset; // by the order of scanning
      return row;
    });
  assert.deepEqual(
    await rows(work.join("again.qg")),
    await rows((await withOurGraph("small-mixed")).join("ours.qg")),
  );
});

Deno.test("rows stand by task, so that a task's rows are together", async () => {
  const { rows } = await readRows((await withOurGraph("small-mixed")).join("ours.qg"));
  const tasks = rows.map(({ task }) => task);
  assert.equal(tasks.filter((task, i) => task !== tasks[i - 1]).length, new Set(tasks).size);
});

/** The graph with its file changed, opened; whether its table counts. */
async function countsAfter(change: (bytes: Uint8Array) => Uint8Array): Promise<boolean> {
  const work = await withOurGraph("small-mixed");
  const path = work.join(`changed-${crypto.randomUUID()}.qg`);
  Deno.writeFileSync(path, change(Deno.readFileSync(work.join("ours.qg"))));
  using graph = await ProvenanceGraph.open(FileSource.open(path), await Zstd.load());
  return await QuantaTable.open(graph) !== null;
}

/** Where a text stands in bytes for the last time. */
function lastIndexOf(bytes: Uint8Array, text: string): number {
  const wanted = new TextEncoder().encode(text);
  for (let at = bytes.length - wanted.length; at >= 0; at--) {
    if (wanted.every((byte, i) => bytes[at + i] === byte)) return at;
  }
  throw new Error(`"${text}" is not there`);
}

Deno.test("a table counts as long as it is of the blocks in the file", async () => {
  assert.ok(await countsAfter((bytes) => bytes));
});

const CHANGES: [name: string, change: (bytes: Uint8Array) => void][] = [
  ["the checksum of quanta.mb in the directory is another", (bytes) => {
    bytes[lastIndexOf(bytes, "quanta.mb") - 46 + 16] ^= 1;
  }],
  ["its version is another", (bytes) => {
    bytes[lastIndexOf(bytes, '{"version":1,"quanta"') + 11] = "2".charCodeAt(0);
  }],
  ["its last bytes are others", (bytes) => {
    const end = lastIndexOf(bytes, "PAR1");
    bytes.fill(0xff, end - 8, end + 4);
  }],
];
for (const [name, change] of CHANGES) {
  Deno.test(`a table doesn't count if ${name}`, async () => {
    const counts = await countsAfter((bytes) => {
      change(bytes);
      return bytes;
    });
    assert.equal(counts, false);
  });
}

Deno.test("graphs of the reference have no table", async () => {
  const path = fixturePath("small-mixed", "provenance.qg");
  using graph = await ProvenanceGraph.open(FileSource.open(path), await Zstd.load());
  assert.equal(await QuantaTable.open(graph), null);
});

const GROUP: TableGroup = {
  index: 0,
  start: 0,
  nRows: 1,
  ranges: { task: ["calibrate", "isr"], status: null },
};
const MAY: [column: "task" | "status", values: string[], may: boolean][] = [
  ["task", ["coadd"], true],
  ["task", ["isr"], true],
  ["task", ["warp", "a"], false],
  ["task", ["warp", "\u{1f52d}"], true],
  ["task", [], false],
  ["status", ["FAILED"], true],
];
for (const [column, values, may] of MAY) {
  Deno.test(`a group from calibrate to isr may${may ? "" : "n't"} have ${column} ${values}`, () => {
    assert.equal(mayHave(GROUP, column, values), may);
  });
}

Deno.test.afterAll(removeOurGraphs);
