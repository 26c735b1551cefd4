/**
 * The stages that every fixture with a whole run goes through, as tests.
 *
 * @module
 */

import assert from "node:assert/strict";
import { zipMembers } from "../qg/support.ts";
import { fixturePath, unpackFixture } from "../support/fixtures.ts";
import {
  aggregate,
  assertGraph,
  assertIngested,
  assertNoLeftovers,
  assertState,
  type ConformanceCase,
  ingest,
  type Workload,
  WORKLOADS,
} from "./harness.ts";

/** What the reference's graph holds takes no more room in ours; it has no table of quanta. */
function assertNoLarger(ours: string, reference: string): void {
  const bytes = Deno.readFileSync(ours);
  const table = zipMembers(bytes).find((member) => member.name === "quanta.parquet");
  assert.ok(bytes.length - (table?.data.length ?? 0) <= Deno.statSync(reference).size);
}

/** Complete aggregation and ingest, with every workload. */
export function testWholeJob(
  fixture: ConformanceCase,
  workloads: readonly Workload[] = WORKLOADS,
): void {
  const { name } = fixture;
  // As for users where most kinds of ends are; the other fixtures do without the start of threads.
  const inThreads = name === "small-mixed";
  for (const workload of workloads) {
    const { processes, batchSize } = workload;
    Deno.test(
      `both tools do what the reference does when ${name} has ${processes} scanners and batches of ${batchSize}`,
      async () => {
        await using work = await unpackFixture(name, "before");
        await aggregate(work, fixture, { ...workload, inThreads });
        assertState(work, name, "aggregated");
        await assertGraph(work, name);
        assertNoLarger(work.join("provenance.qg"), fixturePath(name, "provenance.qg"));
        assertNoLeftovers(work, "predicted.qg", "provenance.qg");
        await ingest(work, { batchSize, inThreads });
        assertIngested(work, fixture);
        assertNoLeftovers(work, "predicted.qg");
      },
    );
  }
}

/** Modes of aggregation: no graph, promise, incomplete. */
export function testModes(fixture: ConformanceCase): void {
  const { name } = fixture;

  Deno.test(`aggregate-graph does what the reference does when ${name} wants no graph`, async () => {
    await using work = await unpackFixture(name, "before");
    await aggregate(work, fixture, { output: null });
    assertState(work, name, "aggregated");
    assertNoLeftovers(work, "predicted.qg");
  });

  Deno.test(`both tools do what the reference does when ${name} is promised an ingest`, async () => {
    await using work = await unpackFixture(name, "before");
    await aggregate(work, fixture, { flags: ["--promise-ingest-graph"], batchSize: 7 });
    assertState(work, name, "aggregated-promise");
    await assertGraph(work, name);
    await ingest(work, { batchSize: 7 });
    assertIngested(work, fixture, { before: "aggregated-promise" });
  });

  for (const readAhead of ["always", "never"] as const) {
    Deno.test(`aggregate-graph does what the reference does when ${name} is first incomplete, files read ahead ${readAhead}`, async () => {
      await using work = await unpackFixture(name, "before");
      await aggregate(work, fixture, { flags: ["--incomplete"], processes: 1, readAhead });
      assertState(work, name, "incomplete");
      await assert.rejects(Deno.lstat(work.join("provenance.qg")), Deno.errors.NotFound);
      await aggregate(work, fixture, { readAhead });
      assertState(work, name, "aggregated");
      await assertGraph(work, name);
      assertNoLeftovers(work, "predicted.qg", "provenance.qg");
      // Once more over what is there already: nothing may change.
      await aggregate(work, fixture, { readAhead });
      assertState(work, name, "aggregated");
      await assertGraph(work, name);
    });
  }
}

/** Ingest of what the reference has aggregated. */
export function testIngestOfReference(fixture: ConformanceCase): void {
  const { name } = fixture;
  for (const before of ["aggregated", "aggregated-promise"]) {
    Deno.test(`ingest-graph does what the reference does when it gets ${name}/${before}`, async () => {
      await using work = await unpackFixture(name, before);
      await ingest(work);
      assertIngested(work, fixture, { before });
      assertNoLeftovers(work);
      // A finished run says so and changes nothing.
      await ingest(work, { graph: null, flags: ["--output-run", fixture.run] });
      assertIngested(work, fixture, { before });
    });
  }
  Deno.test(`ingest-graph leaves what the reference has ingested when it gets ${name}/ingested`, async () => {
    await using work = await unpackFixture(name, "ingested");
    await ingest(work, { graph: null, flags: ["--output-run", fixture.run] });
    assertState(work, name, "ingested");
  });
}

/** Aggregation in the middle of the execution. */
export function testMidrun(fixture: ConformanceCase): void {
  const { name } = fixture;

  Deno.test(`aggregate-graph does what the reference does when ${name} is half executed`, async () => {
    await using work = await unpackFixture(name, "midrun");
    await aggregate(work, fixture, { flags: ["--incomplete"], output: null });
    assertState(work, name, "midrun.incomplete");
  });

  Deno.test(`both tools do what the reference does when ${name} is taken for complete`, async () => {
    await using work = await unpackFixture(name, "midrun");
    await aggregate(work, fixture, { processes: 1, batchSize: 7 });
    assertState(work, name, "midrun.complete");
    await assertGraph(work, name, { graph: "midrun.provenance" });
    await ingest(work, { batchSize: 7 });
    assertIngested(work, fixture, {
      ingested: "midrun.ingested",
      before: "midrun.complete",
      graph: "midrun.provenance",
    });
    assertNoLeftovers(work, "predicted.qg");
  });

  Deno.test(`ingest-graph does what the reference does when it gets the graph of half of ${name}`, async () => {
    await using work = await unpackFixture(name, "midrun");
    await aggregate(work, fixture, { output: null });
    await Deno.copyFile(fixturePath(name, "midrun.provenance.qg"), work.join("provenance.qg"));
    await ingest(work);
    assertIngested(work, fixture, {
      ingested: "midrun.ingested",
      before: "midrun.complete",
      graph: "midrun.provenance",
    });
  });
}
