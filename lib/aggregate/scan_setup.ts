/**
 * What a scan needs before it begins, whether it is that of an aggregation or of one shard: the indexed
 * graph, the records that file templates ask for, the compression dictionary.
 *
 * @module
 */

import { RefusedError } from "../base/errors.ts";
import type { RepositoryConfig } from "../butler/repo_config.ts";
import { GraphIndex } from "../provenance/graph_index.ts";
import type { PredictedGraph } from "../qg/predicted_graph.ts";
import type { CompressionOptions } from "./compression.ts";
import { cutDictionary } from "./dictionary.ts";
import type { ScannerSetup } from "./messages.ts";
import { Scanner } from "./scanner.ts";

/** Records of these elements are needed by the default file templates. */
const TEMPLATE_ELEMENTS = ["detector", "exposure"];

/** A scanner's setup without its name. */
export type CommonScannerSetup = Omit<ScannerSetup, "kind" | "name">;

/**
 * Passes over a predicted graph once.
 *
 * @throws {RefusedError} if it holds another number of quanta or datasets than its header says.
 */
export function indexGraph(graph: PredictedGraph): GraphIndex {
  const initQuanta = graph.initQuanta().filter((quantum) => quantum.taskLabel !== "");
  return checkCounts(GraphIndex.build(graph, initQuanta), graph);
}

/**
 * Compares an index with the header of its graph.
 *
 * @throws {RefusedError} if the number of quanta or datasets is another one.
 */
export function checkCounts(index: GraphIndex, graph: PredictedGraph): GraphIndex {
  const { n_quanta: nQuanta, n_datasets: nDatasets } = graph.header;
  if (index.nQuanta !== nQuanta) {
    throw new RefusedError(
      `Cannot use predicted graph "${graph.path}": it holds ${index.nQuanta} quanta, ` +
        `its header says ${nQuanta}`,
    );
  }
  // The header counts the packages dataset, which the index leaves out.
  if (index.nDatasets !== nDatasets && index.nDatasets !== nDatasets - 1) {
    // The provenance graph takes over the header: its readers would refuse it.
    throw new RefusedError(
      `Cannot use predicted graph "${graph.path}": it has ${index.nDatasets} datasets, ` +
        `its header says ${nDatasets}`,
    );
  }
  return index;
}

/** Elements whose records file templates may ask for. */
export function templateElements(config: RepositoryConfig): string[] {
  const elements = new Set(TEMPLATE_ELEMENTS);
  for (const [key, template] of Object.entries(config.datastore.templates)) {
    if (key === "default" && JSON.stringify(template).includes("day_obs|visit.day_obs")) continue;
    for (const [, element] of JSON.stringify(template).matchAll(/([a-z_]\w*)\.[a-z_]\w*/gi)) {
      elements.add(element);
    }
  }
  return [...elements];
}

/** Cuts the dictionary from samples; the same graph and files give the same bytes. */
export async function makeDictionary(
  setup: CommonScannerSetup,
  index: GraphIndex,
  { zstdDictSize, zstdDictNInputs }: CompressionOptions,
): Promise<Uint8Array> {
  if (zstdDictSize === 0) return new Uint8Array(0);
  const scanner = await Scanner.open({ ...setup, kind: "setup", name: "supervisor" });
  try {
    return cutDictionary(index, zstdDictSize, zstdDictNInputs, (q) => scanner.sample(q));
  } finally {
    scanner.close();
  }
}
