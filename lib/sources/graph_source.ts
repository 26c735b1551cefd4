/**
 * Documents in a provenance graph. One look-up reads the tail, the header, a few probes of the address
 * file and one block; the pipeline graph only for a config or a data ID, for whose sake all quanta are
 * passed over as well.
 *
 * @module
 */

import { NotFoundError } from "../base/errors.ts";
import { isUuidText, uuidFromText, uuidToText } from "../base/uuid.ts";
import { readDataset } from "../provenance/documents/dataset.ts";
import { readQuantum } from "../provenance/documents/quantum.ts";
import type { QuantaTable } from "../provenance/table/quanta_table.ts";
import type { NodeAddresses, ProvenanceGraph, ProvenanceMember } from "../qg/provenance_graph.ts";
import { type GraphInfo, headerInfo } from "./info.ts";
import type { LogStore } from "./logs/log_store.ts";
import { parseStored } from "./parse_stored.ts";
import { configOf } from "./pipeline_config.ts";
import { missingReason } from "./quantum_text.ts";
import {
  type DatasetRow,
  type DatasetWish,
  outputTypesOf,
  pipelineDimensions,
  type QuantumWish,
  readDatasetRow,
  type RowDimensions,
  type RowKind,
  type StatusCounts,
  type WishValue,
} from "./rows.ts";
import {
  type Announcement,
  type Candidate,
  DataIdMatcher,
  MAX_CANDIDATES,
  onlyCandidate,
  type Selector,
} from "./selector.ts";
import {
  type AttemptDocuments,
  attemptDocuments,
  blockedError,
  type DocumentSource,
} from "./source.ts";
import { taskInfos } from "./task_infos.ts";
import type { TabledQuanta } from "./table/tabled_quanta.ts";
import type { TraceSource } from "./trace/trace_source.ts";
import type { Address } from "../qg/address_rows.ts";

/** Where the blocks of each kind of document are. */
const MEMBERS = {
  log: "logs.mb",
  metadata: "metadata.mb",
  quantum: "quanta.mb",
  dataset: "datasets.mb",
} as const;

/**
 * Modules that only some questions need: about the table of quanta, about what lies up and down, by data ID.
 * They are a third of all that is loaded for a graph, and a document that is asked for by its ID needs none.
 */
export interface GraphParts {
  /** Rows that are wished for, and counts. */
  table(): Promise<typeof import("./table/by_table.ts")>;
  /** What lies up and down. */
  trace(): Promise<typeof import("./trace/in_graph.ts")>;
  /** Labels with data IDs. */
  dataIds(): Promise<typeof import("./data_id_candidates.ts")>;
}

/** Each is loaded when it is asked for. A page has them with all the rest. */
const PARTS_ON_DEMAND: GraphParts = {
  table: () => import(import.meta.resolve("./table/by_table.ts")),
  trace: () => import(import.meta.resolve("./trace/in_graph.ts")),
  dataIds: () => import(import.meta.resolve("./data_id_candidates.ts")),
};

/** A provenance graph as a source of documents. It closes the graph. */
export class GraphDocuments implements DocumentSource {
  readonly name: string;
  readonly isPlan = false;
  readonly #graph: ProvenanceGraph;
  readonly #isLocal: boolean;
  readonly #parts: GraphParts;
  #table: Promise<QuantaTable | null> | null = null;

  /** @param isLocal Whether the graph's name is the path of a file. */
  constructor(graph: ProvenanceGraph, isLocal = false, parts: GraphParts = PARTS_ON_DEMAND) {
    this.#graph = graph;
    this.#isLocal = isLocal;
    this.#parts = parts;
    this.name = `provenance graph "${graph.name}"`;
  }

  get run(): string {
    return this.#graph.header.output_run;
  }

  async attempts(kind: "log" | "metadata", selector: Selector): Promise<AttemptDocuments> {
    const node = await this.#node(selector, "quantum");
    const idText = uuidToText(node.id);
    // The dataset itself has the address as well: no detour through its quantum.
    if (node[kind].size > 0) return await this.#attemptsAt(kind, node, node);
    const quantum = await this.#quantumNode(node);
    if (quantum[kind].size === 0) throw blockedError(kind, uuidToText(quantum.id), this.name);
    return await this.#attemptsAt(kind, quantum, quantum, idText);
  }

