/** `provenance-report` beside what the reference printed and wrote: byte for byte where it is right. */

import assert from "node:assert/strict";
import { join } from "node:path";
import {
  expectedJson,
  expectProvgraph,
  fixturePath,
  PROJECT,
  RUN,
  runProvgraph,
  temporaryDirectory,
} from "../support/fixtures.ts";
import { assertMatchesSchema } from "../support/json_schema.ts";
import { assertOneError, copyOfFixture, removeUnpacked } from "./support.ts";

const REPORTS = join(PROJECT, "testdata", "reports");
const MIXED = fixturePath("small-mixed", "provenance.qg");

interface Case {
  graph: string;
  arguments: string[];
  lostCounts?: true;
}

const cases: Record<string, Case> = JSON.parse(Deno.readTextFileSync(join(REPORTS, "cases.json")));

function graphPath(name: string): string {
  return name === "rare-states"
    ? join(REPORTS, name, "provenance.qg")
    : fixturePath(name, "provenance.qg");
}

/** Files below a directory with their text. */
function filesBelow(directory: string, prefix = ""): Record<string, string> {
  const found: Record<string, string> = {};
  let entries: Deno.DirEntry[];
  try {
    entries = [...Deno.readDirSync(directory)];
  } catch {
    return found;
  }
  for (const { name, isDirectory } of entries) {
    const path = join(directory, name);
    if (isDirectory) Object.assign(found, filesBelow(path, `${prefix}${name}/`));
    else found[prefix + name] = Deno.readTextFileSync(path);
  }
  return found;
}

Deno.test.afterAll(removeUnpacked);

for (const [name, { graph, arguments: args, lostCounts }] of Object.entries(cases)) {
  Deno.test(`provenance-report prints and writes what the reference does: ${name}`, async () => {
    await using work = await temporaryDirectory();
    const { stdout, stderr } = await expectProvgraph(
      ["provenance-report", ...args, graphPath(graph)],
      { cwd: work.path },
    );
    const expected = Deno.readTextFileSync(join(REPORTS, name, "stdout.txt"));
    assert.equal(stderr, "");
    if (args.includes("json")) {
      const document = JSON.parse(stdout);
      assertMatchesSchema("provenance-report", document);
      if (lostCounts) {
        for (const task of document.tasks) {
          task.Caveats = task.Caveats.map((caveat: { code: string | null } | null) =>
            caveat?.code ? caveat : null
          );
        }
        assert.deepEqual(document, JSON.parse(expected));
      } else assert.equal(stdout, `${expected}\n`);
    } else assert.equal(stdout, expected);
    assert.deepEqual(filesBelow(work.path), filesBelow(join(REPORTS, name, "files")));
  });
}

Deno.test("provenance-report --json keeps the counts of caveats without a letter", async () => {
  const { stdout } = await expectProvgraph([
    "provenance-report",
    "--json",
    graphPath("rare-states"),
  ]);
  // make_rare_states.py: two quanta with caveats 1 and one with 3; all four of consolidate with 2.
  const [calibrate, consolidate] = JSON.parse(stdout).tasks;
  assert.deepEqual(calibrate.Caveats.slice(0, 2), [
    { token: "+", code: null, count: "2" },
    { token: "*", code: null, count: "1" },
  ]);
  assert.deepEqual(consolidate.Caveats, [{ token: "*", code: null, count: "4" }]);
});

for (
  const [what, collection] of [["RUN", RUN], ["CHAINED", "u/oracle/out"]]
) {
  Deno.test(`provenance-report reads run_provenance out of a ${what} collection`, async () => {
    await using work = await copyOfFixture("small-mixed", "ingested");
    const { stdout } = await expectProvgraph(
      ["provenance-report", "repo", collection, "--status-report", "status.json"],
      { cwd: work.path },
    );
    assert.equal(
      stdout,
      Deno.readTextFileSync(join(REPORTS, "small-mixed-table", "stdout.txt")),
    );
    assert.equal(
      Deno.readTextFileSync(work.join("status.json")),
      Deno.readTextFileSync(join(REPORTS, "small-mixed-files", "files", "status.json")),
    );
  });
}

