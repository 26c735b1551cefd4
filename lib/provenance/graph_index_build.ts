/**
 * Makes the arrays of a graph index of the blocks of a predicted graph.
 *
 * @module
 */

import { InvalidQuantumGraphFileError } from "../base/errors.ts";
import { UUID_SIZE, uuidToText, writeUuidText } from "../base/uuid.ts";
import type { PredictedQuantum } from "../qg/predicted_quantum.ts";
import { type QuantumFileRefs, QuantumIds, scanQuantumIds } from "../qg/predicted_ids.ts";
import type { GraphArrays, TaskFiles } from "./graph_index.ts";
import { Grower } from "./grower.ts";
import { IdTable } from "./id_table.ts";

/** What {@linkcode buildArrays} needs of a predicted graph. */
export interface QuantumBlocks {
  readonly path: string;
  blocks(): Iterable<{ offset: number; size: number; text: Uint8Array }>;
}

/** Starts are 32 bits wide: quanta behind so many bytes have none. */
const MAX_COORDINATE_BYTES = 2 ** 32 - 1;

const u32 = (n: number): Uint32Array => new Uint32Array(new SharedArrayBuffer(n * 4));

/**
 * Reads all predicted quanta once, see `GraphIndex.build()`.
 *
 * @returns the arrays, and the seed of their hash table.
 */
export function buildArrays(
  graph: QuantumBlocks,
  initQuanta: readonly PredictedQuantum[],
): { arrays: GraphArrays; seed: number } {
  const taskLabels: string[] = [];
  const taskNumbers = new Map<string, number>();
  const taskFiles: (TaskFiles | null)[] = [];
  const quanta = new IdTable();
  const datasets = new IdTable();
  const taskIndex = new Grower<Uint16Array>(Uint16Array);
  const blockOffset = new Grower<Float64Array>(Float64Array);
  const blockSize = new Grower<Uint32Array>(Uint32Array);
  const outputStart = new Grower<Uint32Array>(Uint32Array);
  const outputs = new Grower<Uint32Array>(Uint32Array);
  const inputStart = new Grower<Uint32Array>(Uint32Array);
  const inputs = new Grower<Uint32Array>(Uint32Array);
  const producer = new Grower<Int32Array>(Int32Array);
  const coordinateStart = new Grower<Uint32Array>(Uint32Array);
  const coordinates = new Grower<Uint8Array>(Uint8Array, 65536);
  // Last quantum that was seen to read a dataset: the same one under another connection is no news.
  const lastReader = new Grower<Int32Array>(Int32Array);
  let nOutputs = 0;
  let nInputs = 0;
  let nQuanta = 0;
  let nKnown = 0;
  let nCoordinateBytes = 0;
  const datasetIndex = (ids: Uint8Array, at: number): number => {
    const index = datasets.add(ids, at);
    if (index === nKnown) {
      nKnown++;
      producer.reach(index)[index] = -1;
      lastReader.reach(index)[index] = -1;
    }
    return index;
  };
  const addQuantum = (id: Uint8Array): number => {
    const q = quanta.add(id, 0);
    if (q !== nQuanta) {
      throw new InvalidQuantumGraphFileError(
        `Cannot use predicted graph "${graph.path}": quantum ${uuidToText(id)} occurs twice`,
      );
    }
    nQuanta++;
    outputStart.reach(q)[q] = nOutputs;
    inputStart.reach(q)[q] = nInputs;
    return q;
  };
  const addOutput = (q: number, ids: Uint8Array, at: number): void => {
    const d = datasetIndex(ids, at);
    if (producer.array[d] !== -1) {
      throw new InvalidQuantumGraphFileError(
        `Cannot use predicted graph "${graph.path}": dataset ${
          uuidToText(ids, at)
        } is written twice`,
      );
    }
    producer.array[d] = q;
    outputs.reach(nOutputs)[nOutputs++] = d;
  };
  const addInput = (q: number, ids: Uint8Array, at: number): void => {
    const d = datasetIndex(ids, at);
    if (lastReader.array[d] === q) return;
    lastReader.array[d] = q;
    inputs.reach(nInputs)[nInputs++] = d;
  };

  const addFiles = (q: number, task: number, text: Uint8Array, files: QuantumFileRefs | null) => {
    coordinateStart.reach(q)[q] = nCoordinateBytes;
    if (files === null) return;
    const { metadataType, logType, run, coordinateRange: [start, end] } = files;
    const common = taskFiles[task] ??= { metadataType, logType, run };
    const isCommon = common.metadataType === metadataType && common.logType === logType &&
      common.run === run;
    if (!isCommon || nCoordinateBytes + end - start > MAX_COORDINATE_BYTES) return;
    const target = coordinates.reach(nCoordinateBytes + end - start);
    for (let at = start; at < end; at++) target[nCoordinateBytes++] = text[at];
  };

  const ids = new QuantumIds();
  for (const block of graph.blocks()) {
    scanQuantumIds(block.text, ids);
    const q = addQuantum(ids.quantumId);
    let task = taskNumbers.get(ids.taskLabel);
    if (task === undefined) {
      task = taskLabels.length;
      taskNumbers.set(ids.taskLabel, task);
      taskLabels.push(ids.taskLabel);
      taskFiles.push(null);
    }
    taskIndex.reach(q)[q] = task;
    blockOffset.reach(q)[q] = block.offset;
    blockSize.reach(q)[q] = block.size;
    addFiles(q, task, block.text, ids.files);
    for (let i = 0; i < ids.nOutputs; i++) addOutput(q, ids.outputIds, i * UUID_SIZE);
    for (let i = 0; i < ids.nInputs; i++) addInput(q, ids.inputIds, i * UUID_SIZE);
  }
  const nRegular = nQuanta;
  coordinateStart.reach(nRegular)[nRegular] = nCoordinateBytes;
  const id = new Uint8Array(UUID_SIZE);
  for (const init of initQuanta) {
    writeUuidText(init.quantumId, id, 0);
    const q = addQuantum(id.slice());
    const each = (edges: PredictedQuantum["inputs"], add: typeof addInput) => {
      for (const list of edges.values()) {
        for (const dataset of list) {
          writeUuidText(dataset.idText, id, 0);
          add(q, id, 0);
        }
      }
    };
    each(init.outputs, addOutput);
    each(init.inputs, addInput);
  }
  outputStart.reach(nQuanta)[nQuanta] = nOutputs;
  inputStart.reach(nQuanta)[nQuanta] = nInputs;

  quanta.discardSlots();
  const nDatasets = datasets.n;
  const consumerStart = u32(nDatasets + 1);
  for (let i = 0; i < nInputs; i++) consumerStart[inputs.array[i] + 1]++;
  for (let d = 0; d < nDatasets; d++) consumerStart[d + 1] += consumerStart[d];
  const consumers = u32(nInputs);
  const fill = lastReader.array.fill(0);
  for (let q = 0; q < nQuanta; q++) {
    for (let i = inputStart.array[q]; i < inputStart.array[q + 1]; i++) {
      const d = inputs.array[i];
      consumers[consumerStart[d] + fill[d]++] = q;
    }
  }
  for (const grower of [inputStart, inputs, lastReader]) grower.discard();
  const producers = producer.share(nDatasets);
  const arrays: GraphArrays = {
    taskLabels,
    taskFiles,
    nQuanta: nRegular,
    nInitQuanta: nQuanta - nRegular,
    nDatasets,
    quantumIds: quanta.ids.share(nQuanta * UUID_SIZE),
    taskIndex: taskIndex.share(nRegular),
    blockOffset: blockOffset.share(nRegular),
    blockSize: blockSize.share(nRegular),
    ...countInputs(nQuanta, nRegular, producers, consumerStart, consumers),
    outputStart: outputStart.share(nQuanta + 1),
    outputs: outputs.share(nOutputs),
    datasetIds: datasets.ids.share(nDatasets * UUID_SIZE),
    slots: datasets.shareSlots(),
    producer: producers,
    consumerStart,
    consumers,
    coordinateStart: coordinateStart.share(nRegular + 1),
    coordinates: coordinates.share(nCoordinateBytes),
  };
  refuseCircles(arrays, graph.path);
  return { arrays, seed: datasets.seed };
}

