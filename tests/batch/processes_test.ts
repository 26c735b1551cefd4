/** The commands of `schema/batch.md` for BPS and HTCondor, run as plain processes. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { parse } from "yaml";
import { assertGraph, assertState } from "../conformance/harness.ts";
import {
  expectProvgraph,
  PROJECT,
  type TemporaryDirectory,
  unpackFixture,
} from "../support/fixtures.ts";
import { commandOf, readSubmitFile, snippet } from "./document.ts";

const CASE = "small-mixed";
const N_SHARDS = 3;

function environment(work: TemporaryDirectory): Record<string, string> {
  return {
    PROVGRAPH: "provgraph",
    GRAPH: work.join("predicted.qg"),
    REPO: work.repo,
    SHARDS: work.join("shards"),
    OUTPUT: work.join("out.qg"),
    N_SHARDS: String(N_SHARDS),
  };
}

Deno.test("the final job of BPS makes what the reference makes", async () => {
  await using work = await unpackFixture(CASE, "before");
  const { finalJob } = parse(snippet("bps.yaml"));
  assert.deepEqual(finalJob.retryUnlessExit, [2, 3]);
  // As in the defaults of BPS.
  const values: Record<string, string> = {
    finalPreCmdOpts: "--long-log --log-level=VERBOSE",
    fileDistributionEndPoint: "",
    qgraphFile: work.join("predicted.qg"),
    butlerConfig: work.repo,
    requestCpus: String(finalJob.requestCpus),
    updateOutputChain: "--update-output-chain",
    submitPath: work.path,
    extraAggregateOptions: "",
  };
  const command: string = finalJob.command1.replaceAll(
    /(?<!\$)\{(\w+)\}/g,
    (_: string, name: string) => values[name] ?? assert.fail(name),
  );
  const [program, ...args] = command.trim().split(/\s+/);
  assert.equal(program, "${PROVGRAPH}");
  await expectProvgraph(args);
  await assertGraph(work, CASE);
  assertState(work, CASE, "aggregated");
});

Deno.test("README says the same final job of BPS as schema/batch.md", () => {
  const readme = Deno.readTextFileSync(join(PROJECT, "README.md"));
  assert.ok(readme.includes(`\n\`\`\`yaml\n${snippet("bps.yaml")}\`\`\`\n`));
});

Deno.test("the jobs of the DAG make what the reference makes, in any order and with one missing", async () => {
  await using work = await unpackFixture(CASE, "before");
  const env = environment(work);
  const dag = snippet("provenance.dag").trimEnd().split("\n").map((line) => line.split(" "));
  assert.deepEqual(dag, [["JOB", "scan", "scan.sub"], ["FINAL", "merge", "merge.sub"]]);
  const scan = readSubmitFile(snippet("scan.sub"), env);
  assert.equal(scan.nJobs, N_SHARDS);
  for (const i of [2, 0]) {
    const [program, ...args] = commandOf(scan, i);
    assert.equal(program, "provgraph");
    await expectProvgraph(args);
  }
  const merge = readSubmitFile(snippet("merge.sub"), env);
  assert.equal(merge.nJobs, 1);
  const { stderr } = await expectProvgraph(commandOf(merge, 0).slice(1));
  assert.match(stderr, /Merged 2 chunk logs with [1-9]\d* quanta; .* 0 were compressed anew/);
  await assertGraph(work, CASE, { file: "out.qg" });
  assertState(work, CASE, "aggregated");
});

const hasCondor = new Deno.Command("sh", { args: ["-c", "command -v condor_submit"] })
  .outputSync().success;

Deno.test("HTCondor takes the submit files", { ignore: !hasCondor }, async (t) => {
  for (const name of ["scan.sub", "merge.sub"]) {
    await t.step(name, async () => {
      await using work = await unpackFixture(CASE, "before");
      Deno.writeTextFileSync(work.join(name), snippet(name));
      const { success, stderr } = await new Deno.Command("condor_submit", {
        args: ["-dry-run", join(work.path, "jobs"), name],
        cwd: work.path,
        env: { ...environment(work), PROVGRAPH: "true" },
      }).output();
      assert.ok(success, new TextDecoder().decode(stderr));
    });
  }
});
