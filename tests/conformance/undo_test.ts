/** An ingest that was undone leaves what was there before it. */

import assert from "node:assert/strict";
import { RefusedError, UsageError } from "../../lib/base/errors.ts";
import type { UndoSummary } from "../../lib/ingest/options.ts";
import { SILENT_LOG } from "../support/silent_log.ts";
import { undoIngest, type UndoOptions } from "../../lib/ingest/undo.ts";
import { assertStateEqual } from "../support/compare.ts";
import { dumpState, type RepositoryState } from "../support/dump_state.ts";
import {
  fixtureArchives,
  fixturePath,
  RUN,
  type TemporaryDirectory,
  unpackFixture,
} from "../support/fixtures.ts";
import { aggregateHere, context, ingestHere } from "../ingest/in_process.ts";

function undoHere(
  work: TemporaryDirectory,
  options: Partial<UndoOptions> = {},
): Promise<UndoSummary> {
  return undoIngest({
    repository: work.repo,
    graphPath: work.join("provenance.qg"),
    outputRun: RUN,
    batchSize: 7,
    isDryRun: false,
    ...options,
  }, context(SILENT_LOG));
}

/** The state without the dataset type of graphs, which stays registered once it is. */
function withoutGraphType(state: RepositoryState): RepositoryState {
  const tables = Object.fromEntries(
    Object.entries(state.tables).map(([name, rows]) => [
      name,
      rows.filter((row) => ![row.name, row.dataset_type].includes("run_provenance")),
    ]),
  );
  return { ...state, tables };
}

function stateOf(work: TemporaryDirectory): RepositoryState {
  return withoutGraphType(dumpState(work.repo));
}

/** What is at the paths of originals, by content. */
function contents(work: TemporaryDirectory): Map<string, string> {
  const found = new Map<string, string>();
  const walk = (directory: string) => {
    for (const { name, isDirectory } of Deno.readDirSync(`${work.repo}/${directory}`)) {
      const path = `${directory}/${name}`;
      if (isDirectory) walk(path);
      else if (/_(log|metadata|config)\//.test(path)) {
        found.set(path, Deno.readTextFileSync(`${work.repo}/${path}`));
      }
    }
  };
  walk(RUN);
  return found;
}

async function aggregated(name: string): Promise<TemporaryDirectory> {
  const work = await unpackFixture(name, "before");
  await Deno.copyFile(fixturePath(name, "predicted.qg"), work.join("predicted.qg"));
  await aggregateHere(work, { mockStorageClasses: name === "small-mock" });
  return work;
}

for (const name of ["small-ok", "small-mixed", "small-failed", "small-mock"]) {
  Deno.test(`undoIngest() makes the same files and rows again when ${name} was ingested`, async () => {
    await using work = await aggregated(name);
    const [before, files] = [stateOf(work), contents(work)];
    const nConfigs = [...files.keys()].filter((path) => path.includes("_config/")).length;
    await ingestHere(work);
    assert.equal(contents(work).size, 0);
    const ingested = dumpState(work.repo);
    const rehearsed = await undoHere(work, { isDryRun: true });
    assertStateEqual(dumpState(work.repo), ingested, "a dry run changes nothing");
    const summary = await undoHere(work);
    assert.deepEqual({ ...summary, seconds: 0 }, { ...rehearsed, seconds: 0 });
    assert.deepEqual(contents(work), files);
    assertStateEqual(stateOf(work), before, `${name} after undo`);
    assert.deepEqual([summary.nRestored, summary.nUnproven], [files.size, nConfigs]);
    // And once more: nothing is lost on the way.
    await ingestHere(work);
    assertStateEqual(dumpState(work.repo), ingested, `${name} after ingest, undo and ingest`);
  });
}

