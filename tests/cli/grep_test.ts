/** `grep` beside what the reference's reader found in the logs. */

import assert from "node:assert/strict";
import { grep } from "../../lib/grep/grep.ts";
import { openSource } from "../../lib/sources/open_source.ts";
import { fixturePath, RUN } from "../support/fixtures.ts";
import { assertMatchesSchema } from "../support/json_schema.ts";
import { runHere } from "./check_support.ts";
import { graphTruth, jsonLines, type TrueQuantum } from "./graph_truth.ts";
import { assertOneError, copyOfFixture, removeUnpacked } from "./support.ts";

const MIXED = fixturePath("small-mixed", "provenance.qg");
const PREDICTED = fixturePath("small-mixed", "predicted.qg");

/** A quantum with what the dump says of its logs. */
type Logged = TrueQuantum & { logs: ({ n_records: number } | null)[] | null };

const QUANTA = graphTruth("small-mixed").quanta as Logged[];

interface Line {
  message_type: string;
  quantum_id: string;
  attempt: number;
  text: string;
  n: number;
  n_logs: number;
  n_records: number;
}

async function lines(...args: string[]): Promise<Line[]> {
  const { code, stdout, stderr } = await runHere(["-q", "grep", ...args, "-j", "2", "--json"]);
  assert.equal(code, 0, stderr);
  const all = jsonLines<Line>(stdout);
  for (const line of all) assertMatchesSchema("grep", line);
  return all;
}

/** Number of matches by quantum. */
async function counts(...args: string[]): Promise<Map<string, number>> {
  const found = (await lines(...args, "--count")).slice(0, -1);
  return new Map(found.map(({ quantum_id, n }) => [quantum_id, n]));
}

function sorted<T>(map: ReadonlyMap<string, T>): [string, T][] {
  return [...map].sort(([a], [b]) => a < b ? -1 : 1);
}

function nRecords({ logs }: Logged): number {
  return (logs ?? []).reduce((sum, log) => sum + (log?.n_records ?? 0), 0);
}

/** What the filters leave, by the reference's dump. */
const FILTERS: readonly (readonly [args: string[], fits: (quantum: Logged) => boolean])[] = [
  [[], () => true],
  [["--task", "warp"], ({ task_label }) => task_label === "warp"],
  [["--status", "failed"], ({ status }) => status === "FAILED"],
  [
    ["--where", "visit in (1,2) and detector=3"],
    ({ data_id }) => [1, 2].includes(data_id.visit as number) && data_id.detector === 3,
  ],
  [["--task", "coadd", "--status", "FAILED"], () => false],
];

for (const [args, fits] of FILTERS) {
  Deno.test(`grep . ${args.join(" ")} counts all records that the reference has`, async () => {
    const expected = new Map(
      QUANTA.filter((quantum) => fits(quantum) && nRecords(quantum) > 0)
        .map((quantum) => [quantum.quantum_id, nRecords(quantum)]),
    );
    assert.deepEqual(sorted(await counts("[^]", MIXED, ...args)), sorted(expected));
  });
}

Deno.test("grep finds the exception of each attempt in its log", async () => {
  const found = (await lines("Deliberate failure .* phase \\d", MIXED)).slice(0, -1);
  const expected = QUANTA.flatMap(({ quantum_id, attempts }) =>
    attempts.flatMap(({ exception }, i) =>
      exception?.message.startsWith("Deliberate failure") ? [`${quantum_id} ${i}`] : []
    )
  );
  assert.ok(expected.length > 3);
  assert.deepEqual(
    found.map(({ quantum_id, attempt }) => `${quantum_id} ${attempt}`).sort(),
    expected.sort(),
  );
});

Deno.test("grep says the same of a chunk log, of an ingested RUN, and of one before that", async () => {
  const expected = sorted(await counts("Exception", MIXED));
  assert.ok(expected.length > 0);
  await using work = await copyOfFixture("small-mixed", "before");
  const output = work.join("provenance.qg");
  const made = await runHere(
    ["-q", "aggregate-graph", work.join("predicted.qg"), work.repo, "-o", output, "--keep-chunks"],
  );
  assert.equal(made.code, 0, made.stderr);
  assert.deepEqual(sorted(await counts("Exception", output)), expected);
  assert.deepEqual(sorted(await counts("Exception", `${output}.chunks`)), expected);
  const registered = (await lines("Exception", work.repo, "--run", RUN)).at(-1)!;
  assert.equal(registered.n_records, expected.reduce((sum, [, n]) => sum + n, 0));
  await using ingested = await copyOfFixture("small-mixed", "ingested");
  assert.deepEqual(sorted(await counts("Exception", ingested.repo, "--run", RUN)), expected);
});

Deno.test("grep prints records below the name of their quantum", async () => {
  const { code, stdout, stderr } = await runHere(["grep", "phase 3", MIXED, "-j", "1"]);
  assert.equal(code, 0);
  assert.match(
    stdout,
    /^calibrate instrument=OracleCam detector=1 visit=3 FAILED {2}[0-9a-f-]{36}\n {2}\[2\] ERROR .*phase 3 .*\n {4}with two lines\n$/,
  );
  assert.match(stderr, /1 records match, in 1 of 30 logs/);
});

Deno.test("--level, --ignore-case and --fixed-strings", async () => {
  const n = async (...args: string[]) => (await lines(...args, MIXED)).at(-1)!.n_records;
  const all = await n("DELIBERATE", "-i");
  assert.ok(all > 0);
  assert.equal(await n("DELIBERATE"), 0);
  assert.equal(await n("deliberate", "-i", "--level", "CRITICAL"), 0);
  assert.equal(await n("phase .", "-F"), 0);
  assert.equal(await n("{'instrument': 'OracleCam', 'detector': 1, 'visit': 3}", "-F") > 0, true);
});

/** Refused with exit code 2, before anything is printed. */
const REFUSED: readonly (readonly [args: string[], message: RegExp])[] = [
  [["(", MIXED], /Cannot use "\(" as PATTERN/],
  [["", MIXED], /PATTERN is empty/],
  [["x", PREDICTED], /Cannot read logs/],
  [["x", MIXED, "--status", "LOST"], /it is no status/],
  [["x", MIXED, "--task", "nothing"], /Cannot find task "nothing"/],
  [["x", MIXED, "--where", "colour=1"], /there is no dimension or field "colour"/],
  [["x", MIXED, "--level", "loud"], /It is no number/],
];

for (const [args, message] of REFUSED) {
  Deno.test(`grep ${args.map((word) => word.split("/").pop()).join(" ")} is refused`, async () => {
    const result = await runHere(["grep", ...args]);
    assert.equal(result.code, 2, result.stderr);
    assertOneError({ ...result, signal: null }, message);
  });
}

Deno.test("a pattern that takes for ever is ended, and told with the quantum", async () => {
  await using source = await openSource(MIXED, null, { get: () => undefined }, Deno.cwd());
  const search = { source: "(x|xx|.)*(.*)*(.+.+)+Q$", isCaseIgnored: false, minLevel: null };
  await assert.rejects(
    grep(source, {
      search: { ...search, nMost: 1 },
      filter: { tasks: [], statuses: [], where: null },
      nWorkers: 1,
      makeWorker: (role) =>
        new Worker(new URL(`../../workers/${role}.ts`, import.meta.url), { type: "module" }),
      recordMs: 200,
    }, () => Promise.resolve()),
    /Cannot search for .*: it takes more than 0\.2 s for one record of the log of [0-9a-f-]{36}/,
  );
});

Deno.test.afterAll(removeUnpacked);
