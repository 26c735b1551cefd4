/** Progress: figures by a clock of the test's own, bars on a terminal of its own. */

import assert from "node:assert/strict";
import { bottleneck, type Stage } from "../../lib/base/progress.ts";
import { formatDuration, ProgressReporter } from "../../lib/cli/terminal/progress.ts";
import { BarArea } from "../../lib/cli/terminal/progress_bar.ts";
import { Screen } from "./screen.ts";

/** A clock, a log and an operation with two stages. */
function makeBench(intervalMs: number, bars: BarArea | null = null) {
  const start = Date.UTC(2026, 6, 1);
  const bench = {
    ms: 0,
    lines: [] as string[],
    tick: () => {},
    isTicking: false,
    scan: { name: "scan", unit: "quanta", nDone: 0, nTotal: 1000, state: "running" } as Stage,
    write: {
      name: "write",
      unit: "bytes",
      nDone: 0,
      nTotal: null,
      state: "waiting",
      queue: { size: 0, limit: 1_000_000, unit: "bytes" },
    } as Stage,
    reporter: undefined as unknown as ProgressReporter,
  };
  bench.reporter = new ProgressReporter({
    log: { log: (level, text) => bench.lines.push(`${level} ${text}`) },
    bars,
    hasLines: true,
    intervalMs,
    now: () => new Date(start + bench.ms),
    every: (_ms, callback) => {
      bench.tick = callback;
      bench.isTicking = true;
      return () => {
        bench.isTicking = false;
      };
    },
    rssBytes: () => 123_456_789,
  });
  return bench;
}

Deno.test("a status line has counts, rates, time left, queues, the bottleneck and memory", () => {
  const bench = makeBench(30_000);
  const { scan, write } = bench;
  {
    using _watch = bench.reporter.watch(() => [scan, write]);
    bench.ms = 29_999;
    bench.tick();
    assert.deepEqual(bench.lines, []);
    scan.nDone = 300;
    write.state = "running";
    write.nDone = 6_000_000;
    write.queue!.size = 500_000;
    bench.ms = 30_000;
    bench.tick();
    assert.deepEqual(bench.lines, [
      "INFO Status after 30.0s: scan 300 of 1000 quanta, 10/s, 70 s left; write 6.0 MB; " +
      "bottleneck: write; memory: 123.5 MB; waiting to write: 500.0 kB of 1.0 MB.",
    ]);
    bench.ms = 30_500;
    bench.tick();
    assert.equal(bench.lines.length, 1);
    scan.nDone = 1000;
    scan.state = "done";
    write.nDone = 12_000_000;
    write.queue!.size = 0;
    bench.ms = 60_000;
    bench.tick();
    assert.equal(
      bench.lines[1],
      "INFO Status after 60.0s: scan 1000 of 1000 quanta, 33/s, done; write 12.0 MB, 400.0 kB/s; " +
        "bottleneck: write; memory: 123.5 MB; waiting to write: 0 B of 1.0 MB.",
    );
    write.state = "done";
    bench.ms = 90_000;
  }
  assert.equal(bench.isTicking, false);
  assert.deepEqual(bench.lines.slice(2), [
    "INFO Speed: scan 1000 quanta in 60.0 s (17/s); write 12.0 MB in 60.0 s (200.0 kB/s).",
  ]);
  assert.deepEqual(bench.reporter.speeds, [
    { name: "scan", unit: "quanta", n: 1000, seconds: 60 },
    { name: "write", unit: "bytes", n: 12_000_000, seconds: 60 },
  ]);
});

Deno.test("rates are those of the last half minute", () => {
  const bench = makeBench(1000);
  using _watch = bench.reporter.watch(() => [bench.scan]);
  for (let second = 1; second <= 120; second++) {
    bench.ms = second * 1000;
    bench.scan.nDone = second <= 60 ? second * 10 : 600 + (second - 60);
    bench.tick();
  }
  assert.match(bench.lines.at(-1)!, /660 of 1000 quanta, 1\.0\/s, 6 min left/);
});

Deno.test("work that gives the event loop no turn tells its progress by update()", () => {
  const bench = makeBench(5000);
  using watch = bench.reporter.watch(() => [bench.scan]);
  for (let i = 1; i <= 10; i++) {
    bench.ms += 1000;
    bench.scan.nDone = i;
    watch.update();
  }
  assert.equal(bench.lines.length, 2);
});

