/** `report`: the numbers are those of the reference's dump of the graph, in every form. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import {
  expectedJson,
  expectProvgraph,
  fixturePath,
  PROJECT,
  readJsonGz,
  RUN,
  runProvgraph,
  temporaryDirectory,
} from "../support/fixtures.ts";
import { assertMatchesSchema } from "../support/json_schema.ts";
import { reportFacts, type RunFacts, total } from "../support/report_facts.ts";
import type { RunReport } from "../../lib/report/model.ts";
import { assertOneError, copyOfFixture, removeUnpacked } from "./support.ts";

const RARE = join(PROJECT, "testdata", "reports", "rare-states");
const MIXED = fixturePath("small-mixed", "provenance.qg");

Deno.test.afterAll(removeUnpacked);

async function reportOf(...args: string[]): Promise<RunReport> {
  const { stdout } = await expectProvgraph(["report", "--json", ...args]);
  return JSON.parse(stdout);
}

const GRAPHS: [name: string, path: string, facts: () => RunFacts][] = [
  ...["small-mixed", "small-failed", "small-ok", "medium"].map((
    name,
  ): [string, string, () => RunFacts] => [
    name,
    fixturePath(name, "provenance.qg"),
    () => reportFacts(expectedJson(name, "provenance.graph")),
  ]),
  [
    "rare-states",
    join(RARE, "provenance.qg"),
    () => reportFacts(readJsonGz(join(RARE, "provenance.graph.json.gz"))),
  ],
];

/** Value of rank ceil(q n). */
function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.ceil(q * sorted.length) - 1];
}

/** Null where nothing ran. */
function milliseconds(iso: string | null): number | null {
  return iso === null ? null : Date.parse(iso);
}

function minMilliseconds(micros: readonly number[]): number | null {
  return micros.length === 0 ? null : Math.floor(Math.min(...micros) / 1000);
}

function maxMilliseconds(micros: readonly number[]): number | null {
  return micros.length === 0 ? null : Math.floor(Math.max(...micros) / 1000);
}

/** Numbers of different parts of a report, and of the reference's dump, agree with each other. */
function assertClustersAddUp(report: RunReport, facts: RunFacts): void {
  const sums = new Map<string, number[]>();
  for (const { task, exception, n_failed, n_successful, n_earlier } of report.clusters) {
    const sum = sums.get(`${task} ${exception}`) ?? [0, 0, 0];
    [n_failed, n_successful, n_earlier].forEach((n, i) => sum[i] += n);
    sums.set(`${task} ${exception}`, sum);
  }
  assert.deepEqual([...sums].sort(), [...facts.exceptions].sort());
  const total = (values: number[]) => values.reduce((a, b) => a + b, 0);
  const nBlocked = total(report.clusters.map(({ n_blocked }) => n_blocked));
  assert.equal(nBlocked + report.n_unexplained, report.by_status.BLOCKED);
  assert.equal(total(report.failed.map(({ n_blocked }) => n_blocked)), nBlocked);
  const lost = total([...facts.tasks.values()].map(({ lostTime }) => lostTime));
  for (const parts of [report.clusters, report.tasks, [report]]) {
    assertClose(total(parts.map(({ lost_time }) => lost_time)), lost, 1e-9, "time lost");
  }
  report.clusters.forEach(({ n_failed, task, exception }, i) => {
    const listed = report.failed.filter(({ cluster }) => cluster === i);
    assert.equal(listed.length, n_failed);
    assert.ok(listed.every((row) => row.task === task && row.exception === exception));
  });
  assert.equal(
    total(report.rerun.tables.map(({ n }) => n)),
    facts.failed.size,
  );
  for (const { rows, columns, tasks } of report.heat_maps) {
    for (const lines of [rows, columns]) {
      const counted = (of: "n_quanta" | "n_failed" | "n_blocked") =>
        total(lines.map((line) => line[of]));
      const expected = tasks.map((task) => facts.tasks.get(task)).filter((task) => !!task);
      assert.equal(counted("n_quanta"), total(expected.map(({ nQuanta }) => nQuanta)));
      assert.equal(counted("n_blocked"), total(expected.map((task) => task.byStatus.BLOCKED ?? 0)));
      assert.equal(
        counted("n_failed"),
        report.failed.filter(({ task }) => tasks.includes(task)).length,
      );
    }
  }
}

