/** `provenance-report`, `diff` and completion of ids say the same by the table of quanta and without. */

import assert from "node:assert/strict";
import { dataIdTerms, quantumIds } from "../../lib/cli/completion/complete.ts";
import type { GraphCodecs } from "../../lib/codec/codecs.ts";
import { Zstd } from "../../lib/codec/zstd.ts";
import { SILENT_PROGRESS } from "../../lib/base/progress.ts";
import { diff } from "../../lib/inspect/diff.ts";
import { AttemptStatus } from "../../lib/provenance/quantum_status.ts";
import { ProvenanceGraph } from "../../lib/qg/provenance_graph.ts";
import { reportJson } from "../../lib/report/tables/layout.ts";
import type { SelectionRule } from "../../lib/report/tables/selection.ts";
import { makeProvenanceReport } from "../../lib/report/tables/tables.ts";
import { GraphDocuments } from "../../lib/sources/graph_source.ts";
import { FileSource } from "../../lib/storage/file_source.ts";
import { fixturePath, temporaryDirectory } from "../support/fixtures.ts";
import { GRAPH_FIXTURES, removeOurGraphs, withOurGraph } from "../support/our_graphs.ts";

/** A graph, with or without what reads its table. */
async function openGraph(path: string, withTable: boolean): Promise<ProvenanceGraph> {
  const zstd = await Zstd.load();
  const codecs: GraphCodecs = withTable ? zstd : {
    prepare: () => zstd.prepare(),
    decompressor: (dictionary) => zstd.decompressor(dictionary),
    inflate: zstd.inflate,
  };
  return await ProvenanceGraph.open(FileSource.open(path), codecs);
}

async function openSource(path: string, withTable: boolean): Promise<GraphDocuments> {
  const source = new GraphDocuments(await openGraph(path, withTable));
  assert.equal(await source.tabled() !== null, withTable);
  return source;
}

async function ourGraph(fixture: string): Promise<string> {
  return (await withOurGraph(fixture)).join("ours.qg");
}

const PROBLEMS = new Set<number>([AttemptStatus.FAILED, AttemptStatus.ABORTED]);
const RULES: [name: string, rule: SelectionRule][] = [
  ["what failed", { statuses: PROBLEMS, caveats: null }],
  ["all", { statuses: new Set(Object.values(AttemptStatus)), caveats: null }],
  ["caveats", { statuses: new Set([AttemptStatus.SUCCESSFUL]), caveats: 1 | 4 }],
];

/** All that a report gives: what is printed, and each file. */
async function reportOf(path: string, withTable: boolean, rule: SelectionRule) {
  await using work = await temporaryDirectory();
  using graph = await openGraph(path, withTable);
  const counts = await makeProvenanceReport(graph, {
    rule,
    statusReport: work.join("status.json"),
    dataIdTableDirectory: work.join("tables"),
    resourceUsage: null,
    progress: SILENT_PROGRESS,
  });
  const files: Record<string, string> = {};
  const visit = (folder: string) => {
    for (const { name, isDirectory } of Deno.readDirSync(work.join(folder))) {
      if (isDirectory) visit(`${folder}/${name}`);
      else files[`${folder}/${name}`] = Deno.readTextFileSync(work.join(folder, name));
    }
  };
  visit(".");
  return { printed: reportJson(counts, { quantumTable: true, exceptionTable: true }), files };
}

for (const fixture of GRAPH_FIXTURES) {
  for (const [name, rule] of RULES) {
    Deno.test(`provenance-report of ${fixture} with ${name} is the same by the table`, async () => {
      const path = await ourGraph(fixture);
      const byTable = await reportOf(path, true, rule);
      assert.deepEqual(byTable, await reportOf(path, false, rule));
      assert.ok(Object.keys(byTable.files).length > 0);
    });
  }

  Deno.test(`completion for ${fixture} is the same by the table`, async () => {
    const path = await ourGraph(fixture);
    await using byTable = await openSource(path, true);
    await using plain = await openSource(path, false);
    const all = (await quantumIds(plain, "", Infinity)).sort();
    assert.ok(all.length > 4);
    for (const prefix of ["", "0", "019f1", all[3].slice(0, 15), all[3].slice(0, 16), all[3]]) {
      const found = await quantumIds(byTable, prefix);
      assert.deepEqual(found.sort(), (await quantumIds(plain, prefix, Infinity)).sort(), prefix);
      assert.deepEqual(found, all.filter((id) => id.startsWith(prefix)));
    }
    for (const label of await plain.taskLabels()) {
      const starts = await dataIdTerms(plain, label, [], "", Infinity);
      for (const begun of ["", ...starts]) {
        const terms = (await dataIdTerms(plain, label, [], begun, Infinity)).sort();
        assert.deepEqual((await dataIdTerms(byTable, label, [], begun)).sort(), terms);
        const given = terms.slice(0, 1);
        for (const next of starts) {
          assert.deepEqual(
            (await dataIdTerms(byTable, label, given, next)).sort(),
            (await dataIdTerms(plain, label, given, next, Infinity)).sort(),
          );
        }
      }
    }
  });
}

Deno.test("a short prefix that nothing has completes to nothing by the table", async () => {
  await using source = await openSource(await ourGraph("small-ok"), true);
  assert.deepEqual(await quantumIds(source, "fffff"), []);
  assert.deepEqual(await dataIdTerms(source, "no-such-task", [], "visit="), []);
});

for (const [a, b] of [["small-ok", "small-mixed"], ["small-mixed", "small-failed"]]) {
  for (const maxListed of [0, 3, 1000]) {
    Deno.test(`diff of ${a} and ${b}, ${maxListed} listed, is the same by tables`, async () => {
      const answers = [];
      for (const [aByTable, bByTable] of [[false, false], [true, true], [true, false]]) {
        await using left = await openSource(await ourGraph(a), aByTable);
        await using right = await openSource(await ourGraph(b), bByTable);
        const { tasks, isDifferent } = await diff(left, right, maxListed);
        // Maps of equal content are equal in any order; what is printed has the order.
        answers.push({
          isDifferent,
          tasks: tasks.map((task) => ({
            ...task,
            statuses: [...task.statuses],
            exceptions: [...task.exceptions],
          })),
        });
      }
      assert.deepEqual(answers[1], answers[0]);
      assert.deepEqual(answers[2], answers[0]);
      assert.ok(answers[0].isDifferent);
    });
  }
}

Deno.test("a graph of the reference beside ours differs in nothing but what it says", async () => {
  const zstd = await Zstd.load();
  const theirs = new GraphDocuments(
    await ProvenanceGraph.open(FileSource.open(fixturePath("small-mixed", "provenance.qg")), zstd),
  );
  await using left = theirs;
  await using right = await openSource(await ourGraph("small-mixed"), true);
  const { tasks, isDifferent } = await diff(left, right, 10);
  assert.equal(isDifferent, false);
  assert.ok(tasks.every(({ nChanged }) => nChanged === 0));
});

Deno.test.afterAll(removeOurGraphs);
