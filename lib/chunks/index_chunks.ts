/**
 * The graph index in a chunk log: so a later run needn't decompress and read every predicted quantum
 * again. Byte map in `schema/chunk-log.md`, section 10.
 *
 * @module
 */

import { writeLittleEndian } from "../base/bytes.ts";
import { makeSlots, newSeed } from "../base/id_table.ts";
import { decodeUtf8, encodeUtf8 } from "../base/json_text.ts";
import { UUID_SIZE } from "../base/uuid.ts";
import type { GraphArrays, TaskFiles } from "../qg/predicted/graph_arrays.ts";
import { GraphIndex } from "../qg/predicted/graph_index.ts";
import { countInputs } from "../qg/predicted/graph_index_build.ts";
import type { FileSource } from "../storage/file_source.ts";
import { readChunks } from "./framing.ts";
import { parseChunkLogHeader } from "./header.ts";
import { ChunkType, makeChunk } from "./chunk_format.ts";

/** Bytes of the head of an index chunk. */
export const INDEX_HEAD_SIZE = 16;
/** Bytes of an array that one chunk holds at most, so that readers need no large buffer. */
const PIECE_SIZE = 2 ** 20;

/** Numbers of the arrays in the order of the file. Numbers are part of the format. */
export const IndexArray = {
  DESCRIPTION: 0,
  QUANTUM_IDS: 1,
  TASK_INDEX: 2,
  BLOCK_SIZE: 3,
  OUTPUT_START: 4,
  OUTPUTS: 5,
  DATASET_IDS: 6,
  CONSUMER_START: 7,
  CONSUMERS: 8,
  COORDINATE_START: 9,
  COORDINATES: 10,
} as const;

/** What an index is made of: a predicted graph, as far as it tells itself from others. */
interface IndexSource {
  /** See `PredictedGraph.contentKey`. */
  readonly contentKey: string;
  /** Bytes of all blocks together. */
  readonly nQuantaBlocksSize: number;
}

/** The document in front of the arrays. */
interface Description {
  content_key: string;
  n_quanta: number;
  n_init_quanta: number;
  n_datasets: number;
  n_outputs: number;
  n_consumers: number;
  n_coordinate_bytes: number;
  tasks: { label: string; metadata_type?: string; log_type?: string; run?: string }[];
}

/** Makes the chunks of an index, one after the other. Memory: one of about a megabyte. */
export function* makeIndexChunks(
  arrays: GraphArrays,
  contentKey: string,
): Generator<Uint8Array<ArrayBuffer>> {
  const description: Description = {
    content_key: contentKey,
    n_quanta: arrays.nQuanta,
    n_init_quanta: arrays.nInitQuanta,
    n_datasets: arrays.nDatasets,
    n_outputs: arrays.outputs.length,
    n_consumers: arrays.consumers.length,
    n_coordinate_bytes: arrays.coordinates.length,
    tasks: arrays.taskLabels.map((label, task) => {
      const files = arrays.taskFiles[task];
      return files === null
        ? { label }
        : { label, metadata_type: files.metadataType, log_type: files.logType, run: files.run };
    }),
  };
  const text = encodeUtf8(JSON.stringify(description));
  for (const [number, array] of [[IndexArray.DESCRIPTION, text] as const, ...listArrays(arrays)]) {
    // The machine's byte order: there is no platform of the runtime whose isn't little-endian.
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    for (let at = 0; at < bytes.length; at += PIECE_SIZE) {
      const head = new Uint8Array(INDEX_HEAD_SIZE);
      writeLittleEndian(head, 0, 4, number);
      writeLittleEndian(head, 8, 8, at);
      yield makeChunk(ChunkType.INDEX, head, bytes.subarray(at, at + PIECE_SIZE));
    }
  }
}

