/** Names and messages from files can't give orders to a terminal, whichever command shows them. */

import assert from "node:assert/strict";
import { decodeUtf8, encodeUtf8 } from "../../lib/base/json_text.ts";
import {
  visibleBytes,
  visibleJson,
  visibleLine,
  visibleText,
} from "../../lib/base/text/visible_text.ts";
import { shellWord } from "../../lib/base/text/shell.ts";
import { makeStyle, shown } from "../../lib/cli/terminal/color.ts";
import { Zstd } from "../../lib/codec/zstd.ts";
import { buildZip, zipMembers } from "../qg/support.ts";
import { fixturePath, type TemporaryDirectory } from "../support/fixtures.ts";
import { type Outcome, runHere } from "./check_support.ts";
import { copyOfFixture, removeUnpacked, replaceFile } from "./support.ts";

const RUN = "u/oracle/out/20260701T000000Z";
const QUANTUM = ["calibrate", "visit=3", "detector=2"];

/** A title, a cleared screen, a colour, a C1 control, an override of direction, and DEL. */
const EVIL = "\x1b]0;PWNED\x07\x1b[2J\x1b[31m\x9b8m\u202eback\x7f";

// deno-lint-ignore no-control-regex -- these are looked for
const ORDERS = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/;

// deno-lint-ignore no-control-regex -- as above
const OWN_MARKS = /\x1b\[(?:1|2|22|3[1-6]|39)m/g;

/** What a command writes to a terminal of 500 columns that can show colours. */
async function onTerminal(args: readonly string[], color: string): Promise<Outcome> {
  const decoder = new TextDecoder();
  let stdout = "";
  let stderr = "";
  const { code } = await runHere(["--color", color, "--no-pager", ...args], {
    now: () => new Date(Date.UTC(2026, 6, 1)),
    terminal: {
      write: (part) => void (stdout += typeof part === "string" ? part : decoder.decode(part)),
      writeError: (text) => void (stderr += text),
      isTerminal: true,
      isErrorTerminal: false,
      size: () => ({ columns: 500, rows: 100 }),
    },
  });
  return { code, stdout, stderr };
}

/** Makes every failed quantum's log and exception evil, and aggregates. */
async function evilGraph(work: TemporaryDirectory): Promise<string> {
  for (const path of logsBelow(`${work.repo}/u/oracle/out`)) {
    const document = JSON.parse(
      // What Python writes of floats is no JSON.
      Deno.readTextFileSync(path).replaceAll(/-?\b(?:NaN|Infinity)\b/g, "0"),
    );
    if (document.exception == null) continue;
    document.exception.type_name = `x.E${EVIL}`;
    document.exception.message = `first ${EVIL}\nsecond ${EVIL}`;
    document.records[0].message = `message ${EVIL}\nsecond line`;
    document.records[0].name = `name ${EVIL}`;
    replaceFile(path, JSON.stringify(document));
  }
  const graph = work.join("provenance.qg");
  const args = ["-q", "aggregate-graph", work.join("predicted.qg"), work.repo, "-o", graph];
  const { code, stderr } = await runHere([...args, "-j", "1"]);
  assert.equal(code, 0, stderr);
  return graph;
}

function* logsBelow(directory: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(directory)) {
    const path = `${directory}/${name}`;
    if (isDirectory) yield* logsBelow(path);
    else if (/_log_.*\.json$/.test(name)) yield path;
  }
}

/** The graph with another RUN, user and command in its header, and with other labels in its quanta. */
async function renamed(graph: string, path: string): Promise<string> {
  const zstd = await Zstd.load();
  const members = zipMembers(Deno.readFileSync(graph));
  const dictionary = members.find(({ name }) => name === "compression_dict")?.data ?? null;
  const names = ["header.json.zst", "pipeline_graph.json.zst"];
  const data = new Map(
    members.filter(({ name }) => names.includes(name)).map((member) => {
      const text = decodeUtf8(zstd.decompressor(dictionary).decompress(member.data, "member"));
      const inJson = JSON.stringify(EVIL).slice(1, -1);
      const changed = text.replaceAll(RUN, `${RUN}${inJson}`)
        .replace(/"user":"[^"]*"/, `"user":"me${inJson}"`)
        .replace(/"command":"[^"]*"/, `"command":"pipetask\\n${inJson}"`);
      return [member.name, zstd.compressor(null, 3).compress(encodeUtf8(changed))];
    }),
  );
  Deno.writeFileSync(
    path,
    buildZip(members.map((each) => ({ name: each.name, data: data.get(each.name) ?? each.data }))),
  );
  return path;
}

