/**
 * A predicted graph as typed arrays: who produces each dataset, who reads it, where each quantum's
 * block is. Made in one sequential pass and shared with the workers; no id is ever a string.
 *
 * Memory: 16 bytes of id, 8 to 16 of hash table, 8 of producer and consumer start for a dataset; 44
 * for a quantum; 4 for each edge.
 *
 * @module
 */

import { InvalidQuantumGraphFileError } from "../base/errors.ts";
import { UUID_SIZE, uuidToText, writeUuidText } from "../base/uuid.ts";
import type { PredictedQuantum } from "../qg/predicted_quantum.ts";
import { QuantumIds, scanQuantumIds } from "../qg/predicted_quantum.ts";

/** What {@linkcode GraphIndex.build} needs of a predicted graph. */
export interface QuantumBlocks {
  readonly path: string;
  blocks(): Iterable<{ offset: number; size: number; text: Uint8Array }>;
}

/** The arrays of an index: plain data on shared memory, to be posted to workers. */
export interface GraphArrays {
  taskLabels: string[];
  nQuanta: number;
  nInitQuanta: number;
  nDatasets: number;
  quantumIds: Uint8Array;
  taskIndex: Uint16Array;
  blockOffset: Float64Array;
  blockSize: Uint32Array;
  nOwnedInputs: Uint32Array;
  nProducedInputs: Uint32Array;
  outputStart: Uint32Array;
  outputs: Uint32Array;
  datasetIds: Uint8Array;
  slots: Uint32Array;
  producer: Int32Array;
  consumerStart: Uint32Array;
  consumers: Uint32Array;
}

type Growable = Uint8Array | Uint16Array | Uint32Array | Int32Array | Float64Array;

/** Makes an array on a buffer. */
interface ArrayType<T> {
  new (buffer: ArrayBufferLike): T;
  readonly BYTES_PER_ELEMENT: number;
}

/**
 * An array that doubles when full. Its memory is given back at once when it grows or is done: garbage of
 * this size would stay for the whole run, because the main thread makes hardly any other.
 */
class Grower<T extends Growable> {
  array: T;
  readonly #type: ArrayType<T>;
  #buffer: ArrayBuffer;