/** The arrays that can't be told from others. */
function listArrays(arrays: GraphArrays) {
  return [
    [IndexArray.QUANTUM_IDS, arrays.quantumIds],
    [IndexArray.TASK_INDEX, arrays.taskIndex],
    [IndexArray.BLOCK_SIZE, arrays.blockSize],
    [IndexArray.OUTPUT_START, arrays.outputStart],
    [IndexArray.OUTPUTS, arrays.outputs],
    [IndexArray.DATASET_IDS, arrays.datasetIds],
    [IndexArray.CONSUMER_START, arrays.consumerStart],
    [IndexArray.CONSUMERS, arrays.consumers],
    [IndexArray.COORDINATE_START, arrays.coordinateStart],
    [IndexArray.COORDINATES, arrays.coordinates],
  ] as const;
}

/**
 * Reads the index of a predicted graph out of a chunk log.
 *
 * @param fingerprint That of the graph.
 * @returns null if it holds none, a damaged one, or that of another graph.
 * @throws {InvalidChunkLogError} if it is no chunk log, or one of another version.
 */
export function loadIndex(
  log: FileSource,
  fingerprint: string,
  graph: IndexSource,
): GraphIndex | null {
  let target: IndexTarget | null = null;
  let hasHeader = false;
  for (const { type, head, body } of readChunks(log, () => {}, { isReused: true })) {
    if (!hasHeader) {
      if (type !== ChunkType.HEADER) return null;
      if (parseChunkLogHeader(head, body, log.name).fingerprint !== fingerprint) return null;
      hasHeader = true;
    } else if (type !== ChunkType.INDEX || head.length !== INDEX_HEAD_SIZE) return null;
    else {
      const view = new DataView(head.buffer, head.byteOffset, head.length);
      const number = view.getUint32(0, true);
      const at = Number(view.getBigUint64(8, true));
      if (number === IndexArray.DESCRIPTION) {
        target = IndexTarget.open(body, log.size, graph);
      } else if (target !== null && !target.add(number, at, body)) return null;
      if (target === null) return null;
      if (target.isComplete) return target.finish(graph.nQuantaBlocksSize);
    }
  }
  return null;
}

/** Arrays that are filled piece by piece, in their order. */
class IndexTarget {
  readonly #arrays: GraphArrays;
  readonly #places: { number: number; bytes: Uint8Array }[];
  #place = 0;
  #nDone = 0;

