/** Order, counts, attempts and likeness in lists, beside what the reference's reader gives. */

import assert from "node:assert/strict";
import { fixturePath } from "../support/fixtures.ts";
import { assertMatchesSchema } from "../support/json_schema.ts";
import { runHere } from "./check_support.ts";
import { graphTruth, jsonLines, type TrueQuantum } from "./graph_truth.ts";
import { assertOneError, copyOfFixture, removeUnpacked } from "./support.ts";

const MIXED = fixturePath("small-mixed", "provenance.qg");
const { quanta, datasets } = graphTruth("small-mixed");

interface Row {
  [field: string]: unknown;
}

async function ls(...args: string[]): Promise<Row[]> {
  const { code, stdout, stderr } = await runHere(["ls", MIXED, ...args, "--json"]);
  assert.equal(code, 0, stderr);
  const rows = jsonLines<Row>(stdout);
  for (const row of rows) assertMatchesSchema("ls", row);
  return rows;
}

const memoryOf = ({ attempts }: TrueQuantum) =>
  Number(attempts.at(-1)?.resource_usage?.memory ?? NaN);

Deno.test("quanta come by task in the order of the pipeline, then by data ID", async () => {
  const rows = await ls("quanta");
  const labels = ["calibrate", "consolidate", "warp", "coadd", "summarize"];
  const tasks = rows.map(({ task }) => task as string);
  const firsts = [...new Set(tasks)];
  assert.deepEqual([...firsts].sort(), labels.sort());
  // Each task in one piece.
  assert.equal(tasks.filter((task, i) => task !== tasks[i - 1]).length, firsts.length);
  const calibrate = rows.filter(({ task }) => task === "calibrate")
    .map(({ data_id }) => data_id as { detector: number; visit: number });
  const expected = [...calibrate].sort((a, b) => a.detector - b.detector || a.visit - b.visit);
  assert.deepEqual(calibrate, expected);
});

Deno.test("the order doesn't depend on how quanta are stored", async () => {
  // The same run, aggregated by us: other scanners were quicker.
  await using work = await copyOfFixture("small-mixed", "before");
  const graph = work.join("provenance.qg");
  const made = await runHere(
    ["-q", "aggregate-graph", work.join("predicted.qg"), work.repo, "-o", graph],
  );
  assert.equal(made.code, 0, made.stderr);
  for (const kind of ["quanta", "attempts", "datasets"]) {
    const fields = kind === "datasets" ? "dataset_type,dataset_id" : "task,quantum_id";
    const listed = async (source: string) =>
      (await runHere(["ls", source, kind, "--fields", fields])).stdout;
    assert.equal(await listed(graph), await listed(MIXED), kind);
  }
});

for (const [word, sign] of [["memory", 1], ["-memory", -1]] as const) {
  Deno.test(`--sort=${word} sorts by it, and what has none comes last`, async () => {
    const values = (await ls("quanta", `--sort=${word}`)).map(({ memory }) =>
      memory as number | null
    );
    const known = quanta.map(memoryOf).filter((value) => !Number.isNaN(value))
      .sort((a, b) => sign * (a - b));
    assert.ok(known.length > 10 && known.length < quanta.length);
    assert.deepEqual(values, [...known, ...Array(quanta.length - known.length).fill(null)]);
  });
}

Deno.test("--limit takes the first of what is sorted", async () => {
  const all = await ls("quanta", "--sort", "visit,-detector", "--task", "calibrate");
  assert.deepEqual(
    all.map(({ data_id }) => data_id as { visit: number; detector: number })
      .map(({ visit, detector }) => [visit, detector]),
    [1, 2, 3, 4].flatMap((visit) => [4, 3, 2, 1].map((detector) => [visit, detector])),
  );
  const some = await ls(
    "quanta",
    "--sort",
    "visit,-detector",
    "--task",
    "calibrate",
    "--limit",
    "5",
  );
  assert.deepEqual(some, all.slice(0, 5));
});

Deno.test("--sort none lists the same as it is stored", async () => {
  const ids = (rows: Row[]) => rows.map(({ dataset_id }) => dataset_id).sort();
  assert.deepEqual(ids(await ls("datasets", "--sort", "none")), ids(await ls("datasets")));
});

/** Arguments, and how many fit by the dump. */
const COUNTS: readonly (readonly [args: string[], n: number])[] = [
  [["quanta"], quanta.length],
  [["quanta", "--status", "FAILED"], quanta.filter(({ status }) => status === "FAILED").length],
  [
    ["datasets", "--where", "produced = false"],
    datasets.filter(({ produced }) => !produced).length,
  ],
  [["attempts"], quanta.reduce((sum, { attempts }) => sum + attempts.length, 0)],
  [
    ["attempts", "--status", "FAILED"],
    quanta.flatMap(({ attempts }) => attempts).filter(({ status }) => status === -1).length,
  ],
  [
    ["attempts", "--exception", "ValueError", "--where", "is_last = false"],
    quanta.flatMap(({ attempts }) => attempts.slice(0, -1))
      .filter(({ exception }) => exception?.type_name === "ValueError").length,
  ],
  [
    ["quanta", "--where", "message like '%Partial%' or exception not like '%Algorithm%'"],
    quanta.filter(({ exception }) =>
      exception !== null &&
      (exception.message.includes("Partial") || !exception.type_name.includes("Algorithm"))
    ).length,
  ],
  [["quanta", "--where", "task like 'co%'", "--limit", "3"], 3],
];

for (const [args, n] of COUNTS) {
  Deno.test(`ls ${args.join(" ")} --count: ${n}`, async () => {
    assert.deepEqual(await ls(...args, "--count"), [{ message_type: "count", n }]);
    assert.equal((await runHere(["ls", MIXED, ...args, "--count"])).stdout, `${n}\n`);
  });
}

Deno.test("attempts are rows with what the reference has of each", async () => {
  const rows = await ls("attempts");
  const byKey = new Map(rows.map((row) => [`${row.quantum_id} ${row.attempt}`, row]));
  assert.equal(byKey.size, rows.length);
  for (const { quantum_id, attempts } of quanta) {
    for (const [i, attempt] of attempts.entries()) {
      const row = byKey.get(`${quantum_id} ${i}`)!;
      assert.equal(row.is_last, i === attempts.length - 1);
      assert.equal(row.exception, attempt.exception?.type_name ?? null);
      assert.equal(row.message, attempt.exception?.message ?? null);
      assert.equal(row.memory, attempt.resource_usage?.memory ?? null);
      assert.equal(row.run_time, attempt.resource_usage?.run_time ?? null);
    }
  }
});

/** Refused with exit code 2. */
const REFUSED: readonly (readonly [args: string[], message: RegExp])[] = [
  [["quanta", "--sort", "colour"], /Cannot sort by "colour"/],
  [["quanta", "--count", "--fields", "task"], /--count excludes --fields/],
  [["attempts", "--type", "raw"], /--type is for datasets/],
  [
    ["quanta", "--where", "visit like '1%'"],
    /visit is an integer: only strings are like at column 7/,
  ],
  [["quanta", "--where", "task like 1"], /task is a string, 1 is not/],
  [["attempts", "--where", "n_inputs = 1"], /there is no dimension or field "n_inputs"/],
];

for (const [args, message] of REFUSED) {
  Deno.test(`ls ${args.join(" ")} is refused`, async () => {
    const result = await runHere(["ls", MIXED, ...args]);
    assert.equal(result.code, 2);
    assertOneError({ ...result, signal: null }, message);
  });
}

Deno.test.afterAll(removeUnpacked);
