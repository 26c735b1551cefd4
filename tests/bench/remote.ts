/**
 * Times aggregation of runs whose files are in remote stores, beside the Python reference, behind a proxy
 * that adds latency to each request and counts them.
 *
 *     deno task bench:remote [--stores s3,webdav] [--processes 1,2,8] [--delay 20] [--trials 1] [--save NAME]
 *
 * Both tools get the same files on the same server, fresh copies of the same repository, the same number of
 * processes and the same delay, one after the other. Where ORACLE_ROOT names no installed reference ours is timed alone.
 * `--save` keeps the results in `testdata/bench/NAME.json`.
 *
 * @module
 */

import { join } from "node:path";
import { parseArgs } from "node:util";
import { NoReferenceError, Reference } from "../oracle/reference.ts";
import {
  type Server,
  startProxyFor,
  startS3,
  startWebDav,
  stopServers,
} from "../remote/servers.ts";
import { setRoot, SIMULATED_ROOT, simulateOn } from "../remote/simulated.ts";
import { copyTree, PROJECT, provgraphCommand } from "../support/fixtures.ts";
import { load, machineNotes } from "./machine.ts";
import { type Cost, measure, median } from "./measure.ts";

/** About 1,000 quanta, as `deno task bench` has them. */
const RUN = { nVisits: 20, nDetectors: 24, failFraction: 0.02, logSize: 30_000 };
/** Times as fast as the reference with two processes. */
const AIMS: Readonly<Record<string, number>> = { s3: 15, webdav: 8 };
const START: Readonly<Record<string, () => Server | string>> = {
  s3: startS3,
  webdav: () => startWebDav("apache"),
};

interface Row extends Cost {
  store: string;
  nProcesses: number;
  tool: "provgraph" | "reference";
  requests: number;
  mostAtOnce: number;
  /** Mean number of processes that could run, before it. */
  load: number;
}

const { values } = parseArgs({
  options: {
    stores: { type: "string", default: "s3,webdav" },
    processes: { type: "string", default: "1,2,8" },
    delay: { type: "string", default: "20" },
    trials: { type: "string", default: "1" },
    save: { type: "string" },
  },
});
const allProcesses = values.processes.split(",").map(Number);
const delay = Number(values.delay);
const nTrials = Number(values.trials);

/** Runs of both tools on one store. */
async function measureStore(store: string, rows: Row[]): Promise<number> {
  const server = START[store]();
  if (typeof server === "string") {
    console.log(`skipped: ${store}: ${server}`);
    return 0;
  }
  const { work, nQuanta } = await simulateOn(server, RUN);
  await using _ = work;
  const reference = await findReference(work.path);
  const proxy = await startProxyFor(server, delay);
  const env = useProxy(server, proxy.port, work.repo);
  let nCopies = 0;
  const run = async (tool: Row["tool"], nProcesses: number) => {
    const name = `copy${nCopies++}`;
    copyTree(work.repo, work.join(name, "repo"));
    Deno.copyFileSync(work.join("predicted.qg"), work.join(name, "predicted.qg"));
    const command = tool === "provgraph"
      ? oursCommand(nProcesses)
      : referenceCommand(reference!, name, nProcesses);
    proxy.reset();
    const loadBefore = load();
    const cost = await measure(command, { cwd: work.join(name), scratch: work.path, env });
    const { requests, mostAtOnce } = proxy.stats();
    const { wallSeconds, cpuSeconds, peakRssBytes, writtenBytes } = cost;
    const row: Row = {
      ...{ store, nProcesses, tool, wallSeconds, cpuSeconds, peakRssBytes, writtenBytes },
      ...{ requests, mostAtOnce, load: loadBefore },
    };
    rows.push(row);
    Deno.removeSync(work.join(name), { recursive: true });
    console.log(rowText(row));
  };
  for (const nProcesses of allProcesses) {
    for (let trial = 0; trial < nTrials; trial++) {
      await run("provgraph", nProcesses);
      if (reference !== null) await run("reference", nProcesses);
    }
  }
  proxy.stop();
  return nQuanta;
}

