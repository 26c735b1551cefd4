/** Answers out of the table of quanta are those that a pass over the documents gives. */

import assert from "node:assert/strict";
import type { GraphCodecs } from "../../lib/codec/codecs.ts";
import { Zstd } from "../../lib/codec/zstd.ts";
import { list } from "../../lib/inspect/list/list.ts";
import { type ListOptions, QUANTUM_FIELDS } from "../../lib/inspect/list/list_fields.ts";
import { ProvenanceGraph } from "../../lib/qg/provenance_graph.ts";
import { GraphDocuments } from "../../lib/sources/graph_source.ts";
import { taskInfos } from "../../lib/sources/task_infos.ts";
import { FileSource } from "../../lib/storage/file_source.ts";
import { GRAPH_FIXTURES, removeOurGraphs, withOurGraph } from "../support/our_graphs.ts";

/** A graph as a source, with or without what reads its table. */
async function open(path: string, withTable: boolean): Promise<GraphDocuments> {
  const zstd = await Zstd.load();
  const codecs: GraphCodecs = withTable ? zstd : {
    prepare: () => zstd.prepare(),
    decompressor: (dictionary) => zstd.decompressor(dictionary),
    inflate: zstd.inflate,
  };
  return new GraphDocuments(await ProvenanceGraph.open(FileSource.open(path), codecs));
}

const ALL: ListOptions = {
  kind: "quanta",
  tasks: [],
  types: [],
  statuses: [],
  exception: null,
  where: null,
  limit: null,
};

const QUERIES: [name: string, options: Partial<ListOptions>][] = [
  ["all", {}],
  ["one status", { statuses: ["FAILED"] }],
  ["two statuses", { statuses: ["FAILED", "BLOCKED"] }],
  ["one task", { tasks: ["coadd"] }],
  ["a task and a status", { tasks: ["warp"], statuses: ["SUCCESSFUL"] }],
  ["the last part of an exception's name", { exception: "RuntimeError" }],
  ["an integer dimension", { where: "detector = 2" }],
  ["a dimension that some tasks haven't", { where: "not visit = 1" }],
  ["a string dimension", { where: "band = 'r' and attempts > 1" }],
  ["a range of values", { where: "run_time > 0 or n_outputs in (3, 4)" }],
  ["memory and status", { where: "memory >= 1e6 and status != 'SUCCESSFUL'" }],
  ["what the table hasn't", { where: "start > '2026' and exception != ''" }],
  ["a limit", { statuses: ["SUCCESSFUL"], limit: 3 }],
  ["a few documents", { where: "detector = 1 and attempts = 3" }],
];

for (const fixture of GRAPH_FIXTURES) {
  for (const [name, options] of QUERIES) {
    Deno.test(`ls of ${fixture} by ${name} is the same with the table and without`, async () => {
      const path = (await withOurGraph(fixture)).join("ours.qg");
      const answers = [];
      for (const withTable of [true, false]) {
        await using source = await open(path, withTable);
        answers.push(await Array.fromAsync(list(source, { ...ALL, ...options })));
      }
      assert.deepEqual(answers[0], answers[1]);
    });
  }

  for (const [name, options] of QUERIES) {
    Deno.test(`ls of ${fixture} by ${name} finds in the table the fields that it is asked for`, async () => {
      const path = (await withOurGraph(fixture)).join("ours.qg");
      await using source = await open(path, true);
      await using plain = await open(path, false);
      const fields = QUANTUM_FIELDS.filter((field) => !["start", "message"].includes(field));
      const short = await Array.fromAsync(list(source, { ...ALL, ...options, fields }));
      const whole = await Array.fromAsync(list(plain, { ...ALL, ...options }));
      const shortened = whole.map(({ fields: all, requiredDimensions }) => ({
        fields: Object.fromEntries(fields.map((field) => [field, all[field]])),
        requiredDimensions,
      }));
      // What the table hasn't is looked for in documents, which have all fields.
      const isTabled = name !== "what the table hasn't";
      assert.deepEqual(short, isTabled ? shortened : whole);
      const counted = list(source, { ...ALL, ...options, fields: [] });
      assert.equal((await Array.fromAsync(counted)).length, whole.length);
    });
  }

  Deno.test(`quanta of ${fixture} are counted the same with the table and without`, async () => {
    const path = (await withOurGraph(fixture)).join("ours.qg");
    await using source = await open(path, true);
    await using plain = await open(path, false);
    assert.equal(await plain.countStatuses(), null);
    assert.notEqual(await source.countStatuses(), null);
    using graph = await ProvenanceGraph.open(FileSource.open(path), await Zstd.load());
    assert.deepEqual(await taskInfos(graph.header, source), await taskInfos(graph.header, plain));
  });
}

Deno.test("of the documents only those are read that may fit, in the order of the file", async () => {
  const path = (await withOurGraph("small-mixed")).join("ours.qg");
  await using source = await open(path, true);
  const texts = async (task?: string) =>
    (await Array.fromAsync(source.quanta(
      task === undefined
        ? undefined
        : { tasks: [task], statuses: [], names: [], mayFit: () => true },
    ))).map((text) => new TextDecoder().decode(text));
  const coadds = (await texts()).filter((text) => text.includes('"task_label":"coadd"'));
  assert.equal(coadds.length, 12);
  assert.deepEqual(await texts("coadd"), coadds);
});

Deno.test("a label with a data ID is found by the table as by a pass", async () => {
  const path = (await withOurGraph("small-mixed")).join("ours.qg");
  const found = [];
  for (const withTable of [true, false]) {
    await using source = await open(path, withTable);
    const [row] = await Array.fromAsync(list(source, { ...ALL, tasks: ["warp"], limit: 1 }));
    const dataId = row.fields.data_id as Record<string, unknown>;
    const terms = row.requiredDimensions.map((dimension) => ({
      dimension,
      value: String(dataId[dimension]),
    }));
    const selector = { kind: "dataId", label: "warp", terms, words: [] } as const;
    found.push(new TextDecoder().decode(await source.quantum(selector)));
  }
  assert.equal(found[0], found[1]);
});

Deno.test.afterAll(removeOurGraphs);
