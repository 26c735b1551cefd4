/** `ingest-graph --undo` in a store: afterwards all is as `aggregate-graph` has left it. */

import assert from "node:assert/strict";
import { undoIngest, type UndoOptions } from "../../lib/ingest/undo.ts";
import { armFailpoints } from "../../lib/storage/failpoints.ts";
import { assertJsonEqual } from "../support/compare.ts";
import { failure } from "../support/fake_s3.ts";
import { RUN } from "../support/fixtures.ts";
import {
  AggregatedRepositories,
  dumpStored,
  graphPath,
  PREFIX,
  type StoredRepository,
  unsetVariables,
} from "../support/s3_repository.ts";
import { SILENT_LOG } from "../support/silent_log.ts";
import { context, ingestHere } from "../ingest/in_process.ts";

const repositories = new AggregatedRepositories("small-mixed");

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

function ingest({ work, store }: StoredRepository) {
  return ingestHere(work, { batchSize: 20 }, undefined, store.env);
}

function undo({ work, store }: StoredRepository, options: Partial<UndoOptions> = {}) {
  return undoIngest({
    repository: work.repo,
    graphPath: work.join("provenance.qg"),
    outputRun: RUN,
    batchSize: 20,
    isDryRun: false,
    ...options,
  }, context(SILENT_LOG, store.env));
}

/** A state without what stays when an ingest is undone: the dataset type of graphs. */
async function stateOf({ work, store }: StoredRepository) {
  const { tables, files, chains } = await dumpStored(work, store);
  const others = Object.entries(tables).map(([name, rows]) => [
    name,
    rows.filter((row) => ![row.name, row.dataset_type].includes("run_provenance")),
  ]);
  return { files, chains, tables: Object.fromEntries(others) };
}

testStored("an ingest into a store is undone, and may be done again", async (repository) => {
  const { work, store } = repository;
  const before = await stateOf(repository);
  const graph = Deno.readFileSync(work.join("provenance.qg"));
  await ingest(repository);
  const ingested = await stateOf(repository);
  await undo(repository);
  assertJsonEqual(await stateOf(repository), before, "undone");
  assert.deepEqual(Deno.readFileSync(work.join("provenance.qg")), graph);
  assert.ok(!store.objects.has(PREFIX + graphPath(RUN)));
  await ingest(repository);
  assertJsonEqual(await stateOf(repository), ingested, "ingested again");
});

testStored("without a place for the graph it stays in the store", async (repository) => {
  const { store } = repository;
  await ingest(repository);
  await undo(repository, { graphPath: null });
  assert.ok(store.objects.has(PREFIX + graphPath(RUN)));
});

testStored("--undo --dry-run changes nothing", async (repository) => {
  await ingest(repository);
  const before = await stateOf(repository);
  const { nRestored } = await undo(repository, { isDryRun: true });
  assertJsonEqual(await stateOf(repository), before, "dry run");
  assert.equal((await undo(repository)).nRestored, nRestored);
  assert.ok(nRestored > 50);
});

for (
  const point of ["undo.restored", "undo.switched:2", "undo.unregistered", "transfer.copied"]
) {
  testStored(
    `an undo that ended at ${point} is finished by the same command`,
    async (repository) => {
      const before = await stateOf(repository);
      await ingest(repository);
      armFailpoints(`${point}=eio`);
      try {
        await assert.rejects(undo(repository));
      } finally {
        armFailpoints(undefined);
      }
      await undo(repository);
      assertJsonEqual(await stateOf(repository), before, point);
    },
  );
}

testStored("an ingest that was interrupted in its deletions is undone", async (repository) => {
  const { store } = repository;
  const before = await stateOf(repository);
  store.intercept = ({ kind }) => kind === "BULK" ? failure(403, "AccessDenied") : null;
  await assert.rejects(ingest(repository));
  store.intercept = () => null;
  const { nRestored } = await undo(repository);
  assert.equal(nRestored, 0);
  assertJsonEqual(await stateOf(repository), before, "undone");
});

testStored("an original that has appeared meanwhile stays as it is", async (repository) => {
  const { store } = repository;
  await ingest(repository);
  const other = new TextEncoder().encode("somebody's");
  let key = "";
  store.intercept = (request) => {
    if (request.kind === "PUT" && key === "") store.put(key = request.key, other);
    return null;
  };
  await undo(repository);
  assert.deepEqual(store.objects.get(key)?.bytes, other);
});

Deno.test.afterAll(async () => {
  await repositories[Symbol.asyncDispose]();
  unsetVariables();
});
