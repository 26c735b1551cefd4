/**
 * The states of `schema/troubleshooting.md`: the screen says what happened, what is safe and what to type;
 * nothing is changed that was said to be safe; and what is typed then works.
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { fixturePath, PROJECT, RUN, type TemporaryDirectory } from "../support/fixtures.ts";
import { contentsOf, lostContents } from "../support/contents.ts";
import { PREDICTED } from "../qg/support.ts";
import { EditedGraph } from "../check/file/support.ts";
import { runHere } from "./check_support.ts";
import {
  assertUnchanged,
  copyOfFixture,
  removeUnpacked,
  replaceFile,
  snapshot,
} from "./support.ts";

/** What a person sees and does. */
interface Trouble {
  /** As the table of the document begins the row. */
  row: string;
  name: string;
  archive: string;
  prepare?: (work: TemporaryDirectory) => Promise<void> | void;
  /** Command line that meets the trouble. */
  typed: (work: TemporaryDirectory) => string[];
  failpoints?: string;
  code: number;
  happened: RegExp;
  safe: RegExp;
  toType: RegExp;
  /** Mends the cause, where people must. */
  mend?: (work: TemporaryDirectory) => void;
  /** Command lines that the screen leads to. */
  next: ((work: TemporaryDirectory) => string[])[];
}

const GRAPH = `${RUN}/run_provenance/run_provenance_${RUN.replaceAll("/", "_")}.qg`;
const UNCHANGED = /^safe: nothing was changed$/m;
const KEPT = /^safe: what was done stays, and nothing is lost$/m;
const ingest = (work: TemporaryDirectory) => [
  "ingest-graph",
  work.repo,
  work.join("provenance.qg"),
  "--busy-timeout",
  "0",
];
const aggregate = (work: TemporaryDirectory) => [
  "aggregate-graph",
  PREDICTED,
  work.repo,
  "-j1",
  "-o",
  work.join("new.qg"),
];
const check = ({ repo }: TemporaryDirectory) => ["check", repo, "--run", RUN];

async function run(args: string[]): Promise<void> {
  const { code, stderr } = await runHere(["-q", ...args]);
  assert.ok(code === 0 || code === 3, `${args.join(" ")}: ${code}\n${stderr}`);
}

const locks = new Map<string, DatabaseSync>();

function lockRegistry({ repo }: TemporaryDirectory): void {
  const database = new DatabaseSync(`${repo}/gen3.sqlite3`);
  database.exec("BEGIN EXCLUSIVE");
  locks.set(repo, database);
}

function unlockRegistry({ repo }: TemporaryDirectory): void {
  locks.get(repo)?.close();
  locks.delete(repo);
}

/** Puts the datastore on a disk of its own, which isn't mounted. */
function unmount(work: TemporaryDirectory): void {
  const config = work.join("repo", "butler.yaml");
  replaceFile(
    config,
    `${Deno.readTextFileSync(config)}\ndatastore:\n  root: ${work.join("disk")}\n`,
  );
}

function mount(work: TemporaryDirectory): void {
  Deno.symlinkSync(work.repo, work.join("disk"));
}

/** The lock of a process in another container, which nobody holds any more. */
function leaveLock(work: TemporaryDirectory): void {
  Deno.writeTextFileSync(
    work.join("repo", `${GRAPH}.lock`),
    JSON.stringify({
      host: "gone-container",
      pid: 1,
      pidNamespace: "pid:[1]",
      processStart: "1",
      since: "2026-01-01T00:00:00Z",
      keepsAdvisory: true,
    }),
  );
}

async function damageRegistered(work: TemporaryDirectory): Promise<void> {
  Deno.copyFileSync(work.join("provenance.qg"), work.join("copy.qg"));
  await run(ingest(work));
  const path = work.join("repo", GRAPH);
  const edited = await EditedGraph.read(path);
  edited.blocks.get("quanta.mb")![3] = new TextEncoder().encode("no frame at all");
  replaceFile(path, edited.build());
}