function assertClose(actual: number, expected: number, relative: number, what: string): void {
  const bound = relative * Math.abs(expected) + 1e-9;
  assert.ok(Math.abs(actual - expected) <= bound, `${what}: ${actual}, expected ${expected}`);
}

for (const [name, path, factsOf] of GRAPHS) {
  Deno.test(`report --json says what the reference's dump says: ${name}`, async () => {
    const report = await reportOf(path);
    assertMatchesSchema("report", report);
    const facts = factsOf();
    assert.equal(report.n_quanta, total(facts, ({ nQuanta }) => nQuanta));
    assert.equal(report.n_attempts, total(facts, ({ nAttempts }) => nAttempts));
    assert.equal(report.n_retried, total(facts, ({ nRetried }) => nRetried));
    assert.equal(report.n_caveats, total(facts, ({ nCaveats }) => nCaveats));
    for (const [status, n] of Object.entries(report.by_status)) {
      assert.equal(n, total(facts, ({ byStatus }) => byStatus[status] ?? 0), status);
    }
    assert.deepEqual(report.tasks.map(({ task }) => task).sort(), [...facts.tasks.keys()].sort());
    for (const task of report.tasks) {
      const expected = facts.tasks.get(task.task)!;
      assert.equal(task.n_quanta, expected.nQuanta);
      assert.equal(task.n_retried, expected.nRetried);
      assert.equal(task.n_attempts, expected.nAttempts);
      assert.equal(milliseconds(task.first_start), minMilliseconds(expected.starts));
      assert.equal(milliseconds(task.last_end), maxMilliseconds(expected.ends));
      assertClose(task.cpu_time, expected.cpuTime, 1e-9, `${task.task}: CPU time`);
      for (
        const [what, distribution, values] of [
          ["run time", task.run_time, expected.runTimes],
          ["memory", task.memory, expected.memories],
        ] as const
      ) {
        const where = `${task.task}: ${what}`;
        if (values.length === 0) {
          assert.equal(distribution, null, where);
          continue;
        }
        assert.equal(distribution!.n, values.length, where);
        assert.equal(distribution!.min, values[0], where);
        assert.equal(distribution!.max, values.at(-1), where);
        assertClose(distribution!.sum, values.reduce((a, b) => a + b), 1e-9, where);
        const accuracy = values.length > 1024 ? 0.01 : 0;
        if (quantile(values, 0.5) > 0) {
          assertClose(distribution!.median, quantile(values, 0.5), accuracy, where);
        }
        assertClose(distribution!.p95, quantile(values, 0.95), accuracy, where);
        assert.equal(distribution!.bins.n.reduce((a, b) => a + b), values.length, where);
      }
    }
    const found = new Map(
      report.exceptions.map((group) => [
        `${group.task} ${group.exception}`,
        [group.n_failed, group.n_successful, group.n_earlier],
      ]),
    );
    assert.deepEqual([...found].sort(), [...facts.exceptions].sort());
    assertClustersAddUp(report, facts);
    assert.deepEqual(report.failed.map((q) => q.quantum_id).sort(), [...facts.failed].sort());
    for (const { quantum_id, data_id } of report.failed) {
      for (const [dimension, value] of Object.entries(data_id)) {
        assert.equal(value, facts.dataIds.get(quantum_id)![dimension]);
      }
    }
    const slowest = [...facts.tasks.values()].flatMap(({ runTimes }) => runTimes)
      .sort((a, b) => b - a).slice(0, 10);
    assert.deepEqual(report.slowest.map(({ run_time }) => run_time), slowest);
    const largest = [...facts.tasks.values()].flatMap(({ memories }) => memories)
      .sort((a, b) => b - a).slice(0, 10);
    assert.deepEqual(report.largest.map(({ memory }) => memory), largest);
    const ran = report.timeline!.tasks.flatMap(({ running }) => running);
    assert.ok(ran.every((n) => n >= 0) && ran.some((n) => n > 0));
  });
}

