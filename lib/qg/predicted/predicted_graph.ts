/**
 * A predicted quantum graph on disk: the aggregator's input. The thin graph is never read: all it says
 * is in the blocks too (`schema/quantum-graph.md`, section 7.1).
 *
 * @module
 */

import { inflateRaw } from "../../codec/inflate.ts";
import { crc32 } from "../../base/crc32.ts";
import { InvalidQuantumGraphFileError, ProvgraphError } from "../../base/errors.ts";
import { JsonCursor, type JsonValue } from "../../base/json_text.ts";
import type { ZstdDecompressor } from "../../codec/codecs.ts";
import type { ZipReader } from "../../codec/zip_reader.ts";
import type { Zstd } from "../../codec/zstd.ts";
import { FileSource } from "../../storage/file_source.ts";
import { documentLimit } from "../document_limits.ts";
import {
  decodeHeader,
  MAX_HEADER_SIZE,
  memberSizes,
  openArchive,
  readDictionary,
  requireMember,
} from "../graph_file.ts";
import { parseHeader, type QuantumGraphHeader } from "../header.ts";
import {
  DIMENSION_DATA_MEMBER,
  HEADER_MEMBER,
  INIT_QUANTA_MEMBER,
  PIPELINE_GRAPH_MEMBER,
  QUANTA_ADDRESS_MEMBER,
  QUANTUM_DATASETS_MEMBER,
} from "../member_names.ts";
import {
  type BlockFrame,
  blockPayload,
  checkAddress,
  MultiblockPass,
  PASS_READ_SIZE,
} from "../multiblock.ts";
import { PipelineGraph } from "../pipeline_graph.ts";
import { type OutputRules, type QuantumIds, scanQuantumIds } from "./predicted_ids.ts";
import {
  parseInitQuanta,
  parsePredictedQuantum,
  type PredictedQuantum,
} from "./predicted_quantum.ts";
import type { ZipMember } from "../../codec/zip_directory.ts";
import { frameContentSize } from "../../codec/zstd_frame.ts";
import {
  AddressChecker,
  addressHeaderSize,
  addressRowSize,
  checkAddressHeader,
} from "../address_rows.ts";
import type { BlockRange, PredictedBlock } from "./predicted_block.ts";

/** Bytes read at a time for blocks that are asked for one by one: neighbours are mostly next. */
const READ_AHEAD = 2 ** 15;

/** An open predicted graph of format version 0 or 1. */
export class PredictedGraph implements Disposable {
  readonly path: string;
  readonly header: QuantumGraphHeader;
  /** Decoded text of the header. */
  readonly headerText: Uint8Array;
  /** Compression dictionary, null if the file has none or an empty one. */
  readonly dictionary: Uint8Array | null;
  /** Bytes of `quantum_datasets.mb`: block offsets and sizes stay within them. */
  readonly nQuantaBlocksSize: number;
  readonly #file: FileSource;
  readonly #members: ReadonlyMap<string, ZipMember>;
  readonly #dataOffsets: ReadonlyMap<string, number>;
  readonly #decompressor: ZstdDecompressor;
  /** What was read last for {@linkcode readBlock}, and where it begins in the file. */
  #ahead = new Uint8Array(0);
  #aheadStart = 0;
  #pipelineGraphText: Uint8Array | null = null;
  #pipelineGraph: PipelineGraph | null = null;
  #initQuantaText: Uint8Array | null = null;

  private constructor(
    file: FileSource,
    zip: ZipReader,
    dataOffsets: ReadonlyMap<string, number>,
    header: { text: Uint8Array; fields: QuantumGraphHeader },
    { dictionary, decompressor }: Awaited<ReturnType<typeof readDictionary>>,
  ) {
    this.path = file.name;
    this.#file = file;
    this.#members = zip.members;
    this.#dataOffsets = dataOffsets;
    this.headerText = header.text;
    this.header = header.fields;
    this.dictionary = dictionary;
    this.#decompressor = decompressor;
    this.nQuantaBlocksSize = zip.members.get(QUANTUM_DATASETS_MEMBER)!.size;
  }

