/**
 * Documents in a chunk log, also while it grows. There is no index: one pass reads the prefix and the
 * head of every chunk and skips the bodies.
 *
 * @module
 */

import { InvalidChunkLogError, NotFoundError, RefusedError } from "../base/errors.ts";
import { readBigEndian } from "../base/bytes.ts";
import { compareUuids, UUID_SIZE, uuidToHex, uuidToText } from "../base/uuid.ts";
import { type ChunkLogHeader, parseChunkLogHeader } from "../provenance/chunk_log_header.ts";
import { attemptStatusName } from "../provenance/quantum_status.ts";
import { DatasetRole, ScanHead } from "../provenance/scan_chunk.ts";
import { sortIds } from "../provenance/sort_ids.ts";
import { PipelineGraph } from "../qg/pipeline_graph.ts";
import { parseHeader, provenanceHeaderText, type QuantumGraphHeader } from "../qg/header.ts";
import {
  CHUNK_LOG_MAGIC,
  CHUNK_PREFIX_SIZE,
  type ChunkPlace,
  chunkSize,
  ChunkType,
  isChunkSound,
  readChunkPrefix,
  readChunks,
} from "../store/chunk_log.ts";
import type { FileSource } from "../store/file_source.ts";
import type { Zstd, ZstdDecompressor } from "../store/zstd.ts";
import { IdList } from "./check_documents.ts";
import {
  type AttemptDocuments,
  attemptDocuments,
  blockedError,
  type DocumentSource,
  parseStored,
} from "./documents.ts";
import { datasetCandidate, groupOf, quantumCandidate } from "./data_id_candidates.ts";
import { type ChunkLogInfo, headerInfo, taskInfos } from "./info.ts";
import { configOf } from "./pipeline_config.ts";
import { missingReason, parseDatasetView, parseQuantumView } from "./quantum_document.ts";
import {
  type DatasetRow,
  type DatasetWish,
  outputTypesOf,
  parseDatasetRow,
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
import type { TraceSource } from "./trace.ts";

/** Bytes read at each chunk: prefix and, for nearly all quanta, the whole head. */
const PEEK_SIZE = 1024;
/** Blocks of a quantum in the order of the body. */
const QUANTUM = 0;
const METADATA = 1;
const LOG = 2;

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
  readonly #source: FileSource;
  readonly #header: ChunkLogHeader;
  readonly #graphHeader: QuantumGraphHeader;
  readonly #decompressor: ZstdDecompressor;
  readonly #plainDecompressor: ZstdDecompressor;
  #pipeline: PipelineGraph | null = null;

  private constructor(source: FileSource, header: ChunkLogHeader, zstd: Zstd) {
    this.#source = source;
    this.name = `chunk log "${source.name}"`;
    this.#header = header;
    this.#graphHeader = parseHeader(header.graphHeaderText, source.name, "predicted");
    this.#plainDecompressor = zstd.decompressor(null);
    this.#decompressor = zstd.decompressor(
      header.dictionary.length === 0 ? null : header.dictionary,
    );
  }

  /**
   * Opens a chunk log; the source is closed with it, also when opening fails.
   *
   * @throws {InvalidChunkLogError} if it isn't one, or has no sound header.
   */
  static open(source: FileSource, zstd: Zstd): ChunkLogDocuments {
    try {
      const first = source.size < CHUNK_LOG_MAGIC.length + CHUNK_PREFIX_SIZE
        ? null
        : readPlace(source, CHUNK_LOG_MAGIC.length);
      const chunk = first === null || first.type !== ChunkType.HEADER
        ? null
        : readChunk(source, first);
      if (chunk === null) {
        throw new InvalidChunkLogError(
          `Cannot read chunk log "${source.name}": it has no sound header`,
        );
      }
      return new ChunkLogDocuments(
        source,
        parseChunkLogHeader(chunk.head, chunk.body, source.name),
        zstd,
      );
    } catch (error) {
      source.close();
      throw error;
    }
  }

  get run(): string {
    return this.#graphHeader.output_run;
  }

  attempts(kind: "log" | "metadata", selector: Selector): Promise<AttemptDocuments> {
    const { head, body } = this.#quantumChunk(selector);
    const id = uuidToText(head.quantumId);
    const block = this.#block(head, body, kind === "log" ? LOG : METADATA);
    if (block === null) throw blockedError(kind, id, this.name);
    const view = parseStored(
      `quantum ${id} in ${this.name}`,
      () => parseQuantumView(this.#block(head, body, QUANTUM)!),
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
    const { head, body } = this.#quantumChunk(selector);
    return Promise.resolve(this.#block(head, body, QUANTUM)!);
  }

  dataset(selector: Selector): Promise<Uint8Array> {
    const found = this.#find(selector, "dataset");
    if (found.dataset < 0) {
      throw new NotFoundError(
        `Cannot read dataset "${selector.words[0]}" in ${this.name}: it is a quantum`,
        { hint: "cat quantum lists the datasets of a quantum" },
      );
    }
    const { head, body } = this.#read(found);
    let at = head.quantumSize + head.metadataSize + head.logSize;
    for (let i = 0; i < found.dataset; i++) at += head.datasetSize(i);
    return Promise.resolve(this.#decode(body, at, head.datasetSize(found.dataset)));
  }

  config(selector: Selector | null): Promise<{ label: string; text: Uint8Array }> {
    return configOf(this.#pipelineGraph(), selector, this.name, () => {
      const found = this.#find(selector!, "dataset");
      if (found.dataset < 0) return Promise.resolve(null);
      const { head, body } = this.#read(found);
      let at = head.quantumSize + head.metadataSize + head.logSize;
      for (let i = 0; i < found.dataset; i++) at += head.datasetSize(i);
      const text = this.#decode(body, at, head.datasetSize(found.dataset));
      return Promise.resolve(
        parseStored(`dataset in ${this.name}`, () => parseDatasetView(text).typeName),
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
    for (const { place, head } of this.#liveChunks()) {
      nLiveBytes += chunkSize(place.headSize, place.bodySize);
      if (place.type === ChunkType.INIT) continue;
      nScanned++;
      const status = attemptStatusName(head.lastAttemptStatus);
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
    const first = readPlace(this.#source, CHUNK_LOG_MAGIC.length)!;
    const nHeaderBytes = CHUNK_LOG_MAGIC.length + chunkSize(first.headSize, first.bodySize);
    return {
      kind: "chunk log",
      path: this.#source.name,
      sizeBytes: this.#source.size,
      header: headerInfo(this.#graphHeader),
      tasks: await taskInfos(this.#graphHeader, isCounting ? this : null),
      nScanned,
      statuses,
      nStaleBytes: this.#source.size - nHeaderBytes - nLiveBytes,
    };
  }

  /** Refused: a chunk says what its own quantum reads, not by whom that was written. */
  traceSource(): Promise<TraceSource> {
    throw new RefusedError(
      `Cannot trace in ${this.name}: it has no index of who reads and writes what`,
      { hint: "give the predicted graph, which has the same quanta, or the finished graph" },
    );
  }

  /** The header that the finished graph will have. */
  header(): Promise<Uint8Array> {
    return Promise.resolve(provenanceHeaderText(this.#header.graphHeaderText));
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#source.close();
    return Promise.resolve();
  }

  #refuse(what: string): never {
    throw new RefusedError(`Cannot read ${what} from ${this.name}: chunk logs don't have it`, {
      hint: "give the predicted graph, the finished graph or the repository",
    });
  }

  async *quanta(): AsyncGenerator<Uint8Array> {
    for (const { place } of this.#liveChunks()) {
      if (place.type === ChunkType.INIT) continue;
      const { head, body } = this.#read({ place });
      yield this.#block(head, body, QUANTUM)!;
    }
  }

  async *datasets({ types }: DatasetWish): AsyncGenerator<DatasetRow> {
    for (const { place } of this.#liveChunks()) {
      const { head, body } = this.#read({ place });
      let at = head.quantumSize + head.metadataSize + head.logSize;
      for (let i = 0; i < head.nDatasets; i++) {
        const text = this.#decode(body, at, head.datasetSize(i));
        at += head.datasetSize(i);
        const row = parseStored(`dataset in ${this.name}`, () => parseDatasetRow(text));
        if (types === null || types.has(row.typeName)) yield row;
      }
    }
  }

  /** Does nothing: its look-ups pass over the heads anyway */
  announce(): Promise<void> {
    return Promise.resolve();
  }

  rowDimensions(kind: RowKind): Promise<RowDimensions> {
    return Promise.resolve(pipelineDimensions(this.#pipelineGraph(), kind, this.name));
  }

  outputTypes(label: string): Promise<string[] | null> {
    return Promise.resolve(outputTypesOf(this.#pipelineGraph(), label));
  }

  taskLabels(): Promise<string[]> {
    return Promise.resolve([...this.#pipelineGraph().tasks.keys()]);
  }

  /** Chunks that count, in order: the last of each quantum. Memory: 29 bytes a chunk. */
  *#liveChunks(): Generator<{ place: ChunkPlace; head: ScanHead }> {
    const ids = new IdList();
    for (const { head } of this.#heads()) ids.push(head.quantumId);
    const idAt = Uint32Array.from({ length: ids.n }, (_, i) => i * UUID_SIZE);
    const order = sortIds(ids.bytes, idAt);
    const isLive = new Uint8Array(ids.n);
    // The sort keeps the order of equal ids, so that the last of them is the latest.
    order.forEach((i, k) => {
      const next = k + 1 < order.length ? order[k + 1] : -1;
      const isLast = next < 0 ||
        compareUuids(ids.bytes, i * UUID_SIZE, ids.bytes, next * UUID_SIZE) !== 0;
      if (isLast) isLive[i] = 1;
    });
    let i = 0;
    for (const chunk of this.#heads()) {
      // What was appended meanwhile is left to the next pass.
      if (i >= isLive.length) return;
      if (isLive[i++] === 1) yield chunk;
    }
  }

  /** The chunk of the quantum that a selector names, or that made the dataset which it names. */
  #quantumChunk(selector: Selector): { head: ScanHead; body: Uint8Array } {
    const found = this.#find(selector, "quantum");
    const chunk = this.#read(found);
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
  ): Found {
    const { label, terms } = selector;
    const group = groupOf(this.#pipelineGraph(), kind, label, this.name);
    const matcher = new DataIdMatcher(group, terms, `${kind} of "${label}"`);
    const found = new Map<string, Found & Candidate>();
    for (const { place } of this.#heads()) {
      const isQuantum = place.type !== ChunkType.INIT;
      const { head, body } = this.#read({ place });
      if (kind === "quantum") {
        const text = isQuantum ? this.#block(head, body, QUANTUM) : null;
        const candidate = text && quantumCandidate(text, label, matcher, group, this.name);
        if (candidate === null) continue;
        found.set(uuidToHex(candidate.id), { place, dataset: -1, isQuantum, ...candidate });
        continue;
      }
      let at = head.quantumSize + head.metadataSize + head.logSize;
      for (let i = 0; i < head.nDatasets; i++) {
        const text = this.#decode(body, at, head.datasetSize(i));
        at += head.datasetSize(i);
        const candidate = datasetCandidate(text, label, matcher, group, this.name);
        if (candidate === null) continue;
        found.set(uuidToHex(candidate.id), { place, dataset: i, isQuantum, ...candidate });
      }
    }
    const { id } = onlyCandidate([...found.values()], selector, this.name);
    return found.get(uuidToHex(id))!;
  }

  #pipelineGraph(): PipelineGraph {
    return this.#pipeline ??= PipelineGraph.parse(
      this.#plainDecompressor.decompress(
        this.#header.pipelineGraphFrame,
        `pipeline graph of ${this.name}`,
      ),
      this.#source.name,
    );
  }

  #find(selector: Selector, kind: "quantum" | "dataset"): Found {
    if (selector.kind === "dataId") return this.#findByDataId(selector, kind);
    const found = new Map<string, Found & Candidate>();
    const prefix = selector.kind === "prefix" ? selector.hex : "";
    const matches = (id: Uint8Array): boolean =>
      selector.kind === "id"
        ? compareUuids(id, 0, selector.id, 0) === 0
        : uuidToHex(id).startsWith(prefix);
    for (const { place, head } of this.#heads()) {
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

  /** Heads of all chunks in order. A damaged prefix makes it read everything, to find what follows. */
  *#heads(): Generator<{ place: ChunkPlace; head: ScanHead }> {
    const source = this.#source;
    let at = CHUNK_LOG_MAGIC.length;
    while (at + CHUNK_PREFIX_SIZE <= source.size) {
      const peek = source.readSync(at, Math.min(PEEK_SIZE, source.size - at));
      const place = readChunkPrefix(peek, 0, at);
      if (place === null) return yield* this.#headsBehindDamage(at);
      const end = at + chunkSize(place.headSize, place.bodySize);
      if (end > source.size) return; // being written, or cut off
      if (isScan(place)) {
        const size = place.headSize;
        const head = CHUNK_PREFIX_SIZE + size <= peek.length
          ? peek.subarray(CHUNK_PREFIX_SIZE, CHUNK_PREFIX_SIZE + size)
          : source.readSync(at + CHUNK_PREFIX_SIZE, size);
        yield { place, head: new ScanHead(head, this.name) };
      }
      at = end;
    }
  }

  *#headsBehindDamage(from: number): Generator<{ place: ChunkPlace; head: ScanHead }> {
    for (const chunk of readChunks(this.#source, () => {})) {
      if (chunk.offset < from || !isScan(chunk)) continue;
      yield { place: chunk, head: new ScanHead(chunk.head, this.name) };
    }
  }

  #read({ place }: Pick<Found, "place">): { head: ScanHead; body: Uint8Array } {
    const chunk = readChunk(this.#source, place);
    if (chunk === null) {
      throw new InvalidChunkLogError(
        `Cannot read chunk at ${place.offset} of ${this.name}: its checksum doesn't match`,
        { hint: "run aggregate-graph again: it scans the quantum anew" },
      );
    }
    return { head: new ScanHead(chunk.head, this.name), body: chunk.body };
  }

  #block(head: ScanHead, body: Uint8Array, which: number): Uint8Array | null {
    const sizes = [head.quantumSize, head.metadataSize, head.logSize];
    if (sizes[which] === 0) return null;
    let at = 0;
    for (let i = 0; i < which; i++) at += sizes[i];
    return this.#decode(body, at, sizes[which]);
  }

  #decode(body: Uint8Array, at: number, size: number): Uint8Array {
    const intSize = this.#graphHeader.int_size;
    if (
      size <= intSize || at + size > body.length ||
      readBigEndian(body, at, intSize) !== size - intSize
    ) {
      throw new InvalidChunkLogError(`Cannot read block of ${this.name}: its size doesn't fit`);
    }
    return this.#decompressor.decompress(
      body.subarray(at + intSize, at + size),
      `block of ${this.name}`,
    );
  }
}

function isScan({ type }: ChunkPlace): boolean {
  return type === ChunkType.SCAN || type === ChunkType.BLOCKED || type === ChunkType.INIT;
}

function readPlace(source: FileSource, at: number): ChunkPlace | null {
  const place = readChunkPrefix(source.readSync(at, CHUNK_PREFIX_SIZE), 0, at);
  return place === null || at + chunkSize(place.headSize, place.bodySize) > source.size
    ? null
    : place;
}

/** A whole chunk, or null if its checksum doesn't match. */
function readChunk(
  source: FileSource,
  { offset, headSize, bodySize }: ChunkPlace,
): { head: Uint8Array; body: Uint8Array } | null {
  const chunk = source.readSync(offset, chunkSize(headSize, bodySize));
  if (!isChunkSound(chunk)) return null;
  const bodyStart = CHUNK_PREFIX_SIZE + headSize;
  return { head: chunk.subarray(CHUNK_PREFIX_SIZE, bodyStart), body: chunk.subarray(bodyStart) };
}
