/**
 * Whether a predicted graph is that of the run whose files are there: its ids are those that were written.
 *
 * @module
 */

import { RefusedError } from "../base/errors.ts";
import { concatBytes } from "../base/bytes.ts";
import { UUID_SIZE } from "../base/uuid.ts";
import type { DataIdValue } from "../butler/data_id.ts";
import type { RepositoryConfig } from "../butler/repo_config.ts";
import type { GraphIndex } from "../provenance/graph_index.ts";
import type { ScannedQuantum } from "../provenance/scan_quantum.ts";
import type { PredictedGraph } from "../qg/predicted_graph.ts";
import type { PredictedQuantum } from "../qg/predicted_quantum.ts";
import type { AggregateOptions } from "./options.ts";
import { type Output, PlannedOutputs } from "./planned_outputs.ts";
import { type KnownState, refuseConflicts } from "./preconditions.ts";
import type { CommonScannerSetup } from "./scan_setup.ts";

/** Ids that an error names; others are counted. */
const MAX_NAMED = 3;

/** Where a quantum was read from. */
interface ScannedPlace {
  graphPath: string;
  quantum: PredictedQuantum;
  /** The file that lists what was written, relative to the datastore's root. */
  path: string;
}

/**
 * Refuses a quantum that wrote datasets which its graph doesn't predict: a graph that was built anew for
 * the same RUN has other ids, and what is registered by it would have ids that nothing else knows. The
 * reference stops there too (`KeyError`).
 *
 * @throws {RefusedError} that names the datasets.
 */
export function refuseUnpredicted(
  { outputs: written }: ScannedQuantum,
  outputs: readonly Output[],
  { graphPath, quantum, path }: ScannedPlace,
): void {
  if (written === null) return;
  let nPredicted = 0;
  for (const { idText } of outputs) if (written.has(idText)) nPredicted++;
  if (nPredicted === written.size) return;
  const predicted = new Set(outputs.map(({ idText }) => idText));
  const others = [...written].filter((id) => !predicted.has(id));
  const named = others.slice(0, MAX_NAMED).join(", ");
  const more = others.length > MAX_NAMED ? ` and ${others.length - MAX_NAMED} more` : "";
  throw new RefusedError(
    `Cannot aggregate with predicted graph "${graphPath}": it is not the one that was executed. ` +
      `File "${path}" of quantum ${quantum.quantumId} (${quantum.taskLabel}) says that it wrote ` +
      `${others.length} of ${written.size} datasets under ids that this graph does not have: ` +
      named + more,
    {
      hint:
        "give the graph that the RUN was executed with; if it is this one, that file comes from " +
        "elsewhere: move it away, and the quantum counts as failed",
    },
  );
}

/** Quanta of each task whose outputs are compared with the registry. */
const N_COMPARED = 2;

/** An aggregation that is about to begin. */
interface ReadyRun {
  config: RepositoryConfig;
  graph: PredictedGraph;
  index: GraphIndex;
  known: KnownState;
  scanner: CommonScannerSetup;
  options: AggregateOptions;
}

/**
 * Compares what the RUN holds with what the graph would register, before anything is: that of the init
 * quanta, which every run writes, and that of a few quanta of each task. Only where the RUN holds datasets
 * that the graph does not have, which no run of a single graph does.
 *
 * @throws {ConflictingDatasetError} if data IDs are registered under other IDs. Those that are met
 *   later end the run when they would be committed.
 */
export async function refuseOtherGraph(run: ReadyRun): Promise<void> {
  const { config, graph, index, known, scanner, options } = run;
  const nRegistered = known.ids.length / UUID_SIZE;
  let nOwn = scanner.knownOutside.length / UUID_SIZE;
  for (const isKnown of scanner.known) nOwn += isKnown;
  if (nOwn === nRegistered) return;
  const planned = new PlannedOutputs({ kind: "setup", name: "supervisor", ...scanner }, graph);
  const found = [...graph.initQuanta(), ...someQuanta(graph, index)]
    .flatMap((quantum) => planned.of(quantum))
    .filter((output) => known.areRegistered[output.typeIndex] && planned.hasAnything(output));
  const types = [...known.types.types];
  const values: DataIdValue[] = found.flatMap((output) =>
    output.values.slice(0, types[output.typeIndex].group.required.length)
  );
  await refuseConflicts(config, {
    run: graph.header.output_run,
    n: found.length,
    ids: concatBytes(found.map(({ id }) => id)),
    typeIndex: Uint16Array.from(found, ({ typeIndex }) => typeIndex),
    types,
    values,
    paths: found.map(({ path }) => path),
    formatters: types.map(() => ""),
    storageClasses: types.map((type) => type.storageClass),
    fileSize: -1,
  }, options);
}

function* someQuanta(graph: PredictedGraph, index: GraphIndex): Generator<PredictedQuantum> {
  const { taskIndex, taskLabels, blockOffset, blockSize } = index.arrays;
  const nMet = taskLabels.map(() => 0);
  for (let q = 0; q < index.nQuanta; q++) {
    if (nMet[taskIndex[q]]++ >= N_COMPARED) continue;
    yield graph.parseBlock(graph.readBlock(blockOffset[q], blockSize[q]), blockOffset[q]);
  }
}
