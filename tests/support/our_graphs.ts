/** Graphs that this tool makes of fixtures, each once in a test file. */

import { expectProvgraph, type TemporaryDirectory, unpackFixture } from "./fixtures.ts";

const graphs = new Map<string, Promise<TemporaryDirectory>>();

/** Fixtures of which the reference has made a graph, but the large one. */
export const GRAPH_FIXTURES = ["small-ok", "small-mixed", "small-failed", "small-mock"] as const;

/** The fixture with `ours.qg` beside its repository; {@linkcode removeOurGraphs} at the end of the file. */
export function withOurGraph(fixture: string): Promise<TemporaryDirectory> {
  let work = graphs.get(fixture);
  if (work === undefined) graphs.set(fixture, work = makeGraph(fixture));
  return work;
}

async function makeGraph(fixture: string): Promise<TemporaryDirectory> {
  const work = await unpackFixture(fixture, "before");
  const mock = fixture === "small-mock" ? ["--mock-storage-classes"] : [];
  const args = ["aggregate-graph", "predicted.qg", "repo", "-o", "ours.qg", "-j", "1"];
  await expectProvgraph([...args, "--keep-chunks", ...mock], { cwd: work.path });
  return work;
}

/** Removes what {@linkcode withOurGraph} made. */
export async function removeOurGraphs(): Promise<void> {
  for (const work of graphs.values()) (await work)[Symbol.dispose]();
  graphs.clear();
}
