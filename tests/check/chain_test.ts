/** `check` of repositories with several file datastores. */

import assert from "node:assert/strict";
import { Findings } from "../../lib/check/findings.ts";
import { checkRepository } from "../../lib/check/repository/repository.ts";
import { armFailpoints } from "../../lib/storage/failpoints.ts";
import { assertChain, dumpChain, expectedOfSeveral, unpackChain } from "../support/chain_state.ts";
import { copyOf, RUN, type TemporaryDirectory } from "../support/fixtures.ts";
import { aggregateHere, ingestHere } from "../ingest/in_process.ts";
import type { CheckedRepository } from "../../lib/check/repository/chain.ts";

let aggregated: Promise<TemporaryDirectory> | null = null;

async function aggregatedChain(): Promise<TemporaryDirectory> {
  aggregated ??= unpackChain("file-file").then(async (work) => {
    await aggregateHere(work);
    return work;
  });
  return await copyOf(await aggregated, { link: true });
}

Deno.test.afterAll(async () => {
  (await aggregated)?.[Symbol.dispose]();
});

async function check(
  work: TemporaryDirectory,
): Promise<{ checked: CheckedRepository; problems: string[] }> {
  const findings = new Findings();
  const checked = await checkRepository(
    { repository: work.repo, run: RUN, graph: null, readData: false },
    Deno.env,
    findings,
  );
  return { checked, problems: findings.problems.map(({ kind, where }) => `${kind}: ${where}`) };
}

Deno.test("check finds nothing odd in a chain that is ingested, and says what a datastore lacks", async () => {
  await using work = await aggregatedChain();
  await ingestHere(work);
  const { checked, problems } = await check(work);
  assert.deepEqual(problems, []);
  assert.equal(checked.state, "finished");
  const { datastores } = dumpChain(work.repo);
  const both = datastores[1].files.map(({ path }) => path)
    .filter((path) => path.includes("/packages/"));
  Deno.removeSync(`${work.repo}/second/${both[0]}`);
  const { problems: found } = await check(work);
  assert.equal(found.length, 1);
  assert.match(found[0], /^registered-without-file: datastore "second": dataset .*packages/);
});

Deno.test("check tells of each datastore of a chain how far an ingest got, and repair finishes it", async () => {
  await using work = await aggregatedChain();
  armFailpoints("backed.committed:2=eio");
  try {
    await assert.rejects(ingestHere(work, { batchSize: 20, transfer: "copy" }));
  } finally {
    armFailpoints(undefined);
  }
  const { checked, problems } = await check(work);
  assert.equal(checked.state, "unfinished");
  assert.deepEqual(problems, [
    `interrupted-ingest: datastore "first": RUN "${RUN}"`,
    `interrupted-ingest: datastore "second": RUN "${RUN}"`,
  ]);
  assert.deepEqual(checked.ingest, { graphPath: null });
  await ingestHere(work, { graphPath: null, outputRun: RUN, resume: true, transfer: "copy" });
  assertChain(work, expectedOfSeveral("file-file", dumpChain(work.repo)), "repaired");
  assert.deepEqual((await check(work)).problems, []);
});

Deno.test("check of a chain that was aggregated finds nothing odd", async () => {
  await using work = await aggregatedChain();
  const { checked, problems } = await check(work);
  assert.equal(checked.state, "no graph");
  assert.deepEqual(problems.filter((text) => !text.startsWith("file-without-record")), []);
});
