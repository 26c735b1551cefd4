/**
 * The index of a predicted graph, for which scanners that have nothing to do yet read the blocks.
 *
 * @module
 */

import { RefusedError } from "../../base/errors.ts";
import type { GraphIndex } from "../../qg/predicted/graph_index.ts";
import { buildGraphIndex, GraphIndexBuilder } from "../../qg/predicted/graph_index_build.ts";
import { type PackedQuantumIds, packQuantumIds } from "../../qg/predicted/packed_quantum_ids.ts";
import type { PredictedGraph } from "../../qg/predicted/predicted_graph.ts";
import { PipelineRules } from "./output_rules.ts";
import type { BlockRange } from "../../qg/predicted/predicted_block.ts";

/** Quanta in one message: some hundred kilobytes. */
const N_QUANTA = 256;
/** Messages that wait at each reader, so that it never idles between two. */
const N_WAITING = 2;

/** Reads ids beside this thread. */
export interface IdReader {
  /** Ids of the quanta of some blocks; null if that failed, for whatever reason. */
  read(range: BlockRange): Promise<PackedQuantumIds | null>;
}

/**
 * Passes over a predicted graph once, in this thread alone.
 *
 * @throws {InvalidQuantumGraphFileError} if a quantum can't be one of its pipeline.
 * @throws {RefusedError} if it holds another number of quanta or datasets than its header says.
 */
export function indexGraph(graph: PredictedGraph): GraphIndex {
  const rules = PipelineRules.of(graph);
  return checkCounts(buildGraphIndex(graph, taskInitQuanta(graph), rules), graph);
}

/**
 * Passes over a predicted graph once; `readers` read the blocks, a few hundred at a time, and this thread
 * puts together what they found. Memory beyond the index: a few messages a reader.
 *
 * @returns the same as {@linkcode indexGraph}, but for the seed.
 * @throws {RefusedError} as {@linkcode indexGraph}.
 */
export async function indexGraphWith(
  readers: readonly IdReader[],
  graph: PredictedGraph,
): Promise<GraphIndex> {
  // What is one message is sooner read than sent.
  if (readers.length === 0 || graph.header.n_quanta <= N_QUANTA) return indexGraph(graph);
  const builder = new GraphIndexBuilder(graph.path);
  const waiting: { range: BlockRange; reply: ReturnType<IdReader["read"]> }[] = [];
  const addNext = async () => {
    const { range, reply } = waiting.shift()!;
    // What a reader can't read says here why.
    builder.add(await reply ?? packQuantumIds(graph, range, PipelineRules.of(graph)));
  };
  let n = 0;
  for (const range of graph.blockRanges(N_QUANTA)) {
    if (waiting.length === readers.length * N_WAITING) await addNext();
    waiting.push({ range, reply: readers[n++ % readers.length].read(range) });
  }
  while (waiting.length > 0) await addNext();
  return checkCounts(builder.finish(taskInitQuanta(graph)), graph);
}

/** All but the one that writes `packages`, which has no place in a provenance graph. */
function taskInitQuanta(graph: PredictedGraph) {
  return graph.initQuanta().filter((quantum) => quantum.taskLabel !== "");
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
