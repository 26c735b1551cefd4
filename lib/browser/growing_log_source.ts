/**
 * Documents of a chunk log that is followed: quanta as they come, and whatever is asked of those that have
 * come.
 *
 * @module
 */

import { readBigEndian } from "../base/bytes.ts";
import { InvalidChunkLogError, NotFoundError, RefusedError } from "../base/errors.ts";
import { uuidToHex, uuidToText } from "../base/uuid.ts";
import { chunkSize, ChunkType } from "../chunks/chunk_format.ts";
import { ScanHead } from "../chunks/scan_head.ts";
import type { GraphCodecs, ZstdDecompressor } from "../codec/codecs.ts";
import { readQuantum } from "../provenance/documents/quantum.ts";
import { documentLimit } from "../qg/document_limits.ts";
import { parseHeader, type QuantumGraphHeader } from "../qg/header.ts";
import { PIPELINE_GRAPH_MEMBER } from "../qg/member_names.ts";
import { PipelineGraph } from "../qg/pipeline_graph.ts";
import { parseStored } from "../sources/parse_stored.ts";
import { configOf } from "../sources/pipeline_config.ts";
import { datasetCandidate, groupOf } from "../sources/data_id_candidates.ts";
import { missingReason } from "../sources/quantum_text.ts";
import { pipelineDimensions, type RowDimensions, type RowKind } from "../sources/rows.ts";
import {
  type Candidate,
  DataIdMatcher,
  MAX_CANDIDATES,
  onlyCandidate,
  type Selector,
} from "../sources/selector.ts";
import { type AttemptDocuments, attemptDocuments, blockedError } from "../sources/source.ts";
import { parseTracedDataset, parseTracedQuantum } from "../sources/trace/documents.ts";
import type {
  TracedDataset,
  TracedQuantum,
  TraceKey,
  TraceSource,
} from "../sources/trace/trace_source.ts";
import { DataIds, type DataIdWish } from "./data_ids.ts";
import type { FollowedLog } from "./followed_log.ts";
import type { GrowingBytes } from "./growing_bytes.ts";
import { GrowingLog, type GrownChunk, type GrownState } from "./growing_log.ts";
import type { DimensionGroup } from "../butler/dimensions/dimension_group.ts";

/** Blocks of a chunk in the order of its body. */
const QUANTUM = 0;
const METADATA = 1;
const LOG = 2;
/** Position of a quantum, as opposed to those of its chunk's datasets. */
const IS_QUANTUM = -1;

/** Chunks that are read to find a dataset by its data ID. */
const MAX_CHUNKS_READ = 200;

/** Where something is: a chunk, and a dataset's position in its head. */
interface Place {
  offset: number;
  size: number;
  position: number;
}

/** A chunk log that is followed. Memory: some 100 bytes for each dataset, 250 for each quantum. */
export class GrowingLogDocuments implements FollowedLog, TraceSource {
  /** Kind and name, for messages. */
  readonly name: string;
  readonly #bytes: GrowingBytes;
  readonly #codecs: GraphCodecs;
  #log: GrowingLog;
  #header: QuantumGraphHeader | null = null;
  #decompressor: ZstdDecompressor | null = null;
  #pipeline: PipelineGraph | null = null;
  readonly #places = new Map<string, Place>();
  readonly #dataIds = new DataIds();
  /** Chunks of init quanta, which have no data IDs: few. */
  readonly #inits: Place[] = [];

  constructor(bytes: GrowingBytes, codecs: GraphCodecs) {
    this.#bytes = bytes;
    this.#codecs = codecs;
    this.#log = new GrowingLog(bytes);
    this.name = this.#log.name;
  }

  /** Where reading stands. */
  get state(): GrownState {
    return this.#log.state;
  }

  /** Reads the header alone. @throws {InvalidChunkLogError} if there is none yet. */
  readHeader(): Promise<void> {
    return this.#log.readHeader();
  }

  /**
   * Reads what is new.
   *
   * @param onQuantum Called with the JSON text of each quantum; one that comes again replaces the earlier.
   * @param onRestart Called if the log was begun anew: what came before is void.
   */
  async readNew(
    onQuantum: (text: Uint8Array) => void | Promise<void>,
    onRestart: () => void,
  ): Promise<void> {
    const isSame = await this.#log.readNew((chunk) => this.#accept(chunk, onQuantum));
    if (isSame) return;
    this.#log = new GrowingLog(this.#bytes);
    this.#header = this.#decompressor = this.#pipeline = null;
    this.#places.clear();
    this.#dataIds.clear();
    this.#inits.length = 0;
    onRestart();
    await this.#log.readNew((chunk) => this.#accept(chunk, onQuantum));
  }