Deno.test("report says the same of a graph, its chunk log and the repository it was ingested into", async () => {
  await using aggregated = await copyOfFixture("small-mixed", "before");
  const cwd = aggregated.path;
  await expectProvgraph(
    ["aggregate-graph", "predicted.qg", "repo", "-o", "new.qg", "--keep-chunks"],
    { cwd },
  );
  await expectProvgraph(["ingest-graph", "repo", "new.qg", "-t", "copy"], { cwd });
  const told = async (...args: string[]) => {
    const { stdout } = await expectProvgraph(["report", "--json", ...args], { cwd });
    const report: RunReport = JSON.parse(stdout);
    const sorted = <T>(list: T[]) => list.map((item) => JSON.stringify(item)).sort();
    return {
      by_status: report.by_status,
      tasks: report.tasks.map(({ task, by_status, n_attempts, memory }) => [
        task,
        by_status,
        n_attempts,
        memory,
      ]),
      timeline: report.timeline,
      failed: sorted(report.failed),
      groups: sorted(
        report.exceptions.map(({ sample: _, ...group }) => group),
      ),
      run: report.output_run,
    };
  };
  const ofGraph = await told("new.qg");
  assert.equal(ofGraph.run, RUN);
  assert.deepEqual(await told("new.qg.chunks"), ofGraph);
  assert.deepEqual(await told("repo"), ofGraph);
  assert.deepEqual(await told("repo", "--run", RUN), ofGraph);
});

Deno.test("report and provenance-report tell how many quanta they have read", async () => {
  for (const command of ["report", "provenance-report"]) {
    const { stderr } = await expectProvgraph([command, MIXED, "-v"]);
    assert.match(stderr, /^provgraph\.[a-z-]+ VERBOSE: Speed: read 53 quanta in \d.*\.$/m);
  }
});

Deno.test("report prints a summary for a terminal", async () => {
  const { stdout, stderr } = await expectProvgraph(["report", MIXED]);
  assert.equal(stderr, "");
  assert.equal(
    stdout.split("\n").slice(0, 10).join("\n"),
    `u/oracle/out/20260701T000000Z
53 quanta: 23 successful (43.4 %), 7 failed, 23 blocked; 6 retried
2026-11-22 15:49:46 to 2026-11-22 15:49:49 UTC; run time 369 ms, CPU 372 ms, peak memory 215 MB

Task         Successful  Aborted success  Failed  Blocked  Quanta  Caveats                 Median time     Most  Most memory
calibrate             9                1       6        0      16  *N (1), +P (1), *P (1)      12.1 ms  22.6 ms       215 MB
consolidate           2                0       0        2       4                              14.3 ms  16.2 ms       215 MB
summarize             0                0       0        1       1
warp                 10                0       0       10      20  P (1), *N (1)               5.24 ms  6.58 ms       215 MB
coadd                 2                0       0       10      12                              3.16 ms  3.30 ms       215 MB`,
  );
  for (const id of reportFacts(expectedJson("small-mixed", "provenance.graph")).failed) {
    assert.ok(stdout.includes(id));
  }
});

