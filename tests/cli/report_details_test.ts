/** `report`: what blocks, how to run it again, and comparison with another run. */

import assert from "node:assert/strict";
import { join } from "node:path";
import {
  expectedJson,
  expectProvgraph,
  fixturePath,
  PROJECT,
  runProvgraph,
  temporaryDirectory,
} from "../support/fixtures.ts";
import { assertMatchesSchema } from "../support/json_schema.ts";
import type { RunReport } from "../../lib/report/model.ts";
import { assertOneError, removeUnpacked } from "./support.ts";

const MIXED = fixturePath("small-mixed", "provenance.qg");
const FAILED = fixturePath("small-failed", "provenance.qg");

Deno.test.afterAll(removeUnpacked);

async function reportOf(...args: string[]): Promise<RunReport> {
  const { stdout } = await expectProvgraph(["report", "--json", ...args]);
  const report = JSON.parse(stdout);
  assertMatchesSchema("report", report);
  return report;
}

/** A quantum of a dump, by id. */
interface Dumped {
  quantum_id: string;
  task_label: string;
  status: string;
  data_id: Record<string, string | number>;
  inputs: Record<string, string[]>;
  outputs: Record<string, string[]>;
}

/** For each failed quantum the blocked ones that have it as nearest, searched for from each blocked one. */
function nearestFailed(quanta: Dumped[]): Map<string, number> {
  const producer = new Map<string, Dumped>();
  for (const quantum of quanta) {
    for (const ids of Object.values(quantum.outputs)) {
      for (const id of ids) producer.set(id, quantum);
    }
  }
  const counts = new Map<string, number>();
  for (const blocked of quanta.filter(({ status }) => status === "BLOCKED")) {
    let level = new Set([blocked]);
    let found: string[] = [];
    while (found.length === 0 && level.size > 0) {
      const above = new Set<Dumped>();
      for (const { inputs } of level) {
        for (const id of Object.values(inputs).flat()) {
          const quantum = producer.get(id);
          if (quantum?.status === "FAILED") found.push(quantum.quantum_id);
          if (quantum?.status === "BLOCKED") above.add(quantum);
        }
      }
      level = above;
    }
    found = found.sort();
    if (found.length > 0) counts.set(found[0], (counts.get(found[0]) ?? 0) + 1);
  }
  return counts;
}

for (const name of ["small-mixed", "small-failed", "medium"]) {
  Deno.test(`a blocked quantum counts with the nearest failed one: ${name}`, async () => {
    const { quanta } = expectedJson(name, "provenance.graph") as unknown as { quanta: Dumped[] };
    const expected = nearestFailed(quanta);
    const { failed } = await reportOf(fixturePath(name, "provenance.qg"));
    const found = failed.filter(({ n_blocked }) => n_blocked > 0)
      .map(({ quantum_id, n_blocked }): [string, number] => [quantum_id, n_blocked]);
    assert.ok(expected.size > 0);
    assert.deepEqual(found.sort(), [...expected].sort());
  });
}

Deno.test("the tables to run failed quanta again are those that the command writes", async () => {
  await using work = await temporaryDirectory();
  const { rerun } = await reportOf(MIXED);
  const [write, build] = rerun.commands;
  assert.equal(write, `provgraph provenance-report ${MIXED} --data-id-table-dir rerun`);
  const [, , ...args] = write.split(" ");
  await expectProvgraph(["provenance-report", ...args], { cwd: work.path });
  for (const { table, n } of rerun.tables) {
    const lines = Deno.readTextFileSync(work.join("rerun", table)).trimEnd().split("\n");
    const rows = lines.filter((line) => !line.startsWith("#")).slice(1);
    assert.equal(rows.length, n, table);
  }
  assert.ok(build.includes(`--data-id-table rerun/${rerun.tables[0].table} `), build);
});

