/** `cat --batch`, and `cat log` with --level, --grep and --tail. */

import assert from "node:assert/strict";
import { parseJson } from "../../lib/base/json_text.ts";
import {
  expectProvgraph,
  fixturePath,
  type ProcessResult,
  PROJECT,
  runProvgraph,
  spawnProvgraph,
} from "../support/fixtures.ts";
import { assertMatchesSchema } from "../support/json_schema.ts";
import { graphTruth } from "./graph_truth.ts";
import { assertOneError } from "./support.ts";

const MIXED = fixturePath("small-mixed", "provenance.qg");
/** The quantum whose log file is in `testdata/log_text`: two failures, then success. */
const RETRIED = ["calibrate", "visit=1", "detector=4"];

interface LogRecord {
  levelno: number;
  message: string;
}

/** Records of the last attempt as the task wrote them, and each as the reference prints it. */
function writtenLog(): { records: LogRecord[]; text: string } {
  const read = (name: string) => Deno.readTextFileSync(`${PROJECT}/testdata/log_text/${name}`);
  const file = parseJson(read("executed.json")) as unknown as { records: LogRecord[] };
  return { records: file.records, text: `${read("executed.txt")}\n` };
}

async function cat(...args: string[]): Promise<string> {
  return (await expectProvgraph(["cat", MIXED, ...args])).stdout;
}

async function batch(
  requests: string,
  options: { args?: string[]; code?: number; source?: string } = {},
): Promise<ProcessResult> {
  return await expectProvgraph(
    ["cat", options.source ?? MIXED, "--batch", ...(options.args ?? [])],
    { stdin: new TextEncoder().encode(requests), code: options.code ?? 0 },
  );
}

Deno.test("cat log --level, --grep and --tail select records, in text and as they are stored", async () => {
  const { records, text } = writtenLog();
  assert.equal(await cat("log", ...RETRIED), text);
  const all = JSON.parse(await cat("log", ...RETRIED, "--format", "json"));
  const cases: [args: string[], fits: (record: LogRecord, i: number) => boolean][] = [
    [["--level", "INFO"], ({ levelno }) => levelno >= 20],
    [["--level", "warn"], ({ levelno }) => levelno >= 30],
    [["--level", "15"], ({ levelno }) => levelno >= 15],
    [["--grep", "^INFO .*Removed \\d+ file"], ({ message }) => /Removed \d+ file/.test(message)],
    [["--grep", "étendue"], ({ message }) => message.includes("étendue")],
    [["--grep", "(?i:PREPARING)"], ({ message }) => message.startsWith("Preparing")],
    [["--tail", "2"], (_, i) => i >= records.length - 2],
    [["--tail", "0"], () => false],
    [
      ["--level", "20", "--grep", "dataId", "--tail", "1"],
      (record) => record === records.findLast((r) => r.levelno >= 20 && /dataId/.test(r.message)),
    ],
  ];
  for (const [args, fits] of cases) {
    const expected = all.filter((_: unknown, i: number) => fits(records[i], i));
    const what = args.join(" ");
    assert.deepEqual(JSON.parse(await cat("log", ...RETRIED, ...args, "--json")), expected, what);
    const lines = await cat("log", ...RETRIED, ...args, "--format", "ndjson");
    assert.equal(lines.split("\n").length - 1, expected.length, what);
    const printed = await cat("log", ...RETRIED, ...args);
    for (const { message } of expected) assert.ok(printed.includes(message), what);
    assert.equal(printed.length > 0, expected.length > 0, what);
    // What is printed is a part of the whole text, record by record.
    for (const line of printed.split("\n")) assert.ok(text.includes(line), line);
  }
});

Deno.test("cat log selects records of one attempt and of all", async () => {
  const first = JSON.parse(await cat("log", ...RETRIED, "--attempt", "0", "--json"));
  const some = await cat("log", ...RETRIED, "--attempt", "0", "--tail", "1", "--json");
  assert.deepEqual(JSON.parse(some), first.slice(-1));
  const all = JSON.parse(await cat("log", ...RETRIED, "--all-attempts", "--json"));
  const tails = JSON.parse(await cat("log", ...RETRIED, "--all-attempts", "--json", "--tail", "1"));
  assert.deepEqual(
    tails.attempts,
    all.attempts.map((records: LogRecord[]) => records.slice(-1)),
  );
  const text = await cat("log", ...RETRIED, "--all-attempts", "--grep", "no such words");
  assert.equal(text, "attempt 0\nattempt 1\nattempt 2\n");
});

