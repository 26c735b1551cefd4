/** The main job on PostgreSQL: aggregate-graph and ingest-graph leave what the reference leaves. */

import assert from "node:assert/strict";
import { expectedJson } from "../support/fixtures.ts";
import {
  aggregate,
  assertGraph,
  assertNoLeftovers,
  CASES,
  expectedAfterIngest,
  ingest,
} from "../conformance/harness.ts";
import { PostgresWork, sharedServer } from "./lab.ts";

const server = await sharedServer(Deno.test);

const MIXED = CASES["small-mixed"];

Deno.test("dumpStatePostgres() gives the reference's dumps of what the reference has left", async () => {
  for (const state of ["before", "aggregated"] as const) {
    await using lab = await PostgresWork.unpack(server, state);
    await lab.assertState(expectedJson("small-mixed", `${state}.state`), state);
  }
});

for (
  const { processes, batchSize } of [{ processes: 2, batchSize: 10_000 }, {
    processes: 1,
    batchSize: 7,
  }]
) {
  Deno.test(`both tools do what the reference does on PostgreSQL with batches of ${batchSize}`, async () => {
    await using lab = await PostgresWork.unpack(server, "before");
    const { work } = lab;
    await aggregate(work, MIXED, { processes, batchSize });
    await lab.assertState(expectedJson("small-mixed", "aggregated.state"), "aggregated");
    await assertGraph(work, "small-mixed");
    await ingest(work, { batchSize });
    await lab.assertState(expectedAfterIngest(MIXED), "ingested");
    assertNoLeftovers(work, "predicted.qg");
  });
}

Deno.test("both tools do what the reference does on PostgreSQL when an ingest is promised", async () => {
  await using lab = await PostgresWork.unpack(server, "before");
  await aggregate(lab.work, MIXED, { flags: ["--promise-ingest-graph"], batchSize: 20 });
  await lab.assertState(expectedJson("small-mixed", "aggregated-promise.state"), "promise");
  await ingest(lab.work, { batchSize: 20 });
  await lab.assertState(expectedAfterIngest(MIXED, { before: "aggregated-promise" }), "ingested");
});

Deno.test("ingest-graph does what the reference does on PostgreSQL with what the reference has aggregated", async () => {
  await using lab = await PostgresWork.unpack(server, "aggregated");
  await ingest(lab.work);
  await lab.assertState(expectedAfterIngest(MIXED), "ingested");
  // A finished run says so and changes nothing.
  const { stdout } = await ingest(lab.work, { graph: null, flags: ["--output-run", MIXED.run] });
  assert.equal(typeof stdout, "string");
  await lab.assertState(expectedAfterIngest(MIXED), "ingested again");
});

Deno.test("ingest-graph --in-place leaves the same on PostgreSQL", async () => {
  await using lab = await PostgresWork.unpack(server, "aggregated");
  await ingest(lab.work, { flags: ["--in-place"], batchSize: 40 });
  await lab.assertState(expectedAfterIngest(MIXED), "ingested in place");
});

Deno.test("aggregate-graph does what the reference does on PostgreSQL when it is first incomplete", async () => {
  await using lab = await PostgresWork.unpack(server, "before");
  await aggregate(lab.work, MIXED, { flags: ["--incomplete"], processes: 1 });
  await lab.assertState(expectedJson("small-mixed", "incomplete.state"), "incomplete");
  await aggregate(lab.work, MIXED);
  await lab.assertState(expectedJson("small-mixed", "aggregated.state"), "aggregated");
});
