import assert from "node:assert/strict";
import { GraphWalker } from "../../lib/provenance/graph_walker.ts";
import { ScanStatus } from "../../lib/provenance/quantum_status.ts";
import { randomGraph, seededRandom, testIndex, type TestQuantum } from "./support.ts";

/** What becomes of each quantum, said the slow way: by its predecessors alone. */
function expectedStatuses(
  quanta: readonly TestQuantum[],
  outcome: (q: number) => ScanStatus,
): Set<ScanStatus>[] {
  const producer = new Map<number, number>();
  quanta.forEach(({ outputs }, q) => outputs.forEach((d) => producer.set(d, q)));
  const known = new Map<number, Set<ScanStatus>>();
  const of = (q: number): Set<ScanStatus> => {
    const done = known.get(q);
    if (done !== undefined) return done;
    const bad = new Set<ScanStatus>();
    for (const d of quanta[q].inputs) {
      const p = producer.get(d);
      if (p === undefined) continue;
      for (const status of of(p)) {
        if (status === ScanStatus.FAILED || status === ScanStatus.BLOCKED) {
          bad.add(ScanStatus.BLOCKED);
        } else if (status === ScanStatus.ABANDONED) bad.add(ScanStatus.ABANDONED);
      }
    }
    const result = bad.size > 0 ? bad : new Set([outcome(q)]);
    known.set(q, result);
    return result;
  };
  return quanta.map((_, q) => of(q));
}

/** Walks in random batches and reports in random order. */
function walk(
  quanta: readonly TestQuantum[],
  outcome: (q: number) => ScanStatus,
  seed: number,
): { statuses: ScanStatus[]; scanned: number[] } {
  const random = seededRandom(seed);
  const walker = new GraphWalker(testIndex(quanta));
  const statuses: ScanStatus[] = new Array(quanta.length);
  const scanned: number[] = [];
  const open: number[] = [];
  const end = (q: number, status: ScanStatus) => {
    assert.equal(statuses[q], undefined, `quantum ${q} ends twice`);
    statuses[q] = status;
  };
  while (!walker.isDone) {
    const nReady = walker.nReady;
    const batch = walker.take(1 + Math.floor(random() * 5));
    assert.ok(batch.length <= nReady);
    open.push(...batch);
    scanned.push(...batch);
    assert.ok(open.length > 0, "nothing to do although quanta are left");
    const nReports = Math.ceil(random() * open.length);
    for (let i = 0; i < nReports; i++) {
      const [q] = open.splice(Math.floor(random() * open.length), 1);
      const status = outcome(q);
      end(q, status);
      walker.report(
        q,
        status,
        (blocked) => end(blocked, status === ScanStatus.ABANDONED ? status : ScanStatus.BLOCKED),
      );
    }
    assert.equal(walker.nDone, statuses.filter((status) => status !== undefined).length);
  }
  assert.equal(walker.nReady, 0);
  assert.equal(walker.nDone, quanta.length);
  for (const status of Object.values(ScanStatus)) {
    assert.equal(walker.count(status), statuses.filter((s) => s === status).length);
  }
  return { statuses, scanned };
}

function checkFailures(share: number): void {
  for (let seed = 0; seed < 30; seed++) {
    const quanta = randomGraph(seed, 1 + seed * 3);
    const random = seededRandom(seed + 1000);
    const outcomes = quanta.map(() => random() < share ? ScanStatus.FAILED : ScanStatus.SUCCESSFUL);
    const expected = expectedStatuses(quanta, (q) => outcomes[q]);
    for (const walkSeed of [1, 2, 3]) {
      const { statuses, scanned } = walk(quanta, (q) => outcomes[q], walkSeed);
      assert.deepEqual(statuses.map((status) => new Set([status])), expected);
      assert.deepEqual(
        scanned.toSorted((a, b) => a - b),
        statuses.flatMap((status, q) => status === ScanStatus.BLOCKED ? [] : [q]),
      );
    }
  }
}

Deno.test("GraphWalker scans everything when all succeed", () => checkFailures(0));

Deno.test("GraphWalker blocks all descendants when some fail, whatever the order", () => {
  checkFailures(0.1);
  checkFailures(0.5);
  checkFailures(1);
});

