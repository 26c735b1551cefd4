/** Addresses rebuilt from the blocks: the file is as it was before the damage. */

import assert from "node:assert/strict";
import { EnvironmentError, InvalidQuantumGraphFileError } from "../../../lib/base/errors.ts";
import { checkFile } from "../../../lib/check/file/file.ts";
import { Findings } from "../../../lib/check/findings.ts";
import { rebuildAddresses } from "../../../lib/check/file/rebuild.ts";
import { LockFile } from "../../../lib/storage/lock_file.ts";
import { PROVENANCE, PROVENANCE_TRAINED, testdata, zipMembers } from "../../qg/support.ts";
import { temporaryDirectory } from "../../support/fixtures.ts";
import { dumpGraph } from "../../support/dump_graph.ts";
import { EditedGraph } from "./support.ts";

const MEDIUM = testdata("fixtures/medium/provenance.qg");

async function problems(path: string): Promise<string[]> {
  const findings = new Findings();
  await checkFile({ path, argument: "x.qg", readData: true }, findings);
  return findings.problems.map(({ kind, what }) => `${kind}: ${what}`);
}

/** Damages of the address file in place. */
const IN_PLACE: Record<string, (data: Uint8Array) => void> = {
  "all rows are zero": (data) => void data.fill(0, 17),
  "everything is overwritten": (data) => void data.fill(0xaa),
  "one offset is wrong": (data) => void data[17 + 5 * 88 + 31]++,
  "rows are in reverse order": (data) => {
    const rows = data.slice(17);
    const n = rows.length / 88;
    for (let i = 0; i < n; i++) {
      data.set(rows.subarray(i * 88, (i + 1) * 88), 17 + (n - 1 - i) * 88);
    }
  },
  "a bit is flipped": (data) => void (data[data.length >> 1] ^= 4),
};

for (const [name, damage] of Object.entries(IN_PLACE)) {
  Deno.test(`rebuildAddresses() gives the file back byte for byte when ${name}`, async () => {
    await using work = await temporaryDirectory();
    const path = work.join("x.qg");
    for (const original of [PROVENANCE, PROVENANCE_TRAINED, MEDIUM]) {
      const bytes = Deno.readFileSync(original);
      const wanted = bytes.slice();
      const { start, data } = zipMembers(bytes).find(({ name }) => name === "nodes.addr")!;
      damage(bytes.subarray(start, start + data.length));
      Deno.writeFileSync(path, bytes, { mode: 0o640 });
      Deno.utimeSync(path, 1000, 1_700_000_000);
      assert.notDeepEqual(await problems(path), []);
      assert.equal(await rebuildAddresses(path, "x.qg"), (data.length - 17) / 88);
      assert.deepEqual(Deno.readFileSync(path), wanted);
      const { mtime, mode } = Deno.statSync(path);
      assert.equal(mtime?.getTime(), 1_700_000_000_000);
      assert.equal(mode! & 0o777, 0o640);
    }
    assert.deepEqual([...Deno.readDirSync(work.path)].map((entry) => entry.name), ["x.qg"]);
  });
}

/** Damages after which the address file has another size. */
const RESIZED: Record<string, (graph: EditedGraph) => void> = {
  "rows are missing": ({ rows }) => void rows.splice(10, 40),
  "there are no rows": ({ rows }) => void rows.splice(0),
  "there are rows too many": ({ rows }) =>
    void rows.push({ id: "ffffffff-ffff-7fff-bfff-ffffffffffff", blocks: [0, null, null, null] }),
};

for (const [name, damage] of Object.entries(RESIZED)) {
  Deno.test(`rebuildAddresses() restores all nodes when ${name}`, async () => {
    await using work = await temporaryDirectory();
    const path = work.join("x.qg");
    const graph = await EditedGraph.read(PROVENANCE);
    damage(graph);
    Deno.writeFileSync(path, graph.build());
    assert.notDeepEqual(await problems(path), []);
    await rebuildAddresses(path, "x.qg");
    assert.deepEqual(await problems(path), []);
    const { volatile: _a, ...mended } = await dumpGraph(path) as unknown as Record<string, unknown>;
    const { volatile: _b, ...wanted } = await dumpGraph(PROVENANCE) as unknown as Record<
      string,
      unknown
    >;
    assert.deepEqual(mended, wanted);
  });
}

