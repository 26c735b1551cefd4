/** Both tools killed in and beside their transactions on PostgreSQL, and run again. */

import assert from "node:assert/strict";
import { FAILPOINTS_VARIABLE } from "../../lib/store/failpoints.ts";
import { CASES, expectedAfterIngest } from "../conformance/harness.ts";
import { expectedJson, expectProvgraph, runProvgraph } from "../support/fixtures.ts";
import { PostgresWork, startServer } from "./lab.ts";

const server = await startServer();
Deno.test.afterAll(() => server.stop());

const AGGREGATE = [
  "aggregate-graph",
  "predicted.qg",
  "repo",
  "-j",
  "1",
  "--ingest-batch-size",
  "40",
  "-o",
  "provenance.qg",
];
const INGEST = ["ingest-graph", "repo", "provenance.qg", "--batch-size", "40"];

async function kill(work: PostgresWork, args: string[], failpoint: string): Promise<void> {
  const { code, signal, stderr } = await runProvgraph(args, {
    cwd: work.work.path,
    env: { [FAILPOINTS_VARIABLE]: `${failpoint}=kill` },
  });
  assert.equal(signal, "SIGKILL", `${failpoint}: exit code ${code}\n${stderr}`);
}

for (
  const failpoint of [
    "aggregate.types-registered",
    "import.before-commit:2",
    "aggregate.chain-updated",
  ]
) {
  Deno.test(`aggregate-graph on PostgreSQL reaches its end when it was killed at ${failpoint}`, async () => {
    await using lab = await PostgresWork.unpack(server, "before");
    await kill(lab, AGGREGATE, failpoint);
    await expectProvgraph(AGGREGATE, { cwd: lab.work.path });
    await lab.assertState(expectedJson("small-mixed", "aggregated.state"), failpoint);
  });
}

for (
  const failpoint of [
    "forget.before-commit:2",
    "transfer.done",
    "backed.before-commit:3",
    "backed.committed:2",
  ]
) {
  Deno.test(`ingest-graph on PostgreSQL reaches its end when it was killed at ${failpoint}`, async () => {
    await using lab = await PostgresWork.unpack(server, "aggregated");
    await kill(lab, INGEST, failpoint);
    await expectProvgraph(INGEST, { cwd: lab.work.path });
    await lab.assertState(expectedAfterIngest(CASES["small-mixed"]), failpoint);
  });
}
