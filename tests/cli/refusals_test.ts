/**
 * What the reference does in odd situations, `refusals.json`, and what this tool does: the same, or
 * refuses with exit code 2 and changes nothing.
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import {
  fixturePath,
  FIXTURES,
  runProvgraph,
  type TemporaryDirectory,
} from "../support/fixtures.ts";
import {
  assertOneError,
  assertUnchanged,
  copyOfFixture,
  removeUnpacked,
  replaceFile,
  snapshot,
} from "./support.ts";

/** A case of the reference. */
interface Case {
  case: string;
  start: string;
  steps: { arguments: string[]; "exit status": number; "state changed": boolean }[];
}

const cases: Case[] = JSON.parse(Deno.readTextFileSync(join(FIXTURES, "refusals.json")));

/** Our exit codes where they aren't the reference's, with the reason. */
const OURS: Record<string, number[]> = {
  // Trying again can't help; the reference says 1 for all but usage errors.
  "no graph and no run": [2],
  "no graph, run has no graph": [2],
  "no graph, unknown run": [2],
  "run differs from the graph's": [2],
  "run differs from the graph's and does not exist": [2],
  "graph file missing": [2],
  "predicted graph given to ingest-graph": [2],
  "file that is not a graph": [2],
  "repository missing": [2],
  "ingest-graph before any aggregation": [2],
  "transfer mode direct": [2],
  "aggregate: repository missing": [2],
  "aggregate: graph missing": [2],
  "aggregate: provenance graph instead of predicted": [2],
  "aggregate without registering dataset types": [2],
  // The reference takes these for something else.
  "batch size zero": [2],
  "batch size minus one": [2],
  // The reference would record failures that never happened.
  "aggregate after ingest-graph": [2],
  "aggregate after ingest-graph, incomplete": [2],
  // One broken file doesn't stop a campaign.
  "aggregate, truncated metadata file": [3],
};

const RUN_FOLDER = "repo/u/oracle/out/20260701T000000Z";

function firstFile(folder: string): string {
  for (const entry of [...Deno.readDirSync(folder)].sort((a, b) => a.name < b.name ? -1 : 1)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isFile) return path;
    if (entry.isDirectory) {
      const found = firstFile(path);
      if (found !== "") return found;
    }
  }
  return "";
}

/** What has to be prepared beyond unpacking. */
const PREPARE: Record<string, (work: TemporaryDirectory) => void> = {
  "file that is not a graph": (work) => replaceFile(work.join("junk.qg"), "no graph at all\n"),
  "ingest-graph before any aggregation": (work) =>
    Deno.copyFileSync(fixturePath("small-mixed", "provenance.qg"), work.join("provenance.qg")),
  "aggregate, truncated metadata file": (work) => {
    const path = firstFile(work.join(RUN_FOLDER, "calibrate_metadata"));
    replaceFile(path, Deno.readFileSync(path).slice(0, 500));
  },
  "aggregate, empty log file": (work) =>
    replaceFile(firstFile(work.join(RUN_FOLDER, "calibrate_log")), ""),
  "stray file in a log directory": (work) =>
    Deno.writeTextFileSync(`${firstFile(work.join(RUN_FOLDER, "calibrate_log"))}.stray`, "mine"),
  "an original file is already gone": (work) =>
    Deno.removeSync(firstFile(work.join(RUN_FOLDER, "calibrate_log"))),
};

for (const { case: name, start, steps } of cases) {
  Deno.test(`${name}: as the reference or better`, async () => {
    await using work = await copyOfFixture("small-mixed", start);
    for (const file of ["predicted.qg"]) {
      try {
        Deno.statSync(work.join(file));
      } catch {
        Deno.copyFileSync(fixturePath("small-mixed", file), work.join(file));
      }
    }
    PREPARE[name]?.(work);
    for (const [i, step] of steps.entries()) {
      const before = snapshot(work);
      const result = await runProvgraph(step.arguments, { cwd: work.path });
      const expected = OURS[name]?.[i] ?? step["exit status"];
      assert.equal(result.code, expected, result.stderr);
      assert.equal(result.stdout, "");
      if (expected === 2) {
        assertOneError(result, /^error: /m);
        assertUnchanged(work, before);
      } else if (!step["state changed"]) {
        assertUnchanged(work, {
          state: before.state,
          beside: snapshot(work).beside,
        });
      }
      for (const entry of Deno.readDirSync(work.path)) {
        assert.doesNotMatch(entry.name, /\.chunks|\.lock|\.tmp/, "left behind");
      }
    }
  });
}

Deno.test("every exit code of ours that differs belongs to a case", () => {
  const names = new Set(cases.map((entry) => entry.case));
  assert.deepEqual(
    [...Object.keys(OURS), ...Object.keys(PREPARE)].filter((n) => !names.has(n)),
    [],
  );
});

Deno.test.afterAll(removeUnpacked);
