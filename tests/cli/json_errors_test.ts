/** What a command with `--json` says when it can't do its work. */

import assert from "node:assert/strict";
import { fixturePath, runProvgraph, spawnProvgraph } from "../support/fixtures.ts";
import { assertMatchesSchema } from "../support/json_schema.ts";

const GRAPH = fixturePath("small-mixed", "provenance.qg");

Deno.test("with --json stdout is empty and the last line on stderr is an exit_error", async () => {
  const cases: [args: string[], code: number, message: RegExp, hint: RegExp | null][] = [
    [["cat", "nowhere.qg", "header", "--json"], 2, /nowhere\.qg/, null],
    [["cat", GRAPH, "--json", "log"], 2, /no ID is given/, /UUID/],
    [
      ["--log-level", "DEBUG", "cat", GRAPH, "log", "01", "--attempt", "77", "--json"],
      2,
      /./,
      null,
    ],
    [["check", "--json", "nowhere.qg"], 2, /nowhere\.qg/, null],
    // Refused before any command runs.
    [["check", "--json"], 2, /missing required argument/, /provgraph help check/],
    [["cat", GRAPH, "header", "--json", "--bogus"], 2, /unknown option '--bogus'/, /help/],
    [["frobnicate", "--json"], 2, /unknown/, /--help lists commands/],
    [["--log-level", "LOUD", "check", "--json", GRAPH], 2, /level "LOUD" is unknown/, /levels are/],
  ];
  for (const [args, code, message, hint] of cases) {
    const result = await runProvgraph(args);
    assert.equal(result.code, code, `${args.join(" ")}\n${result.stderr}`);
    assert.equal(result.stdout, "");
    assert.match(result.stderr, /\n$/);
    assert.doesNotMatch(result.stderr, /^error: /m);
    const record = JSON.parse(result.stderr.trimEnd().split("\n").at(-1)!);
    assertMatchesSchema("exit_error", record, args.join(" "));
    assert.equal(record.code, code);
    assert.match(record.message, message);
    if (hint !== null) assert.match(record.hint, hint);
  }
});

Deno.test("a --json behind -- is an operand", async () => {
  const { stderr } = await runProvgraph(["cat", GRAPH, "log", "--", "--json"]);
  assert.match(stderr, /^error: /m);
});

Deno.test("cat --json is cat --format json, and excludes --raw", async () => {
  const id = ["calibrate", "visit=1", "detector=2"];
  const json = await runProvgraph(["cat", GRAPH, "quantum", ...id, "--json"]);
  const format = await runProvgraph(["cat", GRAPH, "quantum", ...id, "--format", "json"]);
  assert.equal(json.code, 0);
  assert.equal(json.stdout, format.stdout);
  assert.equal(typeof JSON.parse(json.stdout), "object");
  const raw = await runProvgraph(["cat", GRAPH, "header", "--raw", "--json"]);
  assert.equal(raw.code, 2);
});

Deno.test("what a signal ends says so as JSON too", async () => {
  const child = spawnProvgraph(["cat", GRAPH, "--batch", "--json"], { stdin: new Uint8Array() });
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode("header\n"));
  const reader = child.stdout.getReader();
  // It answers, so it is at work and waits for the next line.
  assert.ok((await reader.read()).value!.length > 0);
  child.kill("SIGTERM");
  const [{ code }, stderr] = await Promise.all([child.status, new Response(child.stderr).text()]);
  await reader.cancel();
  await writer.close().catch(() => {});
  assert.equal(code, 143);
  const record = JSON.parse(stderr.trimEnd().split("\n").at(-1)!);
  assertMatchesSchema("exit_error", record);
  assert.deepEqual([record.code, record.message], [143, "Ended by SIGTERM"]);
});