/**
 * How many datasets each quantum is the first to read of those that nothing produces, and how many it
 * reads that a regular quantum produces.
 */
export function countInputs(
  nQuanta: number,
  nRegular: number,
  producer: Int32Array,
  consumerStart: Uint32Array,
  consumers: Uint32Array,
): Pick<GraphArrays, "nOwnedInputs" | "nProducedInputs"> {
  const nOwnedInputs = u32(nQuanta);
  const nProducedInputs = u32(nQuanta);
  for (let d = 0; d < producer.length; d++) {
    const start = consumerStart[d];
    const end = consumerStart[d + 1];
    const p = producer[d];
    if (p < 0) {
      if (start < end) nOwnedInputs[consumers[start]]++;
    } else if (p < nRegular) {
      for (let k = start; k < end; k++) nProducedInputs[consumers[k]]++;
    }
  }
  return { nOwnedInputs, nProducedInputs };
}

/** In a circle no quantum would ever be ready, and a traversal would wait for ever. */
function refuseCircles(arrays: GraphArrays, path: string): void {
  const { outputStart, outputs, consumerStart, consumers, nProducedInputs, nQuanta: n } = arrays;
  const pending = nProducedInputs.slice(0, n);
  const queue = new Uint32Array(n);
  let tail = 0;
  for (let q = 0; q < n; q++) if (pending[q] === 0) queue[tail++] = q;
  for (let head = 0; head < tail; head++) {
    const q = queue[head];
    for (let i = outputStart[q]; i < outputStart[q + 1]; i++) {
      const d = outputs[i];
      for (let k = consumerStart[d]; k < consumerStart[d + 1]; k++) {
        const consumer = consumers[k];
        if (consumer < n && --pending[consumer] === 0) queue[tail++] = consumer;
      }
    }
  }
  if (tail === n) return;
  throw new InvalidQuantumGraphFileError(
    `Cannot use predicted graph "${path}": ${n - tail} quanta wait for each other in a circle ` +
      `or behind one, such as ${
        uuidToText(arrays.quantumIds, pending.findIndex((count) => count > 0) * UUID_SIZE)
      }`,
  );
}
