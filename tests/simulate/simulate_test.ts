/** Simulated runs: complete, consistent, the same for the same options, and usable. */

import { SILENT_PROGRESS } from "../../lib/base/progress.ts";
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { SILENT_LOG } from "../support/silent_log.ts";
import { InterruptedError, RefusedError } from "../../lib/base/errors.ts";
import { PredictedGraph } from "../../lib/qg/predicted/predicted_graph.ts";
import { simulate, type SimulateOptions } from "../../lib/simulate/simulate.ts";
import { OUTPUT_RUN } from "../../lib/simulate/run.ts";
import { Zstd } from "../../lib/codec/zstd.ts";
import { assertStateEqual } from "../support/compare.ts";
import { dumpState } from "../support/dump_state.ts";
import {
  expectProvgraph,
  runProvgraph,
  temporaryDirectory,
  unpackFixture,
} from "../support/fixtures.ts";
import { assertOneError } from "../cli/support.ts";

const OPTIONS: Omit<SimulateOptions, "directory"> = {
  nVisits: 8,
  nDetectors: 5,
  failFraction: 0.15,
  logSize: 3000,
  seed: 3,
  isGraphOnly: false,
};

function run(directory: string, options: Partial<SimulateOptions> = {}, signal?: AbortSignal) {
  return simulate({ ...OPTIONS, directory, ...options }, {
    progress: SILENT_PROGRESS,
    log: SILENT_LOG,
    env: { get: () => undefined },
    signal: signal ?? new AbortController().signal,
  });
}

/** Every file below a directory, by relative path. */
function files(directory: string, prefix = ""): Map<string, string> {
  const found = new Map<string, string>();
  for (const { name, isDirectory } of Deno.readDirSync(directory)) {
    if (isDirectory) {
      for (const [path, text] of files(join(directory, name), `${prefix}${name}/`)) {
        found.set(path, text);
      }
    } else if (name !== "gen3.sqlite3") {
      found.set(prefix + name, Deno.readFileSync(join(directory, name)).toHex());
    }
  }
  return found;
}

Deno.test("simulate() makes the same of the same options, and something else of another seed", async () => {
  await using work = await temporaryDirectory();
  const [a, b, c] = ["a", "b", "c"].map((name) => work.join(name));
  const summary = await run(a);
  assert.equal((await run(b)).nFileBytes, summary.nFileBytes);
  await run(c, { seed: 4 });
  assert.deepEqual(files(a), files(b));
  assertStateEqual(dumpState(join(a, "repo")), dumpState(join(b, "repo")), "state");
  assert.notDeepEqual(files(c), files(a));
});

Deno.test("simulate() makes a registry that is consistent in itself", async () => {
  await using work = await temporaryDirectory();
  await run(work.path, { nVisits: 30, isGraphOnly: true });
  using database = new DatabaseSync(join(work.repo, "gen3.sqlite3"), { readOnly: true });
  assert.deepEqual(database.prepare("PRAGMA foreign_key_check").all(), []);
  assert.equal(database.prepare("PRAGMA integrity_check").get()!.integrity_check, "ok");
});

