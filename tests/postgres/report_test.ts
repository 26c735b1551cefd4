/** `provenance-report REPO COLLECTION` with a PostgreSQL registry. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { expectProvgraph, PROJECT, RUN } from "../support/fixtures.ts";
import { PostgresWork, sharedServer } from "./lab.ts";

const server = await sharedServer(Deno.test);

Deno.test("provenance-report finds run_provenance in a PostgreSQL registry", async () => {
  await using lab = await PostgresWork.unpack(server, "aggregated");
  const cwd = lab.work.path;
  await expectProvgraph(["ingest-graph", "repo", "provenance.qg"], { cwd });
  for (const collection of [RUN, "u/oracle/out"]) {
    const { stdout } = await expectProvgraph(["provenance-report", "repo", collection], { cwd });
    assert.equal(
      stdout,
      Deno.readTextFileSync(
        join(PROJECT, "testdata", "reports", "small-mixed-table", "stdout.txt"),
      ),
    );
  }
});
