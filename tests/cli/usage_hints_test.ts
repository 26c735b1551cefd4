/** Command lines that can't work: what was meant, and what to type. */

import assert from "node:assert/strict";
import { nearest } from "../../lib/base/text/nearest.ts";
import { fixturePath } from "../support/fixtures.ts";
import { runHere } from "./check_support.ts";
import { copyOfFixture, removeUnpacked } from "./support.ts";

const GRAPH = fixturePath("small-mixed", "provenance.qg");
const PREDICTED = fixturePath("small-mixed", "predicted.qg");

/** The last line that a command says, which must be its hint; and the error before it. */
async function refused(args: string[]): Promise<{ error: string; hint: string }> {
  const { code, stdout, stderr } = await runHere(args);
  assert.deepEqual([code, stdout], [2, ""], stderr);
  assert.match(
    stderr,
    /^error: [^\n]*(\n {2}[^\n]*)*(\nsafe: nothing was changed)?\nhint: [^\n]*\n$/,
  );
  assert.doesNotMatch(stderr, /--debug/);
  const json = JSON.parse(
    (await runHere([...args, "--json"])).stderr.trimEnd().split("\n").at(-1)!,
  );
  const [error, hint] = stderr.trimEnd().split("\nhint: ");
  if (!args.includes("--bogus")) assert.equal(json.code, 2);
  return { error, hint };
}

const HINTS: readonly (readonly [args: string[], error: RegExp, hint: string | RegExp])[] = [
  [["frobnicate"], /unknown command 'frobnicate'/, "provgraph --help lists commands and options"],
  [["agregate-graph"], /Did you mean aggregate-graph/, /--help lists/],
  [
    ["check"],
    /missing required argument/,
    "provgraph help check explains its arguments and options",
  ],
  [["info", GRAPH, "more"], /too many arguments/, /provgraph help info/],
  [["info", GRAPH, "--bogus"], /unknown option '--bogus'/, /provgraph help info/],
  [["info", GRAPH, "--cuont"], /Did you mean --count/, /provgraph help info/],
  [["info", GRAPH, "--quite"], /unknown option '--quite'/, "did you mean --quiet?"],
  [["info", GRAPH, "--busy-timeout", "soon"], /not an integer/, /provgraph help info/],
  [["cat", GRAPH, "lgo", "calibrate"], /Allowed choices are log/, 'did you mean "log"?'],
  [
    ["cat", GRAPH, "log", "x", "--format", "jsno"],
    /Allowed choices are text/,
    'did you mean "json"?',
  ],
  [["cat", GRAPH, "log", "x", "--level", "warnning"], /Allowed choices/, 'did you mean "WARNING"?'],
  [["cat", "log", GRAPH, "calibrate"], /is invalid/, `type: provgraph cat ${GRAPH} log calibrate`],
  [["ls", "quanta", GRAPH], /is invalid/, `type: provgraph ls ${GRAPH} quanta`],
  [["ls", GRAPH, "quanat"], /Allowed choices/, 'did you mean "quanta"?'],
  [["ls", GRAPH, "quanta", "--status", "failde"], /no status/, /^did you mean "FAILED"\? one of/],
  [
    ["ls", GRAPH, "quanta", "--fields", "stauts"],
    /don't have it/,
    /^did you mean "status"\? fields/,
  ],
  [["--log-level", "WARNIGN", "info", GRAPH], /unknown/, /^did you mean "WARNING"\? levels are/],
  [["trace", GRAPH, "x", "--up", "--down"], /excludes/, /provgraph help trace/],
  [["provenance-report", GRAPH, "--state", "FAILD"], /Allowed choices/, 'did you mean "FAILED"?'],
  [["ingest-graph", "repo", "-t", "cpy"], /Allowed choices/, 'did you mean "copy"?'],
];

