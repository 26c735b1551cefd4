/** Commands on a terminal: bars, the pager, colour; and away from it. */

import assert from "node:assert/strict";
import type { PagerProcess } from "../../lib/cli/terminal/pager_process.ts";
import { fixturePath } from "../support/fixtures.ts";
import { type Outcome, runHere } from "./check_support.ts";
import { Screen } from "./screen.ts";
import { copyOfFixture, removeUnpacked } from "./support.ts";

const GRAPH = fixturePath("small-mixed", "provenance.qg");
const QUANTUM = ["calibrate", "visit=1", "detector=2"];

/** A clock that goes on by a second with each look, so that bars are drawn whenever they may be. */
function fastClock(): () => Date {
  let ms = Date.UTC(2026, 6, 1);
  return () => new Date(ms += 1000);
}

Deno.test("aggregate-graph and ingest-graph draw bars on a terminal, and leave the log alone", async () => {
  await using work = await copyOfFixture("small-mixed", "before");
  const run = async (...args: string[]) => {
    const terminal = new Screen();
    const { code } = await runHere(args, { terminal, now: fastClock() });
    assert.equal(code, 0);
    assert.equal(terminal.isCursorShown, true);
    return terminal;
  };
  const graph = work.join("out.qg");
  const aggregate = ["aggregate-graph", work.join("predicted.qg"), work.repo, "-j", "1"];
  const screen = await run(...aggregate, "-o", graph);
  const bars = screen.frames.filter((frame) =>
    /^scan {5}\[[#.]{24}\] +\d+% \d+ of 53/m.test(frame)
  );
  assert.ok(bars.length > 0);
  assert.ok(screen.frames.some((frame) => /^bottleneck: \w+; memory: /m.test(frame)));
  for (const line of screen.lines.slice(0, -1)) assert.match(line, /^provgraph\.aggregate INFO: /);
  assert.ok(screen.lines.some((line) => /Speed: scan 53 quanta in .*; ingest 91 data/.test(line)));
  // Where no bars are wanted, or nothing at all.
  for (const option of ["--no-progress", "--no-interactive-status"]) {
    const plain = await run(...aggregate, option);
    assert.ok(plain.frames.every((frame) => !frame.includes("[#") && !frame.includes("[.")));
  }
  assert.deepEqual((await run(...aggregate, "-q")).lines, [""]);
  const ingest = await run("ingest-graph", work.repo, graph);
  assert.ok(ingest.frames.some((frame) => /^ingest {3}\[[#.]{24}\] +\d+% \d+ of 55/m.test(frame)));
  for (const line of ingest.lines.slice(0, -1)) assert.match(line, /^provgraph\.ingest INFO: /);
});

Deno.test("away from a terminal status lines come at their interval", async () => {
  await using work = await copyOfFixture("small-mixed", "before");
  const args = ["aggregate-graph", work.join("predicted.qg"), work.repo, "--dry-run", "-j", "1"];
  const run = async (interval: string) => {
    const own = { now: fastClock() };
    return (await runHere([...args, "--log-status-interval", interval], own)).stderr;
  };
  assert.match(
    await run("1"),
    /INFO: Status after \d+\.0s: scan \d+ of 53 quanta.*; bottleneck: \w+; memory: 0 B; waiting to/,
  );
  assert.doesNotMatch(await run("100000"), /Status after/);
});

/** A pager that keeps what it gets, and may be left early. */
class TestPager implements PagerProcess {
  text = "";
  isEnded = false;
  readonly command: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly #isLeft: boolean;

  constructor(command: string, variables: Readonly<Record<string, string>>, isLeft: boolean) {
    this.command = command;
    this.variables = variables;
    this.#isLeft = isLeft;
  }

  write(text: string): Promise<void> {
    if (this.#isLeft) return Promise.reject(new Error("broken pipe"));
    this.text += text;
    return Promise.resolve();
  }

  end(): Promise<void> {
    this.isEnded = true;
    return Promise.resolve();
  }
}

Deno.test("long text goes through the pager on a terminal, and nothing else does", async () => {
  const plain = async (...args: string[]) => (await runHere(args)).stdout;
  const run = async (
    args: string[],
    variables: Record<string, string> = {},
    { rows = 5, isTerminal = true, isLeft = false } = {},
  ): Promise<Outcome & { pager: TestPager | null }> => {
    let pager: TestPager | null = null;
    let stdout = "";
    const { code, stderr } = await runHere(args, {
      terminal: {
        write: (text) =>
          void (stdout += typeof text === "string" ? text : new TextDecoder().decode(text)),
        writeError: (text) => {
          throw new Error(`nothing should be said: ${text}`);
        },
        isTerminal,
        isErrorTerminal: false,
        size: () => ({ columns: 100, rows }),
      },
      env: { get: (name) => variables[name] },
      openPager: (command, added) => pager = new TestPager(command, added, isLeft),
    });
    return { code, stdout, stderr, pager };
  };
  const cat = ["cat", GRAPH, "log", ...QUANTUM];
  const text = await plain(...cat);
  assert.ok(text.split("\n").length > 5);
  const paged = await run(cat);
  assert.deepEqual([paged.code, paged.stdout, paged.pager?.text], [0, "", text]);
  assert.deepEqual([paged.pager!.command, paged.pager!.variables], ["less", { LESS: "FRX" }]);
  assert.ok(paged.pager!.isEnded);
  const own = await run(cat, { PAGER: "more -d", LESS: "i" });
  assert.deepEqual([own.pager!.command, own.pager!.variables], ["more -d", {}]);
  // One that the user leaves before the end is no error.
  const left = await run(cat, {}, { isLeft: true });
  assert.deepEqual([left.code, left.stdout, left.pager!.isEnded], [0, "", true]);
  const direct: [args: string[], variables?: Record<string, string>, options?: object][] = [
    [[...cat, "--no-pager"]],
    [["--no-pager", ...cat]],
    [cat, { PAGER: "" }],
    [cat, { PAGER: "cat" }],
    [cat, {}, { rows: 1000 }],
    [cat, {}, { isTerminal: false }],
    [[...cat, "--json"]],
    [[...cat, "--raw"]],
  ];
  for (const [args, variables, options] of direct) {
    const { code, stdout, pager } = await run(args, variables, options);
    assert.deepEqual([code, pager], [0, null], args.join(" "));
    const expected = await plain(...args.filter((arg) => arg !== "--no-pager"));
    assert.equal(stdout, expected, args.join(" "));
  }
});

Deno.test("errors are marked on a terminal, unless colour is not wanted", async () => {
  const run = async (
    isErrorTerminal: boolean,
    args: string[],
    env: Record<string, string> = {},
  ) => {
    let text = "";
    await runHere(["cat", "nowhere.qg", "header", ...args], {
      terminal: {
        write: () => {},
        writeError: (part) => text += part,
        isTerminal: false,
        isErrorTerminal,
        size: () => ({ columns: 80, rows: 24 }),
      },
      env: { get: (name) => env[name] },
    });
    return text;
  };
  const plain = await run(false, []);
  assert.match(plain, /^error: .*nowhere.*\nhint: /);
  const marked = plain
    .replace("error:", "\x1b[31merror:\x1b[39m")
    .replace("\nhint:", "\n\x1b[36mhint:\x1b[39m");
  assert.equal(await run(true, []), marked);
  assert.equal(await run(true, [], { NO_COLOR: "1" }), plain);
  assert.equal(await run(true, ["--color", "never"]), plain);
  assert.match(await run(true, ["--json"]), /^\{"message_type":"exit_error",/);
});

Deno.test.afterAll(removeUnpacked);
