/** `diff` beside what follows from the graphs as the reference's reader gives them. */

import assert from "node:assert/strict";
import {
  expectProvgraph,
  fixturePath,
  RUN,
  runProvgraph,
  SECOND_RUN,
} from "../support/fixtures.ts";
import { assertMatchesSchema } from "../support/json_schema.ts";
import { graphTruth, jsonLines, type TrueQuantum } from "./graph_truth.ts";
import { assertOneError, copyOfFixture, removeUnpacked } from "./support.ts";

interface Pair<T> {
  a: T;
  b: T;
}

interface Quantum {
  data_id: Record<string, unknown>;
  quantum_id: string;
  status: string | null;
  old_status?: string;
}

interface Task {
  task: string;
  n_quanta: Pair<number>;
  statuses: Record<string, Pair<number>>;
  n_changed: number;
  changed: Quantum[];
  n_only: Pair<number>;
  only: Pair<Quantum[]>;
  exceptions: Record<string, Pair<number>>;
  run_time_median: Pair<number | null>;
  memory_median: Pair<number | null>;
}

async function diff(
  ...args: string[]
): Promise<{ tasks: Task[]; summary: Record<string, unknown> }> {
  const { stdout } = await expectProvgraph(["diff", ...args, "--json", "--limit", "1000000"]);
  const lines = jsonLines<Task>(stdout);
  for (const line of lines) assertMatchesSchema("diff", line);
  const summary = lines.pop() as unknown as Record<string, unknown>;
  return { tasks: lines, summary };
}

const key = ({ task_label, data_id }: TrueQuantum) =>
  JSON.stringify([task_label, Object.entries(data_id).sort(([x], [y]) => x < y ? -1 : 1)]);

function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((x, y) => x - y);
  const half = sorted.length / 2;
  return (sorted[Math.ceil(half) - 1] + sorted[Math.floor(half)]) / 2;
}

function usage(quanta: readonly TrueQuantum[], name: string): number[] {
  return quanta.flatMap(({ attempts }) => {
    const value = attempts.at(-1)?.resource_usage?.[name];
    return typeof value === "number" ? [value] : [];
  });
}

/** What is expected of one task, from the oracle's dumps. */
function expectedTask(task: string, all: Pair<TrueQuantum[]>) {
  const of = (quanta: TrueQuantum[]) => quanta.filter(({ task_label }) => task_label === task);
  const [a, b] = [of(all.a), of(all.b)];
  const byKey = (quanta: TrueQuantum[]) => new Map(quanta.map((q) => [key(q), q]));
  const [inA, inB] = [byKey(a), byKey(b)];
  const counts = (name: (quantum: TrueQuantum) => string | undefined) => {
    const names = new Set([...a, ...b].flatMap((quantum) => name(quantum) ?? []));
    const count = (quanta: TrueQuantum[], of: string) =>
      quanta.filter((quantum) => name(quantum) === of).length;
    return Object.fromEntries([...names].map((of) => [of, { a: count(a, of), b: count(b, of) }]));
  };
  return {
    n_quanta: { a: a.length, b: b.length },
    statuses: counts(({ status }) => status),
    exceptions: counts(({ exception }) => exception?.type_name),
    changed: b.filter((quantum) =>
      (inA.get(key(quantum))?.status ?? quantum.status) !== quantum.status
    )
      .map(({ quantum_id }) => quantum_id).sort(),
    onlyA: a.filter((quantum) => !inB.has(key(quantum))).map(({ quantum_id }) => quantum_id).sort(),
    onlyB: b.filter((quantum) => !inA.has(key(quantum))).map(({ quantum_id }) => quantum_id).sort(),
    run_time_median: { a: median(usage(a, "run_time")), b: median(usage(b, "run_time")) },
    memory_median: { a: median(usage(a, "memory")), b: median(usage(b, "memory")) },
  };
}

function check(tasks: readonly Task[], all: Pair<TrueQuantum[]>): void {
  const ids = (quanta: readonly Quantum[]) => quanta.map(({ quantum_id }) => quantum_id).sort();
  for (const task of tasks) {
    const { changed, onlyA, onlyB, ...expected } = expectedTask(task.task, all);
    for (const [name, value] of Object.entries(expected)) {
      assert.deepEqual(task[name as keyof Task], value, `${task.task}: ${name}`);
    }
    assert.deepEqual(ids(task.changed), changed, `${task.task}: changed`);
    assert.equal(task.n_changed, changed.length);
    assert.deepEqual(ids(task.only.a), onlyA, `${task.task}: only in A`);
    assert.deepEqual(ids(task.only.b), onlyB, `${task.task}: only in B`);
    assert.deepEqual(task.n_only, { a: onlyA.length, b: onlyB.length });
  }
  const labels = new Set([...all.a, ...all.b].map(({ task_label }) => task_label));
  for (const label of labels) assert.ok(tasks.some(({ task }) => task === label), label);
}

