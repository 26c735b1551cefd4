/** Command lines with the options that scripts use, which are carried out without the parser of options. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { plainWords } from "../../lib/cli/plain/plain_words.ts";
import {
  expectProvgraph,
  fixturePath,
  runProvgraph,
  temporaryDirectory,
  unpackFixture,
} from "../support/fixtures.ts";

const MIXED = fixturePath("small-mixed", "provenance.qg");
const QUANTUM = ["calibrate", "visit=1", "detector=4"];

const RUN = "u/oracle/out/20260701T000000Z";

async function idOf(kind: "quanta" | "datasets", ...options: string[]): Promise<string> {
  const field = kind === "quanta" ? "quantum_id" : "dataset_id";
  const words = ["ls", MIXED, kind, "--limit", "1", "--fields", field, ...options];
  return (await expectProvgraph(words)).stdout.trim();
}

const SUCCESSFUL = await idOf("quanta", "--status", "SUCCESSFUL");
const LOG = await idOf("datasets", "--type", "calibrate_log", "--where", "visit=1 and detector=4");
const UNKNOWN = "00000000-0000-4000-8000-000000000000";

/** Words after SOURCE, and whether there is such a document. */
const REQUESTS: readonly (readonly [words: string[], isThere: boolean])[] = [
  [["log", ...QUANTUM], true],
  [["metadata", ...QUANTUM], true],
  [["quantum", ...QUANTUM], true],
  [["config", "calibrate"], true],
  [["packages"], true],
  [["header"], true],
  [["log", "calibrate", "visit=1", "detector=99"], false],
  [["log", "nothing"], false],
  [["log"], false],
  [["letter", ...QUANTUM], false],
  [["log", ...QUANTUM, "--run", RUN], true],
  [["--run", RUN, "log", ...QUANTUM], true],
  [["log", "--run", RUN, ...QUANTUM], true],
  [["log", ...QUANTUM, "--run", "u/another"], false],
  [["log", ...QUANTUM, "--run"], false],
  [["log", ...QUANTUM, "--run", ""], false],
  [["--run", RUN], false],
  [[], false],
  [["log", SUCCESSFUL], true],
  [["metadata", SUCCESSFUL], true],
  [["quantum", SUCCESSFUL], true],
  [["log", SUCCESSFUL.replaceAll("-", "").toUpperCase()], true],
  [["log", SUCCESSFUL.slice(0, -3)], true],
  [["log", LOG], true],
  [["metadata", LOG], true],
  [["log", SUCCESSFUL, "--run", RUN], true],
  [["log", SUCCESSFUL, "--run", "u/another"], false],
  [["log", SUCCESSFUL, SUCCESSFUL], false],
  // All IDs of this graph begin so.
  [["log", "019f1af9"], false],
  [["log", UNKNOWN], false],
  [["log", "fffffff"], false],
  [["log", await idOf("quanta", "--status", "BLOCKED")], false],
  [["metadata", await idOf("quanta", "--status", "FAILED")], false],
  [["log", await idOf("datasets", "--type", "raw")], false],
];

Deno.test("cat without options answers as with one that changes nothing", async (t) => {
  for (const [words, isThere] of REQUESTS) {
    await t.step(`cat SOURCE ${words.join(" ")}`, async () => {
      const plain = await runProvgraph(["cat", MIXED, ...words]);
      const parsed = await runProvgraph(["--color", "never", "cat", MIXED, ...words]);
      assert.equal(plain.code, parsed.code, plain.stderr);
      assert.equal(plain.code === 0, isThere, plain.stderr);
      assert.equal(plain.stdout, parsed.stdout);
      assert.equal(plain.stderr, parsed.stderr);
      assert.equal(plain.stdout !== "", isThere);
    });
  }
});

for (
  const [what, content] of [
    ["text", () => new TextEncoder().encode("nothing of a graph")],
    ["nothing", () => new Uint8Array()],
    ["a predicted graph", () => Deno.readFileSync(fixturePath("small-mixed", "predicted.qg"))],
    ["a graph of which a part is gone", () => Deno.readFileSync(MIXED).subarray(0, 40_000)],
    ["a graph with a wrong block", () => {
      const bytes = Deno.readFileSync(MIXED);
      for (let at = bytes.length >> 2; at < bytes.length * 0.8; at += 60) bytes[at] ^= 0x55;
      return bytes;
    }],
  ] as [what: string, content: () => Uint8Array][]
) {
  Deno.test(`cat of a file with ${what} says what cat with an option says`, async () => {
    await using work = await temporaryDirectory();
    const path = join(work.path, "some.qg");
    Deno.writeFileSync(path, content());
    const plain = await runProvgraph(["cat", path, "log", SUCCESSFUL]);
    const parsed = await runProvgraph(["--color", "never", "cat", path, "log", SUCCESSFUL]);
    assert.notEqual(plain.code, 0);
    assert.deepEqual(plain, parsed);
  });
}

