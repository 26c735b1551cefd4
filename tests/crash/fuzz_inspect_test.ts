/** Lists, traces and comparisons of damaged graphs: an answer, or an error of the tool. */

import assert from "node:assert/strict";
import { ProvgraphError } from "../../lib/base/errors.ts";
import { catBatch } from "../../lib/inspect/cat/cat_batch.ts";
import { checkDownstream } from "../../lib/check/repository/downstream.ts";
import { diff } from "../../lib/inspect/diff.ts";
import type { ListOptions } from "../../lib/inspect/list/list_fields.ts";
import type { DocumentSource } from "../../lib/sources/source.ts";
import { list } from "../../lib/inspect/list/list.ts";
import { openSource } from "../../lib/sources/open_source.ts";
import { parseSelector } from "../../lib/sources/selector.ts";
import { trace } from "../../lib/inspect/trace/trace.ts";
import { treeLines } from "../../lib/inspect/trace/trace_layout.ts";
import { Zstd } from "../../lib/codec/zstd.ts";
import { graphTruth } from "../cli/graph_truth.ts";
import { zipMembers } from "../qg/support.ts";
import { expectProvgraph, fixturePath, PROJECT, RUN, unpackFixture } from "../support/fixtures.ts";
import { damagedGraph } from "./damaged_graph.ts";
import { mutate } from "./mutate.ts";
import { Random, seedsOr } from "./random.ts";

const SEEDS = seedsOr([20260701, 20260702]);

/** Inputs of each kind, with each seed. */
const N_INPUTS = 150;
const NO_ENVIRONMENT = { get: () => undefined };
const EVERYTHING: ListOptions = {
  kind: "quanta",
  tasks: [],
  types: [],
  statuses: [],
  exception: null,
  where: "visit in (1..3:2) or not (attempts > 1) or run = 'x'",
  limit: null,
};

/** Fails for every error but those that are told to users as they are. */
async function expectAnswer(what: string, ask: () => Promise<unknown>): Promise<boolean> {
  try {
    await ask();
    return true;
  } catch (error) {
    if (error instanceof ProvgraphError) return false;
    throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
  }
}

async function inspect(source: DocumentSource, ids: readonly string[]): Promise<void> {
  const questions: Record<string, () => Promise<unknown>> = {
    quanta: () => Array.fromAsync(list(source, { ...EVERYTHING, where: "visit > 0" })),
    datasets: () =>
      Array.fromAsync(list(source, { ...EVERYTHING, kind: "datasets", where: "run != 'x'" })),
    info: () => source.info(true),
    diff: () => diff(source, source, 3),
    batch: () => {
      const requests = ids.flatMap((id) => [`log ${id}`, `dataset ${id}`, `quantum ${id}`]);
      const options = { attempt: null, allAttempts: true, filter: null, isJson: true };
      return catBatch(source, ReadableStream.from([requests]), options, () => {});
    },
  };
  for (const [name, ask] of Object.entries(questions)) await expectAnswer(name, ask);
  for (const id of ids) {
    for (const direction of ["up", "down"] as const) {
      await expectAnswer(`trace ${direction}`, async () => {
        const graph = await source.traceSource();
        const root = await graph.locate(parseSelector([id])!);
        const found = await trace(graph, root, direction, { maxDepth: null, maxNodes: 200 });
        for (const line of treeLines(found, ({ label }) => label)) assert.ok(line.length > 0);
      });
    }
  }
}

async function inspectDamaged(t: Deno.TestContext, seed: number): Promise<void> {
  await using work = await unpackFixture("small-ok", "aggregated");
  const zstd = await Zstd.load();
  const file = work.join("input.qg");
  const { quanta, datasets } = graphTruth("small-mixed");
  const ids = [quanta[0].quantum_id, quanta[50].quantum_id, datasets[0].dataset_id];
  for (const name of ["provenance.qg", "predicted.qg"]) {
    await t.step(name, async () => {
      const members = zipMembers(Deno.readFileSync(fixturePath("small-mixed", name)));
      const random = new Random(`inspect ${name}`, seed);
      let nOpened = 0;
      for (let i = 0; i < N_INPUTS; i++) {
        Deno.writeFileSync(file, damagedGraph(members, zstd, random));
        const isOpened = await expectAnswer(`${name}, input ${i}`, async () => {
          await using source = await openSource(file, null, NO_ENVIRONMENT, "/");
          await inspect(source, ids);
        });
        if (isOpened) nOpened++;
      }
      assert.ok(nOpened > N_INPUTS / 10, `only ${nOpened} of ${N_INPUTS} could be opened`);
    });
  }
  await t.step("chunk log", async () => {
    await using run = await unpackFixture("small-mixed", "before");
    await expectProvgraph(
      ["aggregate-graph", "predicted.qg", "repo", "-o", "provenance.qg", "--keep-chunks"],
      { cwd: run.path },
    );
    const bytes = Deno.readFileSync(run.join("provenance.qg.chunks"));
    const log = work.join("input.chunks");
    const random = new Random("inspect chunk log", seed);
    for (let i = 0; i < N_INPUTS; i++) {
      Deno.writeFileSync(log, mutate(bytes, random));
      await expectAnswer(`chunk log, input ${i}`, async () => {
        await using source = await openSource(log, null, NO_ENVIRONMENT, "/");
        await inspect(source, ids);
      });
    }
  });
  await t.step("check-downstream", async () => {
    const graph = `${PROJECT}/testdata/downstream/downstream.qg`;
    const members = zipMembers(Deno.readFileSync(graph));
    const random = new Random("inspect downstream", seed);
    for (let i = 0; i < N_INPUTS / 5; i++) {
      Deno.writeFileSync(file, damagedGraph(members, zstd, random));
      await expectAnswer(
        `input ${i}`,
        () => checkDownstream({ graphPath: file, repository: work.repo, run: RUN }, NO_ENVIRONMENT),
      );
    }
  });
}

for (const seed of SEEDS) {
  Deno.test(
    `lists, traces and comparisons stand damaged graphs (seed ${seed})`,
    (t) => inspectDamaged(t, seed),
  );
}
