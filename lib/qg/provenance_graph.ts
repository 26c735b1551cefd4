/**
 * A provenance quantum graph, read by byte range from any source: a file, or a remote object.
 *
 * @module
 */

import { InvalidQuantumGraphFileError, NotFoundError } from "../base/errors.ts";
import { UUID_SIZE } from "../base/uuid.ts";
import type { GraphCodecs, ZstdDecompressor } from "../codec/codecs.ts";
import type { ZipReader } from "../codec/zip_reader.ts";
import type { ByteSource } from "../storage/byte_source.ts";
import { AddressFile } from "./address_file.ts";
import { isCheckedAsWritten } from "./checked_blocks.ts";
import { documentLimit } from "./document_limits.ts";
import {
  decodeHeader,
  MAX_HEADER_SIZE,
  memberSizes,
  openArchive,
  readDictionary,
  requireMember,
} from "./graph_file.ts";
import { parseHeader, type QuantumGraphHeader } from "./header.ts";
import {
  CHECKED_BLOCKS_MEMBER,
  DATASETS_MEMBER,
  DICTIONARY_MEMBER,
  HEADER_MEMBER,
  INIT_QUANTA_MEMBER,
  LOGS_MEMBER,
  METADATA_MEMBER,
  NODES_ADDRESS_COLUMNS,
  NODES_ADDRESS_MEMBER,
  NODES_FENCES_MEMBER,
  PACKAGES_MEMBER,
  PIPELINE_GRAPH_MEMBER,
  QUANTA_FILES_MEMBER,
  QUANTA_MEMBER,
  QUANTA_TABLE_MEMBER,
} from "./member_names.ts";
import {
  blockPayload,
  checkAddress,
  isWholeBlock,
  multiblockFrames,
  MultiblockPass,
  PASS_READ_SIZE,
} from "./multiblock.ts";
import { PipelineGraph } from "./pipeline_graph.ts";
import { PrefetchedSource } from "./prefetched_source.ts";
import { QuantaFiles } from "./quanta_files.ts";
import type { QuantaTableMember } from "./quanta_table_member.ts";
import {
  type ByteRange,
  joinRanges,
  MAX_FENCES,
  planHead,
  planMemberStart,
  presumedDataOffset,
  PROBE_SIZE,
  TAIL_SIZE,
} from "./range_plan.ts";
import {
  type Address,
  AddressChecker,
  addressHeaderSize,
  addressRowSize,
  checkAddressHeader,
} from "./address_rows.ts";

/** Multi-block members of a provenance graph. */
export type ProvenanceMember = "quanta.mb" | "datasets.mb" | "metadata.mb" | "logs.mb";

/** Where the blocks of one quantum or dataset are; size 0 means there is none. */
export interface NodeAddresses {
  /** 16 bytes. */
  id: Uint8Array;
  /** In `datasets.mb`; present exactly for datasets. */
  dataset: Address;
  /** In `quanta.mb`; present exactly for quanta. */
  quantum: Address;
  /** In `logs.mb`; present for a quantum and for its `_log` dataset, unless it was blocked. */
  log: Address;
  /** In `metadata.mb`; present for a quantum and for its `_metadata` dataset, unless blocked. */
  metadata: Address;
}

/** A block of a pass and where it is. */
interface ProvenanceBlock {
  /** Relative to the member's data. */
  offset: number;
  /** With the length prefix. */
  size: number;
  /** JSON text; belongs to the caller. */
  text: Uint8Array;
}

/** Blocks for which it pays to load the codec for many: that takes as long as it spares for so many. */
const MANY_BLOCKS = 500;
/** Blocks that are read ahead together. */
const BLOCKS_AT_ONCE = 2048;

const MEMBER_WORDS: Record<ProvenanceMember, string> = {
  "quanta.mb": "quantum",
  "datasets.mb": "dataset",
  "metadata.mb": "metadata",
  "logs.mb": "log",
};

/**
 * An open provenance graph. Opening reads the tail and the head of the file; a look-up reads a few
 * probes of `nodes.addr`; a block is one read (see `range_plan.ts`). Memory: at most 8 MiB of probes
 * and the block in hand.
 */
export class ProvenanceGraph implements Disposable {
  /** What the source is called: a path or URL. */
  readonly name: string;
  readonly header: QuantumGraphHeader;
  /** Decoded text of the header. */
  readonly headerText: Uint8Array;
  readonly #source: PrefetchedSource;
  readonly #zip: ZipReader;
  readonly #zstd: GraphCodecs;
  readonly #decompressor: ZstdDecompressor;
  #addressFile: Promise<AddressFile> | null = null;
  #pipelineGraph: Promise<PipelineGraph> | null = null;
  /** Data offsets of members whose place is certain. */
  readonly #dataOffsets = new Map<string, number>();