/** Commands, what their text must show, and whether it is JSON. */
const COMMANDS: readonly (readonly [words: string[], expected: RegExp])[] = [
  [
    ["cat", "GRAPH", "log", ...QUANTUM],
    /message ␛\]0;PWNED␇␛\[2J␛\[31m\\u\{9b\}8m\\u\{202e\}back␡\nsecond line/,
  ],
  [["cat", "GRAPH", "log", ...QUANTUM, "--all-attempts"], /message ␛\]0;PWNED/],
  [["cat", "GRAPH", "log", ...QUANTUM, "--grep", "PWNED"], /message ␛\]0;PWNED/],
  [["cat", "GRAPH", "quantum", ...QUANTUM], /x\.E␛\]0;PWNED.*: first ␛.*\n +second ␛/],
  [["cat", "REPO", "log", ...QUANTUM], /message ␛\]0;PWNED/],
  [["ls", "GRAPH", "quanta", "--status", "FAILED"], /E␛\]0;PWNED/],
  [["ls", "GRAPH", "quanta", "--status", "FAILED", "--fields", "exception"], /x\.E␛\]0;PWNED/],
  [["ls", "GRAPH", "quanta", "--status", "FAILED", "--json"], /x\.E\\u001b\]0;PWNED/],
  [["grep", "PWNED", "GRAPH"], /message ␛\]0;PWNED␇␛\[2J␛\[31m.*\n +second line/],
  [["grep", "PWNED", "GRAPH", "--json"], /message \\u001b\]0;PWNED/],
  [["why", "GRAPH", ...QUANTUM], /x\.E␛\]0;PWNED.*: first ␛/],
  [["why", "GRAPH", ...QUANTUM, "--json"], /x\.E\\u001b\]0;PWNED/],
  [["diff", "GRAPH", "ORIGINAL"], /x\.E␛\]0;PWNED/],
  [["diff", "GRAPH", "ORIGINAL", "--json"], /x\.E\\u001b\]0;PWNED/],
  [["report", "GRAPH"], /E␛\]0;PWNED/],
  [["report", "GRAPH", "--json"], /x\.E\\u001b\]0;PWNED/],
  [["report", "GRAPH", "--markdown", "-"], /E␛/],
  [["report", "GRAPH", "--html", "-"], /E␛/],
  [["provenance-report", "GRAPH"], /x\.E\\x1b\]0;PWNED/],
  [["provenance-report", "GRAPH", "--json"], /x\.E\\u001b\]0;PWNED/],
  [["info", "RENAMED"], new RegExp(`RUN +${RUN}␛\\]0;PWNED`)],
  [["info", "RENAMED"], /command +pipetask␊␛/],
  [["info", "RENAMED", "--json"], /me\\u001b\]0;PWNED/],
  [["trace", "GRAPH", ...QUANTUM, "--format", "dot"], /digraph/],
  [["trace", "GRAPH", ...QUANTUM, "--format", "mermaid"], /flowchart/],
  [["check", "RENAMED"], /RUN|problem/],
];

Deno.test("control characters of files never reach a terminal", async (t) => {
  await using work = await copyOfFixture("small-mixed", "before");
  const places: Record<string, string> = {
    GRAPH: await evilGraph(work),
    REPO: work.repo,
    ORIGINAL: fixturePath("small-mixed", "provenance.qg"),
  };
  places.RENAMED = await renamed(places.GRAPH, work.join("renamed.qg"));
  for (const [words, expected] of COMMANDS) {
    await t.step(words.join(" "), async () => {
      const args = words.map((word) => places[word] ?? word);
      const { code, stdout, stderr } = await onTerminal(args, "never");
      assert.ok(code === 0 || words[0] === "check", stderr);
      assert.match(stdout, expected);
      assert.doesNotMatch(stdout + stderr, ORDERS);
      // In colour there is nothing but the marks of our own style.
      const colored = await onTerminal(args, "always");
      assert.equal(colored.stdout.replace(OWN_MARKS, ""), stdout);
    });
  }
});

