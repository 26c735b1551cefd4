import assert from "node:assert/strict";
import { RefusedError } from "../../lib/base/errors.ts";
import { EmptyDirectories } from "../../lib/ingest/empty_directories.ts";
import { inTemporaryDirectory } from "../store/support.ts";
import { listTree, writeFiles } from "./support.ts";

/** No other RUN has files inside. */
const NOBODY = { owner: () => null };

Deno.test("EmptyDirectories leaves directories of another RUN, however empty", async () => {
  await inTemporaryDirectory(async (root) => {
    for (const path of ["run/a_log/1", "run/a_log/rerun/a_log/1", "run/b_log/1"]) {
      Deno.mkdirSync(`${root}/${path}`, { recursive: true });
    }
    const owner = (path: string) => /^run\/(?:a_log\/rerun|b_log)(?:\/|$)/.test(path) ? "it" : null;
    const directories = new EmptyDirectories(root, { owner });
    directories.add("run/a_log/1/x.json", "run", "a_log");
    directories.add("run/a_log/rerun/a_log/1/x.json", "run", "a_log");
    directories.add("run/b_log/1/x.json", "run", "b_log");
    assert.deepEqual(await directories.remove(), { nRemoved: 1, notEmpty: ["run/a_log"] });
    assert.deepEqual(listTree(root).filter((path) => path.endsWith("/1/")), [
      "run/a_log/rerun/a_log/1/",
      "run/b_log/1/",
    ]);
  });
});

Deno.test("EmptyDirectories removes what became empty, deepest first, up to the dataset type", async () => {
  await inTemporaryDirectory(async (root) => {
    for (const path of ["run/a_log/1/x", "run/a_log/1/y", "run/a_log/2", "run/b_log/20260101/r"]) {
      Deno.mkdirSync(`${root}/${path}`, { recursive: true });
    }
    const directories = new EmptyDirectories(root, NOBODY);
    directories.add("run/a_log/1/x/a_log_1_x.json", "run", "a_log");
    directories.add("run/a_log/1/x/another.json", "run", "a_log");
    directories.add("run/a_log/1/y/a_log_1_y.json", "run", "a_log");
    directories.add("run/a_log/2/a_log_2.json", "run", "a_log");
    directories.add("run/b_log/20260101/r/b.json", "run", "b_log");
    assert.deepEqual(await directories.remove(), { nRemoved: 8, notEmpty: [] });
    assert.deepEqual(listTree(root), ["run/"]);
    // Once more, as after a kill: nothing is there and nothing is wrong.
    assert.deepEqual(await directories.remove(), { nRemoved: 0, notEmpty: [] });
  });
});

Deno.test("EmptyDirectories leaves directories that hold something, and tells the top ones", async () => {
  await inTemporaryDirectory(async (root) => {
    writeFiles(root, {
      "run/a_log/1/x/kept.json": "k",
      "run/a_log/1/y/.hidden": "h",
    });
    Deno.mkdirSync(`${root}/run/a_log/2/z`, { recursive: true });
    Deno.mkdirSync(`${root}/run/b_log/unknown`, { recursive: true });
    const directories = new EmptyDirectories(root, NOBODY);
    for (const path of ["1/x/f", "1/y/f", "2/z/f"]) {
      directories.add(`run/a_log/${path}`, "run", "a_log");
    }
    directories.add("run/b_log/b.json", "run", "b_log");
    assert.deepEqual(await directories.remove(), {
      nRemoved: 2,
      notEmpty: ["run/a_log", "run/b_log"],
    });
    assert.deepEqual(listTree(root), [
      "run/",
      "run/a_log/",
      "run/a_log/1/",
      "run/a_log/1/x/",
      "run/a_log/1/x/kept.json",
      "run/a_log/1/y/",
      "run/a_log/1/y/.hidden",
      "run/b_log/",
      "run/b_log/unknown/",
    ]);
  });
});

Deno.test("EmptyDirectories touches nothing outside run and dataset type", async () => {
  await inTemporaryDirectory(async (root) => {
    for (const path of ["run/a_log", "run/a_log_more", "run2/a_log", "other", "a_log", "run/x"]) {
      Deno.mkdirSync(`${root}/${path}`, { recursive: true });
    }
    const before = listTree(root);
    const directories = new EmptyDirectories(root, NOBODY);
    // Templates may put files anywhere: only an exact prefix counts.
    directories.add("file.json", "run", "a_log");
    directories.add("run/file.json", "run", "a_log");
    directories.add("run/x/a_log/file.json", "run", "a_log");
    directories.add("run/a_log_more/file.json", "run", "a_log");
    directories.add("run2/a_log/file.json", "run", "a_log");
    directories.add("a_log/run/file.json", "run", "a_log");
    directories.add("other/file.json", "run", "a_log");
    assert.deepEqual(await directories.remove(), { nRemoved: 0, notEmpty: [] });
    assert.deepEqual(listTree(root), before);
    directories.add("run/a_log/file.json", "run", "a_log");
    assert.equal((await directories.remove()).nRemoved, 1);
    assert.deepEqual(listTree(root), before.filter((path) => path !== "run/a_log/"));
  });
});

Deno.test("EmptyDirectories never leaves the root", async () => {
  await inTemporaryDirectory(async (directory) => {
    Deno.mkdirSync(`${directory}/outside`);
    Deno.mkdirSync(`${directory}/datastore`);
    const directories = new EmptyDirectories(`${directory}/datastore`, NOBODY);
    directories.add("../outside/file.json", "..", "outside");
    await assert.rejects(directories.remove(), RefusedError);
    assert.deepEqual(listTree(directory), ["datastore/", "outside/"]);
  });
});

Deno.test({
  name: "EmptyDirectories leaves files and symbolic links in place of a directory",
  // Deno.removeSync() takes anything away; an rmdir would not.
  ignore: !/rmdir/.test(
    Deno.readTextFileSync(new URL("../../lib/ingest/empty_directories.ts", import.meta.url)),
  ),
  async fn() {
    await inTemporaryDirectory(async (directory) => {
      writeFiles(directory, { "elsewhere/kept.json": "k", "datastore/run/b_log": "a file" });
      Deno.symlinkSync(`${directory}/elsewhere`, `${directory}/datastore/run/a_log`);
      const before = listTree(directory);
      const directories = new EmptyDirectories(`${directory}/datastore`, NOBODY);
      directories.add("run/a_log/a.json", "run", "a_log");
      directories.add("run/b_log/b.json", "run", "b_log");
      assert.equal((await directories.remove()).nRemoved, 0);
      assert.deepEqual(listTree(directory), before);
    });
  },
});
