/** `ingest-graph` into a store, every state of which is seen. */

import assert from "node:assert/strict";
import { RefusedError } from "../../lib/base/errors.ts";
import type { IngestOptions } from "../../lib/ingest/options.ts";
import { armFailpoints } from "../../lib/storage/failpoints.ts";
import { expectedAfterIngest } from "./harness.ts";
import { assertStateEqual } from "../support/compare.ts";
import { failure } from "../support/fake_s3.ts";
import { RUN, runProvgraph } from "../support/fixtures.ts";
import {
  AggregatedRepositories,
  dumpStored,
  graphPath,
  PREFIX,
  type StoredRepository,
  unsetVariables,
  watchDeletions,
} from "../support/s3_repository.ts";
import { ingestHere } from "../ingest/in_process.ts";

const FIXTURE = { name: "small-mixed", run: RUN, flags: [] };
const GRAPH = graphPath(RUN);

const repositories = new AggregatedRepositories(FIXTURE.name);

function testStored(title: string, fn: (repository: StoredRepository) => Promise<void>): void {
  Deno.test({
    name: title,
    // Connections stay open for later requests.
    sanitizeResources: false,
    sanitizeOps: false,
    fn: async () => {
      await using repository = await repositories.take();
      await fn(repository);
    },
  });
}

function ingest({ work, store }: StoredRepository, options: Partial<IngestOptions> = {}) {
  return ingestHere(work, { batchSize: 20, transfer: "copy", ...options }, undefined, store.env);
}

async function assertIngested({ work, store }: StoredRepository, what: string): Promise<void> {
  assertStateEqual(await dumpStored(work, store), expectedAfterIngest(FIXTURE), what);
}

for (const transfer of ["move", "auto"] as const) {
  testStored(
    `ingest-graph leaves in a store what it leaves on disks, with ${transfer}`,
    async (repository) => {
      const watch = watchDeletions(repository, RUN);
      const summary = await ingest(repository, { transfer });
      await assertIngested(repository, transfer);
      assert.equal(summary.nFilesDeleted, watch.nDeleted);
      assert.ok(watch.nDeleted > 50);
      const isThere = [...Deno.readDirSync(repository.work.path)]
        .some(({ name }) => name === "provenance.qg");
      assert.equal(isThere, transfer !== "move");
    },
  );
}

testStored("originals are told by the tags of lists: only configs are read", async (repository) => {
  const { store } = repository;
  await ingest(repository);
  const read = store.requests.filter(({ kind, key }) => kind === "GET" && !key.endsWith(".qg"));
  assert.ok(read.length > 0);
  assert.deepEqual(read.filter(({ key }) => !key.includes("_config/")), []);
  assert.equal(store.counts().DELETE, undefined);
});

testStored("--in-place leaves the same", async (repository) => {
  await ingest(repository, { inPlace: true });
  await assertIngested(repository, "in place");
});

for (
  const transfer of ["direct", "symlink"] as const
) {
  testStored(`transfer ${transfer} is refused before anything is changed`, async (repository) => {
    const { work, store } = repository;
    const before = await dumpStored(work, store);
    await assert.rejects(ingest(repository, { transfer }), (error) => {
      assert.ok(error instanceof RefusedError, String(error));
      assert.match(
        error.message,
        new RegExp(`"${transfer}": the datastore is in the remote store`),
      );
      assert.match(error.hint ?? "", /use transfer "copy", "move" or "auto"/);
      return true;
    });
    assertStateEqual(await dumpStored(work, store), before, transfer);
  });
}

testStored("--dry-run counts what would be deleted and changes nothing", async (repository) => {
  const { work, store } = repository;
  const before = await dumpStored(work, store);
  const { nFilesDeleted } = await ingest(repository, { isDryRun: true });
  assertStateEqual(await dumpStored(work, store), before, "dry run");
  assert.equal((await ingest(repository)).nFilesDeleted, nFilesDeleted);
});

testStored("an original with other content stays, and is told", async (repository) => {
  const { store } = repository;
  const [key] = [...store.objects.keys()].filter((each) => each.includes("calibrate_log/"));
  store.put(key, new TextEncoder().encode("[]"));
  const { nKept, keptFiles } = await ingest(repository);
  assert.equal(nKept, 1);
  assert.equal(keptFiles[0].path, key.slice(PREFIX.length));
  assert.match(keptFiles[0].reason, /other content/);
  assert.ok(store.objects.has(key));
});

