import assert from "node:assert/strict";
import { FailedList, fairShare } from "../../../lib/report/failures/failed_list.ts";

const SHARES: [sizes: number[], total: number, share: number][] = [
  [[], 10, 0],
  [[3, 4], 10, 4],
  [[3, 4], 7, 4],
  [[3, 100], 10, 7],
  [[100, 100, 1], 10, 4],
  [[5, 5, 5], 2, 0],
];
for (const [sizes, total, share] of SHARES) {
  Deno.test(`lists of ${sizes.join(", ")} cut to ${total} keep ${share} each`, () => {
    assert.equal(fairShare(sizes, total), share);
  });
}

Deno.test("all are listed that fit; else the first of the tasks with many, and their number is known", () => {
  const list = new FailedList<number>(["few", "many"], 1000, 10);
  for (let i = 0; i < 500; i++) list.add("many", () => i);
  for (let i = 0; i < 3; i++) list.add("few", () => i);
  assert.deepEqual(list.finish(), [
    { label: "few", items: [0, 1, 2], n: 3 },
    { label: "many", items: [0, 1, 2, 3, 4, 5, 6], n: 500 },
  ]);
});

Deno.test("no task has more than its limit", () => {
  const list = new FailedList<number>(["isr"], 2, 10);
  for (let i = 0; i < 5; i++) list.add("isr", () => i);
  assert.deepEqual(list.finish(), [{ label: "isr", items: [0, 1], n: 5 }]);
});