Deno.test("report --html is one page that asks for nothing else", async () => {
  const { stdout } = await expectProvgraph(["report", "--html", "-", MIXED]);
  assert.match(stdout, /^<!DOCTYPE html>\n<html lang="en">/);
  assert.match(stdout, /<\/html>\n$/);
  const references = [...stdout.matchAll(/\b(?:src|href|srcset|action|data|poster)="([^"]*)"/g)]
    .map(([, url]) => url);
  assert.deepEqual(references.filter((url) => !url.startsWith("#")), ["data:,"]);
  assert.doesNotMatch(stdout, /https?:|@import|url\(|\bstyle="|\son\w+="/);
  const policy = /Content-Security-Policy" content="([^"]*)"/.exec(stdout)![1];
  assert.match(policy, /^default-src 'none'; /);
  for (const tag of ["style", "script"]) {
    const content = new RegExp(`<${tag}>([^]*?)</${tag}>`).exec(stdout)![1];
    const hash = createHash("sha256").update(content).digest("base64");
    assert.ok(policy.includes(`${tag}-src 'sha256-${hash}'`), `${tag}: ${policy}`);
  }
});

Deno.test("report --html shows hostile text as text", async () => {
  const { stdout } = await expectProvgraph(["report", "--html", "-", join(RARE, "provenance.qg")]);
  assert.ok(stdout.includes("&lt;/pre&gt;&lt;script&gt;document.title=&quot;run&quot;"));
  assert.equal(stdout.match(/<script/g)!.length, 1);
  assert.doesNotMatch(stdout, /<img/);
  // deno-lint-ignore no-control-regex -- these are what must not come through
  assert.doesNotMatch(stdout, /[\x1b\u202e]/);
});

Deno.test("report --markdown has the numbers, and hostile text as text", async () => {
  const { stdout } = await expectProvgraph([
    "report",
    "--markdown",
    "-",
    join(RARE, "provenance.qg"),
  ]);
  const facts = reportFacts(readJsonGz(join(RARE, "provenance.graph.json.gz")));
  assert.match(stdout, /^# Run u\/oracle\/out\/20260701T000000Z\n\n\*\*53\*\* quanta: /);
  for (const [label, { byStatus, nRetried, nQuanta }] of facts.tasks) {
    const row = stdout.split("\n").find((line) => line.startsWith(`| ${label} | `))!;
    const cells = row.split(" | ");
    assert.equal(cells[1], String(byStatus.SUCCESSFUL ?? 0));
    assert.deepEqual(
      cells.slice(-6),
      [
        String(byStatus.ABORTED ?? 0),
        String(byStatus.FAILED ?? 0),
        String(byStatus.BLOCKED ?? 0),
        String(nRetried),
        String(nQuanta),
        `${nQuanta} |`,
      ],
    );
  }
  // Every row of a table has as many cells as its headings, whatever is in them.
  for (const table of stdout.matchAll(/(?:^\|.*\n)+/gm)) {
    const rows = table[0].trimEnd().split("\n").map((row) =>
      row.replaceAll(/\\\|/g, "").split("|").length
    );
    assert.equal(new Set(rows).size, 1, table[0]);
  }
  const outsideOfCode = stdout.replace(/^(`{3,})text\n[^]*?\n\1$/gm, "").replace(/`[^`]*`/g, "");
  assert.doesNotMatch(outsideOfCode, /(?<!\\)<|@all/);
  // deno-lint-ignore no-control-regex -- these are what must not come through
  assert.doesNotMatch(stdout, /[\x1b\u202e]/);
});

Deno.test("report writes several forms at once, and says where on stderr", async () => {
  await using work = await temporaryDirectory();
  const { stdout, stderr } = await expectProvgraph(
    ["report", MIXED, "--html", "page.html", "--markdown", "page.md", "--json"],
    { cwd: work.path },
  );
  assert.equal(JSON.parse(stdout).n_quanta, 53);
  assert.match(stderr, /Wrote .*page\.html/);
  assert.match(Deno.readTextFileSync(work.join("page.html")), /<\/html>\n$/);
  assert.match(Deno.readTextFileSync(work.join("page.md")), /^# Run /);
  assert.deepEqual(
    [...Deno.readDirSync(work.path)].map(({ name }) => name).sort(),
    ["page.html", "page.md"],
  );
});

Deno.test("report --limit says what it left out", async () => {
  const facts = reportFacts(expectedJson("medium", "provenance.graph"));
  const medium = fixturePath("medium", "provenance.qg");
  const report = await reportOf("--limit", "5", medium);
  assert.equal(report.failed.length, 5);
  assert.deepEqual(report.capped, [
    { what: "failed", task: "isr", n: facts.failed.size, shown: 5 },
  ]);
  const { stdout } = await expectProvgraph(["report", "--limit", "5", "--html", "-", medium]);
  assert.match(stdout, /<aside class="capped"[^>]*><p>Failed quanta of isr: 5 of 12 are listed/);
});

const REFUSED: [name: string, args: string[], message: RegExp][] = [
  ["a predicted graph", [fixturePath("small-mixed", "predicted.qg")], /nothing has been run yet/],
  [
    "two reports on stdout",
    [MIXED, "--html", "-", "--markdown", "-"],
    /only one of them can go to stdout/,
  ],
  ["another RUN", [MIXED, "--run", "u/nobody"], /Cannot use --run "u\/nobody"/],
  ["a remote page", [MIXED, "--html", "s3://a/b.html"], /"s3" is not supported/],
];

for (const [name, args, message] of REFUSED) {
  Deno.test(`report refuses ${name}`, async () => {
    const result = await runProvgraph(["report", ...args]);
    assert.equal(result.code, 2, result.stderr);
    assertOneError(result, message);
  });
}
