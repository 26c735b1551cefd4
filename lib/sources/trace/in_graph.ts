/**
 * Tracing in a provenance graph: for each quantum or dataset one look-up and one block. Datasets say
 * who wrote and who reads them, so neither direction needs a pass over the graph.
 *
 * @module
 */

import { NotFoundError } from "../../base/errors.ts";
import { uuidFromText, uuidToText } from "../../base/uuid.ts";
import { readInitQuanta } from "../../provenance/documents/init_quanta.ts";
import type { NodeAddresses, ProvenanceGraph } from "../../qg/provenance_graph.ts";
import { parseStored } from "../parse_stored.ts";
import { pipelineDimensions } from "../rows.ts";
import type { Announcement, Selector } from "../selector.ts";
import { parseTracedDataset, parseTracedQuantum, usualForm } from "./documents.ts";
import type { TracedDataset, TracedQuantum, TraceKey, TraceSource } from "./trace_source.ts";
import type { DimensionGroup } from "../../butler/dimensions/dimension_group.ts";

/** What tracing needs of the documents of a provenance graph. */
interface GraphAccess {
  readonly name: string;
  announce(documents: readonly Announcement[]): Promise<void>;
  /** The node that a selector means. */
  node(selector: Selector, kind: "quantum" | "dataset"): Promise<NodeAddresses>;
}

/** Dimensions of tasks and dataset types. */
interface Groups {
  quantum: ReadonlyMap<string, DimensionGroup>;
  dataset: ReadonlyMap<string, DimensionGroup>;
}

/** A provenance graph to trace in. */
export class ProvenanceTraceSource implements TraceSource {
  readonly #access: GraphAccess;
  readonly #graph: ProvenanceGraph;
  readonly #groups: Groups;
  #initQuanta: ReadonlyMap<string, TracedQuantum> | null = null;

  private constructor(access: GraphAccess, graph: ProvenanceGraph, groups: Groups) {
    this.#access = access;
    this.#graph = graph;
    this.#groups = groups;
  }

  /** Reads the pipeline, for the names of dimensions. */
  static async open(access: GraphAccess, graph: ProvenanceGraph): Promise<ProvenanceTraceSource> {
    const pipeline = await graph.pipelineGraph();
    return new ProvenanceTraceSource(access, graph, {
      quantum: pipelineDimensions(pipeline, "quanta", access.name).groups,
      dataset: pipelineDimensions(pipeline, "datasets", access.name).groups,
    });
  }

  async locate(selector: Selector): Promise<TraceKey> {
    if (selector.kind === "id") {
      const id = uuidToText(selector.id);
      const node = await this.#graph.find(selector.id);
      if (node === null && (await this.#init()).has(id)) return { kind: "quantum", id };
    }
    const isTask = selector.kind !== "dataId" || this.#groups.quantum.has(selector.label);
    const node = await this.#access.node(selector, isTask ? "quantum" : "dataset");
    return {
      kind: node.quantum.size > 0 ? "quantum" : "dataset",
      id: uuidToText(node.id),
    };
  }

  announce(keys: readonly TraceKey[]): Promise<void> {
    return this.#access.announce(
      keys.map(({ kind, id }) => ({ what: kind, id: uuidFromText(id) })),
    );
  }

  async dataset(id: string): Promise<TracedDataset> {
    const node = await this.#graph.find(uuidFromText(id));
    if (node === null || node.dataset.size === 0) throw this.#missing("dataset", id);
    const text = await this.#graph.readDataset(node.dataset);
    return parseStored(
      `dataset ${id} in ${this.#access.name}`,
      () => parseTracedDataset(text),
    );
  }

  async quantum(id: string): Promise<TracedQuantum> {
    const node = await this.#graph.find(uuidFromText(id));
    if (node === null || node.quantum.size === 0) {
      const init = (await this.#init()).get(id);
      if (init === undefined) throw this.#missing("quantum", id);
      return init;
    }
    const text = await this.#graph.readQuantum(node.quantum);
    return parseStored(
      `quantum ${id} in ${this.#access.name}`,
      () => parseTracedQuantum(text),
    );
  }

  group(kind: TraceKey["kind"], label: string): DimensionGroup | undefined {
    return this.#groups[kind].get(label);
  }

  /** Init quanta are few: all of them, read when one is met. */
  async #init(): Promise<ReadonlyMap<string, TracedQuantum>> {
    if (this.#initQuanta === null) {
      const text = await this.#graph.initQuantaText();
      this.#initQuanta = parseStored(
        `init quanta of ${this.#access.name}`,
        () => tracedInitQuanta(text),
      );
    }
    return this.#initQuanta;
  }

  #missing(kind: string, id: string): NotFoundError {
    return new NotFoundError(`Cannot find ${kind} ${id} in ${this.#access.name}`);
  }
}

/** Init quanta by id. @throws {SyntaxError} if the text isn't that of init quanta. */
function tracedInitQuanta(text: Uint8Array): Map<string, TracedQuantum> {
  const lists = (edges: ReadonlyMap<string, string>) =>
    new Map([...edges].map(([connection, id]) => [connection, [usualForm(id)]]));
  return new Map(
    readInitQuanta(text).map(({ quantumId, taskLabel, inputs, outputs }) => [
      usualForm(quantumId),
      {
        taskLabel,
        isInit: true,
        dataCoordinate: [],
        status: null,
        inputs: lists(inputs),
        outputs: lists(outputs),
      },
    ]),
  );
}
