/** The index that scanners help to make, against the one that a thread makes alone. */

import assert from "node:assert/strict";
import { join } from "node:path";
import {
  type IdReader,
  indexGraph,
  indexGraphWith,
} from "../../../lib/aggregate/scan/index_graph.ts";
import { InvalidQuantumGraphFileError } from "../../../lib/base/errors.ts";
import type { GraphIndex } from "../../../lib/qg/predicted/graph_index.ts";
import { packQuantumIds } from "../../../lib/qg/predicted/packed_quantum_ids.ts";
import { PredictedGraph } from "../../../lib/qg/predicted/predicted_graph.ts";
import { Zstd } from "../../../lib/codec/zstd.ts";
import { fixturePath, runProvgraph, temporaryDirectory } from "../../support/fixtures.ts";
import type { BlockRange } from "../../../lib/qg/predicted/predicted_block.ts";

/** A graph of several messages; the fixtures have one. */
async function simulatedGraph(directory: string): Promise<string> {
  const result = await runProvgraph(
    ["simulate", directory, "--visits", "30", "--detectors", "30", "--graph-only"],
    { cwd: "." },
  );
  assert.equal(result.code, 0, result.stderr);
  return join(directory, "predicted.qg");
}

async function openGraph(path: string): Promise<PredictedGraph> {
  return await PredictedGraph.open(path, await Zstd.load());
}

/** Reads in this thread; what it is asked last it answers first. */
class LocalReader implements IdReader {
  readonly ranges: BlockRange[] = [];
  readonly #graph: PredictedGraph;
  readonly #fails: boolean;

  constructor(graph: PredictedGraph, fails = false) {
    this.#graph = graph;
    this.#fails = fails;
  }

  async read(range: BlockRange) {
    this.ranges.push(range);
    for (let turn = 8 - this.ranges.length % 8; turn > 0; turn--) await Promise.resolve();
    return this.#fails ? null : packQuantumIds(this.#graph, range);
  }
}

function assertSameIndex(actual: GraphIndex, expected: GraphIndex): void {
  // Places in the hash table depend on its seed.
  const { slots: _, ...arrays } = actual.arrays;
  const { slots: __, ...expectedArrays } = expected.arrays;
  assert.deepEqual(arrays, expectedArrays);
  for (let d = 0; d < actual.nDatasets; d++) {
    assert.equal(actual.findDataset(actual.arrays.datasetIds, d * 16), d);
  }
}

Deno.test("indexGraphWith() equals indexGraph() with any number of readers, also when some fail", async () => {
  await using work = await temporaryDirectory();
  const paths = [
    ...["small-ok", "small-mixed"].map((name) => fixturePath(name, "predicted.qg")),
    await simulatedGraph(work.join("simulated")),
  ];
  for (const path of paths) {
    using graph = await openGraph(path);
    const expected = indexGraph(graph);
    for (const failing of [[], [false], [true], [false, true, false], [true, true]]) {
      const readers = failing.map((fails) => new LocalReader(graph, fails));
      assertSameIndex(await indexGraphWith(readers, graph), expected);
      const ranges = readers.flatMap((reader) => reader.ranges)
        .sort((a, b) => a.startByte - b.startByte);
      if (failing.length === 0 || path !== paths[2]) {
        assert.equal(ranges.length, 0);
        continue;
      }
      assert.deepEqual(ranges.map(({ startByte }) => startByte), [
        0,
        ...ranges.slice(0, -1).map(({ endByte }) => endByte),
      ]);
      assert.equal(ranges.at(-1)!.endByte, graph.nQuantaBlocksSize);
      assert.ok(ranges.length > 4 && readers[0].ranges.length > 1);
    }
  }
});

Deno.test("indexGraphWith() names file and block when a block is damaged", async () => {
  await using work = await temporaryDirectory();
  const path = await simulatedGraph(work.join("simulated"));
  using whole = await openGraph(path);
  const last = [...whole.blocks()].at(-2)!;
  using damaged = await openGraph(path);
  const blocks = damaged.blocks.bind(damaged);
  damaged.blocks = function* (range) {
    for (const block of blocks(range)) {
      yield block.offset === last.offset ? { ...block, text: block.text.subarray(1) } : block;
    }
  };
  await assert.rejects(indexGraphWith([new LocalReader(whole, true)], damaged), (error: Error) => {
    assert.ok(error instanceof InvalidQuantumGraphFileError);
    assert.ok(error.message.includes(`block at ${last.offset} of "${path}"`), error.message);
    return true;
  });
});
