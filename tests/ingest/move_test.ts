/** What becomes of the graph that is moved, and what records say of it. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { fixturePath, RUN, unpackFixture } from "../support/fixtures.ts";
import { ingestHere } from "./in_process.ts";
import { listTree } from "./support.ts";
import { originalsOf, TARGET } from "./two_graphs.ts";

/** Does work on a file system without hard links. */
async function withoutHardLinks<T>(code: string, work: () => Promise<T>): Promise<T> {
  const original = Deno.linkSync;
  Deno.linkSync = () => {
    throw Object.assign(new Error("Operation not permitted (os error 1)"), { code });
  };
  try {
    return await work();
  } finally {
    Deno.linkSync = original;
  }
}

for (const code of ["EPERM", "EOPNOTSUPP", "EMLINK"]) {
  Deno.test(`ingest-graph moves the graph where hard links fail with ${code}`, async () => {
    await using work = await unpackFixture("small-mixed", "aggregated");
    const source = work.join("provenance.qg");
    const bytes = Deno.readFileSync(source);
    const { movedSource, graphPath } = await withoutHardLinks(code, () => ingestHere(work));
    assert.deepEqual(movedSource, { path: source, state: "deleted" });
    assert.equal(graphPath, `${work.repo}/${TARGET}`);
    assert.deepEqual(Deno.readFileSync(graphPath), bytes);
    assert.ok(!listTree(work.path).includes("provenance.qg"));
    assert.deepEqual(originalsOf(work), []);
    assert.deepEqual(
      listTree(graphPath.replace(/\/[^/]*$/, "")).length,
      1,
      "temporary files, locks",
    );

    // The same command again says where the graph is.
    await assert.rejects(
      ingestHere(work),
      (error: Error & { hint?: string; exitCode?: number }) => {
        assert.equal(error.exitCode, 2);
        assert.match(error.message, /no such file/);
        assert.ok(error.hint?.includes(`"${graphPath}"`), `${error.hint}`);
        return true;
      },
    );
  });
}

Deno.test("ingest-graph takes a graph away that is given once more to be moved", async () => {
  await using work = await unpackFixture("small-mixed", "aggregated");
  const source = work.join("provenance.qg");
  await ingestHere(work, { transfer: "copy" });
  assert.ok(Deno.statSync(source).isFile);
  const { movedSource, isAlreadyDone } = await ingestHere(work);
  assert.deepEqual(movedSource, { path: source, state: "deleted" });
  assert.ok(isAlreadyDone);
});

for (const [value, isRecorded] of [["true", true], ["false", false], [null, false]] as const) {
  for (const inPlace of [false, true]) {
    const how = inPlace ? "with --in-place" : "registering again";
    Deno.test(`ingest-graph records checksums when the datastore says ${value}, ${how}`, async () => {
      await using work = await unpackFixture("small-mixed", "aggregated");
      if (value !== null) {
        const config = `${work.repo}/butler.yaml`;
        const text = Deno.readTextFileSync(config);
        const changed = text.replace(/^datastore:\n/m, `datastore:\n  checksum: ${value}\n`);
        assert.notEqual(changed, text);
        Deno.writeTextFileSync(config, changed);
      }
      await ingestHere(work, { inPlace });
      using database = new DatabaseSync(`${work.repo}/gen3.sqlite3`);
      const rows = database.prepare(
        "SELECT DISTINCT checksum FROM file_datastore_records WHERE path = ?",
      ).all(TARGET);
      const hash = createHash("blake2b512").update(
        Deno.readFileSync(fixturePath("small-mixed", "provenance.qg")),
      ).digest("hex");
      assert.deepEqual(rows.map(({ checksum }) => checksum), [isRecorded ? hash : null]);
      // Whoever goes on compares it.
      await ingestHere(work, { graphPath: null, outputRun: RUN });
    });
  }
}