const TROUBLES: Trouble[] = [
  {
    row: "Wrong graph",
    name: "the graph of another RUN is ingested",
    archive: "aggregated",
    typed: (work) => ["ingest-graph", work.repo, fixturePath("second-run", "provenance.qg")],
    code: 2,
    happened: /^error: Cannot ingest .*20260702T000000Z/m,
    safe: UNCHANGED,
    toType: /^hint: .*aggregate-graph/m,
    next: [ingest],
  },
  {
    row: "Wrong graph",
    name: "another predicted graph is aggregated into the same output",
    archive: "before",
    prepare: async (work) => {
      await run([...aggregate(work), "--keep-chunks"]);
      Deno.removeSync(work.join("new.qg"));
    },
    typed: (work) => [
      "aggregate-graph",
      fixturePath("small-ok", "predicted.qg"),
      work.repo,
      "-j1",
      "--dry-run",
      "-o",
      work.join("new.qg"),
    ],
    code: 2,
    happened: /^error: .*(?:belongs to another predicted graph|another predicted graph)/m,
    safe: UNCHANGED,
    toType: /^hint: .*another --output/m,
    next: [aggregate],
  },
  {
    row: "Wrong repository",
    name: "the RUN is in another repository",
    archive: "before",
    typed: (work) => ["ingest-graph", work.repo, fixturePath("small-mixed", "provenance.qg")],
    code: 2,
    happened: /^error: Cannot ingest .*no such collection/m,
    safe: UNCHANGED,
    toType: /^hint: .*aggregate-graph/m,
    next: [aggregate],
  },
  {
    row: "Wrong repository",
    name: "there is no repository",
    archive: "aggregated",
    typed: (work) => ["ingest-graph", work.join("nowhere"), work.join("provenance.qg")],
    code: 2,
    happened: /^error: .*nowhere/m,
    safe: UNCHANGED,
    toType: /^(?:hint|error): .*(?:repository|nowhere)/m,
    next: [ingest],
  },
  {
    row: "A disk isn't mounted",
    name: "the datastore isn't there",
    archive: "aggregated",
    prepare: unmount,
    typed: check,
    code: 1,
    happened: /^error: Cannot check datastore ".*disk": there is no such directory$/m,
    safe: /^(?!.*prune)/m,
    toType: /^hint: mount its disk/m,
    mend: mount,
    next: [check],
  },
  {
    row: "The registry is locked",
    name: "another command writes to the repository",
    archive: "aggregated",
    prepare: lockRegistry,
    typed: ingest,
    code: 1,
    happened: /^error: .*registry .*lock/m,
    safe: KEPT,
    toType: /^hint: .*(?:again|wait)/im,
    mend: unlockRegistry,
    next: [ingest],
  },
  {
    row: "A disk is full",
    name: "a disk is full while the graph is copied",
    archive: "aggregated",
    typed: ingest,
    failpoints: "transfer.done=enospc",
    code: 1,
    happened: /^error: .*(?:No space left on device|disk is full)/m,
    safe: KEPT,
    toType: /^hint: .*again/m,
    next: [ingest],
  },
  {
    row: "Wrong output path",
    name: "the output is a directory",
    archive: "before",
    prepare: (work) => Deno.mkdirSync(work.join("new.qg")),
    typed: aggregate,
    code: 2,
    happened: /^error: .*new\.qg": (?:it )?is a directory/m,
    safe: UNCHANGED,
    toType: /^(?:hint|error): .*(?:--output|directory)/m,
    mend: (work) => Deno.removeSync(work.join("new.qg")),
    next: [aggregate],
  },
  {
    row: "A container was killed",
    name: "a container was killed while it ingested, and its lock was left",
    archive: "interrupted-ingest/batch-part-deleted-1",
    prepare: leaveLock,
    typed: check,
    code: 3,
    happened: /^interrupted-ingest: /m,
    safe: /^(?!.*\brm .*_(?:log|metadata))/m,
    toType: /mend with: provgraph ingest-graph .* --output-run/m,
    next: [({ repo }) => ["ingest-graph", repo, "--output-run", RUN]],
  },
  {
    row: "The registered graph is damaged",
    name: "a block of the registered graph can't be read",
    archive: "aggregated",
    prepare: damageRegistered,
    typed: check,
    code: 3,
    happened: /^damaged-graph: .*run_provenance/m,
    safe: /^(?!.*\brm\b)/m,
    toType: /mend with: provgraph check .* --read-data$/m,
    next: [
      (work) => ["check", work.join("repo", GRAPH), "--read-data"],
    ],
  },
];

for (const trouble of TROUBLES) {
  const { name, archive, prepare, typed, failpoints, code, mend, next } = trouble;
  Deno.test(`the screen says what happened, what is safe and what to type when ${name}`, async () => {
    for (const command of next) {
      const [fixture, tree] = archive.includes("/") ? archive.split("/") : ["small-mixed", archive];
      await using work = await copyOfFixture(fixture, tree);
      await prepare?.(work);
      const contents = await contentsOf(work.path);
      const before = code === 2 ? snapshot(work) : null;
      const met = await runHere(["-q", ...typed(work)], {}, failpoints);
      const screen = met.stdout + met.stderr;
      assert.equal(met.code, code, screen);
      assert.match(screen, trouble.happened);
      assert.match(screen, trouble.safe);
      assert.match(screen, trouble.toType);
      if (before !== null) assertUnchanged(work, before);
      mend?.(work);
      await run(command(work));
      assert.deepEqual(lostContents(contents, await contentsOf(work.path)), []);
    }
  });
}

Deno.test("the table of troubles and the tests name the same ones", () => {
  const text = Deno.readTextFileSync(`${PROJECT}/schema/troubleshooting.md`);
  const rows = new Set([...text.matchAll(/^\| \*\*([^*.]+)\.?\*\*/gm)].map(([, row]) => row));
  assert.deepEqual([...new Set(TROUBLES.map(({ row }) => row))].sort(), [...rows].sort());
});

Deno.test.afterAll(removeUnpacked);