Deno.test("simulate() makes the tables that the reference makes", async () => {
  await using work = await temporaryDirectory();
  await using fixture = await unpackFixture("small-ok", "before");
  await run(work.path, { isGraphOnly: true });
  const schema = (repository: string) => {
    using database = new DatabaseSync(join(repository, "gen3.sqlite3"), { readOnly: true });
    const rows = database.prepare("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
      .all();
    // Which dimension groups have tables depends on the dataset types.
    return new Map(
      rows.map(({ name, sql }) => [name as string, (sql as string).replace(/\s+/g, " ")] as const)
        .filter(([name]) => !/^dataset_(tags|calibs)_/.test(name)).sort(),
    );
  };
  assert.deepEqual(schema(work.repo), schema(fixture.repo));
});

Deno.test("simulate() makes a graph whose counts are those of its header", async () => {
  await using work = await temporaryDirectory();
  const summary = await run(work.path, { isGraphOnly: true });
  using graph = await PredictedGraph.open(work.join("predicted.qg"), await Zstd.load());
  graph.verifyStructure();
  const ids = new Set<string>();
  const counts: Record<string, number> = {};
  const quanta = [...graph.blocks()].map(({ text, offset }) => graph.parseBlock(text, offset));
  for (const { taskLabel } of quanta) counts[taskLabel] = (counts[taskLabel] ?? 0) + 1;
  for (const { inputs, outputs } of [...quanta, ...graph.initQuanta()]) {
    for (const datasets of [...inputs.values(), ...outputs.values()]) {
      for (const { idText } of datasets) ids.add(idText);
    }
  }
  assert.deepEqual(counts, { ...graph.header.n_task_quanta });
  assert.equal(ids.size, graph.header.n_datasets);
  assert.equal(graph.header.n_quanta, summary.nQuanta);
  assert.equal(Object.keys(counts).length, 4);
});

Deno.test("simulate() makes a run with every fate, which both commands and check can use", async () => {
  await using work = await temporaryDirectory();
  const summary = await run(work.path, { nVisits: 30, failFraction: 0.2 });
  for (const [fate, n] of Object.entries(summary.nByOutcome)) assert.ok(n > 0, `none ${fate}`);
  const { nByOutcome: n } = summary;
  const cwd = work.path;
  const { stderr } = await expectProvgraph(
    ["aggregate-graph", "predicted.qg", "repo", "-o", "out.qg", "--strict"],
    { cwd },
  );
  const nSuccessful = n.SUCCESSFUL + n.RETRIED + n.RETRIED_TWICE + n.PARTIAL;
  const nFailed = n.FAILED + n.FAILED_TWICE + n.KILLED;
  const counts = `${summary.nQuanta} quanta: ${nSuccessful} SUCCESSFUL, ${nFailed} FAILED, ` +
    `${n.BLOCKED} BLOCKED`;
  assert.ok(stderr.includes(counts), `${counts} is not in ${stderr}`);
  await expectProvgraph(["check", "out.qg", "--read-data"], { cwd });
  await expectProvgraph(["ingest-graph", "repo", "out.qg"], { cwd });
  await expectProvgraph(["check", "repo", "--run", OUTPUT_RUN], { cwd });
});

Deno.test("simulate() makes logs whose sizes spread around the median asked for", async () => {
  await using work = await temporaryDirectory();
  await run(work.path, { nVisits: 40, nDetectors: 9, failFraction: 0, logSize: 20_000 });
  const sizes = [...files(work.path)]
    .filter(([path]) => path.includes("_log/"))
    .map(([, hex]) => hex.length / 2).sort((a, b) => a - b);
  const median = sizes[sizes.length >> 1];
  assert.ok(Math.abs(median / 20_000 - 1) < 0.15, `median ${median}`);
  assert.ok(sizes[sizes.length >> 3] < 0.7 * median, "no short logs");
  assert.ok(sizes.at(-1)! > 20 * median, `longest ${sizes.at(-1)}`);
});

Deno.test("simulate() touches nothing where something is already", async () => {
  for (const name of ["repo", "predicted.qg"]) {
    await using work = await temporaryDirectory();
    Deno.writeTextFileSync(work.join(name), "mine");
    await assert.rejects(run(work.path), RefusedError);
    assert.deepEqual([...files(work.path)], [[name, "6d696e65"]]);
  }
});

Deno.test("simulate() stops when asked to", async () => {
  await using work = await temporaryDirectory();
  const stop = AbortSignal.abort({ signal: "SIGTERM", number: 15 });
  await assert.rejects(
    run(work.path, {}, stop),
    (error) => error instanceof InterruptedError && error.exitCode === 143,
  );
  assert.throws(() => Deno.statSync(work.join("predicted.qg")), Deno.errors.NotFound);
});

Deno.test("simulate refuses numbers that can't be", async () => {
  await using work = await temporaryDirectory();
  const cases: [string[], RegExp][] = [
    [["--visits", "0"], /at least 1/],
    [["--detectors", "100000"], /at most 1000/],
    [["--fail", "1.5"], /from 0 to 1/],
    [["--fail", "some"], /from 0 to 1/],
  ];
  for (const [args, message] of cases) {
    const result = await runProvgraph(["simulate", "x", ...args], { cwd: work.path });
    assert.equal(result.code, 2, result.stderr);
    assertOneError(result, message);
  }
  assert.deepEqual([...Deno.readDirSync(work.path)], []);
});