  private constructor(
    source: PrefetchedSource,
    zip: ZipReader,
    headerText: Uint8Array,
    zstd: GraphCodecs,
    decompressor: ZstdDecompressor,
  ) {
    this.name = source.name;
    this.#source = source;
    this.#zip = zip;
    this.headerText = headerText;
    this.header = parseHeader(headerText, source.name, "provenance");
    this.#zstd = zstd;
    this.#decompressor = decompressor;
  }

  /**
   * Opens a graph: two reads, of the tail and of header and dictionary. The graph closes the source,
   * also when opening fails.
   *
   * @param zstd Codecs for few reads do; they are prepared for many before passing over blocks.
   *
   * @throws {RefusedError} for a predicted graph or a newer format.
   * @throws {InvalidQuantumGraphFileError} if it isn't a quantum graph, is cut or lacks a member.
   */
  static async open(source: ByteSource, zstd: GraphCodecs): Promise<ProvenanceGraph> {
    const prefetched = new PrefetchedSource(source);
    try {
      await prefetched.prefetch({ startByte: source.size - TAIL_SIZE, endByte: source.size });
      const zip = await openArchive(prefetched, zstd.inflate);
      const head = planHead(zip.members, [HEADER_MEMBER, DICTIONARY_MEMBER]);
      if (head !== null) await prefetched.prefetch(head);
      const { decompressor } = await readDictionary(zip, source.name, zstd);
      const frame = await zip.readMember(HEADER_MEMBER, { maxSize: MAX_HEADER_SIZE });
      const headerText = decodeHeader(frame, source.name, decompressor);
      const graph = new ProvenanceGraph(prefetched, zip, headerText, zstd, decompressor);
      for (const name of [...NODES_ADDRESS_COLUMNS, NODES_ADDRESS_MEMBER]) {
        requireMember(zip, name, source.name);
        zip.requireStored(name);
      }
      return graph;
    } catch (error) {
      prefetched.close();
      throw error;
    }
  }

  /** Bytes of the file. */
  get sizeBytes(): number {
    return this.#source.size;
  }