const graph = (name: string, file = "provenance.qg") => fixturePath(name, file);

const PAIRS: [a: string, b: string][] = [
  ["small-ok", "small-mixed"],
  ["small-mixed", "small-failed"],
  ["small-ok", "medium"],
  ["medium", "small-mixed"],
];

for (const [a, b] of PAIRS) {
  Deno.test(`diff of ${a} and ${b} finds what differs in the graphs as the reference reads them`, async () => {
    const { tasks, summary } = await diff(graph(a), graph(b));
    check(tasks, { a: graphTruth(a).quanta, b: graphTruth(b).quanta });
    assert.equal(summary.different, true);
  });
}

Deno.test("diff says in which statuses quanta changed", async () => {
  const { tasks } = await diff(graph("small-ok"), graph("small-mixed"));
  const before = new Map(graphTruth("small-ok").quanta.map((q) => [key(q), q]));
  const after = new Map(graphTruth("small-mixed").quanta.map((q) => [q.quantum_id, q]));
  const changed = tasks.flatMap(({ changed }) => changed);
  assert.ok(changed.length > 20);
  for (const { quantum_id, status, old_status, data_id } of changed) {
    const quantum = after.get(quantum_id)!;
    assert.equal(status, quantum.status);
    assert.equal(old_status, before.get(key(quantum))!.status);
    assert.deepEqual(data_id, { ...quantum.data_id });
  }
});

Deno.test("diff of a run before and after a retry, and of two RUNs in one repository", async () => {
  const midrun = await diff(graph("small-mixed", "midrun.provenance.qg"), graph("small-mixed"));
  check(midrun.tasks, {
    a: graphTruth("small-mixed", "midrun.provenance.graph").quanta,
    b: graphTruth("small-mixed").quanta,
  });

  await using work = await copyOfFixture("second-run", "before");
  await expectProvgraph(
    ["aggregate-graph", "predicted.qg", "repo", "-o", "second.qg"],
    { cwd: work.path },
  );
  const runs = await diff(work.repo, work.join("second.qg"), "--run-a", RUN, "--run-b", SECOND_RUN);
  check(runs.tasks, {
    a: graphTruth("small-mixed").quanta,
    b: graphTruth("second-run").quanta,
  });
});

Deno.test("diff finds nothing between a graph and itself, and of plans only quanta", async () => {
  const mixed = graph("small-mixed");
  const same = await expectProvgraph(["diff", mixed, mixed, "--exit-code"]);
  assert.match(same.stdout, /\n\nNo differences in quanta, statuses and exceptions\.\n$/);
  const planned = await diff(graph("small-mixed", "predicted.qg"), mixed);
  assert.equal(planned.summary.different, true, "exceptions are new");
  assert.ok(planned.tasks.every(({ n_changed, n_only }) => n_changed + n_only.a + n_only.b === 0));
  const plans = await diff(graph("small-mixed", "predicted.qg"), graph("small-ok", "predicted.qg"));
  assert.equal(plans.summary.different, false);
});

Deno.test("diff ends with 3 on request only, and lists no more than asked", async () => {
  const args = ["diff", graph("small-ok"), graph("small-mixed"), "--limit", "2"];
  const { stdout } = await expectProvgraph(args);
  assert.match(stdout, /^calibrate +16 +16$/m);
  assert.match(stdout, /^ +FAILED +0 +6 +\+6$/m);
  assert.match(stdout, /^calibrate +ValueError +0 +1 +new$/m);
  assert.match(
    stdout,
    /^calibrate: status changed \(7\)\n(?: {2}instrument=.* {2}SUCCESSFUL -> \w+\n){2} {2}\.\.\. 5 more/m,
  );
  assert.equal((await runProvgraph([...args, "--exit-code"])).code, 3);
  await using work = await copyOfFixture("small-mixed", "aggregated");
  const refused = await runProvgraph(["diff", graph("small-ok"), work.repo, "--run-b", RUN]);
  assert.equal(refused.code, 2);
  assertOneError(refused, /holds no run_provenance yet/);
});

Deno.test.afterAll(removeUnpacked);
