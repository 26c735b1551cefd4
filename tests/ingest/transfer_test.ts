import assert from "node:assert/strict";
import { TRANSFER_MODES, type TransferMode } from "../../lib/ingest/options.ts";
import { dirname, relative } from "node:path";
import { EnvironmentError, ProvgraphError, RefusedError } from "../../lib/base/errors.ts";
import {
  carryOutTransfer,
  deleteMovedSource,
  haveSameContent,
  isSameFile,
  pathInside,
  planTransfer,
  type TransferPlan,
} from "../../lib/ingest/transfer.ts";
import { inTemporaryDirectory } from "../store/support.ts";
import { listTree, writeFiles } from "./support.ts";

const TEMPLATE = "run/run_provenance/run_provenance_run.qg";

/** A directory with a datastore root in it and a graph inside or outside of it. */
function withGraph(
  name: string,
  body: (directory: string, source: string, root: string) => void,
): void {
  inTemporaryDirectory((made) => {
    const directory = Deno.realPathSync(made);
    Deno.mkdirSync(`${directory}/store`);
    writeFiles(directory, { [name]: "graph" });
    Deno.utimeSync(`${directory}/${name}`, 1_700_000_000, 1_700_000_000);
    body(directory, `${directory}/${name}`, `${directory}/store`);
  });
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
      // What a killed process may have left.
      writeFiles(root, { [TEMPLATE]: "half a gra" });
      for (let round = 0; round < 2; round++) {
        carryOutTransfer(plan);
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
    carryOutTransfer(planTransfer("move", source, root, TEMPLATE));
    assert.deepEqual(listTree(directory), before);
    assert.equal(Deno.readTextFileSync(source), "graph");
  });
});

Deno.test("carryOutTransfer() leaves no file under the target's name when it fails", () => {
  withGraph("outside/graph.qg", (directory, source, root) => {
    const plan = planTransfer("copy", source, root, TEMPLATE);
    Deno.removeSync(source);
    assert.throws(() => carryOutTransfer(plan), ProvgraphError);
    assert.deepEqual(listTree(directory).filter((path) => !path.endsWith("/")), []);
    writeFiles(directory, { "outside/graph.qg": "graph" });
    Deno.mkdirSync(`${root}/${TEMPLATE}`, { recursive: true });
    assert.throws(() => carryOutTransfer(plan), EnvironmentError);
    assert.equal(Deno.readTextFileSync(source), "graph");
  });
});

Deno.test("deleteMovedSource() deletes the source when the datastore has the same file", () => {
  withGraph("outside/graph.qg", (_directory, source, root) => {
    const plan = planTransfer("move", source, root, TEMPLATE);
    carryOutTransfer(plan);
    assert.ok(deleteMovedSource(source, plan.target));
    assert.equal(Deno.readTextFileSync(plan.target), "graph");
    assert.equal(deleteMovedSource(source, plan.target), false, "already gone");
  });
});

Deno.test("deleteMovedSource() keeps everything that isn't surely the same file", () => {
  withGraph("outside/graph.qg", (directory, source, root) => {
    const plan = planTransfer("move", source, root, TEMPLATE);
    writeFiles(root, { [TEMPLATE]: "other" });
    assert.equal(deleteMovedSource(source, plan.target), false, "other content");
    writeFiles(root, { [TEMPLATE]: "graph" });
    assert.equal(deleteMovedSource(source, plan.target), false, "same content, other file");
    assert.equal(deleteMovedSource(plan.target, plan.target), false, "the target itself");
    Deno.symlinkSync(`${root}/run`, `${directory}/link`);
    const roundabout = `${directory}/link/run_provenance/run_provenance_run.qg`;
    assert.equal(deleteMovedSource(roundabout, plan.target), false, "the target by another path");
    Deno.symlinkSync(plan.target, `${directory}/outside/link.qg`);
    assert.equal(deleteMovedSource(`${directory}/outside/link.qg`, plan.target), false, "a link");
    assert.equal(Deno.readTextFileSync(source), "graph");
    assert.equal(Deno.readTextFileSync(plan.target), "graph");
    Deno.removeSync(plan.target);
    Deno.symlinkSync(source, plan.target);
    assert.equal(deleteMovedSource(source, plan.target), false, "what the target points to");
    assert.equal(Deno.readTextFileSync(plan.target), "graph");
  });
});

Deno.test("haveSameContent() compares every byte", () => {
  inTemporaryDirectory((directory) => {
    const [a, b] = [`${directory}/a`, `${directory}/b`];
    for (const size of [0, 1, 1 << 20, (1 << 20) + 1]) {
      const bytes = new Uint8Array(size).fill(7);
      Deno.writeFileSync(a, bytes);
      Deno.writeFileSync(b, bytes);
      assert.ok(haveSameContent(a, b));
      Deno.writeFileSync(b, new Uint8Array(size + 1).fill(7));
      assert.equal(haveSameContent(a, b), false);
      if (size === 0) continue;
      bytes[size - 1] = 8;
      Deno.writeFileSync(b, bytes);
      assert.equal(haveSameContent(a, b), false);
    }
  });
});
