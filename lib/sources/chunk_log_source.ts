/**
 * Documents in a chunk log, also while it grows. There is no index: what is looked for is found in a
 * pass over the heads of all chunks.
 *
 * @module
 */

import { NotFoundError, RefusedError } from "../base/errors.ts";
import { compareUuids, uuidToHex, uuidToText } from "../base/uuid.ts";
import { ChunkLogReader, LOG, METADATA, QUANTUM, type ScanChunkBytes } from "../chunks/reader.ts";
import type { Zstd } from "../codec/zstd.ts";
import { readDataset } from "../provenance/documents/dataset.ts";
import { readQuantum } from "../provenance/documents/quantum.ts";
import { attemptStatusName } from "../provenance/quantum_status.ts";
import { provenanceHeaderText } from "../qg/provenance_header.ts";
import type { FileSource } from "../storage/file_source.ts";
import { datasetCandidate, groupOf, quantumCandidate } from "./data_id_candidates.ts";
import { type ChunkLogInfo, headerInfo } from "./info.ts";
import type { LogStore, StoredLog } from "./logs/log_store.ts";
import { parseStored } from "./parse_stored.ts";
import { configOf } from "./pipeline_config.ts";
import { missingReason } from "./quantum_text.ts";
import {
  type DatasetRow,
  type DatasetWish,
  outputTypesOf,
  pipelineDimensions,
  readDatasetRow,
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
import {
  type AttemptDocuments,
  attemptDocuments,
  blockedError,
  type DocumentSource,
} from "./source.ts";
import { taskInfos } from "./task_infos.ts";
import { ChunkLogTraceSource } from "./trace/in_chunk_log.ts";
import type { TraceSource } from "./trace/trace_source.ts";
import { type ChunkPlace, chunkSize, ChunkType } from "../chunks/chunk_format.ts";
import { DatasetRole } from "../chunks/scan_head.ts";

/** A chunk that holds what is looked for. */
interface Found {
  place: ChunkPlace;
  /** Position of the dataset in the head, or -1 if the quantum itself was named. */
  dataset: number;
  isQuantum: boolean;
}

/** A chunk log as a source of documents. It closes the file. */
export class ChunkLogDocuments implements DocumentSource {
  readonly name: string;
  readonly isPlan = false;
  readonly #reader: ChunkLogReader;

  private constructor(reader: ChunkLogReader) {
    this.#reader = reader;
    this.name = reader.name;
  }

  /**
   * Opens a chunk log; the source is closed with it, also when opening fails.
   *
   * @throws {InvalidChunkLogError} if it isn't one, or has no sound header.
   */
  static open(source: FileSource, zstd: Zstd): ChunkLogDocuments {
    return new ChunkLogDocuments(ChunkLogReader.open(source, zstd));
  }

  get run(): string {
    return this.#reader.graphHeader.output_run;
  }

  attempts(kind: "log" | "metadata", selector: Selector): Promise<AttemptDocuments> {
    const chunk = this.#quantumChunk(selector);
    const id = uuidToText(chunk.head.quantumId);
    const block = this.#reader.block(chunk, kind === "log" ? LOG : METADATA);
    if (block === null) throw blockedError(kind, id, this.name);
    const view = parseStored(
      `quantum ${id} in ${this.name}`,
      () => readQuantum(this.#reader.block(chunk, QUANTUM)!),
    );
    return Promise.resolve(
      attemptDocuments(
        block,
        `${kind} of quantum ${id} in ${this.name}`,
        (attempt) => Promise.resolve(missingReason(kind, view, attempt)),
      ),
    );
  }

  quantum(selector: Selector): Promise<Uint8Array> {
    return Promise.resolve(this.#reader.block(this.#quantumChunk(selector), QUANTUM)!);
  }

  dataset(selector: Selector): Promise<Uint8Array> {
    const found = this.#find(selector, "dataset");
    if (found.dataset < 0) {
      throw new NotFoundError(
        `Cannot read dataset "${selector.words[0]}" in ${this.name}: it is a quantum`,
        { hint: "cat quantum lists the datasets of a quantum" },
      );
    }
    return Promise.resolve(this.#reader.dataset(this.#reader.read(found.place), found.dataset));
  }

  config(selector: Selector | null): Promise<{ label: string; text: Uint8Array }> {
    return configOf(this.#reader.pipelineGraph(), selector, this.name, () => {
      const found = this.#find(selector!, "dataset");
      if (found.dataset < 0) return Promise.resolve(null);
      const text = this.#reader.dataset(this.#reader.read(found.place), found.dataset);
      return Promise.resolve(
        parseStored(`dataset in ${this.name}`, () => readDataset(text).typeName),
      );
    });
  }

  packages(): Promise<{ text: Uint8Array; stored: Uint8Array }> {
    this.#refuse("packages");
  }

  async info(isCounting: boolean): Promise<ChunkLogInfo> {
    const statuses: Record<string, number> = {};
    let nScanned = 0;
    let nLiveBytes = 0;
    for (const { place, head } of this.#reader.liveChunks()) {
      nLiveBytes += chunkSize(place.headSize, place.bodySize);
      if (place.type === ChunkType.INIT) continue;
      nScanned++;
      const status = attemptStatusName(head.lastAttemptStatus);
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
    const { graphHeader, nHeaderBytes, sizeBytes, path } = this.#reader;
    return {
      kind: "chunk log",
      path,
      sizeBytes,
      header: headerInfo(graphHeader),
      tasks: await taskInfos(graphHeader, isCounting ? this : null),
      nScanned,
      statuses,
      nStaleBytes: sizeBytes - nHeaderBytes - this.#reader.nIndexBytes() - nLiveBytes,
    };
  }

  logs(): Promise<LogStore> {
    return Promise.resolve({ file: null, logs: (isWanted) => this.#logs(isWanted) });
  }

  async *#logs(isWanted: Parameters<LogStore["logs"]>[0]): AsyncGenerator<StoredLog> {
    for (const { place, head } of this.#reader.liveChunks()) {
      if (place.type === ChunkType.INIT || head.logSize === 0) continue;
      if (isWanted !== null && !isWanted(head.quantumId, 0)) continue;
      yield {
        quantumId: uuidToText(head.quantumId),
        owner: null,
        place: null,
        read: () => Promise.resolve(this.#reader.block(this.#reader.read(place), LOG)),
      };
    }
  }

  traceSource(): Promise<TraceSource> {
    return Promise.resolve(
      new ChunkLogTraceSource(this.#reader, (selector, kind) => {
        const { id, dataset } = this.#find(selector, kind);
        return { kind: dataset < 0 ? "quantum" : "dataset", id: uuidToText(id) };
      }),
    );
  }

  /** The header that the finished graph will have. */
  header(): Promise<Uint8Array> {
    return Promise.resolve(provenanceHeaderText(this.#reader.graphHeaderText));
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#reader.close();
    return Promise.resolve();
  }

  #refuse(what: string): never {
    throw new RefusedError(`Cannot read ${what} from ${this.name}: chunk logs don't have it`, {
      hint: "give the predicted graph, the finished graph or the repository",
    });
  }

  async *quanta(): AsyncGenerator<Uint8Array> {
    for (const { place } of this.#reader.liveChunks()) {
      if (place.type === ChunkType.INIT) continue;
      const text = this.#reader.block(this.#reader.read(place), QUANTUM);
      if (text !== null) yield text;
    }
  }

  async *datasets({ types }: DatasetWish): AsyncGenerator<DatasetRow> {
    for (const { place } of this.#reader.liveChunks()) {
      for (const text of this.#reader.datasets(this.#reader.read(place))) {
        const row = parseStored(`dataset in ${this.name}`, () => readDatasetRow(text));
        if (types === null || types.has(row.typeName)) yield row;
      }
    }
  }

  /** Does nothing: its look-ups pass over the heads anyway. */
  announce(): Promise<void> {
    return Promise.resolve();
  }

  rowDimensions(kind: RowKind): Promise<RowDimensions> {
    return Promise.resolve(pipelineDimensions(this.#reader.pipelineGraph(), kind, this.name));
  }

  outputTypes(label: string): Promise<string[] | null> {
    return Promise.resolve(outputTypesOf(this.#reader.pipelineGraph(), label));
  }

  taskLabels(): Promise<string[]> {
    return Promise.resolve([...this.#reader.pipelineGraph().tasks.keys()]);
  }

  /** The chunk of the quantum that a selector names, or that made the dataset which it names. */
  #quantumChunk(selector: Selector): ScanChunkBytes {
    const found = this.#find(selector, "quantum");
    const chunk = this.#reader.read(found.place);
    if (!found.isQuantum) {
      throw new NotFoundError(
        `Cannot find the quantum of dataset "${selector.words[0]}" in ${this.name}: it is an ` +
          "overall input, or was made by an init quantum",
      );
    }
    return chunk;
  }

  /** Decodes the blocks of every chunk: there is no index of data IDs. */
  #findByDataId(
    selector: Selector & { kind: "dataId" },
    kind: "quantum" | "dataset",
  ): Found & Candidate {
    const { label, terms } = selector;
    const group = groupOf(this.#reader.pipelineGraph(), kind, label, this.name);
    const matcher = new DataIdMatcher(group, terms, `${kind} of "${label}"`);
    const found = new Map<string, Found & Candidate>();
    for (const { place } of this.#reader.heads()) {
      const isQuantum = place.type !== ChunkType.INIT;
      const chunk = this.#reader.read(place);
      if (kind === "quantum") {
        const text = isQuantum ? this.#reader.block(chunk, QUANTUM) : null;
        const candidate = text && quantumCandidate(text, label, matcher, group, this.name);
        if (candidate === null) continue;
        found.set(uuidToHex(candidate.id), { place, dataset: -1, isQuantum, ...candidate });
        continue;
      }
      let dataset = 0;
      for (const text of this.#reader.datasets(chunk)) {
        const candidate = datasetCandidate(text, label, matcher, group, this.name);
        const position = dataset++;
        if (candidate === null) continue;
        found.set(uuidToHex(candidate.id), { place, dataset: position, isQuantum, ...candidate });
      }
    }
    const { id } = onlyCandidate([...found.values()], selector, this.name);
    return found.get(uuidToHex(id))!;
  }

  #find(selector: Selector, kind: "quantum" | "dataset"): Found & Candidate {
    if (selector.kind === "dataId") return this.#findByDataId(selector, kind);
    const found = new Map<string, Found & Candidate>();
    const prefix = selector.kind === "prefix" ? selector.hex : "";
    const matches = (id: Uint8Array): boolean =>
      selector.kind === "id"
        ? compareUuids(id, 0, selector.id, 0) === 0
        : uuidToHex(id).startsWith(prefix);
    for (const { place, head } of this.#reader.heads()) {
      const isQuantum = place.type !== ChunkType.INIT;
      if (isQuantum && matches(head.quantumId)) {
        found.set(uuidToHex(head.quantumId), {
          place,
          dataset: -1,
          isQuantum,
          id: head.quantumId.slice(),
          text: "quantum",
        });
      }
      for (let i = 0; i < head.nDatasets; i++) {
        const id = head.datasetId(i);
        if (!matches(id)) continue;
        const isOutput = isQuantum && head.datasetRole(i) !== DatasetRole.INPUT;
        found.set(uuidToHex(id), {
          place,
          dataset: i,
          isQuantum: isOutput,
          id: id.slice(),
          text: "dataset",
        });
      }
      // A chunk further on may replace one that was found, so a single match isn't the end.
      if (found.size > MAX_CANDIDATES) break;
    }
    const { id } = onlyCandidate([...found.values()], selector, this.name);
    return found.get(uuidToHex(id))!;
  }
}
