/**
 * Tracing in a chunk log, complete or not: one pass over the heads of all chunks makes an index of ids,
 * then each quantum or dataset is one chunk. Of what has no chunk yet, and of init quanta, only the id
 * is known.
 *
 * @module
 */

import { IdList } from "../../base/id_list.ts";
import { findId, idPlaces, sortIds } from "../../base/sort_ids.ts";
import { uuidFromText, uuidToText } from "../../base/uuid.ts";
import { type ChunkLogReader, QUANTUM } from "../../chunks/reader.ts";
import { parseStored } from "../parse_stored.ts";
import { pipelineDimensions } from "../rows.ts";
import type { Selector } from "../selector.ts";
import { parseTracedDataset, parseTracedQuantum } from "./documents.ts";
import type { TracedDataset, TracedQuantum, TraceKey, TraceSource } from "./trace_source.ts";
import { ChunkType } from "../../chunks/chunk_format.ts";
import type { DimensionGroup } from "../../butler/dimensions/dimension_group.ts";

/** Position of a quantum, as opposed to those of its chunk's datasets. */
const IS_QUANTUM = -1;

/** A chunk log to trace in. Memory: 32 bytes for each quantum and dataset. */
export class ChunkLogTraceSource implements TraceSource {
  readonly #reader: ChunkLogReader;
  readonly #find: (selector: Selector, kind: TraceKey["kind"]) => TraceKey;
  readonly #groups: Record<TraceKey["kind"], ReadonlyMap<string, DimensionGroup>>;
  readonly #ids = new IdList();
  readonly #order: Uint32Array;
  /** Of each id: where its chunk is, and its position there. */
  readonly #offset: Float64Array;
  readonly #position: Int32Array;

  /** @param find What a selector means. */
  constructor(
    reader: ChunkLogReader,
    find: (selector: Selector, kind: TraceKey["kind"]) => TraceKey,
  ) {
    this.#reader = reader;
    this.#find = find;
    const pipeline = reader.pipelineGraph();
    this.#groups = {
      quantum: pipelineDimensions(pipeline, "quanta", reader.name).groups,
      dataset: pipelineDimensions(pipeline, "datasets", reader.name).groups,
    };
    const offsets: number[] = [];
    const positions: number[] = [];
    const enter = (id: Uint8Array, offset: number, position: number) => {
      this.#ids.push(id);
      offsets.push(offset);
      positions.push(position);
    };
    for (const { place, head } of reader.liveChunks()) {
      if (place.type !== ChunkType.INIT) enter(head.quantumId, place.offset, IS_QUANTUM);
      for (let i = 0; i < head.nDatasets; i++) enter(head.datasetId(i), place.offset, i);
    }
    this.#offset = Float64Array.from(offsets);
    this.#position = Int32Array.from(positions);
    this.#order = sortIds(this.#ids.bytes, idPlaces(this.#ids.n));
  }

  locate(selector: Selector): Promise<TraceKey> {
    const isTask = selector.kind !== "dataId" || this.#groups.quantum.has(selector.label);
    return Promise.resolve(this.#find(selector, isTask ? "quantum" : "dataset"));
  }

  announce(): Promise<void> {
    return Promise.resolve();
  }

  dataset(id: string): Promise<TracedDataset> {
    const i = this.#lookUp(id);
    if (i < 0 || this.#position[i] === IS_QUANTUM) return Promise.resolve(unknownDataset(id));
    const chunk = this.#reader.readAt(this.#offset[i]);
    const text = this.#reader.dataset(chunk, this.#position[i]);
    return Promise.resolve(
      parseStored(`dataset ${id} in ${this.#reader.name}`, () => parseTracedDataset(text)),
    );
  }

  quantum(id: string): Promise<TracedQuantum> {
    const i = this.#lookUp(id);
    const text = i < 0 || this.#position[i] !== IS_QUANTUM
      ? null
      : this.#reader.block(this.#reader.readAt(this.#offset[i]), QUANTUM);
    if (text === null) return Promise.resolve(UNKNOWN_QUANTUM);
    return Promise.resolve(
      parseStored(`quantum ${id} in ${this.#reader.name}`, () => parseTracedQuantum(text)),
    );
  }

  group(kind: TraceKey["kind"], label: string): DimensionGroup | undefined {
    return this.#groups[kind].get(label);
  }

  #lookUp(idText: string): number {
    const id = uuidFromText(idText);
    return findId(this.#ids.bytes, this.#order, id);
  }
}

/** A quantum that has no chunk. */
const UNKNOWN_QUANTUM: TracedQuantum = {
  taskLabel: "",
  isInit: false,
  dataCoordinate: [],
  status: null,
  inputs: new Map(),
  outputs: new Map(),
};

/** A dataset whose producer has no chunk. */
function unknownDataset(id: string): TracedDataset {
  const row = {
    datasetId: uuidToText(uuidFromText(id)),
    typeName: "",
    dataCoordinate: [],
    run: "",
    produced: null,
    producer: null,
    nConsumers: null,
    path: null,
  };
  return { row, consumers: [] };
}
