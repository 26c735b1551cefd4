import assert from "node:assert/strict";
import { dirname, relative } from "node:path";
import { EnvironmentError, ProvgraphError, RefusedError } from "../../lib/base/errors.ts";
import { deleteMovedSource } from "../../lib/ingest/moved_source.ts";
import { GraphPlaces } from "../../lib/ingest/remote/graph_places.ts";
import {
  carryOutTransfer,
  isContentOf,
  isSameFile,
  isTargetTaken,
  pathInside,
  planTransfer,
  type TransferPlan,
} from "../../lib/ingest/transfer.ts";
import { TRANSFER_MODES, type TransferMode } from "../../lib/ingest/transfer_mode.ts";
import { FileSource } from "../../lib/storage/file_source.ts";
import { type FileStamp, stampAt } from "../../lib/storage/file_stamp.ts";
import { inTemporaryDirectory } from "../storage/support.ts";
import { listTree, writeFiles } from "./support.ts";

const PLACES = GraphPlaces.local();
const TEMPLATE = "run/run_provenance/run_provenance_run.qg";

/** A directory with a datastore root in it and a graph inside or outside of it. */
function withGraph<T>(
  name: string,
  body: (directory: string, source: string, root: string) => T,
): T {
  return inTemporaryDirectory((made) => {
    const directory = Deno.realPathSync(made);
    Deno.mkdirSync(`${directory}/store`);
    writeFiles(directory, { [name]: "graph" });
    Deno.utimeSync(`${directory}/${name}`, 1_700_000_000, 1_700_000_000);
    return body(directory, `${directory}/${name}`, `${directory}/store`);
  });
}

/** Puts a plan's source at its target. */
function carryOut(plan: TransferPlan): FileStamp {
  using source = FileSource.open(plan.source);
  return carryOutTransfer(plan, source);
}

/** The parts of a plan that say what will be done. */
function essence({ how, deleteSource, graphRecordPath, backedRecordPath }: TransferPlan) {
  return { how, deleteSource, graphRecordPath, backedRecordPath };
}

Deno.test("planTransfer() puts a graph from outside at the template's path, in every mode but direct", () => {
  const how: Record<Exclude<TransferMode, "direct">, TransferPlan["how"]> = {
    auto: "hard link or symlink",
    link: "hard link or symlink",
    symlink: "symlink",
    hardlink: "hard link",
    copy: "copy",
    move: "link or copy",
    relsymlink: "symlink",
  };
  withGraph("outside/graph.qg", (directory, source, root) => {
    for (const [mode, expected] of Object.entries(how)) {
      const plan = planTransfer(mode as TransferMode, source, root, TEMPLATE);
      assert.deepEqual(essence(plan), {
        how: expected,
        deleteSource: mode === "move",
        graphRecordPath: TEMPLATE,
        backedRecordPath: TEMPLATE,
      }, mode);
      assert.equal(plan.source, source);
      assert.equal(plan.target, `${root}/${TEMPLATE}`);
    }
    assert.deepEqual(listTree(directory), ["outside/", "outside/graph.qg", "store/"]);
  });
});

Deno.test("planTransfer() refuses direct from outside: datasets backed by it could not be found", () => {
  for (const name of ["outside/graph.qg", "store_too/graph.qg", "graph.qg"]) {
    withGraph(name, (directory, source, root) => {
      const before = listTree(directory);
      assert.throws(() => planTransfer("direct", source, root, TEMPLATE), (error: Error) => {
        assert.ok(error instanceof RefusedError);
        assert.match(error.message, /transfer "direct": it lies outside the datastore/);
        assert.match(error.hint!, /copy/);
        return true;
      });
      assert.deepEqual(listTree(directory), before);
    });
  }
});

Deno.test("planTransfer() uses a graph inside the root in place when the mode says so", () => {
  withGraph("store/some/graph é #1.qg", (_directory, source, root) => {
    const inside = "some/graph é #1.qg";
    assert.deepEqual(essence(planTransfer("auto", source, root, TEMPLATE)), {
      how: "in place",
      deleteSource: false,
      graphRecordPath: inside,
      backedRecordPath: inside,
    });
    const direct = planTransfer("direct", source, root, TEMPLATE);
    assert.equal(direct.how, "in place");
    assert.equal(direct.target, source);
    assert.equal(direct.graphRecordPath, `file://${encodeURI(source).replace("#", "%23")}`);
    assert.equal(direct.backedRecordPath, inside);
    assert.equal(planTransfer("move", source, root, TEMPLATE).deleteSource, true);
    assert.equal(planTransfer("copy", source, root, TEMPLATE).how, "copy");
  });
});

Deno.test("planTransfer() leaves a graph where it is when that is the template's path", () => {
  withGraph(`store/${TEMPLATE}`, (_directory, source, root) => {
    for (const mode of TRANSFER_MODES) {
      const plan = planTransfer(mode, source, root, TEMPLATE);
      assert.equal(plan.how, "in place", mode);
      assert.equal(plan.deleteSource, false, mode);
      assert.equal(plan.backedRecordPath, TEMPLATE, mode);
    }
  });
});