Deno.test("undoIngest() uses originals that are there still, whatever their content", async () => {
  await using work = await aggregated("small-mixed");
  const before = stateOf(work);
  const path = [...contents(work).keys()].find((name) => name.includes("warp_log/"))!;
  const text = Deno.readTextFileSync(`${work.repo}/${path}`);
  Deno.writeTextFileSync(`${work.repo}/${path}`, text.replace("Preparing", "RETRIED"));
  await ingestHere(work);
  const { nRestored, nRegistered } = await undoHere(work);
  assert.equal(nRegistered, nRestored + 1);
  assert.match(Deno.readTextFileSync(`${work.repo}/${path}`), /RETRIED/);
  Deno.writeTextFileSync(`${work.repo}/${path}`, text);
  assertStateEqual(stateOf(work), before);
});

Deno.test("undoIngest() makes files of the same content when the graph has no digests", async () => {
  await using work = await unpackFixture("small-mixed", "aggregated");
  const [before, files] = [stateOf(work), contents(work)];
  await ingestHere(work);
  const summary = await undoHere(work);
  assert.equal(summary.nUnproven, summary.nRestored);
  assert.deepEqual([...contents(work).keys()].sort(), [...files.keys()].sort());
  const rows = ({ tables }: RepositoryState) => ({ tables }) as RepositoryState;
  assertStateEqual(rows(stateOf(work)), rows(before));
  // The graph has what the files say: they would be deleted again.
  const again = await ingestHere(work);
  assert.deepEqual([again.nKept, again.nFilesDeleted], [0, files.size]);
});

/** Rows of the registry, and names of files: the reference's graph has no digests. */
function rowsAndNames(work: TemporaryDirectory): RepositoryState {
  const { tables } = stateOf(work);
  const files = [...contents(work).keys()].sort().map((path) => ({ path }));
  return { tables: { ...tables, files } } as unknown as RepositoryState;
}

for (const archive of fixtureArchives("interrupted-ingest")) {
  Deno.test(`undoIngest() takes back an ingest of the reference that was killed at ${archive}`, async () => {
    await using before = await unpackFixture("small-mixed", "aggregated");
    await using work = await unpackFixture("interrupted-ingest", archive);
    const isNothingDone = archive === "opened";
    if (isNothingDone) await assert.rejects(undoHere(work), RefusedError);
    else await undoHere(work);
    assertStateEqual(rowsAndNames(work), rowsAndNames(before));
    assert.ok(Deno.statSync(work.join("provenance.qg")).isFile);
    await assert.rejects(undoHere(work), RefusedError);
  });
}

Deno.test("undoIngest() leaves the graph in the datastore when no place is given for it", async () => {
  await using work = await aggregated("small-ok");
  await ingestHere(work);
  const { graphPath } = await undoHere(work, { graphPath: null });
  assert.ok(Deno.statSync(graphPath).isFile);
  // As its help says, the RUN's name is enough to ingest it again.
  const again = await ingestHere(work, { graphPath: null, outputRun: RUN });
  assert.equal(again.graphPath, graphPath);
});

const REFUSALS: [
  what: string,
  options: Partial<UndoOptions>,
  kind: typeof RefusedError | typeof UsageError,
  message: RegExp,
][] = [
  ["nothing is ingested", {}, RefusedError, /nothing of graph ".*" is ingested there/],
  ["no RUN is named", { graphPath: null, outputRun: null }, UsageError, /isn't said of which RUN/],
  ["the graph is of another RUN", { outputRun: "u/nobody" }, RefusedError, /it is of RUN/],
];

for (const [what, options, kind, message] of REFUSALS) {
  Deno.test(`undoIngest() is refused with nothing changed when ${what}`, async () => {
    await using work = await unpackFixture("small-ok", "aggregated");
    const before = dumpState(work.repo);
    await assert.rejects(undoHere(work, options), (error: Error) => {
      assert.ok(error instanceof kind, error.message);
      assert.match(error.message, message);
      return true;
    });
    assertStateEqual(dumpState(work.repo), before);
  });
}

Deno.test("undoIngest() is refused when another graph is given than the RUN's", async () => {
  await using work = await aggregated("small-ok");
  await Deno.copyFile(fixturePath("small-ok", "provenance.qg"), work.join("other.qg"));
  await ingestHere(work);
  const before = dumpState(work.repo);
  await assert.rejects(undoHere(work, { graphPath: work.join("other.qg") }), RefusedError);
  assertStateEqual(dumpState(work.repo), before);
});