/** What is asked of a repository, and whether it has an answer after `ingest-graph` and before. */
const OF_REPOSITORY: readonly (readonly [words: string[], after: boolean, before: boolean])[] = [
  [["log", SUCCESSFUL, "--run", RUN], true, false],
  [["metadata", SUCCESSFUL, "--run", RUN], true, false],
  [["log", SUCCESSFUL.replaceAll("-", "").toUpperCase(), "--run", RUN], true, false],
  [["log", SUCCESSFUL.slice(0, -3), "--run", RUN], true, false],
  [["log", LOG, "--run", RUN], true, true],
  [["metadata", LOG, "--run", RUN], true, true],
  [["quantum", SUCCESSFUL, "--run", RUN], true, false],
  [["log", SUCCESSFUL], true, false],
  [["log", ...QUANTUM, "--run", RUN], true, true],
  [["log", SUCCESSFUL, "--run", "u/another"], false, false],
  [["log", SUCCESSFUL, "--run", "inputs/run1"], false, false],
  [["log", SUCCESSFUL, "--run", "u/oracle/out"], false, false],
  [["log", UNKNOWN, "--run", RUN], false, false],
  [["log", await idOf("quanta", "--status", "BLOCKED"), "--run", RUN], false, false],
  [["metadata", await idOf("quanta", "--status", "FAILED"), "--run", RUN], false, false],
  [["log", await idOf("datasets", "--type", "raw"), "--run", RUN], false, false],
];

for (const [state, column] of [["ingested", 1], ["aggregated", 2]] as const) {
  Deno.test(`cat of a repository answers as with an option that changes nothing: ${state}`, async (t) => {
    await using work = await unpackFixture("small-mixed", state);
    for (const request of OF_REPOSITORY) {
      const [words] = request;
      await t.step(`cat REPO ${words.join(" ")}`, async () => {
        const plain = await runProvgraph(["cat", work.repo, ...words]);
        const parsed = await runProvgraph(["--color", "never", "cat", work.repo, ...words]);
        assert.deepEqual(plain, parsed);
        assert.equal(plain.code === 0, request[column], plain.stderr);
        assert.equal(plain.stdout !== "", request[column]);
      });
    }
  });
}

for (
  const [what, change] of [
    ["is gone", (path: string) => Deno.removeSync(path)],
    ["is cut", (path: string) => Deno.truncateSync(path, 30_000)],
    ["is that of another RUN", (path: string) => {
      Deno.copyFileSync(fixturePath("second-run", "provenance.qg"), path);
    }],
  ] as [what: string, change: (path: string) => void][]
) {
  Deno.test(`cat of a repository whose graph ${what} says what cat with an option says`, async () => {
    await using work = await unpackFixture("small-mixed", "ingested");
    change(await graphIn(work.repo));
    const words = ["cat", work.repo, "log", SUCCESSFUL, "--run", RUN];
    const plain = await runProvgraph(words);
    const parsed = await runProvgraph(["--color", "never", ...words]);
    assert.deepEqual(plain, parsed);
    assert.notEqual(plain.code, 0);
  });
}

async function graphIn(repo: string): Promise<string> {
  const { stdout } = await expectProvgraph(["info", repo, "--run", RUN, "--json"]);
  return JSON.parse(stdout).graph.path;
}

/** Words after SOURCE, and whether there is an answer. */
const QUESTIONS: readonly (readonly [words: string[], isThere: boolean])[] = [
  [QUANTUM, true],
  [["coadd", "patch=0", "tract=0", "band=g"], true],
  [["calibrate"], false],
  [[...QUANTUM, "--run", RUN], true],
  [[...QUANTUM, "--run", "u/another"], false],
  [["=1"], false],
  [[], false],
];

for (const [words, isThere] of QUESTIONS) {
  Deno.test(`why SOURCE ${words.join(" ")} answers as with an option that changes nothing`, async () => {
    const plain = await runProvgraph(["why", MIXED, ...words]);
    const parsed = await runProvgraph(["--color", "never", "why", MIXED, ...words]);
    assert.equal(plain.code, parsed.code, plain.stderr);
    assert.equal(plain.stdout, parsed.stdout);
    assert.equal(plain.stderr, parsed.stderr);
    assert.equal(plain.stdout !== "", isThere);
  });
}

for (
  const [what, words] of [
    ["a graph", [MIXED]],
    ["a graph of a RUN", [MIXED, "--run", RUN]],
    ["a graph of another RUN", [MIXED, "--run", "u/another"]],
    ["a plan", [fixturePath("small-mixed", "predicted.qg")]],
    ["a file that is missing", ["missing.qg"]],
    ["two SOURCEs", [MIXED, MIXED]],
    ["nothing", []],
  ] as [what: string, words: string[]][]
) {
  Deno.test(`report of ${what} is that with an option that changes nothing`, async () => {
    const plain = await runProvgraph(["report", ...words]);
    const parsed = await runProvgraph(["--color", "never", "report", ...words]);
    assert.deepEqual(plain, parsed);
    assert.notEqual(plain.stdout + plain.stderr, "");
  });
}