for (const [args, error, hint] of HINTS) {
  const name = args.map((word) => word === GRAPH ? "GRAPH" : word).join(" ");
  Deno.test(`"${name}" is refused with what to do next`, async () => {
    const found = await refused(args);
    assert.match(found.error, error);
    if (typeof hint === "string") assert.equal(found.hint, hint);
    else assert.match(found.hint, hint);
  });
}

const ORDERS: readonly (readonly [typed: string[], meant: string[]])[] = [
  [["aggregate-graph", "REPO", "PREDICTED"], ["aggregate-graph", "PREDICTED", "REPO"]],
  [
    ["aggregate-graph", "REPO", "PREDICTED", "-o", "out put.qg", "-j", "2"],
    ["aggregate-graph", "PREDICTED", "REPO", "-o", "'out put.qg'", "-j", "2"],
  ],
  [
    ["aggregate-graph", "-j", "2", "REPO", "PREDICTED"],
    ["aggregate-graph", "-j", "2", "PREDICTED", "REPO"],
  ],
  [["aggregate-graph", "main", "PREDICTED"], ["aggregate-graph", "PREDICTED", "main"]],
  [
    ["aggregate-graph", "REPO/butler.yaml", "PREDICTED"],
    ["aggregate-graph", "PREDICTED", "REPO/butler.yaml"],
  ],
  [
    ["aggregate-graph", "REPO", "/nowhere/mistyped.qg"],
    ["aggregate-graph", "/nowhere/mistyped.qg", "REPO"],
  ],
  [["ingest-graph", "GRAPH", "REPO"], ["ingest-graph", "REPO", "GRAPH"]],
  [
    ["-q", "ingest-graph", "--transfer", "copy", "GRAPH", "main"],
    ["-q", "ingest-graph", "--transfer", "copy", "main", "GRAPH"],
  ],
  [["ingest-graph", "GRAPH"], ["ingest-graph", "REPO", "GRAPH"]],
  [
    ["check-downstream", "REPO", "PREDICTED", "--run", "u/me"],
    ["check-downstream", "PREDICTED", "REPO", "--run", "u/me"],
  ],
  [
    ["scan", "REPO", "PREDICTED", "--shard", "0/2", "--chunks", "/nowhere/0.chunks"],
    ["scan", "PREDICTED", "REPO", "--shard", "0/2", "--chunks", "/nowhere/0.chunks"],
  ],
  [["provenance-report", "u/me/run", "REPO"], ["provenance-report", "REPO", "u/me/run"]],
];

for (const [typed, meant] of ORDERS) {
  Deno.test(`"${typed.join(" ")}" is refused with the right line`, async () => {
    await using work = await copyOfFixture("small-mixed", "aggregated");
    // The one graph without a repository is told with a word to be replaced.
    const isAlone = typed.length === 2;
    const place = (word: string) =>
      word.replace("PREDICTED", PREDICTED).replace("GRAPH", GRAPH).replace("REPO", work.repo);
    const { hint } = await refused(typed.map(place));
    const words = isAlone ? meant.map((word) => word.replace("GRAPH", GRAPH)) : meant.map(place);
    assert.equal(hint, `type: provgraph ${words.join(" ")}`);
  });
}

Deno.test("the right line for swapped operands works as it is printed", async () => {
  await using work = await copyOfFixture("small-mixed", "aggregated");
  const { hint } = await refused(["check-downstream", work.repo, PREDICTED, "--run", "x"]);
  const words = hint.replace("type: provgraph ", "").split(" ");
  assert.match((await runHere(words)).stderr, /Cannot find RUN "x"/);
});

for (
  const [word, expected] of [
    ["quanat", "quanta"],
    ["QUANTA", "quanta"],
    ["dataset", "datasets"],
    ["logs", null],
    ["x", null],
    ["", null],
    ["q".repeat(100_000), null],
  ] as const
) {
  Deno.test(`nearest() finds ${expected} for "${word.slice(0, 10)}"`, () => {
    assert.equal(nearest(word, ["quanta", "datasets"]), expected);
  });
}

Deno.test.afterAll(removeUnpacked);