  async #attemptsAt(
    kind: "log" | "metadata",
    at: NodeAddresses,
    node: NodeAddresses,
    idText = uuidToText(at.id),
  ): Promise<AttemptDocuments> {
    const text = kind === "log"
      ? await this.#graph.readLog(at.log)
      : await this.#graph.readMetadata(at.metadata);
    return attemptDocuments(text, `${kind} of ${idText} in ${this.name}`, async (attempt) => {
      const quantum = await this.#quantumNode(node);
      const document = await this.#graph.readQuantum(quantum.quantum);
      const what = `quantum ${uuidToText(quantum.id)} in ${this.name}`;
      return missingReason(kind, parseStored(what, () => readQuantum(document)), attempt);
    });
  }

  async quantum(selector: Selector): Promise<Uint8Array> {
    const node = await this.#quantumNode(await this.#node(selector, "quantum"));
    return await this.#graph.readQuantum(node.quantum);
  }

  async dataset(selector: Selector): Promise<Uint8Array> {
    const node = await this.#node(selector, "dataset");
    if (node.dataset.size === 0) {
      throw new NotFoundError(
        `Cannot read dataset ${uuidToText(node.id)} in ${this.name}: it is a quantum`,
        { hint: "cat quantum lists the datasets of a quantum" },
      );
    }
    return await this.#graph.readDataset(node.dataset);
  }

  async config(selector: Selector | null): Promise<{ label: string; text: Uint8Array }> {
    const pipeline = await this.#graph.pipelineGraph();
    return await configOf(pipeline, selector, this.name, async () => {
      const node = await this.#node(selector!, "dataset");
      if (node.dataset.size === 0) return null;
      return this.#datasetDocument(await this.#graph.readDataset(node.dataset), node.id).typeName;
    });
  }

  async packages(): Promise<{ text: Uint8Array; stored: Uint8Array }> {
    const text = await this.#graph.packagesText();
    return { text, stored: text };
  }

  header(): Promise<Uint8Array> {
    return Promise.resolve(this.#graph.headerText);
  }

  async announce(documents: readonly Announcement[]): Promise<void> {
    const wanted: { member: ProvenanceMember; address: Address }[] = [];
    for (const { what, id } of documents) {
      const node = await this.#graph.find(id);
      if (node !== null) wanted.push({ member: MEMBERS[what], address: node[what] });
    }
    await this.#graph.prefetchBlocks(wanted);
  }

  async *quanta(wish?: QuantumWish): AsyncGenerator<Uint8Array> {
    const table = wish === undefined ? null : await this.quantaTable();
    const addresses = table === null
      ? null
      : await (await this.#parts.table()).wishedAddresses(table, wish!);
    if (addresses !== null) return yield* this.#graph.quantaAt(addresses);
    for await (const { text } of this.#graph.blocks("quanta.mb")) yield text;
  }

  async quantumValues(
    wish: QuantumWish,
    names: readonly string[],
    most: number,
  ): Promise<WishValue[][] | null> {
    const table = await this.quantaTable();
    if (table === null) return null;
    const { wishedValues } = await this.#parts.table();
    return await wishedValues(table, wish, names, most);
  }

  async countStatuses(): Promise<StatusCounts | null> {
    const table = await this.quantaTable();
    if (table === null) return null;
    const { countByTable } = await this.#parts.table();
    return await countByTable(table);
  }

  /** The table of quanta; null where there is none that counts. Opened once. */
  quantaTable(): Promise<QuantaTable | null> {
    return this.#table ??= this.#openTable();
  }

  async #openTable(): Promise<QuantaTable | null> {
    if (!this.#graph.hasQuantaTable) return null;
    const { QuantaTable } = await this.#parts.table();
    return await QuantaTable.open(this.#graph);
  }

  async *datasets({ types }: DatasetWish): AsyncGenerator<DatasetRow> {
    for await (const { text, offset } of this.#graph.blocks("datasets.mb")) {
      const row = parseStored(`dataset at ${offset} in ${this.name}`, () => readDatasetRow(text));
      if (types === null || types.has(row.typeName)) yield row;
    }
  }

  async rowDimensions(kind: RowKind): Promise<RowDimensions> {
    return pipelineDimensions(await this.#graph.pipelineGraph(), kind, this.name);
  }

  async outputTypes(label: string): Promise<string[] | null> {
    return outputTypesOf(await this.#graph.pipelineGraph(), label);
  }

  async taskLabels(): Promise<string[]> {
    return [...(await this.#graph.pipelineGraph()).tasks.keys()];
  }

  async tabled(): Promise<TabledQuanta | null> {
    const table = await this.quantaTable();
    return table === null
      ? null
      : { table, documents: (addresses) => this.#graph.quantaAt(addresses) };
  }

  /** Nodes whose id begins with these digits, as candidates. */
  async findPrefix(hex: string): Promise<Candidate[]> {
    const nodes = await this.#graph.findPrefix(hex, MAX_CANDIDATES + 1);
    return nodes.map(({ id, quantum }) => ({ id, text: quantum.size > 0 ? "quantum" : "dataset" }));
  }

  /** Whether the graph knows an id. */
  async has(id: Uint8Array): Promise<boolean> {
    return await this.#graph.find(id) !== null;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#graph.close();
    return Promise.resolve();
  }

  async info(isCounting: boolean): Promise<GraphInfo> {
    const { header } = this.#graph;
    return {
      kind: "provenance graph",
      path: this.#graph.name,
      sizeBytes: this.#graph.sizeBytes,
      header: headerInfo(header),
      tasks: await taskInfos(header, isCounting ? this : null),
      members: this.#graph.memberSizes(),
    };
  }

  /** JSON text of the init quanta. */
  initQuantaText(): Promise<Uint8Array> {
    return this.#graph.initQuantaText();
  }

  async logs(): Promise<LogStore> {
    const { graphLogs } = await import(
      import.meta.resolve("./logs/graph_logs.ts")
    ) as typeof import("./logs/graph_logs.ts");
    return graphLogs(this.#graph, this.#isLocal);
  }

  /** Who reads and writes what. */
  async traceSource(): Promise<TraceSource> {
    const { ProvenanceTraceSource } = await this.#parts.trace();
    return await ProvenanceTraceSource.open({
      name: this.name,
      announce: (documents) => this.announce(documents),
      node: (selector, kind) => this.#node(selector, kind),
    }, this.#graph);
  }

  async #node(selector: Selector, kind: "quantum" | "dataset"): Promise<NodeAddresses> {
    const id = await this.#resolve(selector, kind);
    const node = await this.#graph.find(id);
    if (node !== null) return node;
    throw new NotFoundError(`Cannot find ${uuidToText(id)} in ${this.name}: no node has that ID`);
  }

  async #resolve(selector: Selector, kind: "quantum" | "dataset"): Promise<Uint8Array> {
    switch (selector.kind) {
      case "id":
        return selector.id;
      case "prefix": {
        const found = await this.findPrefix(selector.hex);
        if (found.length > 0) return onlyCandidate(found, selector, this.name).id;
        const [label] = selector.words;
        const labelled = { kind: "dataId", label, terms: [], words: selector.words } as const;
        const { tasks, datasetTypes } = await this.#graph.pipelineGraph();
        const isName = kind === "quantum" ? tasks.has(label) : datasetTypes.has(label);
        return isName
          ? await this.#resolve(labelled, kind)
          : onlyCandidate([], selector, this.name).id;
      }
      case "dataId": {
        const found = await this.#findByDataId(selector, kind);
        return onlyCandidate(found, selector, this.name).id;
      }
    }
  }

  /** Passes over all quanta, or datasets, unless the data ID is complete and found earlier. */
  async #findByDataId(
    { label, terms }: Selector & { kind: "dataId" },
    kind: "quantum" | "dataset",
  ): Promise<Candidate[]> {
    const { datasetCandidate, groupOf, quantumCandidate } = await this.#parts.dataIds();
    const pipeline = await this.#graph.pipelineGraph();
    const group = groupOf(pipeline, kind, label, this.name);
    const matcher = new DataIdMatcher(group, terms, `${kind} of "${label}"`);
    const found: Candidate[] = [];
    const names = [...group.required, ...group.implied];
    const quanta = this.quanta({
      tasks: [label],
      statuses: [],
      names,
      mayFit: (value) => matcher.matches(names.map((name) => value(name) ?? null)),
    });
    const texts = kind === "quantum" ? quanta : this.#texts("datasets.mb");
    for await (const text of texts) {
      const candidate = kind === "quantum"
        ? quantumCandidate(text, label, matcher, group, this.name)
        : datasetCandidate(text, label, matcher, group, this.name);
      if (candidate === null) continue;
      found.push(candidate);
      if (matcher.isUnique && kind === "quantum" || found.length > MAX_CANDIDATES) break;
    }
    return found;
  }

  async *#texts(member: ProvenanceMember): AsyncGenerator<Uint8Array> {
    for await (const { text } of this.#graph.blocks(member)) yield text;
  }

  #datasetDocument(text: Uint8Array, id: Uint8Array) {
    return parseStored(
      `dataset ${uuidToText(id)} in ${this.name}`,
      () => readDataset(text),
    );
  }

  /** The quantum that a node is, or that made it. */
  async #quantumNode(node: NodeAddresses): Promise<NodeAddresses> {
    if (node.quantum.size > 0) return node;
    const { producer, typeName } = this.#datasetDocument(
      await this.#graph.readDataset(node.dataset),
      node.id,
    );
    const what = `dataset ${uuidToText(node.id)} (${typeName})`;
    if (producer === null || !isUuidText(producer)) {
      throw new NotFoundError(
        `Cannot find the quantum of ${what}: it is an overall input, made before ${this.name}`,
      );
    }
    const quantum = await this.#graph.find(uuidFromText(producer));
    if (quantum !== null && quantum.quantum.size > 0) return quantum;
    throw new NotFoundError(
      `Cannot find the quantum of ${what}: it was made by init quantum ${producer}, which has ` +
        "neither log nor metadata",
    );
  }
}