Deno.test("rebuildAddresses() makes the member when it is missing", async () => {
  await using work = await temporaryDirectory();
  const path = work.join("x.qg");
  const { buildZip } = await import("../../qg/support.ts");
  const members = zipMembers(Deno.readFileSync(PROVENANCE));
  Deno.writeFileSync(path, buildZip(members.filter(({ name }) => name !== "nodes.addr")));
  await rebuildAddresses(path, "x.qg");
  assert.deepEqual(await problems(path), []);
});

Deno.test("rebuildAddresses() mends what a link leads to when the graph is one", async () => {
  await using work = await temporaryDirectory();
  const graph = await EditedGraph.read(PROVENANCE);
  graph.rows.reverse();
  Deno.writeFileSync(work.join("real.qg"), graph.build());
  Deno.symlinkSync("real.qg", work.join("link.qg"));
  await rebuildAddresses(work.join("link.qg"), "link.qg");
  assert.ok(Deno.lstatSync(work.join("link.qg")).isSymlink);
  assert.deepEqual(await problems(work.join("real.qg")), []);
});

/** Graphs whose blocks don't tell enough. */
const REFUSED: Record<string, [edit: (graph: EditedGraph) => void, message: RegExp]> = {
  "a block is damaged": [
    ({ blocks }) => void (blocks.get("datasets.mb")![4] = "{}"),
    /its blocks are damaged: x\.qg: datasets\.mb/,
  ],
  "there is a log too many": [
    ({ blocks }) => void blocks.get("logs.mb")!.push('{"attempts":[null]}'),
    /30 quanta with attempts, but 31 log blocks, which don't say whose they are/,
  ],
  "logs have other attempts": [
    ({ blocks }) => void blocks.get("logs.mb")!.reverse(),
    /log block \d+ has \d attempts, the quantum at its place \d/,
  ],
  "metadata are in another order": [
    (graph) => {
      const quanta = graph.blocks.get("quanta.mb")! as string[];
      const attempts = quanta.map((text) => JSON.parse(text).attempts as { status: number }[])
        .filter(({ length }) => length > 0);
      const [a, b] = attempts.map((list, i) => ({ list, i }))
        .filter(({ list }) => list.length === 1 && list[0].status === 1).map(({ i }) => i);
      const metadata = graph.blocks.get("metadata.mb")!;
      [metadata[a], metadata[b]] = [metadata[b], metadata[a]];
    },
    /metadata block \d+ names output [-0-9a-f]{36}, which another quantum has/,
  ],
  "a dataset has two blocks": [
    ({ blocks }) => void blocks.get("datasets.mb")!.push(blocks.get("datasets.mb")![0]),
    /[-0-9a-f]{36} has two blocks/,
  ],
};

for (const [name, [edit, message]] of Object.entries(REFUSED)) {
  Deno.test(`rebuildAddresses() leaves the file alone when ${name}`, async () => {
    await using work = await temporaryDirectory();
    const path = work.join("x.qg");
    const graph = await EditedGraph.read(PROVENANCE);
    edit(graph);
    graph.rows.reverse();
    const bytes = graph.build();
    Deno.writeFileSync(path, bytes);
    await assert.rejects(rebuildAddresses(path, "x.qg"), (error: Error) => {
      assert.ok(error instanceof InvalidQuantumGraphFileError, String(error));
      assert.match(error.message, message);
      return true;
    });
    assert.deepEqual(Deno.readFileSync(path), bytes);
    assert.deepEqual([...Deno.readDirSync(work.path)].map((entry) => entry.name), ["x.qg"]);
  });
}

Deno.test("rebuildAddresses() refuses when another process works on the file", async () => {
  await using work = await temporaryDirectory();
  const path = work.join("x.qg");
  Deno.copyFileSync(PROVENANCE, path);
  using _lock = LockFile.acquire(path);
  await assert.rejects(rebuildAddresses(path, "x.qg"), EnvironmentError);
});
