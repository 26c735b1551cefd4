/** `ingest-graph --in-place` killed: no dataset disappears, and the end is the same. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { assertIngested, CASES } from "../conformance/harness.ts";
import { RUN, runProvgraph, unpackFixture } from "../support/fixtures.ts";

const IN_PLACE = ["ingest-graph", "repo", "provenance.qg", "--batch-size", "20", "--in-place"];
const PLAIN = IN_PLACE.slice(0, -1);

/** Datasets of logs, metadata and configs that the registry knows. */
function nRegistered(repository: string): number {
  using database = new DatabaseSync(join(repository, "gen3.sqlite3"), { readOnly: true });
  const row = database.prepare(
    "select count(*) as n from dataset join dataset_type on dataset_type_id = dataset_type.id " +
      "where name like '%\\_log' escape '\\' or name like '%\\_metadata' escape '\\' " +
      "or name like '%\\_config' escape '\\'",
  ).get() as { n: number };
  return row.n;
}

const POINTS = [
  "transfer.named",
  "backed.committed:1",
  "backed.before-commit:2",
  "backed.committed:2",
  "delete.one:5",
  "backed.before-commit:3",
  "directories.one:3",
  "source.before-delete",
];
for (const [first, second] of [[IN_PLACE, IN_PLACE], [IN_PLACE, PLAIN], [PLAIN, IN_PLACE]]) {
  const text = (command: string[]) => command === PLAIN ? "without" : "with";
  Deno.test(`ingest-graph ends in the same state when it is killed ${text(first)} --in-place and run again ${text(second)}`, async (t) => {
    for (const point of POINTS) {
      await t.step(point, async () => {
        await using work = await unpackFixture("small-mixed", "aggregated");
        const before = nRegistered(work.repo);
        const killed = await runProvgraph(first, {
          cwd: work.path,
          env: { PROVGRAPH_FAILPOINTS: `${point}=kill` },
        });
        assert.notEqual(killed.code, 0, point);
        const again = await runProvgraph(second, { cwd: work.path });
        assert.equal(again.code, 0, again.stderr);
        assertIngested(work, CASES["small-mixed"]);
        assert.equal(nRegistered(work.repo), before);
      });
    }
  });
}

Deno.test("ingest-graph --in-place never lets a dataset disappear", async () => {
  await using work = await unpackFixture("small-mixed", "aggregated");
  const before = nRegistered(work.repo);
  for (const point of POINTS.slice(0, 6)) {
    await runProvgraph(IN_PLACE, {
      cwd: work.path,
      env: { PROVGRAPH_FAILPOINTS: `${point}=kill` },
    });
    assert.equal(nRegistered(work.repo), before, point);
  }
  const { code } = await runProvgraph(["ingest-graph", "repo", "--output-run", RUN], {
    cwd: work.path,
  });
  assert.equal(code, 0);
  assertIngested(work, CASES["small-mixed"]);
});