Deno.test("another run is compared by task, cause and data ID", async () => {
  const report = await reportOf(MIXED, "--baseline", FAILED);
  const { baseline } = report;
  const statuses = (name: string) => {
    const { quanta } = expectedJson(name, "provenance.graph") as unknown as { quanta: Dumped[] };
    return new Map(
      quanta.map(({ task_label, data_id, status }) => {
        const terms = Object.entries(data_id).map((term) => term.join("="));
        return [`${task_label} ${terms.sort().join()}`, status];
      }),
    );
  };
  const [now, then] = [statuses("small-mixed"), statuses("small-failed")];
  const isFailed = (status?: string) => !!status && !["SUCCESSFUL", "BLOCKED"].includes(status);
  const counts: Record<string, number> = {};
  for (const [key, status] of then) {
    if (!isFailed(status)) continue;
    const today = now.get(key) ?? "ABSENT";
    counts[today] = (counts[today] ?? 0) + 1;
  }
  const told = Object.entries(baseline!.failed_then!).filter(([, n]) => n > 0);
  assert.deepEqual(Object.fromEntries(told), counts);
  const newly = [...now].filter(([key, status]) => isFailed(status) && !isFailed(then.get(key)));
  assert.equal(baseline!.n_newly_failed, newly.length);
  const alone = await reportOf(FAILED);
  assert.deepEqual(baseline!.by_status, alone.by_status);
  for (const { task, baseline: figures } of baseline!.tasks) {
    const expected = alone.tasks.find((other) => other.task === task)!;
    assert.equal(figures!.median_run_time, expected.run_time?.median ?? null, task);
    assert.deepEqual(figures!.by_status, expected.by_status, task);
  }
  for (const { task, exception, shape, n_now, n_baseline } of baseline!.clusters) {
    const of = ({ clusters }: RunReport) =>
      clusters.find((c) => c.task === task && c.exception === exception && c.shape === shape)
        ?.n_failed ?? 0;
    assert.deepEqual([n_now, n_baseline], [of(report), of(alone)]);
    assert.notEqual(n_now, n_baseline);
  }
});

Deno.test("a run beside itself shows no difference", async () => {
  const { baseline, by_status } = await reportOf(MIXED, "--baseline", MIXED);
  assert.deepEqual(baseline!.clusters, []);
  assert.deepEqual(baseline!.versions, []);
  assert.equal(baseline!.n_newly_failed, 0);
  assert.equal(baseline!.failed_then!.FAILED, by_status.FAILED);
  assert.equal(baseline!.failed_then!.SUCCESSFUL, 0);
});

Deno.test("versions of software are those that the graph has", async () => {
  const { versions } = await reportOf(MIXED);
  const { stdout } = await expectProvgraph(["cat", MIXED, "packages", "--json"]);
  assert.deepEqual(versions, JSON.parse(stdout));
});

Deno.test("what a report can't tell, it says", async () => {
  const { warnings, n_untimed } = await reportOf(
    join(PROJECT, "testdata", "reports", "rare-states", "provenance.qg"),
  );
  assert.ok(n_untimed > 0);
  assert.ok(warnings.some((text) => text.startsWith(`${n_untimed} attempt`)), warnings.join("\n"));
});

Deno.test("every form shows the comparison", async () => {
  const args = ["report", MIXED, "--baseline", FAILED];
  const { stdout: text } = await expectProvgraph(args);
  const { stdout: markdown } = await expectProvgraph([...args, "--markdown", "-"]);
  const { stdout: html } = await expectProvgraph([...args, "--html", "-"]);
  const { baseline } = await reportOf(MIXED, "--baseline", FAILED);
  const { SUCCESSFUL: n } = baseline!.failed_then!;
  for (const form of [text, markdown, html]) {
    assert.match(form, new RegExp(`, ${n} are successful`));
  }
});

Deno.test("a RUN of a baseline needs the baseline", async () => {
  const result = await runProvgraph(["report", MIXED, "--baseline-run", "u/me"]);
  assert.equal(result.code, 2);
  assertOneError(result, /Cannot use --baseline-run without --baseline/);
});

for (const graph of [MIXED, FAILED]) {
  Deno.test(`what a report says of a sample is what why says of it: ${graph.split("/").at(-2)}`, async () => {
    await using work = await temporaryDirectory();
    const { clusters, exceptions } = await reportOf(graph);
    const page = work.join("page.html");
    await expectProvgraph(["report", graph, "--html", page]);
    const html = Deno.readTextFileSync(page);
    let nCompared = 0;
    for (const { sample, n_earlier, n_failed } of [...clusters, ...exceptions]) {
      assert.ok(sample.why !== null);
      assert.ok(html.includes(`<p>${sample.why}</p>`), sample.why);
      // why is about the last attempt.
      if (n_earlier > 0 || n_failed === 0) continue;
      const { stdout } = await expectProvgraph(["why", graph, sample.quantum_id]);
      assert.ok(stdout.replace(/\s+/g, " ").includes(sample.why), `${sample.why}\n${stdout}`);
      nCompared++;
    }
    assert.ok(nCompared > 0);
  });
}
