/** A document of a graph that can't be read is told as one clear error that names the file, exit code 2. */

import assert from "node:assert/strict";
import { PREDICTED, PROVENANCE } from "../qg/support.ts";
import { RUN, type TemporaryDirectory } from "../support/fixtures.ts";
import { runHere } from "./check_support.ts";
import { DAMAGES, withDocument } from "./damaged_documents.ts";
import { copyOfFixture, removeUnpacked } from "./support.ts";

type Command = (graph: string, work: TemporaryDirectory) => string[];

const SOME = ["instrument=OracleCam", "visit=1", "detector=1"];
const CHECK: Command = (graph) => ["check", graph, "--read-data"];
const INGEST: Command = (graph, { repo }) => ["ingest-graph", repo, graph, "--dry-run"];
const AGGREGATE: Command = (graph, { repo }) => [
  "aggregate-graph",
  graph,
  repo,
  "--dry-run",
  "-j1",
];

/** Commands that read each member. */
const READERS: [graph: string, member: string, commands: Command[]][] = [
  [PROVENANCE, "header.json.zst", [
    (graph) => ["cat", graph, "header"],
    (graph) => ["info", graph],
    CHECK,
    INGEST,
  ]],
  [PROVENANCE, "pipeline_graph.json.zst", [
    (graph) => ["cat", graph, "config", "calibrate"],
    (graph) => ["ls", graph, "quanta"],
    (graph) => ["trace", graph, "calibrate", ...SOME],
    (graph) => ["why", graph, "calibrate", ...SOME],
    (graph) => ["provenance-report", graph],
    CHECK,
    INGEST,
  ]],
  [PROVENANCE, "packages.json.zst", [(graph) => ["cat", graph, "packages"], CHECK]],
  [PROVENANCE, "init_quanta.json.zst", [CHECK, INGEST]],
  [PREDICTED, "header.json.zst", [
    (graph) => ["info", graph],
    (graph, { repo }) => ["check-downstream", graph, repo, "--run", RUN],
    CHECK,
  ]],
  [PREDICTED, "pipeline_graph.json.zst", [
    (graph) => ["cat", graph, "config", "calibrate"],
    (graph) => ["ls", graph, "datasets"],
    CHECK,
    AGGREGATE,
  ]],
  [PREDICTED, "init_quanta.json.zst", [CHECK, AGGREGATE]],
  [PREDICTED, "dimension_data.json.zst", [CHECK]],
  [PREDICTED, "thin_graph.json.zst", [CHECK]],
];

for (const [source, member, commands] of READERS) {
  const kind = source === PREDICTED ? "predicted" : "provenance";
  for (const command of commands) {
    const [name] = command("", { repo: "" } as TemporaryDirectory);
    const title = `${name} says what is wrong with ${member} of a ${kind} graph`;
    Deno.test(`${title} (${command("G", { repo: "R" } as TemporaryDirectory).join(" ")})`, async () => {
      await using work = await copyOfFixture("small-mixed", "aggregated");
      const graph = work.join("damaged.qg");
      let nTold = 0;
      for (const damage of Object.keys(DAMAGES)) {
        Deno.writeFileSync(graph, await withDocument(source, member, damage));
        const { code, stdout, stderr } = await runHere(["-q", ...command(graph, work)]);
        const said = `${member} ${damage}: exit code ${code}\n${stdout}${stderr}`;
        if (name === "check" && code === 3) {
          nTold++;
          assert.match(stdout, /^[a-z-]+: .*damaged\.qg: /m, said);
        } else if (code !== 0) {
          nTold++;
          assert.equal(code, 2, said);
          assert.equal(stderr.match(/^error: /gm)?.length, 1, said);
          assert.ok(stderr.includes("damaged.qg"), said);
          assert.doesNotMatch(
            stderr,
            /--debug|\n\s+at .*:\d+:\d+|Uncaught|undefined|\[object/,
            said,
          );
        }
      }
      // Some of what is wrong may still be understood: an empty object without what isn't needed.
      assert.ok(nTold >= Object.keys(DAMAGES).length / 2, `told ${nTold} times`);
    });
  }
}

Deno.test.afterAll(removeUnpacked);
