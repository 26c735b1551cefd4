/** `ingest-graph` of a graph that is given by its URI. */

import assert from "node:assert/strict";
import { NotFoundError, RefusedError } from "../../lib/base/errors.ts";
import type { IngestOptions } from "../../lib/ingest/options.ts";
import { armFailpoints } from "../../lib/storage/failpoints.ts";
import { expectedAfterIngest } from "../conformance/harness.ts";
import { assertStateEqual } from "../support/compare.ts";
import { FAKE_BUCKET } from "../support/fake_s3.ts";
import { dumpState } from "../support/dump_state.ts";
import { RUN, runProvgraph, unpackFixture } from "../support/fixtures.ts";
import {
  AggregatedRepositories,
  dumpStored,
  graphPath,
  PREFIX,
  type StoredRepository,
  unsetVariables,
} from "../support/s3_repository.ts";
import { ingestHere } from "./in_process.ts";

const FIXTURE = { name: "small-mixed", run: RUN, flags: [] };
const KEY = "graphs/of mine/provenance.qg";
const URI = `s3://${FAKE_BUCKET}/graphs/of%20mine/provenance.qg`;

const repositories = new AggregatedRepositories(FIXTURE.name);

/** The graph is in the store, and nowhere else. */
function testAtUri(title: string, fn: (repository: StoredRepository) => Promise<void>): void {
  Deno.test({
    name: title,
    sanitizeResources: false,
    sanitizeOps: false,
    fn: async () => {
      await using repository = await repositories.take();
      const { work, store } = repository;
      store.put(KEY, Deno.readFileSync(work.join("provenance.qg")));
      // A store tells times by the second: this object is older than any that is stored now.
      store.objects.get(KEY)!.modified = new Date("2026-01-01T00:00:00Z");
      Deno.removeSync(work.join("provenance.qg"));
      await fn(repository);
    },
  });
}

function ingest({ work, store }: StoredRepository, options: Partial<IngestOptions> = {}) {
  return ingestHere(work, { batchSize: 20, graphPath: URI, ...options }, undefined, store.env);
}

for (
  const [transfer, isLeft] of [["copy", true], ["auto", true], ["move", false]] as const
) {
  testAtUri(`a graph at a URI is ingested with ${transfer}`, async (repository) => {
    const { work, store } = repository;
    const { movedSource } = await ingest(repository, { transfer });
    assertStateEqual(await dumpStored(work, store), expectedAfterIngest(FIXTURE), transfer);
    assert.equal(store.objects.has(KEY), isLeft);
    assert.deepEqual(movedSource, isLeft ? null : { path: URI, state: "deleted" });
  });
}

testAtUri("a graph at a URI gets into a repository on disks", async ({ store }) => {
  await using work = await unpackFixture(FIXTURE.name, "aggregated");
  const { movedSource } = await ingestHere(
    work,
    { graphPath: URI, transfer: "move" },
    undefined,
    store.env,
  );
  assert.equal(movedSource?.state, "deleted");
  assertStateEqual(dumpState(work.repo), expectedAfterIngest(FIXTURE));
});

for (const transfer of ["direct", "symlink", "hardlink"] as const) {
  testAtUri(`of a graph at a URI transfer ${transfer} is refused`, async (repository) => {
    const { work, store } = repository;
    const before = await dumpStored(work, store);
    await assert.rejects(ingest(repository, { transfer }), (error) => {
      assert.ok(error instanceof RefusedError, String(error));
      assert.match(error.hint ?? "", /use transfer "copy", "move" or "auto"/);
      return true;
    });
    assertStateEqual(await dumpStored(work, store), before, transfer);
  });
}

testAtUri(
  "a graph in the datastore is used in place, and no move deletes it",
  async (repository) => {
    const { work, store } = repository;
    const key = PREFIX + graphPath(RUN);
    store.objects.set(key, store.objects.get(KEY)!);
    const { movedSource } = await ingest(repository, {
      graphPath: `s3://${FAKE_BUCKET}/${key}`,
      transfer: "move",
    });
    assert.equal(movedSource?.state, "stays");
    assertStateEqual(await dumpStored(work, store), expectedAfterIngest(FIXTURE));
  },
);

testAtUri("a graph that can't be told from the ingested one stays", async (repository) => {
  const { work, store } = repository;
  await ingest(repository, { transfer: "copy" });
  store.objects.get(KEY)!.modified = store.objects.get(PREFIX + graphPath(RUN))!.modified;
  const { movedSource } = await ingest(repository, { transfer: "move" });
  assert.equal(movedSource?.state, "stays");
  assert.ok(store.objects.has(KEY));
  assertStateEqual(await dumpStored(work, store), expectedAfterIngest(FIXTURE));
});

for (const point of ["transfer.named", "backed.committed:2", "source.before-delete"]) {
  testAtUri(`the same command goes on after an end at ${point}`, async (repository) => {
    const { work, store } = repository;
    armFailpoints(`${point}=eio`);
    try {
      await assert.rejects(ingest(repository, { transfer: "move" }));
    } finally {
      armFailpoints(undefined);
    }
    assert.ok(store.objects.has(KEY));
    await ingest(repository, { transfer: "move" });
    assertStateEqual(await dumpStored(work, store), expectedAfterIngest(FIXTURE), point);
    assert.ok(!store.objects.has(KEY));
  });
}

testAtUri("a URI at which there is no graph is told with what to do", async (repository) => {
  await ingest(repository, { transfer: "move" });
  await assert.rejects(ingest(repository, { transfer: "move" }), (error) => {
    assert.ok(error instanceof NotFoundError, String(error));
    assert.match(error.hint ?? "", /give --output-run RUN instead/);
    return true;
  });
});

testAtUri("--undo with a URI is refused", async ({ work, store }) => {
  const { code, stderr } = await runProvgraph(["ingest-graph", "repo", URI, "--undo"], {
    cwd: work.path,
    env: store.variables,
  });
  assert.equal(code, 2);
  assert.match(stderr, /give --output-run RUN/);
});

Deno.test.afterAll(async () => {
  unsetVariables();
  await repositories[Symbol.asyncDispose]();
});
