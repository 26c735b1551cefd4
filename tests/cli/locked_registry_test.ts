/** Every command that opens a repository waits for a locked registry, says so, and can be stopped. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { fixturePath, type TemporaryDirectory } from "../support/fixtures.ts";
import { type Outcome, runHere } from "./check_support.ts";
import { copyOfFixture, removeUnpacked } from "./support.ts";

const RUN = "u/oracle/out/20260701T000000Z";
const QUANTUM = ["calibrate", "visit=1", "detector=4"];

/** A clock that goes on by two seconds with each look, so that the second try is told. */
function fastClock(): () => Date {
  let ms = Date.UTC(2026, 6, 1);
  return () => new Date(ms += 2000);
}

/** A lock of another client, as one that commits has it: nobody can read. */
class Lock implements Disposable {
  readonly #database: DatabaseSync;
  isHeld = true;

  constructor(work: TemporaryDirectory) {
    this.#database = new DatabaseSync(`${work.repo}/gen3.sqlite3`);
    this.#database.exec("BEGIN EXCLUSIVE");
  }

  release(): void {
    if (this.isHeld) this.#database.exec("ROLLBACK");
    this.isHeld = false;
  }

  [Symbol.dispose](): void {
    this.release();
    this.#database.close();
  }
}

/** Runs a command; `onError` sees each piece of what it says on stderr. */
async function runWatched(args: string[], onError: (text: string) => void): Promise<Outcome> {
  let stdout = "";
  let stderr = "";
  const { code } = await runHere(args, {
    now: fastClock(),
    terminal: {
      write: (part) =>
        void (stdout += typeof part === "string" ? part : new TextDecoder().decode(part)),
      writeError: (text) => {
        stderr += text;
        onError(text);
      },
      isTerminal: false,
      isErrorTerminal: false,
      size: () => ({ columns: 80, rows: 24 }),
    },
  });
  return { code, stdout, stderr };
}

/** Commands that read a repository; each with the archive that it is run on. */
const READERS: readonly (readonly [name: string, archive: string, words: string[]])[] = [
  ["cat", "aggregated", ["cat", "REPO", "log", ...QUANTUM]],
  ["ls", "ingested", ["ls", "REPO", "quanta", "--run", RUN]],
  ["info", "ingested", ["info", "REPO", "--run", RUN]],
  ["check", "ingested", ["check", "REPO", "--run", RUN]],
  ["trace", "ingested", ["trace", "REPO", ...QUANTUM, "--run", RUN]],
  ["report", "ingested", ["report", "REPO", "--run", RUN]],
  ["diff", "ingested", ["diff", "REPO", fixturePath("small-mixed", "provenance.qg")]],
  ["provenance-report", "ingested", ["provenance-report", "REPO", RUN]],
  ["check-downstream", "aggregated", [
    "check-downstream",
    fixturePath("small-mixed", "predicted.qg"),
    "REPO",
    "--run",
    RUN,
  ]],
];

for (const [name, archive, words] of READERS) {
  Deno.test(`${name} waits for a locked registry, says since when, and answers as ever`, async () => {
    await using work = await copyOfFixture("small-mixed", archive);
    const args = words.map((word) => word === "REPO" ? work.repo : word);
    const expected = await runWatched(args, () => {});
    using lock = new Lock(work);
    const { code, stdout, stderr } = await runWatched(args, (text) => {
      if (/Waiting since/.test(text)) lock.release();
    });
    assert.match(
      stderr,
      /WARNING: Waiting since 2026-07-01T00:00:\d\dZ for registry ".*gen3\.sqlite3": another process holds a lock/,
    );
    assert.equal(lock.isHeld, false);
    assert.deepEqual([code, stdout], [expected.code, expected.stdout]);
  });
}

Deno.test("a locked registry is given up after --busy-timeout", async () => {
  await using work = await copyOfFixture("small-mixed", "aggregated");
  using _lock = new Lock(work);
  const args = ["cat", work.repo, "log", ...QUANTUM, "--busy-timeout", "1"];
  const { code, stdout, stderr } = await runWatched(args, () => {});
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /another process holds a lock on it \(database is locked\), for \d+ s$/m);
  assert.match(stderr, /--busy-timeout says how long to wait/);
});

const WRITERS: readonly (readonly [name: string, archive: string, words: string[]])[] = [
  ["aggregate-graph", "before", [
    "aggregate-graph",
    fixturePath("small-mixed", "predicted.qg"),
    "REPO",
    "-j",
    "1",
  ]],
  ["ingest-graph", "aggregated", [
    "ingest-graph",
    "REPO",
    fixturePath("small-mixed", "provenance.qg"),
    "--transfer",
    "copy",
  ]],
];

for (const [name, archive, words] of WRITERS) {
  Deno.test(`${name} that waits for a locked registry stops at the first signal`, async () => {
    await using work = await copyOfFixture("small-mixed", archive);
    using lock = new Lock(work);
    const stopping = new AbortController();
    const outcome = runHere(words.map((word) => word === "REPO" ? work.repo : word), {
      signal: stopping.signal,
    });
    // The event loop turns while it waits; else this would never run.
    setTimeout(() => stopping.abort({ signal: "SIGINT", number: 2 }), 0);
    const { code, stderr } = await outcome;
    assert.equal(code, 130);
    assert.match(
      stderr,
      /^error: Stopped by SIGINT while waiting for registry ".*gen3\.sqlite3"$/m,
    );
    assert.match(stderr, /^hint: nothing has been changed; run the same command again$/m);
    assert.ok(lock.isHeld);
  });
}

Deno.test.afterAll(removeUnpacked);