Deno.test("cat refuses selections that mean nothing", async () => {
  const cases: [args: string[], message: RegExp][] = [
    [["metadata", ...RETRIED, "--level", "INFO"], /Cannot select records of metadata/],
    [["log", ...RETRIED, "--raw", "--tail", "1"], /--raw excludes --level/],
    [["--batch", "log"], /--batch excludes WHAT/],
    [["--batch", "--format", "json"], /--batch excludes WHAT/],
    [[], /it is not said which\nhint: give one of log, metadata/],
  ];
  for (const [args, message] of cases) {
    const result = await runProvgraph(["cat", MIXED, ...args]);
    assert.equal(result.code, 2, args.join(" "));
    assertOneError(result, message);
  }
  for (const args of [["--level", "LOUD"], ["--grep", "("]]) {
    const result = await runProvgraph(["cat", MIXED, "log", ...RETRIED, ...args]);
    assert.equal(result.code, 2);
    assert.match(result.stderr, /LOUD|regular expression/);
  }
});

Deno.test("cat --batch frames the same bytes that cat --raw prints", async () => {
  const { quanta, datasets } = graphTruth("small-mixed");
  const quantum = quanta.find(({ status }) => status === "SUCCESSFUL")!;
  const requests = [
    `log ${quantum.quantum_id}`,
    `metadata ${quantum.outputs._metadata[0]}`,
    `quantum ${quantum.quantum_id.replaceAll("-", "")}`,
    `dataset ${datasets[0].dataset_id}`,
    `log ${RETRIED.join(" ")}`,
    "config calibrate",
    "header",
  ];
  const { stdout } = await batch(`${requests.join("\n")}\n`);
  let rest = new TextEncoder().encode(stdout);
  const decoder = new TextDecoder();
  for (const request of requests) {
    const [what, ...id] = request.split(" ");
    const end = rest.indexOf(0x0a);
    const head = /^(.*) (\w+) (\d+)$/.exec(decoder.decode(rest.subarray(0, end)))!;
    assert.deepEqual(head.slice(1, 3), [id.join(" ") || "-", what]);
    const size = Number(head[3]);
    const document = rest.subarray(end + 1, end + 1 + size);
    assert.equal(decoder.decode(document), await cat(...request.split(" "), "--raw"), request);
    assert.equal(rest[end + 1 + size], 0x0a);
    rest = rest.slice(end + 2 + size);
  }
  assert.equal(rest.length, 0);
});

Deno.test("cat --batch goes on after requests that have no document, and ends with 3", async () => {
  const blocked = graphTruth("small-mixed").quanta.find(({ status }) => status === "BLOCKED")!;
  const requests: [request: string, answer: string][] = [
    ["log 00000000-0000-7000-8000-000000000000", "00000000-0000-7000-8000-000000000000 missing"],
    ["quantum 019f", "019f ambiguous"],
    [`log ${blocked.quantum_id}`, `${blocked.quantum_id} missing`],
    ["log", "- invalid"],
    ["poem 019f", "poem 019f invalid"],
    ["log calibrate night=1", "calibrate night=1 invalid"],
  ];
  const input = `${requests.map(([request]) => request).join("\n")}\n\nheader`;
  const { stdout } = await batch(input, { code: 3 });
  assert.deepEqual(
    stdout.split("\n").slice(0, requests.length),
    requests.map(([, answer]) => answer),
  );
  assert.match(stdout.split("\n")[requests.length], /^- header \d+$/);

  const json = await batch(input, { code: 3, args: ["--json"] });
  const lines = json.stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  for (const line of lines) assertMatchesSchema("cat-batch", line);
  assert.deepEqual(
    lines.map(({ status }) => status),
    ["missing", "ambiguous", "missing", "invalid", "invalid", "invalid", "found"],
  );
  assert.match(lines[2].message, /it was blocked/);
  assert.equal(lines.at(-1).document.graph_type, "provenance");
  const planned = await batch("log 019f\n", {
    code: 3,
    source: fixturePath("small-mixed", "predicted.qg"),
  });
  assert.equal(planned.stdout, "019f refused\n");
});

Deno.test("cat --batch --json splices documents as they are written", async () => {
  const { stdout } = await batch(`metadata ${RETRIED.join(" ")}\nconfig calibrate\n`, {
    args: ["--json"],
  });
  const [metadata, config] = stdout.trimEnd().split("\n");
  const written = await cat("metadata", ...RETRIED, "--raw");
  for (const token of ["NaN", "-Infinity", "3.0"]) assert.ok(written.includes(token), token);
  assert.equal(
    metadata,
    '{"message_type":"document","what":"metadata","id":"calibrate visit=1 detector=4",' +
      `"status":"found","document":${written}}`,
  );
  assert.equal(JSON.parse(config).document.config, await cat("config", "calibrate", "--raw"));
});

Deno.test("cat --batch answers each request before the next is asked", async () => {
  const child = spawnProvgraph(["cat", MIXED, "--batch", "--json"], { stdin: new Uint8Array() });
  const writer = child.stdin.getWriter();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (let n = 1; n <= 3; n++) {
    await writer.write(new TextEncoder().encode("header\n"));
    while (text.split("\n").length <= n) text += (await reader.read()).value!;
    assert.equal(text.split("\n").length, n + 1);
  }
  await writer.close();
  assert.equal((await reader.read()).done, true);
  await child.stderr.cancel();
  assert.equal((await child.status).code, 0);
});
