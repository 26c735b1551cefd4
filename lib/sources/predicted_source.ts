/**
 * The documents that a predicted graph has already: header, configs and its quanta.
 *
 * @module
 */

import { buildGraphIndex } from "../qg/predicted/graph_index_build.ts";
import { NotFoundError, RefusedError } from "../base/errors.ts";
import { UUID_SIZE, uuidFromText, uuidToHex, uuidToText, writeUuidText } from "../base/uuid.ts";
import { formatDataId } from "../butler/dimensions/data_id.ts";
import { DimensionUniverse } from "../butler/dimensions/dimensions.ts";
import { readQuantum } from "../provenance/documents/quantum.ts";
import type { PredictedGraph } from "../qg/predicted/predicted_graph.ts";
import type { PredictedQuantum } from "../qg/predicted/predicted_quantum.ts";
import { type GraphInfo, headerInfo } from "./info.ts";
import { parseStored } from "./parse_stored.ts";
import { configOf } from "./pipeline_config.ts";
import {
  type DatasetRow,
  type DatasetWish,
  outputTypesOf,
  pipelineDimensions,
  type RowDimensions,
  type RowKind,
} from "./rows.ts";
import {
  type Candidate,
  DataIdMatcher,
  MAX_CANDIDATES,
  onlyCandidate,
  type Selector,
} from "./selector.ts";
import type { AttemptDocuments, DocumentSource } from "./source.ts";
import { taskInfos } from "./task_infos.ts";
import { PredictedTraceSource } from "./trace/in_plan.ts";
import type { TraceSource } from "./trace/trace_source.ts";
import type { DataIdValue } from "../butler/dimensions/data_id_value.ts";

/** A predicted graph as a source of documents. It closes the graph. */
export class PredictedDocuments implements DocumentSource {
  readonly name: string;
  readonly isPlan = true;
  readonly #graph: PredictedGraph;

  constructor(graph: PredictedGraph) {
    this.#graph = graph;
    this.name = `predicted graph "${graph.path}"`;
  }

  get run(): string {
    return this.#graph.header.output_run;
  }

