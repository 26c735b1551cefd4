/** Kills `ingest-graph` at every failpoint that it passes with a store, which sees every state in between. */

import assert from "node:assert/strict";
import { FAILPOINTS } from "../../lib/storage/failpoints.ts";
import { expectedAfterIngest } from "../conformance/harness.ts";
import { assertStateEqual } from "../support/compare.ts";
import { expectProvgraph, RUN, runProvgraph } from "../support/fixtures.ts";
import {
  AggregatedRepositories,
  dumpStored,
  type StoredRepository,
  unsetVariables,
  watchDeletions,
} from "../support/s3_repository.ts";

const FIXTURE = { name: "small-mixed", run: RUN, flags: [] };
const COMMAND = ["ingest-graph", "repo", "provenance.qg", "--batch-size", "20"];

const repositories = new AggregatedRepositories(FIXTURE.name);

/** Failpoints that an ingest passes, in their order. */
async function passedPoints({ work, store }: StoredRepository): Promise<string[]> {
  const trace = work.join("trace");
  await expectProvgraph(COMMAND, {
    cwd: work.path,
    env: {
      ...store.variables,
      PROVGRAPH_FAILPOINTS: FAILPOINTS.map((name) => `${name}=trace`).join(","),
      PROVGRAPH_FAILPOINT_TRACE: trace,
    },
  });
  return [...new Set(Deno.readTextFileSync(trace).trim().split("\n"))];
}

Deno.test({
  name: "an ingest into a store ends as undisturbed when killed at a failpoint and run again",
  sanitizeResources: false,
  sanitizeOps: false,
  fn: async (step) => {
    let points: string[];
    {
      await using repository = await repositories.take();
      points = await passedPoints(repository);
    }
    for (
      const expected of [
        "ingest.locked",
        "forget.committed",
        "transfer.named",
        "transfer.done",
        "backed.committed",
        "delete.before",
        "delete.one",
        "source.deleted",
      ]
    ) assert.ok(points.includes(expected), expected);
    for (const point of points) {
      await step.step(point, async () => {
        await using repository = await repositories.take();
        const { work, store } = repository;
        watchDeletions(repository, RUN);
        const options = { cwd: work.path, env: store.variables };
        const killed = await runProvgraph(COMMAND, {
          ...options,
          env: { ...store.variables, PROVGRAPH_FAILPOINTS: `${point}=kill` },
        });
        assert.equal(killed.signal, "SIGKILL", killed.stderr);
        const isMoved = point === "source.deleted";
        await expectProvgraph(COMMAND, { ...options, code: isMoved ? 2 : 0 });
        if (isMoved) {
          await expectProvgraph(["ingest-graph", "repo", "--output-run", RUN], options);
        }
        assertStateEqual(await dumpStored(work, store), expectedAfterIngest(FIXTURE), point);
      });
    }
  },
});

Deno.test.afterAll(async () => {
  await repositories[Symbol.asyncDispose]();
  unsetVariables();
});
