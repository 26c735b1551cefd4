/**
 * Logs of a provenance graph: which quantum each block belongs to only the table of addresses tells, so
 * one pass over that comes first.
 *
 * @module
 */

import { Grower } from "../../base/grower.ts";
import { IdList } from "../../base/id_list.ts";
import { UUID_SIZE, uuidToText } from "../../base/uuid.ts";
import type { ProvenanceGraph } from "../../qg/provenance_graph.ts";
import type { LogStore, StoredLog } from "./log_store.ts";

/** @param isLocal Whether the graph's name is the path of a file. */
export function graphLogs(graph: ProvenanceGraph, isLocal: boolean): LogStore {
  return {
    file: isLocal
      ? { path: graph.name, sizeBytes: graph.sizeBytes, headerText: graph.headerText }
      : null,
    logs: (isWanted) => logsOf(graph, isWanted),
  };
}

/** Memory: 36 bytes for each quantum with a log. */
async function* logsOf(
  graph: ProvenanceGraph,
  isWanted: Parameters<LogStore["logs"]>[0],
): AsyncGenerator<StoredLog> {
  const ids = new IdList();
  const offsets = new Grower<Float64Array>(Float64Array, 1024);
  const sizes = new Grower<Float64Array>(Float64Array, 1024);
  for await (const { id, quantum, log } of graph.nodes()) {
    if (quantum.size === 0 || log.size === 0) continue;
    if (isWanted !== null && !isWanted(id, 0)) continue;
    const { n } = ids;
    ids.push(id);
    offsets.reach(n)[n] = log.offset;
    sizes.reach(n)[n] = log.size;
  }
  const order = Uint32Array.from({ length: ids.n }, (_, i) => i);
  order.sort((a, b) => offsets.array[a] - offsets.array[b]);
  for (const i of order) {
    const place = { offset: offsets.array[i], size: sizes.array[i] };
    yield {
      quantumId: uuidToText(ids.bytes, i * UUID_SIZE),
      owner: null,
      place,
      read: () => graph.readLog(place),
    };
  }
}
