/** The parts of a graph's documents where all is in one file: pages have them at once. @module */

import * as dataIds from "../sources/data_id_candidates.ts";
import type { GraphParts } from "../sources/graph_source.ts";
import * as table from "../sources/table/by_table.ts";
import * as trace from "../sources/trace/in_graph.ts";

/** See {@linkcode GraphParts}. */
export const PARTS_AT_HAND: GraphParts = {
  table: () => Promise.resolve(table),
  trace: () => Promise.resolve(trace),
  dataIds: () => Promise.resolve(dataIds),
};
