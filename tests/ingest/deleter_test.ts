import assert from "node:assert/strict";
import { encodeUtf8 } from "../../lib/base/json_text.ts";
import { EnvironmentError, RefusedError } from "../../lib/base/errors.ts";
import { Deleter } from "../../lib/ingest/originals/deleter.ts";
import { versionStamp } from "../../lib/provenance/originals/file_digests.ts";
import { ContentDigest } from "../../lib/storage/content_digest.ts";
import { versionOf } from "../../lib/storage/file_source.ts";
import { stampAt } from "../../lib/storage/file_stamp.ts";
import { inTemporaryDirectory } from "../storage/support.ts";
import { listTree, writeFiles } from "./support.ts";
import { FILE_PROOF_SIZE, STAMP_SIZE } from "../../lib/provenance/originals/proof_sizes.ts";
import type { Originals } from "../../lib/ingest/originals/deleter_messages.ts";

const DIGEST = await ContentDigest.load();

/** Files below `root` whose content is their name. */
function makeFiles(root: string, ...names: string[]): void {
  for (const name of names) writeFiles(root, { [name]: name });
}

/** A file that stands for the graph; nobody touches it. */
const GRAPH = new URL(import.meta.url).pathname;

function deleterOf(root: string, { graph = GRAPH, isDryRun = false } = {}): Deleter {
  return new Deleter({
    root,
    graph: { path: graph, stamp: stampAt(graph)! },
    types: [{ kind: "log", label: "task" }],
    isDryRun,
  });
}

/** Originals whose recorded content is their name, or another. */
function originals(paths: string[], content: (path: string) => string = (path) => path): Originals {
  const proofs = new Uint8Array(paths.length * FILE_PROOF_SIZE);
  paths.forEach((path, i) => {
    DIGEST.write(encodeUtf8(content(path)), proofs, i * FILE_PROOF_SIZE + STAMP_SIZE);
  });
  return {
    paths,
    typeIndex: new Uint16Array(paths.length),
    ids: new Uint8Array(paths.length * 16),
    proofs,
  };
}

/** The result without the time it took. */
async function counts(deleter: Deleter, files: Originals) {
  const { nDeleted, nAbsent, kept } = await deleter.delete(files);
  return { nDeleted, nAbsent, kept: kept.map(({ path }) => path).sort() };
}

Deno.test("Deleter deletes what is there, and takes absent files for deleted", async () => {
  await inTemporaryDirectory(async (root) => {
    const names = Array.from({ length: 200 }, (_, i) => `run/log/${i % 7}/${i}.json`);
    makeFiles(root, ...names);
    const deleter = deleterOf(root);
    const files = originals([
      ...names.slice(0, 150),
      "run/log/absent.json",
      "no/such/directory.json",
    ]);
    assert.deepEqual(await counts(deleter, files), { nDeleted: 150, nAbsent: 2, kept: [] });
    assert.deepEqual(await counts(deleter, files), { nDeleted: 0, nAbsent: 152, kept: [] });
    assert.equal(listTree(root).filter((path) => path.endsWith(".json")).length, 50);
    assert.deepEqual(await counts(deleter, originals([])), { nDeleted: 0, nAbsent: 0, kept: [] });
  });
});

Deno.test("Deleter keeps and lists files with another content", async () => {
  await inTemporaryDirectory(async (root) => {
    makeFiles(root, "same", "other", "longer");
    const files = originals(
      ["same", "other", "longer"],
      (path) => path === "same" ? path : "othem",
    );
    assert.deepEqual(await counts(deleterOf(root), files), {
      nDeleted: 1,
      nAbsent: 0,
      kept: ["longer", "other"],
    });
    assert.deepEqual(listTree(root), ["longer", "other"]);
  });
});

Deno.test("Deleter keeps what is no regular file, and opens no FIFO", async () => {
  await inTemporaryDirectory(async (root) => {
    makeFiles(root, "directory/file", "a");
    assert.ok(new Deno.Command("mkfifo", { args: [`${root}/fifo`] }).outputSync().success);
    Deno.symlinkSync("loop", `${root}/loop`);
    const { kept, nDeleted } = await deleterOf(root)
      .delete(originals(["directory", "fifo", "loop", "a"]));
    assert.equal(nDeleted, 1);
    assert.deepEqual(kept.map(({ path, reason }) => `${path} ${reason}`).sort(), [
      "directory is no regular file",
      "fifo is no regular file",
      "loop is a link that leads nowhere",
    ]);
  });
});

Deno.test("Deleter does not read a file whose stamp is the recorded one, and reads all others", async () => {
  await inTemporaryDirectory(async (root) => {
    makeFiles(root, "stamped", "old stamp");
    const files = originals(["stamped", "old stamp"], () => "no content of these");
    const stamp = (path: string, i: number, change: bigint) =>
      new DataView(files.proofs.buffer).setBigUint64(
        i * FILE_PROOF_SIZE,
        versionStamp(versionOf(Deno.statSync(`${root}/${path}`))) ^ change,
      );
    stamp("stamped", 0, 0n);
    stamp("old stamp", 1, 1n);
    assert.deepEqual(await counts(deleterOf(root), files), {
      nDeleted: 1,
      nAbsent: 0,
      kept: ["old stamp"],
    });
  });
});

Deno.test("Deleter changes nothing in a dry run, and tells the same", async () => {
  await inTemporaryDirectory(async (root) => {
    makeFiles(root, "same", "other");
    const files = originals(["same", "other", "absent"], () => "same");
    const expected = { nDeleted: 1, nAbsent: 1, kept: ["other"] };
    assert.deepEqual(await counts(deleterOf(root, { isDryRun: true }), files), expected);
    assert.deepEqual(listTree(root), ["other", "same"]);
    assert.deepEqual(await counts(deleterOf(root), files), expected);
    assert.deepEqual(listTree(root), ["other"]);
  });
});

Deno.test("Deleter refuses paths that leave the root", async () => {
  await inTemporaryDirectory(async (directory) => {
    makeFiles(directory, "outside", "root/inside", "root/a/b");
    const deleter = deleterOf(`${directory}/store`);
    for (const path of ["../outside", "a/../../outside", `${directory}/outside`, "", "a/\0b"]) {
      await assert.rejects(deleter.delete(originals([path])), RefusedError, path);
    }
    assert.ok(listTree(directory).includes("outside"));
  });
});

Deno.test("Deleter tries all files before it reports one that can't be looked at", async () => {
  await inTemporaryDirectory(async (root) => {
    makeFiles(root, "a", "b");
    const tooLong = "x".repeat(300);
    const deletion = deleterOf(root).delete(originals(["a", tooLong, "b"]));
    await assert.rejects(deletion, (error: Error) => {
      assert.ok(error instanceof EnvironmentError);
      assert.match(error.message, /delete original file ".*\/xxx/);
      return true;
    });
    assert.deepEqual(listTree(root), []);
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
      makeFiles(root, "graph.qg", "a", "b");
      const graph = `${root}/graph.qg`;
      const deleter = deleterOf(root, { graph });
      assert.equal((await deleter.delete(originals(["a"]))).nDeleted, 1);
      disturb(graph);
      await assert.rejects(deleter.delete(originals(["b"])), EnvironmentError);
      assert.ok(listTree(root).includes("b"));
    });
  });
}
