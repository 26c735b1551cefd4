/** Helpers of the tests of the provenance layer. */

import { buildGraphIndex } from "../../../lib/qg/predicted/graph_index_build.ts";
import { scanQuantumIds } from "../../../lib/qg/predicted/predicted_ids.ts";
import { encodeUtf8 } from "../../../lib/base/json_text.ts";
import type { GraphIndex } from "../../../lib/qg/predicted/graph_index.ts";
import { PredictedGraph } from "../../../lib/qg/predicted/predicted_graph.ts";
import {
  parseInitQuanta,
  type PredictedQuantum,
} from "../../../lib/qg/predicted/predicted_quantum.ts";
import { Zstd } from "../../../lib/codec/zstd.ts";
import { fixturePath } from "../../support/fixtures.ts";

/** Numbers below 1 from a small generator: the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A UUID made of two small numbers. */
export function testUuid(kind: number, n: number): string {
  return `${kind.toString(16).padStart(8, "0")}-0000-7000-8000-${n.toString(16).padStart(12, "0")}`;
}

/** Quanta and the datasets that each reads and writes, as numbers. */
export interface TestQuantum {
  inputs: readonly number[];
  outputs: readonly number[];
  label?: string;
}

export const quantumUuid = (q: number): string => testUuid(1, q);
export const datasetUuid = (d: number): string => testUuid(2, d);

function quantumText({ inputs, outputs, label = "task" }: TestQuantum, id: string): string {
  const dataset = (d: number) => ({
    dataset_id: datasetUuid(d),
    dataset_type_name: "thing",
    data_coordinate: [],
    run: "run",
  });
  return JSON.stringify({
    quantum_id: id,
    task_label: label,
    data_coordinate: [],
    inputs: { in: inputs.map(dataset) },
    outputs: { out: outputs.map(dataset) },
    datastore_records: {},
  });
}

/** Index of a graph made by hand; init quanta are numbered on. */
export function testIndex(
  quanta: readonly TestQuantum[],
  initQuanta: readonly TestQuantum[] = [],
): GraphIndex {
  const inits = initQuanta.map((init, i) => quantumText(init, quantumUuid(quanta.length + i)));
  return buildGraphIndex(
    {
      path: "made-up.qg",
      scanBlock: ({ text }, ids) => scanQuantumIds(text, ids),
      *blocks() {
        let offset = 0;
        for (let q = 0; q < quanta.length; q++) {
          const text = encodeUtf8(quantumText(quanta[q], quantumUuid(q)));
          yield { offset, size: text.length + 8, text };
          offset += text.length + 8;
        }
      },
    },
    parseInitQuanta(encodeUtf8(`[${inits.join(",")}]`)),
  );
}

/** A random graph without circles: each quantum writes some datasets and reads earlier ones. */
export function randomGraph(seed: number, nQuanta: number): TestQuantum[] {
  const random = seededRandom(seed);
  const below = (n: number) => Math.floor(random() * n);
  // Datasets 0 to 9 are overall inputs.
  let nDatasets = 10;
  const order = Array.from({ length: nQuanta }, () => ({
    inputs: Array.from({ length: below(4) }, () => below(nDatasets)),
    outputs: Array.from({ length: 1 + below(3) }, () => nDatasets++),
  }));
  // In the file, quanta come in any order.
  for (let i = order.length - 1; i > 0; i--) {
    const j = below(i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/** Opens the predicted graph of a fixture. */
export async function openFixtureGraph(name: string): Promise<PredictedGraph> {
  return await PredictedGraph.open(fixturePath(name, "predicted.qg"), await Zstd.load());
}

/** Init quanta that have a place in a provenance graph. */
export function taskInitQuanta(graph: PredictedGraph): PredictedQuantum[] {
  return graph.initQuanta().filter(({ taskLabel }) => taskLabel !== "");
}
