import assert from "node:assert/strict";
import {
  type ClusterKey,
  compareClusters,
  FailureClusters,
} from "../../lib/provenance/failure_clusters.ts";

class Counted {
  n = 0;
  constructor(readonly key: ClusterKey) {}
}

function clustersOf(failures: Iterable<[string, string | null, string]>): Counted[] {
  const clusters = new FailureClusters((key) => new Counted(key));
  for (const [task, exception, message] of failures) clusters.of(task, exception, message).n++;
  return clusters.all();
}

Deno.test("failures are clustered by task, exception and shape of message", () => {
  const found = clustersOf([
    ["isr", "ValueError", "bad pixel 1"],
    ["isr", "ValueError", "bad pixel 22"],
    ["isr", "ValueError", "bad pixel 1"],
    ["isr", "ValueError", "no pixel"],
    ["isr", "KeyError", "bad pixel 1"],
    ["warp", "ValueError", "bad pixel 1"],
    ["isr", null, ""],
    ["isr", "", ""],
  ]);
  assert.deepEqual(found.map(({ key, n }) => [key.task, key.exception, key.shape, n]), [
    ["isr", "ValueError", "bad pixel #", 3],
    ["isr", "ValueError", "no pixel", 1],
    ["isr", "KeyError", "bad pixel #", 1],
    ["warp", "ValueError", "bad pixel #", 1],
    ["isr", null, "", 1],
    ["isr", "", "", 1],
  ]);
});

Deno.test("every failure has a cluster, however many shapes there are", () => {
  const word = (i: number) => i.toString(26).replace(/\d/g, (d) => "qrstuvwxyz"[Number(d)]);
  const found = clustersOf(
    Array.from({ length: 1000 }, (_, i) => ["isr", "ValueError", `no ${word(i)}`]),
  );
  assert.equal(found.length, 201);
  assert.equal(found.reduce((sum, { n }) => sum + n, 0), 1000);
  const rest = found.find(({ key }) => key.shape === null)!;
  assert.deepEqual(rest.key, { task: "isr", exception: "ValueError", shape: null });
  assert.equal(rest.n, 800);
});

Deno.test("however many exceptions there are, too", () => {
  const found = clustersOf(
    Array.from({ length: 10_500 }, (_, i) => [i % 2 ? "isr" : "warp", `Error${i}`, "same"]),
  );
  assert.equal(found.length, 10_002);
  assert.equal(found.reduce((sum, { n }) => sum + n, 0), 10_500);
});

Deno.test("clusters are ranked by what they block, then by time lost, then by number", () => {
  const clusters = [
    { name: "many", n_blocked: 0, lost_time: 1, n_failed: 99 },
    { name: "dear", n_blocked: 0, lost_time: 9, n_failed: 1 },
    { name: "blocks", n_blocked: 2, lost_time: 0, n_failed: 1 },
    { name: "few", n_blocked: 0, lost_time: 1, n_failed: 2 },
  ];
  assert.deepEqual(clusters.sort(compareClusters).map(({ name }) => name), [
    "blocks",
    "dear",
    "many",
    "few",
  ]);
});