  /**
   * Opens a file and reads its directory, dictionary and header; all else is read when asked for.
   *
   * @throws {NotFoundError} if there is no such file.
   * @throws {RefusedError} for a provenance graph or a newer format.
   * @throws {InvalidQuantumGraphFileError} if it isn't a quantum graph, is cut or lacks a member.
   */
  static async open(path: string, zstd: Zstd): Promise<PredictedGraph> {
    const file = FileSource.open(path);
    try {
      const zip = await openArchive(file, inflateRaw);
      const read = await readDictionary(zip, path, zstd);
      const frame = await zip.readMember(HEADER_MEMBER, { maxSize: MAX_HEADER_SIZE });
      const text = decodeHeader(frame, path, read.decompressor);
      const header = { text, fields: parseHeader(text, path, "predicted") };
      const required = [
        PIPELINE_GRAPH_MEMBER,
        INIT_QUANTA_MEMBER,
        DIMENSION_DATA_MEMBER,
        QUANTUM_DATASETS_MEMBER,
        QUANTA_ADDRESS_MEMBER,
      ];
      for (const name of required) requireMember(zip, name, path);
      zip.requireStored(QUANTUM_DATASETS_MEMBER);
      zip.requireStored(QUANTA_ADDRESS_MEMBER);
      const dataOffsets = new Map<string, number>();
      for (const name of zip.members.keys()) dataOffsets.set(name, await zip.dataOffset(name));
      return new PredictedGraph(file, zip, dataOffsets, header, read);
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** Bytes of the file. */
  get sizeBytes(): number {
    return this.#file.size;
  }

  /**
   * Tells quanta and init quanta of this file from those of another: their CRC-32 as the archive has
   * them, which {@linkcode verifyStructure} checks.
   */
  get contentKey(): string {
    return [QUANTUM_DATASETS_MEMBER, INIT_QUANTA_MEMBER]
      .map((name) => hex(this.#members.get(name)!.crc32)).join("-");
  }

  /** Names of the archive's members with the bytes that each takes, in the order of the file. */
  memberSizes(): { name: string; sizeBytes: number }[] {
    return memberSizes(this.#members);
  }

  /** Bytes of the decoded pipeline graph, as its frame states them; null if it states none. */
  get pipelineGraphSize(): number | null {
    return frameContentSize(this.#readMember(PIPELINE_GRAPH_MEMBER));
  }

  /** Decoded text of the pipeline graph, to be copied unchanged. Read once. */
  get pipelineGraphText(): Uint8Array {
    return this.#pipelineGraphText ??= this.#readDocument(PIPELINE_GRAPH_MEMBER);
  }

  /** The pipeline graph. Parsed once. */
  pipelineGraph(): PipelineGraph {
    return this.#pipelineGraph ??= PipelineGraph.parse(this.pipelineGraphText, this.path);
  }

  /** Decoded text of the init quanta. Read once. */
  get initQuantaText(): Uint8Array {
    return this.#initQuantaText ??= this.#readDocument(INIT_QUANTA_MEMBER);
  }

  /**
   * The init quanta, the one with the empty label included.
   *
   * @throws {InvalidQuantumGraphFileError} if they can't be read.
   */
  initQuanta(): PredictedQuantum[] {
    return this.#parsing(INIT_QUANTA_MEMBER, () => parseInitQuanta(this.initQuantaText));
  }

  /**
   * Passes over quanta in the order of the file. Memory: one read of 1 MiB and one block.
   *
   * @param range The blocks wanted, as {@linkcode blockRanges} gives them; without it, all are.
   * @throws {InvalidQuantumGraphFileError} if a block is cut or can't be decompressed.
   */
  *blocks(range?: BlockRange): Generator<PredictedBlock> {
    for (const { offset, size, frame } of this.#frames(range)) {
      yield { offset, size, text: this.#decodeBlock(frame, offset) };
    }
  }

  /**
   * Where so many neighbouring blocks begin and end, in the order of the file, without decoding any.
   *
   * @throws {InvalidQuantumGraphFileError} if a block is cut.
   */
  *blockRanges(nBlocks: number): Generator<BlockRange> {
    let startByte = 0;
    let endByte = 0;
    let n = 0;
    for (const { offset, size } of this.#frames()) {
      endByte = offset + size;
      if (++n < nBlocks) continue;
      yield { startByte, endByte };
      startByte = endByte;
      n = 0;
    }
    if (n > 0) yield { startByte, endByte };
  }

  *#frames(range?: BlockRange): Generator<BlockFrame> {
    const { startByte, endByte } = range ?? { startByte: 0, endByte: this.nQuantaBlocksSize };
    const pass = new MultiblockPass(
      endByte,
      this.header.int_size,
      `${this.path}: ${QUANTUM_DATASETS_MEMBER}`,
      "predicted quantum",
      startByte,
    );
    const start = this.#dataOffsets.get(QUANTUM_DATASETS_MEMBER)!;
    let buffer = new Uint8Array(Math.min(PASS_READ_SIZE, endByte - startByte));
    for (;;) {
      const request = pass.request();
      if (request === null) return;
      if (request.length > buffer.length) buffer = new Uint8Array(request.length);
      const bytes = buffer.subarray(0, request.length);
      this.#file.readInto(bytes, start + request.offset);
      yield* pass.feed(bytes);
    }
  }

  /**
   * Decoded text of one block, by the address that {@linkcode blocks} gave.
   *
   * @throws {InvalidQuantumGraphFileError} if no block is there.
   */
  readBlock(offset: number, size: number): Uint8Array {
    const name = `${this.path}: ${QUANTUM_DATASETS_MEMBER}`;
    const intSize = this.header.int_size;
    checkAddress({ offset, size }, this.nQuantaBlocksSize, intSize, name, "predicted quantum");
    const start = this.#dataOffsets.get(QUANTUM_DATASETS_MEMBER)!;
    const block = this.#readAhead(start + offset, size, start + this.nQuantaBlocksSize);
    return this.#decodeBlock(blockPayload(block, intSize, name, "predicted quantum"), offset);
  }

  /** Bytes of a range that ends before `endByte`; valid until the next call. */
  #readAhead(offset: number, size: number, endByte: number): Uint8Array {
    const isThere = offset >= this.#aheadStart &&
      offset + size <= this.#aheadStart + this.#ahead.length;
    if (!isThere) {
      const length = Math.max(size, Math.min(READ_AHEAD, endByte - offset));
      this.#ahead = this.#file.readSync(offset, length);
      this.#aheadStart = offset;
    }
    return this.#ahead.subarray(offset - this.#aheadStart, offset - this.#aheadStart + size);
  }

  /**
   * Parses the quantum of a block.
   *
   * @throws {InvalidQuantumGraphFileError} naming file and place if it isn't one.
   */
  parseBlock(text: Uint8Array, offset: number): PredictedQuantum {
    return this.#parsing(`block at ${offset}`, () => parsePredictedQuantum(text));
  }

  /**
   * Reads only the ids of a block, see {@linkcode scanQuantumIds}.
   *
   * @throws {InvalidQuantumGraphFileError} naming file and place if that fails.
   * @throws {ProvgraphError} as the rules do.
   */
  scanBlock(block: PredictedBlock, out: QuantumIds, rules: OutputRules | null = null): void {
    try {
      scanQuantumIds(block.text, out, rules);
    } catch (cause) {
      throw this.#invalid(`block at ${block.offset}`, cause);
    }
  }

  /**
   * Dimension records of some elements. Records of others are skipped byte by byte: the document has
   * one row per visit and detector and can exceed the longest JavaScript string. Memory: the decoded
   * document while this runs, 220 bytes or more per visit and detector.
   *
   * @returns rows as in the file (`schema/quantum-graph.md`, section 7.3) for each element asked
   * for, empty if the file has none.
   * @throws {InvalidQuantumGraphFileError} if it isn't JSON of that form.
   */
  dimensionRecords(elements: readonly string[]): Map<string, JsonValue[][]> {
    const records = new Map<string, JsonValue[][]>(elements.map((name) => [name, []]));
    const text = this.#readDocument(DIMENSION_DATA_MEMBER);
    const result = this.#parsing(DIMENSION_DATA_MEMBER, () => {
      const cursor = new JsonCursor(text);
      cursor.beginObject();
      while (cursor.nextMember()) {
        const element = cursor.key;
        if (!records.has(element)) {
          cursor.skip();
          continue;
        }
        const rows: JsonValue[][] = [];
        cursor.beginArray();
        while (cursor.nextElement()) {
          const row = cursor.readValue();
          if (!Array.isArray(row)) return cursor.fail("expected an array before");
          rows.push(row);
        }
        records.set(element, rows);
      }
      cursor.finish();
      return records;
    });
    // At once: collected as garbage, a document of this size might stay for the whole run.
    text.buffer.transfer(0);
    return result;
  }

  /**
   * Reads the whole file once and checks the CRC-32 of every member, and that the address file fits
   * header and blocks. Memory: 1 MiB.
   *
   * @throws {InvalidQuantumGraphFileError} naming the member that is damaged.
   */
  verifyStructure(): void {
    const buffer = new Uint8Array(PASS_READ_SIZE);
    for (const member of this.#members.values()) {
      const start = this.#dataOffsets.get(member.name)!;
      let found = 0;
      if (member.method === 0) {
        for (let at = 0; at < member.size; at += buffer.length) {
          const piece = buffer.subarray(0, Math.min(buffer.length, member.size - at));
          this.#file.readInto(piece, start + at);
          found = crc32(piece, found);
        }
      } else {
        found = crc32(this.#readMember(member.name));
      }
      if (found !== member.crc32) {
        throw new InvalidQuantumGraphFileError(
          `Cannot use "${this.path}": member "${member.name}" is damaged ` +
            `(CRC-32 is ${hex(found)}, expected ${hex(member.crc32)})`,
        );
      }
    }
    this.#verifyAddresses(buffer);
  }

  #verifyAddresses(buffer: Uint8Array): void {
    const name = `${this.path}: ${QUANTA_ADDRESS_MEMBER}`;
    const intSize = this.header.int_size;
    const start = this.#dataOffsets.get(QUANTA_ADDRESS_MEMBER)!;
    const { size } = this.#members.get(QUANTA_ADDRESS_MEMBER)!;
    const headerSize = addressHeaderSize(intSize);
    const head = this.#file.readSync(start, Math.min(size, headerSize));
    const nRows = checkAddressHeader(head, size, 1, intSize, name);
    const checker = new AddressChecker(name, intSize, [
      { name: QUANTUM_DATASETS_MEMBER, size: this.nQuantaBlocksSize },
    ]);
    const rowSize = addressRowSize(1, intSize);
    const step = buffer.length - buffer.length % rowSize;
    for (let at = headerSize; at < size; at += step) {
      const piece = buffer.subarray(0, Math.min(step, size - at));
      this.#file.readInto(piece, start + at);
      checker.feed(piece);
    }
    // Releases before w.2025.47 filed init quanta as well, without an address.
    const n = this.header.version === 0 ? checker.nPresent[0] : nRows;
    if (n !== this.header.n_quanta) {
      throw new InvalidQuantumGraphFileError(
        `Cannot use "${this.path}": "${QUANTA_ADDRESS_MEMBER}" has ${n} rows, ` +
          `the header says ${this.header.n_quanta} quanta`,
      );
    }
  }

  /** Closes the file. A second call does nothing. */
  [Symbol.dispose](): void {
    this.#file.close();
  }

  #decodeBlock(frame: Uint8Array, offset: number): Uint8Array {
    return this.#decompressor.decompress(
      frame,
      `block at ${offset} of "${this.path}: ${QUANTUM_DATASETS_MEMBER}"`,
      documentLimit(QUANTUM_DATASETS_MEMBER, this.#members),
    );
  }

  #readDocument(name: string): Uint8Array<ArrayBuffer> {
    return this.#decompressor.decompress(
      this.#readMember(name),
      `"${this.path}: ${name}"`,
      documentLimit(name, this.#members),
    );
  }

  #readMember(name: string): Uint8Array {
    const member = this.#members.get(name)!;
    const start = this.#dataOffsets.get(name)!;
    const limit = documentLimit(name, this.#members);
    // A frame is hardly larger than what it holds.
    if (name.endsWith(".zst") && member.size > 2 * limit) {
      throw new InvalidQuantumGraphFileError(
        `Cannot read "${this.path}: ${name}": it has ${member.size} bytes, more than the ${limit} allowed`,
      );
    }
    const stored = this.#file.readSync(start, member.compressedSize);
    if (member.method === 0) return stored;
    try {
      return inflateRaw(stored, member.size);
    } catch (cause) {
      throw this.#invalid(name, cause);
    }
  }

  #parsing<T>(what: string, parse: () => T): T {
    try {
      return parse();
    } catch (cause) {
      throw this.#invalid(what, cause);
    }
  }

  #invalid(what: string, cause: unknown): unknown {
    if (cause instanceof ProvgraphError) return cause;
    if (!(cause instanceof Error)) return cause;
    return new InvalidQuantumGraphFileError(
      `Cannot read ${what} of "${this.path}": ${cause.message}`,
      { cause },
    );
  }
}

function hex(value: number): string {
  return value.toString(16).padStart(8, "0");
}