  async #accept(
    { place, head: bytes, body }: GrownChunk,
    onQuantum: (text: Uint8Array) => void | Promise<void>,
  ): Promise<void> {
    const isQuantum = place.type === ChunkType.SCAN || place.type === ChunkType.BLOCKED;
    if (!isQuantum && place.type !== ChunkType.INIT) return;
    const head = new ScanHead(bytes, this.name);
    const at = { offset: place.offset, size: chunkSize(place.headSize, place.bodySize) };
    if (isQuantum) this.#places.set(uuidToHex(head.quantumId), { ...at, position: IS_QUANTUM });
    else this.#inits.push({ ...at, position: IS_QUANTUM });
    for (let i = 0; i < head.nDatasets; i++) {
      this.#places.set(uuidToHex(head.datasetId(i)), { ...at, position: i });
    }
    const text = isQuantum ? this.#block(head, body, QUANTUM) : null;
    if (text === null) return;
    parseStored(
      `quantum in ${this.name}`,
      () => this.#dataIds.add(uuidToHex(head.quantumId), text),
    );
    await onQuantum(text);
  }

  /** The header of the predicted graph. @throws {InvalidChunkLogError} before it was read. */
  get graphHeader(): QuantumGraphHeader {
    return this.#header ??= parseHeader(
      this.#logHeader().graphHeaderText,
      this.name,
      "predicted",
    );
  }

  /** JSON text of {@linkcode graphHeader}. */
  header(): Promise<Uint8Array> {
    return Promise.resolve(this.#logHeader().graphHeaderText);
  }

  /** The pipeline graph. */
  pipelineGraph(): PipelineGraph {
    return this.#pipeline ??= PipelineGraph.parse(
      this.#codecs.decompressor(null).decompress(
        this.#logHeader().pipelineGraphFrame,
        `pipeline graph of ${this.name}`,
        documentLimit(PIPELINE_GRAPH_MEMBER, new Map()),
      ),
      this.name,
    );
  }

  /** Dimensions of quanta, by task, or of datasets, by type. */
  rowDimensions(kind: RowKind): Promise<RowDimensions> {
    return Promise.resolve(pipelineDimensions(this.pipelineGraph(), kind, this.name));
  }

  /** Labels of all tasks, in the order of the pipeline. */
  taskLabels(): Promise<string[]> {
    return Promise.resolve([...this.pipelineGraph().tasks.keys()]);
  }

  /** Logs or metadata of a quantum. @throws {NotFoundError} if it hasn't come, or was blocked. */
  async attempts(kind: "log" | "metadata", selector: Selector): Promise<AttemptDocuments> {
    const { head, body } = await this.#chunk(selector);
    const id = uuidToText(head.quantumId);
    const block = this.#block(head, body, kind === "log" ? LOG : METADATA);
    if (block === null) throw blockedError(kind, id, this.name);
    const text = this.#block(head, body, QUANTUM)!;
    const view = parseStored(`quantum ${id} in ${this.name}`, () => readQuantum(text));
    return attemptDocuments(
      block,
      `${kind} of quantum ${id} in ${this.name}`,
      (attempt) => Promise.resolve(missingReason(kind, view, attempt)),
    );
  }

  /** JSON text of a quantum. */
  async quantumText(selector: Selector): Promise<Uint8Array> {
    const { head, body } = await this.#chunk(selector);
    return this.#block(head, body, QUANTUM)!;
  }

  /** Configuration of a task. */
  config(selector: Selector | null): Promise<{ label: string; text: Uint8Array }> {
    return configOf(this.pipelineGraph(), selector, this.name, () => Promise.resolve(null));
  }

  /** @throws {RefusedError} always: chunk logs don't have it. */
  packages(): Promise<never> {
    return Promise.reject(
      new RefusedError(`Cannot read packages from ${this.name}: chunk logs don't have them`, {
        hint: "open the finished graph",
      }),
    );
  }

  /** Who reads and writes what. */
  traceSource(): Promise<TraceSource> {
    return Promise.resolve(this);
  }

  async locate(selector: Selector): Promise<TraceKey> {
    const { id, place } = await this.#find(selector);
    return { kind: place.position === IS_QUANTUM ? "quantum" : "dataset", id };
  }

  announce(): Promise<void> {
    return Promise.resolve();
  }

  async quantum(id: string): Promise<TracedQuantum> {
    const place = this.#places.get(id.replaceAll("-", ""));
    if (place?.position !== IS_QUANTUM) return UNKNOWN_QUANTUM;
    const { head, body } = await this.#read(place);
    const text = this.#block(head, body, QUANTUM)!;
    return parseStored(`quantum ${id} in ${this.name}`, () => parseTracedQuantum(text));
  }

  async dataset(id: string): Promise<TracedDataset> {
    const place = this.#places.get(id.replaceAll("-", ""));
    if (place === undefined || place.position === IS_QUANTUM) return unknownDataset(id);
    const { head, body } = await this.#read(place);
    const text = this.#datasetText(head, body, place.position);
    return parseStored(`dataset ${id} in ${this.name}`, () => parseTracedDataset(text));
  }

  #datasetText(head: ScanHead, body: Uint8Array, position: number): Uint8Array {
    let at = head.quantumSize + head.metadataSize + head.logSize;
    for (let i = 0; i < position; i++) at += head.datasetSize(i);
    return this.#decode(body, at, head.datasetSize(position));
  }

  group(kind: TraceKey["kind"], label: string): DimensionGroup | undefined {
    const { groups } = pipelineDimensions(
      this.pipelineGraph(),
      kind === "quantum" ? "quanta" : "datasets",
      this.name,
    );
    return groups.get(label);
  }

  #logHeader() {
    const { header } = this.#log;
    if (header !== null) return header;
    throw new InvalidChunkLogError(`Cannot read ${this.name}: its header wasn't read`);
  }

  async #find(selector: Selector): Promise<{ id: string; place: Place }> {
    const words = selector.words.join(" ");
    if (selector.kind === "dataId") {
      const candidates = await this.#candidates(selector);
      const { id } = onlyCandidate(candidates, selector, `${this.name}, so far`);
      return { id: uuidToText(id), place: this.#places.get(uuidToHex(id))! };
    }
    const hex = selector.kind === "id" ? uuidToHex(selector.id) : selector.hex;
    let found: { id: string; place: Place } | null = null;
    for (const [key, place] of this.#places) {
      if (!key.startsWith(hex)) continue;
      if (found !== null) {
        throw new RefusedError(`Cannot tell what "${words}" means: several IDs begin so`, {
          hint: "give more of the UUID",
        });
      }
      found = { id: key.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5"), place };
    }
    if (found === null) throw new NotFoundError(`Cannot find "${words}" in ${this.name}, so far`);
    return found;
  }

  /** What a label and dimension values may mean: a task's quanta, or datasets of a type. */
  async #candidates(wish: DataIdWish & Selector): Promise<Candidate[]> {
    const pipeline = this.pipelineGraph();
    if (pipeline.tasks.has(wish.label)) return this.#dataIds.quanta(pipeline, wish, this.name);
    const group = groupOf(pipeline, "dataset", wish.label, this.name);
    const matcher = new DataIdMatcher(group, wish.terms, `dataset of "${wish.label}"`);
    const found = new Map<string, Candidate>();
    let nRead = 0;
    const places = this.#dataIds.quantaBeside(pipeline, wish, this.name)
      .map((hex) => this.#places.get(hex)!);
    for (const place of [...this.#inits, ...places]) {
      if (nRead++ === MAX_CHUNKS_READ) {
        throw new RefusedError(
          `Cannot find "${wish.words.join(" ")}" in ${this.name}: too many quanta may have it`,
          { hint: "give more dimensions, or a UUID" },
        );
      }
      const { head, body } = await this.#read(place);
      for (let i = 0; i < head.nDatasets; i++) {
        const text = this.#datasetText(head, body, i);
        const candidate = datasetCandidate(text, wish.label, matcher, group, this.name);
        if (candidate !== null) found.set(uuidToHex(candidate.id), candidate);
      }
      if (found.size > MAX_CANDIDATES || (matcher.isUnique && found.size > 0)) break;
    }
    return [...found.values()];
  }

  async #chunk(selector: Selector): Promise<{ head: ScanHead; body: Uint8Array }> {
    const exact = selector.kind === "id" ? this.#places.get(uuidToHex(selector.id)) : undefined;
    return await this.#read(exact ?? (await this.#find(selector)).place);
  }

  async #read({ offset, size }: Place): Promise<{ head: ScanHead; body: Uint8Array }> {
    const { head, body } = await this.#log.chunkAt(offset, size);
    return { head: new ScanHead(head, this.name), body };
  }

  #block(head: ScanHead, body: Uint8Array, which: number): Uint8Array | null {
    const sizes = [head.quantumSize, head.metadataSize, head.logSize];
    if (sizes[which] === 0) return null;
    const at = sizes.slice(0, which).reduce((a, b) => a + b, 0);
    return this.#decode(body, at, sizes[which]);
  }

  #decode(body: Uint8Array, at: number, size: number): Uint8Array {
    const intSize = this.graphHeader.int_size;
    if (
      size <= intSize || at + size > body.length ||
      readBigEndian(body, at, intSize) !== size - intSize
    ) {
      throw new InvalidChunkLogError(`Cannot read block of ${this.name}: its size doesn't fit`);
    }
    const { dictionary } = this.#logHeader();
    this.#decompressor ??= this.#codecs.decompressor(dictionary.length === 0 ? null : dictionary);
    return this.#decompressor.decompress(
      body.subarray(at + intSize, at + size),
      `block of ${this.name}`,
    );
  }
}

/** A quantum that has no chunk yet. */
const UNKNOWN_QUANTUM: TracedQuantum = {
  taskLabel: "",
  isInit: false,
  dataCoordinate: [],
  status: null,
  inputs: new Map(),
  outputs: new Map(),
};

/** A dataset whose producer has no chunk yet. */
function unknownDataset(id: string): TracedDataset {
  const row = {
    datasetId: id,
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