  constructor(type: ArrayType<T>, length = 1024) {
    this.#type = type;
    this.#buffer = new ArrayBuffer(length * type.BYTES_PER_ELEMENT);
    this.array = new type(this.#buffer);
  }

  /** Makes room for index `last`. */
  reach(last: number): T {
    if (last >= this.array.length) {
      const length = Math.max(last + 1, this.array.length * 2);
      this.#buffer = this.#buffer.transfer(length * this.#type.BYTES_PER_ELEMENT);
      this.array = new this.#type(this.#buffer);
    }
    return this.array;
  }

  /** The first `n` elements on shared memory; the grower is empty then. */
  share(n: number): T {
    const size = n * this.#type.BYTES_PER_ELEMENT;
    const shared = new SharedArrayBuffer(size);
    new Uint8Array(shared).set(new Uint8Array(this.#buffer, 0, size));
    this.discard();
    return new this.#type(shared);
  }

  /** Gives the memory back. */
  discard(): void {
    this.#buffer = this.#buffer.transfer(0);
    this.array = new this.#type(this.#buffer);
  }
}

const u32 = (n: number): Uint32Array => new Uint32Array(new SharedArrayBuffer(n * 4));

const EMPTY_SLOT = 0xffffffff;

/** Hash table from 16-byte ids to their order of arrival. */
class IdTable {
  readonly ids = new Grower<Uint8Array>(Uint8Array, 1024 * UUID_SIZE);
  slots: Uint32Array<ArrayBuffer> = new Uint32Array(4096).fill(EMPTY_SLOT);
  n = 0;
  // Ids come from a file: a seed unknown to its author keeps chains short.
  readonly seed = crypto.getRandomValues(new Uint32Array(1))[0] | 1;

  /** Index of the id, which is added if it is new. */
  add(id: Uint8Array, offset: number): number {
    const mask = this.slots.length - 1;
    let slot = hashId(id, offset, this.seed) & mask;
    for (;;) {
      const index = this.slots[slot];
      if (index === EMPTY_SLOT) break;
      if (equalIds(this.ids.array, index * UUID_SIZE, id, offset)) return index;
      slot = (slot + 1) & mask;
    }
    const index = this.n++;
    const ids = this.ids.reach((index + 1) * UUID_SIZE);
    for (let i = 0; i < UUID_SIZE; i++) ids[index * UUID_SIZE + i] = id[offset + i];
    this.slots[slot] = index;
    if (this.n * 2 > this.slots.length) this.#rehash();
    return index;
  }

  #rehash(): void {
    const nSlots = this.slots.length * 2;
    this.slots.buffer.transfer(0);
    const slots = new Uint32Array(nSlots).fill(EMPTY_SLOT);
    const mask = slots.length - 1;
    for (let index = 0; index < this.n; index++) {
      let slot = hashId(this.ids.array, index * UUID_SIZE, this.seed) & mask;
      while (slots[slot] !== EMPTY_SLOT) slot = (slot + 1) & mask;
      slots[slot] = index;
    }
    this.slots = slots;
  }

  /** The slots on shared memory; the table can't be used any more. */
  shareSlots(): Uint32Array {
    const shared = u32(this.slots.length);
    shared.set(this.slots);
    this.discardSlots();
    return shared;
  }

  /** Gives the memory of the slots back. */
  discardSlots(): void {
    this.slots = new Uint32Array(this.slots.buffer.transfer(0));
  }
}

function hashId(id: Uint8Array, at: number, seed: number): number {
  let h = seed;
  for (let i = 0; i < UUID_SIZE; i += 4) {
    const word = id[at + i] | id[at + i + 1] << 8 | id[at + i + 2] << 16 | id[at + i + 3] << 24;
    h = Math.imul(h ^ word, 0x9e3779b1);
    h ^= h >>> 15;
  }
  return h >>> 0;
}

function equalIds(a: Uint8Array, aAt: number, b: Uint8Array, bAt: number): boolean {
  for (let i = UUID_SIZE - 1; i >= 0; i--) if (a[aAt + i] !== b[bAt + i]) return false;
  return true;
}

/** Index of a predicted graph. Quanta and datasets are numbers; init quanta follow the others. */
export class GraphIndex {
  /** The data, to be posted to workers together with {@linkcode seed}. */
  readonly arrays: GraphArrays;
  /** Seed of the hash table. */
  readonly seed: number;

  constructor(arrays: GraphArrays, seed: number) {
    this.arrays = arrays;
    this.seed = seed;
  }

  /**
   * Reads all predicted quanta once. Time linear, about 12 microseconds a quantum.
   *
   * @param initQuanta The graph's init quanta; the one that writes `packages` is left out by the
   *   caller, as it has no place in a provenance graph.
   * @throws {InvalidQuantumGraphFileError} if a dataset has two producers, a quantum occurs twice, or
   *   quanta wait for each other in a circle.
   */
  static build(graph: QuantumBlocks, initQuanta: readonly PredictedQuantum[]): GraphIndex {
    const taskLabels: string[] = [];
    const taskNumbers = new Map<string, number>();
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
    // Last quantum that was seen to read a dataset: the same one under another connection is no news.
    const lastReader = new Grower<Int32Array>(Int32Array);
    let nOutputs = 0;
    let nInputs = 0;
    let nQuanta = 0;
    let nKnown = 0;
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

    const ids = new QuantumIds();
    for (const block of graph.blocks()) {
      scanQuantumIds(block.text, ids);
      const q = addQuantum(ids.quantumId);
      let task = taskNumbers.get(ids.taskLabel);
      if (task === undefined) {
        task = taskLabels.length;
        taskNumbers.set(ids.taskLabel, task);
        taskLabels.push(ids.taskLabel);
      }
      taskIndex.reach(q)[q] = task;
      blockOffset.reach(q)[q] = block.offset;
      blockSize.reach(q)[q] = block.size;
      for (let i = 0; i < ids.nOutputs; i++) addOutput(q, ids.outputIds, i * UUID_SIZE);
      for (let i = 0; i < ids.nInputs; i++) addInput(q, ids.inputIds, i * UUID_SIZE);
    }
    const nRegular = nQuanta;
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
    const nOwnedInputs = u32(nQuanta);
    const nProducedInputs = u32(nQuanta);
    for (let q = 0; q < nQuanta; q++) {
      for (let i = inputStart.array[q]; i < inputStart.array[q + 1]; i++) {
        const d = inputs.array[i];
        const isFirst = fill[d] === 0;
        consumers[consumerStart[d] + fill[d]++] = q;
        const p = producer.array[d];
        if (p < 0) {
          if (isFirst) nOwnedInputs[q]++;
        } else if (p < nRegular) nProducedInputs[q]++;
      }
    }
    for (const grower of [inputStart, inputs, lastReader]) grower.discard();
    const index = new GraphIndex({
      taskLabels,
      nQuanta: nRegular,
      nInitQuanta: nQuanta - nRegular,
      nDatasets,
      quantumIds: quanta.ids.share(nQuanta * UUID_SIZE),
      taskIndex: taskIndex.share(nRegular),
      blockOffset: blockOffset.share(nRegular),
      blockSize: blockSize.share(nRegular),
      nOwnedInputs,
      nProducedInputs,
      outputStart: outputStart.share(nQuanta + 1),
      outputs: outputs.share(nOutputs),
      datasetIds: datasets.ids.share(nDatasets * UUID_SIZE),
      slots: datasets.shareSlots(),
      producer: producer.share(nDatasets),
      consumerStart,
      consumers,
    }, datasets.seed);
    refuseCircles(index, graph.path);
    return index;
  }

  get nQuanta(): number {
    return this.arrays.nQuanta;
  }
  get nDatasets(): number {
    return this.arrays.nDatasets;
  }

  /** Number of the dataset with the id at `offset`, or -1. */
  findDataset(id: Uint8Array, offset = 0): number {
    const { slots, datasetIds } = this.arrays;
    const mask = slots.length - 1;
    let slot = hashId(id, offset, this.seed) & mask;
    for (;;) {
      const index = slots[slot];
      if (index === EMPTY_SLOT) return -1;
      if (equalIds(datasetIds, index * UUID_SIZE, id, offset)) return index;
      slot = (slot + 1) & mask;
    }
  }

  /** Id of a quantum as text. */
  quantumIdText(q: number): string {
    return uuidToText(this.arrays.quantumIds, q * UUID_SIZE);
  }

  /** Id of a quantum: 16 bytes, a view. */
  quantumId(q: number): Uint8Array {
    return this.arrays.quantumIds.subarray(q * UUID_SIZE, (q + 1) * UUID_SIZE);
  }

  /** Label of a quantum's task. */
  taskLabel(q: number): string {
    return this.arrays.taskLabels[this.arrays.taskIndex[q]];
  }

  /** Ids, as text, of the quanta that read a dataset, in the order of the graph. */
  consumerTexts(d: number): string[] {
    const { consumerStart, consumers } = this.arrays;
    const texts: string[] = [];
    for (let i = consumerStart[d]; i < consumerStart[d + 1]; i++) {
      texts.push(this.quantumIdText(consumers[i]));
    }
    return texts;
  }

  /** Whether `q` is the first reader of a dataset that nothing in the graph produces. */
  ownsInput(q: number, d: number): boolean {
    const { consumerStart, consumers, producer } = this.arrays;
    return producer[d] < 0 && consumers[consumerStart[d]] === q;
  }
}

/** In a circle no quantum would ever be ready, and a traversal would wait for ever. */
function refuseCircles(index: GraphIndex, path: string): void {
  const { outputStart, outputs, consumerStart, consumers, nProducedInputs } = index.arrays;
  const n = index.nQuanta;
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
      `or behind one, such as ${index.quantumIdText(pending.findIndex((count) => count > 0))}`,
  );
}
