import assert from "node:assert/strict";
import { EnvironmentError, RefusedError } from "../../lib/base/errors.ts";
import { Deleter } from "../../lib/ingest/deleter.ts";
import { stampAt } from "../../lib/store/file_stamp.ts";
import { inTemporaryDirectory } from "../store/support.ts";
import { listTree, writeFiles } from "./support.ts";

const NOW_MS = 1_795_361_287_000;

/** Files below `root`, modified at the times given, in milliseconds. */
function makeFiles(root: string, times: Record<string, number>): void {
  for (const [name, time] of Object.entries(times)) {
    writeFiles(root, { [name]: name });
    Deno.utimeSync(`${root}/${name}`, time / 1000, time / 1000);
  }
}

/** A file that stands for the graph; nobody touches it. */
const GRAPH = new URL(import.meta.url).pathname;

function deleterOf(root: string, newestMs: number, path = GRAPH): Deleter {
  return new Deleter({ root, newestMs, graph: { path, stamp: stampAt(path)! } });
}

/** The result without the time it took. */
async function counts(deleter: Deleter, paths: string[]) {
  const { nDeleted, nAbsent, newer } = await deleter.delete(paths);
  return { nDeleted, nAbsent, newer };
}

Deno.test("Deleter deletes what is there, and takes absent files for deleted", async () => {
  await inTemporaryDirectory(async (root) => {
    const names = Array.from({ length: 200 }, (_, i) => `run/log/${i % 7}/${i}.json`);
    makeFiles(root, Object.fromEntries(names.map((name) => [name, NOW_MS])));
    const deleter = deleterOf(root, NOW_MS);
    const paths = [...names.slice(0, 150), "run/log/absent.json", "no/such/directory.json"];
    assert.deepEqual(await counts(deleter, paths), { nDeleted: 150, nAbsent: 2, newer: [] });
    assert.deepEqual(await counts(deleter, paths), { nDeleted: 0, nAbsent: 152, newer: [] });
    assert.equal(listTree(root).filter((path) => path.endsWith(".json")).length, 50);
    assert.deepEqual(await counts(deleter, []), { nDeleted: 0, nAbsent: 0, newer: [] });
  });
});

Deno.test("Deleter keeps and lists files that are newer than the graph", async () => {
  await inTemporaryDirectory(async (root) => {
    makeFiles(root, { old: NOW_MS - 5000, same: NOW_MS, newer: NOW_MS + 1, far: NOW_MS + 1e9 });
    const result = await counts(deleterOf(root, NOW_MS), ["old", "same", "newer", "far"]);
    assert.deepEqual({ ...result, newer: result.newer.toSorted() }, {
      nDeleted: 2,
      nAbsent: 0,
      newer: ["far", "newer"],
    });
    assert.deepEqual(listTree(root), ["far", "newer"]);
  });
});

Deno.test("Deleter refuses paths that leave the root", async () => {
  await inTemporaryDirectory(async (directory) => {
    makeFiles(directory, { outside: NOW_MS, "root/inside": NOW_MS, "root/a/b": NOW_MS });
    const deleter = deleterOf(`${directory}/store`, NOW_MS);
    for (const path of ["../outside", "a/../../outside", `${directory}/outside`, "", "a/\0b"]) {
      await assert.rejects(deleter.delete([path]), RefusedError, path);
    }
    assert.ok(listTree(directory).includes("outside"));
  });
});

Deno.test("Deleter tries all files before it reports one that can't be deleted", async () => {
  await inTemporaryDirectory(async (root) => {
    makeFiles(root, { "full/kept": NOW_MS, a: NOW_MS, b: NOW_MS });
    await assert.rejects(deleterOf(root, Infinity).delete(["a", "full", "b"]), (error: Error) => {
      assert.ok(error instanceof EnvironmentError);
      assert.match(error.message, /delete original file ".*\/full"/);
      return true;
    });
    assert.deepEqual(listTree(root), ["full/", "full/kept"]);
  });
});

for (
  const [what, disturb] of [
    ["was replaced", (graph: string) => {
      Deno.copyFileSync(graph, `${graph}.new`);
      Deno.renameSync(`${graph}.new`, graph);
    }],
    ["was written to", (graph: string) => Deno.writeTextFileSync(graph, "cut")],
    ["is gone", (graph: string) => Deno.removeSync(graph)],
  ] as const
) {
  Deno.test(`Deleter deletes nothing any more once the graph ${what}`, async () => {
    await inTemporaryDirectory(async (root) => {
      makeFiles(root, { "graph.qg": NOW_MS, a: NOW_MS, b: NOW_MS });
      const graph = `${root}/graph.qg`;
      const deleter = deleterOf(root, NOW_MS, graph);
      assert.equal((await deleter.delete(["a"])).nDeleted, 1);
      disturb(graph);
      await assert.rejects(deleter.delete(["b"]), EnvironmentError);
      assert.ok(listTree(root).includes("b"));
    });
  });
}