Deno.test("the bottleneck is the last stage with a queue half full, else the first that runs", () => {
  const stage = (name: string, size: number, state: Stage["state"] = "running"): Stage => ({
    name,
    unit: "x",
    nDone: 0,
    nTotal: 1,
    state,
    queue: { size, limit: 10, unit: "x" },
  });
  assert.equal(bottleneck([stage("a", 0), stage("b", 4), stage("c", 0)])?.name, "a");
  assert.equal(bottleneck([stage("a", 0), stage("b", 5), stage("c", 0)])?.name, "b");
  assert.equal(bottleneck([stage("a", 0), stage("b", 9), stage("c", 9)])?.name, "c");
  assert.equal(
    bottleneck([stage("a", 0, "done"), stage("b", 9, "done"), stage("c", 0)])?.name,
    "c",
  );
  assert.equal(bottleneck([stage("a", 0, "done")]), null);
});

Deno.test("times are as exact as they can be believed", () => {
  assert.equal(formatDuration(0.4), "0 s");
  assert.equal(formatDuration(99), "99 s");
  assert.equal(formatDuration(100), "2 min");
  assert.equal(formatDuration(12_240), "3.4 h");
});

Deno.test("what has failed is told while the rest is scanned", () => {
  const bench = makeBench(10_000);
  using _watch = bench.reporter.watch(() => [{
    ...bench.scan,
    counts: { SUCCESSFUL: 200, FAILED: 12, BLOCKED: 38, UNKNOWN: 0 },
  }]);
  bench.scan.nDone = 250;
  bench.ms = 10_000;
  bench.tick();
  assert.match(
    bench.lines[0],
    /scan 250 of 1000 quanta, 25\/s, 30 s left, 12 FAILED, 38 BLOCKED; bottleneck/,
  );
});

for (
  const [columns, line] of [
    [40, "scan      25% 25/s, 30 s left, 7 FAILED"],
    [60, "scan     [####.............]  25% 25/s, 30 s left, 7 FAILED"],
    [80, "scan     [####.............]  25% 250 of 1000 quanta, 25/s, 30 s left, 7 FAILED"],
    [120, "scan     [######..................]  25% 250 of 1000 quanta, 25/s, 30 s left, 7 FAILED"],
  ] as const
) {
  Deno.test(`a bar of ${columns} columns keeps rate and time left`, () => {
    const screen = new Screen();
    screen.size = () => ({ columns, rows: 24 });
    const bench = makeBench(1_000_000, new BarArea(screen));
    using _watch = bench.reporter.watch(() => [{ ...bench.scan, counts: { FAILED: 7 } }]);
    bench.scan.nDone = 250;
    bench.ms = 10_000;
    bench.tick();
    assert.equal(screen.lines[0], line);
    assert.ok(screen.lines.every((each) => each.length < columns));
  });
}

Deno.test("bars stay at the bottom, log lines go above them, and in the end only these are left", () => {
  const screen = new Screen();
  const bars = new BarArea(screen);
  const bench = makeBench(1_000_000, bars);
  {
    using _watch = bench.reporter.watch(() => [bench.scan, bench.write]);
    bench.scan.nDone = 250;
    bench.ms = 10_000;
    bench.tick();
    assert.equal(screen.isCursorShown, false);
    assert.deepEqual(screen.lines, [
      "scan     [######..................]  25% 250 of 1000 quanta, 25/s, 30 s left",
      "bottleneck: scan; memory: 123.5 MB",
    ]);
    bars.writeError("a line\nand one\n");
    assert.deepEqual(screen.lines.slice(0, 3), [
      "a line",
      "and one",
      "scan     [######..................]  25% 250 of 1000 quanta, 25/s, 30 s left",
    ]);
    assert.equal(screen.lines.length, 4);
    bench.write.state = "running";
    bench.ms = 20_000;
    bench.tick();
    assert.equal(screen.lines.length, 5);
    assert.equal(screen.lines[3], `write    [${".".repeat(24)}]      begun`);
    assert.ok(screen.lines.every((line) => line.length <= 100));
  }
  assert.deepEqual(screen.lines, ["a line", "and one", ""]);
  assert.equal(screen.isCursorShown, true);
  bars.writeError("after\n");
  assert.deepEqual(screen.lines, ["a line", "and one", "after", ""]);
});
