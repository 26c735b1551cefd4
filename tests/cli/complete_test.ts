/** Values that shells complete by asking the tool: the hidden command `__complete`. */

import assert from "node:assert/strict";
import { fixturePath, RUN } from "../support/fixtures.ts";
import { isHarmless } from "../../lib/cli/manual/value_kinds.ts";
import { runHere } from "./check_support.ts";
import { copyOfFixture, removeUnpacked } from "./support.ts";

const GRAPH = fixturePath("small-mixed", "provenance.qg");
const LABELS = ["calibrate", "consolidate", "summarize", "warp", "coadd", "deepstack"];

async function complete(...words: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await runHere(["__complete", ...words]);
  assert.deepEqual([code, stderr], [0, ""]);
  return stdout.split("\n").filter((line) => line !== "");
}

for (
  const [title, words, expected] of [
    ["statuses", ["ls", GRAPH, "quanta", "--status", "ABO"], ["ABORTED", "ABORTED_SUCCESS"]],
    ["of a list the last", ["ls", GRAPH, "quanta", "--status", "FAILED,BL"], ["FAILED,BLOCKED"]],
    ["fields of quanta", ["ls", GRAPH, "quanta", "--fields", "run"], ["run_time", "run_time_cpu"]],
    ["fields of datasets", ["ls", GRAPH, "datasets", "--fields=ru"], ["run"]],
    ["task labels", ["ls", GRAPH, "quanta", "--task", "co"], ["consolidate", "coadd"]],
    ["dataset types", ["ls", GRAPH, "datasets", "--type", "image"], ["image"]],
    ["labels in place of an ID", ["cat", GRAPH, "log", ""], LABELS],
    ["behind global options", ["-q", "--log-level", "DEBUG", "trace", GRAPH, "wa"], ["warp"]],
    ["dimensions that are left", ["cat", GRAPH, "log", "calibrate", "visit=1", ""], [
      "instrument=",
      "detector=",
    ]],
    ["values of a dimension", ["cat", GRAPH, "log", "consolidate", "visit="], [
      "visit=1",
      "visit=2",
      "visit=3",
      "visit=4",
    ]],
    ["of a URL nothing, for nobody waits for a server", [
      "ls",
      "http://192.0.2.1/a.qg",
      "quanta",
      "--task",
      "",
    ], []],
    ["of what isn't there nothing", ["ls", "nowhere.qg", "quanta", "--task", ""], []],
    ["of what the shell knows nothing", ["ls", ""], []],
    ["of no command nothing", ["nonsense", ""], []],
  ] as const
) {
  Deno.test(`__complete: ${title}`, async () => {
    assert.deepEqual((await complete(...words)).sort(), [...expected].sort());
  });
}

Deno.test("__complete: IDs of quanta that begin with some digits", async () => {
  const { stdout } = await runHere(["ls", GRAPH, "quanta", "--fields", "quantum_id"]);
  const all = stdout.trim().split("\n");
  const begun = all[7].slice(0, 12);
  const expected = all.filter((id) => id.startsWith(begun)).sort();
  assert.ok(expected.length > 0 && expected.length < all.length, String(expected.length));
  assert.deepEqual((await complete("cat", GRAPH, "quantum", begun)).sort(), expected);
});

Deno.test("__complete: RUNs of a repository", async () => {
  await using work = await copyOfFixture("small-mixed", "ingested");
  const found = await complete("cat", work.repo, "--run", "u/");
  assert.ok(found.includes(RUN), found.join(" "));
});

for (
  const [value, isOffered] of [
    ["u/me/out/20260701T000000Z", true],
    ["visit=3", true],
    ["$(reboot)", false],
    ["`reboot`", false],
    ["two words", false],
    ["a;b", false],
    ["*", false],
    ["a\u001b[2J", false],
    ["", false],
  ] as const
) {
  Deno.test(`__complete: ${JSON.stringify(value)} is ${isOffered ? "" : "not "}offered to a shell`, () => {
    assert.equal(isHarmless(value), isOffered);
  });
}

Deno.test.afterAll(removeUnpacked);
