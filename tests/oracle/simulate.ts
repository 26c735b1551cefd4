/**
 * What the reference makes of a simulated repository before anything is aggregated.
 *
 * @module
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { parseJson } from "../../lib/base/json_text.ts";
import { PredictedGraph } from "../../lib/qg/predicted/predicted_graph.ts";
import { INPUT_CHAIN } from "../../lib/simulate/run.ts";
import { Zstd } from "../../lib/codec/zstd.ts";
import type { Reference } from "./reference.ts";

/** Reads the graph and the inputs, and joins visits with the sky as a graph builder would. */
const SCRIPT = `
import json, sys
from lsst.daf.butler import Butler
from lsst.pipe.base.quantum_graph import PredictedQuantumGraph

top, chain = sys.argv[1:]
with PredictedQuantumGraph.open(top + "/predicted.qg") as reader:
    reader.read_all()
    graph = reader.finish()
graph.build_execution_quanta()
nodes = graph.quantum_only_xgraph.nodes.values()
found = {
    "quanta": {label: len(quanta) for label, quanta in graph.quanta_by_task.items()},
    "edges": graph.quantum_only_xgraph.number_of_edges(),
    "expanded": sum(node["quantum"].dataId.hasRecords() for node in nodes),
    "contents": {},
}
with Butler.from_config(top + "/repo", writeable=False) as butler:
    for name in ["raw", "detector_model"]:
        refs = butler.query_datasets(name, chain, limit=None)
        found["contents"][name] = [butler.get(ref)["simulated"] for ref in refs]
        # One by one: asked for many, it says yes to one dataset of each file only.
        assert all(butler.stored(ref) for ref in refs)
    with butler.query() as query:
        joined = query.join_dimensions(["visit", "detector", "patch"]).where(skymap="sim_fields")
        found["joined"] = len(list(joined.data_ids(["visit", "detector", "patch"])))
print(json.dumps(found))
`;

/**
 * Checks that Python reads the predicted graph, with all tasks imported and all data IDs expanded, and
 * the input datasets, and finds the overlaps with the sky from which such a graph would be built.
 *
 * @param path directory with `repo` and `predicted.qg`.
 * @param inside its path for the reference.
 */
export async function checkSimulated(
  reference: Reference,
  path: string,
  inside: string,
): Promise<void> {
  const { stdout } = await reference.expect(["python", "-c", SCRIPT, inside, INPUT_CHAIN]);
  const found = parseJson(stdout) as Record<string, unknown>;
  using graph = await PredictedGraph.open(join(path, "predicted.qg"), await Zstd.load());
  let nEdges = 0;
  let nJoined = 0;
  for (const { text, offset } of graph.blocks()) {
    const { inputs, taskLabel } = graph.parseBlock(text, offset);
    for (const [connection, datasets] of inputs) {
      if (/^(?:input|catalogs)/.test(connection) && taskLabel !== "isr") nEdges += datasets.length;
      if (taskLabel === "assembleCoadd") nJoined += datasets.length;
    }
  }
  using database = new DatabaseSync(join(path, "repo", "gen3.sqlite3"), { readOnly: true });
  const count = (table: string) =>
    Number(database.prepare(`SELECT count(*) AS n FROM ${table}`).get()!.n);
  const { n_task_quanta, n_quanta } = graph.header;
  const contents = (n: number) => new Array(n).fill(true);
  assert.deepEqual(JSON.parse(JSON.stringify(found)), {
    quanta: { ...n_task_quanta },
    edges: nEdges,
    expanded: n_quanta,
    contents: {
      raw: contents(count("visit_detector_region")),
      detector_model: contents(count("detector")),
    },
    joined: nJoined,
  });
}