  private constructor(arrays: GraphArrays) {
    this.#arrays = arrays;
    this.#places = listArrays(arrays).map(([number, array]) => ({
      number,
      bytes: new Uint8Array(array.buffer),
    }));
    this.#passEmpty();
  }

  /** Makes room; null if the description is that of another graph, or no file of `limit` bytes holds it. */
  static open(text: Uint8Array, limit: number, graph: IndexSource): IndexTarget | null {
    let d: Description;
    try {
      d = JSON.parse(decodeUtf8(text));
    } catch {
      return null;
    }
    if (d.content_key !== graph.contentKey) return null;
    const counts = [
      d.n_quanta,
      d.n_init_quanta,
      d.n_datasets,
      d.n_outputs,
      d.n_consumers,
      d.n_coordinate_bytes,
    ];
    if (!Array.isArray(d.tasks)) return null;
    if (!counts.every((n) => Number.isSafeInteger(n) && n >= 0)) return null;
    const nAll = d.n_quanta + d.n_init_quanta;
    const nBytes = (UUID_SIZE + 4) * (nAll + d.n_datasets) + 10 * d.n_quanta +
      4 * (d.n_outputs + d.n_consumers) + d.n_coordinate_bytes;
    if (nBytes > limit) return null;
    const u8 = (n: number) => new Uint8Array(new SharedArrayBuffer(n));
    const u32 = (n: number) => new Uint32Array(new SharedArrayBuffer(n * 4));
    const taskFiles = d.tasks.map((task): TaskFiles | null =>
      task.metadata_type === undefined || task.log_type === undefined || task.run === undefined
        ? null
        : { metadataType: task.metadata_type, logType: task.log_type, run: task.run }
    );
    return new IndexTarget({
      taskLabels: d.tasks.map(({ label }) => label),
      taskFiles,
      nQuanta: d.n_quanta,
      nInitQuanta: d.n_init_quanta,
      nDatasets: d.n_datasets,
      quantumIds: u8(nAll * UUID_SIZE),
      taskIndex: new Uint16Array(new SharedArrayBuffer(d.n_quanta * 2)),
      blockOffset: new Float64Array(new SharedArrayBuffer(d.n_quanta * 8)),
      blockSize: u32(d.n_quanta),
      outputStart: u32(nAll + 1),
      outputs: u32(d.n_outputs),
      datasetIds: u8(d.n_datasets * UUID_SIZE),
      producer: new Int32Array(new SharedArrayBuffer(d.n_datasets * 4)).fill(-1),
      consumerStart: u32(d.n_datasets + 1),
      consumers: u32(d.n_consumers),
      coordinateStart: u32(d.n_quanta + 1),
      coordinates: u8(d.n_coordinate_bytes),
      // Made in the end.
      slots: new Uint32Array(0),
      nOwnedInputs: new Uint32Array(0),
      nProducedInputs: new Uint32Array(0),
    });
  }

  /** Whether all arrays are filled. */
  get isComplete(): boolean {
    return this.#place === this.#places.length;
  }

  /** Takes a piece; false if it isn't the next one. */
  add(number: number, at: number, piece: Uint8Array): boolean {
    if (this.isComplete) return false;
    const place = this.#places[this.#place];
    if (number !== place.number || at !== this.#nDone) return false;
    if (piece.length > place.bytes.length - at) return false;
    place.bytes.set(piece, at);
    this.#nDone += piece.length;
    this.#passEmpty();
    return true;
  }

  /** Goes to the next array that wants bytes; empty ones have no chunk. */
  #passEmpty(): void {
    while (!this.isComplete && this.#nDone === this.#places[this.#place].bytes.length) {
      this.#place++;
      this.#nDone = 0;
    }
  }

  /**
   * The index; null if its numbers don't fit each other.
   *
   * @param nBlockBytes Bytes of all blocks of the graph.
   */
  finish(nBlockBytes: number): GraphIndex | null {
    const a = this.#arrays;
    const nAll = a.nQuanta + a.nInitQuanta;
    let offset = 0;
    for (let q = 0; q < a.nQuanta; q++) {
      if (a.taskIndex[q] >= a.taskLabels.length) return null;
      a.blockOffset[q] = offset;
      offset += a.blockSize[q];
    }
    if (offset !== nBlockBytes) return null;
    const areStarts = rises(a.outputStart, a.outputs.length) &&
      rises(a.consumerStart, a.consumers.length) &&
      rises(a.coordinateStart, a.coordinates.length);
    if (!areStarts) return null;
    for (let q = 0; q < nAll; q++) {
      for (let i = a.outputStart[q]; i < a.outputStart[q + 1]; i++) {
        const d = a.outputs[i];
        if (d >= a.nDatasets || a.producer[d] !== -1) return null;
        a.producer[d] = q;
      }
    }
    for (let i = 0; i < a.consumers.length; i++) if (a.consumers[i] >= nAll) return null;
    const seed = newSeed();
    const slots = makeSlots(a.datasetIds, a.nDatasets, seed);
    if (slots === null) return null;
    const counts = countInputs(nAll, a.nQuanta, a.producer, a.consumerStart, a.consumers);
    return new GraphIndex({ ...a, ...counts, slots }, seed);
  }
}

/** Whether numbers begin with 0, never fall and end with `end`. */
function rises(starts: Uint32Array, end: number): boolean {
  for (let i = 1; i < starts.length; i++) if (starts[i] < starts[i - 1]) return false;
  return starts[0] === 0 && starts[starts.length - 1] === end;
}
