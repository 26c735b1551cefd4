/**
 * Tracing in a predicted graph. Its datasets don't say who writes or reads them, so one pass over all
 * quanta makes an index of that first.
 *
 * @module
 */

import { buildGraphIndex } from "../../qg/predicted/graph_index_build.ts";
import { NotFoundError } from "../../base/errors.ts";
import { findId, sortIds } from "../../base/sort_ids.ts";
import { UUID_SIZE, uuidFromText, uuidToHex, uuidToText } from "../../base/uuid.ts";
import type { GraphIndex } from "../../qg/predicted/graph_index.ts";
import type { PredictedGraph } from "../../qg/predicted/predicted_graph.ts";
import type { PredictedQuantum } from "../../qg/predicted/predicted_quantum.ts";
import { datasetCandidate, groupOf } from "../data_id_candidates.ts";
import { parseStored } from "../parse_stored.ts";
import { type DatasetRow, pipelineDimensions } from "../rows.ts";
import {
  type Candidate,
  DataIdMatcher,
  MAX_CANDIDATES,
  onlyCandidate,
  type Selector,
} from "../selector.ts";
import type { TracedDataset, TracedQuantum, TraceKey, TraceSource } from "./trace_source.ts";
import type { DimensionGroup } from "../../butler/dimensions/dimension_group.ts";

/** Something that a selector may mean. */
type KindOfCandidate = Candidate & { kind: TraceKey["kind"] };

/** A predicted graph to trace in. Memory: that of {@linkcode GraphIndex}, and 4 bytes a quantum. */
export class PredictedTraceSource implements TraceSource {
  readonly #name: string;
  readonly #graph: PredictedGraph;
  readonly #index: GraphIndex;
  readonly #initQuanta: PredictedQuantum[];
  /** Numbers of all quanta, init quanta included, by their ids. */
  readonly #order: Uint32Array;
  readonly #groups: Record<TraceKey["kind"], ReadonlyMap<string, DimensionGroup>>;

