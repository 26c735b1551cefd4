/** Originals whose records name other files than templates predict go as well; shared ones stay. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { expectProvgraph, unpackFixture } from "../support/fixtures.ts";
import { listTree } from "./support.ts";

Deno.test("ingest-graph deletes the files that records name, but none that others share", async () => {
  await using work = await unpackFixture("small-ok", "aggregated");
  const database = new DatabaseSync(`${work.repo}/gen3.sqlite3`);
  const pathsOf = (typeName: string) =>
    database.prepare(
      "SELECT r.dataset_id AS id, r.path AS path FROM file_datastore_records r " +
        "JOIN dataset d ON d.id = r.dataset_id JOIN dataset_type t ON t.id = d.dataset_type_id " +
        "WHERE t.name = ? ORDER BY r.path",
    ).all(typeName) as { id: string; path: string }[];
  const update = database.prepare(
    "UPDATE file_datastore_records SET path = ? WHERE dataset_id = ?",
  );
  database.exec("BEGIN");
  // A template of another time.
  for (const { id, path } of pathsOf("calibrate_log")) {
    const changed = path.replace("calibrate_log_", "former ");
    Deno.renameSync(`${work.repo}/${path}`, `${work.repo}/${changed}`);
    update.run(changed, id);
  }
  // Members of a ZIP file, which also holds what is no original.
  const [first, ...others] = pathsOf("warp_log");
  Deno.writeTextFileSync(`${work.repo}/x.zip`, "stands for a ZIP file");
  update.run("x.zip#zip-path=a.json", first.id);
  // One file for several datasets.
  Deno.copyFileSync(`${work.repo}/${others[0].path}`, `${work.repo}/shared.json`);
  for (const { id } of others.slice(-2)) update.run("shared.json", id);
  database.exec("COMMIT");
  database.close();

  await expectProvgraph(["ingest-graph", "repo", "provenance.qg"], { cwd: work.path });

  const left = listTree(work.repo);
  assert.deepEqual(
    left.filter((path) => /former |_log_.*\.json|_metadata_.*\.json/.test(path)),
    [],
  );
  assert.deepEqual(left.filter((path) => /x\.zip|shared\.json/.test(path)), [
    "shared.json",
    "x.zip",
  ]);
});
