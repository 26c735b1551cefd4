/**
 * Times answers out of graphs of 10,000, 100,000 and more quanta: ours by process, and with `--reference` the
 * reference's `provenance-report` and table functions on the same graphs.
 *
 *     deno run -A tests/bench/answers.ts SCRATCH [--quanta 10000,100000,1000000] [--reference]
 *         [--logs 10000] [--save FILE]
 *
 * Processor time counts, user and system, of the whole process: wall time says nothing on a machine that others
 * use. Needs GNU `time`. A million quanta take 1.3 GB in SCRATCH, which is removed at the end.
 *
 * @module
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { PROJECT } from "../support/fixtures.ts";
import { Zstd } from "../../lib/codec/zstd.ts";
import { ProvenanceGraph } from "../../lib/qg/provenance_graph.ts";
import { FileSource } from "../../lib/storage/file_source.ts";
import { Reference } from "../oracle/reference.ts";
import { makeWideGraph } from "./wide_graph.ts";

const N_TRIALS = 3;
/** Simulated: some 10,500 quanta. */
const SIMULATED = ["--visits", "250", "--detectors", "20", "--log-size", "2500", "--fail", "0.03"];

/** What the reference's table functions take: the whole graph in memory, then its tables. */
const TABLES = `
import sys
from lsst.pipe.base.pipeline_graph import TaskImportMode
from lsst.pipe.base.quantum_graph import ProvenanceQuantumGraphReader
with ProvenanceQuantumGraphReader.open(sys.argv[1], import_mode=TaskImportMode.DO_NOT_IMPORT) as reader:
    reader.read_init_quanta(); reader.read_quanta(); reader.read_datasets()
    graph = reader.graph
graph.make_quantum_table(); graph.make_exception_table()
for task in graph.quanta_by_task: graph.make_task_resource_usage_table(task)
`;

/** One run of a program. */
interface Trial {
  cpuSeconds: number;
  wallSeconds: number;
  memoryBytes: number;
}

async function timed(
  command: readonly string[],
  env: Record<string, string> = {},
): Promise<Trial & { stdout: string }> {
  const format = "TIMED %U %S %e %M";
  const { code, stdout, stderr } = await new Deno.Command("time", {
    args: ["-f", format, ...command],
    env,
    stdout: "piped",
    stderr: "piped",
  }).output();
  const errors = new TextDecoder().decode(stderr);
  assert.equal(code, 0, errors);
  const [user, system, wall, kilobytes] = /TIMED (.*)/.exec(errors)![1].split(" ").map(Number);
  return {
    cpuSeconds: user + system,
    wallSeconds: wall,
    memoryBytes: kilobytes * 1024,
    stdout: new TextDecoder().decode(stdout),
  };
}

function ours(...args: string[]): string[] {
  return [Deno.execPath(), "run", "-A", "--no-check", join(PROJECT, "main.ts"), ...args];
}

/** The trial whose processor time is in the middle. */
function median(trials: Trial[]): Trial {
  const { cpuSeconds, wallSeconds, memoryBytes } =
    trials.toSorted((a, b) => a.cpuSeconds - b.cpuSeconds)[trials.length >> 1];
  return { cpuSeconds, wallSeconds, memoryBytes };
}

async function measureOurs(graph: string): Promise<Record<string, Trial>> {
  const listed = await timed(ours("ls", graph, "quanta", "--status", "FAILED", "--json"));
  const { quantum_id: id } = JSON.parse(listed.stdout.split("\n", 1)[0]);
  const commands: Record<string, string[]> = {
    "--version": ["--version"],
    "provenance-report": ["provenance-report", graph],
    "report": ["report", graph],
    "ls --status FAILED --where": [
      ...["ls", graph, "quanta", "--status", "FAILED", "--where", "run_time > 20"],
    ],
    "why": ["why", graph, id],
    "diff": ["diff", graph, graph],
  };
  const results: Record<string, Trial> = {};
  for (const [name, args] of Object.entries(commands)) {
    const trials: Trial[] = [];
    for (let i = 0; i < N_TRIALS; i++) trials.push(await timed(ours(...args)));
    results[name] = median(trials);
    console.log(name, results[name]);
  }
  return results;
}

