/** Repositories as sites and older stacks make them, through both tools; see testdata/sites/ORIGIN.md. */

import { RUN, unpackFixture } from "../support/fixtures.ts";
import {
  aggregate,
  assertGraph,
  assertIngested,
  assertNoLeftovers,
  assertState,
  type ConformanceCase,
  ingest,
} from "./harness.ts";

const SITES: readonly [name: string, run: string, ...flags: string[]][] = [
  ["property-set", RUN],
  ["yaml-metadata", RUN],
  ["older-names", RUN],
  ["escaped-names", RUN],
  ["universe-0", RUN],
  ["universe-2", RUN],
  ["universe-5", RUN],
  ["format-0", "out/run", "--mock-storage-classes"],
];

for (const [name, run, ...flags] of SITES) {
  const site: ConformanceCase = { name: `../sites/${name}`, run, flags };
  Deno.test(`both tools do what the reference does at site ${name}`, async () => {
    await using work = await unpackFixture(site.name, "before");
    await aggregate(work, site, { processes: 1 });
    assertState(work, site.name, "aggregated");
    await assertGraph(work, site.name);
    await ingest(work);
    assertIngested(work, site);
    assertNoLeftovers(work, "predicted.qg");
  });
}
