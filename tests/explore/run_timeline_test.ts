import assert from "node:assert/strict";
import { QuantumTable } from "../../lib/explore/page/model/quantum_table.ts";
import { RunTimeline } from "../../lib/explore/page/model/run_timeline.ts";
import { readQuantum } from "../../lib/provenance/documents/quantum.ts";
import { openSource } from "../../lib/sources/open_source.ts";
import { expectProvgraph, fixturePath } from "../support/fixtures.ts";

const PATH = fixturePath("small-mixed", "provenance.qg");
await using source = await openSource(PATH, null, Deno.env, Deno.cwd());
const { groups } = await source.rowDimensions("quanta");
const LABELS = await source.taskLabels();
const { timestamp } = JSON.parse(new TextDecoder().decode(await source.header()));
const QUANTA = (await Array.fromAsync(source.quanta())).map((text) => readQuantum(text));
const { timeline: REPORTED } = JSON.parse(
  (await expectProvgraph(["report", PATH, "--json"])).stdout,
);

/** A table, of which a timeline was drawn each time some quanta had come. */
function drawn(quanta: typeof QUANTA, every: number) {
  const table = new QuantumTable(groups, timestamp, true);
  const timeline = new RunTimeline(LABELS);
  quanta.forEach((quantum, i) => {
    table.add(quantum);
    if (i % every === 0) timeline.of(table);
  });
  return timeline.of(table)!;
}

const rounded = (values: number[]) => values.map((value) => Number(value.toPrecision(4)));
const ORDERS: [what: string, quanta: typeof QUANTA, every: number][] = [
  ["at once", QUANTA, Infinity],
  ["one by one", QUANTA, 1],
  ["backwards, by sevens", QUANTA.toReversed(), 7],
  ["twice, as after a second scan", [...QUANTA, ...QUANTA], 10],
];
for (const [what, quanta, every] of ORDERS) {
  Deno.test(`the timeline is that of the report, with quanta that come ${what}`, () => {
    const { lanes, nIntervals, widthMicros } = drawn(quanta, every);
    assert.deepEqual([nIntervals, widthMicros / 1e6], [REPORTED.n_intervals, REPORTED.interval]);
    const all = lanes.pop()!;
    assert.equal(all.task, null);
    assert.deepEqual(rounded(all.running), REPORTED.running);
    assert.deepEqual(
      lanes.map(({ task, running, failed }) => ({ task, running: rounded(running), failed })),
      REPORTED.tasks,
    );
  });
}

Deno.test("without a quantum that says when it ran there is no timeline", () => {
  const table = new QuantumTable(groups, timestamp, true);
  assert.equal(new RunTimeline(LABELS).of(table), null);
  for (const quantum of QUANTA) table.add({ ...quantum, attempts: [] });
  assert.equal(new RunTimeline(LABELS).of(table), null);
});
