/** Status for scripts and monitors: `--metrics-file`, and the lines of `--json`. */

import assert from "node:assert/strict";
import type { Stage } from "../../lib/base/progress.ts";
import { MetricsFile } from "../../lib/cli/status/metrics_file.ts";
import { metricsText } from "../../lib/cli/status/metrics_text.ts";
import { ProgressReporter } from "../../lib/cli/terminal/progress.ts";
import { JsonStatusLines, type StatusReport } from "../../lib/cli/terminal/status_report.ts";
import { ClosedPipeError } from "../../lib/cli/terminal/terminal.ts";
import { expectProvgraph, runProvgraph, temporaryDirectory } from "../support/fixtures.ts";
import { assertMatchesSchema } from "../support/json_schema.ts";
import { copyOfFixture, removeUnpacked } from "./support.ts";

const CASE = "small-mixed";
const START_MS = Date.UTC(2026, 6, 1);
const SCAN: Stage = {
  name: "scan",
  unit: "quanta",
  nDone: 300,
  nTotal: 1000,
  state: "running",
  counts: { SUCCESSFUL: 290, FAILED: 10 },
};
const WRITE: Stage = {
  name: "write",
  unit: "bytes",
  nDone: 6_000_000,
  nTotal: null,
  state: "running",
  queue: { size: 500_000, limit: 1_000_000, unit: "bytes" },
};

/** What a sink is told of two stages after 10 s. */
function reportAfterTenSeconds(): StatusReport {
  const reports: StatusReport[] = [];
  let ms = 0;
  let tick = () => {};
  const reporter = new ProgressReporter({
    log: { log: () => {} },
    bars: null,
    hasLines: false,
    intervalMs: 30_000,
    now: () => new Date(START_MS + ms),
    every: (_ms, callback) => {
      tick = callback;
      return () => {};
    },
    rssBytes: () => 123_456_789,
    sinks: [{ intervalMs: 10_000, tell: (report, isLast) => isLast || reports.push(report) }],
  });
  using _watch = reporter.watch(() => [SCAN, WRITE]);
  ms = 9_999;
  tick();
  assert.equal(reports.length, 0);
  ms = 10_000;
  tick();
  assert.equal(reports.length, 1);
  return reports[0];
}

