/** Graphs that are not the RUN's are refused before anything is changed, in a dry run as well. */

import assert from "node:assert/strict";
import { NotFoundError, ProvgraphError, RefusedError } from "../../lib/base/errors.ts";
import type { AggregateOptions } from "../../lib/aggregate/options.ts";
import type { IngestOptions } from "../../lib/ingest/options.ts";
import { fixturePath, RUN, type TemporaryDirectory, unpackFixture } from "../support/fixtures.ts";
import { takeSnapshot } from "../crash/snapshot.ts";
import { aggregateHere, ingestHere } from "./in_process.ts";

/** Puts the graph of another fixture, whose RUN has the same name, in the place of the right one. */
function withGraphOf(fixture: string, work: TemporaryDirectory): TemporaryDirectory {
  Deno.copyFileSync(fixturePath(fixture, "provenance.qg"), work.join("provenance.qg"));
  return work;
}

/** A graph of a run that has left no file. */
async function aggregatedWithoutFiles(): Promise<TemporaryDirectory> {
  const work = await unpackFixture("small-ok", "before");
  Deno.copyFileSync(fixturePath("small-ok", "predicted.qg"), work.join("predicted.qg"));
  for (const { name } of Deno.readDirSync(`${work.repo}/${RUN}`)) {
    if (/_(log|metadata)$/.test(name)) {
      Deno.removeSync(`${work.repo}/${RUN}/${name}`, { recursive: true });
    }
  }
  await aggregateHere(work, { allowEmpty: true } as Partial<AggregateOptions>);
  return work;
}

interface Refusal {
  what: string;
  prepare: () => Promise<TemporaryDirectory>;
  kind: typeof ProvgraphError;
  message: RegExp;
  hint: RegExp;
  options?: Partial<IngestOptions>;
}

const REFUSALS: Refusal[] = [
  {
    what: "its datasets are registered under other ids",
    prepare: async () =>
      withGraphOf("small-failed", await unpackFixture("small-mixed", "aggregated")),
    kind: RefusedError,
    message: /its \w+ [0-9a-f-]{36} is registered there as [0-9a-f-]{36}$/,
    hint: /executed with another quantum graph/,
  },
  {
    what: "its datasets are registered under other ids, and records are to be rewritten in place",
    prepare: async () =>
      withGraphOf("small-failed", await unpackFixture("small-mixed", "aggregated")),
    kind: RefusedError,
    message: /is registered there as/,
    hint: /executed with another quantum graph/,
    options: { inPlace: true },
  },
  {
    what: "nothing of it is registered, as its own datasets were promised",
    prepare: async () =>
      withGraphOf("small-failed", await unpackFixture("small-mixed", "aggregated-promise")),
    kind: RefusedError,
    message:
      /of its \d+ metadata, log and config datasets 0 are registered there, and of \d+ other/,
    hint: /another repository or run/,
  },
  {
    what: "nothing of it is registered, as an ingest of another graph has forgotten its datasets",
    prepare: async () =>
      withGraphOf("small-failed", await unpackFixture("interrupted-ingest", "forgotten")),
    kind: RefusedError,
    message: /0 are registered there/,
    hint: /another repository or run/,
  },
  {
    what: "its aggregation has registered no more than the RUN",
    prepare: async () =>
      withGraphOf("small-mixed", await unpackFixture("interrupted-aggregate", "run-registered")),
    kind: RefusedError,
    message: /0 are registered there/,
    hint: /not completed/,
  },
  {
    what: "its RUN isn't there",
    prepare: async () => withGraphOf("small-mixed", await unpackFixture("small-mixed", "before")),
    kind: NotFoundError,
    message: /no such collection/,
    hint: /aggregate-graph/,
  },
  {
    what: "nothing has run",
    prepare: aggregatedWithoutFiles,
    kind: RefusedError,
    message: /no log and no metadata of any of its \d+ quanta/,
    hint: /--allow-empty/,
  },
  {
    what: "it is of another RUN than is asked for",
    prepare: () => unpackFixture("small-ok", "aggregated"),
    kind: RefusedError,
    message: /it is of RUN/,
    hint: /--output-run/,
    options: { outputRun: "u/nobody/run" },
  },
  {
    what: "nothing was begun that could be resumed",
    prepare: () => unpackFixture("small-ok", "aggregated"),
    kind: RefusedError,
    message: /nothing has been begun/,
    hint: /--resume/,
    options: { resume: true },
  },
  {
    what: "the configuration overrides dataset types",
    prepare: async () => {
      const work = await unpackFixture("small-ok", "aggregated");
      const config = Deno.readTextFileSync(`${work.repo}/butler.yaml`);
      const overridden = config.replace(
        /^( *)datasets: (\S+)$/m,
        "$1datasets:\n$1  cls: $2\n$1  config:\n$1    overrides: {a: b}",
      );
      Deno.writeTextFileSync(`${work.repo}/butler.yaml`, overridden);
      return work;
    },
    kind: RefusedError,
    message: /its configuration overrides dataset types/,
    hint: /Remove registry/,
  },
];

for (const { what, prepare, kind, message, hint, options } of REFUSALS) {
  Deno.test(`ingestGraph() refuses a graph with nothing changed when ${what}, in a dry run too`, async () => {
    await using work = await prepare();
    const before = await takeSnapshot(work);
    for (const isDryRun of [true, false]) {
      await assert.rejects(ingestHere(work, { ...options, isDryRun }), (error: Error) => {
        assert.ok(error instanceof ProvgraphError);
        assert.ok(error instanceof kind, `${error.name}: ${error.message}`);
        assert.equal(error.exitCode, 2);
        assert.match(error.message, message);
        assert.match(error.hint!, hint);
        return true;
      });
      assert.deepEqual(await takeSnapshot(work), before);
    }
  });
}

Deno.test("ingestGraph() takes a graph in which nothing has run when that is wanted", async () => {
  await using work = await aggregatedWithoutFiles();
  const summary = await ingestHere(work, { allowEmpty: true });
  assert.ok(summary.nNotProduced > 0);
  // What was begun is gone on with, without the option.
  assert.ok((await ingestHere(work, { graphPath: null, outputRun: RUN })).isAlreadyDone);
});
