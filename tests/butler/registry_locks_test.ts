/** An SQLite registry that others read and write at the same time. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import type { Log } from "../../lib/base/log.ts";
import { openRegistry, type Registry } from "../../lib/butler/registry.ts";
import { loadRepositoryConfig } from "../../lib/butler/repo_config.ts";
import { RUN, type TemporaryDirectory, unpackFixture } from "../support/fixtures.ts";
import { pixelBatch, registerPixels } from "../support/pixels.ts";

/** A clock that goes on by two seconds with each look, so that the second try is told. */
function fastClock(): () => Date {
  let ms = Date.UTC(2026, 6, 1);
  return () => new Date(ms += 2000);
}

function open(work: TemporaryDirectory, writeable: boolean, log?: Log): Promise<Registry> {
  const config = loadRepositoryConfig(work.repo, { get: () => undefined });
  return openRegistry(config, { writeable, log, now: fastClock() });
}

/** A connection of somebody else, and a log whose first line lets go of its lock. */
function other(work: TemporaryDirectory) {
  const database = new DatabaseSync(`${work.repo}/gen3.sqlite3`);
  const told: string[] = [];
  return {
    database,
    told,
    log: {
      log: (_level: string, text: string) => {
        if (told.push(text) === 1) database.exec("ROLLBACK");
      },
    },
    [Symbol.dispose]: () => database.close(),
  };
}

Deno.test("a commit that finds readers is done again until they have gone", async () => {
  await using work = await unpackFixture("small-ok", "before");
  using reader = other(work);
  await using registry = await open(work, true, reader.log);
  const run = "u/pixels";
  const batch = pixelBatch(run, await registerPixels(registry, run), 3);
  reader.database.exec("BEGIN");
  reader.database.prepare("SELECT count(*) FROM dataset").get();
  await registry.importDatasets(batch);
  assert.equal(reader.told.length, 1);
  assert.match(reader.told[0], /^Waiting since .* for registry ".*gen3\.sqlite3"/);
  assert.deepEqual(await registry.datasetIds(run), batch.ids);
});

Deno.test("what is read in pieces waits for a lock between two of them", async () => {
  await using work = await unpackFixture("small-ok", "aggregated");
  using writer = other(work);
  await using registry = await open(work, false, writer.log);
  const expected = await registry.datasetIds(RUN);
  writer.database.exec("BEGIN EXCLUSIVE");
  let n = 0;
  for await (const records of registry.runRecords(RUN)) n += records.n;
  assert.equal(writer.told.length, 1);
  assert.equal(n, expected.length / 16);
});