  constructor(graph: PredictedGraph, name: string) {
    this.#name = name;
    this.#graph = graph;
    this.#initQuanta = graph.initQuanta();
    this.#index = parseStored(name, () => buildGraphIndex(graph, this.#initQuanta));
    const { nQuanta, nInitQuanta, quantumIds } = this.#index.arrays;
    const idAt = Uint32Array.from({ length: nQuanta + nInitQuanta }, (_, q) => q * UUID_SIZE);
    this.#order = sortIds(quantumIds, idAt);
    const pipeline = graph.pipelineGraph();
    this.#groups = {
      quantum: pipelineDimensions(pipeline, "quanta", name).groups,
      dataset: pipelineDimensions(pipeline, "datasets", name).groups,
    };
  }

  locate(selector: Selector): Promise<TraceKey> {
    const found = selector.kind === "dataId" ? this.#byDataId(selector) : this.#byId(selector);
    const { id } = onlyCandidate(found, selector, this.#name);
    const { kind } = found.find((candidate) => candidate.id === id)!;
    return Promise.resolve({ kind, id: uuidToText(id) });
  }

  announce(): Promise<void> {
    return Promise.resolve();
  }

  dataset(id: string): Promise<TracedDataset> {
    const d = this.#index.findDataset(uuidFromText(id));
    if (d < 0) throw new NotFoundError(`Cannot find dataset ${id} in ${this.#name}`);
    const { producer, consumers, consumerStart } = this.#index.arrays;
    const q = producer[d] >= 0 ? producer[d] : consumers[consumerStart[d]];
    const quantum = this.#quantumAt(q);
    const dataset = [...quantum.outputs.values(), ...quantum.inputs.values()].flat()
      .find(({ idText }) => uuidToText(uuidFromText(idText)) === id)!;
    const row: DatasetRow = {
      datasetId: id,
      typeName: dataset.typeName,
      dataCoordinate: dataset.dataCoordinate,
      run: dataset.run,
      produced: null,
      producer: producer[d] >= 0 ? this.#index.quantumIdText(producer[d]) : null,
      nConsumers: consumerStart[d + 1] - consumerStart[d],
      path: null,
    };
    return Promise.resolve({ row, consumers: this.#index.consumerTexts(d) });
  }

  quantum(id: string): Promise<TracedQuantum> {
    const q = this.#findQuantum(uuidFromText(id));
    if (q < 0) throw new NotFoundError(`Cannot find quantum ${id} in ${this.#name}`);
    const { taskLabel, dataCoordinate, inputs, outputs } = this.#quantumAt(q);
    const ids = (edges: PredictedQuantum["inputs"]) =>
      new Map(
        [...edges].map((
          [connection, datasets],
        ) => [connection, datasets.map(({ idText }) => uuidToText(uuidFromText(idText)))]),
      );
    return Promise.resolve({
      taskLabel,
      isInit: q >= this.#index.nQuanta,
      dataCoordinate,
      status: null,
      inputs: ids(inputs),
      outputs: ids(outputs),
    });
  }

  group(kind: TraceKey["kind"], label: string): DimensionGroup | undefined {
    return this.#groups[kind].get(label);
  }

  #quantumAt(q: number): PredictedQuantum {
    if (q >= this.#index.nQuanta) return this.#initQuanta[q - this.#index.nQuanta];
    const { blockOffset, blockSize } = this.#index.arrays;
    const text = this.#graph.readBlock(blockOffset[q], blockSize[q]);
    return this.#graph.parseBlock(text, blockOffset[q]);
  }

  #findQuantum(id: Uint8Array): number {
    return findId(this.#index.arrays.quantumIds, this.#order, id);
  }

  #byId(selector: Selector & { kind: "id" | "prefix" }): KindOfCandidate[] {
    const { quantumIds, datasetIds, nQuanta, nInitQuanta, nDatasets } = this.#index.arrays;
    const prefix = selector.kind === "id" ? uuidToHex(selector.id) : selector.hex;
    const found: KindOfCandidate[] = [];
    const collect = (kind: TraceKey["kind"], ids: Uint8Array, n: number) => {
      for (let i = 0; i < n && found.length <= MAX_CANDIDATES; i++) {
        if (!uuidToHex(ids, i * UUID_SIZE).startsWith(prefix)) continue;
        found.push({ kind, id: ids.slice(i * UUID_SIZE, (i + 1) * UUID_SIZE), text: kind });
      }
    };
    collect("quantum", quantumIds, nQuanta + nInitQuanta);
    collect("dataset", datasetIds, nDatasets);
    return found;
  }

  #byDataId(
    selector: Selector & { kind: "dataId" },
  ): KindOfCandidate[] {
    const { label, terms } = selector;
    const kind = this.#groups.quantum.has(label) ? "quantum" : "dataset";
    const group = groupOf(this.#graph.pipelineGraph(), kind, label, this.#name);
    const matcher = new DataIdMatcher(group, terms, `${kind} of "${label}"`);
    const found = new Map<string, KindOfCandidate>();
    for (const { text, offset } of this.#graph.blocks()) {
      if (found.size > MAX_CANDIDATES) break;
      const quantum = this.#graph.parseBlock(text, offset);
      if (kind === "quantum") {
        if (quantum.taskLabel !== label || !matcher.matches(quantum.dataCoordinate)) continue;
        const id = uuidFromText(quantum.quantumId);
        found.set(uuidToHex(id), { kind, id, text: label });
        continue;
      }
      for (const dataset of [...quantum.inputs.values(), ...quantum.outputs.values()].flat()) {
        const candidate = datasetCandidate(
          text.subarray(dataset.start, dataset.end),
          label,
          matcher,
          group,
          this.#name,
        );
        if (candidate !== null) found.set(uuidToHex(candidate.id), { kind, ...candidate });
      }
    }
    return [...found.values()];
  }
}