async function measureReference(scratch: string, name: string): Promise<Record<string, Trial>> {
  const reference = await Reference.install(scratch);
  const graph = `/data/${name}`;
  const commands: Record<string, string[]> = {
    "provenance-report": ["butler", "provenance-report", graph],
    "table functions": ["python", "-c", TABLES, graph],
  };
  const results: Record<string, Trial> = {};
  for (const [what, args] of Object.entries(commands)) {
    const { command, env } = reference.command(args);
    results[what] = median([await timed(command, env)]);
    console.log("reference:", what, results[what]);
  }
  return results;
}

/** What is searched for: with a piece of text that whatever matches must hold, and without. */
const PATTERNS = ["nothing at all", "[0-9]+ zz [a-z]+"];

/** Searches some `nLogs` logs of 30 kB. */
async function measureGrep(scratch: string, nLogs: number): Promise<Record<string, unknown>> {
  const run = join(scratch, "logs");
  const graph = join(scratch, "logs.qg");
  const visits = String(Math.max(1, Math.round(nLogs / 42)));
  await timed(
    ours("simulate", "--visits", visits, "--detectors", "20", "--log-size", "30000", run),
  );
  await timed(ours("aggregate-graph", `${run}/predicted.qg`, `${run}/repo`, "-o", graph));
  Deno.removeSync(run, { recursive: true });
  const { nLogs: n, nBytes } = await sizeOfLogs(graph);
  const results: Record<string, unknown> = { nLogs: n, nBytes };
  for (const pattern of PATTERNS) {
    const trials: Trial[] = [];
    for (let i = 0; i < N_TRIALS; i++) {
      const { stdout: _, ...trial } = await timed(ours("grep", pattern, graph));
      trials.push(trial);
    }
    const middle = median(trials);
    results[pattern] = { ...middle, megabytesASecond: nBytes / 1e6 / middle.wallSeconds };
    console.log("grep", pattern, results[pattern]);
  }
  Deno.removeSync(graph);
  return results;
}

/** Logs of a graph, and bytes of their text. */
async function sizeOfLogs(path: string): Promise<{ nLogs: number; nBytes: number }> {
  using graph = await ProvenanceGraph.open(FileSource.open(path), await Zstd.load());
  const size = { nLogs: 0, nBytes: 0 };
  await graph.forEachBlock("logs.mb", (text) => {
    size.nLogs++;
    size.nBytes += text.length;
  });
  return size;
}

async function main(): Promise<void> {
  const { values, positionals: [scratch] } = parseArgs({
    args: Deno.args,
    allowPositionals: true,
    options: {
      quanta: { type: "string", default: "10000,100000,1000000" },
      reference: { type: "boolean", default: false },
      logs: { type: "string", default: "0" },
      save: { type: "string" },
    },
  });
  assert.ok(scratch !== undefined, "name a folder for graphs");
  Deno.mkdirSync(scratch, { recursive: true });
  const results: Record<string, unknown> = { date: new Date().toISOString(), graphs: [] };
  const small = join(scratch, "small.qg");
  const run = join(scratch, "run");
  await timed(ours("simulate", ...SIMULATED, run));
  await timed(ours("aggregate-graph", `${run}/predicted.qg`, `${run}/repo`, "-o", small));
  Deno.removeSync(run, { recursive: true });
  for (const nQuanta of values.quanta.split(",").map(Number)) {
    const name = `${nQuanta}.qg`;
    const path = join(scratch, name);
    await makeWideGraph(small, path, Math.max(1, Math.round(nQuanta / 10_500)));
    console.log(nQuanta, "quanta");
    (results.graphs as unknown[]).push({
      nQuanta,
      sizeBytes: Deno.statSync(path).size,
      ours: await measureOurs(path),
      // A million quanta as objects of Python don't fit most machines.
      reference: values.reference && nQuanta <= 200_000
        ? await measureReference(scratch, name)
        : null,
    });
    Deno.removeSync(path);
  }
  Deno.removeSync(small);
  if (Number(values.logs) > 0) results.grep = await measureGrep(scratch, Number(values.logs));
  if (values.save !== undefined) {
    Deno.writeTextFileSync(values.save, `${JSON.stringify(results, null, 2)}\n`);
  }
}

await main();