Deno.test("control characters of names never reach a terminal with an error or a log line", async (t) => {
  await using work = await copyOfFixture("small-mixed", "before");
  const graph = fixturePath("small-mixed", "provenance.qg");
  const evilFile = work.join(`${EVIL}\nerror: forged.qg`);
  Deno.writeTextFileSync(evilFile, "no graph");
  const cases: string[][] = [
    ["cat", evilFile, "log", "calibrate"],
    ["cat", `/nowhere/${EVIL}`, "log", "calibrate"],
    ["cat", graph, "log", EVIL],
    ["cat", graph, EVIL],
    ["cat", graph, "log", "calibrate", `--${EVIL}`],
    [EVIL],
    ["info", work.repo, "--run", EVIL],
    ["ls", graph, "quanta", "--where", `visit=${EVIL}`],
    ["ls", graph, "quanta", "--fields", EVIL],
    ["ls", graph, "quanta", "--status", EVIL],
    ["--log-level", EVIL, "info", graph],
    ["aggregate-graph", evilFile, work.repo],
  ];
  for (const args of cases) {
    for (const debug of [[], ["--debug"]]) {
      await t.step(JSON.stringify([...debug, ...args]).slice(0, 60), async () => {
        const { code, stderr } = await onTerminal([...debug, ...args], "never");
        assert.notEqual(code, 0);
        assert.match(stderr, /^error: .*(?:␛|\\u001b)/ms);
        assert.doesNotMatch(stderr, ORDERS);
        assert.doesNotMatch(stderr, /^error: forged/m);
        const json = await onTerminal([...debug, ...args, "--json"], "never");
        assert.doesNotMatch(json.stderr, ORDERS);
      });
    }
  }
});

Deno.test("log lines can't look like other records", async () => {
  await using work = await copyOfFixture("small-mixed", "before");
  const output = work.join(`${EVIL}\nprovgraph.aggregate INFO: forged.qg`);
  const args = ["aggregate-graph", work.join("predicted.qg"), work.repo, "-j", "1", "--dry-run"];
  const { code, stderr } = await onTerminal([...args, "-o", output], "never");
  assert.equal(code, 0, stderr);
  assert.match(stderr, /Wrote .*␛\]0;PWNED/);
  assert.doesNotMatch(stderr, ORDERS);
  assert.doesNotMatch(stderr, /^provgraph\.aggregate INFO: forged/m);
});

Deno.test("visibleText() and its like leave nothing that gives orders, and all else as it is", () => {
  const all = Array.from({ length: 0x3000 }, (_, code) => String.fromCharCode(code)).join("");
  assert.doesNotMatch(visibleText(all), ORDERS);
  assert.doesNotMatch(visibleLine(all), /[\n\t]/);
  assert.equal(visibleText("a\tb\nc é星😀 e\u0301"), "a\tb\nc é星😀 e\u0301");
  assert.equal(visibleLine("a\tb\nc"), "a␉b␊c");
  const plain = encodeUtf8("plain\n\ttext");
  assert.equal(visibleBytes(plain), plain);
  assert.equal(decodeUtf8(visibleBytes(encodeUtf8("é\x1b"))), "é␛");
  const json = JSON.stringify({ x: all });
  assert.deepEqual(JSON.parse(visibleJson(json)), JSON.parse(json));
  assert.doesNotMatch(visibleJson(json), ORDERS);
});

Deno.test("marks in texts of files are no marks", () => {
  const off = makeStyle(false);
  const on = makeStyle(true);
  assert.equal(shown(`${on.red("x")} \x1b[31my`, on), "\x1b[31mx\x1b[39m ␛[31my");
  assert.equal(shown("\ufdd0x\ufdef", off), "x");
});

for (const word of ["plain", "two words", "it's", `a${EVIL}'\\b`, "line\nend", "é"]) {
  Deno.test(`shellWord() gives bash ${JSON.stringify(word)} back`, () => {
    const quoted = shellWord(word);
    assert.doesNotMatch(quoted, ORDERS);
    const { stdout } = new Deno.Command("bash", {
      args: ["-c", `printf %s ${quoted}`],
      env: { LC_ALL: "C.UTF-8" },
    }).outputSync();
    assert.equal(decodeUtf8(stdout), word);
  });
}

Deno.test.afterAll(removeUnpacked);
