/** Repositories with chains of datastores, through both tools; see testdata/chains/ORIGIN.md. */

import assert from "node:assert/strict";
import { IgnoringEnvironment } from "../../lib/butler/config/ignored_datastores.ts";
import { aggregateHere, ingestHere } from "../ingest/in_process.ts";
import {
  assertChain,
  chainCase,
  dumpChain,
  expectedChain,
  expectedIngestedChain,
  expectedOfSeveral,
  unpackChain,
} from "../support/chain_state.ts";
import { assertJsonEqual } from "../support/compare.ts";
import { expectProvgraph } from "../support/fixtures.ts";
import { assertGraph } from "./harness.ts";

const METRICS = "sasquatch_like.SasquatchLikeDatastore";

/** Chains of which one member keeps files, and what has to be ignored in them. */
const ONE_KEEPS: readonly [name: string, ...ignored: string[]][] = [
  ["memory-file"],
  ["file-sasquatch", METRICS],
];

function ignoring(...classes: string[]): IgnoringEnvironment {
  const env = new IgnoringEnvironment(Deno.env);
  env.ignore(classes);
  return env;
}

for (const [name, ...ignored] of ONE_KEEPS) {
  const fixture = chainCase(name);
  const env = ignoring(...ignored);

  Deno.test(`both tools do in chain ${name} what the reference does`, async () => {
    await using work = await unpackChain(name);
    await aggregateHere(work, {}, env);
    assertChain(work, expectedChain(fixture, "aggregated"), `${name} aggregated`);
    await assertGraph(work, fixture.name);
    await ingestHere(work, {}, undefined, env);
    assertChain(work, expectedIngestedChain(fixture), `${name} ingested`);
  });

  for (const state of ["incomplete", "promise"] as const) {
    Deno.test(`aggregate-graph does in chain ${name} what the reference does, ${state}`, async () => {
      await using work = await unpackChain(name);
      const options = {
        isIncomplete: state === "incomplete",
        promiseIngestGraph: state === "promise",
      };
      await aggregateHere(work, options, env);
      assertChain(work, expectedChain(fixture, state), `${name} ${state}`);
    });
  }
}

Deno.test("a class of datastores that isn't known is refused by name, and can be ignored", async () => {
  await using work = await unpackChain("file-sasquatch");
  const before = namesIn(work.repo);
  const args = ["aggregate-graph", "predicted.qg", "repo", "-o", "provenance.qg"];
  const refused = await expectProvgraph(args, { cwd: work.path, code: 2 });
  assert.match(refused.stderr, new RegExp(`in its chain is "${METRICS}"`));
  const [, option] = /(--ignore-datastore \S+)/.exec(refused.stderr) ?? assert.fail(refused.stderr);
  assert.deepEqual(namesIn(work.repo), before);
  const done = await expectProvgraph([...args, ...option.split(" ")], { cwd: work.path });
  assert.match(done.stderr, /Leaving out datastores that keep nothing: sasquatch_like/);
});

function namesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

/** Chains of several file datastores, and whose states of the reference they are to have. */
const SEVERAL_KEEP: readonly [name: string, states: string][] = [
  ["file-file", "file-file"],
  // The reference has records of files that are not there, where only the chain's constraints reject.
  ["file-file-chain", "file-file"],
  ["file-file-templates", "file-file-templates"],
];

for (const [name, states] of SEVERAL_KEEP) {
  const fixture = chainCase(states);

  Deno.test(`both tools do in chain ${name} what they are to do`, async () => {
    await using work = await unpackChain(name);
    await aggregateHere(work);
    const aggregated = expectedChain(fixture, "aggregated");
    assertChain(work, aggregated, `${name} aggregated`);
    await assertGraph(work, fixture.name);
    await ingestHere(work, { batchSize: 20 });
    assertChain(work, expectedOfSeveral(name, aggregated), `${name} ingested`);
  });
}

for (const state of ["incomplete", "promise"] as const) {
  Deno.test(`aggregate-graph does in chain file-file what the reference does, ${state}`, async () => {
    await using work = await unpackChain("file-file");
    const options = {
      isIncomplete: state === "incomplete",
      promiseIngestGraph: state === "promise",
    };
    await aggregateHere(work, options);
    assertChain(work, expectedChain(chainCase("file-file"), state), `file-file ${state}`);
  });
}

Deno.test("logs and metadata are read from the first datastore that has them", async () => {
  await using work = await unpackChain("file-file");
  const fixture = chainCase("file-file");
  const run = `${work.repo}/${fixture.run}`;
  for (const { name } of [...Deno.readDirSync(run)]) {
    if (/^(calibrate|warp)_(log|metadata)$/.test(name)) {
      Deno.removeSync(`${run}/${name}`, { recursive: true });
    }
  }
  await aggregateHere(work);
  await assertGraph(work, fixture.name);
  assertJsonEqual(
    dumpChain(work.repo).tables,
    expectedChain(fixture, "aggregated").tables,
    "tables",
  );
});

Deno.test("a datastore of a chain whose root is not there ends aggregate-graph before anything", async () => {
  await using work = await unpackChain("file-file");
  Deno.renameSync(`${work.repo}/second`, `${work.repo}/unmounted`);
  await assert.rejects(aggregateHere(work), /"[^"]*repo\/second", is not there/);
});