Deno.test("planTransfer() refuses names that the formatter doesn't take and paths outside the root", () => {
  withGraph("graph.zip", (_directory, source, root) => {
    assert.throws(() => planTransfer("copy", source, root, TEMPLATE), /doesn't end in "\.qg"/);
  });
  withGraph("graph.qg", (_directory, source, root) => {
    for (const path of ["../out.qg", "a/../../out.qg", "/etc/out.qg"]) {
      assert.throws(() => planTransfer("copy", source, root, path), RefusedError);
    }
  });
});

Deno.test("planTransfer() fails before anything is changed when the target can't be made", () => {
  withGraph("graph.qg", (directory, source, root) => {
    writeFiles(root, { run: "a file where a directory has to be" });
    assert.throws(
      () => planTransfer("copy", source, root, TEMPLATE),
      /not a directory|no directory/i,
    );
    assert.deepEqual(listTree(directory), ["graph.qg", "store/", "store/run"]);
  });
});

Deno.test("pathInside() is null for everything that isn't below the root", () => {
  const cases: [path: string, inside: string | null][] = [
    ["/r/a", "a"],
    ["/r/a/b.qg", "a/b.qg"],
    ["/r/./a", "a"],
    ["/r/a/../b", "b"],
    ["/r", null],
    ["/r/", null],
    ["/", null],
    ["/rr/a", null],
    ["/r/../a", null],
    ["/a", null],
  ];
  for (const [path, inside] of cases) assert.equal(pathInside("/r", path), inside, path);
});

for (const mode of TRANSFER_MODES) {
  if (mode === "direct") continue;
  Deno.test(`carryOutTransfer() gives the same graph, also when repeated or cut before, with ${mode}`, () => {
    withGraph("outside/graph.qg", (directory, source, root) => {
      const plan = planTransfer(mode, source, root, TEMPLATE);
      // What a killed process may have left where no hard links are.
      writeFiles(root, { [TEMPLATE]: "" });
      for (let round = 0; round < 2; round++) {
        const stamp = carryOut(plan);
        assert.deepEqual(stamp, stampAt(plan.target));
        assert.equal(Deno.readTextFileSync(plan.target), "graph");
        assert.equal(Deno.readTextFileSync(source), "graph");
        assert.equal(Deno.statSync(plan.target).mtime!.getTime(), 1_700_000_000_000);
      }
      const info = Deno.lstatSync(plan.target);
      assert.equal(info.isSymlink, mode === "symlink" || mode === "relsymlink");
      if (mode === "symlink") assert.equal(Deno.readLinkSync(plan.target), source);
      if (mode === "relsymlink") {
        assert.equal(Deno.readLinkSync(plan.target), relative(dirname(plan.target), source));
      }
      const isLinked = mode === "hardlink" || mode === "link" || mode === "auto" || mode === "move";
      assert.equal(!info.isSymlink && isSameFile(source, plan.target), isLinked);
      // Nothing else is left, and never under another name.
      assert.deepEqual(
        listTree(directory).filter((path) => !path.endsWith("/") && !path.endsWith("@")),
        ["outside/graph.qg", ...(info.isSymlink ? [] : [`store/${TEMPLATE}`])],
      );
    });
  });
}

Deno.test("carryOutTransfer() changes nothing when the graph is used in place", () => {
  withGraph(`store/${TEMPLATE}`, (directory, source, root) => {
    const before = listTree(directory);
    carryOut(planTransfer("move", source, root, TEMPLATE));
    assert.deepEqual(listTree(directory), before);
    assert.equal(Deno.readTextFileSync(source), "graph");
  });
});

for (const mode of TRANSFER_MODES) {
  if (mode === "direct") continue;
  Deno.test(`carryOutTransfer() never replaces what is at the target, with ${mode}`, () => {
    withGraph("outside/graph.qg", (_directory, source, root) => {
      const plan = planTransfer(mode, source, root, TEMPLATE);
      for (const content of ["grapH", "half a gra", "a longer one"]) {
        writeFiles(root, { [TEMPLATE]: content });
        using opened = FileSource.open(source);
        assert.ok(isTargetTaken(plan, opened));
        assert.throws(() => carryOutTransfer(plan, opened), EnvironmentError);
        assert.equal(Deno.readTextFileSync(plan.target), content);
        assert.deepEqual(listTree(`${root}/run/run_provenance`), ["run_provenance_run.qg"]);
      }
      // The same bytes, put there by another process, are as good.
      writeFiles(root, { [TEMPLATE]: "graph" });
      using opened = FileSource.open(source);
      assert.equal(isTargetTaken(plan, opened), false);
      const before = stampAt(plan.target);
      assert.deepEqual(carryOutTransfer(plan, opened), before);
    });
  });

  Deno.test(`carryOutTransfer() puts there what was opened, or nothing, with ${mode}`, () => {
    withGraph("outside/graph.qg", (directory, source, root) => {
      const plan = planTransfer(mode, source, root, TEMPLATE);
      using opened = FileSource.open(source);
      // Somebody writes the graph again.
      writeFiles(directory, { "outside/new.qg": "late!" });
      Deno.renameSync(`${directory}/outside/new.qg`, source);
      let stamp: FileStamp | null = null;
      try {
        stamp = carryOutTransfer(plan, opened);
      } catch (error) {
        assert.ok(error instanceof EnvironmentError, String(error));
      }
      const isCopy = mode === "copy";
      assert.equal(stamp !== null, isCopy);
      if (isCopy) assert.equal(Deno.readTextFileSync(plan.target), "graph");
      // A symbolic link was made, but nobody goes on with it.
      else if (!mode.includes("symlink")) assert.equal(stampAt(plan.target), null);
      assert.equal(Deno.readTextFileSync(source), "late!");
    });
  });
}

Deno.test("carryOutTransfer() leaves no file under the target's name when it fails", () => {
  withGraph("outside/graph.qg", (directory, source, root) => {
    const plan = planTransfer("hardlink", source, root, TEMPLATE);
    {
      using opened = FileSource.open(source);
      Deno.removeSync(source);
      assert.throws(() => carryOutTransfer(plan, opened), ProvgraphError);
    }
    assert.deepEqual(listTree(directory).filter((path) => !path.endsWith("/")), []);
    writeFiles(directory, { "outside/graph.qg": "graph" });
    Deno.mkdirSync(`${root}/${TEMPLATE}`, { recursive: true });
    assert.throws(() => carryOut(plan), EnvironmentError);
    assert.equal(Deno.readTextFileSync(source), "graph");
  });
});

Deno.test("deleteMovedSource() deletes the source when the datastore has the same file or bytes", async () => {
  await withGraph("outside/graph.qg", async (directory, source, root) => {
    const plan = planTransfer("move", source, root, TEMPLATE);
    carryOut(plan);
    assert.deepEqual(await deleteMovedSource(source, [plan.target], PLACES), { state: "deleted" });
    assert.equal(Deno.readTextFileSync(plan.target), "graph");
    assert.deepEqual(await deleteMovedSource(source, [plan.target], PLACES), { state: "absent" });
    // No hard link could be made.
    writeFiles(directory, { "outside/graph.qg": "graph" });
    assert.ok(!isSameFile(source, plan.target));
    assert.deepEqual(await deleteMovedSource(source, [plan.target], PLACES), { state: "deleted" });
    assert.equal(Deno.readTextFileSync(plan.target), "graph");
    assert.deepEqual(listTree(`${directory}/outside`), []);
  });
});

Deno.test("deleteMovedSource() keeps everything that isn't surely the same graph, and says why", async () => {
  await withGraph("outside/graph.qg", async (directory, source, root) => {
    const plan = planTransfer("move", source, root, TEMPLATE);
    const assertStays = async (path: string, reason: RegExp) => {
      const moved = await deleteMovedSource(path, [plan.target], PLACES);
      assert.ok(moved.state === "stays", path);
      assert.match(moved.reason, reason);
      assert.equal(Deno.readTextFileSync(source), "graph");
    };
    for (const other of ["other", "graph, longer"]) {
      writeFiles(root, { [TEMPLATE]: other });
      await assertStays(source, /is not the graph that was ingested/);
    }
    writeFiles(root, { [TEMPLATE]: "graph" });
    await assertStays(plan.target, /is the graph in the datastore itself/);
    Deno.symlinkSync(`${root}/run`, `${directory}/link`);
    await assertStays(`${directory}/link/run_provenance/run_provenance_run.qg`, /itself/);
    Deno.symlinkSync(plan.target, `${directory}/outside/link.qg`);
    await assertStays(`${directory}/outside/link.qg`, /is a symbolic link/);
    assert.equal(Deno.readTextFileSync(plan.target), "graph");
    Deno.removeSync(plan.target);
    Deno.symlinkSync(source, plan.target);
    await assertStays(source, /what the datastore has a symbolic link to/);
    assert.equal(Deno.readTextFileSync(plan.target), "graph");
  });
});

Deno.test("isContentOf() compares every byte", () => {
  inTemporaryDirectory((directory) => {
    const [a, b] = [`${directory}/a`, `${directory}/b`];
    const isSame = () => {
      using source = FileSource.open(a);
      return isContentOf(b, source);
    };
    for (const size of [0, 1, 1 << 20, (1 << 20) + 1]) {
      const bytes = new Uint8Array(size).fill(7);
      Deno.writeFileSync(a, bytes);
      Deno.writeFileSync(b, bytes);
      assert.ok(isSame());
      Deno.writeFileSync(b, new Uint8Array(size + 1).fill(7));
      assert.equal(isSame(), false);
      if (size === 0) continue;
      bytes[size - 1] = 8;
      Deno.writeFileSync(b, bytes);
      assert.equal(isSame(), false);
    }
    Deno.removeSync(b);
    assert.equal(isSame(), false);
  });
});
