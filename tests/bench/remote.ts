/**
 * Times aggregation of runs whose files are in remote stores, and the ingest of one into a chain of
 * datastores, beside the Python reference, behind a proxy that adds latency to each request and counts them.
 *
 *     deno task bench:remote [--work s3,webdav,ingest] [--processes 1,2,8] [--delay 20] [--trials 1]
 *         [--save NAME]
 *
 * Both tools get the same files on the same server, fresh copies of the same repository, the same number of
 * processes and the same delay, one after the other. Where ORACLE_ROOT names no installed reference ours is
 * timed alone. With all of it, about 12 minutes, of which ours takes one; `--processes 2` halves that.
 * `--save` keeps the results in `testdata/bench/NAME.json`.
 *
 * @module
 */

import { join } from "node:path";
import { parseArgs } from "node:util";
import { startS3, startWebDav, stopServers } from "../remote/servers.ts";
import { setChain } from "../remote/simulated.ts";
import { PROJECT } from "../support/fixtures.ts";
import { load, machineNotes } from "./machine.ts";
import { median } from "./measure.ts";
import { RemoteLab, type Row } from "./remote_lab.ts";

/** Times as fast as the reference: of aggregations with two processes. */
const AIMS: Readonly<Record<string, number>> = { s3: 15, webdav: 8, ingest: 20 };
const { values } = parseArgs({
  options: {
    work: { type: "string", default: "s3,webdav,ingest" },
    processes: { type: "string", default: "1,2,8" },
    delay: { type: "string", default: "20" },
    trials: { type: "string", default: "1" },
    save: { type: "string" },
  },
});
const allProcesses = values.processes.split(",").map(Number);
const delay = Number(values.delay);
const nTrials = Number(values.trials);
const rows: Row[] = [];
let nQuanta = 0;

/** Aggregations by both tools of a run on one server, then an ingest if that is wanted. */
async function measureStore(store: "s3" | "webdav", wanted: ReadonlySet<string>): Promise<void> {
  const server = store === "s3" ? startS3() : startWebDav("apache");
  if (typeof server === "string") return console.log(`skipped: ${store}: ${server}`);
  await using lab = await RemoteLab.open(server, delay);
  nQuanta = lab.nQuanta;
  for (const nProcesses of wanted.has(store) ? allProcesses : []) {
    const places = ["DIR/predicted.qg", "DIR/repo", "-o", "DIR/provenance.qg"];
    const args = [
      "aggregate-graph",
      ...places,
      "-j",
      String(nProcesses),
      "--register-dataset-types",
    ];
    for (let trial = 0; trial < nTrials; trial++) {
      const work = { name: store, nProcesses, ours: args, theirs: args };
      rows.push(...await lab.runBoth(work, ["repo", "predicted.qg"]));
    }
  }
  if (store === "s3" && wanted.has("ingest")) await measureIngest(lab);
}

/** The reference asks a chain twice for each dataset where it is; one datastore it doesn't ask. */
async function measureIngest(lab: RemoteLab): Promise<void> {
  setChain(lab.work.repo);
  await lab.prepare(["aggregate-graph", "predicted.qg", "repo", "-o", "provenance.qg", "-j", "2"]);
  const putBack = lab.snapshot();
  const args = ["ingest-graph", "DIR/repo", "DIR/provenance.qg", "--transfer", "copy"];
  for (let trial = 0; trial < nTrials; trial++) {
    const work = { name: "ingest", nProcesses: 1, ours: args, theirs: args };
    rows.push(...await lab.runBoth(work, ["repo", "provenance.qg"], putBack));
  }
}

/** Medians of both tools beside each other. */
function ratios() {
  return Object.keys(AIMS).flatMap((name) =>
    [...new Set(rows.filter((row) => row.name === name).map((row) => row.nProcesses))]
      .flatMap((nProcesses) => {
        const of = (tool: Row["tool"]) =>
          rows.filter((row) => row.name === name && row.nProcesses === nProcesses)
            .filter((row) => row.tool === tool).map(({ wallSeconds }) => wallSeconds);
        const [ours, theirs] = [of("provgraph"), of("reference")];
        if (ours.length === 0 || theirs.length === 0) return [];
        const ratio = Math.round(median(theirs) / median(ours) * 10) / 10;
        const hasAim = nProcesses === 2 || name === "ingest";
        return [{ name, nProcesses, ratio, aim: hasAim ? AIMS[name] : null }];
      })
  );
}

const loadBefore = load();
const wanted = new Set(values.work.split(","));
try {
  if (wanted.has("s3") || wanted.has("ingest")) await measureStore("s3", wanted);
  if (wanted.has("webdav")) await measureStore("webdav", wanted);
} finally {
  stopServers();
}
console.log(`\n${nQuanta} quanta, ${delay} ms added to each request`);
for (const { name, nProcesses, ratio, aim } of ratios()) {
  const target = aim === null ? "" : `, aim ${aim}`;
  console.log(`${name.padEnd(9)}  -j ${nProcesses}  ${ratio} times as fast${target}`);
}
if (values.save !== undefined) {
  const results = {
    date: new Date().toISOString(),
    machine: machineNotes(PROJECT),
    ...{ nQuanta, delayMilliseconds: delay, nTrials, loadBefore, loadAfter: load() },
    ...{ ratios: ratios(), rows },
  };
  const path = join(PROJECT, "testdata", "bench", `${values.save}.json`);
  Deno.writeTextFileSync(path, `${JSON.stringify(results, null, 1)}\n`);
}