testStored("the same content with another tag is read, and deleted", async (repository) => {
  const { store } = repository;
  const [key] = [...store.objects.keys()].filter((each) => each.includes("calibrate_log/"));
  store.objects.set(key, { ...store.objects.get(key)!, etag: '"another"' });
  assert.equal((await ingest(repository)).nKept, 0);
  assert.ok(!store.objects.has(key));
});

testStored(
  "another graph at its place is refused before anything is changed",
  async (repository) => {
    const { work, store } = repository;
    store.put(PREFIX + GRAPH, new TextEncoder().encode("something else"));
    const before = await dumpStored(work, store);
    await assert.rejects(ingest(repository), (error) => {
      assert.ok(error instanceof RefusedError, String(error));
      assert.match(error.message, /another file is at its place/);
      return true;
    });
    assertStateEqual(await dumpStored(work, store), before, "taken");
  },
);

/** Where another process may have ended, and how the next goes on. */
const ENDS: readonly [failpoint: string, how: "graph" | "run"][] = [
  ["ingest.locked", "graph"],
  ["forget.committed:2", "graph"],
  ["transfer.named", "graph"],
  ["transfer.done", "run"],
  ["backed.before-commit", "run"],
  ["backed.committed", "run"],
  ["backed.committed:2", "graph"],
  ["delete.before", "run"],
  ["delete.one", "graph"],
  ["delete.batch", "run"],
];

for (const [point, how] of ENDS) {
  testStored(`an ingest that ended at ${point} is finished with its ${how}`, async (repository) => {
    watchDeletions(repository, RUN);
    armFailpoints(`${point}=eio`);
    try {
      await assert.rejects(ingest(repository));
    } finally {
      armFailpoints(undefined);
    }
    const options = how === "graph" ? {} : { graphPath: null, outputRun: RUN };
    await ingest(repository, options);
    await assertIngested(repository, point);
  });
}

/** What a store may answer, once, in the middle; then the same command finishes. */
const FAULTS: readonly [what: string, kind: string, key: RegExp, code: number][] = [
  ["the graph may not be stored", "PUT", /\.qg$/, 1],
  ["a list is forbidden", "LIST", /_metadata/, 1],
  ["nothing may be deleted", "BULK", /^$/, 1],
  ["an original can't be read", "GET", /_config/, 1],
];

for (const [what, kind, key, code] of FAULTS) {
  testStored(
    `where ${what}, one error tells it, and the next run completes`,
    async (repository) => {
      watchDeletions(repository, RUN);
      const { store } = repository;
      store.intercept = (request) =>
        request.kind === kind && key.test(request.key) ? failure(403, "AccessDenied") : null;
      await assert.rejects(ingest(repository), (error: Error & { exitCode?: number }) => {
        assert.match(error.message, /AccessDenied|403/);
        assert.equal(error.exitCode, code, error.message);
        return true;
      });
      store.intercept = () => null;
      await ingest(repository);
      await assertIngested(repository, what);
    },
  );
}

testStored("a signal ends an ingest before the next thousand is deleted", async (repository) => {
  const { work, store } = repository;
  const env = { ...store.variables, PROVGRAPH_FAILPOINTS: "backed.committed:2=term" };
  const args = ["ingest-graph", "repo", "provenance.qg", "--batch-size", "20"];
  const stopped = await runProvgraph(args, { cwd: work.path, env });
  assert.equal(stopped.code, 143, stopped.stderr);
  assert.match(stopped.stderr, /Stopped by SIGTERM; kept: \d+ datasets forgotten/);
  await ingest(repository);
  await assertIngested(repository, "stopped");
});

testStored("a second ingest of the RUN is kept away", async (repository) => {
  armFailpoints("transfer.done=eio");
  const first = ingest(repository);
  const second = ingest(repository);
  const ends = await Promise.allSettled([first, second]);
  armFailpoints(undefined);
  assert.ok(
    ends.some((end) =>
      end.status === "rejected" && /only one process may do at a time/.test(String(end.reason))
    ),
  );
  await ingest(repository);
  await assertIngested(repository, "after both");
});

Deno.test.afterAll(async () => {
  await repositories[Symbol.asyncDispose]();
  unsetVariables();
});
