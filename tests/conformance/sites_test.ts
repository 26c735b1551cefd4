/** Repositories as sites and older stacks make them, through both tools; see testdata/sites/ORIGIN.md. */

import assert from "node:assert/strict";
import { QUANTA_FILES_MEMBER } from "../../lib/qg/member_names.ts";
import { buildZip, zipMembers } from "../qg/support.ts";
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

for (const name of ["property-set", "yaml-metadata"]) {
  // As graphs of the reference are, which know no digests: originals are compared by what they say.
  Deno.test(`originals of site ${name} go by a graph without digests`, async () => {
    const site: ConformanceCase = { name: `../sites/${name}`, run: RUN, flags: [] };
    await using work = await unpackFixture(site.name, "before");
    await aggregate(work, site, { processes: 1 });
    const graph = work.join("provenance.qg");
    const members = zipMembers(Deno.readFileSync(graph));
    const others = members.filter((member) => member.name !== QUANTA_FILES_MEMBER);
    assert.equal(others.length, members.length - 1);
    Deno.writeFileSync(graph, buildZip(others));
    await ingest(work);
    assertIngested(work, site);
  });
}