  /** Names of the archive's members with the bytes that each takes, in the order of the file. */
  memberSizes(): { name: string; sizeBytes: number }[] {
    return memberSizes(this.#zip.members);
  }

  /** Where the blocks of a quantum or dataset are; null if the graph doesn't know the id. */
  async find(id: Uint8Array): Promise<NodeAddresses | null> {
    const file = await this.#addresses();
    const addresses = await file.find(id);
    return addresses === null ? null : nodeAddresses(id.slice(0, UUID_SIZE), addresses);
  }

  /**
   * Nodes whose id begins with the given hexadecimal digits, in order, at most `limit`.
   *
   * @param prefixHex 1 to 32 digits without dashes.
   * @throws {SyntaxError} if it isn't that.
   */
  async findPrefix(prefixHex: string, limit: number): Promise<NodeAddresses[]> {
    const file = await this.#addresses();
    const rows = await file.findPrefix(prefixHex, limit);
    return rows.map(({ id, addresses }) => nodeAddresses(id, addresses));
  }

  /** All nodes in the order of their ids, with large reads. */
  async *nodes(): AsyncGenerator<NodeAddresses> {
    const file = await this.#addresses();
    for await (const { id, addresses: a } of file.rows()) {
      yield nodeAddresses(
        id.slice(),
        [0, 2, 4, 6].map((i) => ({ offset: a[i], size: a[i + 1] })),
      );
    }
  }

  /**
   * JSON text of a dataset (`schema/quantum-graph.md`, section 8.3). @throws as {@linkcode
   * readLog}.
   */
  readDataset(address: Address): Promise<Uint8Array> {
    return this.#readBlock(DATASETS_MEMBER, address);
  }

  /**
   * JSON text of a quantum (`schema/quantum-graph.md`, section 8.4). @throws as {@linkcode
   * readLog}.
   */
  readQuantum(address: Address): Promise<Uint8Array> {
    return this.#readBlock(QUANTA_MEMBER, address);
  }

  /**
   * JSON text of the logs of a quantum's attempts; {@linkcode splitAttempts} finds each.
   *
   * @throws {NotFoundError} if the address is absent (size 0).
   * @throws {InvalidQuantumGraphFileError} if no such block is there or it is damaged.
   */
  readLog(address: Address): Promise<Uint8Array> {
    return this.#readBlock(LOGS_MEMBER, address);
  }

  /** JSON text of the metadata of a quantum's attempts. @throws as {@linkcode readLog}. */
  readMetadata(address: Address): Promise<Uint8Array> {
    return this.#readBlock(METADATA_MEMBER, address);
  }

  /**
   * Reads blocks that are asked for next, neighbouring ones at once, and holds their bytes until the
   * next call: at most 16 MiB of them, beyond which blocks are read one by one.
   */
  async prefetchBlocks(
    blocks: readonly { member: ProvenanceMember; address: Address }[],
  ): Promise<void> {
    const ranges: ByteRange[] = [];
    for (const { member, address: { offset, size } } of blocks) {
      const start = this.#dataOffsets.get(member) ?? presumedDataOffset(this.#zip.members, member);
      if (start === null || size === 0) continue;
      ranges.push({ startByte: start + offset, endByte: start + offset + size });
    }
    await this.#source.hold(joinRanges(ranges));
  }

  /**
   * JSON texts of the quanta at these addresses, in their order: neighbouring ones are read at once. Memory:
   * what is read at once, 16 MiB at most.
   *
   * @throws as {@linkcode readLog}.
   */
  async *quantaAt(addresses: readonly Address[]): AsyncGenerator<Uint8Array> {
    await this.#prepareFor(addresses.length);
    for (let at = 0; at < addresses.length; at += BLOCKS_AT_ONCE) {
      const batch = addresses.slice(at, at + BLOCKS_AT_ONCE);
      await this.prefetchBlocks(batch.map((address) => ({ member: QUANTA_MEMBER, address })));
      for (const address of batch) yield await this.readQuantum(address);
    }
    await this.prefetchBlocks([]);
  }

  /** The pipeline graph. Read and parsed once. */
  pipelineGraph(): Promise<PipelineGraph> {
    return this.#pipelineGraph ??= this.#readDocument(PIPELINE_GRAPH_MEMBER)
      .then((text) => PipelineGraph.parse(text, this.name));
  }

  /** JSON text of package names and versions. */
  packagesText(): Promise<Uint8Array> {
    return this.#readDocument(PACKAGES_MEMBER);
  }

  /** JSON text of the init quanta (`schema/quantum-graph.md`, section 8.2). */
  initQuantaText(): Promise<Uint8Array> {
    return this.#readDocument(INIT_QUANTA_MEMBER);
  }

  /** What tells the files of the quanta; null if the graph doesn't say that in a form known here. */
  async quantaFiles(): Promise<QuantaFiles | null> {
    if (!this.#zip.members.has(QUANTA_FILES_MEMBER)) return null;
    return await QuantaFiles.open(
      await this.#zip.memberSource(QUANTA_FILES_MEMBER),
      this.header.n_quanta,
    );
  }

  /** Whether there is a table of quanta that can be read by ranges; whether it counts, only its reader knows. */
  get hasQuantaTable(): boolean {
    return this.#zip.members.get(QUANTA_TABLE_MEMBER)?.method === 0;
  }

  /**
   * The member with the table of quanta and what reads it, with size and checksum that `quanta.mb` has; null
   * if there is no such member, or nothing to read it with. What it says is understood by `provenance/table`.
   */
  async quantaTable(): Promise<QuantaTableMember | null> {
    const { members } = this.#zip;
    if (!this.hasQuantaTable || this.#zstd.parquet === undefined) return null;
    const { size, crc32 } = members.get(QUANTA_MEMBER)!;
    return {
      source: await this.#zip.memberSource(QUANTA_TABLE_MEMBER),
      parquet: await this.#zstd.parquet(),
      quanta: { size, crc32 },
    };
  }

  /**
   * Passes over all blocks of a member in the order of the file, with large reads. Memory: one read
   * of 1 MiB and one block.
   *
   * @throws {InvalidQuantumGraphFileError} if a block is cut or damaged.
   */
  async *blocks(member: ProvenanceMember): AsyncGenerator<ProvenanceBlock> {
    await this.#prepareFor(this.#countOf(member));
    const source = await this.#zip.memberSource(member);
    const intSize = this.header.int_size;
    for await (
      const { offset, size, frame } of multiblockFrames(source, intSize, MEMBER_WORDS[member])
    ) {
      yield { offset, size, text: this.#decode(frame, member, offset) };
    }
  }

  /**
   * {@linkcode blocks} for those who do nothing asynchronous with a block: waits only for the reads,
   * which spares a microsecond or two a block.
   *
   * @param visit Called with the text of each block; it belongs to the caller.
   * @throws as {@linkcode blocks}, and what `visit` throws.
   */
  async forEachBlock(
    member: ProvenanceMember,
    visit: (text: Uint8Array, offset: number) => void,
  ): Promise<void> {
    await this.#prepareFor(this.#countOf(member));
    const source = await this.#zip.memberSource(member);
    const pass = new MultiblockPass(
      source.size,
      this.header.int_size,
      source.name,
      MEMBER_WORDS[member],
    );
    for (let range = pass.request(); range !== null; range = pass.request()) {
      for (const { offset, frame } of pass.feed(await source.read(range.offset, range.length))) {
        visit(this.#decode(frame, member, offset), offset);
      }
    }
  }

  /** Makes the codecs ready for so many blocks. */
  async #prepareFor(nBlocks: number): Promise<void> {
    if (nBlocks >= MANY_BLOCKS) await this.#zstd.prepare();
  }

  /** Blocks of a member, at most. */
  #countOf(member: ProvenanceMember): number {
    return member === DATASETS_MEMBER ? this.header.n_datasets : this.header.n_quanta;
  }

  /**
   * Checks all that ingesting relies on, short of reading every block: members there, CRC-32 of the
   * small ones and of `nodes.addr`, address rows sorted, every range inside its member, counts as in
   * the header. Reads all but the multi-block members once. Memory: 1 MiB.
   *
   * @throws {InvalidQuantumGraphFileError} naming the member that is wrong.
   */
  async verifyStructure(): Promise<void> {
    for (const name of [PIPELINE_GRAPH_MEMBER, INIT_QUANTA_MEMBER]) {
      requireMember(this.#zip, name, this.name);
    }
    const small = [
      HEADER_MEMBER,
      DICTIONARY_MEMBER,
      PIPELINE_GRAPH_MEMBER,
      PACKAGES_MEMBER,
      INIT_QUANTA_MEMBER,
      NODES_ADDRESS_MEMBER,
      NODES_FENCES_MEMBER,
      QUANTA_FILES_MEMBER,
      QUANTA_TABLE_MEMBER,
    ];
    for (const name of small) {
      if (this.#zip.members.has(name)) await this.#zip.checkMember(name);
    }
    // Also the local headers of the large members, which only reading a block would look at.
    for (const name of NODES_ADDRESS_COLUMNS) await this.#zip.dataOffset(name);
    await this.#verifyAddresses();
  }

  /**
   * Checks the CRC-32 of the multi-block members: what {@linkcode verifyStructure} leaves out. Reads
   * them once. Memory: 1 MiB.
   *
   * @param onRead Told the bytes of each piece that was read.
   * @throws {InvalidQuantumGraphFileError} naming the member that is damaged.
   */
  async verifyBlocks(onRead?: (nBytes: number) => void): Promise<void> {
    for (const name of NODES_ADDRESS_COLUMNS) await this.#zip.checkMember(name, onRead);
  }

  /**
   * Whether the blocks are those that the writer had checked; to be believed once
   * {@linkcode verifyBlocks} has compared their checksums.
   */
  async areBlocksAsChecked(): Promise<boolean> {
    const member = this.#zip.members.get(CHECKED_BLOCKS_MEMBER);
    if (member === undefined || member.size > MAX_HEADER_SIZE) return false;
    const text = await this.#zip.readMember(CHECKED_BLOCKS_MEMBER);
    return isCheckedAsWritten(text, (name) => this.#zip.members.get(name));
  }

  /** Bytes that {@linkcode verifyBlocks} reads. */
  get nBlockBytes(): number {
    return NODES_ADDRESS_COLUMNS.reduce(
      (sum, name) => sum + (this.#zip.members.get(name)?.size ?? 0),
      0,
    );
  }

  /** Closes the source. A second call does nothing. */
  close(): void {
    this.#source.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #verifyAddresses(): Promise<void> {
    const intSize = this.header.int_size;
    const source = await this.#zip.memberSource(NODES_ADDRESS_MEMBER);
    const nAddresses = NODES_ADDRESS_COLUMNS.length;
    const headerSize = addressHeaderSize(intSize);
    const head = await source.read(0, Math.min(source.size, headerSize));
    checkAddressHeader(head, source.size, nAddresses, intSize, source.name);
    const checker = new AddressChecker(
      source.name,
      intSize,
      NODES_ADDRESS_COLUMNS.map((name) => ({ name, size: this.#zip.members.get(name)!.size })),
    );
    const rowSize = addressRowSize(nAddresses, intSize);
    const step = PASS_READ_SIZE - PASS_READ_SIZE % rowSize;
    for (let at = headerSize; at < source.size; at += step) {
      checker.feed(await source.read(at, Math.min(step, source.size - at)));
    }
    const [nDatasets, nQuanta] = checker.nPresent;
    if (nQuanta !== this.header.n_quanta) {
      throw this.#invalid(
        `it has ${nQuanta} quanta, its header says ${this.header.n_quanta}`,
      );
    }
    // The header counts the packages dataset, which has no block (`schema/quantum-graph.md`,
    // section 5).
    const nExpected = this.header.n_datasets;
    if (nDatasets !== nExpected && nDatasets !== nExpected - 1) {
      throw this.#invalid(`it has ${nDatasets} datasets, its header says ${nExpected}`);
    }
  }

  #addresses(): Promise<AddressFile> {
    return this.#addressFile ??= this.#openAddresses();
  }

  async #openAddresses(): Promise<AddressFile> {
    const { members } = this.#zip;
    const start = planMemberStart(members, NODES_ADDRESS_MEMBER, PROBE_SIZE);
    if (start !== null) await this.#source.prefetch(start);
    const member = await this.#zip.memberSource(NODES_ADDRESS_MEMBER);
    const file = await AddressFile.open(
      member,
      NODES_ADDRESS_COLUMNS.length,
      this.header.int_size,
      { fences: await this.#fences() },
    );
    const dataOffset = await this.#zip.dataOffset(NODES_ADDRESS_MEMBER);
    await file.preloadFrom(Math.max(0, this.#source.tailStart - dataOffset));
    return file;
  }

  /** Fences are hints that save reads, so they are used only where they cost none. */
  async #fences(): Promise<Uint8Array | null> {
    const member = this.#zip.members.get(NODES_FENCES_MEMBER);
    if (
      member === undefined || member.size === 0 || member.size % UUID_SIZE !== 0 ||
      member.size > MAX_FENCES * UUID_SIZE || member.headerOffset < this.#source.tailStart
    ) return null;
    return await this.#zip.readMember(NODES_FENCES_MEMBER);
  }

  async #readBlock(member: ProvenanceMember, address: Address): Promise<Uint8Array> {
    const what = MEMBER_WORDS[member];
    if (address.size === 0) {
      throw new NotFoundError(`Cannot read ${what} from "${this.name}": the graph has none for it`);
    }
    const memberName = `${this.name}: ${member}`;
    const intSize = this.header.int_size;
    checkAddress(address, this.#zip.members.get(member)!.size, intSize, memberName, what);
    const block = await this.#readRange(member, address);
    return this.#decode(blockPayload(block, intSize, memberName, what), member, address.offset);
  }

  /** The bytes at an address, in one read where the member is where it should be. */
  async #readRange(member: string, { offset, size }: Address): Promise<Uint8Array> {
    let start = this.#dataOffsets.get(member);
    if (start === undefined) {
      const presumed = presumedDataOffset(this.#zip.members, member);
      if (presumed !== null) {
        const block = await this.#source.read(presumed + offset, size);
        if (isWholeBlock(block, this.header.int_size)) {
          this.#dataOffsets.set(member, presumed);
          return block;
        }
      }
      start = await this.#zip.dataOffset(member);
      this.#dataOffsets.set(member, start);
    }
    return await this.#source.read(start + offset, size);
  }

  #decode(frame: Uint8Array, member: string, offset: number): Uint8Array {
    return this.#decompressor.decompress(
      frame,
      `block at ${offset} of "${this.name}: ${member}"`,
      documentLimit(member, this.#zip.members),
    );
  }

  async #readDocument(name: string): Promise<Uint8Array> {
    requireMember(this.#zip, name, this.name);
    const limit = documentLimit(name, this.#zip.members);
    return this.#decompressor.decompress(
      // A frame is hardly larger than what it holds.
      await this.#zip.readMember(name, { maxSize: 2 * limit }),
      `"${this.name}: ${name}"`,
      limit,
    );
  }

  #invalid(state: string): InvalidQuantumGraphFileError {
    return new InvalidQuantumGraphFileError(`Cannot use "${this.name}": ${state}`);
  }
}

function nodeAddresses(id: Uint8Array, addresses: readonly Address[]): NodeAddresses {
  const [dataset, quantum, log, metadata] = addresses;
  return { id, dataset, quantum, log, metadata };
}