/** Command lines, and whether there is an answer. Each is also one with an option that changes nothing. */
const LINES: readonly (readonly [words: string[], isThere: boolean])[] = [
  [["info", MIXED], true],
  [["info", MIXED, "--json"], true],
  [["info", MIXED, "--count", "--json"], true],
  [["info", "--count", MIXED, "--run", RUN], true],
  [["info", MIXED, "--run", "u/another", "--json"], false],
  [["info", MIXED, MIXED], false],
  [["info", "missing.qg"], false],
  [["info", MIXED, "--no-such"], false],
  [["info", MIXED, "--run", RUN, "--run", "u/another"], false],
  [["cat", MIXED, "log", ...QUANTUM, "--attempt", "0"], true],
  [["cat", MIXED, "log", ...QUANTUM, "--attempt", "-1", "--json"], true],
  [["cat", MIXED, "log", ...QUANTUM, "--attempt", "7"], false],
  [["cat", MIXED, "log", ...QUANTUM, "--attempt", "x"], false],
  [["cat", MIXED, "log", ...QUANTUM, "--all-attempts", "--format", "ndjson"], true],
  [["cat", MIXED, "log", ...QUANTUM, "--all-attempts", "--attempt", "0"], false],
  [["cat", MIXED, "--level", "warn", "log", ...QUANTUM, "--tail", "1"], true],
  [["cat", MIXED, "log", ...QUANTUM, "--level", "loud"], false],
  [["cat", MIXED, "log", ...QUANTUM, "--tail", "-1"], false],
  [["cat", MIXED, "metadata", ...QUANTUM, "--raw"], true],
  [["cat", MIXED, "metadata", ...QUANTUM, "--raw", "--json"], false],
  [["cat", MIXED, "metadata", ...QUANTUM, "--format", "yaml"], false],
  [["cat", MIXED, "metadata", ...QUANTUM, "--tail", "1"], false],
  [["cat", MIXED, "log", SUCCESSFUL, "--json"], true],
  [["ls", MIXED, "quanta"], true],
  [["ls", MIXED, "quanta", "--json", "--limit", "3"], true],
  [["ls", MIXED, "quanta", "--limit", "1", "--sort", "none", "--task", "coadd,calibrate"], true],
  [["ls", MIXED, "quanta", "--status", "failed,BLOCKED", "--fields", "task,status"], true],
  [["ls", MIXED, "quanta", "--sort", "-run_time"], true],
  [["ls", MIXED, "datasets", "--type", "raw", "--where", "visit=1"], true],
  [["ls", MIXED, "datasets", "--count", "--json"], true],
  [["ls", MIXED, "attempts", "--exception", "ValueError"], true],
  [["ls", MIXED, "quanta", "--count", "--fields", "task"], false],
  [["ls", MIXED, "quanta", "--fields", "colour"], false],
  [["ls", MIXED, "quanta", "--status", "NO", "--json"], false],
  [["ls", MIXED, "quanta", "--limit", "-1"], false],
  [["ls", MIXED, "quanta", "--where", "visit=="], false],
  [["ls", MIXED, "quanta", "datasets"], false],
  [["ls", MIXED, "letters"], false],
  [["ls", MIXED], false],
];

for (const [words, isThere] of LINES) {
  const shown = words.map((word) => word === MIXED ? "SOURCE" : word).join(" ");
  Deno.test(`${shown} answers as with an option that changes nothing`, async () => {
    const plain = await runProvgraph(words);
    const parsed = await runProvgraph(["--color", "never", ...words]);
    assert.deepEqual(plain, parsed);
    assert.equal(plain.code === 0, isThere, plain.stderr);
  });
}

for (
  const [args, isPlain] of [
    [["info", "a.qg", "--count"], true],
    [["ls", "--limit", "3", "a.qg", "quanta"], true],
    [["cat", "a.qg", "log", "x", "--attempt", "-1"], true],
    [["cat", "a.qg", "log", "x", "--attempt", "--json"], false],
    [["cat", "a.qg", "--batch"], false],
    [["ls", "a.qg", "quanta", "--limit=3"], false],
    [["ls", "a.qg", "quanta", "--task", "a", "--task", "b"], false],
    [["ls", "a.qg", "quanta", "--sort", "-run_time"], false],
    [["ls", "a.qg", "quanta", "--limit"], false],
    [["info", "a.qg", "-v"], false],
    [["info", "--", "a.qg"], false],
    [["info", "-"], false],
    [["--json", "info", "a.qg"], false],
    [["check", "a.qg"], false],
    [["toString", "a.qg"], false],
    [[], false],
  ] as [args: string[], isPlain: boolean][]
) {
  Deno.test(`${args.join(" ")}: the parser of options ${isPlain ? "isn't" : "is"} needed`, () => {
    assert.equal(plainWords(args) !== null, isPlain);
  });
}