/** Samples of a metrics text by name and labels, after a check of its form. */
function samplesOf(text: string): Map<string, number> {
  const lines = text.split("\n");
  assert.deepEqual(lines.slice(-2), ["# EOF", ""]);
  const types = new Set<string>();
  const samples = new Map<string, number>();
  for (const line of lines.slice(0, -2)) {
    const type = /^# TYPE (provgraph_[a-z_]+) gauge$/.exec(line);
    if (type !== null) {
      assert.ok(!types.has(type[1]), `${type[1]} is there twice`);
      types.add(type[1]);
      continue;
    }
    if (/^# HELP provgraph_[a-z_]+ [A-Z1].*\.$/.test(line)) continue;
    const sample = /^((provgraph_[a-z_]+)\{(?:[a-z]+="(?:[^"\\\n]|\\[\\"n])*",?)+\}) (\S+)$/.exec(
      line,
    );
    assert.ok(sample !== null && types.has(sample[2]), line);
    assert.ok(!samples.has(sample[1]), `${sample[1]} is there twice`);
    samples.set(sample[1], Number(sample[3]));
  }
  return samples;
}

Deno.test("metrics tell stages, rates, queues, quanta by status and memory", () => {
  const samples = samplesOf(metricsText({
    name: 'a "job"\\',
    command: "aggregate-graph",
    startSeconds: 1000,
    updateSeconds: 1010,
    exitCode: null,
    status: reportAfterTenSeconds(),
  }));
  const common = 'name="a \\"job\\"\\\\",command="aggregate-graph"';
  for (
    const [metric, labels, value] of [
      ["running", "", 1],
      ["memory_bytes", "", 123_456_789],
      ["stage_done", ',stage="scan",unit="quanta"', 300],
      ["stage_expected", ',stage="scan",unit="quanta"', 1000],
      ["stage_rate", ',stage="scan",unit="quanta"', 30],
      ["stage_left_seconds", ',stage="scan",unit="quanta"', 700 / 30],
      ["stage_rate", ',stage="write",unit="bytes"', 600_000],
      ["stage_seconds", ',stage="write",unit="bytes"', 10],
      ["stage_state", ',stage="write",state="running"', 1],
      ["stage_state", ',stage="write",state="done"', 0],
      ["stage_bottleneck", ',stage="write"', 1],
      ["queue_size", ',stage="write",unit="bytes"', 500_000],
      ["queue_limit", ',stage="write",unit="bytes"', 1_000_000],
      ["quanta", ',status="SUCCESSFUL"', 290],
      ["quanta", ',status="FAILED"', 10],
    ] as const
  ) {
    assert.equal(samples.get(`provgraph_${metric}{${common}${labels}}`), value, metric + labels);
  }
  assert.ok(![...samples.keys()].some((key) => key.startsWith("provgraph_exit_code")));
  assert.ok(!samples.has(`provgraph_stage_expected{${common},stage="write",unit="bytes"}`));
});

Deno.test("a status line of --json has the same numbers, and is as its schema says", () => {
  const lines: string[] = [];
  const sink = new JsonStatusLines(1000, { write: (text) => lines.push(text) });
  const report = reportAfterTenSeconds();
  sink.tell(report, false);
  sink.tell(report, true);
  assert.equal(lines.length, 1);
  const status = JSON.parse(lines[0]);
  for (const command of ["aggregate-graph", "ingest-graph", "scan"]) {
    assertMatchesSchema(command, status);
  }
  assert.equal(status.seconds, 10);
  assert.equal(status.bottleneck, "write");
  assert.deepEqual(status.stages[0], {
    name: "scan",
    unit: "quanta",
    state: "running",
    n: 300,
    n_total: 1000,
    seconds: 10,
    per_second: 30,
    seconds_left: 700 / 30,
    queue: null,
    counts: { SUCCESSFUL: 290, FAILED: 10 },
  });
});

Deno.test("a reader of status lines that goes away stops them, not the work", () => {
  let nWrites = 0;
  const sink = new JsonStatusLines(1000, {
    write: () => {
      nWrites++;
      throw new ClosedPipeError();
    },
  });
  sink.tell(reportAfterTenSeconds(), false);
  sink.tell(reportAfterTenSeconds(), false);
  assert.equal(nWrites, 1);
});

Deno.test("a metrics file that can't be replaced any more is a warning, once", async () => {
  await using work = await temporaryDirectory();
  Deno.mkdirSync(work.join("metrics"));
  const path = work.join("metrics", "run.prom");
  const lines: string[] = [];
  const file = new MetricsFile(path, "scan", {
    now: () => new Date(START_MS),
    log: { log: (level, text) => lines.push(`${level} ${text}`) },
  });
  assert.equal(samplesOf(Deno.readTextFileSync(path)).size, 4);
  Deno.removeSync(work.join("metrics"), { recursive: true });
  file.tell(reportAfterTenSeconds());
  file.tell(reportAfterTenSeconds());
  file.end(0);
  assert.equal(lines.length, 1);
  assert.match(lines[0], /^WARNING Cannot write metrics file ".*run\.prom": /);
});

Deno.test("aggregate-graph, ingest-graph and scan leave metrics of how they ended", async () => {
  await using work = await copyOfFixture(CASE, "before");
  const file = work.join("node", "run 7.prom");
  Deno.mkdirSync(work.join("node"));
  const run = async (code: number, ...args: string[]) => {
    await expectProvgraph([...args, "--metrics-file", file], { cwd: work.path, code });
    assert.deepEqual([...Deno.readDirSync(work.join("node"))].map(({ name }) => name), [
      "run 7.prom",
    ]);
    return samplesOf(Deno.readTextFileSync(file));
  };
  const value = (samples: Map<string, number>, command: string, metric: string, labels = "") =>
    samples.get(`provgraph_${metric}{name="run 7",command="${command}"${labels}}`);

  const chunks = work.join("0.chunks");
  const scan = await run(0, "scan", "predicted.qg", "repo", "--shard", "0/2", "--chunks", chunks);
  assert.equal(value(scan, "scan", "exit_code"), 0);
  assert.equal(value(scan, "scan", "stage_state", ',stage="scan",state="done"'), 1);

  const aggregate = await run(
    0,
    "aggregate-graph",
    "predicted.qg",
    "repo",
    "-o",
    "out.qg",
    "-j",
    "2",
  );
  const quanta = (status: string) =>
    value(aggregate, "aggregate-graph", "quanta", `,status="${status}"`);
  assert.deepEqual(["SUCCESSFUL", "FAILED", "ABORTED_SUCCESS", "BLOCKED"].map(quanta), [
    23,
    6,
    1,
    23,
  ]);
  assert.equal(value(aggregate, "aggregate-graph", "running"), 0);
  const rows = ',stage="ingest",unit="datasets"';
  assert.equal(value(aggregate, "aggregate-graph", "stage_done", rows), 91);

  const ingest = await run(0, "ingest-graph", "repo", "out.qg");
  assert.equal(value(ingest, "ingest-graph", "stage_done", rows), 55);

  const refused = await run(2, "aggregate-graph", "nowhere.qg", "repo");
  assert.equal(value(refused, "aggregate-graph", "exit_code"), 2);
  assert.equal(value(refused, "aggregate-graph", "running"), 0);
});

Deno.test("a metrics file in a folder that isn't there is refused before anything is done", async () => {
  await using work = await copyOfFixture(CASE, "before");
  const args = ["aggregate-graph", "predicted.qg", "repo", "-o", "out.qg"];
  const { code, stderr } = await runProvgraph([...args, "--metrics-file", "no/run.prom"], {
    cwd: work.path,
  });
  assert.equal(code, 2, stderr);
  assert.match(stderr, /^error: .*--metrics-file.*no\/run\.prom/m);
  assert.deepEqual([...Deno.readDirSync(work.path)].map(({ name }) => name).sort(), [
    "predicted.qg",
    "repo",
  ]);
});

Deno.test.afterAll(removeUnpacked);
