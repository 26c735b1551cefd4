/**
 * Whether a predicted graph is that of the run whose files are there: its ids are those that were written.
 *
 * @module
 */

import { concatBytes } from "../base/bytes.ts";
import { ConflictingDatasetError } from "../base/errors.ts";
import { UUID_SIZE } from "../base/uuid.ts";
import { openRegistry } from "../butler/registry/open.ts";
import type { DatasetBatch } from "../butler/registry/registry.ts";
import type { GraphIndex } from "../qg/predicted/graph_index.ts";
import type { PredictedGraph } from "../qg/predicted/predicted_graph.ts";
import type { PredictedQuantum } from "../qg/predicted/predicted_quantum.ts";
import type { CommonScannerSetup } from "./messages.ts";
import type { AggregateOptions } from "./options.ts";
import type { KnownState } from "./scan/known_state.ts";
import { PlannedOutputs } from "./scan/planned_outputs.ts";
import { type ScanFiles, untilKnown } from "./scan/scan_files.ts";
import type { RepositoryConfig } from "../butler/config/repository_config.ts";
import type { DataIdValue } from "../butler/dimensions/data_id_value.ts";

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
  files: ScanFiles;
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
  const { config, graph, index, known, scanner, options, files } = run;
  const nRegistered = known.ids.length / UUID_SIZE;
  let nOwn = scanner.knownOutside.length / UUID_SIZE;
  for (const isKnown of scanner.known) nOwn += isKnown;
  if (nOwn === nRegistered) return;
  const setup = { kind: "setup", name: "supervisor", table: null, ...scanner } as const;
  const planned = new PlannedOutputs(setup, graph, files.exists);
  const quanta = [...graph.initQuanta(), ...someQuanta(graph, index)];
  const found = await untilKnown(files, () =>
    quanta.flatMap((quantum) => planned.of(quantum))
      .filter((output) => known.areRegistered[output.typeIndex] && planned.hasAnything(output)));
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

/**
 * Refuses to register datasets whose place in the RUN others have taken: those of another graph of the
 * same RUN.
 *
 * @param batch Datasets that would be registered; types that aren't registered may not occur.
 * @throws {ConflictingDatasetError} if the registry has other IDs for their data IDs.
 */
async function refuseConflicts(
  config: RepositoryConfig,
  batch: DatasetBatch,
  options: AggregateOptions,
): Promise<void> {
  if (batch.n === 0) return;
  await using registry = await openRegistry(config, {
    writeable: false,
    busyTimeoutMs: options.busyTimeoutMs,
  });
  const reason = await registry.explainConflict(batch);
  if (reason === null) return;
  throw new ConflictingDatasetError(
    `Cannot aggregate into RUN "${batch.run}" of "${config.argument}": it holds datasets of another ` +
      `predicted graph: ${reason}`,
    {
      hint:
        "aggregate with the graph whose datasets the RUN holds; to register this one instead, " +
        "remove these datasets first (butler prune-datasets), or execute it into another RUN",
    },
  );
}