async function findReference(data: string): Promise<Reference | null> {
  if (Deno.env.get("ORACLE_ROOT") === undefined) {
    console.log("skipped: ORACLE_ROOT doesn't name an installed reference");
    return null;
  }
  try {
    return await Reference.install(data);
  } catch (error) {
    if (!(error instanceof NoReferenceError)) throw error;
    console.log(`skipped: the reference: ${error.message}`);
    return null;
  }
}

/** Variables with which requests go through the proxy, for a repository that names it where that is needed. */
function useProxy(server: Server, port: number, repository: string): Record<string, string> {
  if (server.kind === "s3") {
    return { ...server.variables, S3_ENDPOINT_URL: `http://127.0.0.1:${port}` };
  }
  // The file of the server is no place that the reference sees; it says nothing but defaults.
  setRoot(repository, `dav://127.0.0.1:${port}/${SIMULATED_ROOT}`);
  return {};
}

function oursCommand(nProcesses: number): string[] {
  const [program, args] = provgraphCommand();
  return [
    ...[program, ...args, "aggregate-graph", "predicted.qg", "repo", "-o", "ours.qg"],
    ...["-j", String(nProcesses), "--register-dataset-types"],
  ];
}

function referenceCommand(reference: Reference, name: string, nProcesses: number): string[] {
  const inside = `/data/${name}`;
  const { command, env } = reference.command([
    ...["butler", "aggregate-graph", `${inside}/predicted.qg`, `${inside}/repo`],
    ...["-o", `${inside}/theirs.qg`, "-j", String(nProcesses), "--register-dataset-types"],
  ]);
  return ["env", ...Object.entries(env).map(([key, value]) => `${key}=${value}`), ...command];
}

function rowText(row: Row): string {
  return [
    row.store.padEnd(7),
    `-j ${row.nProcesses}`,
    row.tool.padEnd(10),
    `${row.wallSeconds.toFixed(2)} s`.padStart(9),
    `${row.cpuSeconds.toFixed(2)} s of processors`,
    `${(row.peakRssBytes / 1e6).toFixed(0)} MB`,
    `${row.requests} requests, at most ${row.mostAtOnce} at once`,
    `load ${row.load}`,
  ].join("  ");
}

/** Medians of both tools beside each other. */
function ratiosOf(rows: readonly Row[]) {
  return Object.keys(AIMS).flatMap((store) =>
    allProcesses.flatMap((nProcesses) => {
      const of = (tool: Row["tool"]) =>
        rows.filter((row) =>
          row.store === store && row.nProcesses === nProcesses && row.tool === tool
        ).map(({ wallSeconds }) => wallSeconds);
      const [ours, theirs] = [of("provgraph"), of("reference")];
      if (ours.length === 0 || theirs.length === 0) return [];
      const ratio = Math.round(median(theirs) / median(ours) * 10) / 10;
      return [{ store, nProcesses, ratio, aim: nProcesses === 2 ? AIMS[store] : null }];
    })
  );
}

const rows: Row[] = [];
let nQuanta = 0;
const loadBefore = load();
try {
  for (const store of values.stores.split(",")) {
    nQuanta = Math.max(nQuanta, await measureStore(store, rows));
  }
} finally {
  stopServers();
}
const ratios = ratiosOf(rows);
console.log(`\n${nQuanta} quanta, ${delay} ms added to each request`);
for (const { store, nProcesses, ratio, aim } of ratios) {
  const target = aim === null ? "" : `, aim ${aim}`;
  console.log(`${store.padEnd(7)}  -j ${nProcesses}  ${ratio} times as fast${target}`);
}
if (values.save !== undefined) {
  const results = {
    date: new Date().toISOString(),
    machine: machineNotes(PROJECT),
    ...{ nQuanta, delayMilliseconds: delay, nTrials, loadBefore, loadAfter: load(), ratios, rows },
  };
  const path = join(PROJECT, "testdata", "bench", `${values.save}.json`);
  Deno.writeTextFileSync(path, `${JSON.stringify(results, null, 1)}\n`);
}