  #refuse(what: string): never {
    throw new RefusedError(
      `Cannot read ${what} from ${this.name}: it tells what was planned, not what happened`,
      { hint: "give the provenance graph or the repository" },
    );
  }

  attempts(kind: "log" | "metadata"): Promise<AttemptDocuments> {
    this.#refuse(kind);
  }

  dataset(): Promise<Uint8Array> {
    this.#refuse("dataset");
  }

  packages(): Promise<{ text: Uint8Array; stored: Uint8Array }> {
    this.#refuse("packages");
  }

  header(): Promise<Uint8Array> {
    return Promise.resolve(this.#graph.headerText);
  }

  config(selector: Selector | null): Promise<{ label: string; text: Uint8Array }> {
    return configOf(this.#graph.pipelineGraph(), selector, this.name, () => {
      for (const init of this.#graph.initQuanta()) {
        for (const dataset of [...init.outputs.values()].flat()) {
          if (startsWith(dataset.idText, selector!)) return Promise.resolve(dataset.typeName);
        }
      }
      throw new NotFoundError(`Cannot find "${selector!.words[0]}" in ${this.name}`);
    });
  }

  /** Passes over all quanta: the file has no index by data ID, and its blocks are small. */
  quantum(selector: Selector): Promise<Uint8Array> {
    const found: (Candidate & { document: Uint8Array })[] = [];
    const matches = selector.kind === "dataId" ? this.#dataIdTest(selector) : null;
    for (const { text } of this.#graph.blocks()) {
      const view = parseStored(`quantum in ${this.name}`, () => readQuantum(text));
      const label = matches === null
        ? (startsWith(view.quantumId, selector) ? view.taskLabel : null)
        : matches(view.taskLabel, view.dataCoordinate as DataIdValue[]);
      if (label === null) continue;
      const id = parseStored(`quantum in ${this.name}`, () => uuidFromText(view.quantumId));
      found.push({ id, text: label, document: text });
      if (found.length > MAX_CANDIDATES) break;
    }
    const { id } = onlyCandidate(found, selector, this.name);
    return Promise.resolve(found.find((candidate) => candidate.id === id)!.document);
  }

  async *quanta(): AsyncGenerator<Uint8Array> {
    for (const { text } of this.#graph.blocks()) yield text;
  }

  /**
   * Outputs with their quantum, overall inputs with the first that reads them, init quanta last.
   * Passes over the graph twice. Memory: that of {@linkcode GraphIndex}.
   */
  async *datasets({ types }: DatasetWish): AsyncGenerator<DatasetRow> {
    const initQuanta = this.#graph.initQuanta();
    const index = parseStored(this.name, () => buildGraphIndex(this.#graph, initQuanta));
    const id = new Uint8Array(UUID_SIZE);
    let q = 0;
    function* rows(quantum: PredictedQuantum): Generator<DatasetRow> {
      const seen = new Set<number>();
      for (const [isOutput, edges] of [[false, quantum.inputs], [true, quantum.outputs]] as const) {
        for (const dataset of [...edges.values()].flat()) {
          writeUuidText(dataset.idText, id, 0);
          const d = index.findDataset(id);
          if (!isOutput && (!index.ownsInput(q, d) || seen.has(d))) continue;
          seen.add(d);
          if (types !== null && !types.has(dataset.typeName)) continue;
          const { consumerStart } = index.arrays;
          yield {
            datasetId: uuidToText(id),
            typeName: dataset.typeName,
            dataCoordinate: dataset.dataCoordinate,
            run: dataset.run,
            produced: null,
            producer: isOutput ? index.quantumIdText(q) : null,
            nConsumers: consumerStart[d + 1] - consumerStart[d],
            path: null,
          };
        }
      }
      q++;
    }
    for (const { text, offset } of this.#graph.blocks()) {
      yield* rows(this.#graph.parseBlock(text, offset));
    }
    for (const init of initQuanta) yield* rows(init);
  }

  /** Does nothing: its look-ups pass over the file anyway. */
  announce(): Promise<void> {
    return Promise.resolve();
  }

  rowDimensions(kind: RowKind): Promise<RowDimensions> {
    return Promise.resolve(pipelineDimensions(this.#graph.pipelineGraph(), kind, this.name));
  }

  outputTypes(label: string): Promise<string[] | null> {
    return Promise.resolve(outputTypesOf(this.#graph.pipelineGraph(), label));
  }

  taskLabels(): Promise<string[]> {
    return Promise.resolve([...this.#graph.pipelineGraph().tasks.keys()]);
  }

  async info(): Promise<GraphInfo> {
    const { header } = this.#graph;
    return {
      kind: "predicted graph",
      path: this.#graph.path,
      sizeBytes: this.#graph.sizeBytes,
      header: headerInfo(header),
      tasks: await taskInfos(header, null),
      members: this.#graph.memberSizes(),
    };
  }

  logs(): Promise<never> {
    return this.#refuse("logs");
  }

  traceSource(): Promise<TraceSource> {
    return Promise.resolve(new PredictedTraceSource(this.#graph, this.name));
  }

  #dataIdTest(selector: Selector & { kind: "dataId" }) {
    const pipeline = this.#graph.pipelineGraph();
    const task = pipeline.tasks.get(selector.label);
    if (task === undefined || pipeline.dimensionsText === null) {
      throw new NotFoundError(`Cannot find task "${selector.label}" in ${this.name}`, {
        hint: `its tasks are ${[...pipeline.tasks.keys()].join(", ")}`,
      });
    }
    const group = DimensionUniverse.parse(pipeline.dimensionsText).group(task.dimensions);
    const matcher = new DataIdMatcher(group, selector.terms, `quantum of "${selector.label}"`);
    return (label: string, coordinate: DataIdValue[]): string | null =>
      label === selector.label && matcher.matches(coordinate)
        ? `${label} ${formatDataId(group, coordinate)}`
        : null;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#graph[Symbol.dispose]();
    return Promise.resolve();
  }
}

function startsWith(idText: string, selector: Selector): boolean {
  const hex = idText.replaceAll("-", "").toLowerCase();
  if (selector.kind === "id") return hex === uuidToHex(selector.id);
  return selector.kind === "prefix" && hex.startsWith(selector.hex);
}
