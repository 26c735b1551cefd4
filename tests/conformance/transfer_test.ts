/** Ways for the graph to get into the datastore. */

import assert from "node:assert/strict";
import { dumpState } from "../support/dump_state.ts";
import { assertStateEqual } from "../support/compare.ts";
import { RUN, type TemporaryDirectory, unpackFixture } from "../support/fixtures.ts";
import {
  assertIngested,
  assertNoLeftovers,
  CASES,
  expectedAfterIngest,
  ingest,
} from "./harness.ts";

const MIXED = CASES["small-mixed"];
const TARGET = `${RUN}/run_provenance/run_provenance_${RUN.replaceAll("/", "_")}.qg`;

/** What the file at the template path is after each mode. */
const MODES: Record<string, { keepsSource: boolean; isLink: boolean; sharesInode: boolean }> = {
  move: { keepsSource: false, isLink: false, sharesInode: false },
  copy: { keepsSource: true, isLink: false, sharesInode: false },
  hardlink: { keepsSource: true, isLink: false, sharesInode: true },
  link: { keepsSource: true, isLink: false, sharesInode: true },
  auto: { keepsSource: true, isLink: false, sharesInode: true },
  symlink: { keepsSource: true, isLink: true, sharesInode: false },
  relsymlink: { keepsSource: true, isLink: true, sharesInode: false },
};

function graphInRepository(work: TemporaryDirectory): Deno.FileInfo {
  return Deno.lstatSync(`${work.repo}/${TARGET}`);
}

for (const [transfer, { keepsSource, isLink, sharesInode }] of Object.entries(MODES)) {
  Deno.test(`ingest-graph does what the reference does when --transfer is ${transfer}`, async () => {
    await using work = await unpackFixture("small-mixed", "aggregated");
    const content = Deno.readFileSync(work.join("provenance.qg"));
    await ingest(work, { transfer });
    assertIngested(work, MIXED);
    assertNoLeftovers(work, ...(keepsSource ? ["provenance.qg"] : []));
    assert.equal(graphInRepository(work).isSymlink, isLink);
    assert.deepEqual(Deno.readFileSync(`${work.repo}/${TARGET}`), content);
    if (keepsSource) {
      const source = Deno.statSync(work.join("provenance.qg"));
      assert.equal(graphInRepository(work).ino === source.ino, sharesInode);
      // The same command again: it says that all is done.
      await ingest(work, { transfer });
      assertIngested(work, MIXED);
    }
    if (isLink) {
      const link = Deno.readLinkSync(`${work.repo}/${TARGET}`);
      assert.equal(link.startsWith("/"), transfer === "symlink");
    }
  });
}

/** The expected state with the graph at another place than the template's. */
function expectedWithGraphAt(file: string, ownPath = file): ReturnType<typeof expectedAfterIngest> {
  const state = expectedAfterIngest(MIXED);
  const tables = { ...state.tables };
  tables.file_datastore_records = tables.file_datastore_records.map((row) => {
    if (row.path !== TARGET) return row;
    const isGraphItself = String(row.dataset_id).startsWith("<run_provenance");
    return { ...row, path: isGraphItself ? ownPath : file };
  });
  const files = state.files.map((entry) =>
    entry.path === TARGET ? { ...entry, path: file } : entry
  );
  return { ...state, tables, files: files.toSorted((a, b) => a.path < b.path ? -1 : 1) };
}

function sorted(state: ReturnType<typeof expectedAfterIngest>): typeof state {
  const rows = state.tables.file_datastore_records.toSorted((a, b) =>
    String(a.dataset_id) < String(b.dataset_id) ? -1 : 1
  );
  return { ...state, tables: { ...state.tables, file_datastore_records: rows } };
}

Deno.test("ingest-graph uses the file in place when --transfer is auto and it is in the datastore", async () => {
  await using work = await unpackFixture("small-mixed", "aggregated");
  const file = `${RUN}/graphs/mine.qg`;
  Deno.mkdirSync(`${work.repo}/${RUN}/graphs`);
  Deno.renameSync(work.join("provenance.qg"), `${work.repo}/${file}`);
  await ingest(work, { transfer: "auto", graph: `repo/${file}` });
  assertStateEqual(sorted(dumpState(work.repo)), sorted(expectedWithGraphAt(file)));
  assertNoLeftovers(work);
});

Deno.test("ingest-graph records the URI when --transfer is direct and the file is in the datastore", async () => {
  await using work = await unpackFixture("small-mixed", "aggregated");
  const file = `${RUN}/graphs/mine.qg`;
  Deno.mkdirSync(`${work.repo}/${RUN}/graphs`);
  Deno.renameSync(work.join("provenance.qg"), `${work.repo}/${file}`);
  await ingest(work, { transfer: "direct", graph: `repo/${file}` });
  const actual = dumpState(work.repo);
  // The file's size is looked up below the root, as the oracle does: it sees none for a URI.
  const size = Deno.statSync(`${work.repo}/${file}`).size;
  for (const row of actual.tables.file_datastore_records) {
    if (row.file_size === size) row.file_size = "<size of file>";
  }
  assertStateEqual(
    sorted(actual),
    sorted(expectedWithGraphAt(file, `file://${work.repo}/${file}`)),
  );
  assertNoLeftovers(work);
});

Deno.test("ingest-graph refuses and changes nothing when --transfer is direct from outside", async () => {
  await using work = await unpackFixture("small-mixed", "aggregated");
  const before = dumpState(work.repo);
  const { stderr } = await ingest(work, { transfer: "direct", code: 2 });
  assert.match(stderr, /direct/);
  assertStateEqual(dumpState(work.repo), before);
  assertNoLeftovers(work, "provenance.qg");
});
