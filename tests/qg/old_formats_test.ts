/** Graphs of releases before version 1, and files that are graphs no more. */

import assert from "node:assert/strict";
import { InvalidQuantumGraphFileError, RefusedError } from "../../lib/base/errors.ts";
import { Findings } from "../../lib/inspect/check_findings.ts";
import { checkFile } from "../../lib/inspect/check_file.ts";
import { openSource } from "../../lib/inspect/open_source.ts";
import { PredictedGraph } from "../../lib/qg/predicted_graph.ts";
import { ProvenanceGraph } from "../../lib/qg/provenance_graph.ts";
import { FileSource } from "../../lib/store/file_source.ts";
import { temporaryDirectory, unpackFixture } from "../support/fixtures.ts";
import { loadZstd, testdata } from "./support.ts";

const zstd = await loadZstd();
const env = { get: () => undefined };

/** What commands open a graph with. */
const READERS: [name: string, read: (path: string) => Promise<unknown>][] = [
  ["aggregate-graph", (path) => PredictedGraph.open(path, zstd)],
  ["ingest-graph", (path) => ProvenanceGraph.open(FileSource.open(path), zstd)],
  ["cat, ls, info", (path) => openSource(path, null, env, "/")],
  ["check", (path) => checkFile({ path, argument: path, readData: false }, new Findings())],
];

const OLD: [what: string, name: string, bytes: number[]][] = [
  ["of releases before v30", "old.qgraph", [...b("qgraph4"), 0xf6, 0xe8, 0xa9, 0, 3, 0, 0]],
  ["of releases before v30, renamed", "old.qg", [...b("qgraph4"), 0xf6, 0xe8, 0xa9, 0, 3, 0, 0]],
  ["that is a plain pickle", "old.qgraph", [0x80, 4, 0x95, 1, 2, 3, 4, 5]],
];

function b(text: string): number[] {
  return [...new TextEncoder().encode(text)];
}

for (const [command, read] of READERS) {
  for (const [what, name, bytes] of OLD) {
    Deno.test(`${command} calls a graph ${what} by what it is`, async () => {
      await using work = await temporaryDirectory();
      Deno.writeFileSync(work.join(name), Uint8Array.from(bytes));
      await assert.rejects(read(work.join(name)), (error) => {
        assert.ok(error instanceof RefusedError, String(error));
        assert.match(error.message, /it is a quantum graph in the old format \(\.qgraph\)/);
        assert.match(error.hint!, /as \.qg/);
        return true;
      });
    });
  }

  Deno.test(`${command} doesn't take any other file for an old graph`, async () => {
    await using work = await temporaryDirectory();
    Deno.writeFileSync(work.join("x.qg"), Uint8Array.from([0x80, 4, 0x95, 1, 2, 3, 4, 5]));
    await assert.rejects(read(work.join("x.qg")), InvalidQuantumGraphFileError);
  });
}

Deno.test("a provenance graph without a RUN can be read and checked", async () => {
  const path = testdata("sites/without-run.qg");
  using graph = await ProvenanceGraph.open(FileSource.open(path), zstd);
  assert.equal(graph.header.output_run, "");
  await graph.verifyStructure();
  const findings = new Findings();
  const checked = await checkFile({ path, argument: path, readData: true }, findings);
  assert.deepEqual([checked.kind, findings.nProblems], ["provenance graph", 0]);
});

Deno.test("check finds nothing wrong with a predicted graph of format 0, whose init quanta are filed", async () => {
  await using work = await unpackFixture("../sites/format-0", "before");
  const path = work.join("predicted.qg");
  const findings = new Findings();
  const checked = await checkFile({ path, argument: path, readData: true }, findings);
  assert.deepEqual([checked, findings.nProblems], [
    { kind: "predicted graph", contents: ["5 quanta", "22 datasets"] },
    0,
  ]);
});
