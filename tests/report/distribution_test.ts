/** Distributions and timelines of reports, beside plain arithmetic on all values. */

import assert from "node:assert/strict";
import { LogDistribution } from "../../lib/report/distribution.ts";
import { N_INTERVALS, Timeline } from "../../lib/report/timeline.ts";

/** Park and Miller's generator: the same numbers in every run. */
function generator(seed: number): () => number {
  let state = seed;
  return () => (state = state * 48271 % 2147483647) / 2147483647;
}

function filled(values: readonly number[]): LogDistribution {
  const distribution = new LogDistribution(-3, 7);
  for (const value of values) distribution.add(value);
  return distribution;
}

for (const n of [1, 2, 3, 100, 1024, 1025, 20_000]) {
  Deno.test(`LogDistribution.quantile() is right to 1 % with ${n} values`, () => {
    const random = generator(n);
    const values = Array.from({ length: n }, () => 10 ** (6 * random() - 2));
    const distribution = filled(values);
    const sorted = values.toSorted((a, b) => a - b);
    for (const q of [0.01, 0.5, 0.95, 1]) {
      const exact = sorted[Math.ceil(q * n) - 1];
      const found = distribution.quantile(q);
      if (n <= 1024) assert.equal(found, exact);
      else assert.ok(Math.abs(found / exact - 1) < 0.01, `${q}: ${found}, exactly ${exact}`);
    }
    assert.equal(distribution.min, sorted[0]);
    assert.equal(distribution.max, sorted[n - 1]);
  });
}

Deno.test("LogDistribution.coarse() counts every value in its bin", () => {
  const values = [0.0015, 0.0015, 1, 1, 1, 20, 5e6];
  const { lower, n } = filled(values).coarse(8);
  assert.equal(lower.length, n.length);
  assert.equal(n.reduce((a, b) => a + b), values.length);
  lower.forEach((edge, i) => {
    const isInside = (value: number) =>
      value >= edge * 0.9999 && value < edge * 10 ** 0.125 * 0.9999;
    assert.equal(n[i], values.filter(isInside).length, `bin from ${edge}`);
  });
});

Deno.test("LogDistribution keeps values beyond its scale in the outer bins", () => {
  const distribution = filled([-2, 0, 1e-9, 1, 1e12, NaN, Infinity]);
  assert.equal(distribution.n, 5);
  assert.equal(distribution.min, -2);
  assert.equal(distribution.max, 1e12);
  const { n } = distribution.coarse(8);
  assert.equal(n[0], 3);
  assert.equal(n.at(-1), 1);
});

for (const [name, span] of [["a second", 1e6], ["a week", 6e11], ["ten years", 3e14]] as const) {
  Deno.test(`Timeline keeps busy time and failures of attempts within ${name}`, () => {
    const random = generator(7);
    const origin = 1.7e15;
    const attempts = Array.from({ length: 400 }, (_, i) => {
      const start = origin + Math.floor(random() * span);
      return {
        task: i % 3,
        start,
        end: start + Math.floor(random() * span / 20),
        hasFailed: i % 7 === 0,
      };
    });
    const timeline = new Timeline(3);
    for (const { task, start, end, hasFailed } of attempts) {
      timeline.add(task, start, end, hasFailed);
    }
    const view = timeline.view()!;
    assert.ok(view.nIntervals <= N_INTERVALS && view.nIntervals > N_INTERVALS / 4);
    const first = Math.min(...attempts.map(({ start }) => start));
    const last = Math.max(...attempts.map(({ end }) => end));
    assert.ok(view.startMicros <= first && first < view.startMicros + view.widthMicros);
    const end = view.startMicros + view.nIntervals * view.widthMicros;
    assert.ok(last < end && end - view.widthMicros <= last);
    for (const task of [0, 1, 2]) {
      const own = attempts.filter((attempt) => attempt.task === task);
      const running = view.running(task);
      const failed = view.failed(task);
      for (let i = 0; i < view.nIntervals; i++) {
        const from = view.startMicros + i * view.widthMicros;
        const to = from + view.widthMicros;
        const busy = own.reduce(
          (sum, { start, end }) => sum + Math.max(0, Math.min(end, to) - Math.max(start, from)),
          0,
        );
        assert.ok(Math.abs(running[i] - busy / view.widthMicros) < 1e-6);
        const nFailed = own.filter(({ end, hasFailed }) => hasFailed && end >= from && end < to);
        assert.equal(failed[i], nFailed.length);
      }
    }
  });
}

Deno.test("Timeline.view() is null when nothing was added", () => {
  assert.equal(new Timeline(2).view(), null);
});

Deno.test("the intervals of a timeline don't depend on the order of attempts", () => {
  const attempts = [[5_000_000, 5_200_000], [1_000_500, 1_001_000], [9_000_000, 9_000_001]];
  const views = [[0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1]].map((order) => {
    const timeline = new Timeline(1);
    for (const i of order) timeline.add(0, attempts[i][0], attempts[i][1], false);
    const view = timeline.view()!;
    return [view.startMicros, view.widthMicros, view.nIntervals, view.running(0)];
  });
  for (const view of views) assert.deepEqual(view, views[0]);
});
