/** How many requests `ingest-graph` needs of a store, for a RUN of some thousand datasets. */

import assert from "node:assert/strict";
import { simulate } from "../../lib/simulate/simulate.ts";
import { aggregateHere, context, ingestHere } from "../ingest/in_process.ts";
import { FakeS3 } from "../support/fake_s3.ts";
import { temporaryDirectory } from "../support/fixtures.ts";
import { moveToStore, setVariables, unsetVariables } from "../support/s3_repository.ts";

Deno.test({
  name: "ingest-graph makes at most 0.01 requests a dataset",
  sanitizeResources: false,
  sanitizeOps: false,
  fn: async () => {
    await using work = await temporaryDirectory();
    await using store = new FakeS3();
    await simulate(
      {
        directory: work.path,
        nVisits: 60,
        nDetectors: 20,
        failFraction: 0,
        logSize: 2000,
        seed: 1,
        isGraphOnly: false,
      },
      context(),
    );
    moveToStore(work, store);
    setVariables(store);
    await aggregateHere(work, {}, store.env);
    store.requests.length = 0;
    const summary = await ingestHere(work, {}, undefined, store.env);
    const text = JSON.stringify(store.counts());
    assert.ok(summary.nFilesDeleted > 4800, `${summary.nFilesDeleted} files`);
    assert.equal(summary.nFilesDeleted, summary.nIngested);
    assert.ok(store.requests.length <= 0.01 * summary.nIngested, text);
    assert.ok(store.counts().BULK <= Math.ceil(summary.nIngested / 1000) + 1, text);
  },
});

Deno.test.afterAll(unsetVariables);
