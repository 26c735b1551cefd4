/** Frames of a few kilobytes that hold gigabytes are refused before memory is taken for them. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { InvalidQuantumGraphFileError } from "../../lib/base/errors.ts";
import { documentLimit, MAX_DOCUMENT_SIZE } from "../../lib/qg/document_limits.ts";
import { PredictedGraph } from "../../lib/qg/predicted/predicted_graph.ts";
import { Zstd } from "../../lib/codec/zstd.ts";
import { runHere } from "../cli/check_support.ts";
import { copyOfFixture, removeUnpacked } from "../cli/support.ts";
import { fixturePath, temporaryDirectory } from "../support/fixtures.ts";
import { block, buildZip, zipMembers } from "./support.ts";

const zstd = await Zstd.load();

/** A zstd frame of blanks: 4 bytes for each 128 KiB. Source: RFC 8878, section 3.1.1. */
function blanks(nBytes: number): Uint8Array<ArrayBuffer> {
  const nBlocks = Math.max(1, Math.ceil(nBytes / 131072));
  const frame = new Uint8Array(14 + 4 * nBlocks);
  const view = new DataView(frame.buffer);
  frame.set([0x28, 0xb5, 0x2f, 0xfd, 0xc0, 0x78]);
  view.setBigUint64(6, BigInt(nBytes), true);
  for (let i = 0, at = 14; i < nBlocks; i++, at += 4) {
    const size = Math.min(131072, nBytes - i * 131072);
    const header = size << 3 | 2 | (i === nBlocks - 1 ? 1 : 0);
    frame.set([header & 0xff, header >> 8 & 0xff, header >> 16 & 0xff, 0x20], at);
  }
  return frame;
}

/** The graph with one member that holds so many blanks, as a document or as its first block. */
function bombed(graph: string, member: string, nBytes: number): Uint8Array<ArrayBuffer> {
  const members = zipMembers(Deno.readFileSync(graph));
  return buildZip(members.map(({ name, data }) => ({
    name,
    data: name !== member
      ? data
      : name.endsWith(".zst")
      ? blanks(nBytes)
      : block(blanks(nBytes), 8),
  })));
}

const BOMBS: readonly (readonly [graph: string, member: string, words: string[]])[] = [
  ["provenance.qg", "header.json.zst", ["info", "GRAPH"]],
  ["provenance.qg", "pipeline_graph.json.zst", ["cat", "GRAPH", "config", "calibrate"]],
  ["provenance.qg", "packages.json.zst", ["cat", "GRAPH", "packages"]],
  ["provenance.qg", "packages.json.zst", ["check", "GRAPH", "--read-data"]],
  ["provenance.qg", "init_quanta.json.zst", ["check", "GRAPH"]],
  ["provenance.qg", "quanta.mb", ["ls", "GRAPH", "quanta"]],
  ["provenance.qg", "datasets.mb", ["ls", "GRAPH", "datasets"]],
  ["provenance.qg", "metadata.mb", ["check", "GRAPH", "--read-data"]],
  ["provenance.qg", "logs.mb", ["check", "GRAPH", "--read-data"]],
  ["predicted.qg", "header.json.zst", ["info", "GRAPH"]],
  ["predicted.qg", "pipeline_graph.json.zst", ["ls", "GRAPH", "quanta"]],
  ["predicted.qg", "init_quanta.json.zst", ["check", "GRAPH"]],
  ["predicted.qg", "dimension_data.json.zst", ["check", "GRAPH", "--read-data"]],
  ["predicted.qg", "thin_graph.json.zst", ["check", "GRAPH", "--read-data"]],
  ["predicted.qg", "quantum_datasets.mb", ["ls", "GRAPH", "quanta"]],
];

for (const [graph, member, words] of BOMBS) {
  Deno.test(`${words[0]} takes no memory for 2 GB in ${member} of a ${graph}`, async () => {
    await using work = await temporaryDirectory();
    const path = work.join(graph);
    Deno.writeFileSync(path, bombed(fixturePath("small-mixed", graph), member, 2_000_000_000));
    assert.ok(Deno.statSync(path).size < 500_000);
    const before = Deno.memoryUsage().rss;
    const { code, stdout, stderr } = await runHere(words.map((w) => w === "GRAPH" ? path : w));
    assert.match(stdout + stderr, /it has 2000000000 bytes, more than the \d+ allowed/);
    assert.equal(code, words[0] === "check" ? 3 : 2);
    assert.ok(Deno.memoryUsage().rss - before < 300_000_000);
  });
}

Deno.test("aggregate-graph refuses a bomb once for all threads", async () => {
  await using work = await copyOfFixture("small-mixed", "before");
  const path = work.join("bomb.qg");
  const original = fixturePath("small-mixed", "predicted.qg");
  Deno.writeFileSync(path, bombed(original, "pipeline_graph.json.zst", 2_000_000_000));
  const { code, stderr } = await runHere(["aggregate-graph", path, work.repo, "-j", "2"]);
  assert.equal(code, 2);
  assert.match(stderr, /bomb\.qg: pipeline_graph\.json\.zst": it has 2000000000 bytes/);
});

Deno.test("a frame that holds another number of bytes than it says is refused", async () => {
  await using work = await temporaryDirectory();
  for (const [said, held] of [[1000, 2000], [200_000, 131072], [10_000_000, 9_999_999]]) {
    const frame = blanks(held);
    new DataView(frame.buffer).setBigUint64(6, BigInt(said), true);
    const members = zipMembers(Deno.readFileSync(fixturePath("small-mixed", "predicted.qg")));
    const path = join(work.path, `${said}.qg`);
    Deno.writeFileSync(
      path,
      buildZip(members.map(({ name, data }) => ({
        name,
        data: name === "pipeline_graph.json.zst" ? frame : data,
      }))),
    );
    using graph = await PredictedGraph.open(path, zstd);
    assert.throws(() => graph.pipelineGraphText, InvalidQuantumGraphFileError);
  }
});

Deno.test("documentLimit() leaves room for what grows with a survey", () => {
  const members = (size: number) => new Map([["nodes.addr", { size }]]);
  assert.ok(documentLimit("packages.json.zst", members(0)) >= 100 * 100_000);
  assert.ok(documentLimit("pipeline_graph.json.zst", members(0)) >= 10 * 20_000_000);
  // Ten million quanta, all of which read one dataset: 40 bytes each.
  assert.ok(documentLimit("datasets.mb", members(10_000_000 * 50)) >= 40 * 10_000_000);
  assert.equal(documentLimit("logs.mb", members(0)), MAX_DOCUMENT_SIZE);
  assert.equal(documentLimit("datasets.mb", members(Number.MAX_SAFE_INTEGER)), MAX_DOCUMENT_SIZE);
});

Deno.test.afterAll(removeUnpacked);