Deno.test("GraphWalker leaves descendants unscanned when a quantum is abandoned", () => {
  for (let seed = 0; seed < 30; seed++) {
    const quanta = randomGraph(seed, 1 + seed * 3);
    const random = seededRandom(seed);
    const outcomes = quanta.map(() =>
      random() < 0.3 ? ScanStatus.ABANDONED : ScanStatus.SUCCESSFUL
    );
    const expected = expectedStatuses(quanta, (q) => outcomes[q]);
    for (const walkSeed of [1, 2]) {
      const { statuses, scanned } = walk(quanta, (q) => outcomes[q], walkSeed);
      assert.deepEqual(statuses.map((status) => new Set([status])), expected);
      for (const q of scanned) {
        assert.ok(quanta[q].inputs.every((d) => {
          const p = quanta.findIndex(({ outputs }) => outputs.includes(d));
          return p < 0 || statuses[p] === ScanStatus.SUCCESSFUL;
        }));
      }
    }
  }
});

Deno.test("GraphWalker ends each quantum once when failures and abandoned ones meet", () => {
  for (let seed = 0; seed < 30; seed++) {
    const quanta = randomGraph(seed, 40);
    const random = seededRandom(seed);
    const kinds = [ScanStatus.FAILED, ScanStatus.ABANDONED, ScanStatus.SUCCESSFUL];
    const outcomes = quanta.map(() => kinds[Math.floor(random() * 3)]);
    const expected = expectedStatuses(quanta, (q) => outcomes[q]);
    walk(quanta, (q) => outcomes[q], seed).statuses.forEach((status, q) =>
      assert.ok(expected[q].has(status))
    );
  }
});

Deno.test("GraphWalker waits once for a producer when several of its datasets are read", () => {
  const walker = new GraphWalker(testIndex([
    { inputs: [], outputs: [1, 2, 3] },
    { inputs: [1, 2, 3, 3, 50], outputs: [4] },
  ]));
  assert.deepEqual([...walker.take(10)], [0]);
  assert.equal(walker.take(10).length, 0);
  walker.report(0, ScanStatus.SUCCESSFUL, () => assert.fail("blocked"));
  assert.deepEqual([...walker.take(10)], [1]);
  walker.report(1, ScanStatus.SUCCESSFUL, () => assert.fail("blocked"));
  assert.ok(walker.isDone);
});

Deno.test("GraphWalker is done at once when the graph is empty", () => {
  const walker = new GraphWalker(testIndex([]));
  assert.ok(walker.isDone);
  assert.equal(walker.take(5).length, 0);
});

Deno.test("GraphWalker lets go what is behind an unreadable quantum, and says so of it alone", () => {
  const walker = new GraphWalker(testIndex([
    { inputs: [], outputs: [1] },
    { inputs: [1], outputs: [2] },
    { inputs: [1], outputs: [3] },
    { inputs: [2], outputs: [4] },
    { inputs: [3], outputs: [5] },
  ]));
  const never = () => assert.fail("blocked");
  walker.take(1);
  assert.ok(walker.isOut(0));
  walker.reportUnreadable(0, ScanStatus.FAILED);
  assert.ok(!walker.isOut(0));
  assert.deepEqual([...walker.take(9)].sort(), [1, 2]);
  assert.deepEqual([0, 1, 2, 3, 4].map((q) => walker.isBehindUnreadable(q)), [
    false,
    true,
    true,
    false,
    false,
  ]);
  // One has left files; the other has not, so that what follows it is blocked as well.
  walker.report(1, ScanStatus.SUCCESSFUL, never);
  const blocked: number[] = [];
  walker.report(2, ScanStatus.BLOCKED, (q) => blocked.push(q));
  assert.deepEqual(blocked, [4]);
  assert.deepEqual([...walker.take(9)], [3]);
  walker.report(3, ScanStatus.SUCCESSFUL, never);
  assert.ok(walker.isDone);
  assert.equal(walker.count(ScanStatus.BLOCKED), 2);
});

Deno.test("GraphWalker blocks what an unreadable quantum and a failed one lead to", () => {
  const walker = new GraphWalker(testIndex([
    { inputs: [], outputs: [1] },
    { inputs: [], outputs: [2] },
    { inputs: [1, 2], outputs: [3] },
  ]));
  walker.take(2);
  walker.reportUnreadable(0, ScanStatus.FAILED);
  const blocked: number[] = [];
  walker.report(1, ScanStatus.FAILED, (q) => blocked.push(q));
  assert.deepEqual(blocked, [2]);
  assert.ok(walker.isDone);
});