interface DumpedQuantum {
  quantum_id: string;
  task_label: string;
  status: string;
  data_id: Record<string, string | number>;
  attempts: unknown[];
  resource_usage: Record<string, string | number> | null;
}

Deno.test("provenance-report --resource-usage lists what the graph records of each quantum", async () => {
  const { stdout } = await expectProvgraph(["provenance-report", "--resource-usage", "-", MIXED]);
  const [heading, ...lines] = stdout.split("\r\n");
  const columns = heading.split(",");
  assert.equal(lines.pop(), "");
  const dump = expectedJson("small-mixed", "provenance.graph") as unknown as {
    quanta: DumpedQuantum[];
  };
  const expected = new Map(
    dump.quanta.filter((quantum) => quantum.resource_usage !== null).map((q) => [q.quantum_id, q]),
  );
  assert.equal(lines.length, expected.size);
  for (const line of lines) {
    const cells = Object.fromEntries(line.split(",").map((cell, i) => [columns[i], cell]));
    const quantum = expected.get(cells.quantum_id)!;
    assert.equal(cells.task, quantum.task_label);
    assert.equal(cells.status, quantum.status);
    assert.equal(cells.attempts, String(quantum.attempts.length));
    for (const [key, value] of Object.entries({ ...quantum.data_id, ...quantum.resource_usage })) {
      if (typeof value === "number") assert.equal(Number(cells[key]), value, key);
      else assert.equal(cells[key], value, key);
    }
    const dimensions = columns.slice(2, columns.indexOf("status"));
    assert.deepEqual(
      dimensions.filter((name) => cells[name] !== "").sort(),
      Object.keys(quantum.data_id).sort(),
    );
  }
});

Deno.test("provenance-report --resource-usage FILE leaves the tables on stdout", async () => {
  await using work = await temporaryDirectory();
  const { stdout } = await expectProvgraph(
    ["provenance-report", "--resource-usage", "usage.csv", MIXED],
    { cwd: work.path },
  );
  assert.equal(stdout, Deno.readTextFileSync(join(REPORTS, "small-mixed-table", "stdout.txt")));
  const toStdout = await expectProvgraph(["provenance-report", "--resource-usage", "-", MIXED]);
  assert.equal(Deno.readTextFileSync(work.join("usage.csv")), toStdout.stdout);
});

const REFUSED: [name: string, args: string[], message: RegExp][] = [
  ["a graph that isn't there", ["nowhere.qg"], /Cannot open graph ".*nowhere\.qg": no such file/],
  ["a repository without collection", ["repo"], /is a directory\nhint: .*COLLECTION/],
  ["an unknown collection", ["repo", "u/nobody"], /Cannot find collection "u\/nobody"/],
  ["a collection without graph", ["repo", "inputs"], /Cannot find run_provenance in collection/],
  ["a predicted graph", [fixturePath("small-mixed", "predicted.qg")], /it is a predicted graph/],
  ["a repository that isn't there", ["nowhere", "run"], /Cannot .*"nowhere"/],
  [
    "CSV and JSON at once",
    ["--resource-usage", "-", "--format", "json", MIXED],
    /Cannot print CSV and JSON/,
  ],
  ["a remote status report", ["--status-report", "s3://a/b", MIXED], /"s3" is not supported/],
];

for (const [name, args, message] of REFUSED) {
  Deno.test(`provenance-report refuses ${name}`, async () => {
    await using work = await copyOfFixture("small-mixed", "aggregated");
    const result = await runProvgraph(["provenance-report", ...args], { cwd: work.path });
    assert.equal(result.code, 2, result.stderr);
    assertOneError(result, message);
  });
}

for (const option of ["--state", "--no-state", "--caveat"]) {
  Deno.test(`provenance-report names the choices of ${option}`, async () => {
    const result = await runProvgraph(["provenance-report", option, "SLEEPING", MIXED]);
    assert.equal(result.code, 2);
    assert.match(result.stderr, /Allowed choices are .*(FAILED|NO_WORK)/);
    assert.equal(result.stdout, "");
  });
}
